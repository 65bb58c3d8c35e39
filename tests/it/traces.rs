//! An attempt is one trace: a root, a span for each stage and batch below it, and links to what queued it and to the
//! attempt before (W-11).

use std::collections::BTreeSet;

use warmer_tests::server::Ask;
use warmer_tests::traces::{Span, attempts, ended, tree};
use warmer_tests::{GIT, Need, Repo, Server, Traces, Warmer, needs};

/// Whether the spans of a warm are all there: the last of its attempts is the fill.
fn is_filled(spans: &[Span]) -> bool {
    !ended(spans, "filled").is_empty()
}

fn traced() -> (Traces, Warmer) {
    let (traces, mut warmer) = (Traces::receive(), Warmer::toy());
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint());
    (traces, warmer)
}

#[test]
fn a_refresh_and_its_fill_are_a_tree_each_and_the_fill_is_linked() {
    needs!(GIT, Need::Runtime);
    let ((traces, warmer), mut repo) = (traced(), Repo::new());
    repo.write("a.rs", "fn a() {}\n").commit("one");
    warmer.warm([repo.path()]).ran.exits(0);
    let spans = traces.wait_until(is_filled);
    let [refresh, fill] = attempts(&spans)[..] else { panic!("{spans:#?}") };
    // The second batch is the fetcher's own part, which comes home without files. The last one home publishes.
    let expected = |stored: &str| {
        format!(
            "process warm_jobs
  note the trace
  stage fetch
    batch fetch
      fetch
      list refs
  stage hash
    batch hash
    batch hash
      look up artifacts
      look up blobs
  stage store
{stored}"
        )
    };
    let stored = [
        "    batch store\n      publish\n    batch store\n      put artifacts\n      stage entries\n",
        "    batch store\n    batch store\n      publish\n      put artifacts\n      stage entries\n",
    ];
    let tree_of = |attempt: &Span| tree(&spans, &attempt.trace);
    assert!(stored.map(expected).contains(&tree_of(refresh)), "{}", tree_of(refresh));
    let expected = "process warm_jobs -> process warm_jobs
  note the trace
  settle
  stage embed
    embeddings model
  stage fill
    batch fill
      page of what lacks
      read artifacts
  stage store
    batch store
      put vectors
";
    assert_eq!(tree_of(fill), expected);
    assert_eq!(fill.links, [(refresh.trace.clone(), refresh.id.clone())], "to the refresh that queued it");
    let traced: BTreeSet<_> = spans.iter().map(|span| span.trace.as_str()).collect();
    assert_eq!(traced.len(), 2, "nothing stands beside the attempts: {spans:#?}");
    for (attempt, outcome) in [(refresh, "warmed"), (fill, "filled")] {
        for key in ["job.id", "job.attempt", "job.queue_wait_seconds", "outcome"] {
            assert!(attempt.attributes.contains_key(key), "{key} in {attempt:#?}");
        }
        assert_eq!(attempt.attributes["outcome"], outcome);
    }
}

#[test]
fn a_collector_that_is_down_costs_spans_which_are_counted_in_the_log_with_the_reason() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1").env("OTEL_BSP_SCHEDULE_DELAY", "10");
    warmer.warm([repo.path()]).ran.exits(0).says("spans: cannot reach http://127.0.0.1:1 (connection refused)");
}

#[test]
fn a_check_that_finds_nothing_new_is_one_short_tree() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
    warmer.warm([repo.path()]).ran.exits(0);
    let traces = Traces::receive();
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint());
    warmer.warm([repo.path()]).ran.exits(0);
    let spans = traces.wait_until(|spans| !attempts(spans).is_empty());
    assert_eq!(
        tree(&spans, &attempts(&spans)[0].trace),
        "process warm_jobs\n  note the trace\n  settle\n  stage fetch\n    batch fetch\n      list refs\n"
    );
}

#[test]
fn every_batch_has_its_spans_and_none_is_an_orphan() {
    needs!(GIT, Need::Runtime);
    let ((traces, warmer), repo) = (traced(), Repo::generated(100, 1_000, 1));
    warmer.warm([repo.path()]).ran.exits(0);
    let spans = traces.wait_until(is_filled);
    let [refresh, fill] = attempts(&spans)[..] else { panic!("{spans:#?}") };
    let count = |attempt: &Span, name: &str| {
        spans.iter().filter(|span| span.trace == attempt.trace && span.name == name).count()
    };
    for attempt in [refresh, fill] {
        let tree = tree(&spans, &attempt.trace);
        assert!(!tree.contains("orphan"), "{tree}");
    }
    let many = |attempt, name| assert!(count(attempt, name) >= 4, "batches of at most 32: {name} in {spans:#?}");
    many(refresh, "batch hash");
    many(refresh, "batch store");
    assert!(count(fill, "embeddings model") >= 2, "batches of at most 128 texts, and no span for each text");
    assert_eq!(["publish", "stage embed", "stage fill"].map(|name| count(refresh, name)), [1, 0, 0]);
    assert_eq!(["publish", "stage hash", "stage fill", "stage embed"].map(|name| count(fill, name)), [0, 0, 1, 1]);
}

#[test]
fn the_spans_of_batches_and_calls_explain_the_time_of_a_job_alone_and_among_others() {
    needs!(GIT, Need::Runtime);
    let (traces, warmer) = traced();
    let repos: Vec<_> = (0..4).map(|seed| Repo::generated(60, 2_000, seed)).collect();
    warmer.warm([repos[0].path()]).ran.exits(0);
    warmer.warm(repos[1..].iter().map(Repo::path)).ran.exits(0);
    let spans = traces.wait_until(|spans| ended(spans, "filled").len() == 4);
    for attempt in attempts(&spans) {
        let share = explained(&spans, attempt);
        assert!(share >= 0.95, "{share:.3} of {attempt:#?}\n{}", tree(&spans, &attempt.trace));
    }
}

/// How much of an attempt's time lies within spans that are neither its root nor a stage.
fn explained(spans: &[Span], attempt: &Span) -> f64 {
    let leaf =
        |span: &&Span| span.trace == attempt.trace && !span.parent.is_empty() && !span.name.starts_with("stage ");
    let mut times: Vec<_> = spans.iter().filter(leaf).map(|span| span.nanoseconds).collect();
    times.sort_unstable();
    let (began, ended) = attempt.nanoseconds;
    let (mut until, mut covered) = (began, 0);
    for (from, to) in times {
        let (from, to) = (from.max(until), to.min(ended));
        if to > from {
            covered += to - from;
            until = to;
        }
    }
    covered as f64 / (ended - began) as f64
}

#[test]
fn a_second_attempt_is_linked_to_the_first() {
    needs!(GIT, Need::Runtime);
    let ((traces, mut warmer), repo) = (traced(), Repo::generated(2, 500, 1));
    warmer.set("git.protocols", r#"["http"]"#);
    let server = Server::serve(repo.path());
    server.refuse(Ask::Refs, 500);
    warmer.warm([server.url()]).ran.exits(75);
    server.heal();
    warmer.warm([server.url()]).ran.exits(0);
    let spans = traces.wait_until(is_filled);
    let [first, second, fill] = attempts(&spans)[..] else { panic!("{spans:#?}") };
    assert_ne!(first.trace, second.trace);
    assert!(second.links.contains(&(first.trace.clone(), first.id.clone())), "{second:#?}");
    assert_eq!(first.attributes["outcome"], "retry");
    assert_eq!(fill.links, [(second.trace.clone(), second.id.clone())], "to the attempt that published");
}

#[test]
fn logs_name_the_job_and_the_trace() {
    needs!(GIT, Need::Runtime);
    let ((traces, mut warmer), repo) = (traced(), Repo::generated(2, 500, 1));
    warmer.set("telemetry.format", r#""json""#).set("telemetry.log", r#""debug""#);
    let warmed = warmer.warm([repo.path()]);
    let spans = traces.wait_until(is_filled);
    let lines: Vec<serde_json::Value> =
        warmed.ran.stderr.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect();
    for attempt in attempts(&spans) {
        let of_it = |line: &serde_json::Value| line["trace_id"] == *attempt.trace && line["job.id"].is_u64();
        assert!(lines.iter().any(of_it), "{attempt:?} in {:?}", warmed.ran);
    }
}

#[test]
fn a_collector_that_is_not_there_costs_nothing_but_a_warning() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
    let nobody = Traces::receive().endpoint();
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", nobody);
    let warmed = warmer.warm([repo.path()]);
    warmed.ran.exits(0);
    assert_eq!(warmed.one().verdict(), "warmed");
}
