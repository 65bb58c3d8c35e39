//! `warm` beside daemons on one queue: it does what only it can do, and waits for what others do.

use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Server, Warmer, needs};

use crate::interrupted::warm_until;

/// The one database that several processes may work on.
fn postgres() -> Option<Engine> {
    Engine::all().find(|engine| matches!(engine, Engine::Postgres(_)))
}

/// Its vectors may come from either.
#[test]
fn a_path_is_refreshed_by_the_process_that_names_it() {
    needs!(GIT, Need::Runtime);
    let Some(engine) = postgres() else { return };
    let (repo, warmer) = (Repo::generated(5, 500, 1), engine.warmer());
    let mut owner = engine.warmer();
    let daemon = Daemon::start(owner.set("claimer.slots", "3"));
    let warmed = warmer.warm([repo.path()]);
    warmed.ran.exits(0);
    assert_eq!((warmed.one().verdict(), warmed.one().commit()), ("warmed", repo.tip()));
    assert_eq!(warmed.one().number("/coverage/missing"), 0, "{:?}", warmed.ran);
    let Engine::Postgres(postgres) = &engine else { return };
    let made = postgres.query("SELECT DISTINCT 'made' FROM vector");
    let lack = "SELECT 'lacks' FROM artifact_chunk WHERE text NOT IN (SELECT text FROM vector)";
    assert_eq!((made.len(), postgres.query(lack).len()), (1, 0), "{:?}", warmed.ran);
    let slots = warmer.run(["status", "--json"]).exits(0).json()["slots"].clone();
    assert_eq!(slots, 3, "those of the daemon, not the default of who warms beside it");
    daemon.stop().exits(0).never_says("warmed");
}

/// It has the model and no runtime: the daemon makes what it lacks.
#[test]
fn vectors_that_another_instance_made_are_told_as_such_and_when_the_last_was_there() {
    needs!(GIT, Need::Runtime);
    let Some(engine) = postgres() else { return };
    let (repo, mut warmer, owner) = (Repo::generated(5, 500, 1), engine.warmer(), engine.warmer());
    warmer.set("runtime.library", "'/nowhere/libonnxruntime.so'");
    let daemon = Daemon::start(&owner);
    let warmed = warmer.warm([repo.path()]);
    warmed.ran.exits(0);
    let told = warmed.ran.stderr.matches(": vectors complete after ").count();
    assert_eq!((warmed.one().verdict(), told), ("warmed", 1), "{:?}", warmed.ran);
    let (summary, chunks) = (warmed.one(), warmed.one().chunks());
    let made = ["embedded", "elsewhere", "reused"].map(|by| summary.number(&format!("/vectors/{by}")));
    assert!(made[0] == 0 && made[1] > 0 && made[1] + made[2] == chunks, "{made:?} of {chunks}");
    let Engine::Postgres(postgres) = &engine else { return };
    assert_eq!(postgres.query("SELECT count(*)::text FROM vector"), [made[1].to_string()]);
    let (served, complete) = (&summary.0["seconds"], &summary.0["coverage"]["seconds"]);
    assert!(complete.is_f64() && complete.as_f64() >= served.as_f64(), "{:?}", warmed.ran);
    let again = warmer.warm([repo.path()]);
    again.ran.exits(0).never_says("vectors complete");
    assert_eq!((again.one().verdict(), &again.one().0["coverage"]["seconds"]), ("fresh", &serde_json::Value::Null));
    let mut more = repo;
    more.write("more.rs", "fn more() {}\n").commit("more");
    let path = more.path().display().to_string();
    warmer.run(["warm", &path]).exits(0).says("0 embedded (0 tokens), 1 made by other instances");
    daemon.stop().exits(0);
}

/// The second one waits behind the job of the first, puts that back, and has to take it under its old number.
#[test]
fn a_killed_warm_of_a_path_is_named_and_taken_up_by_the_next() {
    needs!(GIT, Need::Runtime);
    let Some(engine) = postgres() else { return };
    let Engine::Postgres(server) = &engine else { return };
    let (repo, mut warmer) = (Repo::generated(600, 1_500, 1), engine.warmer());
    let mut killed = 0;
    let stored = |_: &Warmer| server.wait_for("SELECT 'stored' FROM known_blob LIMIT 1");
    let ran = warm_until(&mut warmer, &repo, stored, |running| {
        killed = running.pid();
        running.kill()
    });
    assert_eq!(ran.signal, Some(9));
    let warmed = warmer.warm([repo.path()]);
    warmed.ran.exits(0).says(&format!(", process {killed}) disappeared; 1 job returned to the queue"));
    assert_eq!((warmed.one().verdict(), warmed.one().commit()), ("warmed", repo.tip()));
}

#[test]
fn a_database_without_anything_is_told_from_one_that_is_not_there() {
    needs!(Need::Runtime);
    let Some(Engine::Postgres(postgres)) = postgres() else { return };
    let mut warmer = Engine::Sqlite.warmer();
    warmer.env("DATABASE_URL", postgres.url());
    warmer.run(["doctor"]).exits(0).says("holds nothing yet");
    warmer.run(["status"]).exits(1).says("nothing has been warmed yet");
    warmer.env("DATABASE_URL", format!("{}_never_made", postgres.url().trim_end_matches('?')));
    warmer.run(["doctor"]).exits(1).says("does not exist: create it");
}

#[test]
fn the_password_of_the_database_is_not_told() {
    needs!(Need::Runtime);
    let Some(Engine::Postgres(postgres)) = postgres() else { return };
    let (scheme, rest) = postgres.url().split_once("://").expect("a URL has a scheme");
    let (user, place) = rest.split_once('@').expect("the server has a user");
    let (user, _) = user.split_once(':').unwrap_or((user, ""));
    let url = format!("{scheme}://{user}:hunter2@{place}");
    let mut warmer = Engine::Sqlite.warmer();
    warmer.env("DATABASE_URL", url).env("RUST_LOG", "debug");
    // A server that trusts whoever comes takes any password.
    Daemon::start(&warmer).stop().exits(0).says("[redacted]@").never_says("hunter2");
    warmer.run(["doctor"]).says("[redacted]@").says("PostgreSQL 1").says("schema warmer").never_says("hunter2");
    warmer.run(["config", "show"]).exits(0).never_says("hunter2");
}

#[test]
fn a_warm_beside_a_daemon_is_answered_whoever_does_it() {
    needs!(GIT, Need::Runtime);
    let Some(engine) = postgres() else { return };
    let (owner, warmer) = (engine.warmer(), engine.warmer());
    let daemon = Daemon::start(&owner);
    for seed in 0..4 {
        let repo = Repo::generated(3, 300, seed);
        let server = Server::serve(repo.path());
        let warmed = warmer.warm([server.url()]);
        warmed.ran.exits(0);
        assert!(["warmed", "fresh"].contains(&warmed.one().verdict()), "{:?}", warmed.ran);
        let listed = warmer.run(["repos", "list", "--json"]).exits(0).json();
        let mine = listed.as_array().into_iter().flatten().find(|listed| listed["repository"] == server.url());
        assert_eq!(mine.map(|mine| &mine["commit"]), Some(&repo.tip().into()), "{listed}");
    }
    daemon.stop().exits(0);
}

/// Its jobs are put in the queue one by one, each for as long as the database takes.
#[test]
fn a_warm_that_is_slow_to_begin_is_not_taken_for_dead() {
    needs!(GIT, Need::Runtime);
    let Some(engine) = postgres() else { return };
    let (repo, warmer, owner) = (Repo::generated(3, 300, 1), engine.warmer(), engine.warmer());
    let daemon = Daemon::start(&owner);
    let Engine::Postgres(postgres) = engine else { return };
    postgres.change(
        "CREATE OR REPLACE VIEW server AS SELECT CAST(0 AS BIGINT) AS started_at;
         CREATE FUNCTION queue_up() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END';
         CREATE TRIGGER queue_up BEFORE INSERT ON job FOR EACH ROW EXECUTE FUNCTION queue_up()",
    );
    // Others wait for 3 s before they look whether it lives.
    let judged = "SELECT 'judged' FROM instance
                  WHERE NOT takes_any AND (state <> 'alive' OR seen_at > started_at + 4000000)";
    let warming = postgres.holding("SELECT pg_advisory_xact_lock(42)", || {
        let warming = warmer.spawn(["warm".as_ref(), repo.path().as_os_str()]);
        postgres.wait_for(judged);
        warming
    });
    warming.finish().exits(0);
    daemon.stop().exits(0).never_says("disappeared");
}
