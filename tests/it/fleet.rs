//! What instances of one database make of each other's differences: what one lacks another does, and nobody undoes
//! another's work.

use warmer_tests::{Daemon, Engine, GIT, Need, Postgres, Repo, Server, Warmer, needs};

/// Refreshes that found what they looked for.
const ENDED: &str = "SELECT count(*)::text FROM attempt WHERE outcome IN ('fresh', 'warmed')";

/// The one database that several processes may work on.
fn shared() -> Option<Engine> {
    Engine::all().find(|engine| matches!(engine, Engine::Postgres(_)))
}

fn postgres(engine: &Engine) -> &Postgres {
    let Engine::Postgres(postgres) = engine else { unreachable!("it is that one") };
    postgres
}

/// Follows what a server has, only when asked, and asks once.
fn ask(warmer: &Warmer, url: &str) {
    warmer.run(["repos", "add", url, "--refresh", "never"]).exits(0);
    warmer.run(["enqueue", url]).exits(0);
}

#[test]
fn what_one_instance_may_not_fetch_another_keeps_warm() {
    needs!(GIT, Need::Runtime);
    let Some(engine) = shared() else { return };
    let (postgres, mut repo) = (postgres(&engine), Repo::generated(3, 300, 1));
    let server = Server::serve(repo.path());
    let (able, mut unable) = (engine.warmer(), engine.warmer());
    unable.set("git.protocols", r#"["file"]"#);
    ask(&able, &server.url());
    let without = Daemon::start(&unable);
    postgres.wait_for("SELECT state FROM repository WHERE state = 'dead' AND last_error LIKE '%http%'");
    let with = Daemon::start(&able);
    let warmed =
        |tip: &str| postgres.wait_for(&format!("SELECT id::text FROM repository_served WHERE served_commit = '{tip}'"));
    warmed(repo.tip());
    for number in 0..4 {
        repo.write("more.rs", format!("fn more_{number}() {{}}\n")).commit("more");
        able.run(["enqueue", &server.url()]).exits(0);
        warmed(repo.tip());
    }
    assert_eq!(postgres.query("SELECT state FROM repository"), ["active"]);
    let refused = postgres.query("SELECT count(*)::text FROM attempt WHERE outcome = 'refused'");
    assert!(["0", "1"].contains(&&*refused[0]), "asked once in ten minutes, not by each job: {refused:?}");
    without.stop().exits(0);
    with.stop().exits(0);
}

#[test]
fn what_every_instance_refused_is_dead_with_all_their_reasons() {
    needs!(GIT, Need::Runtime);
    let Some(engine) = shared() else { return };
    let repo = Repo::generated(3, 300, 1);
    let server = Server::serve(repo.path());
    server.refuse(warmer_tests::server::Ask::Capabilities, 404);
    let (able, mut unable) = (engine.warmer(), engine.warmer());
    unable.set("git.protocols", r#"["file"]"#);
    let daemons = [Daemon::start(&able), Daemon::start(&unable)];
    ask(&able, &server.url());
    let both = "last_error LIKE '%no repository%' AND last_error LIKE '%configuration%'";
    postgres(&engine).wait_for(&format!("SELECT last_error FROM repository WHERE state = 'dead' AND {both}"));
    let attempts = "SELECT outcome FROM attempt ORDER BY id";
    assert_eq!(postgres(&engine).query(attempts), ["refused", "dead"]);
    for daemon in daemons {
        daemon.stop().exits(0);
    }
}

/// Two daemons whose configurations differ in how texts are cut.
fn differing(engine: &Engine) -> [Warmer; 2] {
    let (old, mut new) = (engine.warmer(), engine.warmer());
    new.set("content.chunk_size", "120");
    [old, new]
}

#[test]
fn who_differs_warns_and_leaves_what_is_served_as_it_is() {
    needs!(GIT, Need::Runtime);
    let Some(engine) = shared() else { return };
    let (postgres, mut repo) = (postgres(&engine), Repo::generated(3, 300, 1));
    let server = Server::serve(repo.path());
    let [old, new] = differing(&engine);
    let first = Daemon::start(&old);
    ask(&old, &server.url());
    let warmed =
        |tip: &str| postgres.wait_for(&format!("SELECT id::text FROM repository_served WHERE served_commit = '{tip}'"));
    warmed(repo.tip());
    let mut second = new.spawn(["run"]);
    let warning = second.wait_for("another configuration");
    assert!(warning.contains("content.chunk_size (here 120, there 200)"), "{warning}");
    second.wait_for("started instance=");
    for number in 0..4 {
        let ended = postgres.query(ENDED);
        new.run(["enqueue", &server.url()]).exits(0);
        postgres.wait_for(&format!("{ENDED} HAVING count(*) > {}", ended[0]));
        repo.write("more.rs", format!("fn more_{number}() {{}}\n")).commit("more");
        new.run(["enqueue", &server.url()]).exits(0);
        warmed(repo.tip());
    }
    assert_eq!(
        postgres.query("SELECT count(*)::text FROM attempt WHERE outcome = 'warmed'"),
        ["5"],
        "once for each commit"
    );
    assert_eq!(postgres.query("SELECT count(DISTINCT served_chunking)::text FROM repository_served"), ["1"]);
    new.run(["status"]).exits(0).says("differs from the fleet in content.chunk_size: 120, the fleet has 200");
    let status = new.run(["status", "--json"]).exits(0).json();
    assert_eq!(status["fleet"]["configuration"]["content.chunk_size"], "200");
    first.stop().exits(0);
    second.interrupt();
    second.finish().exits(0);
}

#[test]
fn a_roll_out_makes_what_is_served_anew_once() {
    needs!(GIT, Need::Runtime);
    let Some(engine) = shared() else { return };
    let (postgres, repo) = (postgres(&engine), Repo::generated(3, 300, 1));
    let server = Server::serve(repo.path());
    let [old, new] = differing(&engine);
    let first = Daemon::start(&old);
    ask(&old, &server.url());
    let filled = "SELECT kind::text FROM attempt WHERE kind = 1 AND outcome = 'filled'";
    postgres.wait_for(filled);
    let second = Daemon::start(&new);
    first.stop().exits(0);
    // Who ran by the former one is waited for: not for as long as that takes here.
    postgres.change("UPDATE instance SET seen_at = seen_at - 120000000 WHERE state = 'retired'");
    postgres.wait_for("SELECT version FROM fleet WHERE keys LIKE '%\"content.chunk_size\":\"120\"%'");
    for _ in 0..2 {
        let ended = postgres.query(ENDED);
        new.run(["enqueue", &server.url()]).exits(0);
        postgres.wait_for(&format!("{ENDED} HAVING count(*) > {}", ended[0]));
        let found = new.run(["search", "fn", "--json"]).exits(0).json();
        assert!(found["hits"].as_array().is_some_and(|found| !found.is_empty()), "{found}");
    }
    postgres.wait_for(&format!("{filled} OFFSET 1"));
    let outcomes = |kind| postgres.query(&format!("SELECT outcome FROM attempt WHERE kind = {kind} ORDER BY id"));
    // The scheduler may have asked for one, too.
    let mut refreshes = outcomes(0);
    refreshes.dedup();
    assert_eq!(refreshes, ["warmed", "fresh"]);
    assert_eq!(postgres.query("SELECT count(*)::text FROM attempt WHERE outcome = 'warmed'"), ["2"]);
    assert_eq!(outcomes(1), ["filled", "filled"], "one for each that brought something");
    assert_eq!(postgres.query("SELECT count(*)::text FROM lack"), ["0"]);
    second.stop().exits(0);
}

#[test]
fn a_visitor_warms_its_own_path_and_decides_nothing_for_the_fleet() {
    needs!(GIT, Need::Runtime);
    let Some(engine) = shared() else { return };
    let (postgres, repo) = (postgres(&engine), Repo::generated(3, 300, 1));
    let [old, new] = differing(&engine);
    let daemon = Daemon::start(&old);
    let before = postgres.query("SELECT configuration FROM fleet");
    let warmed = new.warm([repo.path()]);
    warmed.ran.exits(0).says("another configuration");
    assert_eq!(warmed.one().verdict(), "warmed");
    let server = Server::serve(repo.path());
    let warmed = new.warm([server.url()]);
    warmed.ran.exits(0);
    assert_eq!(warmed.one().verdict(), "warmed", "whoever claimed it, by the daemon");
    let by_the_fleet = "SELECT remote FROM repository_served WHERE served_chunking = (SELECT chunking FROM fleet)";
    assert_eq!(postgres.query(by_the_fleet), [server.url()]);
    assert_eq!(postgres.query("SELECT configuration FROM fleet"), before);
    daemon.stop().exits(0);
}

#[test]
fn what_the_daemons_may_not_fetch_is_warmed_by_who_asks_for_it() {
    needs!(GIT, Need::Runtime);
    let Some(engine) = shared() else { return };
    let (able, mut unable) = (engine.warmer(), engine.warmer());
    unable.set("git.protocols", r#"["file"]"#);
    let daemon = Daemon::start(&unable);
    // Which of the two claims a job first is chance.
    for seed in 0..4 {
        let repo = Repo::generated(3, 300, seed);
        let server = Server::serve(repo.path());
        let warmed = able.warm([server.url()]);
        warmed.ran.exits(0);
        assert_eq!((warmed.one().verdict(), warmed.one().commit()), ("warmed", repo.tip()));
    }
    daemon.stop().exits(0);
}
