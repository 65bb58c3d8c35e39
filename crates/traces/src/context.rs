//! A place in a trace, as W3C Trace Context (version 00) writes it, and as it stands in a row.

use std::fmt;

/// What a `tracestate` may have, so that a stranger's does not fill rows.
const STATE_BYTES_MAX: usize = 512;

/// The span that others are linked to or hang below. Its text is a `traceparent` and, behind a space, its `tracestate`,
/// where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    traceparent: String,
    tracestate: Option<String>,
}

impl TraceContext {
    /// Of the two headers; `None`: the first names no span. A second that is malformed is left out, as the
    /// specification says.
    #[must_use]
    pub fn new(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let tracestate = tracestate.map(str::trim).filter(|text| is_tracestate(text)).map(str::to_owned);
        is_traceparent(traceparent).then(|| Self { traceparent: traceparent.to_owned(), tracestate })
    }

    /// Of one line of a row.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let (traceparent, tracestate) = line.split_once(' ').map_or((line, None), |(one, two)| (one, Some(two)));
        Self::new(traceparent, tracestate)
    }

    /// Of the lines of a row, without those that are none; who asked twice is there once.
    #[must_use]
    pub fn read_all(lines: &str) -> Vec<Self> {
        let mut read = vec![];
        for context in lines.lines().filter_map(Self::read) {
            if !read.contains(&context) {
                read.push(context);
            }
        }
        read
    }

    /// `00-TRACE-SPAN-FLAGS`, in small hexadecimal.
    #[must_use]
    pub fn traceparent(&self) -> &str {
        &self.traceparent
    }

    /// What systems on the way have to say about the trace.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.tracestate.as_deref()
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.traceparent)?;
        self.tracestate.iter().try_for_each(|tracestate| write!(f, " {tracestate}"))
    }
}

/// `00-TRACE-SPAN-FLAGS` in small hexadecimal, neither id zero.
fn is_traceparent(text: &str) -> bool {
    let fields: Vec<_> = text.split('-').collect();
    let ["00", trace, span, flags] = fields[..] else { return false };
    let hexadecimal = |field: &str, length| {
        field.len() == length && field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let names = |field: &str, length| hexadecimal(field, length) && field.bytes().any(|byte| byte != b'0');
    names(trace, 32) && names(span, 16) && hexadecimal(flags, 2)
}

/// Entries `KEY=VALUE`, with commas in between.
fn is_tracestate(text: &str) -> bool {
    let printable = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let entry =
        |entry: &str| entry.trim().split_once('=').is_some_and(|(key, value)| !(key.is_empty() || value.is_empty()));
    !text.is_empty() && text.len() <= STATE_BYTES_MAX && printable(text) && text.split(',').all(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_has_four_fields_and_two_ids_that_are_not_zero() {
        assert!(TraceContext::new(PARENT, None).is_some());
        let zeros = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        let large = PARENT.to_uppercase();
        let longer = format!("{PARENT}-and-more");
        for bad in ["", "00-0-0-01", &format!("01{}", &PARENT[2..]), &PARENT[..50], zeros, &large, &longer] {
            assert!(TraceContext::new(bad, None).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_row_is_read_as_it_is_written_one_line_for_each() {
        let (one, two) = (TraceContext::new(PARENT, Some("vendor=a b,other=1")), TraceContext::new(PARENT, None));
        let (one, two) = (one.expect("a context"), two.expect("a context"));
        assert_eq!(TraceContext::read_all(&format!("{one}\nnone\n{two}\n{one}")), [one.clone(), two]);
        assert_eq!(one.tracestate(), Some("vendor=a b,other=1"));
    }

    #[test]
    fn a_tracestate_that_is_malformed_or_long_is_left_out() {
        let long = format!("vendor={}", "x".repeat(STATE_BYTES_MAX));
        for bad in ["", "vendor", "=1", "vendor=", "a=1,,b=2", "a=1\nb=2", "a=\u{e9}", &long] {
            let context = TraceContext::new(PARENT, Some(bad)).expect("a traceparent");
            assert_eq!(context.to_string(), PARENT, "{bad}");
        }
    }
}
