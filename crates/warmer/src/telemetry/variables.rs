//! The `OTEL_…` variables, as OpenTelemetry's specification has them. The SDK reads most of them itself, and goes on
//! with a default where a value is wrong; here all are checked before, and those that it does not read are read.

mod pairs;
mod tables;

use std::time::Duration;

use warmer_settings::Mistake;
use warmer_traces::names;

use self::pairs::items;
use self::tables::{
    BATCH_SIZE, CERTIFICATES, DECLARED, ELSEWHERE, FOREIGN, FOREIGN_LOGS, HEADERS, LISTS, LOGS, METRICS, NUMBERS,
    PROPAGATORS, QUEUE_MOST, QUEUE_SIZE, RESOURCE, SERVICE_NAME, Signal, TRACES, WORDS, WORDS_IN_ANY_CASE,
};
use super::collector::is_url;
use crate::environment::Environment;
use crate::output::printable_line;

/// Spans that wait for export. The SDK's own 2,048 lose spans where many small batches end in a burst.
const QUEUE: usize = 8192;

/// How long a request may take where nobody says otherwise, in milliseconds, as the specification has it.
const TIMEOUT_DEFAULT: u64 = 10_000;

const NOT_UTF_8: &str = "expected text in UTF-8";

/// So much of a wrong value is shown.
const SHOWN_CHARACTERS: usize = 40;

/// What the environment says about telemetry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Variables {
    /// Where traces go; `None`: nowhere.
    pub(crate) collector: Option<Collector>,
    /// Where metrics go; `None`: nowhere, but to who asks for them.
    pub(crate) metrics: Option<Collector>,
    /// Whether other processes are told of traces.
    pub(crate) propagates: bool,
    /// Spans that may wait for export.
    pub(super) queue: usize,
    /// What was asked for and is not there.
    pub(crate) warnings: Vec<String>,
}

/// Where traces or metrics go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Collector {
    /// The variable that says so.
    pub(crate) variable: &'static str,
    /// As that says it; it may have a password.
    pub(crate) url: String,
    /// How it is spoken to.
    pub(crate) protocol: Protocol,
    /// How long a request may take.
    pub(crate) timeout: Duration,
}

impl Collector {
    /// Whether it is spoken to without TLS: then no certificates are needed, which take milliseconds to read, and are
    /// not there on every machine.
    pub(crate) fn is_plain(&self) -> bool {
        self.url.starts_with("http://")
    }
}

/// How a collector is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// OTLP as protobuf over HTTP.
    #[default]
    Http,
    /// OTLP over gRPC.
    Grpc,
}

impl Variables {
    /// Reads them. Where the SDK is switched off nothing else counts.
    ///
    /// # Errors
    /// All that are wrong, by their names.
    pub(crate) fn read(environment: &Environment) -> Result<Self, Vec<Mistake>> {
        let mut reading = Reading { environment, mistakes: vec![], warnings: vec![] };
        let off = reading.word_in_any_case("OTEL_SDK_DISABLED", &["true", "false"]).is_some_and(|word| word == "true");
        let propagates = reading.propagates();
        let (collector, metrics) = if off { (None, None) } else { reading.rest() };
        let queue = reading.queue();
        if !reading.mistakes.is_empty() {
            return Err(reading.mistakes);
        }
        Ok(Self { collector, metrics, propagates, queue, warnings: reading.warnings })
    }
}

/// The variables while they are read.
struct Reading<'a> {
    environment: &'a Environment,
    mistakes: Vec<Mistake>,
    warnings: Vec<String>,
}

impl Reading<'_> {
    /// Everything but what switches the SDK off: where traces go, and metrics.
    fn rest(&mut self) -> (Option<Collector>, Option<Collector>) {
        for (name, words) in LISTS {
            self.words(name, words);
        }
        for (name, words) in WORDS {
            self.word(name, words);
        }
        for (name, words) in WORDS_IN_ANY_CASE {
            self.word_in_any_case(name, words);
        }
        self.numbers();
        self.batches();
        self.ratio();
        self.pairs();
        self.logs();
        self.files();
        for (name, instead) in ELSEWHERE.into_iter().filter(|(name, _)| self.environment.get(name).is_some()) {
            self.warnings.push(format!("{name} is not read: {instead}"));
        }
        (self.collector(&TRACES), self.collector(&METRICS))
    }

    /// Spans that may wait for export. Where the SDK is off a file of traces may have them all the same.
    fn queue(&self) -> usize {
        let size = self.environment.text(QUEUE_SIZE).and_then(|size| size.parse::<u32>().ok());
        size.filter(|size| (1..=QUEUE_MOST).contains(size)).map_or(QUEUE, |size| size as usize)
    }

    fn collector(&mut self, signal: &Signal) -> Option<Collector> {
        let exporter = self.environment.text(signal.exporter);
        let asks = |exporter: &str| items(exporter).any(|item| item == "otlp");
        // Whoever names exporters, but not this one, wants it not: "none", or "prometheus" alone.
        if exporter.is_some_and(|list| !asks(list)) {
            return None;
        }
        let grpc = signal.protocols.into_iter().find_map(|name| self.environment.text(name)) == Some("grpc");
        let protocol = if grpc { Protocol::Grpc } else { Protocol::Http };
        let timeout = signal.timeouts.into_iter().find_map(|name| self.milliseconds(name));
        let timeout = timeout.unwrap_or(Duration::from_millis(TIMEOUT_DEFAULT));
        // What has less time counts.
        let timeout = self.milliseconds(signal.batch_timeout).map_or(timeout, |batch| timeout.min(batch));
        let named = signal.endpoints.into_iter().find(|name| self.environment.get(name).is_some());
        if let Some(variable) = named {
            let url = self.environment.text(variable).unwrap_or_default().to_owned();
            let bare = grpc && !url.contains("://") && is_url(&format!("https://{url}"));
            if !bare && !is_url(&url) {
                let port = if grpc { 4317 } else { 4318 };
                self.wrong(variable, format!("expected a URL such as http://localhost:{port}"));
            }
            return Some(Collector { variable, url, protocol, timeout });
        }
        let url = if grpc { "http://localhost:4317" } else { "http://localhost:4318" };
        exporter.map(|_| Collector { variable: signal.exporter, url: url.to_owned(), protocol, timeout })
    }

    fn milliseconds(&self, name: &str) -> Option<Duration> {
        self.environment.text(name)?.parse().ok().map(Duration::from_millis)
    }

    /// Names of others are no mistake: an operator sets them for many programs.
    fn propagates(&mut self) -> bool {
        const NAME: &str = "OTEL_PROPAGATORS";
        let Some(list) = self.environment.get(NAME).map(|list| list.to_string_lossy()) else { return true };
        for item in items(&list) {
            if FOREIGN.contains(&item) {
                self.warnings
                    .push(format!("{NAME} has {item:?}, which is left out: traces go on by tracecontext alone"));
            } else if !PROPAGATORS.contains(&item) {
                self.wrong(NAME, expected(&PROPAGATORS, item));
            }
        }
        items(&list).any(|item| item == "tracecontext")
    }

    /// Logs are not exported, but an operator may ask many programs for it.
    fn logs(&mut self) {
        let Some(list) = self.environment.get(LOGS).map(|list| list.to_string_lossy()) else { return };
        for item in items(&list) {
            if FOREIGN_LOGS.contains(&item) {
                self.warnings.push(format!("{LOGS} has {item:?}, which is left out: logs go to stderr alone"));
            } else if item != "none" {
                self.wrong(LOGS, expected(&["none"], item));
            }
        }
    }

    /// What is not used: certificates, of which only the machine's count, and a file that would say all of this.
    fn files(&mut self) {
        for name in CERTIFICATES {
            let Some(path) = self.environment.get(name) else { continue };
            match std::fs::File::open(path) {
                Ok(_) => {
                    self.warnings.push(format!("{name} is not read: SSL_CERT_FILE names certificates to trust"));
                }
                Err(error) => {
                    let path = shown(&path.to_string_lossy());
                    self.wrong(
                        name,
                        format!("cannot read {path} ({error}); SSL_CERT_FILE names certificates to trust"),
                    );
                }
            }
        }
        for name in DECLARED.into_iter().filter(|name| self.environment.get(name).is_some()) {
            self.wrong(name, "a file is not supported; set the other OTEL_ variables instead".to_owned());
        }
    }

    fn word(&mut self, name: &'static str, words: &[&str]) {
        let Some(value) = self.environment.get(name).map(|value| value.to_string_lossy()) else { return };
        if !words.contains(&&*value) {
            self.wrong(name, expected(words, &value));
        }
    }

    fn word_in_any_case(&mut self, name: &'static str, words: &[&str]) -> Option<String> {
        let value = self.environment.get(name)?.to_string_lossy().to_ascii_lowercase();
        if !words.contains(&&*value) {
            self.wrong(name, expected(words, &value));
        }
        Some(value)
    }

    fn words(&mut self, name: &'static str, words: &[&str]) {
        let Some(value) = self.environment.get(name) else { return };
        for item in items(&value.to_string_lossy()).filter(|item| !words.contains(item)) {
            self.wrong(name, expected(words, item));
        }
    }

    fn numbers(&mut self) {
        for (name, range) in NUMBERS {
            let Some(value) = self.environment.get(name) else { continue };
            let value = value.to_string_lossy();
            if value.parse().is_ok_and(|number| range.contains(&number)) {
                continue;
            }
            let numbers = match (range.start(), range.end()) {
                (least, &u32::MAX) => format!("a whole number from {least} on"),
                (least, most) if least == most => most.to_string(),
                (least, most) => format!("a whole number from {least} to {most}"),
            };
            self.wrong(name, format!("expected {numbers}, found {}", shown(&value)));
        }
    }

    /// A batch that the queue has no room for is never whole.
    fn batches(&mut self) {
        let batch = self.environment.text(BATCH_SIZE).and_then(|size| size.parse::<u32>().ok());
        let queue = self.queue();
        if let Some(batch) = batch.filter(|batch| *batch as usize > queue) {
            self.wrong(BATCH_SIZE, format!("expected at most {queue}, which {QUEUE_SIZE} is, found \"{batch}\""));
        }
    }

    fn ratio(&mut self) {
        const NAME: &str = "OTEL_TRACES_SAMPLER_ARG";
        let by_ratio = self.environment.text("OTEL_TRACES_SAMPLER").is_some_and(|name| name.ends_with("traceidratio"));
        let Some(value) = self.environment.get(NAME).filter(|_| by_ratio) else { return };
        let value = value.to_string_lossy();
        if !value.parse::<f64>().is_ok_and(|ratio| (0.0..=1.0).contains(&ratio)) {
            self.wrong(NAME, format!("expected a number between 0 and 1, found {}", shown(&value)));
        }
    }

    fn pairs(&mut self) {
        let said = |name| Some((name, self.environment.get(name)?));
        let headers = HEADERS.into_iter().filter_map(said).map(|(name, list)| {
            let list = list.to_str().ok_or(NOT_UTF_8);
            (name, list.and_then(pairs::are_headers))
        });
        let resource = said(RESOURCE).map(|(name, list)| {
            let list = list.to_str().ok_or(NOT_UTF_8);
            (name, list.and_then(pairs::read).map(drop))
        });
        let service = said(SERVICE_NAME).map(|(name, text)| (name, text.to_str().ok_or(NOT_UTF_8).map(drop)));
        let wrong: Vec<_> = headers.chain(resource).chain(service).collect();
        for (name, checked) in wrong {
            checked.unwrap_or_else(|message| self.wrong(name, message.to_owned()));
        }
    }

    /// Once: what traces and metrics share is read for both.
    fn wrong(&mut self, name: &'static str, message: String) {
        let mistake = Mistake::new(name, message);
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
    }
}

fn expected(words: &[&str], found: &str) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
    format!("expected {}, found {}", words.join(" or "), shown(found))
}

fn shown(value: &str) -> String {
    let short: String = value.chars().take(SHOWN_CHARACTERS).collect();
    let more = if short.len() < value.len() { "…" } else { "" };
    format!("\"{}{more}\"", printable_line(&short))
}

/// The attributes that the environment gives the resource: ours stand back behind them. The name of the service has a
/// variable of its own, which goes before.
pub(super) fn resource_attributes(environment: &Environment) -> Vec<(String, String)> {
    let list = environment.text(RESOURCE).unwrap_or_default();
    let mut attributes = pairs::read(list).unwrap_or_default();
    if let Some(name) = environment.text(SERVICE_NAME) {
        attributes.retain(|(key, _)| key != names::SERVICE_NAME);
        attributes.push((names::SERVICE_NAME.to_owned(), name.to_owned()));
    }
    attributes
}

#[cfg(test)]
mod tests;
