//! An embedding provider that is not the model of this machine: late, busy and wrong. No file is skipped for it, and no
//! refresh waits for it.

mod yields;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use warmer_content::{EmbeddingId, Vector};
use warmer_embedding::{CallLimits, EmbedError, Embedding, Provider};
use warmer_pipeline::{Ended, Event};
use warmer_store::{AttemptOutcome, JobFilter, JobKind};
use warmer_tests::inside::{Inside, Line};
use warmer_tests::{GIT, Need, Repo, needs};

/// Texts that one call of the service carries.
const TEXTS: usize = 16;

/// A service that answers right once its script is played.
struct Service {
    right: Arc<dyn Provider>,
    script: Mutex<VecDeque<Answer>>,
    /// When it was called, and with how many texts.
    calls: Mutex<Vec<(Instant, usize)>>,
    called: Notify,
}

/// What a call is answered.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// Nothing, until the caller gives up.
    Late,
    /// "Too many requests", and when to come back.
    Busy(Option<Duration>),
    /// A vector too few.
    Short,
    /// Vectors of another model.
    Narrow,
    /// The first text has none.
    Refusal,
}

impl Service {
    /// In front of the pipeline's provider.
    fn before(inside: &mut Inside, script: &[Answer]) -> Arc<Self> {
        let right = inside.tools.provider.clone();
        let script = Mutex::new(script.iter().copied().collect());
        let service = Arc::new(Self { right, script, calls: Mutex::default(), called: Notify::new() });
        inside.tools.provider = service.clone();
        service
    }

    fn calls(&self) -> Vec<(Instant, usize)> {
        self.calls.lock().expect("nobody panics with it").clone()
    }
}

#[async_trait]
impl Provider for Service {
    fn embedding_id(&self) -> EmbeddingId {
        self.right.embedding_id()
    }

    fn dimensions(&self) -> Option<usize> {
        Some(32)
    }

    fn limits(&self) -> CallLimits {
        CallLimits { texts: TEXTS, size: 100_000 }
    }

    fn uploads(&self) -> bool {
        true
    }

    async fn embed(&self, texts: Vec<String>, stop: CancellationToken) -> Vec<Result<Embedding, EmbedError>> {
        let asked = texts.len();
        self.calls.lock().expect("nobody panics with it").push((Instant::now(), asked));
        self.called.notify_one();
        let answer = self.script.lock().expect("nobody panics with it").pop_front();
        let all = |error: EmbedError| vec![Err(error); asked];
        match answer {
            Some(Answer::Late) => {
                stop.cancelled().await;
                all(EmbedError::Stopped)
            }
            Some(Answer::Busy(after)) => all(EmbedError::Retry { why: "HTTP status 429".to_owned(), after }),
            Some(Answer::Narrow) => {
                vec![Ok(Embedding { vector: Vector::normalized(&[1.0, 0.0]), tokens: 1 }); asked]
            }
            answer => {
                let mut right = self.right.embed(texts, stop).await;
                match answer {
                    Some(Answer::Short) => drop(right.pop()),
                    Some(Answer::Refusal) => right[0] = Err(EmbedError::Text("it is not allowed".to_owned())),
                    _ => {}
                }
                right
            }
        }
    }
}

fn skipped(inside: &Inside) -> Vec<String> {
    inside.database().query("select path || ' ' || skip from entry where skip is not null")
}

/// Texts that cannot be embedded, with the reason.
fn failed(inside: &Inside) -> Vec<String> {
    inside.database().query("select lower(hex(text)) || ' ' || reason from failed_text where not again")
}

/// The next attempt of a fill that ends.
async fn fill(line: &mut Line) -> Ended {
    loop {
        let ended = line.ended().await;
        if ended.ticket.claim.fill.is_some() {
            return ended;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_busy_late_or_wrong_costs_no_file_and_no_vector() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(40, 1_200, 3);
    let undisturbed = Inside::new().await;
    assert_eq!(undisturbed.warm(&[&repo]).await, [AttemptOutcome::Warmed]);
    undisturbed.database().assert_whole();
    let expected = undisturbed.database().dump_served();
    let soon = Some(Duration::from_millis(10));
    for script in [
        &[Answer::Busy(soon); 6][..],
        &[Answer::Late],
        &[Answer::Short, Answer::Narrow],
        &[Answer::Refusal],
        &[Answer::Busy(None), Answer::Late, Answer::Busy(soon), Answer::Short],
    ] {
        let mut inside = Inside::new().await;
        inside.settings.embedder.text_deadline = Duration::from_millis(500);
        let service = Service::before(&mut inside, script);
        let outcomes = inside.warm(&[&repo]).await;
        assert_eq!(outcomes, [AttemptOutcome::Warmed], "{script:?}");
        assert_eq!((skipped(&inside), failed(&inside)), (vec![], vec![]), "{script:?}");
        assert_eq!(inside.database().dump_served(), expected, "{script:?}");
        assert!(service.script.lock().expect("nobody panics with it").is_empty(), "{script:?}");
        assert!(service.calls().iter().any(|(_, texts)| *texts > 1), "one call carries several texts");
        assert!(service.calls().iter().all(|(_, texts)| *texts <= TEXTS));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_the_provider_refuses_twice_costs_its_vector_and_no_other() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(20, 400, 3);
    let mut inside = Inside::new().await;
    inside.settings.embedder.workers = 1;
    // The first text is refused in company, and then alone: it comes before all others.
    Service::before(&mut inside, &[Answer::Refusal, Answer::Refusal]);
    assert_eq!(inside.warm(&[&repo]).await, [AttemptOutcome::Warmed]);
    assert_eq!(skipped(&inside), Vec::<String>::new());
    assert_eq!((inside.totals().await.indexed, inside.database().query("select 'lacks' from lack").len()), (20, 0));
    let without = "select distinct lower(hex(text)) || ' panicked' from artifact_chunk
                   where text not in (select text from vector)";
    let (failed, without) = (failed(&inside), inside.database().query(without));
    assert_eq!((failed.len(), &failed), (1, &without));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_provider_is_not_called_and_its_jobs_neither_stall_nor_hold_up_others() {
    needs!(GIT, Need::Runtime);
    let generated = |files, seed| Repo::generated(files, 1_200, seed);
    let (new, known, copy) = (generated(40, 3), generated(10, 4), generated(10, 4));
    let mut inside = Inside::new().await;
    assert_eq!(inside.warm(&[&known]).await, [AttemptOutcome::Warmed]);
    // Longer than a job may stand still here, by several looks at the jobs; and that is longer than a busy machine
    // keeps a text waiting.
    let pause = Duration::from_secs(12);
    (inside.settings.claimer.stall, inside.settings.embedder.workers) = (Duration::from_secs(4), 1);
    let service = Service::before(&mut inside, &[Answer::Busy(Some(pause))]);
    let waits = inside.enqueue(&new).await;
    let mut line = inside.start().await;
    service.called.notified().await;
    let goes_on = inside.enqueue(&copy).await;
    line.running.wake();
    let refreshed = line.ends(&[waits, goes_on]).await;
    assert!(refreshed.values().all(|ended| ended.outcome == AttemptOutcome::Warmed), "{refreshed:?}");
    assert_eq!(service.calls().len(), 1, "neither refresh waited for the provider");
    let filled = fill(&mut line).await;
    let of = |ended: &Ended| ended.ticket.claim.repository.id;
    assert_eq!((filled.outcome, of(&filled)), (AttemptOutcome::Filled, of(&refreshed[&waits])), "{filled:?}");
    inside.database().assert_whole();
    let calls = service.calls();
    let quiet = calls[1].0.duration_since(calls[0].0);
    assert!(quiet >= pause, "it was called again after {quiet:?}");
    line.running.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_a_provider_that_stays_away_go_back_and_those_that_are_cancelled_do_not_wait_for_it() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(40, 1_200, 3);
    let hour = Some(Duration::from_hours(1));
    let mut inside = Inside::new().await;
    Service::before(&mut inside, &[Answer::Busy(hour); 2]);
    let refresh = inside.enqueue(&repo).await;
    let mut line = inside.start().await;
    let served = line.ends(&[refresh]).await.remove(&refresh).expect("it ends");
    assert_eq!(served.outcome, AttemptOutcome::Warmed, "{served:?}");
    let ended = fill(&mut line).await;
    let away = "the embedding provider does not answer for now: HTTP status 429";
    assert_eq!((ended.outcome, ended.error.as_deref()), (AttemptOutcome::Retry, Some(away)));
    assert_eq!(line.running.held().map(|held| held.why.to_string()).as_deref(), Some(away), "it claims no other");
    line.running.stop(Duration::ZERO).await;
    let fills = JobFilter { kind: Some(JobKind::Fill), ..JobFilter::default() };
    assert_eq!(inside.store.jobs(&fills).await.expect("a queue").len(), 1, "it went back");
    assert_eq!(failed(&inside), Vec::<String>::new());

    let mut inside = Inside::new().await;
    let minutes = Some(Duration::from_mins(4));
    let service = Service::before(&mut inside, &[Answer::Busy(minutes); 2]);
    inside.enqueue(&repo).await;
    let mut line = inside.start().await;
    while let Some(event) = line.events.recv().await {
        if let Event::Began(ticket) = event
            && ticket.claim.fill.is_some()
        {
            service.called.notified().await;
            ticket.end(warmer_pipeline::Ending::Cancelled("asked to".to_owned()));
            break;
        }
    }
    let ended = fill(&mut line).await;
    assert_eq!((ended.outcome, ended.error.as_deref()), (AttemptOutcome::Cancelled, Some("asked to")));
    line.running.stop(Duration::ZERO).await;
}

/// A model that hangs, whatever it is told, and how often it was called.
struct Deaf(Arc<dyn Provider>, Arc<AtomicUsize>);

#[async_trait]
impl Provider for Deaf {
    fn embedding_id(&self) -> EmbeddingId {
        self.0.embedding_id()
    }

    fn dimensions(&self) -> Option<usize> {
        None
    }

    fn limits(&self) -> CallLimits {
        self.0.limits()
    }

    fn uploads(&self) -> bool {
        false
    }

    async fn embed(&self, _: Vec<String>, _: CancellationToken) -> Vec<Result<Embedding, EmbedError>> {
        self.1.fetch_add(1, SeqCst);
        std::future::pending().await
    }
}

/// W-15 and W-8: the process lives, and is current.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_never_end_pause_fills_and_nothing_else() {
    needs!(GIT, Need::Runtime);
    let (repo, mut other) = (Repo::generated(100, 400, 3), Repo::generated(5, 400, 4));
    let (mut inside, called) = (Inside::new().await, Arc::default());
    inside.tools.provider = Arc::new(Deaf(inside.tools.provider.clone(), Arc::clone(&called)));
    (inside.settings.embedder.text_deadline, inside.settings.abandoned_max) = (Duration::from_millis(200), 2);
    inside.settings.claimer.stall = Duration::from_secs(3_600);
    let refresh = inside.enqueue(&repo).await;
    let mut line = inside.start().await;
    let served = line.ends(&[refresh]).await.remove(&refresh).expect("it ends");
    assert_eq!(served.outcome, AttemptOutcome::Warmed, "{served:?}");
    let ended = fill(&mut line).await;
    assert_eq!(ended.outcome, AttemptOutcome::Retry, "{ended:?}");
    assert!(ended.error.as_deref().is_some_and(|why| why.contains("do not end; a restart ends them")), "{ended:?}");
    let calls = called.load(SeqCst);
    for _ in 0..3 {
        other.write("pushed.txt", format!("after {calls} calls and {}", other.tip())).commit("a push");
        let refresh = inside.enqueue(&other).await;
        line.running.wake();
        let served = line.ends(&[refresh]).await.remove(&refresh).expect("it ends");
        assert!([AttemptOutcome::Warmed, AttemptOutcome::Fresh].contains(&served.outcome), "{served:?}");
    }
    let given_up = tokio::time::timeout(Duration::ZERO, line.running.failed()).await;
    assert_eq!(given_up.ok(), None, "the process lives");
    assert!(line.running.measurements().abandoned_threads > 2 && called.load(SeqCst) == calls, "no other is made");
    line.running.stop(Duration::ZERO).await;
}
