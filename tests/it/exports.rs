//! Where traces go, and what becomes of the jobs where they cannot go there: nothing.

use std::net::TcpListener;

use warmer_tests::traces::{attempts, ended};
use warmer_tests::{GIT, Need, Repo, Traces, Warmer, needs};
use warmer_traces::TraceFile;
use warmer_traces::otlp::Exported;

#[test]
fn a_collector_that_is_down_costs_spans_which_are_counted_in_the_log_with_the_reason() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1").env("OTEL_BSP_SCHEDULE_DELAY", "10");
    warmer.warm([repo.path()]).ran.exits(0).says("spans: cannot reach http://127.0.0.1:1 (connection refused)");
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

/// It takes connections and never answers: the request alone would wait for 10 s.
#[test]
fn a_collector_that_hangs_costs_no_job_anything_and_the_end_5_seconds_at_most() {
    needs!(GIT, Need::Runtime);
    for protocol in ["http/protobuf", "grpc"] {
        let hangs = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = hangs.local_addr().expect("a bound port");
        let (repo, mut warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
        warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"));
        warmer.env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol).env("OTEL_BSP_MAX_QUEUE_SIZE", "4");
        warmer.set("telemetry.log", r#""info""#);
        let warmed = warmer.warm([repo.path()]);
        let late = format!("spans at the end: the collector at http://{address} does not take them in time");
        warmed.ran.exits(0).says(&late);
        assert_eq!(warmed.one().verdict(), "warmed");
    }
}

#[test]
fn spans_go_over_grpc_where_that_is_asked_for() {
    needs!(GIT, Need::Runtime);
    let (traces, repo, mut warmer) = (Traces::receive_grpc(), Repo::generated(2, 500, 1), Warmer::toy());
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint()).env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    warmer.warm([repo.path()]).ran.exits(0).never_says("spans");
    let spans = traces.wait_until(|spans| !ended(spans, "filled").is_empty());
    assert_eq!(attempts(&spans).len(), 2, "{spans:#?}");
}

#[test]
fn the_environment_says_who_we_are_where_it_says_anything() {
    needs!(GIT, Need::Runtime);
    let (traces, repo, mut warmer) = (Traces::receive(), Repo::generated(2, 500, 1), Warmer::toy());
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint()).env("OTEL_EXPORTER_OTLP_COMPRESSION", "none");
    warmer
        .env("OTEL_SERVICE_NAME", "cache")
        .env("OTEL_RESOURCE_ATTRIBUTES", "host.name=h,service.instance.id=i,team=t");
    warmer.warm([repo.path()]).ran.exits(0);
    let spans = traces.wait_until(|spans| !ended(spans, "filled").is_empty());
    let names = ["service.name", "host.name", "service.instance.id", "team", "service.version"];
    let values = names.map(|name| spans[0].resource[name].as_str().expect("a text"));
    assert_eq!(values, ["cache", "h", "i", "t", env!("CARGO_PKG_VERSION")]);
}

#[test]
fn a_wrong_variable_ends_every_command_with_78_and_one_sentence() {
    let mut warmer = Warmer::toy();
    warmer.env("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier pigeon");
    let sentence = r#"OTEL_EXPORTER_OTLP_PROTOCOL: expected "grpc" or "http/protobuf", found "carrier pigeon""#;
    for command in [&["warm", "."][..], &["run"], &["status"], &["config", "check"]] {
        warmer.run(command).exits(78).says(sentence);
    }
    warmer.env("OTEL_SDK_DISABLED", "true");
    warmer.run(["config", "check"]).exits(0);
}

#[test]
fn without_a_collector_traces_go_to_a_file_that_is_read_again() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
    let file = warmer.home().join("traces.jsonl");
    warmer.set("telemetry.traces_file", format!("{:?}", file.display().to_string()));
    for _ in 0..2 {
        warmer.warm([repo.path()]).ran.exits(0);
    }
    let read = TraceFile::read(&file).expect("it was written");
    let spans: Vec<_> = read.exported.iter().flat_map(Exported::spans).map(|(_, span)| span).collect();
    let roots: Vec<_> = spans.iter().filter(|span| span.name == "process warm_jobs").collect();
    assert_eq!((roots.len(), read.unread), (3, 0), "a refresh, its fill and a check, of two processes");
    for root in &roots {
        let link = &root.links[0];
        assert!(spans.iter().any(|span| span.span_id == link.span_id && span.kind == 4), "{root:?}");
    }
    assert!(spans.iter().all(|span| span.end_time_unix_nano >= span.start_time_unix_nano));
}

#[test]
fn a_file_that_cannot_be_written_costs_spans_and_no_job() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
    warmer.set("telemetry.traces_file", r#""/nowhere/traces.jsonl""#);
    warmer.warm([repo.path()]).ran.exits(0).says("spans: cannot write /nowhere/traces.jsonl");
}
