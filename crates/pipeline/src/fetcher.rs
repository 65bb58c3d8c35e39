//! Fetcher: asks the remote what it has, brings the mirror up to date, lists what differs.
//!
//! takes    [`Claimed`], one per job.
//! gives    [`Listed`] batches of changed files; the last one carries the job's first part.
//! keeps    a process that does git's work; mirrors are a cache that may vanish.
//! on crash the job goes back at once; the mirror is swept when it is taken again.

use std::sync::Arc;
use std::time::Instant;

use tracing::{Instrument, info_span};
use warmer_content::{Recipe, Rules};
use warmer_git::{ErrorKind, Fetched, GitError, Mirror, Oid, Remedy, Remote, Request, Response, Tip};
use warmer_store::Served;
use warmer_supervision::{Crash, Deadline, Delivery, Mailbox, Outcome, Work, blocking};

use crate::batch::{Claimed, Listed};
use crate::endings::{DELIVERING, cut_off, ending_of, patience, slow, stuck};
use crate::faults::Edge;
use crate::hands::{Hand, NoAnswer};
use crate::isolation::Isolation;
use crate::outcome::Outcomes;
use crate::slots::Slots;
use crate::tally::Stage;
use crate::ticket::{Alone, Ending, Part, Target, Ticket};
use crate::tools::Tools;
use crate::trust::Trust;

/// The Fetcher pool's work.
pub(crate) struct Fetcher {
    /// The Hasher pool.
    pub next: Mailbox<Listed>,
    /// git, and what decides that nothing changed.
    pub tools: Tools,
    /// Permits for heavy work.
    pub slots: Slots,
    /// Who hears of permits.
    pub outcomes: Outcomes,
    /// Who may work.
    pub trust: Trust,
    /// How long asking and fetching may take, each.
    pub deadline: Deadline,
}

impl Work for Fetcher {
    type Message = Claimed;
    type State = Hand;

    fn state(&self) -> Hand {
        Hand::new(self.tools.git.clone())
    }

    async fn handle(&self, hand: &mut Hand, delivery: Delivery<Claimed>) -> Result<(), Crash> {
        let Delivery { message: Claimed { part }, queued, permit } = delivery;
        let ticket = part.ticket().clone();
        ticket.tally.waited(Stage::Fetcher, queued.elapsed());
        let span = info_span!(parent: &ticket.span, "stage fetch");
        if ticket.claim.runs_in_child()
            && let Some(isolation) = &self.tools.isolation
        {
            self.isolate(part, isolation).instrument(span).await;
            drop(permit);
            return Ok(());
        }
        let trusted = async {
            self.trust.hold().await;
            self.fetch(hand, part).await
        };
        tokio::select! {
            ended = trusted.instrument(span) => ended?,
            () = ticket.over() => {}
        }
        drop(permit);
        Ok(())
    }
}

impl Fetcher {
    /// The whole job in a child process, which is one part. It holds a slot all along, though it may only have to check.
    async fn isolate(&self, part: Part, isolation: &Isolation) {
        let ticket = part.ticket().clone();
        tokio::select! {
            () = self.trust.hold() => {}
            () = ticket.over() => return,
        }
        // A child does the whole job, and by this instance's own configuration.
        let local = ticket.claim.repository.remote.starts_with("file://");
        if let Some(followed) = self.tools.fleet.followed(local) {
            return part.end(Ending::Refused(followed.why, Alone::Unfit));
        }
        if ticket.slot().is_none() {
            match self.slots.try_take().await {
                Some(slot) => ticket.hold(slot, self.outcomes.clone()),
                None => return part.end(Ending::Heavy),
            }
        }
        part.end(isolation.run(&ticket, &self.tools, &self.trust).await);
    }

    /// Everything that one claimed job needs from git.
    async fn fetch(&self, hand: &mut Hand, part: Part) -> Result<(), Crash> {
        self.tools.faults.at(Stage::Fetcher, Edge::Before).await?;
        let ticket = part.ticket().clone();
        let began = Instant::now();
        let checked = self.check(hand, &ticket).await;
        ticket.tally.worked(Stage::Fetcher, began.elapsed());
        let (remote, tip) = match checked {
            Ok(Some(found)) => found,
            Ok(None) => return self.end(part, Ending::Fresh).await,
            Err(ending) => return self.end(part, ending).await,
        };
        if ticket.slot().is_none() {
            // Not waited for: the job would keep a place from the checks of others.
            match self.slots.try_take().await {
                Some(slot) => ticket.hold(slot, self.outcomes.clone()),
                None => return self.end(part, Ending::Heavy).await,
            }
        }
        let began = Instant::now();
        let updated = self.update(hand, &ticket, remote, tip.reference).instrument(info_span!("fetch")).await;
        ticket.tally.worked(Stage::Fetcher, began.elapsed());
        match updated {
            Ok((mirror, fetched)) => self.list(hand, part, mirror, fetched).await,
            Err(ending) => self.end(part, ending).await,
        }
    }

    async fn end(&self, part: Part, ending: Ending) -> Result<(), Crash> {
        self.tools.faults.at(Stage::Fetcher, Edge::After).await?;
        part.end(ending);
        Ok(())
    }

    /// One listing of refs, no objects. `None`: nothing changed since what is served.
    async fn check(&self, hand: &mut Hand, ticket: &Arc<Ticket>) -> Result<Option<(Remote, Tip)>, Ending> {
        let repository = &ticket.claim.repository;
        let remote = Remote::from_url(&repository.remote).map_err(|error| Ending::Dead(error.to_string()))?;
        let followed = self.tools.fleet.followed(remote.is_local());
        let served = repository.served.as_ref();
        if let Some(followed) = &followed
            && (!followed.same_rules
                || ticket.claim.full
                || served.is_none_or(|served| served.recipe != followed.recipe))
        {
            return Err(Ending::Refused(followed.why.clone(), Alone::Unfit));
        }
        let asked = self.ask(hand, &remote, repository.reference.as_deref()).instrument(info_span!("ls_refs"));
        let tip = match tokio::time::timeout(self.deadline.after, asked).await {
            Ok(Ok(Ok(tip))) => tip,
            Ok(Ok(Err(error))) => return Err(self.failed(ticket, &error).await),
            Ok(Err(none)) => return Err(cut_off(&remote, none)),
            Err(_) => return Err(stuck(&remote, self.deadline.after)),
        };
        let recipe = followed.as_ref().map_or(self.tools.recipe, |followed| followed.recipe);
        let fresh = !ticket.claim.full
            && !self.retries(ticket)
            && served.is_some_and(|served| is_served(served, &tip, recipe, &ticket.rules));
        match followed {
            Some(followed) if !fresh => Err(Ending::Refused(followed.why, Alone::Unfit)),
            _ => Ok((!fresh).then_some((remote, tip))),
        }
    }

    /// Asks, unless that was done ahead.
    async fn ask(
        &self,
        hand: &mut Hand,
        remote: &Remote,
        reference: Option<&str>,
    ) -> Result<Result<Tip, GitError>, NoAnswer> {
        let ahead = match self.tools.git.asked(remote, reference) {
            Some(ahead) => ahead.answer(hand).await,
            None => None,
        };
        let answer = match ahead {
            Some(answer) => answer?,
            None => {
                let request = Request::ask(remote, reference, self.tools.mirrors.options());
                let mut doing = hand.begin(request, None).await?;
                let answer = doing.next().await?;
                doing.end(hand).await?;
                answer
            }
        };
        match answer {
            Response::Tip(tip) => Ok(tip),
            _ => Err(NoAnswer::out_of_turn()),
        }
    }

    /// Brings the mirror up to date; what is published is the commit received, not the one asked about.
    /// Gives the served commit too, where a diff from it says all there is to say.
    async fn update(
        &self,
        hand: &mut Hand,
        ticket: &Arc<Ticket>,
        remote: Remote,
        reference: String,
    ) -> Result<(Mirror, Fetched), Ending> {
        let most = patience(self.deadline.after, ticket);
        let until = Instant::now() + most;
        let mirror = self.take(ticket, remote.clone()).await?;
        let turn = loop {
            match mirror.turn() {
                Ok(Some(turn)) => break turn,
                Ok(None) if Instant::now() < until => tokio::time::sleep(Mirror::TURN).await,
                Ok(None) => return Err(Ending::Busy(format!("another job fetched {remote} all the time"))),
                Err(error) => return Err(self.failed(ticket, &error).await),
            }
        };
        let request = turn.request(&reference, self.base(ticket), &self.tools.mirrors.options());
        let mut doing = hand.begin(request, Some(turn)).await.map_err(|none| cut_off(&remote, none))?;
        let mut heard = Instant::now();
        let fetched = loop {
            match tokio::time::timeout_at(until.into(), doing.next()).await {
                Ok(Ok(Response::Bytes(bytes))) => {
                    // Bytes that come are progress: the fetch has a deadline of its own.
                    ticket.progressed();
                    ticket.tally.received.set(bytes);
                    heard = Instant::now();
                }
                Ok(Ok(Response::Fetched(fetched))) => break fetched,
                Ok(Ok(_)) => return Err(cut_off(&remote, NoAnswer::out_of_turn())),
                Ok(Err(none)) => return Err(cut_off(&remote, none)),
                Err(_) => {
                    doing.give_up().await;
                    return Err(match heard.elapsed() < DELIVERING.min(most / 4) && ticket.tally.received.get() > 0 {
                        true => slow(&remote, most, ticket.tally.received.get()),
                        false => stuck(&remote, most),
                    });
                }
            }
        };
        let turn = doing.end(hand).await.map_err(|none| cut_off(&remote, none))?;
        let Some(turn) = turn else { return Err(cut_off(&remote, NoAnswer::out_of_turn())) };
        match turn.end(fetched) {
            Ok(fetched) => {
                ticket.tally.received.set(fetched.received.bytes);
                Ok((mirror, fetched))
            }
            Err(error) => Err(self.failed(ticket, &error).await),
        }
    }

    /// Takes the mirror, which is on a disk of ours.
    async fn take(&self, ticket: &Arc<Ticket>, remote: Remote) -> Result<Mirror, Ending> {
        let (mirrors, asked) = (self.tools.mirrors.clone(), remote.clone());
        match blocking(self.deadline, Arc::default(), move |stop| mirrors.take(&asked, stop)).await {
            Outcome::Done(Ok(mirror)) => Ok(mirror),
            Outcome::Done(Err(error)) => Err(self.failed(ticket, &error).await),
            Outcome::Panicked(what) => Err(Ending::Lost(format!("git panicked: {what}"))),
            Outcome::Stopped(_) | Outcome::Late => {
                Err(Ending::Unfit(format!("the disk with the mirror of {remote} does not answer")))
            }
        }
    }

    /// Whether files are to be tried again that were skipped for a reason that may pass: a full listing reads them again.
    fn retries(&self, ticket: &Ticket) -> bool {
        let retry = ticket.claim.repository.retry;
        retry.is_some_and(|retry| retry.due || retry.patience < self.tools.patience)
    }

    /// The served commit, unless recipe, rules or a demand for a full check ask for the whole listing.
    fn base(&self, ticket: &Ticket) -> Option<Oid> {
        let served = ticket.claim.repository.served.as_ref()?;
        let same = served.recipe == self.tools.recipe && served.rules == ticket.rules.digest();
        (same && !ticket.claim.full && !self.retries(ticket)).then(|| served.commit.parse().ok()).flatten()
    }

    /// Streams what differs; the walk is held back by the Hasher's mailbox.
    async fn list(&self, hand: &mut Hand, part: Part, mirror: Mirror, fetched: Fetched) -> Result<(), Crash> {
        let ticket = part.ticket().clone();
        let Fetched { received, base, .. } = fetched;
        ticket.aim(Target {
            served: Served {
                reference: received.reference.clone(),
                ref_oid: received.oid.to_string(),
                commit: received.commit.to_string(),
                recipe: self.tools.recipe,
                rules: ticket.rules.digest(),
            },
            committed_at: received.committed_at,
            complete: base.is_none(),
        });
        let span = info_span!("diff", complete = base.is_none());
        let listed = self.stream(hand, &part, mirror, (base, received.commit)).instrument(span).await?;
        if let Err(ending) = listed {
            return self.end(part, ending).await;
        }
        self.tools.faults.at(Stage::Fetcher, Edge::After).await?;
        self.pass(&ticket, Listed { part, changes: vec![], reader: None }).await
    }

    /// Passes on what is listed. What is dropped at its end may be the job's last: whoever hears of it finds the mirror
    /// free.
    async fn stream(
        &self,
        hand: &mut Hand,
        part: &Part,
        mirror: Mirror,
        (from, to): (Option<Oid>, Oid),
    ) -> Result<Result<(), Ending>, Crash> {
        let ticket = part.ticket();
        let remote = &ticket.claim.repository.remote;
        let mut doing = match hand.begin(mirror.listing(from, to), None).await {
            Ok(doing) => doing,
            Err(none) => return Ok(Err(cut_off(remote, none))),
        };
        loop {
            // What the stages behind it take is not counted: the next answer waits in its pipe.
            match tokio::time::timeout(self.deadline.after, doing.next()).await {
                Ok(Ok(Response::Changes(changes))) => {
                    self.pass(ticket, Listed { part: part.split(), changes, reader: Some(mirror.reader()) }).await?;
                }
                Ok(Ok(Response::Listed(Ok(())))) => {
                    return Ok(doing.end(hand).await.map(drop).map_err(|none| cut_off(remote, none)));
                }
                Ok(Ok(Response::Listed(Err(error)))) => return Ok(Err(ending_of(&error))),
                Ok(Ok(_)) => return Ok(Err(cut_off(remote, NoAnswer::out_of_turn()))),
                Ok(Err(none)) => return Ok(Err(cut_off(remote, none))),
                Err(_) => return Ok(Err(stuck(remote, self.deadline.after))),
            }
        }
    }

    async fn pass(&self, ticket: &Ticket, listed: Listed) -> Result<(), Crash> {
        ticket.tally.listed.add(listed.changes.len() as u64);
        let began = Instant::now();
        self.next.send(listed).await?;
        ticket.tally.waited(Stage::Hasher, began.elapsed());
        Ok(())
    }

    /// A remote or ref that is gone is served on, marked stale, and asked for again: it may come back.
    async fn failed(&self, ticket: &Ticket, error: &GitError) -> Ending {
        let repository = &ticket.claim.repository;
        let gone = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::MissingRef | ErrorKind::EmptyRepository);
        if !gone || repository.served.is_none() {
            return ending_of(error);
        }
        // A host says so too to who may not see it.
        if error.remedy() == Remedy::Elsewhere {
            return Ending::Refused(error.to_string(), Alone::Gone);
        }
        if let Err(error) = self.tools.store.mark_stale(repository.id, &error.to_string()).await {
            tracing::warn!(%error, "a repository that is gone could not be marked");
        }
        Ending::Retry(error.to_string())
    }
}

/// Fresh only if reference, ref oid, commit, recipe and rules all equal the served ones.
fn is_served(served: &Served, tip: &Tip, recipe: Recipe, rules: &Rules) -> bool {
    served.reference == tip.reference
        && served.ref_oid == tip.oid.to_string()
        && tip.commit.is_none_or(|commit| served.commit == commit.to_string())
        && served.recipe == recipe
        && served.rules == rules.digest()
}
