//! Metrics: one set of instruments with two readers, `/metrics` for Prometheus and the export over OTLP.
//!
//! What happens is counted by a listener of the pipeline (`events.rs`); what is now, or was summed by others, is
//! observed when somebody reads (`pipeline.rs`, `process.rs`, `queue.rs`). `names.rs` has the names of all, `text.rs`
//! those that Prometheus has words of its own for, `config/metrics.md` tells of them.

mod events;
mod instruments;
mod names;
mod pipeline;
mod process;
mod push;
mod queue;
mod repositories;
mod settings;
mod text;

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::Registry;
use warmer_pipeline::{Listener, Measuring};
use warmer_serve::Render;
use warmer_serve::webhooks::HookAnswers;

use crate::config::Config;
use crate::machine;
use crate::output::printable_line;
use crate::paths::Paths;
use crate::telemetry::Collector;
use events::{Called, Events};
use instruments::Instruments;
use pipeline::Source;
use push::Pushing;
use repositories::Repositories;

pub(crate) use queue::Queue;
pub(crate) use settings::MetricsSettings;

/// Letters of a model's name.
const MODEL_LETTERS_MAX: usize = 100;

/// Whether a process has metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It answers `/metrics`, and exports them where that is asked for.
    Both,
    /// It exports them, where that is asked for.
    Pushed,
    /// It has none.
    Neither,
}

/// The metrics of this process. Where there are none, it does nothing.
#[derive(Default)]
pub(crate) struct Metrics {
    on: Option<On>,
    source: Source,
    /// What the queue's figures are told by.
    pub(crate) queue: Queue,
    /// Counts how webhooks are answered.
    pub(crate) webhooks: HookAnswers,
}

struct On {
    provider: SdkMeterProvider,
    /// What `/metrics` reads.
    registry: Option<Registry>,
    /// Whether they are pushed.
    pushing: Option<Pushing>,
}

impl Metrics {
    /// Makes the instruments, and starts the thread that pushes. Call it once, outside the async runtime: the exporter
    /// blocks.
    ///
    /// # Errors
    /// When the exporter cannot be built from the `OTEL_…` variables.
    pub(crate) fn start(wanted: Wanted, push: Option<&Collector>, resource: Resource) -> anyhow::Result<Self> {
        let push = push.filter(|_| wanted != Wanted::Neither);
        if wanted == Wanted::Neither || (wanted == Wanted::Pushed && push.is_none()) {
            return Ok(Self::default());
        }
        let mut builder = SdkMeterProvider::builder().with_resource(resource);
        let mut registry = None;
        if wanted == Wanted::Both {
            let read = registry.insert(Registry::new()).clone();
            builder = builder.with_reader(
                opentelemetry_prometheus::exporter().with_registry(read).scope_info_enabled(false).build()?,
            );
        }
        let mut pushing = None;
        if let Some(push) = push {
            let (reader, its_end) = push::reader(push)?;
            builder = builder.with_reader(reader);
            pushing = Some(its_end);
        }
        Ok(Self { on: Some(On { provider: builder.build(), registry, pushing }), ..Self::default() })
    }

    /// Begins to measure this process; who counts what happens in its pipeline. Where there are no metrics, nobody.
    pub(crate) fn measure(&self, config: &Config, paths: &Paths) -> Option<Arc<dyn Listener>> {
        let of = Instruments::new(self.on.as_ref()?.provider.meter("warmer"));
        process::observe(&of, machine::limits(), self.webhooks.clone());
        pipeline::observe(&of, &self.source);
        self.queue.observe(&of);
        let repositories = config.metrics.per_repository.then(Arc::<Repositories>::default);
        if let Some(repositories) = &repositories {
            repositories::observe(&of, repositories);
        }
        Some(Arc::new(Events::new(&of, called(config, paths), repositories)))
    }

    /// A pipeline runs until what this gives is dropped: it is asked when somebody reads.
    pub(crate) fn runs(&self, measuring: Measuring) -> Runs {
        self.source.runs(measuring);
        Runs(self.source.clone())
    }

    /// Who writes `/metrics`, if somebody is to.
    pub(crate) fn render(&self) -> Option<Render> {
        let registry = self.on.as_ref()?.registry.clone()?;
        Some(Arc::new(move || {
            let encoded = text::written(&registry);
            encoded.unwrap_or_else(|error| {
                tracing::error!(%error, "cannot write metrics");
                String::new()
            })
        }))
    }

    /// Sends what is left, on a thread of its own, which takes 5 seconds at most.
    pub(crate) fn end(self) -> Ending {
        let Some(On { provider, pushing: Some(pushing), .. }) = self.on else { return Ending(None) };
        // Where no thread can be had, they are lost: the end does not wait for them.
        Ending(thread::Builder::new().name("metrics".to_owned()).spawn(move || pushing.end(&provider)).ok())
    }
}

/// Ends the questions to a pipeline when it is dropped.
#[must_use]
pub(crate) struct Runs(Source);

impl Drop for Runs {
    fn drop(&mut self) {
        self.0.over();
    }
}

/// The end of all metrics, which is under way.
#[must_use]
pub(crate) struct Ending(Option<JoinHandle<()>>);

impl Ending {
    /// Returns when it is over.
    pub(crate) fn wait(self) {
        if let Some(thread) = self.0 {
            // One that panicked has sent nothing, and that is all.
            thread.join().ok();
        }
    }
}

fn called(config: &Config, paths: &Paths) -> Called {
    let name = paths.model.file_name().unwrap_or_default().to_string_lossy();
    let model = printable_line(&name).chars().take(MODEL_LETTERS_MAX).collect();
    Called::new(if config.database.is_shared() { "postgresql" } else { "sqlite" }, model)
}
