//! Blocking code that obeys, and code that does not. Real threads, so a real clock: short deadlines, no sleeps.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::Notify;
use warmer_supervision::{Abandoned, Deadline, LeftBehind, Outcome, blocking, call, call_counted};

const SOON: Deadline = Deadline { after: Duration::from_millis(20), grace: Duration::from_millis(20) };
const LONG: Duration = Duration::from_secs(60);

/// Looks at the flag as often as it can.
fn obedient(stop: &AtomicBool) -> &'static str {
    while !stop.load(SeqCst) {
        std::thread::yield_now();
    }
    "half a result"
}

#[tokio::test]
async fn in_time_the_value_comes_back_and_the_flag_is_left_alone() {
    let stop = Arc::new(AtomicBool::new(false));
    assert_eq!(blocking(LONG, stop.clone(), |_| 7).await, Outcome::Done(7));
    assert!(!stop.load(SeqCst));
}

#[tokio::test]
async fn at_the_deadline_obedient_code_stops() {
    let stop = Arc::new(AtomicBool::new(false));
    let deadline = Deadline { grace: LONG, ..SOON };
    assert_eq!(blocking(deadline, stop.clone(), obedient).await, Outcome::Stopped("half a result"));
    assert!(stop.load(SeqCst));
}

#[tokio::test]
async fn a_caller_may_raise_the_flag_before_the_deadline() {
    let stop = Arc::new(AtomicBool::new(true));
    assert_eq!(blocking(LONG, stop, obedient).await, Outcome::Done("half a result"));
}

#[tokio::test]
async fn a_panic_is_a_value() {
    let ended = blocking(LONG, Arc::default(), |_| -> () { panic!("boom {}", 7) }).await;
    assert_eq!(ended, Outcome::Panicked("panicked: boom 7".to_owned()));
}

#[tokio::test]
async fn a_dropped_future_raises_the_flag() {
    let (started, begun) = tokio::sync::oneshot::channel();
    let (tell, heard) = tokio::sync::oneshot::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let mut call = Box::pin(blocking(LONG, stop.clone(), move |stop| {
        let _ = started.send(());
        tell.send(obedient(stop))
    }));
    assert!((&mut call).now_or_never().is_none());
    begun.await.expect("it started");
    drop(call);
    assert!(stop.load(SeqCst));
    assert_eq!(heard.await, Ok("half a result"));
}

#[test]
fn what_never_got_a_thread_never_runs() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (release, wait) = mpsc::channel::<()>();
        let hog = tokio::task::spawn_blocking(move || wait.recv());
        let ran = Arc::new(AtomicBool::new(false));
        let note = ran.clone();
        let before = Abandoned::count();
        let ended = blocking(SOON, Arc::default(), move |_| note.store(true, SeqCst)).await;
        assert_eq!(ended, Outcome::Late);
        drop(release);
        let _ = hog.await;
        // Runs after everything that was queued before it.
        tokio::task::spawn_blocking(|| {}).await.expect("no panic");
        assert!(!ran.load(SeqCst));
        assert!(Abandoned::count() <= before + 2, "it is not counted");
    });
}

/// A call that ends when it is told to, and what tells it.
fn obliging() -> (impl Future<Output = &'static str>, impl Fn()) {
    let told = Arc::new(Notify::new());
    let heard = told.clone();
    let call = async move {
        heard.notified().await;
        "half a result"
    };
    (call, move || told.notify_one())
}

#[tokio::test]
async fn a_call_that_ends_in_time_is_not_stopped() {
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = stopped.clone();
    assert_eq!(call(LONG, move || stop.store(true, SeqCst), async { 7 }).await, Outcome::Done(7));
    assert!(!stopped.load(SeqCst));
}

#[tokio::test]
async fn a_call_is_stopped_at_its_deadline() {
    let (work, stop) = obliging();
    assert_eq!(call(Deadline { grace: LONG, ..SOON }, stop, work).await, Outcome::Stopped("half a result"));
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_stopped_and_comes_to_its_end() {
    let (work, stop) = obliging();
    let (tell, heard) = tokio::sync::oneshot::channel();
    let mut waiting = Box::pin(call(LONG, stop, async { tell.send(work.await) }));
    assert!((&mut waiting).now_or_never().is_none());
    drop(waiting);
    assert_eq!(heard.await, Ok("half a result"));
}

#[tokio::test]
async fn a_call_that_panics_is_a_value() {
    let ended: Outcome<()> = call(LONG, || {}, async { panic!("boom {}", 7) }).await;
    assert_eq!(ended, Outcome::Panicked("panicked: boom 7".to_owned()));
}

/// The only test that leaves threads behind, because they are counted for the whole process.
#[tokio::test]
async fn deaf_threads_are_counted_until_they_end_and_over_the_bound_somebody_is_told() {
    let deaf = || {
        let (release, wait) = mpsc::channel::<()>();
        let call = blocking(SOON, Arc::default(), move |_| wait.recv().is_ok());
        (release, call)
    };
    Abandoned::allow(1);
    let (release_late, late) = deaf();
    assert_eq!(late.await, Outcome::Late);
    assert_eq!(Abandoned::count(), 1);
    let mut exceeded = Box::pin(Abandoned::exceeded());
    assert!((&mut exceeded).now_or_never().is_none(), "one is allowed");

    // A caller that goes away leaves its thread behind as well.
    let (started, begun) = tokio::sync::oneshot::channel();
    let (release_dropped, wait) = mpsc::channel::<()>();
    let mut waiting = Box::pin(blocking(Deadline { after: LONG, ..SOON }, Arc::default(), move |_| {
        let _ = started.send(());
        wait.recv().is_ok()
    }));
    assert!((&mut waiting).now_or_never().is_none());
    begun.await.expect("it started");
    drop(waiting);
    tokio::time::timeout(LONG, exceeded).await.expect("two threads are more than one");
    assert_eq!(Abandoned::count(), 2);

    // A call of a part that counts its own is none of them.
    let (left, (release_counted, wait)) = (LeftBehind::default(), tokio::sync::oneshot::channel::<()>());
    assert_eq!(
        call_counted((tracing::Span::none(), &left), SOON, || {}, async { wait.await.is_ok() }).await,
        Outcome::Late
    );
    assert_eq!((left.count(), Abandoned::count()), (1, 2));
    drop(release_counted);

    // As does a call that ends neither when it should nor when it is told to.
    let (release_call, wait) = tokio::sync::oneshot::channel::<()>();
    assert_eq!(call(SOON, || {}, async { wait.await.is_ok() }).await, Outcome::Late);
    assert_eq!(Abandoned::count(), 3);

    drop((release_late, release_dropped, release_call));
    let ended = async {
        while Abandoned::count() + left.count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, ended).await.expect("all have ended");
}
