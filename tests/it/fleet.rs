//! What instances of one database make of each other's differences: what one lacks another does, and nobody undoes
//! another's work.

use warmer_tests::{Daemon, Engine, GIT, Need, Postgres, Repo, Server, Warmer, needs};

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
        |tip: &str| postgres.wait_for(&format!("SELECT id::text FROM repository WHERE served_commit = '{tip}'"));
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
