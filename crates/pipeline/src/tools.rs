//! What the stages work with. Everything comes from outside; nothing here reads the environment.

use std::sync::Arc;

use tracing::Span;
use warmer_content::{Chunker, Recipe, Rules, RulesError};
use warmer_embedding::Provider;
use warmer_git::Mirrors;
use warmer_store::{Claim, Policy, Store};
use warmer_traces::names;

use crate::ending::Ending;
use crate::faults::Faults;
use crate::fleet::Fleet;
use crate::git_workers::GitWorkers;
use crate::identity::Identity;
use crate::isolation::Isolation;
use crate::kept::Kept;
use crate::live::Live;
use crate::part::Part;
use crate::ticket::{Reports, Ticket};

/// The stages' tools, shared by all workers.
#[derive(Clone)]
pub struct Tools {
    /// The queue and the cache.
    pub store: Arc<dyn Store>,
    /// The mirrors on local disk.
    pub mirrors: Arc<Mirrors>,
    /// Who does git's work.
    pub git: Arc<GitWorkers>,
    /// What is indexed, unless a repository narrows it.
    pub rules: Arc<Rules>,
    /// How blobs become chunks.
    pub chunker: Arc<Chunker>,
    /// How texts become vectors.
    pub provider: Arc<dyn Provider>,
    /// The fingerprints of the two.
    pub recipe: Recipe,
    /// What the other instances make.
    pub fleet: Fleet,
    /// As [`warmer_store::Publication::patience`].
    pub patience: Live<u64>,
    /// As [`warmer_store::Publication::fills`].
    pub fills: bool,
    /// This process, in the queue.
    pub identity: Identity,
    /// The door for fault tests; [`crate::NoFaults`] otherwise.
    pub faults: Arc<dyn Faults>,
    /// Who opens the root span of an attempt.
    pub tracer: Arc<dyn Tracer>,
    /// How a job gets a process of its own; `None` in such a process, where every job runs as it is.
    pub isolation: Option<Arc<Isolation>>,
    /// How much of an attempt's timeline is kept one by one.
    pub kept: Kept,
}

impl Tools {
    /// A ticket for a claimed job, with its first part. One whose repository has malformed rules is over already.
    pub(crate) fn open(&self, claim: Claim, span: Span, reports: Reports) -> (Arc<Ticket>, Part) {
        let (rules, malformed) = match self.rules_of(&claim.repository.policy) {
            Ok(rules) => (rules, None),
            Err(error) => (self.rules.clone(), Some(error)),
        };
        let ticket = Ticket::open(claim, rules, span, self.kept, reports);
        let part = Part::first(ticket.clone());
        if let Some(error) = malformed {
            ticket.end(Ending::Dead(format!("the repository's own rules: {error}")));
        }
        (ticket, part)
    }

    /// What a publication of this remote is for: vectors of the fleet's model, where only that differs here.
    pub(crate) fn published_recipe(&self, remote: &str) -> Recipe {
        let followed = self.fleet.followed(remote.starts_with("file://")).filter(|followed| followed.serves_the_same);
        followed.map_or(self.recipe, |followed| followed.recipe)
    }

    /// How the whole job gets a process of its own, if it is to.
    pub(crate) fn isolation(&self, ticket: &Ticket) -> Option<&Isolation> {
        self.isolation.as_deref().filter(|_| ticket.claim.runs_in_child())
    }

    /// What of a repository is indexed.
    ///
    /// # Errors
    /// When a glob of its policy is malformed.
    fn rules_of(&self, policy: &Policy) -> Result<Arc<Rules>, RulesError> {
        if policy.include.is_empty() && policy.exclude.is_empty() {
            return Ok(self.rules.clone());
        }
        self.rules.narrowed(&policy.include, &policy.exclude).map(Arc::new)
    }
}

/// Opens the root span of an attempt and names it for the queue, so that the next attempt can link to it.
pub trait Tracer: Send + Sync {
    /// The span (linked to what queued the job and to the attempt before), and its W3C `traceparent`, if it is traced.
    fn attempt(&self, claim: &Claim) -> (Span, Option<String>);

    /// The W3C `traceparent` of a span, if it is traced.
    fn traceparent(&self, _span: &Span) -> Option<String> {
        None
    }
}

/// Spans for the log only.
#[derive(Clone, Copy, Debug, Default)]
pub struct Untraced;

impl Tracer for Untraced {
    fn attempt(&self, claim: &Claim) -> (Span, Option<String>) {
        (attempt_span(claim), None)
    }
}

/// The root span of an attempt: no parent, whatever span is current.
pub fn attempt_span(claim: &Claim) -> Span {
    tracing::info_span!(
        parent: None,
        names::PROCESS,
        { names::OTEL_KIND } = "consumer",
        { names::JOB } = claim.job.0,
        { names::JOB_ATTEMPT } = i64::from(claim.attempt),
        { names::JOB_WAIT } = claim.waited.as_secs_f64(),
        { names::JOB_SLOT_WAIT } = claim.slot_wait.map(|wait| wait.as_secs_f64()),
        { names::VCS_URL } = claim.repository.remote,
        { names::VCS_REF } = claim.repository.reference.as_deref().unwrap_or("HEAD"),
        { names::OUTCOME } = tracing::field::Empty,
    )
}
