//! A job that was running when two processes died runs in a child process of its own: only what it does there counts
//! against it, and nobody else waits.

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use warmer_tests::server::{Ask, Fault};
use warmer_tests::traces::{Span, ended};
use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Server, Traces, Warmer, needs};

/// What a parent logs of a child.
const CHILD: &str = "runs in a process of its own";

/// A daemon whose only job is in a child, in the middle of a fetch that never ends.
struct Scene {
    repo: Repo,
    warmer: Warmer,
    server: Server,
    daemon: Daemon,
    child: Pid,
}

impl Scene {
    fn open(engine: &Engine) -> Self {
        let (repo, warmer) = (Repo::generated(6, 600, 1), engine.warmer());
        let server = Server::serve(repo.path());
        server.fault(Ask::Objects, Fault::Hang);
        warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
        warmer.run(["enqueue", "project"]).exits(0);
        assert_eq!(change(engine, &warmer, "UPDATE job SET crashes = 2"), 1);
        let mut daemon = Daemon::start(&warmer);
        let child = pid(&daemon.wait_for(CHILD));
        server.wait_for(Ask::Objects);
        Self { repo, warmer, server, daemon, child }
    }
}

fn change(engine: &Engine, warmer: &Warmer, sql: &str) -> u64 {
    match engine {
        Engine::Sqlite => warmer.database().change(sql),
        Engine::Postgres(postgres) => postgres.change(sql),
    }
}

/// The child that a line of the log tells of.
fn pid(line: &str) -> Pid {
    let pid = line.split("pid=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("it says which");
    Pid::from_raw(pid.parse().expect("a number")).expect("a process id")
}

/// Waits until a process is gone.
fn gone(pid: Pid) {
    while test_kill_process(pid).is_ok() {
        std::thread::yield_now();
    }
}

fn jobs(warmer: &Warmer) -> serde_json::Value {
    warmer.run(["jobs", "list", "--json"]).exits(0).json()
}

/// What of a repository is served, whatever its URL.
fn served(warmer: &Warmer, repository: &str) -> serde_json::Value {
    let mut shown = warmer.run(["show", repository, "--json"]).exits(0).json();
    for key in ["repository", "published_at", "served_at"] {
        shown[key].take();
    }
    shown
}

#[test]
fn a_job_whose_processes_were_killed_twice_runs_in_a_child_and_leaves_the_same_rows() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, warmer) = (Repo::generated(6, 600, 1), engine.warmer());
        let server = Server::serve(repo.path());
        warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
        warmer.run(["enqueue", "project"]).exits(0);
        // Nobody is declared dead in the first minute of a server.
        if let Engine::Postgres(postgres) = &engine {
            postgres.change("CREATE OR REPLACE VIEW server AS SELECT CAST(0 AS BIGINT) AS started_at");
        }
        for _ in 0..2 {
            server.fault(Ask::Objects, Fault::Hang);
            let daemon = Daemon::start(&warmer);
            server.wait_for(Ask::Objects);
            daemon.kill().never_says(CHILD);
            assert!(server.asked().objects > 0);
        }
        let mut daemon = Daemon::start(&warmer);
        daemon.wait_for(CHILD);
        daemon.wait_for_all(&["outcome=\"warmed\"", "outcome=\"filled\""]);
        let list = jobs(&warmer);
        let of = |kind: &str| -> Vec<_> {
            list["attempts"].as_array().into_iter().flatten().filter(|one| one["kind"] == kind).collect()
        };
        let (refreshes, fills) = (of("refresh"), of("fill"));
        assert_eq!((refreshes.len(), &refreshes[0]["outcome"]), (3, &"warmed".into()), "{list}");
        assert_eq!(refreshes[0]["summary"]["vectors_embedded"], 0, "it waits for no embedding: {list}");
        assert_eq!((fills.len(), &fills[0]["outcome"]), (1, &"filled".into()), "{list}");
        assert!(fills[0]["summary"]["vectors_embedded"].as_u64() > Some(0), "{list}");
        daemon.stop().exits(0);
        let undisturbed = Warmer::toy();
        undisturbed.warm([repo.path()]).ran.exits(0);
        let name = repo.path().display().to_string();
        assert_eq!(served(&warmer, "project"), served(&undisturbed, &name));
    }
}

#[test]
fn a_child_that_dies_three_times_is_quarantine_with_its_reason_and_nobody_else_pays() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let Scene { repo: _repo, warmer, server, mut daemon, mut child } = Scene::open(&engine);
        let (innocent, path) = (Repo::generated(3, 300, 2), |repo: &Repo| repo.path().display().to_string());
        warmer.run(["repos", "add", &path(&innocent), "--refresh", "never"]).exits(0);
        for death in 1..=3 {
            if death < 3 {
                server.fault(Ask::Objects, Fault::Hang);
            }
            warmer.run(["enqueue", &path(&innocent)]).exits(0);
            daemon.wait_for("job ended");
            assert!(server.asked().objects > 0);
            kill_process(child, Signal::KILL).expect("it runs");
            if death < 3 {
                daemon.wait_for("signal 9");
                child = pid(&daemon.wait_for(CHILD));
                server.wait_for(Ask::Objects);
            }
        }
        daemon.wait_for("given_up=true");
        warmer.run(["repos", "list"]).exits(0).says("quarantined").says("signal 9");
        let list = jobs(&warmer);
        let crashed = list["attempts"].as_array().into_iter().flatten().filter(|one| one["outcome"] == "crashed");
        assert_eq!((crashed.count(), &list["jobs"]), (3, &serde_json::json!([])), "{list}");
        // A person may ask for it anyway; it is still on its own.
        warmer.run(["enqueue", "project"]).exits(0);
        daemon.wait_for(CHILD);
        daemon.wait_for("warmed");
        warmer.run(["repos", "list"]).exits(0).never_says("quarantined");
        daemon.stop().exits(0);
    }
}

#[test]
fn a_job_in_a_child_that_a_person_takes_out_ends() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let Scene { repo: _repo, warmer, server: _server, mut daemon, child } = Scene::open(&engine);
        let list = jobs(&warmer);
        assert_eq!((&list["jobs"][0]["suspect"], &list["jobs"][0]["crashes"]), (&true.into(), &2.into()), "{list}");
        warmer.run(["jobs", "cancel", &list["jobs"][0]["id"].to_string()]).exits(0).says("cancelling job ");
        daemon.wait_for("job ended");
        gone(child);
        let list = jobs(&warmer);
        assert_eq!(list["attempts"][0]["outcome"], "cancelled", "{list}");
        daemon.stop().exits(0);
    }
}

#[test]
fn a_daemon_that_is_told_to_end_hands_the_job_of_its_child_back() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, mut warmer) = (Repo::generated(3, 300, 1), engine.warmer());
        warmer.set("shutdown.grace", r#""0s""#);
        let server = Server::serve(repo.path());
        server.fault(Ask::Objects, Fault::Hang);
        warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
        warmer.run(["enqueue", "project"]).exits(0);
        change(&engine, &warmer, "UPDATE job SET crashes = 2");
        let mut daemon = Daemon::start(&warmer);
        let child = pid(&daemon.wait_for(CHILD));
        server.wait_for(Ask::Objects);
        daemon.stop().exits(0).says("stopped");
        gone(child);
        let job = jobs(&warmer)["jobs"][0].clone();
        let told = ["state", "attempt", "crashes", "child_deaths"].map(|key| job[key].clone());
        assert_eq!(serde_json::json!(told), serde_json::json!(["queued", 0, 2, 0]), "{job}");
    }
}

#[test]
fn a_child_does_not_outlive_its_daemon() {
    needs!(GIT, Need::Runtime);
    let scene = Scene::open(&Engine::Sqlite);
    assert_eq!(scene.daemon.kill().signal, Some(9));
    gone(scene.child);
}

#[test]
fn a_child_is_held_to_its_memory_and_the_key_is_named() {
    needs!(GIT, Need::Runtime);
    let (mut repo, mut warmer) = (Repo::generated(3, 300, 1), Engine::Sqlite.warmer().with_chaos_door());
    let ledger = warmer.home().join("ledger").display().to_string();
    warmer.env("WARMER_CHAOS_LEDGER", ledger).set("claimer.child_memory_max", r#""2GiB""#);
    repo.write("harm.chaos-hog", "a file that takes 32 GiB\n").commit("harm");
    let path = repo.path().display().to_string();
    warmer.run(["repos", "add", &path, "--refresh", "never"]).exits(0);
    warmer.run(["enqueue", &path]).exits(0);
    warmer.database().change("UPDATE job SET crashes = 2");
    let mut daemon = Daemon::start(&warmer);
    daemon.wait_for("given_up=true");
    daemon.stop().exits(0);
    warmer.run(["repos", "list"]).exits(0).says("quarantined").says("claimer.child_memory_max");
}

#[test]
fn a_warm_that_was_killed_twice_runs_in_a_child_and_tells_what_that_did() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(6, 600, 1), Engine::Sqlite.warmer());
    let server = Server::serve(repo.path());
    for _ in 0..2 {
        server.fault(Ask::Objects, Fault::Hang);
        let warm = warmer.spawn(["warm", &server.url()]);
        server.wait_for(Ask::Objects);
        warm.kill().never_says(CHILD);
        assert!(server.asked().objects > 0);
    }
    let traces = Traces::receive();
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint()).env("RUST_LOG", "info");
    let warmed = warmer.warm([server.url()]);
    warmed.ran.exits(0).says(CHILD);
    assert_eq!((warmed.one().verdict(), warmed.one().commit()), ("warmed", repo.tip()));
    assert!(warmed.one().embedded() > 0, "{:?}", warmed.ran);
    // What the child did is told by its parent, which has its timeline; its own root is exported by itself.
    let is_there = |spans: &[Span], name: &str| spans.iter().any(|span| span.name == name);
    let spans = traces.wait_until(|spans| is_there(spans, "publish entry") && !ended(spans, "filled").is_empty());
    let ([attempt], [fill]) = (&ended(&spans, "warmed")[..], &ended(&spans, "filled")[..]) else {
        panic!("{spans:#?}")
    };
    let (of_fills, of_attempt): (Vec<_>, Vec<_>) = spans.iter().partition(|span| span.trace == fill.trace);
    let (of_attempt, others): (Vec<_>, Vec<_>) = of_attempt.into_iter().partition(|span| span.trace == attempt.trace);
    assert!(others.iter().all(|span| span.name == "send warm_jobs"), "{others:#?}");
    let child = of_attempt.iter().find(|span| span.name == "job in a child").expect("the child's root was told");
    assert!(of_attempt.iter().any(|span| span.id == child.parent), "it hangs below the attempt: {spans:#?}");
    assert!(of_attempt.iter().any(|span| span.name == "publish entry"), "the child published: {spans:#?}");
    // What the child published is filled outside of it.
    let sent = of_attempt.iter().find(|span| span.name == "send warm_jobs").expect("by the child's publication");
    assert_eq!(fill.links, [(sent.trace.clone(), sent.id.clone())]);
    assert!(of_fills.iter().any(|span| span.name.starts_with("embeddings ")), "{spans:#?}");
}

/// The first two deaths are those of daemons, of which nobody knows the cause.
#[test]
fn a_text_that_kills_whoever_embeds_it_costs_its_vector_alone() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (mut repo, mut warmer) = (Repo::generated(6, 600, 1), engine.warmer().with_chaos_door());
        let ledger = warmer.home().join("ledger").display().to_string();
        warmer.env("WARMER_CHAOS_LEDGER", ledger).set("embedder.workers", "1");
        repo.write("harm.txt", "chaos-abort-the-embedder\n").commit("harm");
        let path = repo.path().display().to_string();
        warmer.run(["repos", "add", &path, "--refresh", "never"]).exits(0);
        warmer.run(["enqueue", &path]).exits(0);
        // Nobody is declared dead in the first minute of a server.
        if let Engine::Postgres(postgres) = &engine {
            postgres.change("CREATE OR REPLACE VIEW server AS SELECT CAST(0 AS BIGINT) AS started_at");
        }
        for _ in 0..2 {
            assert_eq!(Daemon::start(&warmer).finish().signal, Some(6), "it aborts");
        }
        let mut daemon = Daemon::start(&warmer);
        daemon.wait_for(CHILD);
        daemon.wait_for("signal 6");
        daemon.wait_for("outcome=\"filled\"");
        daemon.stop().exits(0);
        let listed = warmer.run(["repos", "list", "--json"]).exits(0).json();
        let told = ["complete", "failed", "missing"].map(|key| listed[0]["coverage"][key].clone());
        assert_eq!(serde_json::json!(told), serde_json::json!([true, 1, 0]), "{listed}");
        let texts = "SELECT reason FROM failed_text";
        let failed = match &engine {
            Engine::Sqlite => warmer.database().query(texts),
            Engine::Postgres(postgres) => postgres.query(texts),
        };
        assert_eq!(failed, ["crashed"]);
    }
}
