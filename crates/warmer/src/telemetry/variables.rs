//! The `OTEL_…` variables, as OpenTelemetry's specification has them. The SDK reads most of them itself, and goes on
//! with a default where a value is wrong; here all are checked before, and those that it does not read are read.

mod tables;

use std::time::Duration;

use warmer_settings::Mistake;

use self::tables::{
    CERTIFICATES, EXPORT_TIMEOUT, FOREIGN, METRICS, NUMBERS, PAIRS, PROPAGATORS, QUEUE_SIZE, Signal, TEMPORALITY,
    TRACES, WORDS,
};
use super::collector::host_and_port;
use crate::environment::Environment;
use crate::output::printable_line;

/// Spans that wait for export. The SDK's own 2,048 lose spans where many small batches end in a burst.
const QUEUE: usize = 8192;

/// How long a request may take where nobody says otherwise, in milliseconds, as the specification has it.
const TIMEOUT_DEFAULT: u64 = 10_000;

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
        let off = reading.word("OTEL_SDK_DISABLED", &["true", "false"]).is_some_and(|word| word == "true");
        let propagates = reading.propagates();
        let (collector, metrics) = if off { (None, None) } else { reading.rest() };
        let queue = environment.text(QUEUE_SIZE).and_then(|size| size.parse().ok()).filter(|size| *size > 0);
        if !reading.mistakes.is_empty() {
            return Err(reading.mistakes);
        }
        Ok(Self { collector, metrics, propagates, queue: queue.unwrap_or(QUEUE), warnings: reading.warnings })
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
        for (name, words) in WORDS {
            self.words(name, words);
        }
        let (name, words) = TEMPORALITY;
        self.word(name, &words);
        self.numbers();
        self.ratio();
        self.pairs();
        for name in CERTIFICATES.into_iter().filter(|name| self.environment.get(name).is_some()) {
            self.warnings.push(format!("{name} is not read: SSL_CERT_FILE names certificates to trust"));
        }
        let (traces, mut metrics) = (self.collector(&TRACES), self.collector(&METRICS));
        // Of metrics an export is one request: what has less time counts.
        if let (Some(metrics), Some(export)) = (&mut metrics, self.milliseconds(EXPORT_TIMEOUT)) {
            metrics.timeout = metrics.timeout.min(export);
        }
        (traces, metrics)
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
        let named = signal.endpoints.into_iter().find(|name| self.environment.get(name).is_some());
        if let Some(variable) = named {
            let url = self.environment.text(variable).unwrap_or_default().to_owned();
            let bare = grpc && !url.contains("://") && host_and_port(&format!("https://{url}")).is_some();
            if !bare && host_and_port(&url).is_none() {
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
        let Some(list) = self.environment.text(NAME) else { return true };
        for item in items(list) {
            if FOREIGN.contains(&item) {
                self.warnings
                    .push(format!("{NAME} has {item:?}, which is left out: traces go on by tracecontext alone"));
            } else if !PROPAGATORS.contains(&item) {
                self.wrong(NAME, expected(&PROPAGATORS, item));
            }
        }
        items(list).any(|item| item == "tracecontext")
    }

    fn word(&mut self, name: &'static str, words: &[&str]) -> Option<String> {
        let value = self.environment.get(name)?.to_string_lossy().to_ascii_lowercase();
        if !words.contains(&&*value) {
            self.wrong(name, expected(words, &value));
        }
        Some(value)
    }

    fn words(&mut self, name: &'static str, words: &[&str]) {
        let Some(value) = self.environment.get(name) else { return };
        let value = value.to_string_lossy();
        let truths = words.contains(&"true");
        for item in items(&value) {
            let known = words.contains(&item) || truths && words.contains(&&*item.to_ascii_lowercase());
            if !known {
                self.wrong(name, expected(words, item));
            }
        }
    }

    fn numbers(&mut self) {
        for (name, least) in NUMBERS {
            let Some(value) = self.environment.get(name) else { continue };
            let value = value.to_string_lossy();
            if value.parse::<u32>().is_ok_and(|number| number >= least) {
                continue;
            }
            self.wrong(name, format!("expected a whole number from {least} on, found {}", shown(&value)));
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
        for name in PAIRS {
            let Some(value) = self.environment.get(name) else { continue };
            let pair = |pair: &str| pair.split_once('=').is_some_and(|(key, _)| !key.trim().is_empty());
            if !value.to_str().is_some_and(|list| items(list).all(pair)) {
                self.wrong(name, "expected KEY=VALUE, with commas in between".to_owned());
            }
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

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
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

/// The keys that the environment gives the resource: ours stand back behind them.
pub(super) fn resource_keys(environment: &Environment) -> impl Iterator<Item = &str> {
    let list = environment.text("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    items(list).filter_map(|item| Some(item.split_once('=')?.0.trim()))
}

#[cfg(test)]
mod tests;
