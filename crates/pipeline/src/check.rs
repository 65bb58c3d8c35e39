//! The Fetcher's check: one listing of refs, no objects, decides whether anything changed.

use warmer_content::{ChunkingId, Rules};
use warmer_git::{GitError, Remote, Request, Response, Tip};
use warmer_store::Served;
use warmer_traces::names;

use crate::ending::Ending;
use crate::fetcher::{Fetcher, failed};
use crate::git_call::{GitOperation, GitOutcome};
use crate::git_endings::{cut_off, stuck};
use crate::git_worker::GitWorker;
use crate::prefetch;
use crate::request::NoAnswer;
use crate::stage::Run;

impl Fetcher {
    /// `None`: nothing changed since what is served.
    pub(crate) async fn check(&self, git: &mut GitWorker, run: &Run<'_>) -> Result<Option<(Remote, Tip)>, Ending> {
        let ticket = run.ticket;
        let repository = &ticket.claim.repository;
        let remote = Remote::from_url(&repository.remote).map_err(|error| Ending::Dead(error.to_string()))?;
        let followed = self.tools.fleet.followed(remote.is_local());
        let followed = followed.filter(|followed| !followed.serves_the_same);
        let chunking = followed.as_ref().map_or(self.tools.recipe, |followed| followed.recipe).chunking;
        let state = ticket.claim.current_under(chunking);
        let served = state.map(|state| &state.served);
        if let Some(followed) = &followed
            && (!followed.same_rules || ticket.claim.full || served.is_none())
        {
            return Err(Ending::refused(Ending::Unfit(followed.why.clone())));
        }
        let asked = self.ask(git, &remote, repository.reference.as_deref());
        let asked = tokio::time::timeout(self.deadline().after, asked);
        let outcome = |answer: &Result<_, _>| answer.as_ref().map_or(GitOutcome::TimedOut, GitOutcome::of);
        let tip = match run.git((GitOperation::ListRefs, names::LIST_REFS), asked, outcome).await {
            Ok(Ok(Ok(tip))) => tip,
            Ok(Ok(Err(error))) => return Err(failed(ticket, &error)),
            Ok(Err(none)) => return Err(cut_off(&remote, none)),
            Err(_) => return Err(stuck(&remote, self.deadline().after)),
        };
        let fresh = !ticket.claim.full
            && !self.retries(state)
            && served.is_some_and(|served| is_served(served, &tip, chunking, &ticket.rules));
        match followed {
            Some(followed) if !fresh => Err(Ending::refused(Ending::Unfit(followed.why))),
            _ => Ok((!fresh).then_some((remote, tip))),
        }
    }

    /// Asks, unless that was done before.
    async fn ask(
        &self,
        git: &mut GitWorker,
        remote: &Remote,
        reference: Option<&str>,
    ) -> Result<Result<Tip, GitError>, NoAnswer> {
        let prefetched = match self.tools.git.take_prefetched(remote, reference) {
            Some(prefetched) => prefetched.answer(git).await,
            None => None,
        };
        let answer = match prefetched {
            Some(answer) => answer?,
            None => prefetch::ask(git, Request::ask(remote, reference, self.tools.mirrors.options())).await?,
        };
        match answer {
            Response::Tip(tip) => Ok(tip),
            _ => Err(NoAnswer::out_of_turn()),
        }
    }
}

/// Fresh only if reference, ref oid, commit, chunking and rules all equal the served ones. Vectors of another model
/// are made from what is stored.
fn is_served(served: &Served, tip: &Tip, chunking: ChunkingId, rules: &Rules) -> bool {
    served.reference == tip.reference
        && served.ref_oid == tip.oid.to_string()
        && tip.commit.is_none_or(|commit| served.commit == commit.to_string())
        && served.recipe.chunking == chunking
        && served.rules == rules.digest()
}
