//! `warmer trace` of attempts that did not succeed: where their time went is in the history, however they ended.

use serde_json::Value;
use warmer_tests::server::{Ask, Fault};
use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Server, Warmer, needs};

use crate::daemon::in_the_middle;

/// The latest attempt of the job that there is, and what a person is shown of it.
fn traced(warmer: &Warmer) -> (Value, String) {
    let list = warmer.run(["jobs", "list", "--json"]).exits(0).json();
    let job = list["attempts"][0]["job"].to_string();
    let trace = warmer.run(["trace", &job, "--json"]).exits(0).json();
    let attempt = trace["attempts"].as_array().and_then(|attempts| attempts.last()).expect("one ended").clone();
    (attempt, warmer.run(["trace", &job]).exits(0).stdout.clone())
}

/// It ended so, and waited for the remote for at least so many seconds.
#[track_caller]
fn assert_waited((attempt, text): &(Value, String), outcome: &str, least: f64) {
    assert_eq!(attempt["outcome"], outcome, "{attempt:#}");
    let stages = attempt["stages"].as_array().expect("a list");
    let names: Vec<_> = stages.iter().map(|stage| &stage["stage"]).collect();
    assert_eq!(names, ["fetcher"], "{attempt:#}");
    assert!(stages[0]["waits"]["remote"].as_f64().is_some_and(|wait| wait >= least), "{attempt:#}");
    let fetcher = text.lines().find(|line| line.starts_with("  fetcher ")).expect("a line for each stage");
    assert!(fetcher.contains('█') && text.contains(", remote "), "{text}");
}

#[test]
fn an_attempt_that_was_stuck_has_a_waterfall() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, mut warmer) = (Repo::generated(3, 300, 1), engine.warmer());
        let server = Server::serve(repo.path());
        server.fault(Ask::Refs, Fault::Hang);
        warmer.set("fetcher.deadline", r#""300ms""#);
        warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
        warmer.run(["enqueue", "project"]).exits(0);
        let mut daemon = Daemon::start(&warmer);
        daemon.wait_for("outcome=\"stuck\"");
        assert_waited(&traced(&warmer), "stuck", 0.3);
        daemon.stop().exits(0);
    }
}

#[test]
fn an_attempt_that_a_person_cancelled_has_a_waterfall() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let repo = Repo::generated(3, 300, 1);
        let (warmer, _server, mut daemon) = in_the_middle(&engine, &repo, "0s");
        let list = warmer.run(["jobs", "list", "--json"]).exits(0).json();
        warmer.run(["jobs", "cancel", &list["jobs"][0]["id"].to_string()]).exits(0);
        daemon.wait_for("job ended");
        let traced = traced(&warmer);
        assert_waited(&traced, "cancelled", 0.0);
        assert_eq!(traced.0["told_seconds"], Value::Null);
        daemon.stop().exits(0);
    }
}

/// Its figures are what another process knows of it.
#[test]
fn of_an_attempt_whose_process_was_killed_the_waterfall_is_what_that_told_last() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let repo = Repo::generated(3, 300, 1);
        let (warmer, server, daemon) = in_the_middle(&engine, &repo, "0s");
        // Nobody is declared dead in the first minute of a server.
        if let Engine::Postgres(postgres) = &engine {
            postgres.change("CREATE OR REPLACE VIEW server AS SELECT CAST(0 AS BIGINT) AS started_at");
        }
        engine.wait_for(&warmer, "select figures from instance_figures where figures like '%first_seconds%'");
        daemon.kill();
        server.heal();
        let mut daemon = Daemon::start(&warmer);
        daemon.wait_for("outcome=\"filled\"");
        daemon.stop().exits(0);
        let list = warmer.run(["jobs", "list", "--json"]).exits(0).json();
        let attempts = list["attempts"].as_array().expect("a list");
        let crashed = attempts.iter().find(|attempt| attempt["outcome"] == "crashed").expect("it was rescued");
        let job = crashed["job"].to_string();
        let trace = warmer.run(["trace", &job, "--json"]).exits(0).json();
        let text = warmer.run(["trace", &job]).exits(0).stdout.clone();
        let attempt = trace["attempts"][0].clone();
        assert!(attempt["told_seconds"].as_f64() <= attempt["seconds"].as_f64(), "{attempt:#}");
        assert!(text.contains("\n  as its process told "), "{text}");
        assert_waited(&(attempt, text), "crashed", 0.0);
    }
}
