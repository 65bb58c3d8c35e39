//! The spans below an attempt's root, made of its timeline once it has ended: a span for each stage, below it one for
//! each batch that the timeline kept, and below those one for each call.
//!
//! What is waited for is in the span of the batch and has an attribute of its own, apart from work: so the spans
//! explain the whole time of a job, and a stage that is held back does not look busy.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::global::{BoxedSpan, tracer};
use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use warmer_pipeline::{Call, Event, Listener, Stage, StageTimes, Step, System, Ticket, Timeline, Waits};
use warmer_store::{DatabaseSettings, ServerPlace};
use warmer_traces::names::{self, int};

/// Makes them; where nothing is exported it does nothing.
pub(crate) struct AttemptSpans {
    /// Which database is called, and where its server is.
    database: Vec<KeyValue>,
    /// The name of its directory.
    model: String,
}

impl AttemptSpans {
    /// Of attempts that this process makes.
    pub(crate) fn of(context: &crate::context::Context) -> Arc<dyn Listener> {
        let model = context.paths.model.file_name().map(|name| name.to_string_lossy().into_owned());
        let database = database(&context.config.database);
        Arc::new(Self { database, model: model.unwrap_or_default() })
    }
}

fn database(settings: &DatabaseSettings) -> Vec<KeyValue> {
    let Some(ServerPlace { address, port, namespace }) = settings.server() else {
        let system = if settings.is_shared() { "postgresql" } else { "sqlite" };
        return vec![KeyValue::new(names::DB_SYSTEM, system)];
    };
    let port = port.map(|port| KeyValue::new(names::SERVER_PORT, i64::from(port)));
    let place = [
        KeyValue::new(names::DB_SYSTEM, "postgresql"),
        KeyValue::new(names::DB_NAMESPACE, namespace),
        KeyValue::new(names::SERVER_ADDRESS, address),
    ];
    place.into_iter().chain(port).collect()
}

impl Listener for AttemptSpans {
    fn on_event(&self, event: &Event) {
        let Event::Ended(ended) = event else { return };
        let root = ended.ticket.span.context();
        if root.span().span_context().is_sampled() {
            Making { of: self, ticket: &ended.ticket }.attempt(&root);
        }
    }
}

/// The spans of one attempt in the making.
struct Making<'a> {
    of: &'a AttemptSpans,
    ticket: &'a Ticket,
}

impl Making<'_> {
    fn attempt(&self, root: &Context) {
        let timeline = self.ticket.timeline();
        for stage in Stage::ALL {
            let Some(times) = timeline.stage(stage) else { continue };
            let steps = &timeline.steps[stage as usize];
            let span = self.stage(root, (stage, times), steps.left_out());
            let below = root.with_remote_span_context(span.span_context().clone());
            steps.iter().for_each(|step| self.step(&below, step));
            self.end(span, times.last);
        }
        self.end_of_attempt(root, &timeline);
    }

    /// What belongs to no batch: calls before the first, and from when the last part was home the end, until now.
    fn end_of_attempt(&self, root: &Context, timeline: &Timeline) {
        let reported = timeline.reported.unwrap_or(timeline.age);
        let (end, before): (Vec<_>, Vec<_>) = timeline.calls.iter().partition(|call| call.began >= reported);
        before.into_iter().for_each(|call| self.call(root, call));
        let span = self.start(root, names::SETTLE.into(), SpanKind::Internal, reported, vec![]);
        let below = root.with_remote_span_context(span.span_context().clone());
        end.into_iter().for_each(|call| self.call(&below, call));
        self.end(span, self.ticket.age());
    }

    /// It ends when its last batch was handed on, not when the job ended.
    fn stage(&self, root: &Context, (stage, times): (Stage, &StageTimes), left_out: u64) -> BoxedSpan {
        let mut attributes = vec![
            KeyValue::new(names::STAGE, stage.as_str()),
            KeyValue::new(names::WORK, times.work.as_secs_f64()),
            KeyValue::new(names::BATCHES, int(times.batches)),
            KeyValue::new(names::ITEMS, int(times.items)),
            KeyValue::new(names::BYTES, int(times.bytes)),
        ];
        if left_out > 0 {
            attributes.push(KeyValue::new(names::BATCHES_LEFT_OUT, int(left_out)));
        }
        waits(&mut attributes, &times.waits);
        self.start(root, span_name(stage).into(), SpanKind::Internal, times.first, attributes)
    }

    fn step(&self, stage: &Context, step: &Step) {
        let mut attributes = vec![
            KeyValue::new(names::STAGE, step.stage.as_str()),
            KeyValue::new(names::WORK, step.work.as_secs_f64()),
            KeyValue::new(names::ITEMS, int(step.items)),
            KeyValue::new(names::BYTES, int(step.bytes)),
        ];
        if step.calls.left_out() > 0 {
            attributes.push(KeyValue::new(names::CALLS_LEFT_OUT, int(step.calls.left_out())));
        }
        waits(&mut attributes, &step.waits);
        let name: Cow<'static, str> = match step.stage {
            Stage::Embedder => {
                attributes.extend(self.of_model());
                attributes.push(KeyValue::new(names::GEN_AI_TOKENS, int(step.tokens)));
                format!("{} {}", names::EMBEDDINGS, self.of.model).into()
            }
            stage => batch_name(stage).into(),
        };
        let span = self.start(stage, name, SpanKind::Internal, step.arrived, attributes);
        let below = stage.with_remote_span_context(span.span_context().clone());
        step.calls.iter().for_each(|call| self.call(&below, call));
        self.end(span, step.ended);
    }

    fn call(&self, parent: &Context, call: &Call) {
        let name = call.name.clone();
        let (name, attributes) = match call.system {
            System::Git => {
                let attributes = self.of_git(&name);
                (name, attributes)
            }
            System::Database => {
                let (operation, table) = name.split_once(' ').unwrap_or((&name, ""));
                let mut attributes = vec![
                    KeyValue::new(names::DB_SUMMARY, name.to_string()),
                    KeyValue::new(names::DB_OPERATION, operation.to_owned()),
                    KeyValue::new(names::DB_COLLECTION, table.to_owned()),
                ];
                attributes.extend(self.of.database.iter().cloned());
                (name, attributes)
            }
            System::Model => (format!("{name} {}", self.of.model).into(), self.of_model().into()),
        };
        let mut span = self.start(parent, name, SpanKind::Client, call.began, attributes);
        if let Some(class) = &call.failure {
            span.set_status(Status::error(class.clone()));
            span.set_attribute(KeyValue::new(names::ERROR_TYPE, class.to_string()));
        }
        if let Some(code) = &call.code {
            span.set_attribute(KeyValue::new(names::DB_STATUS, code.clone()));
        }
        self.end(span, call.began + call.took);
    }

    /// What is known of the remote without a secret; an attempt fetches once.
    fn of_git(&self, name: &str) -> Vec<KeyValue> {
        let repository = &self.ticket.claim.repository;
        let received = self.ticket.counters.received.get();
        let mut attributes = vec![
            KeyValue::new(names::VCS_URL, repository.remote.clone()),
            KeyValue::new(names::VCS_REF, repository.reference.clone().unwrap_or_else(|| "HEAD".to_owned())),
        ];
        if name == names::FETCH && received > 0 {
            attributes.push(KeyValue::new(names::PACK_BYTES, int(received)));
        }
        attributes
    }

    fn of_model(&self) -> [KeyValue; 3] {
        [
            KeyValue::new(names::GEN_AI_OPERATION, names::EMBEDDINGS),
            KeyValue::new(names::GEN_AI_PROVIDER, "onnxruntime"),
            KeyValue::new(names::GEN_AI_MODEL, self.of.model.clone()),
        ]
    }

    fn start(
        &self,
        parent: &Context,
        name: Cow<'static, str>,
        kind: SpanKind,
        at: Duration,
        attributes: Vec<KeyValue>,
    ) -> BoxedSpan {
        let builder = SpanBuilder::from_name(name)
            .with_kind(kind)
            .with_start_time(self.ticket.began() + at)
            .with_attributes(attributes);
        tracer("warmer").build_with_context(builder, parent)
    }

    fn end(&self, mut span: BoxedSpan, at: Duration) {
        span.end_with_timestamp(self.ticket.began() + at);
    }
}

/// Seconds, each wait under its own name; what was not waited for is left out.
fn waits(attributes: &mut Vec<KeyValue>, waits: &Waits) {
    attributes.extend(waits.iter().map(|(wait, time)| KeyValue::new(names::wait(wait.as_str()), time.as_secs_f64())));
}

fn span_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Fetcher => names::STAGE_FETCH,
        Stage::Hasher => names::STAGE_HASH,
        Stage::Filler => names::STAGE_FILL,
        Stage::Embedder => names::STAGE_EMBED,
        Stage::Storer => names::STAGE_STORE,
    }
}

fn batch_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Fetcher => names::BATCH_FETCH,
        Stage::Hasher => names::BATCH_HASH,
        Stage::Filler => names::BATCH_FILL,
        Stage::Embedder => names::EMBEDDINGS,
        Stage::Storer => names::BATCH_STORE,
    }
}
