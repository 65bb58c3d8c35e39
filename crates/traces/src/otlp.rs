//! Finished spans as OTLP writes them in JSON: as much of it as we have, and as a reader of ours needs.

use serde::{Deserialize, Serialize};

/// What one export is about, and one line of a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Exported {
    /// Spans, by who made them.
    pub resource_spans: Vec<ResourceSpans>,
}

/// Spans of one process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceSpans {
    /// Which process it was.
    pub resource: Resource,
    /// Its spans, by the library that they are from.
    pub scope_spans: Vec<ScopeSpans>,
}

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Resource {
    /// What is known of it.
    pub attributes: Vec<Attribute>,
}

/// Spans of one library.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScopeSpans {
    /// The library.
    pub scope: Scope,
    /// Its spans.
    pub spans: Vec<Span>,
}

/// A library.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// What it is called.
    pub name: String,
}

/// A finished span. Ids are hexadecimal digits, times nanoseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Span {
    /// The trace that it belongs to.
    pub trace_id: String,
    /// Its own id.
    pub span_id: String,
    /// The id of its parent; empty for a root.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub parent_span_id: String,
    /// What it is called.
    pub name: String,
    /// 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: u8,
    /// When it began.
    #[serde(with = "as_text")]
    pub start_time_unix_nano: u64,
    /// When it ended.
    #[serde(with = "as_text")]
    pub end_time_unix_nano: u64,
    /// What is known of it.
    pub attributes: Vec<Attribute>,
    /// What happened meanwhile.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// Spans that it has to do with, though they are not its parent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// How it ended.
    pub status: Status,
}

/// A moment within a span.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// When it was.
    #[serde(with = "as_text")]
    pub time_unix_nano: u64,
    /// What happened.
    pub name: String,
    /// What is known of it.
    pub attributes: Vec<Attribute>,
}

/// A span that another one has to do with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Link {
    /// Its trace.
    pub trace_id: String,
    /// Its id.
    pub span_id: String,
    /// Its `tracestate`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub trace_state: String,
}

/// How a span ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// 0 nothing was said, 1 well, 2 by an error.
    pub code: u8,
    /// Why it was an error.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// A name and a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    /// The name.
    pub key: String,
    /// The value.
    pub value: Value,
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Value {
    /// A text.
    StringValue(String),
    /// Yes or no.
    BoolValue(bool),
    /// A whole number.
    IntValue(#[serde(with = "as_text")] i64),
    /// A number.
    DoubleValue(f64),
    /// Several values of a kind.
    ArrayValue {
        /// They.
        values: Vec<Self>,
    },
}

impl Exported {
    /// All spans, each with the process that made it.
    pub fn spans(&self) -> impl Iterator<Item = (&Resource, &Span)> {
        self.resource_spans.iter().flat_map(|of| {
            let spans = of.scope_spans.iter().flat_map(|scope| &scope.spans);
            spans.map(|span| (&of.resource, span))
        })
    }
}

/// Whole numbers of 64 bits, which JSON's readers would round: OTLP writes them as texts, and reads both.
mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written<N> {
        Number(N),
        Text(String),
    }

    pub(super) fn serialize<N: Display, S: Serializer>(number: &N, serializer: S) -> Result<S::Ok, S::Error> {
        number.to_string().serialize(serializer)
    }

    pub(super) fn deserialize<'de, N, D>(deserializer: D) -> Result<N, D::Error>
    where
        N: FromStr<Err: Display> + Deserialize<'de>,
        D: Deserializer<'de>,
    {
        match Written::deserialize(deserializer)? {
            Written::Number(number) => Ok(number),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_span_is_written_as_otlp_has_it() {
        let span = Span {
            start_time_unix_nano: 1_700_000_000_000_000_001,
            attributes: vec![
                Attribute { key: "a".into(), value: Value::IntValue(7) },
                Attribute { key: "b".into(), value: Value::ArrayValue { values: vec![Value::BoolValue(true)] } },
            ],
            status: Status { code: 2, message: "no route".into() },
            ..Span::default()
        };
        let written = serde_json::to_value(&span).expect("JSON");
        assert_eq!(written["startTimeUnixNano"], "1700000000000000001");
        let attributes = json!([
            { "key": "a", "value": { "intValue": "7" } },
            { "key": "b", "value": { "arrayValue": { "values": [{ "boolValue": true }] } } },
        ]);
        assert_eq!((&written["attributes"], &written["status"]["message"]), (&attributes, &json!("no route")));
        assert!(written.get("parentSpanId").is_none() && written.get("links").is_none(), "{written}");
        assert_eq!(serde_json::from_value::<Span>(written).expect("as it was written"), span);
    }

    #[test]
    fn numbers_are_read_however_another_program_wrote_them_and_what_is_more_is_passed_over() {
        let read =
            json!({ "startTimeUnixNano": 5, "flags": 1, "attributes": [{ "key": "a", "value": { "intValue": 7 } }] });
        let span: Span = serde_json::from_value(read).expect("a span");
        assert_eq!((span.start_time_unix_nano, &span.attributes[0].value), (5, &Value::IntValue(7)));
    }
}
