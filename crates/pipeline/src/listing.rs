//! The Fetcher's listing: what differs is streamed; the walk is held back by the Hasher's mailbox.

use std::time::Instant;

use warmer_git::{Fetched, GitError, Mirror, Oid, Response};
use warmer_store::Served;
use warmer_supervision::Crash;

use crate::batch::Listed;
use crate::fetcher::Fetcher;
use crate::git_call::{GitCall, GitOperation, GitOutcome};
use crate::git_endings::{cut_off, ending_of, stuck};
use crate::git_worker::GitWorker;
use crate::observer::Event;
use crate::part::Part;
use crate::request::{Execution, NoAnswer};
use crate::stage::{Run, Stop};
use crate::ticket::Target;

impl Fetcher {
    /// Says what will be published, and lists it.
    pub(crate) async fn list(
        &self,
        git: &mut GitWorker,
        part: &Part,
        (mirror, fetched): (Mirror, Fetched),
        run: &Run<'_>,
    ) -> Result<(), Stop> {
        let (Fetched { received, base, .. }, ticket) = (fetched, run.ticket);
        let remote = &ticket.claim.repository.remote;
        ticket.aim(Target {
            served: Served {
                reference: received.reference.clone(),
                ref_oid: received.oid.to_string(),
                commit: received.commit.to_string(),
                recipe: self.tools.published_recipe(remote),
                rules: ticket.rules.digest(),
            },
            committed_at: received.committed_at,
            complete: base.is_none(),
            unreached: None,
        });
        self.stream(git, part, (mirror, base, received.commit), run).await
    }

    /// Passes on what is listed. What is dropped at its end may be the job's last: whoever hears of it finds the mirror
    /// free.
    async fn stream(
        &self,
        git: &mut GitWorker,
        part: &Part,
        (mirror, from, to): (Mirror, Option<Oid>, Oid),
        run: &Run<'_>,
    ) -> Result<(), Stop> {
        let remote = &run.ticket.claim.repository.remote;
        let mut listing = git.begin(mirror.listing(from, to), None).await.map_err(|none| cut_off(remote, none))?;
        let began = Instant::now();
        let listed = self.heard(&mut listing, part, &mirror, run).await;
        let outcome = match &listed {
            // A stage that is gone is not git's fault.
            Ok(()) | Err(NotListed::Crash(_)) => GitOutcome::Ok,
            Err(NotListed::Git(_)) => GitOutcome::Failed,
            Err(NotListed::NoAnswer(none)) => GitOutcome::of_none(none),
            Err(NotListed::InTime) => GitOutcome::TimedOut,
        };
        run.tell(&Event::Git(GitCall { operation: GitOperation::ListFiles, outcome, took: began.elapsed() }));
        match listed {
            Ok(()) => {
                git.end(listing).await.map_err(|none| cut_off(remote, none))?;
                Ok(())
            }
            Err(NotListed::Git(error)) => Err(ending_of(&error).into()),
            Err(NotListed::NoAnswer(none)) => Err(cut_off(remote, none).into()),
            Err(NotListed::InTime) => Err(stuck(remote, self.deadline().after).into()),
            Err(NotListed::Crash(crash)) => Err(crash.into()),
        }
    }

    /// Hears the listing to its end, and hands on what it says.
    async fn heard(
        &self,
        listing: &mut Execution,
        part: &Part,
        mirror: &Mirror,
        run: &Run<'_>,
    ) -> Result<(), NotListed> {
        loop {
            // What the stages behind it take is not counted: the next answer waits in its pipe.
            match tokio::time::timeout(self.deadline().after, listing.next()).await {
                Ok(Ok(Response::Changes(changes))) => {
                    run.ticket.counters.listed.add(changes.len() as u64);
                    run.holds(changes.len() as u64, 0);
                    let listed = Listed { changes, reader: Some(mirror.reader()), ..Listed::of(part.split()) };
                    run.send(&self.next, listed).await.map_err(NotListed::Crash)?;
                }
                Ok(Ok(Response::Listed(listed))) => return listed.map_err(NotListed::Git),
                Ok(Ok(_)) => return Err(NotListed::NoAnswer(NoAnswer::out_of_turn())),
                Ok(Err(none)) => return Err(NotListed::NoAnswer(none)),
                Err(_) => return Err(NotListed::InTime),
            }
        }
    }
}

/// Why a listing did not come to its end.
enum NotListed {
    Git(GitError),
    NoAnswer(NoAnswer),
    InTime,
    /// The next stage is gone.
    Crash(Crash),
}
