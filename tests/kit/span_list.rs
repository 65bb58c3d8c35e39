//! The list of all spans and their attributes, config/traces.md.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::traces::Span;

const LIST: &str = include_str!("../../config/traces.md");

/// A row of the spans.
#[derive(Debug)]
pub struct ListedSpan {
    /// What spans of it are called; `MODEL` is any word.
    pub names: Vec<String>,
    /// How the attributes' rows call them all.
    pub group: String,
    kind: String,
    parents: Vec<String>,
    /// With `.*` for all that begin so.
    pub attributes: Vec<String>,
}

/// A row of the attributes.
#[derive(Debug)]
pub struct ListedAttribute {
    kind: String,
    /// The groups of spans that may have it.
    pub on: BTreeSet<String>,
}

/// The list.
#[derive(Debug)]
pub struct SpanList {
    /// In the order of the list.
    pub spans: Vec<ListedSpan>,
    /// Calls of the database, and whether they are spans.
    pub calls: BTreeMap<String, bool>,
    /// By their names.
    pub attributes: BTreeMap<String, ListedAttribute>,
}

/// What stands in backquotes.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

impl SpanList {
    /// As it is.
    ///
    /// # Panics
    /// When one of its tables is not as wide as it was.
    #[must_use]
    pub fn read() -> Self {
        let mut list = Self { spans: vec![], calls: BTreeMap::new(), attributes: BTreeMap::new() };
        let mut section = "";
        for line in LIST.lines() {
            section = line.strip_prefix("## ").unwrap_or(section);
            if line.starts_with("| `") {
                let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
                list.row(section, &cells);
            }
        }
        list
    }

    fn row(&mut self, section: &str, cells: &[&str]) {
        match (section, cells) {
            ("Spans", &[names, group, kind, _, parents, attributes]) => self.spans.push(ListedSpan {
                names: quoted(names),
                group: group.to_owned(),
                kind: kind.to_owned(),
                parents: quoted(parents),
                attributes: quoted(attributes),
            }),
            ("Calls of the database", &[name, span, _]) => {
                self.calls.insert(name.trim_matches('`').to_owned(), span == "yes");
            }
            ("Attributes", &[name, kind, _, on, _]) => {
                let on = on.split(", ").map(str::to_owned).collect();
                self.attributes
                    .insert(name.trim_matches('`').to_owned(), ListedAttribute { kind: kind.to_owned(), on });
            }
            other => panic!("config/traces.md has a row of another width: {other:?}"),
        }
    }

    /// What of these spans is not as it is listed: name and kind, attributes with their types, and the parent, where
    /// it is there.
    #[must_use]
    pub fn unlisted(&self, spans: &[Span]) -> BTreeSet<String> {
        spans.iter().flat_map(|span| self.unlisted_of(span, spans)).collect()
    }

    fn unlisted_of(&self, span: &Span, all: &[Span]) -> Vec<String> {
        let kind = span.kind.as_str_name().trim_start_matches("SPAN_KIND_").to_lowercase();
        let is_it = |row: &&ListedSpan| row.kind == kind && row.names.iter().any(|name| is_called(name, &span.name));
        let Some(row) = self.spans.iter().find(is_it) else { return vec![format!("{kind} span {}", span.name)] };
        let mut wrong = vec![];
        for (name, value) in &span.attributes {
            let is_on = row.attributes.iter().any(|listed| match listed.strip_suffix('*') {
                Some(beginning) => name.starts_with(beginning),
                None => listed == name,
            });
            let typed = self.attributes.get(name).is_some_and(|listed| listed.kind == type_of(value));
            if !is_on || !typed {
                wrong.push(format!("{name} = {value} on {}", span.name));
            }
        }
        let parent = all.iter().find(|other| other.trace == span.trace && other.id == span.parent);
        if let Some(parent) = parent.filter(|parent| !row.parents.iter().any(|name| is_called(name, &parent.name))) {
            wrong.push(format!("{} below {}", span.name, parent.name));
        }
        wrong
    }
}

/// Whether a span's name is the listed one.
fn is_called(listed: &str, name: &str) -> bool {
    match listed.strip_suffix("MODEL") {
        Some(beginning) => name.strip_prefix(beginning).is_some_and(|model| !model.is_empty()),
        None => listed == name,
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "double",
        Value::Number(_) => "int",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::SpanKind;

    #[test]
    fn what_arrives_is_compared_to_the_name_the_kind_the_type_and_the_parent() {
        let span = |name: &str, parent: &str, kind, attribute: (&str, Value)| Span {
            trace: "t".to_owned(),
            id: name.to_owned(),
            parent: parent.to_owned(),
            name: name.to_owned(),
            kind,
            attributes: [(attribute.0.to_owned(), attribute.1)].into(),
            ..Span::default()
        };
        let root = span("process warm_jobs", "", SpanKind::Consumer, ("job.id", 7.into()));
        let stage = |attribute| span("stage embed", "process warm_jobs", SpanKind::Internal, attribute);
        let batch = |kind, parent| span("embeddings m", parent, kind, ("warmer.wait.lease", 0.5.into()));
        let list = SpanList::read();
        let unlisted = |spans: &[Span]| list.unlisted(spans).into_iter().collect::<Vec<_>>().join("; ");
        let wait = || ("warmer.wait.session", Value::from(1.5));
        let internal = SpanKind::Internal;
        assert_eq!(unlisted(&[root.clone(), stage(wait()), batch(internal, "stage embed")]), "");
        assert_eq!(unlisted(&[stage(("warmer.wait.session", 1.into()))]), "warmer.wait.session = 1 on stage embed");
        assert_eq!(unlisted(&[stage(("job.id", 1.into()))]), "job.id = 1 on stage embed");
        assert_eq!(unlisted(&[stage(("warmer.wait.x", 0.5.into()))]), "warmer.wait.x = 0.5 on stage embed");
        assert_eq!(unlisted(&[root, batch(internal, "process warm_jobs")]), "embeddings m below process warm_jobs");
        let (server, other) = (SpanKind::Server, ("job.id", Value::from(1)));
        assert_eq!(
            unlisted(&[batch(server, ""), span("x", "", internal, other)]),
            "internal span x; server span embeddings m"
        );
    }
}
