//! `warmer mcp` talks for days: its database, its directory and what it serves change meanwhile.

use std::fs;

use serde_json::json;
use warmer_tests::server::Ask;
use warmer_tests::{Agent, Engine, GIT, Need, Repo, Server, Warmer, needs};

/// A repository with one file.
fn small() -> Repo {
    let mut repo = Repo::new();
    repo.write("src/queue.rs", "pub fn claim() {}\n").commit("one");
    repo
}

/// Changes a database behind the back of everyone.
fn change(engine: &Engine, warmer: &Warmer, sql: &str) {
    match engine {
        Engine::Sqlite => warmer.database().change(sql),
        Engine::Postgres(postgres) => postgres.change(sql),
    };
}

/// Everything in the database goes, as if it had never been.
fn remove(engine: &Engine, warmer: &Warmer) {
    match engine {
        Engine::Sqlite => {
            let file = warmer.database_file();
            for suffix in ["", "-wal", "-shm"] {
                // What has no log has none to remove.
                let _ = fs::remove_file(format!("{}{suffix}", file.display()));
            }
        }
        Engine::Postgres(postgres) => {
            let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND \
                         datname = current_database()";
            postgres.change(ended);
            postgres.change("DROP SCHEMA warmer CASCADE");
        }
    }
}

#[test]
fn a_database_that_is_removed_and_made_anew_is_opened_by_the_next_call() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (mut repo, warmer) = (small(), engine.warmer());
        warmer.warm([repo.path()]).ran.exits(0);
        let mut agent = Agent::start(&warmer, warmer.home());
        let read = || json!({ "path": "src/queue.rs" });
        assert!(agent.answer("read", read()).contains("\n1\tpub fn claim() {}\n"));
        remove(&engine, &warmer);
        assert!(agent.refusal("repositories", json!({})).contains("nothing has been warmed yet"));
        repo.write("src/queue.rs", "pub fn take() {}\n").commit("two");
        warmer.warm([repo.path()]).ran.exits(0);
        let answer = agent.answer("read", read());
        assert!(answer.contains(&repo.tip()[..12]) && answer.contains("\n1\tpub fn take() {}\n"), "{answer}");
        let answer = agent.answer("search", json!({ "query": "take" }));
        assert!(answer.contains("src/queue.rs:1 take\n1\tpub fn take() {}\n"), "{answer}");
        agent.end().exits(0);
    }
}

#[test]
fn connections_that_the_server_ended_cost_no_answer() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let Engine::Postgres(postgres) = &engine else { continue };
        let (repo, warmer) = (small(), engine.warmer());
        warmer.warm([repo.path()]).ran.exits(0);
        let mut agent = Agent::start(&warmer, warmer.home());
        assert!(agent.answer("search", json!({ "query": "claim" })).contains("src/queue.rs"));
        let ended = "SELECT CAST(pg_terminate_backend(pid) AS TEXT) FROM pg_stat_activity WHERE application_name = \
                     'warmer:reader' AND datname = current_database()";
        assert!(postgres.query(ended).contains(&"true".to_owned()), "it has connections");
        assert!(agent.answer("search", json!({ "query": "claim" })).contains("src/queue.rs"));
    }
}

#[test]
fn a_schema_that_another_program_changed_is_refused_with_what_to_do_until_it_is_back() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, warmer) = (small(), engine.warmer());
        warmer.warm([repo.path()]).ran.exits(0);
        let mut agent = Agent::start(&warmer, warmer.home());
        assert!(agent.answer("search", json!({ "query": "claim" })).contains("src/queue.rs"));
        change(&engine, &warmer, "UPDATE _sqlx_migrations SET version = version + 98");
        for (tool, arguments) in
            [("search", json!({ "query": "a" })), ("read", json!({ "path": "a" })), ("repositories", json!({}))]
        {
            let sentence = agent.refusal(tool, arguments);
            assert!(sentence.contains("was written by a newer version (schema "), "{tool}: {sentence}");
            assert!(sentence.contains("restart this server"), "{tool}: {sentence}");
        }
        change(&engine, &warmer, "UPDATE _sqlx_migrations SET version = version - 98");
        assert!(agent.answer("search", json!({ "query": "claim" })).contains("src/queue.rs"));
    }
}

#[test]
fn a_directory_that_is_not_there_is_refused_at_the_start_and_one_that_goes_is_told_of() {
    needs!(GIT, Need::Runtime);
    let (repo, other, warmer) = (small(), Repo::generated(1, 300, 5), Warmer::toy());
    let refused = warmer.run(["mcp", "--directory", "/no/such/directory"]);
    refused.exits(2).says("'/no/such/directory'").says("there is no such directory");
    assert_eq!(refused.stdout, "", "nothing that a client would read");
    warmer.warm([repo.path(), other.path()]).ran.exits(0);
    let plain = warmer.home().canonicalize().expect("it was made").join("plain");
    fs::create_dir(&plain).expect("nothing is there");
    let mut agent = Agent::start(&warmer, &plain);
    let shown = plain.display();
    let line = format!(
        "\nthe working directory, {shown}, is in no git repository: all 2 repositories in the cache are meant\n"
    );
    let answer = agent.answer("search", json!({ "query": "claim" }));
    assert!(answer.contains(&line) && answer.contains(":src/queue.rs:1"), "{answer}");
    let sentence = agent.refusal("read", json!({ "path": "src/queue.rs" }));
    assert!(sentence.contains("is in no git repository") && sentence.contains("\nread: name one `repository`: "));
    let named = agent.answer("search", json!({ "query": "claim", "repositories": [repo.url()] }));
    assert!(!named.contains("working directory"), "it is named: {named}");
    fs::remove_dir(&plain).expect("it is empty");
    let answer = agent.answer("search", json!({ "query": "claim" }));
    assert!(answer.contains(&format!("\nthe working directory, {shown}, is not there any more: all 2 ")), "{answer}");
    warmer.run(["repos", "remove", &other.url()]).exits(0);
    let answer = agent.answer("read", json!({ "path": "src/queue.rs" }));
    assert!(answer.contains("any more: the one repository in the cache is meant\n"), "{answer}");
}

#[test]
fn the_first_line_says_when_that_was_published_and_checked_and_how_it_stands() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, warmer) = (small(), engine.warmer());
        let server = Server::serve(repo.path());
        warmer.run(["repos", "add", &server.url(), "--refresh", "15m"]).exits(0);
        let mut agent = Agent::start(&warmer, warmer.home());
        let mut line = || agent.answer("repositories", json!({})).lines().next().expect("a line").to_owned();
        assert!(line().starts_with("project · never served: "), "{}", line());
        warmer.warm([server.url()]).ran.exits(0);
        assert!(line().contains(&format!("@{} (main) · committed ", &repo.tip()[..12])), "{}", line());
        assert!(line().ends_with(" ago · current"), "{}", line());
        change(&engine, &warmer, "UPDATE served SET published_at = published_at - 7200000000");
        let parts = line();
        let parts: Vec<_> = parts.split(" · ").collect();
        assert!(parts[2].starts_with("served 2h") && !parts[3].contains("h "), "published long ago: {parts:?}");
        warmer.run(["repos", "pause", &server.url()]).exits(0);
        assert!(line().ends_with(" · current, paused"), "{}", line());
        warmer.run(["repos", "resume", &server.url()]).exits(0);
        warmer.run(["enqueue", &server.url()]).exits(0);
        assert!(line().ends_with(" · a check of it is queued"), "{}", line());
        change(&engine, &warmer, "UPDATE job SET heavy = true");
        assert!(line().ends_with(" · behind: its update waits for a slot"), "{}", line());
        server.refuse(Ask::Capabilities, 500);
        warmer.warm([server.url()]).ran.exits(75);
        assert!(line().contains(" · may be behind: checks fail since 2"), "{}", line());
        server.heal();
        server.refuse(Ask::Capabilities, 404);
        warmer.warm([server.url()]);
        assert!(line().contains(" · stale since 2"), "{}", line());
        agent.end().exits(0);
    }
}
