//! `run` collects and verifies by itself: one instance at a time, and no longer than it is to stay.

use warmer_store::PostgresOptions;
use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Warmer, needs};

/// A warmer whose daemon does the upkeep each second, and deletes what it marked with the next.
fn each_second(engine: &Engine) -> Warmer {
    let mut warmer = engine.warmer();
    warmer.set("gc.every", r#""1s""#).set("gc.mark_age", r#""1ms""#);
    warmer
}

/// Changes the database behind the back of everyone.
fn change(engine: &Engine, warmer: &Warmer, sql: &str) -> u64 {
    match engine {
        Engine::Sqlite => warmer.database().change(sql),
        Engine::Postgres(postgres) => postgres.change(sql),
    }
}

#[test]
fn a_daemon_deletes_what_nothing_needs_any_more() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (mut repo, warmer) = (Repo::generated(6, 1_000, 1), each_second(&engine));
        warmer.warm([repo.path()]).ran.exits(0);
        repo.remove("tools").commit("fewer");
        warmer.warm([repo.path()]).ran.exits(0);
        let mut daemon = Daemon::start(&warmer);
        // Artifacts go a turn after they were marked, and their vectors two turns after them.
        let mut turns = (0..20).map(|_| daemon.wait_for("the upkeep is done"));
        assert!(turns.any(|turn| !turn.contains(" vectors_deleted=0 ")), "20 turns deleted no vector");
        daemon.stop().exits(0);
        let left = warmer.run(["gc", "--json"]).exits(0).json();
        for none in ["artifacts_marked", "artifacts_deleted", "vectors_marked", "vectors_deleted"] {
            assert_eq!(left[none].as_u64(), Some(0), "{none}: {left}");
        }
        let found = warmer.run(["search", "fn", "--json"]).exits(0).json();
        assert!(found["hits"].as_array().is_some_and(|found| !found.is_empty()), "{found}");
    }
}

#[test]
fn what_is_damaged_is_found_and_made_anew_by_itself() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, warmer) = (Repo::generated(3, 300, 1), each_second(&engine));
        warmer.warm([repo.path()]).ran.exits(0);
        // A vector is made anew by a fill, without a look at git.
        let damage = "UPDATE vector SET bytes = substr(bytes, 1, 2) WHERE id = (SELECT min(id) FROM vector)";
        assert_eq!(change(&engine, &warmer, damage), 1);
        let mut daemon = Daemon::start(&warmer);
        let told = daemon.wait_for("damaged artifacts or vectors were deleted");
        assert!(told.contains("artifacts=0 vectors=1 ") && told.contains("repositories=0"), "{told}");
        daemon.wait_for("outcome=\"filled\"");
        daemon.stop().exits(0).never_says("outcome=\"warmed\"");
        if matches!(engine, Engine::Sqlite) {
            warmer.database().assert_whole();
        }
        let again = warmer.warm([repo.path()]);
        assert_eq!((again.one().verdict(), again.one().embedded()), ("fresh", 0));
        // An artifact is read again from git.
        let damage = "UPDATE artifact SET envelope = substr(envelope, 1, 2) WHERE id = (SELECT min(id) FROM artifact)";
        assert_eq!(change(&engine, &warmer, damage), 1);
        let mut daemon = Daemon::start(&warmer);
        let told = daemon.wait_for("damaged artifacts or vectors were deleted");
        assert!(told.contains("artifacts=1 vectors=0 ") && told.contains("repositories=1"), "{told}");
        daemon.wait_for("outcome=\"warmed\"");
        daemon.stop().exits(0);
        assert_eq!(warmer.warm([repo.path()]).one().verdict(), "fresh");
        if matches!(engine, Engine::Sqlite) {
            warmer.database().assert_whole();
        }
        let full = warmer.run(["warm", "--full", "--json", &repo.path().display().to_string()]).exits(0).json();
        assert_eq!(full["repositories"][0]["vectors"]["embedded"].as_u64(), Some(0), "nothing is missing: {full}");
    }
}

/// While somebody relies on what is stored no step of a collection comes in between.
#[test]
fn a_turn_ends_at_once_with_its_daemon_and_is_taken_over_from_one_that_died() {
    needs!(GIT, Need::Runtime);
    let Some(engine) = Engine::all().find(|engine| matches!(engine, Engine::Postgres(_))) else { return };
    let Engine::Postgres(postgres) = &engine else { unreachable!("it is that one") };
    let warmer = each_second(&engine);
    let relies = format!("SELECT pg_advisory_xact_lock_shared({}, 1)", PostgresOptions::default().lock_namespace + 2);
    let waits = "
        SELECT 'one' FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND mode = 'ExclusiveLock'
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let stopped = Daemon::start(&warmer);
    postgres.holding(&relies, || {
        postgres.wait_for(waits);
        stopped.stop().exits(0).says("stopped").never_says("did not stop in time");
    });
    let killed = Daemon::start(&warmer);
    postgres.holding(&relies, || {
        postgres.wait_for(waits);
        killed.kill();
    });
    let silent = "UPDATE instance SET seen_at = seen_at - 60000000 WHERE id = (SELECT instance FROM upkeep)";
    assert_eq!(postgres.change(silent), 1);
    let mut next = Daemon::start(&warmer);
    next.wait_for("the upkeep is done");
    next.stop().exits(0);
}
