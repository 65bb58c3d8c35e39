//! A database that falls silent under a daemon: nothing is refused, nothing is closed, nothing arrives.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use warmer_tests::proxy::Proxy;
use warmer_tests::{Daemon, Engine, GIT, Need, Postgres, Repo, Warmer, needs};

/// A process without open jobs ends within this, whatever it waits for: well below what one statement may take, 65 s.
const END_MAX: Duration = Duration::from_secs(40);

/// A database, a daemon's way to it, and the daemon's configuration.
pub(crate) struct Scene {
    postgres: Postgres,
    pub(crate) proxy: Proxy,
    pub(crate) warmer: Warmer,
    _runtime: Runtime,
}

impl Scene {
    pub(crate) fn new() -> Option<Self> {
        let engine = Engine::all().find(|engine| matches!(engine, Engine::Postgres(_)))?;
        let mut warmer = engine.warmer();
        let Engine::Postgres(postgres) = engine else { return None };
        let runtime = Runtime::new().expect("a runtime");
        let server = postgres.url().split(['@', '/']).find(|part| part.contains(':') && !part.ends_with(':'));
        let server = server.expect("a URL names its server").to_owned();
        let proxy = Proxy::start(runtime.handle(), server.clone()).expect("a port");
        warmer.env("DATABASE_URL", proxy.url(postgres.url(), &server)).set("shutdown.grace", "\"0s\"");
        Some(Self { postgres, proxy, warmer, _runtime: runtime })
    }

    /// Cuts the way as soon as a statement of the daemon waits for this table, locked so: `SHARE` lets readers in.
    fn cut_while_locked(&self, table: &str, mode: &str, begin: impl FnOnce() + Send) {
        let waits = format!(
            "SELECT 'waits' FROM pg_locks JOIN pg_stat_activity USING (pid)
             WHERE NOT granted AND relation = '{table}'::regclass AND application_name = 'warmer:pipeline'"
        );
        self.postgres.holding(&format!("LOCK TABLE {table} IN {mode} MODE"), || {
            begin();
            self.postgres.wait_for(&waits);
            self.proxy.cut();
        });
    }
}

fn ends_in_time(daemon: Daemon) {
    let told = Instant::now();
    let ended = daemon.stop();
    assert!(told.elapsed() < END_MAX, "it took {:?}", told.elapsed());
    ended.exits(0).says("the database does not answer").says("stopped");
}

#[test]
fn sigterm_ends_a_daemon_whose_claim_is_never_answered() {
    needs!(Need::Runtime);
    let Some(scene) = Scene::new() else { return };
    let daemon = Daemon::start(&scene.warmer);
    scene.cut_while_locked("job", "ACCESS EXCLUSIVE", || {});
    ends_in_time(daemon);
}

#[test]
fn sigterm_is_heard_while_what_is_served_is_noted() {
    needs!(GIT, Need::Runtime);
    let Some(scene) = Scene::new() else { return };
    let (repo, daemon) = (Repo::generated(3, 300, 1), Daemon::start(&scene.warmer));
    let path = repo.path().display().to_string();
    scene.warmer.run(["repos", "add", &path, "--refresh", "never"]).exits(0);
    scene.cut_while_locked("coverage", "SHARE", || {
        scene.warmer.run(["enqueue", &path]).exits(0);
    });
    ends_in_time(daemon);
}

#[test]
fn a_person_who_watches_keeps_the_last_picture_until_the_database_answers_again() {
    let Some(scene) = Scene::new() else { return };
    scene.warmer.run(["repos", "add", "https://git.example.invalid/app.git", "--refresh", "never"]).exits(0);
    let mut watching = scene.warmer.spawn(["status", "--watch"]);
    watching.wait_for("Queue depth");
    scene.proxy.cut();
    watching.wait_for("the database has not answered for ");
    scene.proxy.heal();
    watching.wait_for("Queue depth");
    // This does not pass by itself.
    scene.postgres.change("DROP TABLE tally CASCADE");
    let ended = watching.finish();
    ended.exits(1).says("error: ");
}
