//! A real `warmer run` on a quiet queue: how soon does it start what is put there, and what does its waiting cost the
//! server? Everything else that is queued is of the future.

use std::collections::BTreeMap;
use std::time::Duration;

use warmer_benches::{figure, ratio};
use warmer_store::{AttemptFilter, Catalogue as _, Enqueue, Queue as _, Store as _};
use warmer_tests::{Daemon, GIT, Need, Repo, Warmer, needs};
use xtask::postgres::Cluster;

use crate::field::Field;
use crate::log::{self, Asked, Log};

const JOBS: usize = 200;
/// Of the statements of an idle instance, so many are named.
const SHOWN: usize = 8;
/// Long enough for what is done every few seconds to be met in proportion.
const IDLE: Duration = Duration::from_secs(30);

/// Prints how soon jobs start, and how many statements an idle instance sends.
pub(crate) fn measure(cluster: &Cluster, field: &Field) {
    needs!(GIT, Need::Runtime);
    field.postgres.change("UPDATE job SET run_at = now + 86400000000 FROM clock WHERE run_at <= now");
    field.settle_down();
    log::switch_on(field);
    let (repo, mut warmer) = (Repo::generated(3, 300, 1), Warmer::toy());
    warmer.set("claimer.start_delay", r#""0s""#).set("claimer.start_jitter", r#""0s""#);
    warmer.env("DATABASE_URL", field.postgres.url());
    warmer.run(["repos", "add", &repo.url(), "--refresh", "never"]).exits(0);
    let mut daemon = Daemon::start(&warmer);
    started(field, &repo, &mut daemon);
    let log = Log::from_now(cluster);
    // The measurement is the wait.
    std::thread::sleep(IDLE);
    let asked = log.asked();
    let name = format!("idle_{}_rows", field.rows);
    let rate = asked.len() as f64 / IDLE.as_secs_f64();
    figure(&format!("{name}, queries/s of an instance"), format!("{rate:.2}"));
    for (sql, times) in counted(&asked).into_iter().take(SHOWN) {
        let start: String = sql.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(50).collect();
        figure(&format!("  of it {start}"), format!("{:.2}", times as f64 / IDLE.as_secs_f64()));
    }
    ratio(&format!("{name}_queries_per_second"), rate, "<= 3");
    daemon.stop().exits(0);
    log::switch_off(field);
}

/// Prints how soon the daemon starts jobs that come one by one, by the server's clock.
fn started(field: &Field, repo: &Repo, daemon: &mut Daemon) {
    let store = field.tokio.block_on(field.store(1));
    let repository = field.tokio.block_on(store.add_repository(&repo.url(), None)).expect("the server runs");
    for _ in 0..=JOBS {
        let force = Enqueue { force: true, ..Enqueue::default() };
        field.tokio.block_on(store.enqueue(repository.id, force)).expect("the server runs");
        daemon.wait_for("job ended");
    }
    let history = field.tokio.block_on(store.attempts(AttemptFilter::Refreshes(repository.id), JOBS as u32));
    field.tokio.block_on(store.close());
    let waits = history
        .expect("the server runs")
        .into_iter()
        .map(|attempt| attempt.started_at.duration_since(attempt.queued_at).unwrap_or_default().as_secs_f64() * 1e3);
    let mut waits: Vec<f64> = waits.collect();
    waits.sort_unstable_by(f64::total_cmp);
    let (p50, p99) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
    figure(&format!("enqueue_to_start_{}_rows, ms", field.rows), format!("p50 {p50:.2}, p99 {p99:.2}"));
}

/// Each statement with how often it was asked, the most frequent first.
fn counted(asked: &[Asked]) -> Vec<(&str, usize)> {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    asked.iter().for_each(|asked| *times.entry(&asked.sql).or_default() += 1);
    let mut times: Vec<_> = times.into_iter().collect();
    times.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    times
}
