//! Where traces go, and what becomes of the jobs where they cannot go there: nothing. What is in a file is told again.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use warmer_tests::traces::{attempts, ended};
use warmer_tests::{GIT, Need, Ran, Repo, Traces, Warmer, needs};
use warmer_traces::otlp::{Attribute, Exported, ResourceSpans, ScopeSpans, Span, Value as Otlp};
use warmer_traces::{TraceFile, names};

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

/// It takes connections and never answers: a request alone would wait for a minute.
#[test]
fn a_collector_that_hangs_costs_no_job_anything_and_the_end_5_seconds_at_most() {
    needs!(GIT, Need::Runtime);
    for protocol in ["http/protobuf", "grpc"] {
        let hangs = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = hangs.local_addr().expect("a bound port");
        let (repo, mut warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
        warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"));
        warmer.env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol).env("OTEL_BSP_MAX_QUEUE_SIZE", "4");
        warmer.set("telemetry.log", r#""info""#).env("OTEL_EXPORTER_OTLP_TIMEOUT", "60000");
        let began = Instant::now();
        let warmed = warmer.warm([repo.path()]);
        assert!(began.elapsed() < Duration::from_secs(40), "{protocol}: a request alone takes 60 s");
        let late = format!("spans at the end: the collector at http://{address} does not take them in time");
        warmed.ran.exits(0).says(&late);
        assert_eq!(warmed.ran.stderr.matches(" spans").count(), 1, "{protocol}: told once, {:?}", warmed.ran);
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
fn a_collector_without_tls_needs_no_certificates_on_the_machine() {
    needs!(GIT, Need::Runtime);
    for (protocol, traces) in [("http/protobuf", Traces::receive()), ("grpc", Traces::receive_grpc())] {
        let (repo, mut warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
        let none = warmer.home().display().to_string();
        warmer.env("SSL_CERT_DIR", none).env("OTEL_METRICS_EXPORTER", "none");
        warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint()).env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        warmer.warm([repo.path()]).ran.exits(0);
        traces.wait_until(|spans| !ended(spans, "filled").is_empty());
    }
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

/// A repository that was warmed and checked, with a file of the traces.
fn traced_to_a_file() -> (Repo, Warmer, PathBuf) {
    let (repo, mut warmer) = (Repo::generated(70, 500, 1), Warmer::toy());
    let file = warmer.home().join("traces.jsonl");
    warmer.set("telemetry.traces_file", format!("{:?}", file.display().to_string()));
    for _ in 0..2 {
        warmer.warm([repo.path()]).ran.exits(0);
    }
    (repo, warmer, file)
}

/// What `warmer trace --file FILE` says.
fn told(warmer: &Warmer, file: &Path, arguments: &[&str]) -> Ran {
    let file = file.display().to_string();
    warmer.run([&["trace", "--file", &file], arguments].concat())
}

#[test]
fn a_file_of_traces_draws_what_the_history_does_without_database_and_model() {
    needs!(GIT, Need::Runtime);
    let (_repo, warmer, file) = traced_to_a_file();
    let elsewhere = Warmer::empty();
    for job in ["1", "2"] {
        let history = warmer.run(["trace", job, "--json"]).exits(0).json();
        let read = told(&elsewhere, &file, &[job, "--json"]).exits(0).json();
        assert_eq!(
            [&read["job"], &read["kind"], &read["repository"]],
            ["job", "kind", "repository"].map(|key| &history[key])
        );
        let (theirs, ours) = (&history["attempts"][0], &read["attempts"][0]);
        for key in ["attempt", "outcome", "error", "traceparent"] {
            assert_eq!(ours[key], theirs[key], "{key}");
        }
        let (theirs, ours) = (theirs["stages"].as_array().expect("a list"), ours["stages"].as_array().expect("a list"));
        assert_eq!(ours.len(), theirs.len(), "{read}");
        for (ours, theirs) in ours.iter().zip(theirs) {
            // The history of a refresh is written by the last batch of its Storer, which goes on.
            let goes_on = job == "1" && ours["stage"] == "storer";
            assert!(goes_on || is_the_same(ours, theirs), "{ours} is not {theirs}");
            assert_eq!(ours["stage"], theirs["stage"]);
        }
    }
    let drawn = told(&elsewhere, &file, &["2"]);
    let fill = drawn.exits(0).says("job 2  fill  file://").says("attempt 1  filled in ").says("slowest batches");
    for stage in ["filler", "embedder", "storer"] {
        assert!(fill.stdout.lines().any(|line| line.starts_with(&format!("  {stage:<8} ")) && line.contains('█')));
    }
}

/// To the microsecond, which is where both are rounded. A file counts from the root span, which opens just before the
/// attempt's own watch starts.
fn is_the_same(ours: &Value, theirs: &Value) -> bool {
    let number = |of: &Value, key: &str| of[key].as_f64().unwrap_or(f64::NAN);
    let close = |one: f64, other: f64, most: f64| (one - other).abs() <= most;
    let same = ["batches", "items", "bytes", "tokens", "work_seconds"]
        .iter()
        .all(|key| close(number(ours, key), number(theirs, key), 2e-6));
    let lasted = |of: &Value| number(of, "last_seconds") - number(of, "first_seconds");
    let begun = number(ours, "first_seconds") - number(theirs, "first_seconds");
    let waits = |of: &Value| of["waits"].as_object().cloned().unwrap_or_default();
    let (our_waits, their_waits) = (waits(ours), waits(theirs));
    let same_waits = our_waits.keys().eq(their_waits.keys())
        && our_waits.keys().all(|what| close(number(&ours["waits"], what), number(&theirs["waits"], what), 2e-6));
    same && same_waits && close(lasted(ours), lasted(theirs), 5e-6) && (-1e-5..0.5).contains(&begun)
}

/// The root span of the only attempt of a job.
fn root(job: i64, repository: &str) -> Span {
    let text = |key: &str, value: &str| Attribute { key: key.to_owned(), value: Otlp::StringValue(value.to_owned()) };
    let attributes = vec![
        Attribute { key: names::JOB.to_owned(), value: Otlp::IntValue(job) },
        Attribute { key: names::JOB_ATTEMPT.to_owned(), value: Otlp::IntValue(1) },
        text(names::JOB_KIND, "refresh"),
        text(names::VCS_URL, repository),
        text(names::VCS_REF, "HEAD"),
        text(names::OUTCOME, "fresh"),
    ];
    let at = 1_700_000_000_000_000_000 + job.unsigned_abs() * 1_000_000_000;
    let (start_time_unix_nano, end_time_unix_nano) = (at, at + 500_000_000);
    let name = names::PROCESS.to_owned();
    Span {
        trace_id: format!("{job:032x}"),
        name,
        start_time_unix_nano,
        end_time_unix_nano,
        attributes,
        ..Span::default()
    }
}

fn write(file: &Path, spans: Vec<Span>) {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let exported = Exported { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] };
    TraceFile::new(file.to_owned(), 1 << 20).append(&exported).expect("a writable home");
}

#[test]
fn without_a_job_the_jobs_of_the_file_are_listed_the_latest_first_and_twenty_at_most() {
    let warmer = Warmer::empty();
    let file = warmer.home().join("traces.jsonl");
    write(&file, (1..=22).rev().map(|job| root(job, "https://h/app")).collect());
    let listed = told(&warmer, &file, &["--json"]).exits(0).json();
    let jobs: Vec<_> = listed["jobs"].as_array().into_iter().flatten().filter_map(|job| job["job"].as_i64()).collect();
    assert_eq!((jobs, &listed["left_out"]), ((3..=22).rev().collect(), &2.into()), "{listed}");
    let text = told(&warmer, &file, &[]).exits(0).says("2 earlier jobs left out").stdout.clone();
    assert_eq!(text.lines().filter(|line| line.contains(" refresh ")).count(), 20, "{text}");
    told(&warmer, &file, &["1"]).exits(0).says("attempt 1  fresh in 500ms");
}

/// A database that was made anew counts its jobs from 1 again.
#[test]
fn of_two_jobs_with_one_number_the_later_one_is_drawn() {
    let warmer = Warmer::empty();
    let file = warmer.home().join("traces.jsonl");
    let later = |span: Span| Span { end_time_unix_nano: span.end_time_unix_nano + 1, ..span };
    write(&file, vec![later(root(1, "https://h/new")), root(1, "https://h/old\u{1b}[31m")]);
    let drawn = told(&warmer, &file, &["1"]);
    drawn.exits(0).says("job 1  refresh  https://h/new HEAD").never_says("https://h/old");
    assert_eq!(drawn.stdout.matches("attempt ").count(), 1, "{drawn:?}");
    told(&warmer, &file, &[]).exits(0).says("https://h/new").says(r"https://h/old\u{1b}[31m");
}

#[test]
fn a_file_that_tells_nothing_is_one_sentence() {
    let warmer = Warmer::empty();
    let file = |name: &str, text: &str| {
        let path = warmer.home().join(name);
        std::fs::write(&path, text).expect("a writable home");
        path
    };
    let span = r#"{"resourceSpans":[{"resource":{"attributes":[
        {"key":"service.name","value":{"stringValue":"shop\u001b"}}]},
        "scopeSpans":[{"spans":[{"name":"GET /"}]}]}]}"#;
    for (path, sentence) in [
        (warmer.home().join("missing"), "missing: No such file or directory"),
        (file("empty", ""), "empty is empty: nothing was written to it yet"),
        (file("other", "{\"level\": \"info\"}\nnot JSON\n"), "other has no spans: it is another program's, or torn"),
        (file("torn", r#"{"resourceSpans":[{"resou"#), "torn has no spans: it is another program's, or torn"),
        (file("shop", &span.replace('\n', "")), r"shop has spans of shop\u{1b}, but of no job whose attempt has ended"),
    ] {
        let ran = told(&warmer, &path, &["1"]);
        ran.exits(1).says(sentence);
        assert_eq!((ran.stderr.lines().count(), ran.stdout.as_str()), (1, ""), "{ran:?}");
    }
}

#[test]
fn a_line_that_is_torn_is_passed_over_and_told_of() {
    needs!(GIT, Need::Runtime);
    let (_repo, warmer, file) = traced_to_a_file();
    let whole = std::fs::read(&file).expect("it was written");
    let cut = [&whole[..], &whole[..whole.len() / 3]].concat();
    std::fs::write(&file, cut.strip_suffix(b"\n").unwrap_or(&cut)).expect("a writable home");
    told(&warmer, &file, &["1"]).exits(0).says("passed over 1 line of ").says("attempt 1  warmed in ");
    told(&warmer, &file, &["77"]).exits(1).says("traces.jsonl has no attempt of job 77; its jobs are 3, 2, 1");
}
