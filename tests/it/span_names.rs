//! `config/traces.md` lists every span and attribute that the program has a name for, and no other. What arrives is
//! compared with it wherever a test receives spans.

use std::collections::BTreeSet;

use warmer_supervision::Wait;
use warmer_tests::span_list::SpanList;
use warmer_traces::names;

const NAMES: &str = include_str!("../../crates/traces/src/names.rs");

/// The values of the constants, and the names of waits.
fn named() -> BTreeSet<String> {
    let constants = NAMES.lines().filter_map(|line| line.strip_prefix("pub const ")?.split('"').nth(1));
    let constants = constants.map(|name| if name == names::EMBEDDINGS { "embeddings MODEL" } else { name });
    let waits = Wait::ALL.map(|wait| names::wait(wait.as_str()));
    constants.map(str::to_owned).chain(waits).collect()
}

#[test]
fn the_list_has_the_names_of_all_spans_and_attributes_and_no_other() {
    let list = SpanList::read();
    let spans = list.spans.iter().flat_map(|row| row.names.clone());
    let listed: BTreeSet<_> = spans.chain(list.calls.keys().cloned()).chain(list.attributes.keys().cloned()).collect();
    // The queue is no span, and what the exporter itself reads is no attribute.
    let is_neither = |name: &String| name == names::QUEUE || name.starts_with("otel.");
    let named: BTreeSet<_> = named().into_iter().filter(|name| !is_neither(name)).collect();
    assert!(named.len() > 100, "{named:?}");
    let difference =
        |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<_> { one.difference(other).cloned().collect() };
    let unknown = Vec::<String>::new();
    assert_eq!((difference(&named, &listed), difference(&listed, &named)), (unknown.clone(), unknown));
}

#[test]
fn the_tables_of_the_list_say_the_same() {
    let list = SpanList::read();
    for (name, attribute) in &list.attributes {
        let has = |listed: &String| listed.strip_suffix('*').map_or(listed == name, |begin| name.starts_with(begin));
        let rows = list.spans.iter().filter(|row| row.attributes.iter().any(has));
        let on: BTreeSet<_> = rows.map(|row| row.group.clone()).collect();
        let is_resource = attribute.on.contains("resource");
        assert!(attribute.on == on || is_resource && on.is_empty(), "{name} is on {:?}, or on {on:?}", attribute.on);
    }
    for attribute in list.spans.iter().flat_map(|row| &row.attributes).filter(|name| !name.ends_with('*')) {
        assert!(list.attributes.contains_key(attribute), "{attribute} has no row");
    }
    let calls = list.spans.iter().filter(|row| row.group == "database").flat_map(|row| row.names.clone());
    let told = list.calls.iter().filter(|(_, is_span)| **is_span).map(|(name, _)| name.clone());
    assert_eq!(calls.collect::<BTreeSet<_>>(), told.collect::<BTreeSet<_>>());
}
