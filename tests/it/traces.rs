//! An attempt is one trace: a root, a span for each stage and batch below it, and links to what queued it and to the
//! attempt before (W-11).

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use warmer_tests::daemon::post;
use warmer_tests::server::{Ask, Fault};
use warmer_tests::traces::{Span, SpanKind, attempts, ended, is_explained, named, tree, unexplained};
use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Server, Traces, Warmer, needs};

/// Whether the spans of a warm are all there: the last of its attempts is the fill.
fn is_filled(spans: &[Span]) -> bool {
    !ended(spans, "filled").is_empty()
}

fn traced() -> (Traces, Warmer) {
    let (traces, mut warmer) = (Traces::receive(), Warmer::toy());
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint());
    (traces, warmer)
}

/// As a link names it.
fn place(span: &Span) -> (String, String) {
    (span.trace.clone(), span.id.clone())
}

#[test]
fn a_refresh_and_its_fill_are_a_tree_each_linked_to_what_put_it_in_the_queue() {
    needs!(GIT, Need::Runtime);
    let ((traces, warmer), mut repo) = (traced(), Repo::new());
    repo.write("a.rs", "fn a() {}\n").commit("one");
    warmer.warm([repo.path()]).ran.exits(0);
    let spans = traces.wait_until(is_filled);
    let [refresh, fill] = attempts(&spans)[..] else { panic!("{spans:#?}") };
    // The second batch is the fetcher's own part, which comes home without files: whichever is the last publishes.
    let until_stored = "process warm_jobs -> send warm_jobs
  note_trace job
  receive warm_jobs
  send warm_jobs
  settle
  stage fetch
    batch fetch
      fetch
      list refs
  stage hash
    batch hash
    batch hash
      look_up artifact
      look_up blob
  stage store
";
    let stored = [
        "    batch store\n      publish entry\n    batch store\n      put artifact\n      stage staged_entry\n",
        "    batch store\n    batch store\n      publish entry\n      put artifact\n      stage staged_entry\n",
    ];
    let expected = stored.map(|stored| format!("{until_stored}{stored}"));
    let tree_of_refresh = tree(&spans, &refresh.trace);
    assert!(expected.contains(&tree_of_refresh), "{tree_of_refresh}");
    let expected = "process warm_jobs -> send warm_jobs
  load model
  note_trace job
  receive warm_jobs
  settle
    settle job
  stage embed
    embeddings model
  stage fill
    batch fill
      page lack
      read artifact
  stage store
    batch store
      put vector
";
    assert_eq!(tree(&spans, &fill.trace), expected);
    let [asked, published] = named(&spans, "send warm_jobs")[..] else { panic!("{spans:#?}") };
    assert_eq!((&refresh.links, &fill.links), (&vec![place(asked)], &vec![place(published)]));
    assert_eq!((asked.kind, asked.parent.as_str(), &published.trace), (SpanKind::Producer, "", &refresh.trace));
    assert_eq!(asked.attributes["messaging.message.id"], refresh.attributes["messaging.message.id"]);
    let traced: BTreeSet<_> = spans.iter().map(|span| span.trace.as_str()).collect();
    assert_eq!(traced.len(), 3, "nothing stands beside the command and the attempts: {spans:#?}");
}

#[test]
fn the_root_says_what_it_was_about_what_it_did_and_who_did_it() {
    needs!(GIT, Need::Runtime);
    let ((traces, warmer), mut repo) = (traced(), Repo::new());
    repo.write("a.rs", "fn a() {}\n").commit("one");
    warmer.warm([repo.path()]).ran.exits(0);
    let spans = traces.wait_until(is_filled);
    let [refresh, fill] = attempts(&spans)[..] else { panic!("{spans:#?}") };
    let (attributes, resource) = (&refresh.attributes, &refresh.resource);
    for (name, value) in [
        ("messaging.system", json!("sqlite")),
        ("messaging.destination.name", json!("warm_jobs")),
        ("messaging.operation.name", json!("process")),
        ("messaging.operation.type", json!("process")),
        ("messaging.client.id", resource["service.instance.id"].clone()),
        ("messaging.message.id", json!(attributes["job.id"].to_string())),
        ("vcs.repository.url.full", json!(format!("{}/.git", repo.url()))),
        ("vcs.ref.head.name", json!("HEAD")),
        ("vcs.ref.head.revision", json!(repo.tip())),
        ("job.attempt", json!(1)),
        ("outcome", json!("warmed")),
        ("warmer.job.kind", json!("refresh")),
        ("warmer.files.listed", json!(1)),
        ("warmer.files.indexed", json!(1)),
        ("warmer.bytes.read", json!(10)),
        ("warmer.chunks", json!(1)),
        ("warmer.given_up", json!(false)),
    ] {
        assert_eq!(attributes.get(name), Some(&value), "{name} in {attributes:#?}");
    }
    assert!(attributes["job.queue_wait_seconds"].is_f64(), "{attributes:#?}");
    assert_eq!((refresh.kind, &refresh.error, attributes.get("error.type")), (SpanKind::Consumer, &None, None));
    assert_eq!(fill.attributes["warmer.job.lane"], "new");
    assert_eq!(fill.attributes["warmer.vectors.embedded"], 1);
    assert!(fill.attributes["warmer.tokens"].is_u64(), "{fill:#?}");
    assert_eq!(resource["service.name"], "warmer");
    assert!(resource["process.pid"].is_u64() && resource["host.name"].is_string(), "{resource:#?}");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    let [published] = named(&spans, "publish entry")[..] else { panic!("{spans:#?}") };
    assert_eq!(published.kind, SpanKind::Client);
    assert_eq!(published.attributes["db.system.name"], "sqlite");
    assert_eq!(published.attributes["db.operation.name"], "publish");
    assert_eq!(published.attributes["db.collection.name"], "entry");
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
    let [check] = attempts(&spans)[..] else { panic!("{spans:#?}") };
    let expected = "process warm_jobs -> send warm_jobs
  note_trace job
  receive warm_jobs
  settle
    settle job
  stage fetch
    batch fetch
      list refs
";
    assert_eq!(tree(&spans, &check.trace), expected);
    assert_eq!(check.attributes["vcs.ref.head.revision"], repo.tip());
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
    assert_eq!(["publish entry", "stage embed", "stage fill"].map(|name| count(refresh, name)), [1, 0, 0]);
    assert_eq!(
        ["publish entry", "stage hash", "stage fill", "stage embed"].map(|name| count(fill, name)),
        [0, 0, 1, 1]
    );
}

#[test]
fn the_spans_of_batches_and_calls_explain_the_time_of_a_job_alone_and_among_others() {
    needs!(GIT, Need::Runtime);
    let repos: Vec<_> = (0..6).map(|seed| Repo::generated(60, 2_000, seed)).collect();
    let (alone, together) = repos.split_at(3);
    let (traces, warmer) = traced();
    for repo in alone {
        warmer.warm([repo.path()]).ran.exits(0);
    }
    assert_explained(&traces.wait_until(|spans| ended(spans, "filled").len() == alone.len()));
    let (traces, warmer) = traced();
    warmer.warm(together.iter().map(Repo::path)).ran.exits(0);
    assert_explained(&traces.wait_until(|spans| ended(spans, "filled").len() == together.len()));
}

/// A machine with other work to do may stop any thread between two of an attempt's parts: one of each kind counts.
fn assert_explained(spans: &[Span]) {
    for outcome in ["warmed", "filled"] {
        let ended = ended(spans, outcome);
        let gaps: Vec<_> = ended.iter().map(|attempt| unexplained(spans, attempt)).collect();
        let some = ended.iter().any(|attempt| is_explained(spans, attempt));
        assert!(some, "{outcome}: {gaps:?}\n{}", tree(spans, &ended[0].trace));
    }
}

/// The least of a few counts, for the same reason. It is 0.3 ms where no span lacks, and 1.1 ms without the one of the
/// end.
#[test]
fn the_spans_of_jobs_that_end_at_once_explain_their_time_too() {
    needs!(GIT, Need::Runtime);
    let ((traces, mut warmer), repo) = (traced(), Repo::generated(2, 500, 1));
    warmer.set("git.protocols", r#"["http"]"#);
    let server = Server::serve(repo.path());
    warmer.warm([server.url()]).ran.exits(0);
    for _ in 0..3 {
        for _ in 0..3 {
            warmer.warm([server.url()]).ran.exits(0);
        }
        server.refuse(Ask::Refs, 500);
        for _ in 0..3 {
            warmer.warm([server.url()]).ran.exits(75);
        }
        server.heal();
    }
    let enough = |spans: &[Span]| ["fresh", "retry"].iter().all(|how| ended(spans, how).len() >= 9);
    let spans = traces.wait_until(enough);
    for outcome in ["fresh", "retry"] {
        let gaps: Vec<_> = ended(&spans, outcome).iter().map(|attempt| unexplained(&spans, attempt)).collect();
        let least = gaps.iter().min().expect("it ended so");
        assert!(*least <= Duration::from_millis(1), "{outcome}: {gaps:?}");
    }
}

#[test]
fn a_second_attempt_is_linked_to_the_first_which_says_why_it_failed() {
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
    let [once, twice, published] = named(&spans, "send warm_jobs")[..] else { panic!("{spans:#?}") };
    assert_eq!(first.links, [place(once)]);
    assert_eq!(second.links, [place(once), place(twice), place(first)], "who asked, and the attempt before");
    assert_eq!(first.attributes["outcome"], "retry");
    assert_eq!(first.attributes["error.type"], "retry");
    assert!(first.error.as_ref().is_some_and(|why| why.contains("500")), "{first:#?}");
    assert_eq!(fill.links, [place(published)]);
    assert_eq!(published.trace, second.trace, "by the attempt that published");
}

/// Another process finds the job of the dead one, takes it back, and does it.
#[test]
fn an_attempt_after_a_kill_is_linked_to_the_one_that_was_lost() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (traces, mut warmer, repo) = (Traces::receive(), engine.warmer(), Repo::generated(2, 500, 1));
        warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint());
        let server = Server::serve(repo.path());
        warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
        warmer.run(["enqueue", &server.url()]).exits(0);
        // Nobody is declared dead in the first minute of a server.
        if let Engine::Postgres(postgres) = &engine {
            postgres.change("CREATE OR REPLACE VIEW server AS SELECT CAST(0 AS BIGINT) AS started_at");
        }
        server.fault(Ask::Objects, Fault::Hang);
        let killed = Daemon::start(&warmer);
        server.wait_for(Ask::Objects);
        let lost = engine.query(&warmer, "select attempt_traceparent from job where state = 'running'");
        killed.kill();
        let [lost] = &lost[..] else { panic!("one runs: {lost:?}") };
        let mut daemon = Daemon::start(&warmer);
        daemon.wait_for("outcome=\"filled\"");
        daemon.stop().exits(0);
        let spans = traces.wait_until(is_filled);
        let [second, _] = attempts(&spans)[..] else { panic!("{spans:#?}") };
        let lost: Vec<_> = lost.split('-').collect();
        assert!(second.links.contains(&(lost[1].to_owned(), lost[2].to_owned())), "{lost:?} in {second:#?}");
        assert_eq!((second.links.len(), &second.attributes["warmer.job.crashes"]), (2, &json!(1)));
        assert!(spans.iter().all(|span| span.trace != lost[1]), "it was never exported");
    }
}

#[test]
fn a_job_that_one_process_queued_and_another_did_is_linked_to_the_span_of_the_first() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (traces, mut warmer, repo) = (Traces::receive(), engine.warmer(), Repo::generated(2, 500, 1));
        warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint());
        let path = repo.path().display().to_string();
        warmer.run(["repos", "add", &path, "--refresh", "never"]).exits(0);
        warmer.run(["enqueue", &path]).exits(0);
        warmer.run(["enqueue", &path]).exits(0);
        let mut daemon = Daemon::start(&warmer);
        daemon.wait_for("outcome=\"filled\"");
        daemon.stop().exits(0);
        let spans = traces.wait_until(is_filled);
        let [one, two, _] = named(&spans, "send warm_jobs")[..] else { panic!("{spans:#?}") };
        let [refresh] = ended(&spans, "warmed")[..] else { panic!("{spans:#?}") };
        assert_eq!(refresh.links, [place(one), place(two)], "the second was folded into the first");
        let instances = [one, two, refresh].map(|span| span.resource["service.instance.id"].to_string());
        assert_eq!(BTreeSet::from(instances).len(), 3, "each process is one of its own");
        let system = refresh.attributes["messaging.system"].clone();
        assert_eq!(one.attributes["messaging.system"], system);
        assert!(system == "sqlite" || system == "postgresql", "{system}");
    }
}

/// The push of a repository at `http://127.0.0.1/project.git`, signed with `hunter2` (`openssl dgst -sha256 -hmac`).
const PUSH: &str = concat!(
    r#"{"ref":"refs/heads/main","after":"1f","#,
    r#""repository":{"clone_url":"http://127.0.0.1/project.git","default_branch":"main"}}"#
);
const SIGNATURE: &str = "sha256=270c16921ef6784d512a7b2a9664e74796f3b3e923ae52264a12508e6c91f91b";

#[test]
fn a_push_goes_on_in_the_trace_of_whoever_told_it_and_the_schedule_is_told_too() {
    needs!(GIT, Need::Runtime);
    let (traces, mut warmer, repo) = (Traces::receive(), Engine::Sqlite.warmer(), Repo::generated(2, 500, 1));
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint());
    let server = Server::serve(repo.path());
    warmer.run(["repos", "add", &server.url(), "--refresh", "1h"]).exits(0);
    warmer.set("webhooks.listen", r#""127.0.0.1:0""#).set("webhooks.debounce", r#""0s""#);
    warmer.set("webhooks.github_secret_env", r#""WEBHOOK_KEY""#).env("WEBHOOK_KEY", "hunter2");
    warmer.set("shutdown.drain_delay", r#""0s""#);
    let mut daemon = Daemon::start(&warmer);
    let address = daemon.webhooks();
    daemon.wait_for("outcome=\"filled\"");
    let parent = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let traceparent = format!("00-{}-{}-01", parent.0, parent.1);
    let headers = [
        ("x-github-event", "push"),
        ("x-hub-signature-256", SIGNATURE),
        ("traceparent", &traceparent),
        ("tracestate", "vendor=1"),
    ];
    assert_eq!(post(&address, "/webhooks/github", &headers, PUSH).0, 202);
    daemon.wait_for("outcome=\"fresh\"");
    daemon.stop().exits(0);
    let spans = traces.wait_until(|spans| !ended(spans, "fresh").is_empty());
    let told = spans.iter().find(|span| span.trace == parent.0).expect("it goes on in that trace");
    assert_eq!((told.name.as_str(), told.parent.as_str()), ("send warm_jobs", parent.1));
    let [fresh] = ended(&spans, "fresh")[..] else { panic!("{spans:#?}") };
    assert_eq!((&fresh.links, &fresh.states), (&vec![place(told)], &vec!["vendor=1".to_owned()]));
    let [warmed] = ended(&spans, "warmed")[..] else { panic!("{spans:#?}") };
    let [scheduled] = &warmed.links[..] else { panic!("{warmed:#?}") };
    let scheduled = spans.iter().find(|span| place(span) == *scheduled).expect("the schedule is traced");
    assert_eq!((scheduled.name.as_str(), scheduled.kind), ("send warm_jobs", SpanKind::Producer));
}

#[test]
fn logs_name_the_job_the_trace_and_the_instance() {
    needs!(GIT, Need::Runtime);
    let ((traces, mut warmer), repo) = (traced(), Repo::generated(2, 500, 1));
    warmer.set("telemetry.format", r#""json""#).set("telemetry.log", r#""debug""#);
    let warmed = warmer.warm([repo.path()]);
    let spans = traces.wait_until(is_filled);
    let lines: Vec<serde_json::Value> =
        warmed.ran.stderr.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect();
    for attempt in attempts(&spans) {
        let instance = &attempt.resource["service.instance.id"];
        let of_it = |line: &serde_json::Value| {
            line["trace_id"] == *attempt.trace && line["job.id"].is_u64() && line["instance"] == *instance
        };
        assert!(lines.iter().any(of_it), "{attempt:?} in {:?}", warmed.ran);
    }
}

#[test]
fn log_lines_for_people_name_them_too() {
    needs!(GIT, Need::Runtime);
    let ((traces, mut warmer), repo) = (traced(), Repo::generated(2, 500, 1));
    warmer.set("telemetry.log", r#""info""#);
    let warmed = warmer.warm([repo.path()]);
    let spans = traces.wait_until(is_filled);
    for attempt in attempts(&spans) {
        let told = [
            format!("trace_id={}", attempt.trace),
            format!("job.id={}", attempt.attributes["job.id"]),
            format!("instance={}", attempt.resource["service.instance.id"].as_str().expect("a text")),
        ];
        let of_it = |line: &str| told.iter().all(|told| line.contains(told));
        assert!(warmed.ran.stderr.lines().any(of_it), "{told:?} in {:?}", warmed.ran);
    }
}
