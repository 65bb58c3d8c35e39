//! Metrics: what a busy daemon exports is what `config/metrics.md` lists, at `/metrics` and over OTLP; no label has a
//! name of a user's in it unasked, and a collector that hangs costs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use warmer_tests::daemon::{get, post};
use warmer_tests::metrics::{Family, Metric, Metrics, families};
use warmer_tests::server::{Ask, Fault};
use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Server, Warmer, needs};

const LIST: &str = include_str!("../../config/metrics.md");

/// Longer than any metric takes to come.
const HANG: Duration = Duration::from_secs(60);

/// A row of the list.
#[derive(Debug)]
struct Listed {
    name: String,
    otel: String,
    kind: String,
    unit: String,
    /// With the values that they may have; none where these are not listed.
    labels: BTreeMap<String, BTreeSet<String>>,
    says: String,
}

fn listed() -> Vec<Listed> {
    let rows = LIST.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let listed = cells.filter_map(|cells| {
        let [name, otel, kind, unit, labels, _, says] = cells[..] else { return None };
        let text = |cell: &str| cell.trim_matches('`').to_owned();
        Some(Listed {
            name: text(name),
            otel: text(otel),
            kind: text(kind),
            unit: text(unit),
            labels: labels.split(';').flat_map(labels_of).collect(),
            says: says.to_owned(),
        })
    });
    listed.collect()
}

/// `` `a`, `b` `` or `` `a`: `value`, `value` ``.
fn labels_of(cell: &str) -> Vec<(String, BTreeSet<String>)> {
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    let (labels, values) = cell.split_once(':').unwrap_or((cell, ""));
    quoted(labels).into_iter().map(|label| (label, quoted(values))).collect()
}

/// What is exported of a metric is as it is listed.
fn assert_as_listed(name: &str, family: &Family, listed: &Listed) {
    assert_eq!((family.kind.as_str(), family.help.as_str()), (listed.kind.as_str(), listed.says.as_str()), "{name}");
    for (label, values) in &family.labels {
        let known = listed.labels.get(label).unwrap_or_else(|| panic!("{name} has a label {label}"));
        assert!(known.is_empty() || values.is_subset(known), "{name} has {label} = {values:?}");
    }
    let unseen: Vec<_> = listed.labels.keys().filter(|label| !family.labels.contains_key(*label)).collect();
    assert!(unseen.iter().all(|label| *label == "error_type"), "{name} never has {unseen:?}");
}

/// A daemon that is told of pushes, and the addresses of `/metrics` and of that.
fn listening(warmer: &mut Warmer) -> (Daemon, String, String) {
    warmer.set("admin.listen", r#""127.0.0.1:0""#).set("webhooks.listen", r#""127.0.0.1:0""#);
    warmer.set("webhooks.gitlab_token_env", r#""WEBHOOK_TOKEN""#).env("WEBHOOK_TOKEN", "hunter2");
    warmer.set("shutdown.drain_delay", r#""0s""#);
    let mut daemon = Daemon::begin(warmer);
    let admin = daemon.listens("admin");
    daemon.wait_for("started instance=");
    let webhooks = daemon.webhooks();
    (daemon, admin, webhooks)
}

/// Reads until `enough` is true of it.
fn scraped(address: &str, enough: impl Fn(&str) -> bool) -> String {
    let until = Instant::now() + HANG;
    loop {
        let (status, text) = get(address, "/metrics");
        assert_eq!(status, 200, "{text}");
        if enough(&text) {
            return text;
        }
        assert!(Instant::now() < until, "it never came:\n{text}");
    }
}

/// Whether a repository was warmed and filled, and the queue's figures are there.
fn is_busy(text: &str) -> bool {
    let ends = |kind: &str, outcome: &str| {
        text.contains(&format!("cache_warmer_jobs_total{{kind=\"{kind}\",outcome=\"{outcome}\"}} 1\n"))
    };
    ends("refresh", "warmed") && ends("fill", "filled") && text.contains("\ncache_warmer_queue_depth ")
}

/// A daemon that has warmed a repository, which it fetched from this server.
fn busy(warmer: &mut Warmer, server: &Server) -> (Daemon, String) {
    warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
    warmer.run(["enqueue", "project"]).exits(0);
    let (daemon, admin, webhooks) = listening(warmer);
    assert_eq!(post(&webhooks, "/webhooks/gitlab", &[("x-gitlab-token", "no")], "{}").0, 401);
    (daemon, scraped(&admin, is_busy))
}

#[test]
fn where_other_machines_may_ask_nothing_but_metrics_is_answered() {
    needs!(Need::Runtime);
    let mut warmer = Warmer::toy();
    warmer.set("metrics.listen", r#""127.0.0.1:0""#).set("admin.listen", r#""""#);
    let mut daemon = Daemon::begin(&warmer);
    let address = daemon.listens("metrics");
    let (status, text) = get(&address, "/metrics");
    assert!(status == 200 && text.contains("\ncache_warmer_build_info{"), "{status}: {text}");
    assert_eq!(get(&address, "/livez").0, 404);
    daemon.wait_for("started instance=");
    daemon.stop().exits(0);
}

#[test]
fn what_a_busy_daemon_exports_is_what_is_listed() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (mut repo, mut warmer) = (Repo::generated(3, 300, 1), engine.warmer());
        repo.write("logo.png", "\0").commit("a file that is skipped");
        let server = Server::serve(repo.path());
        warmer.set("metrics.per_repository", "true");
        let (daemon, text) = busy(&mut warmer, &server);
        let (exported, listed) = (families(&text), listed());
        assert!(listed.len() > 70, "the list is read: {}", listed.len());
        for (name, family) in exported.iter().filter(|(name, _)| *name != "target_info") {
            let row = listed.iter().find(|row| row.name == *name);
            assert_as_listed(name, family, row.unwrap_or_else(|| panic!("{name} is not listed")));
        }
        let silent: Vec<_> = listed.iter().map(|row| &*row.name).filter(|name| !exported.contains_key(*name)).collect();
        assert!(silent.is_empty(), "{silent:?}");
        for kind in ["refresh", "fill"] {
            let busy = format!("worker_time_seconds_total{{kind=\"{kind}\",stage=\"storer\",state=\"busy\"}} ");
            assert!(text.contains(&busy) && !text.contains(&format!("{busy}0\n")), "{busy}:\n{text}");
        }
        assert!(text.contains("cache_warmer_job_slot_wait_seconds_sum{outcome=\"warmed\"} 0\n"), "{text}");
        assert!(text.contains("cache_warmer_files_skipped_total{reason=\"binary\"} 1\n"), "{text}");
        assert!(text.contains("cache_warmer_webhooks_total{code=\"401\",host=\"gitlab\"} 1\n"), "{text}");
        for (operation, table) in [
            ("put", "artifact"),
            ("claim", "job"),
            ("heartbeat", "instance"),
            ("take", "slot"),
            ("enqueue", "job"),
            ("report", "instance_figures"),
            ("count", "tally"),
            ("look_up", "tune"),
        ] {
            let asked = format!("db_collection_name=\"{table}\",db_operation_name=\"{operation}\"");
            assert!(text.contains(&format!("db_client_operation_duration_seconds_count{{{asked}")), "{asked}:\n{text}");
        }
        assert!(text.contains(&format!("cache_warmer_repository_age_seconds{{repository=\"{}\"}}", server.url())));
        daemon.stop().exits(0);
    }
}

#[test]
fn a_text_that_is_not_embedded_is_counted_by_the_reason() {
    needs!(GIT, Need::Runtime);
    let (mut repo, mut warmer) = (Repo::generated(2, 300, 1), Engine::Sqlite.warmer());
    repo.write("words.txt", "a few words\n").commit("words");
    warmer.run(["repos", "add", &repo.path().display().to_string(), "--refresh", "never"]).exits(0);
    let (daemon, admin, _) = listening(&mut warmer);
    let spared =
        |reason: &str, texts: u64| format!("cache_warmer_texts_not_embedded_total{{reason=\"{reason}\"}} {texts}\n");
    for (attempts, stored) in [(1, 0), (2, 1)] {
        warmer.run(["enqueue", &repo.path().display().to_string()]).exits(0);
        let ended = format!("cache_warmer_jobs_total{{kind=\"refresh\",outcome=\"warmed\"}} {attempts}\n");
        // The first time its fill too: what lacks a vector then is not stored.
        let filled = "cache_warmer_jobs_total{kind=\"fill\",outcome=\"filled\"} 1\n";
        let text = scraped(&admin, |text| text.contains(&ended) && text.contains(filled));
        for (reason, texts) in [("stored", stored), ("in_hand", 0), ("elsewhere", 0), ("failed_before", 0)] {
            assert!(text.contains(&spared(reason, texts)), "{reason} {texts}:\n{text}");
        }
        repo.write("moved/words.txt", "a few words\n").commit("the same words");
    }
    daemon.stop().exits(0);
}

/// All that may be counted, before anything is: an increase needs what it is more than.
#[test]
fn every_counter_of_a_fresh_daemon_begins_with_0_for_each_of_its_labels() {
    needs!(Need::Runtime);
    let mut warmer = Warmer::toy();
    let (daemon, admin, _) = listening(&mut warmer);
    let text = scraped(&admin, |text| text.contains("\ncache_warmer_restarts_total{"));
    let exported = families(&text);
    for row in listed().iter().filter(|row| row.kind == "counter") {
        let family = exported.get(&row.name).unwrap_or_else(|| panic!("there is no {}:\n{text}", row.name));
        for (label, values) in &row.labels {
            let has = family.labels.get(label).unwrap_or_else(|| panic!("{} has no {label}", row.name));
            assert!(values.is_empty() || has == values, "{} has {label} = {has:?}", row.name);
        }
    }
    let mut expected: Vec<_> = ["batches", "items", "io_bytes"]
        .iter()
        .flat_map(|what| {
            let works = [("refresh", ["fetcher", "hasher", "storer"]), ("fill", ["filler", "embedder", "storer"])];
            works.map(|(kind, stages)| {
                stages.map(|stage| format!("stage_{what}_total{{kind=\"{kind}\",stage=\"{stage}\"}}"))
            })
        })
        .flatten()
        .collect();
    let dies = |actor: &str, level| format!("restarts_total{{actor=\"{actor}\",level=\"{level}\"}}");
    let pools = ["fetcher", "hasher", "filler", "embedder", "storer"];
    expected.extend(pools.iter().flat_map(|pool| [dies(pool, "worker"), dies(pool, "actor")]));
    expected.extend(["claimer", "line", "fills", "scheduler", "rescuer", "upkeep"].map(|actor| dies(actor, "actor")));
    for series in expected {
        assert!(text.contains(&format!("\ncache_warmer_{series} 0\n")), "{series} is not 0:\n{text}");
    }
    daemon.stop().exits(0);
}

#[test]
fn no_label_has_a_repository_or_a_job_in_it_and_promtool_finds_nothing() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(3, 300, 1), Engine::Sqlite.warmer());
    let server = Server::serve(repo.path());
    let (daemon, text) = busy(&mut warmer, &server);
    let labels: BTreeSet<_> = families(&text).into_values().flat_map(|family| family.labels.into_keys()).collect();
    for label in ["repository", "remote", "job", "path", "ref"] {
        assert!(!labels.contains(label), "{labels:?}");
    }
    let home = warmer.home().display().to_string();
    for name in [&server.url(), "project", &home] {
        assert!(!text.contains(name), "it says {name:?}:\n{text}");
    }
    daemon.stop().exits(0);
    needs!(Need::Program("promtool"));
    assert_eq!(promtool(&text), "");
}

/// What `promtool check metrics` says.
fn promtool(text: &str) -> String {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().expect("it is on the PATH");
    running.stdin.take().expect("asked for above").write_all(text.as_bytes()).expect("it reads");
    let said = running.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout)
}

#[test]
fn the_same_is_pushed_over_otlp_by_either_protocol() {
    needs!(GIT, Need::Runtime);
    for (protocol, metrics) in [("http/protobuf", Metrics::receive()), ("grpc", Metrics::receive_grpc())] {
        let (repo, mut warmer) = (Repo::generated(3, 300, 1), Engine::Sqlite.warmer());
        let server = Server::serve(repo.path());
        let path = if protocol == "grpc" { "" } else { "/v1/metrics" };
        warmer.env("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", metrics.origin() + path);
        warmer.env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol).env("OTEL_METRIC_EXPORT_INTERVAL", "100");
        let (daemon, _) = busy(&mut warmer, &server);
        let listed = listed();
        let is = |metric: &Metric, row: &Listed| {
            (&metric.name, &metric.unit, &metric.description) == (&row.otel, &row.unit, &row.says)
        };
        let wanted: Vec<_> = listed.iter().filter(|row| !row.name.starts_with("cache_warmer_repository_")).collect();
        let all = |received: &BTreeSet<Metric>| wanted.iter().all(|row| received.iter().any(|metric| is(metric, row)));
        let received = metrics.wait_until(all);
        let unlisted: Vec<_> = received.iter().filter(|metric| !listed.iter().any(|row| is(metric, row))).collect();
        assert!(unlisted.is_empty(), "{unlisted:#?}");
        daemon.stop().exits(0).never_says("cannot export");
    }
}

#[test]
fn a_warm_pushes_what_it_came_to_before_it_ends() {
    needs!(GIT, Need::Runtime);
    let (metrics, repo, mut warmer) = (Metrics::receive(), Repo::generated(2, 300, 1), Warmer::toy());
    warmer.env("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", metrics.origin() + "/v1/metrics");
    warmer.warm([repo.path()]).ran.exits(0);
    let has = |received: &BTreeSet<Metric>, name| received.iter().any(|metric| metric.name == name);
    metrics.wait_until(|received| {
        // Counted as it happened; and asked of the pipeline, which is over by then.
        has(received, "cache_warmer.job.duration") && has(received, "cache_warmer.stage.workers")
    });
}

#[test]
fn git_that_does_not_answer_is_killed_and_counted() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(3, 300, 1), Engine::Sqlite.warmer());
    let server = Server::serve(repo.path());
    server.fault(Ask::Refs, Fault::Hang);
    warmer.set("fetcher.deadline", r#""300ms""#);
    warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
    warmer.run(["enqueue", "project"]).exits(0);
    let (daemon, admin, _) = listening(&mut warmer);
    let stuck = "cache_warmer_jobs_total{kind=\"refresh\",outcome=\"stuck\"} 1\n";
    let text = scraped(&admin, |text| text.contains(stuck));
    assert!(text.contains("cache_warmer_git_workers_killed_total{reason=\"timeout\"} 1\n"), "{text}");
    let call = "cache_warmer_git_call_duration_seconds_count{operation=\"list_refs\",outcome=\"timeout\"} 1\n";
    assert!(text.contains(call), "{text}");
    daemon.stop().exits(0);
}

#[test]
fn what_a_job_in_a_process_of_its_own_does_is_counted_too() {
    needs!(GIT, Need::Runtime);
    let (mut repo, mut warmer) = (Repo::generated(6, 600, 1), Engine::Sqlite.warmer());
    repo.write("logo.png", "\0").commit("a file that is skipped");
    let server = Server::serve(repo.path());
    warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
    warmer.run(["enqueue", "project"]).exits(0);
    warmer.database().change("UPDATE job SET crashes = 2");
    let (mut daemon, admin, _) = listening(&mut warmer);
    daemon.wait_for("runs in a process of its own");
    let text = scraped(&admin, is_busy);
    for stage in ["fetcher", "hasher", "storer"] {
        let labels = format!("{{kind=\"refresh\",stage=\"{stage}\"}}");
        for what in ["stage_batches_total", "stage_items_total", "stage_work_seconds_count"] {
            let none = format!("cache_warmer_{what}{labels} 0\n");
            let some = format!("cache_warmer_{what}{labels} ");
            assert!(text.contains(&some) && !text.contains(&none), "{some}:\n{text}");
        }
    }
    for some in [
        "cache_warmer_git_call_duration_seconds_count{operation=\"fetch\",outcome=\"ok\"} 1\n",
        "db_client_operation_duration_seconds_count{db_collection_name=\"entry\",db_operation_name=\"publish\"",
        "db_client_operation_duration_seconds_count{db_collection_name=\"job\",db_operation_name=\"read\"",
        "cache_warmer_files_skipped_total{reason=\"binary\"} 1\n",
    ] {
        assert!(text.contains(some), "{some}:\n{text}");
    }
    daemon.stop().exits(0);
}

/// It takes connections and never answers: a request alone would wait for a minute.
#[test]
fn a_collector_that_hangs_costs_no_job_anything_and_is_told_at_the_end() {
    needs!(GIT, Need::Runtime);
    for protocol in ["http/protobuf", "grpc"] {
        let hangs = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = hangs.local_addr().expect("a bound port");
        let (repo, mut warmer) = (Repo::generated(3, 300, 1), Engine::Sqlite.warmer());
        let server = Server::serve(repo.path());
        warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"));
        warmer.env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol).env("OTEL_METRIC_EXPORT_INTERVAL", "100");
        warmer.env("OTEL_EXPORTER_OTLP_TIMEOUT", "600000").env("OTEL_METRIC_EXPORT_TIMEOUT", "600000");
        let (daemon, _) = busy(&mut warmer, &server);
        let told = Instant::now();
        let late = format!("the collector at http://{address} does not take them in time");
        let stopped = daemon.stop();
        assert!(told.elapsed() < Duration::from_secs(100), "{protocol}: a request alone takes ten minutes");
        stopped.exits(0).says(&format!("cannot export the last metrics: {late}"));
        // Told once of each: what was under way fails a second time when its thread ends.
        for what in ["metrics: ", "spans"] {
            assert_eq!(stopped.stderr.matches(what).count(), 1, "{protocol} {what}: {}", stopped.stderr);
        }
    }
}

#[test]
fn where_a_collector_is_not_there_that_is_told_once_with_the_reason() {
    needs!(Need::Runtime);
    let mut warmer = Engine::Sqlite.warmer();
    warmer.env("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://127.0.0.1:1/v1/metrics");
    warmer.env("OTEL_METRIC_EXPORT_INTERVAL", "20");
    let (mut daemon, ..) = listening(&mut warmer);
    let line = daemon.wait_for("cannot export metrics");
    assert!(line.contains("cannot reach http://127.0.0.1:1/v1/metrics (connection refused)"), "{line}");
    let ran = daemon.stop();
    ran.exits(0);
    assert_eq!(ran.stderr.matches("cannot export metrics").count(), 1, "{ran:?}");
}

#[test]
fn a_wrong_variable_of_metrics_ends_it_with_78_and_one_sentence() {
    let mut warmer = Warmer::toy();
    warmer.env("OTEL_METRIC_EXPORT_INTERVAL", "1m");
    warmer.run(["run"]).exits(78).says("OTEL_METRIC_EXPORT_INTERVAL: expected a whole number from 1 on, found \"1m\"");
    warmer.env("OTEL_SDK_DISABLED", "true");
    warmer.run(["config", "check"]).exits(0);
}
