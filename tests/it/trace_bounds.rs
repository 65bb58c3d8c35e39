//! What of an attempt becomes spans is bounded by the configuration, and what has none is counted on the span above.

use warmer_tests::traces::{Span, ended};
use warmer_tests::{GIT, Need, Repo, Traces, Warmer, needs};

/// A number that a span has; 0 where it has none.
fn count(span: &Span, name: &str) -> u64 {
    span.attributes.get(name).map_or(0, |value| value.as_u64().expect("a number"))
}

/// The spans of a warm of a hundred files, which makes several batches of each stage.
fn warmed(change: impl FnOnce(&mut Warmer)) -> Vec<Span> {
    let (traces, mut warmer, repo) = (Traces::receive(), Warmer::toy(), Repo::generated(100, 1_000, 1));
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint());
    change(&mut warmer);
    warmer.warm([repo.path()]).ran.exits(0);
    traces.wait_until(|spans| !ended(spans, "filled").is_empty())
}

fn below<'a>(spans: &'a [Span], above: &'a Span) -> impl Iterator<Item = &'a Span> {
    spans.iter().filter(move |span| span.trace == above.trace && span.parent == above.id)
}

#[test]
fn batches_and_calls_beyond_the_bounds_have_no_span_and_are_counted() {
    needs!(GIT, Need::Runtime);
    let spans = warmed(|warmer| {
        warmer.set("telemetry.batches_max", "1").set("telemetry.calls_max", "1");
    });
    let stages: Vec<_> = spans.iter().filter(|span| span.name.starts_with("stage ")).collect();
    for stage in &stages {
        let shown = below(&spans, stage).count() as u64;
        assert!(shown <= 2, "the slowest, and the last: {stage:#?}");
        assert_eq!(shown + count(stage, "warmer.batches.left_out"), count(stage, "warmer.batches"), "{stage:#?}");
        for batch in below(&spans, stage) {
            assert!(below(&spans, batch).count() <= 1, "{batch:#?}");
        }
    }
    let left_out = |name: &str| spans.iter().map(|span| count(span, name)).sum::<u64>();
    assert!(left_out("warmer.batches.left_out") >= 2, "{stages:#?}");
    // Each batch of files makes two calls in the Hasher, and two in the Storer.
    assert!(left_out("warmer.calls.left_out") >= 2, "{spans:#?}");
}

#[test]
fn what_is_within_the_bounds_is_all_there_and_nothing_is_said_of_them() {
    needs!(GIT, Need::Runtime);
    let spans = warmed(|_| ());
    let says = |span: &&Span| span.attributes.keys().any(|name| name.ends_with(".left_out"));
    assert_eq!(spans.iter().find(says), None);
}
