//! What happens in the pipeline, counted as it happens.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram};
use warmer_content::SkipReason;
use warmer_pipeline::{Call, Counters, Ended, Event, GitCall, GitOutcome, Listener, ModelCall, Stage, Step, Ticket};
use warmer_store::{AttemptOutcome, JobKind};
use warmer_traces::names as attributes;

use super::instruments::Instruments;
use super::names;
use super::repositories::Repositories;

/// Bounds of what a batch takes, in seconds. A batch is a few files or texts: a hasher has one in 1 to 50 ms, a write
/// takes 1 to 10, a text 5 to 100 in the model, 128 of them some seconds; above a minute something hangs.
const BATCHES: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0];
/// Bounds of what a job takes, in seconds: a check has 50 ms to 1 s, a warm seconds to minutes, a cold fill up to half
/// an hour.
const JOBS: [f64; 13] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0];
/// As OpenTelemetry's conventions have them for clients of databases.
const DATABASE: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
/// As its conventions have them for calls of models.
const MODEL: [f64; 14] = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/// As its conventions have them for tokens.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// The stages that a job of each kind goes through.
pub(super) const STAGES: [(JobKind, [Stage; 3]); 2] = [
    (JobKind::Refresh, [Stage::Fetcher, Stage::Hasher, Stage::Storer]),
    (JobKind::Fill, [Stage::Filler, Stage::Embedder, Stage::Storer]),
];

const ERROR_TYPE: &str = attributes::ERROR_TYPE;

/// Who is called: the same in all its labels.
pub(super) struct Called {
    /// `postgresql` or `sqlite`.
    pub(super) database: &'static str,
    /// What all calls of the model are labelled with: they are made once, as each text is a call.
    pub(super) model: [KeyValue; 3],
}

impl Called {
    /// This kind of database, and the model in the directory of this name.
    pub(super) fn new(database: &'static str, model: String) -> Self {
        let model = [
            KeyValue::new(attributes::GEN_AI_OPERATION, attributes::EMBEDDINGS),
            KeyValue::new(attributes::GEN_AI_PROVIDER, "onnxruntime"),
            KeyValue::new(attributes::GEN_AI_MODEL, model),
        ];
        Self { database, model }
    }
}

/// Counts what happens.
pub(super) struct Events {
    called: Called,
    jobs: Jobs,
    stages: Stages,
    texts: Counter<u64>,
    not_embedded: Counter<u64>,
    skipped: Counter<u64>,
    model_duration: Histogram<f64>,
    model_tokens: Histogram<f64>,
    git_calls: Histogram<f64>,
    git_killed: Counter<u64>,
    database: Histogram<f64>,
    repositories: Option<Arc<Repositories>>,
}

/// Of attempts.
struct Jobs {
    ended: Counter<u64>,
    given_up: Counter<u64>,
    duration: Histogram<f64>,
    queue_wait: Histogram<f64>,
    slot_wait: Histogram<f64>,
    listed: Counter<u64>,
    read: Counter<u64>,
    published: Counter<u64>,
    received: Counter<u64>,
    read_bytes: Counter<u64>,
    rows: Counter<u64>,
}

/// Of batches.
struct Stages {
    work: Histogram<f64>,
    wait: Histogram<f64>,
    batches: Counter<u64>,
    items: Counter<u64>,
    bytes: Counter<u64>,
}

impl Events {
    /// All that has a known set of labels begins with 0: the first time that something happens is an increase, too.
    pub(super) fn new(of: &Instruments, called: Called, repositories: Option<Arc<Repositories>>) -> Self {
        let events = Self {
            called,
            jobs: Jobs {
                ended: of.counter(&names::JOBS),
                given_up: of.counter(&names::JOBS_GIVEN_UP),
                duration: of.histogram(&names::JOB_DURATION, &JOBS),
                queue_wait: of.histogram(&names::JOB_QUEUE_WAIT, &JOBS),
                slot_wait: of.histogram(&names::JOB_SLOT_WAIT, &JOBS),
                listed: of.counter(&names::FILES_LISTED),
                read: of.counter(&names::FILES_READ),
                published: of.counter(&names::FILES),
                received: of.counter(&names::GIT_RECEIVED),
                read_bytes: of.counter(&names::GIT_READ),
                rows: of.counter(&names::STORE_ROWS),
            },
            stages: Stages {
                work: of.histogram(&names::STAGE_WORK, &BATCHES),
                wait: of.histogram(&names::STAGE_WAIT, &BATCHES),
                batches: of.counter(&names::STAGE_BATCHES),
                items: of.counter(&names::STAGE_ITEMS),
                bytes: of.counter(&names::STAGE_IO),
            },
            texts: of.counter(&names::TEXTS),
            not_embedded: of.counter(&names::TEXTS_NOT_EMBEDDED),
            skipped: of.counter(&names::FILES_SKIPPED),
            model_duration: of.histogram(&names::GEN_AI_CLIENT_EMBEDDINGS_DURATION, &MODEL),
            model_tokens: of.histogram(&names::GEN_AI_CLIENT_EMBEDDINGS_OPERATION_INPUT_TOKENS, &TOKENS),
            git_calls: of.histogram(&names::GIT_CALL_DURATION, &JOBS),
            git_killed: of.counter(&names::GIT_WORKERS_KILLED),
            database: of.histogram(&names::DB_CLIENT_OPERATION_DURATION, &DATABASE),
            repositories,
        };
        events.begin();
        events
    }

    fn begin(&self) {
        for kind in [JobKind::Refresh, JobKind::Fill] {
            self.jobs.given_up.add(0, &[of_kind(kind)]);
            for outcome in AttemptOutcome::ALL.iter().filter(|outcome| ends(kind, **outcome)) {
                self.jobs.ended.add(0, &[of_kind(kind), KeyValue::new("outcome", outcome.as_str())]);
            }
        }
        for reason in SkipReason::ALL {
            self.skipped.add(0, &[KeyValue::new("reason", reason.as_str())]);
        }
        for outcome in GitOutcome::ALL.into_iter().filter(|outcome| outcome.is_killed()) {
            self.git_killed.add(0, &[KeyValue::new("reason", outcome.as_str())]);
        }
        self.stages.begin();
        self.texts(0, 0, 0);
        self.not_embedded(Spared::default());
        self.jobs.files(0, 0);
        let jobs = &self.jobs;
        for counter in [&jobs.listed, &jobs.read, &jobs.received, &jobs.read_bytes, &jobs.rows] {
            counter.add(0, &[]);
        }
    }

    fn ended(&self, ended: &Ended) {
        let (ticket, counters, jobs) = (&ended.ticket, &ended.ticket.counters, &self.jobs);
        let labels = [of_kind(ticket.kind()), KeyValue::new("outcome", ended.outcome.as_str())];
        jobs.ended.add(1, &labels);
        jobs.duration.record(ticket.age().as_secs_f64(), &labels);
        jobs.queue_wait.record(ticket.claim.waited.as_secs_f64(), &labels);
        // What was published had a slot: at once, where it was not put off.
        let at_once = (ended.outcome == AttemptOutcome::Warmed).then_some(Duration::ZERO);
        if let Some(wait) = ticket.claim.slot_wait.or(at_once) {
            jobs.slot_wait.record(wait.as_secs_f64(), &labels[1..]);
        }
        if ended.given_up {
            jobs.given_up.add(1, &labels[..1]);
        }
        jobs.listed.add(counters.listed.get(), &[]);
        jobs.read.add(counters.read.get(), &[]);
        jobs.received.add(counters.received.get(), &[]);
        jobs.read_bytes.add(counters.bytes.get(), &[]);
        jobs.rows.add(counters.new_rows.get(), &[]);
        jobs.files(ended.files.indexed, ended.files.removed);
        self.texts(counters.embedded.get(), counters.reused.get(), counters.failed.get());
        self.not_embedded(Spared::of(counters));
        if let Some(repositories) = &self.repositories {
            repositories.ended(ended);
        }
    }

    fn texts(&self, embedded: u64, reused: u64, failed: u64) {
        for (result, texts) in [("embedded", embedded), ("reused", reused), ("failed", failed)] {
            self.texts.add(texts, &[KeyValue::new("result", result)]);
        }
    }

    fn not_embedded(&self, Spared(by_reason): Spared) {
        for (reason, texts) in SPARED.into_iter().zip(by_reason) {
            self.not_embedded.add(texts, &[KeyValue::new("reason", reason)]);
        }
    }

    fn git(&self, call: &GitCall) {
        let outcome = call.outcome.as_str();
        let labels = [KeyValue::new("operation", call.operation.as_str()), KeyValue::new("outcome", outcome)];
        self.git_calls.record(call.took.as_secs_f64(), &labels);
        if call.outcome.is_killed() {
            self.git_killed.add(1, &[KeyValue::new("reason", outcome)]);
        }
    }

    fn embedded(&self, call: &ModelCall) {
        let (labels, took) = (&self.called.model, call.took.as_secs_f64());
        self.model_tokens.record(call.tokens as f64, labels);
        let Some(error) = call.outcome.failure() else { return self.model_duration.record(took, labels) };
        let [operation, provider, model] = labels.clone();
        self.model_duration.record(took, &[operation, provider, model, KeyValue::new(ERROR_TYPE, error)]);
    }

    fn asked(&self, call: &Call) {
        let (operation, table) = call.name.split_once(' ').unwrap_or((&call.name, ""));
        let mut labels = vec![
            KeyValue::new(attributes::DB_SYSTEM, self.called.database),
            KeyValue::new(attributes::DB_OPERATION, operation.to_owned()),
            KeyValue::new(attributes::DB_COLLECTION, table.to_owned()),
        ];
        if let Some(class) = &call.failure {
            labels.push(KeyValue::new(ERROR_TYPE, class.clone()));
        }
        self.database.record(call.took.as_secs_f64(), &labels);
    }
}

/// Why texts were not embedded.
const SPARED: [&str; 4] = ["stored", "in_hand", "elsewhere", "failed_before"];

/// How many, by the reasons.
#[derive(Debug, Default, PartialEq, Eq)]
struct Spared([u64; 4]);

impl Spared {
    fn of(counters: &Counters) -> Self {
        let [stored, reused, elsewhere, failed] =
            [&counters.spared, &counters.reused, &counters.elsewhere, &counters.hopeless].map(|each| each.get());
        Self([stored, reused.saturating_sub(elsewhere), elsewhere, failed])
    }
}

impl Jobs {
    fn files(&self, indexed: u64, removed: u64) {
        for (result, files) in [("indexed", indexed), ("removed", removed)] {
            self.published.add(files, &[KeyValue::new("result", result)]);
        }
    }
}

impl Stages {
    fn begin(&self) {
        for (kind, stages) in STAGES {
            for stage in stages {
                let labels = [KeyValue::new("stage", stage.as_str()), of_kind(kind)];
                [&self.batches, &self.items, &self.bytes].into_iter().for_each(|counter| counter.add(0, &labels));
            }
        }
    }

    fn stepped(&self, ticket: &Ticket, step: &Step) {
        let labels = [KeyValue::new("stage", step.stage.as_str()), of_kind(ticket.kind())];
        self.work.record(step.work.as_secs_f64(), &labels);
        self.batches.add(1, &labels);
        self.items.add(step.items, &labels);
        self.bytes.add(step.bytes, &labels);
        let [stage, kind] = labels;
        for (wait, time) in step.waits.iter() {
            let wait = KeyValue::new("wait", wait.as_str());
            self.wait.record(Duration::as_secs_f64(&time), &[stage.clone(), kind.clone(), wait]);
        }
    }
}

impl Listener for Events {
    fn on_event(&self, event: &Event) {
        match event {
            Event::Ended(ended) => self.ended(ended),
            Event::Stepped(ticket, step) => self.stages.stepped(ticket, step),
            Event::Asked(call) => self.asked(call),
            Event::Git(call) => self.git(call),
            Event::Embedded(call) => self.embedded(call),
            Event::Skipped(reason, files) => self.skipped.add(*files, &[KeyValue::new("reason", reason.as_str())]),
            // These are in the pipeline's own sums, which are observed.
            Event::Began(_)
            | Event::Slot { .. }
            | Event::Starved
            | Event::HeartbeatFailed
            | Event::Rescued(_)
            | Event::ProviderPaused(_)
            | Event::ProviderResumed(_) => {}
        }
    }
}

/// Whether an attempt of this kind can end so.
fn ends(kind: JobKind, outcome: AttemptOutcome) -> bool {
    match kind {
        JobKind::Refresh => outcome != AttemptOutcome::Filled,
        JobKind::Fill => !matches!(outcome, AttemptOutcome::Warmed | AttemptOutcome::Fresh),
    }
}

pub(super) fn of_kind(kind: JobKind) -> KeyValue {
    KeyValue::new("kind", kind.as_str())
}
