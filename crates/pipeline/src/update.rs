//! The Fetcher's update: the mirror is brought up to date; what is published is the commit received, not the one asked
//! about.

use std::sync::Arc;
use std::time::{Duration, Instant};

use warmer_git::{Fetched, GitError, Mirror, Oid, Remote, Response, Turn};
use warmer_supervision::{Outcome, Wait, blocking};
use warmer_traces::names;

use crate::ending::Ending;
use crate::fetcher::{Fetcher, failed};
use crate::git_call::{GitOperation, GitOutcome};
use crate::git_endings::{DELIVERING, cut_off, patience, slow, stuck};
use crate::git_worker::GitWorker;
use crate::request::{Execution, NoAnswer};
use crate::stage::Run;
use crate::ticket::Ticket;

impl Fetcher {
    /// Gives the served commit too, where a diff from it says all there is to say.
    pub(crate) async fn update(
        &self,
        git: &mut GitWorker,
        run: &Run<'_>,
        remote: Remote,
        reference: String,
    ) -> Result<(Mirror, Fetched), Ending> {
        let ticket = run.ticket;
        let most = patience(self.deadline().after, ticket);
        let until = Instant::now() + most;
        let mirror = self.take(ticket, remote.clone()).await?;
        let turn = run.wait(Wait::Remote, turn(&mirror, ticket, &remote, until)).await?;
        let request = turn.request(&reference, self.base(ticket), &self.tools.mirrors.options());
        let mut fetching = git.begin(request, Some(turn)).await.map_err(|none| cut_off(&remote, none))?;
        let receiving = received(&mut fetching, ticket, until);
        let fetched = match run.git((GitOperation::Fetch, names::FETCH), receiving, outcome).await {
            Ok(fetched) => fetched,
            Err(NotReceived::NoAnswer(none)) => return Err(cut_off(&remote, none)),
            Err(NotReceived::InTime { idle }) => {
                fetching.give_up().await;
                let bytes = ticket.counters.received.get();
                let delivers = idle < DELIVERING.min(most / 4) && bytes > 0;
                return Err(if delivers { slow(&remote, most, bytes) } else { stuck(&remote, most) });
            }
        };
        let turn = git.end(fetching).await.map_err(|none| cut_off(&remote, none))?;
        let Some(turn) = turn else { return Err(cut_off(&remote, NoAnswer::out_of_turn())) };
        let fetched = turn.end(fetched).map_err(|error| failed(ticket, &error))?;
        ticket.counters.received.set(fetched.received.bytes);
        run.holds(0, fetched.received.bytes);
        Ok((mirror, fetched))
    }

    /// Takes the mirror, which is on a disk of ours.
    async fn take(&self, ticket: &Ticket, remote: Remote) -> Result<Mirror, Ending> {
        let (mirrors, asked) = (self.tools.mirrors.clone(), remote.clone());
        match blocking(self.deadline(), Arc::default(), move |stop| mirrors.take(&asked, stop)).await {
            Outcome::Done(Ok(mirror)) => Ok(mirror),
            Outcome::Done(Err(error)) => Err(failed(ticket, &error)),
            Outcome::Panicked(what) => Err(Ending::Lost(format!("git panicked: {what}"))),
            Outcome::Stopped(_) | Outcome::Late => {
                Err(Ending::Unfit(format!("the disk with the mirror of {remote} does not answer")))
            }
        }
    }

    /// The served commit, unless chunking, rules or a demand for a full check ask for the whole listing.
    fn base(&self, ticket: &Ticket) -> Option<Oid> {
        let state = ticket.claim.served_under(self.tools.recipe.chunking)?;
        let served = &state.served;
        let same = served.rules == ticket.rules.digest();
        (same && !ticket.claim.full && !self.retries(Some(state))).then(|| served.commit.parse().ok()).flatten()
    }
}

/// The right to fetch into the mirror: one job of this process at a time.
async fn turn(mirror: &Mirror, ticket: &Ticket, remote: &Remote, until: Instant) -> Result<Turn, Ending> {
    loop {
        match mirror.turn() {
            Ok(Some(turn)) => return Ok(turn),
            Ok(None) if Instant::now() < until => tokio::time::sleep(Mirror::TURN).await,
            Ok(None) => return Err(Ending::Busy(format!("another job fetched {remote} all the time"))),
            Err(error) => return Err(failed(ticket, &error)),
        }
    }
}

/// Why nothing was received.
enum NotReceived {
    NoAnswer(NoAnswer),
    /// It took too long, and nothing had come for so long.
    InTime {
        idle: Duration,
    },
}

fn outcome(answer: &Result<Result<Fetched, GitError>, NotReceived>) -> GitOutcome {
    match answer {
        Ok(Ok(_)) => GitOutcome::Ok,
        Ok(Err(_)) => GitOutcome::Failed,
        Err(NotReceived::NoAnswer(none)) => GitOutcome::of_none(none),
        Err(NotReceived::InTime { .. }) => GitOutcome::TimedOut,
    }
}

/// Hears the fetch to its end. Bytes that come are progress: the fetch has a deadline of its own.
async fn received(
    fetching: &mut Execution,
    ticket: &Ticket,
    until: Instant,
) -> Result<Result<Fetched, GitError>, NotReceived> {
    let mut heard = Instant::now();
    loop {
        match tokio::time::timeout_at(until.into(), fetching.next()).await {
            Ok(Ok(Response::Bytes(bytes))) => {
                ticket.progressed();
                ticket.counters.received.set(bytes);
                heard = Instant::now();
            }
            Ok(Ok(Response::Fetched(fetched))) => return Ok(fetched),
            Ok(Ok(_)) => return Err(NotReceived::NoAnswer(NoAnswer::out_of_turn())),
            Ok(Err(none)) => return Err(NotReceived::NoAnswer(none)),
            Err(_) => return Err(NotReceived::InTime { idle: heard.elapsed() }),
        }
    }
}
