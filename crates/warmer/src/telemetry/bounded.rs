//! A processor of finished spans whose queue is bounded, with an exporter behind it: who ends a span never waits, and
//! what does not fit is counted and told. The SDK's own says nothing where it drops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};
use warmer_serve::RateLimit;
use warmer_traces::drop_spans;

use super::target::Target;

/// A processor with a bounded queue.
#[derive(Debug)]
pub(super) struct Bounded {
    inner: BatchSpanProcessor,
    counts: Arc<Counts>,
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
    told: RateLimit,
}

/// The exporter behind the queue.
#[derive(Debug)]
struct Counted<E> {
    exporter: E,
    counts: Arc<Counts>,
}

impl Bounded {
    /// So many spans wait in front of the exporter, at most.
    pub(super) fn new(exporter: impl SpanExporter + 'static, target: Target, queue: usize) -> Self {
        let (waiting, unsent, overflown, told) = Default::default();
        let counts = Arc::new(Counts { target, queue, waiting, unsent, overflown, told });
        let exporter = Counted { exporter, counts: counts.clone() };
        let config = BatchConfigBuilder::default().with_max_queue_size(queue).build();
        Self { inner: BatchSpanProcessor::builder(exporter).with_batch_config(config).build(), counts }
    }

    pub(super) fn counts(&self) -> Arc<Counts> {
        self.counts.clone()
    }
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        // Nothing is logged here: this is in the midst of a span's end.
        if self.counts.admits() { self.inner.on_end(span) } else { self.counts.overflows() }
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

    /// How many were neither sent nor told as dropped, and why.
    pub(super) fn left(&self) -> Option<(u64, String)> {
        let (unsent, overflown) = (self.unsent.load(Ordering::Relaxed), self.overflown.load(Ordering::Relaxed));
        (unsent + overflown > 0).then(|| (unsent + overflown, self.target.late()))
    }

    fn tell(&self, failed: u64, why: impl FnOnce() -> String) {
        let overflown = self.overflown.swap(0, Ordering::Relaxed);
        if failed + overflown == 0 {
            return;
        }
        if let Some(total) = self.told.add_many(failed + overflown) {
            match failed {
                0 => tracing::warn!("dropped {total} spans: more than {} waited (OTEL_BSP_MAX_QUEUE_SIZE)", self.queue),
                _ => tracing::warn!("dropped {total} spans: {}", why()),
            }
        }
    }
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.counts.waiting.fetch_sub(spans, Ordering::Relaxed);
        let exported = self.exporter.export(batch).await;
        self.counts.unsent.fetch_sub(spans as u64, Ordering::Relaxed);
        match &exported {
            Ok(()) => self.counts.tell(0, String::new),
            Err(error) => {
                drop_spans(spans as u64);
                self.counts.tell(spans as u64, || self.counts.target.why(error));
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

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
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
        let bounded = Bounded::new(hanging, Target::File("/x".to_owned()), 4);
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
            assert_eq!(counts.left().map(|(left, _)| left), Some(8), "one on its way, four in the queue, three lost");
            let_go.wait();
            flushing.join().unwrap().unwrap();
            let flushing = scope.spawn(|| provider.force_flush());
            reached.wait();
            let_go.wait();
            flushing.join().unwrap().unwrap();
        });
        assert!(counts.left().is_none(), "what was sent is not left, and what was lost is told");
    }
}
