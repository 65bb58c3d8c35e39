//! A session whose heartbeats a test makes.

use std::collections::BTreeMap;

use warmer_content::{ChunkingId, Digest, EmbeddingId, Recipe, RulesDigest};
use warmer_store::{Configuration, Membership};

use super::*;
use crate::measurements::Sums;
use crate::part::Part;
use crate::settings::ClaimerSettings;
use crate::testing::Bench;
use crate::ticket::{Ticket, testing};

/// A session of this bench, which has one slot to give, with its sums.
fn session(bench: &Bench) -> (Session, Arc<Sums>) {
    let (sums, ledger) = (Arc::new(Sums::default()), Ledger::default());
    let session = Session {
        store: bench.store.clone(),
        identity: Identity::random(),
        takes: Takes::Any,
        settings: Settings {
            claimer: ClaimerSettings { slots: 1, ..ClaimerSettings::default() },
            ..Settings::default()
        }
        .into(),
        fleet: Fleet::default(),
        lease: Lease::new(true),
        ledger,
        rescues: Rescues::default(),
        first: First::default(),
        fatal: Fatal::default(),
        observer: Observer::default().and(sums.clone()),
    };
    (session, sums)
}

/// A job that is open and holds a slot.
fn holder(ledger: &Ledger) -> (Arc<Ticket>, Part, SlotToken) {
    let (ticket, part, _) = testing::ticket();
    ledger.open(ticket.clone());
    let slot = Slot::of_parent();
    let token = slot.token();
    ledger.hold_slot(ticket.claim.id, slot);
    (ticket, part, token)
}

#[tokio::test]
async fn a_heartbeat_extends_the_lease_and_without_a_lease_there_is_no_slot() {
    let bench = Bench::new().await;
    let ((session, sums), mut state) = (session(&bench), State::default());
    state.session = Some(session.open().await.expect("a store"));
    assert_eq!(session.take(&mut state).await, None, "others may have its locks");
    session.heartbeat(&mut state).await;
    assert!(session.lease.is_good());
    let token = session.take(&mut state).await.expect("the only slot");
    assert_eq!(session.take(&mut state).await, None, "there is one");
    session.give(&mut state, token).await;
    assert!(session.take(&mut state).await.is_some(), "it was given back");
    assert_eq!(sums.totals().heartbeats_failed, 0);
}

#[tokio::test]
async fn a_slot_is_one_of_as_many_as_the_window_has_that_holds() {
    let bench = Bench::new().await;
    let ((mut session, _), mut state) = (session(&bench), State::default());
    session.heartbeat(&mut state).await;
    let (digest, always) = (Digest::of(b"any"), r#"[{ "from": "00:00", "to": "24:00", "slots": 2 }]"#);
    session.fleet = Fleet::of(Configuration {
        recipe: Recipe { embedding: EmbeddingId(digest), chunking: ChunkingId(digest) },
        rules: RulesDigest(digest),
        slots: 1,
        windows: serde_json::from_str(always).expect("windows"),
        keys: BTreeMap::default(),
    });
    session.fleet.enter(&*bench.store, session.identity.get(), Membership::Joins).await.expect("a row");
    assert_eq!(session.fleet.slots(), Some(1), "no slot was asked for yet");
    for left in [true, true, false] {
        assert_eq!(session.take(&mut state).await.is_some(), left);
    }
    assert_eq!(session.fleet.slots(), Some(2));
}

#[tokio::test]
async fn an_instance_that_was_declared_dead_ends_its_jobs_and_begins_anew() {
    let bench = Bench::new().await;
    let ((session, _), mut state) = (session(&bench), State::default());
    session.heartbeat(&mut state).await;
    let (ticket, _part, _) = holder(&session.ledger);
    let before = session.identity.get();
    bench.store.retire(before).await.expect("a row");
    session.heartbeat(&mut state).await;
    assert!(matches!(ticket.ending(), Some(Ending::Cancelled(why)) if why.contains("declared dead")));
    assert_ne!(session.identity.get(), before);
    session.heartbeat(&mut state).await;
    assert!(state.session.is_some() && state.missed.is_none(), "under its new name it lives");
}

#[tokio::test]
async fn a_heartbeat_that_fails_is_counted_and_ends_nothing() {
    let bench = Bench::new().await;
    let ((session, sums), mut state) = (session(&bench), State::default());
    session.heartbeat(&mut state).await;
    let (ticket, _part, _) = holder(&session.ledger);
    let until = session.lease.until();
    state.session = None;
    bench.store.close().await;
    session.heartbeat(&mut state).await;
    session.heartbeat(&mut state).await;
    assert_eq!((sums.totals().heartbeats_failed, state.missed.map(|missed| missed.times)), (2, Some(2)));
    assert!(!ticket.is_over() && session.lease.until() == until, "it goes on until the lease ends");
}

#[tokio::test]
async fn a_job_whose_slot_went_to_another_instance_is_cancelled_and_no_other() {
    let bench = Bench::new().await;
    let ((session, _), mut state) = (session(&bench), State::default());
    let (loser, _part, lost) = holder(&session.ledger);
    let (other, _other_part, _) = holder(&session.ledger);
    let lease_until = Instant::now();
    session.take_in(&mut state, Heartbeat { alive: true, lease_until, suspects: vec![], lost: vec![lost] });
    assert!(matches!(loser.ending(), Some(Ending::Cancelled(why)) if why.contains("slot")));
    assert!(!other.is_over());
}
