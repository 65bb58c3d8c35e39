//! A processor of finished spans whose queue is bounded, with an exporter behind it: who ends a span never waits, and
//! what does not fit is counted and told. The SDK's own says nothing where it drops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};
use warmer_traces::drop_spans;

use super::limits::Limits;
use super::losses::Losses;
use super::target::Target;
use crate::output::{counted, duration};

/// A processor with a bounded queue.
#[derive(Debug)]
pub(super) struct Bounded {
    inner: BatchSpanProcessor,
    counts: Arc<Counts>,
    limits: Limits,
}

/// What became of the spans of one processor.
#[derive(Debug)]
pub(super) struct Counts {
    target: Target,
    queue: usize,
    /// In the queue.
    waiting: AtomicUsize,
    /// In the queue, or on their way.
    unsent: AtomicU64,
    /// That did not fit, since that was told.
    overflown: AtomicU64,
    told: Losses,
    /// The end was told: what fails after it was in that.
    ended: AtomicBool,
}

/// The exporter behind the queue.
#[derive(Debug)]
struct Counted<E> {
    exporter: E,
    counts: Arc<Counts>,
}

impl Bounded {
    /// So many spans wait in front of the exporter, at most, and each has no more than these limits leave.
    pub(super) fn new(exporter: impl SpanExporter + 'static, target: Target, (queue, limits): (usize, Limits)) -> Self {
        let (waiting, unsent, overflown, told, ended) = Default::default();
        let counts = Arc::new(Counts { target, queue, waiting, unsent, overflown, told, ended });
        let exporter = Counted { exporter, counts: counts.clone() };
        let config = BatchConfigBuilder::default().with_max_queue_size(queue).build();
        Self { inner: BatchSpanProcessor::builder(exporter).with_batch_config(config).build(), counts, limits }
    }

    pub(super) fn counts(&self) -> Arc<Counts> {
        self.counts.clone()
    }
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        // Nothing is logged here: this is in the midst of a span's end.
        if !self.counts.admits() {
            return self.counts.overflows();
        }
        self.limits.shorten(&mut span);
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl Counts {
    fn admits(&self) -> bool {
        let more = |waiting: usize| (waiting < self.queue).then_some(waiting + 1);
        let admitted = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        self.unsent.fetch_add(u64::from(admitted), Ordering::Relaxed);
        admitted
    }

    fn overflows(&self) {
        drop_spans(1);
        self.overflown.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends the count, and says what was lost and not told yet, if anything.
    pub(super) fn end(&self) -> Option<String> {
        self.ended.store(true, Ordering::SeqCst);
        let (unsent, overflown) = (self.unsent.load(Ordering::SeqCst), self.overflown.load(Ordering::SeqCst));
        drop_spans(unsent);
        let (left, before) = (unsent + overflown, self.told.untold());
        if left > 0 {
            let before = before.map(|(before, _)| format!("; and {before} before that")).unwrap_or_default();
            return Some(format!("{} at the end: {}{before}", dropped(left), self.target.late()));
        }
        before.map(|(total, why)| format!("{}: {why}", dropped(total)))
    }

    /// An export has ended, of which so many failed.
    fn tell(&self, failed: u64, why: impl FnOnce() -> String) {
        let overflown = self.overflown.swap(0, Ordering::Relaxed);
        if failed + overflown == 0 {
            if let Some((total, lasted)) = self.told.well() {
                tracing::warn!(
                    "the exporter drops no more spans: it dropped {} within {}",
                    counted(total, "span"),
                    duration(lasted)
                );
            }
            return;
        }
        let why = || match failed {
            0 => format!("more than {} waited (OTEL_BSP_MAX_QUEUE_SIZE)", self.queue),
            _ => why(),
        };
        if let Some(why) = self.told.lose(failed + overflown, why) {
            tracing::warn!("{}: {why}; the total is told once no more are lost", dropped(failed + overflown));
        }
    }
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let (spans, began) = (batch.len(), Instant::now());
        self.counts.waiting.fetch_sub(spans, Ordering::Relaxed);
        let exported = self.exporter.export(batch).await;
        if self.counts.ended.load(Ordering::SeqCst) {
            return exported;
        }
        self.counts.unsent.fetch_sub(spans as u64, Ordering::SeqCst);
        match &exported {
            Ok(()) => self.counts.tell(0, String::new),
            Err(error) => {
                drop_spans(spans as u64);
                self.counts.tell(spans as u64, || self.counts.target.why(error, began.elapsed()));
            }
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

fn dropped(spans: u64) -> String {
    format!("the exporter dropped {}", counted(spans, "span"))
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::error::OTelSdkError;
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    /// Takes no batch to its end before it is let go on.
    #[derive(Debug)]
    struct Hanging {
        reached: Arc<Barrier>,
        let_go: Arc<Barrier>,
    }

    impl SpanExporter for Hanging {
        async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
            self.reached.wait();
            self.let_go.wait();
            Ok(())
        }
    }

    #[test]
    fn behind_an_exporter_that_hangs_so_many_wait_and_what_is_more_is_counted_at_once() {
        let (reached, let_go) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let hanging = Hanging { reached: reached.clone(), let_go: let_go.clone() };
        let bounded = Bounded::new(hanging, Target::File("/x".to_owned()), (4, Limits::default()));
        let counts = bounded.counts();
        let provider = SdkTracerProvider::builder().with_span_processor(bounded).build();
        let tracer = provider.tracer("test");
        let spans = |number| (0..number).for_each(|_| drop(tracer.start("a span")));
        spans(1);
        std::thread::scope(|scope| {
            let flushing = scope.spawn(|| provider.force_flush());
            reached.wait();
            // One is on its way, and no longer in the queue.
            spans(7);
            assert_eq!(counts.overflown.load(Ordering::Relaxed), 3);
            let_go.wait();
            flushing.join().unwrap().unwrap();
            let flushing = scope.spawn(|| provider.force_flush());
            reached.wait();
            let_go.wait();
            flushing.join().unwrap().unwrap();
        });
        assert_eq!(counts.end(), None, "what was sent is not left, and what was lost is told");
    }

    /// Fails once it is let go on.
    #[derive(Debug)]
    struct Failing(Arc<Barrier>);

    impl SpanExporter for Failing {
        async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
            self.0.wait();
            self.0.wait();
            Err(OTelSdkError::InternalFailure("no".to_owned()))
        }
    }

    #[test]
    fn what_is_lost_at_the_end_is_told_once_with_what_was_lost_since_it_was_told_last() {
        let going = Arc::new(Barrier::new(2));
        let target = Target::File("/x".to_owned());
        let bounded = Bounded::new(Failing(going.clone()), target, (2, Limits::default()));
        let counts = bounded.counts();
        let provider = SdkTracerProvider::builder().with_span_processor(bounded).build();
        let tracer = provider.tracer("test");
        // Told at once, then within the same minute.
        for spans in [1, 2] {
            (0..spans).for_each(|_| drop(tracer.start("a span")));
            std::thread::scope(|scope| {
                scope.spawn(|| provider.force_flush().is_ok());
                going.wait();
                going.wait();
            });
        }
        std::thread::scope(|scope| {
            drop(tracer.start("a span"));
            scope.spawn(|| provider.force_flush().is_ok());
            going.wait();
            let end = counts.end();
            assert_eq!(
                end.as_deref(),
                Some("the exporter dropped 1 span at the end: /x is not written in time; and 3 before that")
            );
            going.wait();
        });
        assert_eq!(
            counts.told.untold().map(|(spans, _)| spans),
            Some(3),
            "what fails after the end was told is in that"
        );
    }

    #[test]
    fn what_was_lost_within_the_minute_before_the_end_is_told_with_its_reason() {
        let going = Arc::new(Barrier::new(2));
        let bounded = Bounded::new(Failing(going), Target::File("/x".to_owned()), (2, Limits::default()));
        let counts = bounded.counts();
        counts.tell(2, || "a reason".to_owned());
        assert_eq!(counts.end(), None, "it is told");
        counts.tell(3, || panic!("it is not time to tell"));
        assert_eq!(counts.end().as_deref(), Some("the exporter dropped 5 spans: a reason"));
    }
}
