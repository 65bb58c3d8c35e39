//! The injector: called at every claim and at every edge of every stage, it injects the faults that the variables ask
//! for.

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use tracing::Span;
use warmer_pipeline::{Edge, Faults, Stage, Tracer};
use warmer_store::Claim;
use warmer_supervision::Crash;

use super::kill::{Kill, Point};
use super::ledger::Ledger;
use super::pace::Pace;
use super::poison;
use super::unwell::Unwell;
use crate::environment::Environment;

/// What the embedder of this process may suffer from.
pub(super) fn unwell(environment: &Environment) -> anyhow::Result<Option<Unwell>> {
    environment.text("WARMER_CHAOS_EMBEDDER").map(str::parse).transpose().context("WARMER_CHAOS_EMBEDDER")
}

/// The faults of this process.
pub(super) struct Injector {
    ledger: Ledger,
    kill: Option<Kill>,
    pace: Pace,
    unwell: Option<Unwell>,
    tracer: Arc<dyn Tracer>,
}

impl Injector {
    /// As the variables say; spans are still opened by `tracer`.
    pub(super) fn new(ledger: Ledger, tracer: Arc<dyn Tracer>, environment: &Environment) -> anyhow::Result<Self> {
        let kill = environment.text("WARMER_CHAOS_KILL").map(str::parse).transpose().context("WARMER_CHAOS_KILL")?;
        let pace = environment.text("WARMER_CHAOS_PACE").map(str::parse).transpose().context("WARMER_CHAOS_PACE")?;
        let unwell = unwell(environment)?;
        Ok(Self { ledger, kill, pace: pace.unwrap_or_default(), unwell, tracer })
    }

    /// In a process that runs one job for another: it dies of its files only.
    pub(super) fn in_child(ledger: Ledger, tracer: Arc<dyn Tracer>, environment: &Environment) -> anyhow::Result<Self> {
        Ok(Self { kill: None, ..Self::new(ledger, tracer, environment)? })
    }

    fn pass(&self, point: Point) {
        if let Some(kill) = &self.kill {
            kill.pass(point, &self.ledger);
        }
    }
}

impl Tracer for Injector {
    /// The first thing that happens to a claimed job, before anyone works on it.
    fn attempt(&self, claim: &Claim) -> (Span, Option<String>) {
        self.ledger.claimed(claim);
        self.tracer.attempt(claim)
    }

    fn traceparent(&self, span: &Span) -> Option<String> {
        self.tracer.traceparent(span)
    }
}

#[async_trait]
impl Faults for Injector {
    async fn at(&self, stage: Stage, edge: Edge) -> Result<(), Crash> {
        let name = stage.as_str();
        match (stage, edge) {
            (Stage::Fetcher, Edge::Before) => self.pass(Point::Claimed),
            (Stage::Embedder, Edge::Before) => self.pass(Point::Embedding),
            _ => {}
        }
        self.ledger.works(name);
        if (stage, edge) == (Stage::Embedder, Edge::Before) && self.unwell.as_ref().is_some_and(Unwell::kills) {
            return Err(Crash("the embedder is dead".into()));
        }
        if edge == Edge::After {
            self.pace.keep(name).await;
        }
        Ok(())
    }

    fn file(&self, path: &str) {
        poison::apply(path, &self.ledger);
    }

    fn text(&self, text: &str) {
        poison::apply_text(text, &self.ledger);
    }

    async fn publication(&self, edge: Edge) {
        self.pass(if edge == Edge::Before { Point::Publishing } else { Point::Published });
    }
}
