//! The frame around a stage that follows a script.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use warmer_store::JobKind;
use warmer_supervision::Permit;

use super::*;
use crate::batch::Claimed;
use crate::faults::NoFaults;
use crate::measurements::Sums;
use crate::ticket::{Report, testing};

/// What the stage does.
#[derive(Clone, Copy)]
enum Does {
    HandOn,
    End,
    Crash,
    Hang,
}

struct Scripted {
    does: Does,
    ends_by_itself: bool,
}

impl StageWork for Scripted {
    type Message = Claimed;
    type State = ();
    type Done = &'static str;

    fn state(&self) {}

    fn ends_by_itself(&self, _: &Claimed) -> bool {
        self.ends_by_itself
    }

    async fn work(&self, (): &mut (), _: &mut Claimed, run: &Run<'_>) -> Result<&'static str, Stop> {
        match self.does {
            Does::HandOn => Ok("done"),
            Does::End => Err(Ending::Retry("down".to_owned()).into()),
            Does::Crash => Err(Crash("a bug".into()).into()),
            Does::Hang if self.ends_by_itself => {
                run.ticket.over().await;
                Err(Ending::Lost("too late".to_owned()).into())
            }
            Does::Hang => std::future::pending().await,
        }
    }

    async fn hand_on(&self, Claimed { part }: Claimed, done: &'static str, _: &Run<'_>) -> Result<(), Crash> {
        assert_eq!(done, "done");
        part.finish().expect("it is the last part").done(Ending::Fresh);
        Ok(())
    }
}

/// A stage in a frame, what it is to work on, and what is heard of it.
struct Scene {
    stage: Framed<Scripted>,
    ticket: Arc<Ticket>,
    delivery: Delivery<Claimed>,
    reports: Receiver<Report>,
    sums: Arc<Sums>,
}

impl Scene {
    fn of(does: Does, ends_by_itself: bool) -> Self {
        let (sums, lease) = (Arc::new(Sums::default()), Lease::new(true));
        let observer = Observer::default().and(sums.clone());
        let frame = Frame { lease, faults: Arc::new(NoFaults), observer };
        let (ticket, part, reports) = testing::ticket();
        let queued = Instant::now();
        let delivery = Delivery { message: Claimed { part }, queued, permit: Permit::free(), seat: Seat::unmeasured() };
        Self { stage: Framed { stage: Scripted { does, ends_by_itself }, frame }, ticket, delivery, reports, sums }
    }

    /// With a lease for a minute.
    fn leased(does: Does) -> Self {
        let scene = Self::of(does, false);
        scene.stage.frame.lease.extend(Instant::now() + Duration::from_secs(60));
        scene
    }
}

fn ending(reports: &Receiver<Report>) -> Ending {
    reports.try_recv().expect("the part is home").ending
}

#[tokio::test]
async fn what_the_work_came_to_is_handed_on_and_its_times_are_measured() {
    let Scene { stage, delivery, reports, sums, ticket } = Scene::leased(Does::HandOn);
    stage.handle(&mut (), delivery).await.expect("no crash");
    assert_eq!(ending(&reports), Ending::Fresh);
    let summed = sums.totals().stages[&(Stage::Fetcher, JobKind::Refresh)];
    let timeline = ticket.timeline();
    let counted = timeline.stage(Stage::Fetcher).expect("it worked");
    assert!(!summed.work.is_zero());
    assert_eq!((summed.work, summed.waits), (counted.work, counted.waits), "for all, and for the job");
}

#[tokio::test]
async fn an_ending_ends_the_job_and_not_the_worker() {
    let Scene { stage, delivery, reports, .. } = Scene::leased(Does::End);
    stage.handle(&mut (), delivery).await.expect("no crash");
    assert_eq!(ending(&reports), Ending::Retry("down".to_owned()));
}

#[tokio::test]
async fn a_crash_loses_the_part() {
    let Scene { stage, delivery, reports, .. } = Scene::leased(Does::Crash);
    stage.handle(&mut (), delivery).await.expect_err("the worker is to be replaced");
    assert!(matches!(ending(&reports), Ending::Lost(_)));
}

#[tokio::test]
async fn nothing_begins_without_the_lease_and_a_job_that_is_over_does_not_wait_for_it() {
    let Scene { stage, delivery, reports, ticket, sums } = Scene::of(Does::HandOn, false);
    let mut state = ();
    let mut handled = Box::pin(stage.handle(&mut state, delivery));
    assert!(futures::poll!(&mut handled).is_pending());
    ticket.end(Ending::Cancelled("asked to".to_owned()));
    handled.await.expect("no crash");
    assert_eq!(ending(&reports), Ending::Cancelled("asked to".to_owned()));
    let fetcher = sums.totals().stages[&(Stage::Fetcher, JobKind::Refresh)];
    assert!(fetcher.work.is_zero() && !fetcher.waits.of(Wait::Lease).is_zero(), "{fetcher:?}");
}

#[tokio::test]
async fn work_on_a_job_that_is_over_is_dropped_unless_it_ends_by_itself() {
    for ends_by_itself in [false, true] {
        let Scene { stage, delivery, reports, ticket, .. } = Scene::of(Does::Hang, ends_by_itself);
        stage.frame.lease.extend(Instant::now() + Duration::from_secs(60));
        let mut state = ();
        let mut handled = Box::pin(stage.handle(&mut state, delivery));
        assert!(futures::poll!(&mut handled).is_pending());
        ticket.end(Ending::Cancelled("asked to".to_owned()));
        handled.await.expect("no crash");
        assert_eq!(ending(&reports), Ending::Cancelled("asked to".to_owned()), "the first ending stands");
    }
}
