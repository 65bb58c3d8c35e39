//! Log lines for people. Fields are `name=value`, with nothing in them that could move the cursor or begin a new line;
//! numbers have three decimals at most. What a span around the event says already it does not say again. A line about a
//! job ends with its trace and with who wrote it.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;
use warmer_traces::names;

use super::lines::Around;
use crate::output::printable_line;

/// Formats an event as one line.
pub(super) struct Lines {
    around: Around,
    line: Format,
}

impl Lines {
    pub(super) fn new(around: Around, colour: bool) -> Self {
        Self { around, line: Format::default().with_ansi(colour) }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, Fields> for Lines {
    fn format_event(&self, ctx: &FmtContext<'_, S, Fields>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = String::new();
        self.line.format_event(ctx, Writer::new(&mut line), event)?;
        let line = line.trim_end_matches('\n');
        // The fields of the event come last, and are written once more, without what is said before them.
        let spans = ctx.event_scope().into_iter().flat_map(|scope| scope.from_root());
        let said = spans.filter_map(|span| Some(span.extensions().get::<FormattedFields<Fields>>()?.to_string()));
        match line.strip_suffix(written(event, vec![])?.as_str()) {
            Some(head) => write!(writer, "{head}{}", written(event, said.collect())?)?,
            None => writer.write_str(line)?,
        }
        if let Some(span) = ctx.lookup_current() {
            if let Some(trace) = self.around.trace(&span.id()) {
                write!(writer, " trace_id={}", trace.trace_id())?;
            }
            write!(writer, " instance={}", self.around.instance())?;
        }
        writeln!(writer)
    }
}

/// The fields of an event, without those that stand in `said`.
fn written(event: &Event<'_>, said: Vec<String>) -> Result<String, fmt::Error> {
    let mut fields = String::new();
    let mut visitor = Visitor { writer: Writer::new(&mut fields), said, first: true, result: Ok(()) };
    event.record(&mut visitor);
    visitor.result.map(|()| fields)
}

/// Formats the fields of events and spans.
pub(super) struct Fields;

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = Visitor { writer, said: vec![], first: true, result: Ok(()) };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct Visitor<'writer> {
    writer: Writer<'writer>,
    /// The fields of the spans around it.
    said: Vec<String>,
    first: bool,
    result: fmt::Result,
}

impl Visitor<'_> {
    fn is_said(&self, field: &str) -> bool {
        let field = format!(" {field} ");
        self.said.iter().any(|fields| format!(" {fields} ").contains(&field))
    }
}

impl Visit for Visitor<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.record_debug(field, &super::lines::short(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // What is there for who reads traces is in a log only in the way.
        if self.result.is_err() || names::is_for_traces_alone(field.name()) {
            return;
        }
        let value = format!("{value:?}");
        let name = field.name();
        let field = match name {
            "message" => printable_line(&value).into_owned(),
            _ => format!("{name}={}", printable_line(&value)),
        };
        if name != "message" && self.is_said(&field) {
            return;
        }
        let space = if std::mem::take(&mut self.first) { "" } else { " " };
        self.result = write!(self.writer, "{space}{field}");
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut chain = value.to_string();
        for source in std::iter::successors(value.source(), |error| error.source()) {
            let _ = write!(chain, ": {source}");
        }
        self.record_debug(field, &format_args!("{chain}"));
    }
}

#[cfg(test)]
mod tests {
    use crate::telemetry::settings::LogFormat;
    use crate::telemetry::tests::logged;

    #[test]
    fn a_value_cannot_begin_a_new_line_or_colour_the_terminal() {
        let lines = logged(LogFormat::Text, || {
            let _span = tracing::info_span!("span", path = %"a\u{1b}[31m\nb", otel.kind = "consumer").entered();
            tracing::info!(path = %"c\rd", "a \u{9b}message\nof two lines");
        });
        assert_eq!(lines.matches('\n').count(), 1, "{lines}");
        assert!(lines.contains("path=a\\u{1b}[31m\\nb}") && lines.contains("path=c\\rd"), "{lines}");
        assert!(lines.contains("a \\u{9b}message\\nof two lines"), "{lines}");
    }

    #[test]
    fn a_line_about_a_job_has_its_number_its_trace_and_the_instance() {
        let lines = logged(LogFormat::Text, || {
            tracing::info_span!("process", job.id = 7, db.system.name = "sqlite").in_scope(|| tracing::info!("inside"));
            tracing::info!("outside");
        });
        let (inside, outside) = lines.trim_end().split_once('\n').unwrap();
        let field = |name: &str| inside.split(' ').find_map(|word| word.strip_prefix(name)).map(str::len);
        assert!(inside.contains("process{job.id=7}: ") && !outside.contains("instance="), "{lines}");
        assert_eq!((field("trace_id="), field("instance=")), (Some(32), Some(36)), "{lines}");
    }

    #[test]
    fn what_a_span_says_already_is_not_said_again_and_seconds_have_three_decimals() {
        let end = |job: i64, outcome| {
            let lines = logged(LogFormat::Text, || {
                let span = tracing::info_span!("process", job.id = 7, wait = 0.087_654_321, outcome = "warmed");
                span.in_scope(|| tracing::info!(job.id = job, outcome, took_ms = 5, rate = 2.0, "job ended"));
            });
            let (_, line) = lines.split_once("process").expect("a span");
            line.split(" trace_id").next().unwrap_or_default().to_owned()
        };
        let around = "{job.id=7 wait=0.088 outcome=\"warmed\"}: warmer::telemetry::text::tests: job ended";
        assert_eq!(end(7, "warmed"), format!("{around} took_ms=5 rate=2.0"));
        assert_eq!(end(77, "fresh"), format!("{around} job.id=77 outcome=\"fresh\" took_ms=5 rate=2.0"));
        let alone = logged(LogFormat::Text, || tracing::info!(job.id = 7, "job ended"));
        assert!(alone.ends_with("job ended job.id=7\n"), "{alone}");
        let message = logged(LogFormat::Text, || {
            tracing::info_span!("span", path = %"a job ended here").in_scope(|| tracing::info!("job ended"));
        });
        assert!(message.contains("tests: job ended "), "whatever a span says: {message}");
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let error = anyhow::anyhow!("inner").context("outer");
        let error: &(dyn std::error::Error + 'static) = error.as_ref();
        let lines = logged(LogFormat::Text, || tracing::info!(error, "failed"));
        assert!(lines.contains("error=outer: inner"), "{lines}");
    }
}
