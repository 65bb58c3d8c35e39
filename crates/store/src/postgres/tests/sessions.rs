//! The lock connection: what it holds, how it is lost, and how it comes back.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;

use super::{TestDatabase, bench, change, pipeline};
use crate::conformance::Bench;
use crate::conformance::fixture::*;
use crate::sql::{self, Connection as _, Writing as _};
use crate::*;

/// Ends every lock connection to this database, as an administrator would.
const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name LIKE 'warmer-lock:%' AND datname = current_database()";
/// As if the server had come up this moment.
const JUST_STARTED: &str = "CREATE OR REPLACE VIEW server AS SELECT now AS started_at FROM clock";

/// A bench with the store in it that tests may turn inside out.
async fn scene() -> Option<(Bench, std::sync::Arc<Postgres>)> {
    let database = TestDatabase::new().await?;
    let store = std::sync::Arc::new(pipeline(&database).await);
    Some((bench(std::sync::Arc::clone(&store), database), store))
}

async fn session(bench: &Bench) -> (InstanceId, Box<dyn Session>) {
    let instance = bench.instance().await;
    let session = bench.store.session(instance).await.unwrap();
    (instance, session)
}

/// heartbeats until one is answered: the first may only find out that the connection is gone.
async fn heartbeat(session: &mut dyn Session) -> Heartbeat {
    for _ in 0..3 {
        if let Ok(heartbeat) = session.heartbeat().await {
            return heartbeat;
        }
    }
    panic!("the session does not come back");
}

#[tokio::test]
async fn a_heartbeat_tells_that_the_instance_lives_and_how_long_its_lease_is() {
    let Some((bench, _)) = scene().await else { return };
    let (_, mut session) = session(&bench).await;
    let before = Instant::now();
    let first = session.heartbeat().await.unwrap();
    assert!(first.alive);
    assert_eq!((first.suspects, first.lost), (vec![], vec![]));
    // Ten seconds of the server's patience less two, from when the heartbeat was sent.
    let lease = first.lease_until - before;
    assert!(lease >= Duration::from_secs(8) && lease < Duration::from_secs(9), "{lease:?}");
    assert_eq!(session.lease_until(), first.lease_until);
}

#[tokio::test]
async fn an_instance_that_is_not_registered_has_no_session() {
    let Some((bench, _)) = scene().await else { return };
    let stranger = InstanceId::random();
    let Err(error) = bench.store.session(stranger).await else { panic!("it has one") };
    assert!(error.to_string().contains(&stranger.0.to_string()), "{error}");
}

#[tokio::test]
async fn a_session_that_was_ended_comes_back_with_its_slots() {
    let Some((bench, store)) = scene().await else { return };
    let (_, mut one) = session(&bench).await;
    let token = one.take_slot(1).await.unwrap().expect("it is free");
    change(&store, TERMINATE).await;
    assert!(one.take_slot(2).await.is_err(), "nothing is known of a connection that broke");
    let back = heartbeat(&mut *one).await;
    assert!(back.alive);
    assert_eq!(back.lost, [], "nobody had it in between");
    let (_, mut other) = session(&bench).await;
    assert_eq!(other.take_slot(1).await.unwrap(), None, "it is held again");
    one.release_slot(token).await.unwrap();
    assert!(other.take_slot(1).await.unwrap().is_some());
}

#[tokio::test]
async fn a_slot_that_was_in_other_hands_in_between_is_told_as_lost() {
    let Some((bench, store)) = scene().await else { return };
    let ((_, mut one), (_, mut other)) = (session(&bench).await, session(&bench).await);
    bench.clock.forward(10 * MINUTE).await; // the server has been up for long
    let token = one.take_slot(1).await.unwrap().expect("it is free");
    change(&store, TERMINATE).await;
    heartbeat(&mut *other).await;
    let taken = other.take_slot(1).await.unwrap().expect("its holder has lost it");
    assert_eq!(heartbeat(&mut *one).await.lost, [token]);
    assert_eq!(heartbeat(&mut *one).await.lost, [], "told once");
    other.release_slot(taken).await.unwrap();
    assert!(one.take_slot(1).await.unwrap().is_some());
}

#[tokio::test]
async fn after_the_server_came_up_a_slot_is_kept_for_its_holder() {
    let Some((bench, store)) = scene().await else { return };
    let ((holder, mut one), (_, mut other)) = (session(&bench).await, session(&bench).await);
    let token = one.take_slot(1).await.unwrap().expect("it is free");
    change(&store, JUST_STARTED).await;
    change(&store, TERMINATE).await;
    heartbeat(&mut *other).await;
    assert_eq!(other.take_slot(1).await.unwrap(), None, "its holder may only not have come back yet");
    assert_eq!(heartbeat(&mut *one).await.lost, []);
    one.release_slot(token).await.unwrap();
    let again = other.take_slot(1).await.unwrap().expect("it was given back");
    other.release_slot(again).await.unwrap();

    let token = one.take_slot(1).await.unwrap();
    drop(one);
    assert!(token.is_some());
    bench.store.retire(holder).await.unwrap();
    assert!(take_within(&mut *other, Duration::from_secs(5)).await.is_some(), "its holder is known to be gone");
}

/// As a migration or a full vacuum would, for longer than a statement of the session may take.
async fn while_slots_are_locked<T>(store: &Postgres, work: impl Future<Output = T>) -> T {
    let mut lock = sql::Base::write(store).await.unwrap();
    lock.run("LOCK TABLE slot IN ACCESS EXCLUSIVE MODE", &[]).await.unwrap();
    let done = work.await;
    lock.rollback().await.unwrap();
    done
}

#[tokio::test]
async fn a_slot_that_is_given_back_while_its_row_is_locked_is_free() {
    let Some((bench, store)) = scene().await else { return };
    let ((_, mut one), (_, mut other)) = (session(&bench).await, session(&bench).await);
    bench.clock.forward(10 * MINUTE).await; // the server has been up for long
    let token = one.take_slot(1).await.unwrap().expect("it is free");
    while_slots_are_locked(&store, one.release_slot(token)).await.unwrap();
    assert!(other.take_slot(1).await.unwrap().is_some(), "nobody holds it");
    assert_eq!(heartbeat(&mut *one).await.lost, [], "it was not lost");
}

#[tokio::test]
async fn a_slot_that_could_not_be_noted_as_taken_is_free() {
    let Some((bench, store)) = scene().await else { return };
    let ((_, mut one), (_, mut other)) = (session(&bench).await, session(&bench).await);
    let error = while_slots_are_locked(&store, one.take_slot(1)).await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
    let token = other.take_slot(1).await.unwrap().expect("nobody holds it");
    assert_eq!(one.take_slot(1).await.unwrap(), None);
    other.release_slot(token).await.unwrap();
    assert!(one.take_slot(1).await.unwrap().is_some());
}

/// Looks for the only slot until it is free.
async fn take_within(session: &mut dyn Session, most: Duration) -> Option<Duration> {
    let began = Instant::now();
    while began.elapsed() < most {
        if session.take_slot(1).await.unwrap().is_some() {
            return Some(began.elapsed());
        }
        tokio::task::yield_now().await;
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_two_instances_hold_the_same_slot() {
    const SLOTS: u32 = 2;
    let Some((bench, _)) = scene().await else { return };
    let (held, taken) = (AtomicU32::new(0), AtomicU32::new(0));
    let contend = async || {
        let (_, mut session) = session(&bench).await;
        for _ in 0..60 {
            let Some(token) = session.take_slot(SLOTS).await.unwrap() else { continue };
            taken.fetch_add(1, Ordering::SeqCst);
            assert!(held.fetch_add(1, Ordering::SeqCst) < SLOTS);
            session.heartbeat().await.unwrap();
            held.fetch_sub(1, Ordering::SeqCst);
            session.release_slot(token).await.unwrap();
        }
    };
    join_all((0..5).map(|_| contend())).await;
    assert!(taken.load(Ordering::SeqCst) >= SLOTS);
}

#[tokio::test]
async fn rescue_needs_a_stale_row_a_free_lock_and_a_server_that_is_up() {
    let Some((bench, store)) = scene().await else { return };
    let (dead, mut session) = session(&bench).await;
    let repository = bench.repository("/a").await;
    bench.enqueue(repository).await;
    let claim = bench.claim(dead).await.unwrap();
    let rescue = async || bench.store.rescue(dead).await.unwrap().map(|rescued| rescued.jobs);

    bench.clock.forward(10 * MINUTE).await;
    assert_eq!(rescue().await, None, "stale, but its lock is held: a slow database");
    assert!(session.heartbeat().await.unwrap().alive);
    drop(session);
    let (_, mut watch) = self::session(&bench).await;
    assert_eq!(watch.heartbeat().await.unwrap().suspects, [], "fresh: it may be reconnecting");
    assert_eq!(rescue().await, None);

    bench.clock.forward(MINUTE).await;
    change(&store, JUST_STARTED).await;
    assert_eq!(watch.heartbeat().await.unwrap().suspects, []);
    assert_eq!(rescue().await, None, "it may only not have come back yet");
    change(&store, "CREATE OR REPLACE VIEW server AS SELECT CAST(0 AS BIGINT) AS started_at").await;
    assert_eq!(watch.heartbeat().await.unwrap().suspects, [dead]);
    assert_eq!(rescue().await, Some(1));
    assert_eq!(rescue().await, Some(0), "nothing is left");
    let rescued = bench.store.rescue(dead).await.unwrap().unwrap();
    assert_eq!(rescued, Rescued { jobs: 0, host: "a machine".into(), pid: std::process::id() });

    let job = bench.store.job(claim.job).await.unwrap().unwrap();
    assert_eq!((job.state, job.rescued, job.attempt, job.crashes), (JobState::Queued, true, 0, 1));
    assert!(!bench.heartbeat(dead).await);
    assert_eq!(bench.settle(&claim, fresh()).await, None);
    assert_eq!(bench.claim(dead).await, None, "who is dead claims nothing");
}

#[tokio::test]
async fn a_claim_that_was_under_way_when_its_instance_was_declared_dead_is_found() {
    let Some((bench, store)) = scene().await else { return };
    let dead = bench.instance().await;
    bench.enqueue(bench.repository("/a").await).await;
    bench.claim(dead).await.unwrap();
    change(&store, "UPDATE instance SET state = 'dead'").await;
    let (_, mut watch) = session(&bench).await;
    assert_eq!(watch.heartbeat().await.unwrap().suspects, [dead]);
    assert_eq!(bench.store.rescue(dead).await.unwrap().map(|rescued| rescued.jobs), Some(1));
    assert_eq!(watch.heartbeat().await.unwrap().suspects, []);
}

#[tokio::test]
async fn jobs_that_only_the_dead_could_take_are_taken_out() {
    let Some((bench, store)) = scene().await else { return };
    let dead = bench.instance().await;
    let pinned = Enqueue { pinned: Some(dead), ..Enqueue::default() };
    let mut jobs = Vec::new();
    for remote in ["/running", "/queued"] {
        let repository = bench.repository(remote).await;
        jobs.push(bench.store.enqueue(repository, pinned.clone()).await.unwrap().job);
    }
    let claim = bench.claim(dead).await.expect("it is its own");
    bench.store.cancel(bench.start(bench.repository("/cancelled").await).await.job).await.unwrap();
    change(
        &store,
        "UPDATE job SET instance = (SELECT instance FROM job WHERE pinned IS NOT NULL AND state = 'running')
                    WHERE state = 'running'",
    )
    .await;
    change(&store, "UPDATE instance SET state = 'dead'").await;
    assert_eq!(bench.store.rescue(dead).await.unwrap().map(|rescued| rescued.jobs), Some(2));
    assert_eq!(bench.store.jobs(&JobFilter::default()).await.unwrap(), [], "also the one that was to end");
    for job in jobs {
        let history = bench.store.attempts(AttemptFilter::Job(job), 10).await.unwrap();
        assert_eq!(history[0].outcome, AttemptOutcome::Cancelled);
        assert_eq!(history.len() > 1, job == claim.job, "the one that ran crashed before");
    }
}
