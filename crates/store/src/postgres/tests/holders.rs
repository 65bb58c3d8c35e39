//! Holders that are other processes: killed, and stopped for longer than the server waits.

#![expect(clippy::print_stdout, reason = "a child speaks to its parent by its output")]

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::database::TestDatabase;
use crate::*;

/// Tells the child where its database is.
const URL: &str = "WARMER_TEST_HOLDER_URL";
/// The server's patience in these tests, and the margin.
const IDLE: Duration = Duration::from_secs(3);
const MARGIN: Duration = Duration::from_millis(500);

async fn open(url: &str) -> Postgres {
    let options = PostgresOptions { lock_idle: IDLE, lock_margin: MARGIN, ..PostgresOptions::default() };
    Postgres::open(url, Role::Pipeline, &options).await.unwrap()
}

async fn session(store: &Postgres) -> Box<dyn Session> {
    let instance = InstanceId::random();
    store.register(instance, 1, "test", Takes::Any).await.unwrap();
    store.session(instance).await.unwrap()
}

#[tokio::test]
#[ignore = "a child of another test"]
async fn child_that_holds_a_slot() {
    let Ok(url) = std::env::var(URL) else { return };
    let store = open(&url).await;
    let mut session = session(&store).await;
    let token = session.take_slot(1).await.unwrap().expect("it is free");
    println!("holding");
    let mut second = tokio::time::interval(Duration::from_millis(500));
    loop {
        second.tick().await;
        let trusted = Instant::now() < session.lease_until();
        match session.heartbeat().await {
            Ok(heartbeat) if heartbeat.lost == [token] => return println!("trusted: {trusted}\nlost"),
            Ok(_) => {}
            // Asked for too early after it came back: the next heartbeat tries again.
            Err(_) => {}
        }
    }
}

/// A process that holds the only slot.
struct Holder {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Holder {
    fn start(database: &TestDatabase) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a test binary knows its path"));
        command.args(["--ignored", "--nocapture", "--exact", "postgres::tests::holders::child_that_holds_a_slot"]);
        command.env(URL, database.url()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut holder = Self { child, lines };
        holder.wait_for("holding");
        holder
    }

    fn wait_for(&mut self, word: &str) -> String {
        let said = self.lines.by_ref().map_while(Result::ok);
        let mut before = Vec::new();
        for line in said {
            if line.ends_with(word) {
                return before.pop().unwrap_or_default();
            }
            before.push(line);
        }
        panic!("it ended without saying {word}: {before:?}")
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.expect("a child has an id"), signal).unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

async fn free_after(session: &mut dyn Session, most: Duration) -> Duration {
    let began = Instant::now();
    while session.take_slot(1).await.unwrap().is_none() {
        assert!(began.elapsed() < most, "the slot is still held");
        session.heartbeat().await.unwrap();
    }
    began.elapsed()
}

#[tokio::test]
async fn a_slot_is_free_within_a_second_of_its_holders_death() {
    let Some(database) = TestDatabase::new().await else { return };
    let store = open(database.url()).await;
    super::change(&store, "CREATE OR REPLACE VIEW server AS SELECT CAST(0 AS BIGINT) AS started_at").await;
    let holder = Holder::start(&database);
    let mut session = session(&store).await;
    assert_eq!(session.take_slot(1).await.unwrap(), None);
    holder.signal(Signal::KILL);
    let took = free_after(&mut *session, Duration::from_secs(1)).await;
    println!("a slot was free {took:?} after its holder was killed");
}

#[tokio::test]
async fn a_holder_that_hangs_loses_its_slot_and_hears_of_it() {
    let Some(database) = TestDatabase::new().await else { return };
    let store = open(database.url()).await;
    super::change(&store, "CREATE OR REPLACE VIEW server AS SELECT CAST(0 AS BIGINT) AS started_at").await;
    let mut holder = Holder::start(&database);
    let mut session = session(&store).await;
    holder.signal(Signal::STOP);
    let took = free_after(&mut *session, IDLE + Duration::from_secs(2)).await;
    // It heartbeats twice a second, so the server had heard from it at most that long before.
    assert!(took > IDLE - MARGIN - Duration::from_millis(100), "{took:?}");
    holder.signal(Signal::CONT);
    // It knew by its own clock, before it asked.
    assert_eq!(holder.wait_for("lost"), "trusted: false");
    println!("the slot of a process that hung was free after {took:?}");
}
