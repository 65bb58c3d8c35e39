//! What an instance without work asks of its database: counted in the server's own log.

use warmer_tests::{Daemon, GIT, Need, Postgres, Repo, Warmer, needs};
use xtask::postgres::Cluster;

/// Of one instance with everything on.
const PER_SECOND_MAX: f64 = 3.0;

/// In seconds.
const DAY: f64 = 86_400.0;

/// Statements that the server was asked within two lines, and how many seconds lay between those.
struct Window {
    statements: Vec<String>,
    seconds: f64,
}

impl Window {
    /// From the first time that something was asked to the last.
    fn between(log: &str, what: &str) -> Option<Self> {
        let asked = |line: &&str| line.contains("LOG:  execute ") || line.contains("LOG:  statement: ");
        let lines: Vec<&str> = log.lines().filter(asked).collect();
        let mut at = lines.iter().enumerate().filter(|(_, line)| line.contains(what)).map(|(at, _)| at);
        let (first, last) = (at.next()?, at.next_back()?);
        let statements = lines[first..last].iter().map(|line| (*line).to_owned()).collect();
        Some(Self { statements, seconds: (moment(lines[last]) - moment(lines[first])).rem_euclid(DAY) })
    }

    fn per_second(&self) -> f64 {
        self.statements.len() as f64 / self.seconds
    }
}

/// `2026-11-30 09:10:31.123 UTC [77] LOG:  …`: seconds since midnight.
fn moment(line: &str) -> f64 {
    let time = line.split(' ').nth(1).expect("a line begins with its time");
    let parts = time.split(':').map(|part| part.parse::<f64>().expect("a number"));
    parts.fold(0.0, |seconds, part| seconds * 60.0 + part)
}

/// A minute and more, so that what is done each minute is met: from one count of the queue, each 15 seconds, to a later
/// one.
#[test]
fn an_instance_without_work_asks_its_database_at_most_three_times_a_second() {
    needs!(GIT, Need::Runtime);
    let Ok(cluster) = Cluster::start() else { return xtask::not_run("PostgreSQL") };
    let server = Postgres::on(&cluster.url());
    let (repo, mut warmer) = (Repo::generated(2, 300, 1), Warmer::toy());
    warmer.env("DATABASE_URL", server.url()).env("RUST_LOG", "info,warmer::counting=debug");
    warmer.set("claimer.start_delay", r#""0s""#).set("claimer.start_jitter", r#""0s""#);
    warmer.set("webhooks.listen", r#""127.0.0.1:0""#).set("admin.listen", r#""127.0.0.1:0""#);
    warmer.set("webhooks.github_secret_env", r#""WEBHOOK_KEY""#).env("WEBHOOK_KEY", "hunter2");
    warmer.warm([repo.url()]).ran.exits(0);
    warmer.run(["repos", "add", &repo.url(), "--refresh", "15m"]).exits(0);
    server.change("ALTER SYSTEM SET log_statement TO 'all'");
    server.change("SELECT pg_reload_conf()");
    let mut daemon = Daemon::start(&warmer);
    for _ in 0..5 {
        daemon.wait_for("counted the queue");
    }
    let window = Window::between(&cluster.log(), "UPDATE tally SET counted_at").expect("it was counted five times");
    daemon.stop().exits(0);
    assert!(window.seconds >= 50.0, "four more counts take a minute, not {} s", window.seconds);
    assert!(window.per_second() <= PER_SECOND_MAX, "{:.2}/s: {:#?}", window.per_second(), window.statements);
}
