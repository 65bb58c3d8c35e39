//! Fields of log lines for people: `name=value`, with nothing in them that could move the cursor or begin a new line.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

use crate::output::printable_line;

/// Formats the fields of events and spans.
pub(super) struct Fields;

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = Visitor { writer, first: true, result: Ok(()) };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct Visitor<'writer> {
    writer: Writer<'writer>,
    first: bool,
    result: fmt::Result,
}

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // What only tells the exporter how to send a span is of no use to a reader.
        if self.result.is_err() || field.name().starts_with("otel.") {
            return;
        }
        let value = format!("{value:?}");
        let space = if std::mem::take(&mut self.first) { "" } else { " " };
        self.result = match field.name() {
            "message" => write!(self.writer, "{space}{}", printable_line(&value)),
            name => write!(self.writer, "{space}{name}={}", printable_line(&value)),
        };
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
    fn an_error_is_told_with_its_causes() {
        let error = anyhow::anyhow!("inner").context("outer");
        let error: &(dyn std::error::Error + 'static) = error.as_ref();
        let lines = logged(LogFormat::Text, || tracing::info!(error, "failed"));
        assert!(lines.contains("error=outer: inner"), "{lines}");
    }
}
