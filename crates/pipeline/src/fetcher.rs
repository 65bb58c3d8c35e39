//! Fetcher: asks the remote what it has, brings the mirror up to date, lists what differs.
//!
//! takes    [`Claimed`], one per job.
//! gives    [`Listed`] batches of changed files; the last one carries the job's first part.
//! keeps    nothing; mirrors are a cache that may vanish.
//! on crash the job goes back at once; the mirror is swept when it is taken again.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use tokio::sync::mpsc;
use tracing::{Instrument, info_span};
use warmer_content::{Recipe, Rules};
use warmer_git::{Change, ErrorKind, GitError, Mirror, Received, Remedy, Remote, Tip};
use warmer_store::Served;
use warmer_supervision::{Crash, Deadline, Delivery, Intake, Outcome, Work, blocking};

use crate::batch::{BATCH_FILES, Claimed, Listed};
use crate::faults::Edge;
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
    pub next: Intake<Listed>,
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
    type State = ();

    fn state(&self) {}

    async fn handle(&self, (): &mut (), delivery: Delivery<Claimed>) -> Result<(), Crash> {
        let Delivery { message: Claimed { part }, queued, place } = delivery;
        let ticket = part.ticket().clone();
        ticket.tally.waited(Stage::Fetcher, queued.elapsed());
        let span = info_span!(parent: &ticket.span, "stage fetch");
        if ticket.claim.runs_in_child()
            && let Some(isolation) = &self.tools.isolation
        {
            self.isolate(part, isolation).instrument(span).await;
            drop(place);
            return Ok(());
        }
        let trusted = async {
            self.trust.hold().await;
            self.fetch(part).await
        };
        tokio::select! {
            ended = trusted.instrument(span) => ended?,
            () = ticket.over() => {}
        }
        drop(place);
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
    async fn fetch(&self, part: Part) -> Result<(), Crash> {
        self.tools.faults.at(Stage::Fetcher, Edge::Before).await?;
        let ticket = part.ticket().clone();
        let began = Instant::now();
        let checked = self.check(&ticket).await;
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
        let updated = self.update(&ticket, remote, tip.reference).await;
        ticket.tally.worked(Stage::Fetcher, began.elapsed());
        match updated {
            Ok((mirror, received, from)) => self.list(part, mirror, received, from).await,
            Err(ending) => self.end(part, ending).await,
        }
    }

    async fn end(&self, part: Part, ending: Ending) -> Result<(), Crash> {
        self.tools.faults.at(Stage::Fetcher, Edge::After).await?;
        part.end(ending);
        Ok(())
    }

    /// One listing of refs, no objects. `None`: nothing changed since what is served.
    async fn check(&self, ticket: &Arc<Ticket>) -> Result<Option<(Remote, Tip)>, Ending> {
        let repository = &ticket.claim.repository;
        let remote = Remote::from_url(&repository.remote).map_err(|error| Ending::Dead(error.to_string()))?;
        let (mirrors, asked) = (self.tools.mirrors.clone(), (remote.clone(), repository.reference.clone()));
        let followed = self.tools.fleet.followed(remote.is_local());
        let served = repository.served.as_ref();
        if let Some(followed) = &followed
            && (!followed.same_rules
                || ticket.claim.full
                || served.is_none_or(|served| served.recipe != followed.recipe))
        {
            return Err(Ending::Refused(followed.why.clone(), Alone::Unfit));
        }
        let span = info_span!("ls_refs");
        let tip =
            self.git(ticket, move |stop| span.in_scope(|| mirrors.tip(&asked.0, asked.1.as_deref(), stop))).await?;
        let recipe = followed.as_ref().map_or(self.tools.recipe, |followed| followed.recipe);
        let fresh = !ticket.claim.full && served.is_some_and(|served| is_served(served, &tip, recipe, &ticket.rules));
        match followed {
            Some(followed) if !fresh => Err(Ending::Refused(followed.why, Alone::Unfit)),
            _ => Ok((!fresh).then_some((remote, tip))),
        }
    }

    /// Brings the mirror up to date; what is published is the commit received, not the one asked about.
    /// Gives the served commit too, where a diff from it says all there is to say.
    async fn update(
        &self,
        ticket: &Arc<Ticket>,
        remote: Remote,
        reference: String,
    ) -> Result<(Mirror, Received, Option<warmer_git::Oid>), Ending> {
        let (mirrors, counted) = (self.tools.mirrors.clone(), ticket.clone());
        let base = self.base(ticket);
        let span = info_span!("fetch");
        self.git(ticket, move |stop| {
            let _inside = span.enter();
            let mirror = mirrors.take(&remote, stop)?;
            // Bytes that come are progress: the fetch has a deadline of its own.
            let received = mirror.fetch(&reference, stop, &|bytes| {
                if bytes > counted.tally.received.get() {
                    counted.progressed();
                }
                counted.tally.received.set(bytes);
            })?;
            counted.tally.received.set(received.bytes);
            let from = match base {
                Some(base)
                    if mirror.has_commit(&base) && !mirror.attributes_changed(&base, &received.commit, stop)? =>
                {
                    Some(base)
                }
                _ => None,
            };
            Ok((mirror, received, from))
        })
        .await
    }

    /// The served commit, unless recipe, rules or a demand for a full check ask for the whole listing.
    fn base(&self, ticket: &Ticket) -> Option<warmer_git::Oid> {
        let served = ticket.claim.repository.served.as_ref()?;
        let same = served.recipe == self.tools.recipe && served.rules == ticket.rules.digest();
        (same && !ticket.claim.full).then(|| served.commit.parse().ok()).flatten()
    }

    /// Streams what differs; the walk is held back by the Hasher's mailbox.
    async fn list(
        &self,
        part: Part,
        mirror: Mirror,
        received: Received,
        from: Option<warmer_git::Oid>,
    ) -> Result<(), Crash> {
        let ticket = part.ticket().clone();
        ticket.aim(Target {
            served: Served {
                reference: received.reference.clone(),
                ref_oid: received.oid.to_string(),
                commit: received.commit.to_string(),
                recipe: self.tools.recipe,
                rules: ticket.rules.digest(),
            },
            committed_at: received.committed_at,
            complete: from.is_none(),
        });
        let reader = mirror.reader();
        let (give, mut take) = mpsc::channel(1);
        let span = info_span!("diff", complete = from.is_none());
        let walk = tokio::task::spawn_blocking(move || {
            span.in_scope(|| walk(&mirror, from.as_ref(), &received.commit, &give))
        });
        while let Some(changes) = take.recv().await {
            self.pass(&ticket, Listed { part: part.split(), changes, reader: Some(reader.clone()) }).await?;
        }
        // This part may be the job's last: whoever hears of the end finds the mirror free.
        drop(reader);
        match walk.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return self.end(part, ending_of(&error)).await,
            Err(panic) => return Err(Crash(panic.into())),
        }
        self.tools.faults.at(Stage::Fetcher, Edge::After).await?;
        self.pass(&ticket, Listed { part, changes: vec![], reader: None }).await
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

    /// Runs git on a blocking thread, under the deadline; a job that is over drops this call, which stops the thread.
    async fn git<T: Send + 'static>(
        &self,
        ticket: &Ticket,
        work: impl FnOnce(&AtomicBool) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, Ending> {
        match blocking(self.deadline, Arc::default(), work).await {
            Outcome::Done(Ok(value)) => Ok(value),
            Outcome::Done(Err(error)) => Err(self.failed(ticket, &error).await),
            Outcome::Panicked(what) => Err(Ending::Lost(format!("git panicked: {what}"))),
            Outcome::Stopped(_) | Outcome::Late => {
                let (remote, most) = (&ticket.claim.repository.remote, self.deadline.after);
                Err(Ending::Retry(format!("{remote} did not answer within {most:?}")))
            }
        }
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

/// Lists into the channel, a batch at a time; ends early when nobody listens any more.
fn walk(
    mirror: &Mirror,
    from: Option<&warmer_git::Oid>,
    to: &warmer_git::Oid,
    give: &mpsc::Sender<Vec<Change>>,
) -> Result<(), GitError> {
    let mut batch = Vec::with_capacity(BATCH_FILES);
    mirror.changes(from, to, &mut |change| {
        batch.push(change);
        if batch.len() < BATCH_FILES {
            return ControlFlow::Continue(());
        }
        match give.blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH_FILES))) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    if !batch.is_empty() {
        give.blocking_send(batch).ok();
    }
    Ok(())
}

/// What an error of git means for the job.
fn ending_of(error: &GitError) -> Ending {
    match error.kind() {
        ErrorKind::Interrupted => Ending::Cancelled(error.to_string()),
        ErrorKind::Busy => Ending::Busy(error.to_string()),
        // The repository can do nothing about this machine.
        ErrorKind::Local => Ending::Refused(error.to_string(), Alone::Unfit),
        _ => match error.remedy() {
            Remedy::Retry => Ending::Retry(error.to_string()),
            Remedy::Later(after) => Ending::Later(error.to_string(), after),
            Remedy::Elsewhere => Ending::Refused(error.to_string(), Alone::Dead),
            Remedy::Never => Ending::Dead(error.to_string()),
        },
    }
}
