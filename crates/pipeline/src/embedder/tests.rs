//! An Embedder that nobody calls: a test takes and delivers in place of its workers.

use tokio::time::advance;
use warmer_supervision::Limits;

use super::*;
use crate::faults::NoFaults;
use crate::lease::Lease;
use crate::measurements::{ProviderTotals, Sums};
use crate::observer::Observer;
use crate::single_flight::tests::{batch, embedding, next};
use crate::testing::Bench;
use crate::ticket::testing;

const SECOND: Duration = Duration::from_secs(1);

/// An Embedder of this bench, which nobody calls, with its sums.
fn embedder(bench: &Bench) -> (Embedder, Arc<Sums>) {
    let sums = Arc::new(Sums::default());
    let limits = Limits { workers: 1, mailbox: 1, mailbox_bytes: 1 << 20 };
    let observer = Observer::default().and(sums.clone());
    let embedder = Embedder {
        next: Mailbox::new("storer", limits).0,
        own: Mailbox::new("embedder", limits).0,
        tools: bench.tools(),
        ledger: Ledger::default(),
        flight: SingleFlight::remembering(1),
        looks: Arc::default(),
        pause: Arc::default(),
        hold: Hold::new(Live::default()),
        left: LeftBehind::default(),
        left_max: 1,
        trying: None,
        settings: Live::default(),
        frame: Frame { lease: Lease::new(false), faults: Arc::new(NoFaults), observer },
    };
    (embedder, sums)
}

#[tokio::test]
async fn without_a_model_every_job_that_waits_goes_back_and_the_hold_is_on() {
    let bench = Bench::new().await;
    let ((_one, first, r1), (_two, second, r2)) = (testing::ticket(), testing::ticket());
    let (embedder, _) = embedder(&bench);
    assert!(embedder.flight.admit(batch(first, &["a"])).is_none());
    assert!(embedder.flight.admit(batch(second, &["a"])).is_none());
    let taken = next(&embedder.flight).expect("a text that is wanted");
    embedder.deliver(vec![taken], vec![Err(EmbedError::Unfit("no model".to_owned()))], Instant::now());
    embedder.put_back(&embedder.held().expect("the hold is on"));
    for reports in [r1, r2] {
        let ending = reports.try_recv().expect("it ended").ending;
        assert!(matches!(ending, Ending::Held { why, unfit: true, .. } if why == "no model"));
    }
    assert_eq!(embedder.flight.size(), (0, 0));
}

#[tokio::test]
async fn pauses_and_outages_of_the_provider_are_measured() {
    let (bench, (_ticket, part, _reports)) = (Bench::new().await, testing::ticket());
    let (embedder, sums) = embedder(&bench);
    assert!(embedder.flight.admit(batch(part, &["a", "b"])).is_none());
    let answers = |called, answer: Embedded| {
        let taken = next(&embedder.flight).expect("a text that is wanted");
        embedder.deliver(vec![taken], vec![answer], called);
        sums.totals().provider
    };
    let busy = || Err(EmbedError::Retry { why: "busy".to_owned(), after: None });
    tokio::time::pause();
    let called = Instant::now();
    advance(SECOND).await;
    let paused = ProviderTotals { away: true, pauses: 1, ..ProviderTotals::default() };
    assert_eq!(answers(called, busy()), paused);
    assert_eq!(answers(called, busy()), paused, "it was called before the pause began");
    advance(SECOND).await;
    assert_eq!(answers(Instant::now(), busy()), ProviderTotals { pauses: 2, ..paused });
    advance(2 * SECOND).await;
    let resumed = ProviderTotals { away: false, pauses: 2, outages: 1, outage_time: 4 * SECOND };
    assert_eq!(answers(Instant::now(), Ok(embedding())), resumed);
    assert_eq!(answers(Instant::now(), Ok(embedding())), resumed, "it answered all the while");
}

#[tokio::test]
async fn where_a_text_in_hand_cannot_be_noted_the_database_is_to_blame() {
    let (bench, (ticket, part, reports)) = (Bench::new().await, testing::ticket());
    let mut embedder = embedder(&bench).0;
    embedder.trying = Some(ticket.claim.id);
    assert!(embedder.flight.admit(batch(part, &["a"])).is_none());
    let taken = next(&embedder.flight).expect("a text that is wanted");
    bench.store.close().await;
    embedder.tries(Some(&taken)).await.expect_err("the database is gone");
    drop(taken);
    embedder.flight.sweep();
    let ending = reports.try_recv().expect("it ended").ending;
    assert!(ending.why().is_some_and(|why| !why.contains("worker")), "{ending:?}");
}
