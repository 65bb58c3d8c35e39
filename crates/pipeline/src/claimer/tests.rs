//! A Claimer whose handlers a test calls, in front of a Fetcher that is not there: what is claimed comes home as lost.

use ractor::concurrency::oneshot;
use tokio::sync::mpsc::UnboundedReceiver;
use warmer_embedding::Absent;
use warmer_store::{JobId, JobState, Settlement, Takes};
use warmer_supervision::Limits;

use super::*;
use crate::fleet::Fleet;
use crate::measurements::Sums;
use crate::part::Part;
use crate::rescuer::Rescues;
use crate::session::First;
use crate::settings::ClaimerSettings;
use crate::testing::{Bench, heard, live, settings};

const HOUR: Duration = Duration::from_hours(1);

/// A Claimer with a lease for an hour, and what it keeps.
struct Scene {
    bench: Bench,
    claimer: Claimer,
    state: State,
    myself: ActorRef<ClaimerMessage>,
    heard: UnboundedReceiver<ClaimerMessage>,
    sums: Arc<Sums>,
}

impl Scene {
    async fn new() -> Self {
        Self::with(settings()).await
    }

    async fn with(settings: ClaimerSettings) -> Self {
        let (bench, sums) = (Bench::new().await, Arc::new(Sums::default()));
        let claimer = claimer(&bench, settings, Observer::default().and(sums.clone()));
        claimer.lease.extend(Instant::now() + HOUR);
        let (myself, heard) = heard().await;
        let state = claimer.state(&myself);
        Self { bench, claimer, state, myself, heard, sums }
    }

    /// Claims with this many permits, one after the other, as the Fetcher's mailbox would give them.
    async fn claim(&mut self, permits: usize) {
        for _ in 0..permits {
            let permit = ClaimerMessage::RefreshPermit(Permit::free());
            self.claimer.handle(self.myself.clone(), permit, &mut self.state).await.expect("no crash");
        }
    }

    /// A job of this remote that is worked on, for as long as its part is out.
    async fn work(&self, remote: &str) -> Part {
        let claim = self.bench.claim(remote).await;
        self.claimer.open(&self.myself, claim, None).await
    }

    async fn job_state(&self, job: JobId) -> Option<JobState> {
        self.bench.store.job(job).await.expect("a queue").map(|job| job.state)
    }

    async fn running(&self) -> usize {
        self.bench.store.running(self.bench.instance).await.expect("rows").len()
    }

    /// The next job that came home.
    async fn report(&mut self) -> Report {
        loop {
            let heard = self.heard.recv().await.expect("it lives");
            if let ClaimerMessage::Report(report) = heard {
                return report;
            }
        }
    }
}

fn claimer(bench: &Bench, settings: ClaimerSettings, observer: Observer) -> Claimer {
    let settings = live(ClaimerSettings { slots: 1, ..settings });
    let (tools, lease, fatal) = (bench.tools(), Lease::new(true), Fatal::default());
    let ledger = Ledger::new(observer.clone());
    let session = Session {
        store: bench.store.clone(),
        identity: tools.identity.clone(),
        takes: Takes::Any,
        settings: settings.clone(),
        fleet: Fleet::default(),
        lease: lease.clone(),
        ledger: ledger.clone(),
        rescues: Rescues::default(),
        first: First::default(),
        fatal: fatal.clone(),
        observer: observer.clone(),
    };
    let limits = Limits { workers: 1, mailbox: 1, mailbox_bytes: 1 << 20 };
    let ((fetcher, _), (filler, _)) = (Mailbox::new("fetcher", limits), Mailbox::new("filler", limits));
    let (slots, selection) = (Slots::new(4), Selection::any());
    let closed = Arc::default();
    Claimer {
        tools,
        fetcher,
        filler,
        ledger,
        session,
        slots,
        lease,
        selection,
        observer,
        settings,
        hold: Hold::new(Live::default()),
        closed,
        fatal,
    }
}

#[tokio::test]
async fn a_job_is_claimed_only_with_a_permit_and_each_permit_takes_one() {
    let mut scene = Scene::new().await;
    for remote in ["/a", "/b"] {
        scene.bench.queue(remote).await;
    }
    scene.claimer.claim(&scene.myself, &mut scene.state).await;
    assert_eq!((scene.running().await, scene.state.refreshes.is_asked()), (0, true), "it asks for one instead");
    for claimed in 1..=2 {
        scene.claim(1).await;
        assert_eq!((scene.running().await, scene.claimer.ledger.count().open()), (claimed, claimed));
    }
    assert!(!scene.state.refreshes.has_permit());
    scene.claim(1).await;
    assert!(scene.state.refreshes.has_permit(), "with nothing to take, it is kept for the next");
}

#[tokio::test]
async fn a_job_that_comes_home_is_settled_and_closed() {
    let mut scene = Scene::new().await;
    let job = scene.bench.queue("/a").await;
    scene.claim(1).await;
    let report = scene.report().await;
    assert!(matches!(report.ending, Ending::Lost(_)), "nobody was there to take it");
    let report = ClaimerMessage::Report(report);
    scene.claimer.handle(scene.myself.clone(), report, &mut scene.state).await.expect("no crash");
    assert_eq!((scene.claimer.ledger.count().open(), scene.job_state(job).await), (0, Some(JobState::Queued)));
}

#[tokio::test]
async fn nothing_is_claimed_without_the_lease_nor_above_the_concurrency() {
    let mut scene = Scene::with(ClaimerSettings { concurrency: 1, ..settings() }).await;
    scene.bench.queue("/a").await;
    scene.bench.queue("/b").await;
    let until = std::mem::replace(&mut scene.claimer.lease, Lease::new(true));
    scene.claim(1).await;
    assert_eq!((scene.running().await, scene.state.wake.is_some()), (0, true), "it looks again later");
    scene.claimer.lease = until;
    scene.claim(2).await;
    assert_eq!(scene.running().await, 1);
}

#[tokio::test]
async fn after_the_close_nothing_is_claimed_and_what_no_ledger_knows_is_given_back() {
    let mut scene = Scene::new().await;
    let unknown = scene.bench.claim("/a").await;
    scene.bench.queue("/b").await;
    scene.state.refreshes.keep(Permit::free());
    scene.state.fills.keep(Permit::free());
    scene.claimer.closed.store(true, std::sync::atomic::Ordering::Release);
    let (reply, closed) = oneshot();
    let close = ClaimerMessage::Close(reply.into());
    scene.claimer.handle(scene.myself.clone(), close, &mut scene.state).await.expect("no crash");
    closed.await.expect("an answer");
    assert!(!scene.state.refreshes.has_permit() && !scene.state.fills.has_permit(), "others may have them");
    assert_eq!(scene.job_state(unknown.job).await, Some(JobState::Queued));
    scene.claim(1).await;
    assert_eq!(scene.running().await, 0);
}

#[tokio::test]
async fn a_job_that_runs_here_and_is_in_no_ledger_is_given_back_and_no_other() {
    let scene = Scene::new().await;
    let known = scene.work("/a").await;
    let unknown = scene.bench.claim("/b").await;
    scene.claimer.compare().await;
    assert_eq!(scene.job_state(unknown.job).await, Some(JobState::Queued));
    let known = known.ticket();
    assert_eq!((scene.job_state(known.claim.job).await, known.is_over()), (Some(JobState::Running), false));
}

#[tokio::test]
async fn a_job_that_a_person_cancels_is_ended_and_no_other() {
    let scene = Scene::new().await;
    let (other, cancelled) = (scene.work("/a").await, scene.work("/b").await);
    let (other, cancelled) = (other.ticket(), cancelled.ticket());
    scene.bench.store.cancel(cancelled.claim.job).await.expect("a row");
    scene.claimer.compare().await;
    assert_eq!(cancelled.ending(), Some(Ending::Cancelled("a person cancelled it".to_owned())));
    assert!(!other.is_over());
}

#[tokio::test]
async fn a_stalled_job_is_lost_unless_it_is_excused_or_others_may_have_it() {
    let mut scene = Scene::with(ClaimerSettings { stall: Duration::ZERO, ..settings() }).await;
    let work = [scene.work("/a").await, scene.work("/b").await];
    let tickets = work.each_ref().map(|part| part.ticket());
    tickets[0].excuse(Instant::now() + HOUR);
    let lease = std::mem::replace(&mut scene.claimer.lease, Lease::new(true));
    scene.claimer.look_after(&mut scene.state).await;
    assert!(tickets.iter().all(|ticket| !ticket.is_over()), "without the lease it could not go on");
    scene.claimer.lease = lease;
    scene.claimer.look_after(&mut scene.state).await;
    assert!(!tickets[0].is_over(), "it waits for what is known to be away");
    assert!(matches!(tickets[1].ending(), Some(Ending::Lost(why)) if why.contains("nothing of the job finished")));
}

#[tokio::test]
async fn all_jobs_are_cancelled_once_the_lease_is_gone_for_too_long() {
    let mut scene = Scene::new().await;
    let work = scene.work("/a").await;
    let ticket = work.ticket();
    for (ago, over) in [(59, false), (61, true)] {
        let then = Instant::now().checked_sub(Duration::from_secs(ago)).expect("the machine is up for longer");
        scene.claimer.lease.extend(then);
        scene.claimer.look_after(&mut scene.state).await;
        assert_eq!(matches!(ticket.ending(), Some(Ending::Cancelled(_))), over, "after {ago} s");
    }
}

#[tokio::test]
async fn heavy_jobs_wait_for_a_slot_and_who_waits_too_long_is_counted() {
    let mut scene = Scene::with(ClaimerSettings { slot_wait_max: Duration::ZERO, ..settings() }).await;
    let heavy = scene.bench.claim("/a").await;
    let deferred = Settlement::Deferred { after: Duration::ZERO };
    scene.bench.store.settle(heavy.id, deferred, None).await.expect("a row");
    let light = scene.bench.queue("/b").await;
    scene.claim(2).await;
    assert_eq!(scene.job_state(light).await, Some(JobState::Running), "it needs no slot");
    assert_eq!(scene.job_state(heavy.job).await, Some(JobState::Queued));
    assert!(scene.state.starvation.is_some() && scene.state.refreshes.has_permit());
    scene.claimer.claim(&scene.myself, &mut scene.state).await;
    assert!(scene.sums.totals().starved > 0);
}

/// W-15: however many fills there are, they take nothing from the refreshes; nor does bulk from what is new.
#[tokio::test]
async fn fills_have_permits_of_their_own_and_the_last_of_them_is_for_what_is_new() {
    let mut scene = Scene::with(ClaimerSettings { concurrency: 1, ..settings() }).await;
    for remote in ["/a", "/b"] {
        scene.bench.publish(remote, 5_000).await;
    }
    let permit = || ClaimerMessage::FillPermit(Permit::free());
    for _ in 0..3 {
        scene.claimer.handle(scene.myself.clone(), permit(), &mut scene.state).await.expect("no crash");
    }
    let count = scene.claimer.ledger.count();
    assert_eq!((count.refreshes, count.fills, count.bulk), (0, 1, 1), "of two permits one is left");
    scene.bench.publish("/c", 1).await;
    scene.claimer.handle(scene.myself.clone(), permit(), &mut scene.state).await.expect("no crash");
    let count = scene.claimer.ledger.count();
    assert_eq!((count.fills, count.bulk), (2, 1), "what was just published has it");
    scene.bench.queue("/d").await;
    scene.claim(1).await;
    assert_eq!(scene.claimer.ledger.count().refreshes, 1);
}

#[tokio::test]
async fn without_a_model_and_on_hold_no_fill_is_claimed_and_refreshes_are() {
    let mut scene = Scene::new().await;
    scene.bench.publish("/a", 1).await;
    let fill = || ClaimerMessage::FillPermit(Permit::free());
    let provider = scene.claimer.tools.provider.clone();
    scene.claimer.tools.provider = Arc::new(Absent::new(provider.embedding_id(), "there is no model"));
    scene.claimer.handle(scene.myself.clone(), fill(), &mut scene.state).await.expect("no crash");
    scene.claimer.tools.provider = provider;
    scene.claimer.hold.begin("down", false, HOUR);
    scene.bench.queue("/b").await;
    scene.claim(1).await;
    let count = scene.claimer.ledger.count();
    assert_eq!((count.refreshes, count.fills), (1, 0));
    scene.claimer.hold = Hold::new(Live::default());
    scene.claimer.handle(scene.myself.clone(), fill(), &mut scene.state).await.expect("no crash");
    assert_eq!(scene.claimer.ledger.count().fills, 1, "there is one all along");
}

#[tokio::test]
async fn a_new_claimer_ends_the_jobs_of_the_one_before_it() {
    let bench = Bench::new().await;
    let claimer = Claimer { closed: Arc::new(true.into()), ..claimer(&bench, settings(), Observer::default()) };
    let report = bench.report("/a", Ending::Fresh).await;
    claimer.ledger.open(report.ticket.clone());
    let (actor, ended) = Actor::spawn(None, claimer.clone(), ()).await.expect("it starts");
    assert_eq!(report.ticket.ending(), Some(Ending::Lost("the claimer died".to_owned())));
    assert_eq!(claimer.ledger.count().open(), 0);
    actor.stop(None);
    ended.await.expect("it stopped");
}
