//! Fetcher: asks the remote what it has, brings the mirror up to date, lists what differs.
//!
//! takes    [`Claimed`], one per job.
//! gives    [`Listed`] batches of changed files; the last one carries the job's first part.
//! keeps    a process that does git's work; mirrors are a cache that may vanish.
//! on crash the job goes back at once; the mirror is swept when it is taken again.
//!
//! Its three steps are in `check.rs`, `update.rs` and `listing.rs`; what it does where it reaches nobody is in
//! `anew.rs`.

use warmer_git::{ErrorKind, Fetched, GitError, Mirror, Remedy};
use warmer_store::ServedState;
use warmer_supervision::{Crash, Deadline, Mailbox};

use crate::batch::{Claimed, Listed};
use crate::ending::Ending;
use crate::git_endings::ending_of;
use crate::git_worker::GitWorker;
use crate::isolation::Isolation;
use crate::lease::Lease;
use crate::ledger::Ledger;
use crate::live::Live;
use crate::settings::Settings;
use crate::slots::Slots;
use crate::stage::{Run, StageWork, Stop};
use crate::ticket::Ticket;
use crate::tools::Tools;

/// The Fetcher pool's work.
pub(crate) struct Fetcher {
    /// The Hasher pool.
    pub next: Mailbox<Listed>,
    /// git, and what decides that nothing changed.
    pub tools: Tools,
    /// Permits for heavy work.
    pub slots: Slots,
    /// Who holds them.
    pub ledger: Ledger,
    /// How long a child process may go on.
    pub lease: Lease,
    /// How long asking and fetching may take, each.
    pub settings: Live<Settings>,
}

impl StageWork for Fetcher {
    type Message = Claimed;
    type State = GitWorker;
    type Done = ();

    fn state(&self) -> GitWorker {
        self.tools.git.worker()
    }

    /// A child process gets the order to end first, and has a moment.
    fn ends_by_itself(&self, claimed: &Claimed) -> bool {
        self.tools.isolation(claimed.part.ticket()).is_some()
    }

    async fn work(&self, git: &mut GitWorker, claimed: &mut Claimed, run: &Run<'_>) -> Result<(), Stop> {
        let ticket = run.ticket;
        if let Some(isolation) = self.tools.isolation(ticket) {
            return Err(run.elsewhere(self.isolate(run, isolation)).await.into());
        }
        match self.fetch(git, run).await {
            Ok(fetched) => self.list(git, &claimed.part, fetched, run).await,
            Err(ending) => self.unreached(&claimed.part, ending, run).await,
        }
    }

    async fn hand_on(&self, Claimed { part }: Claimed, (): (), run: &Run<'_>) -> Result<(), Crash> {
        run.send(&self.next, Listed::of(part)).await
    }
}

impl Fetcher {
    pub(crate) fn deadline(&self) -> Deadline {
        self.settings.now().fetcher.deadline.into()
    }

    async fn fetch(&self, git: &mut GitWorker, run: &Run<'_>) -> Result<(Mirror, Fetched), Ending> {
        let (remote, tip) = self.check(git, run).await?.ok_or(Ending::Fresh)?;
        self.take_slot(run.ticket).await?;
        self.update(git, run, remote, tip.reference).await
    }

    /// The whole job in a child process, which is one part. It holds a slot all along, though it may only have to
    /// check.
    async fn isolate(&self, run: &Run<'_>, isolation: &Isolation) -> Ending {
        let ticket = run.ticket;
        // A child does the whole job, and by this instance's own configuration.
        let local = ticket.claim.repository.remote.starts_with("file://");
        if let Some(followed) = self.tools.fleet.followed(local) {
            return Ending::refused(Ending::Unfit(followed.why));
        }
        if let Err(ending) = self.take_slot(ticket).await {
            return ending;
        }
        let traceparent = self.tools.tracer.traceparent(&ticket.span);
        isolation.run(run.told(), (self.tools.recipe, self.tools.fills), traceparent, &self.lease).await
    }

    /// A slot until the job's end, unless it has one. Not waited for: the job would keep a permit from the checks of
    /// others.
    pub(crate) async fn take_slot(&self, ticket: &Ticket) -> Result<(), Ending> {
        if self.ledger.has_slot(ticket.claim.id) {
            return Ok(());
        }
        let slot = self.slots.try_take().await.ok_or(Ending::Deferred)?;
        self.ledger.hold_slot(ticket.claim.id, slot);
        Ok(())
    }

    /// Whether files are to be tried again that were skipped for a reason that may pass: a full listing reads them
    /// again.
    pub(crate) fn retries(&self, state: Option<&ServedState>) -> bool {
        state
            .and_then(|state| state.retry)
            .is_some_and(|retry| retry.due || retry.patience < *self.tools.patience.now())
    }
}

/// What an error of git means for this job: a remote or ref that is gone is served on, and asked for again, as it may
/// come back.
pub(crate) fn failed(ticket: &Ticket, error: &GitError) -> Ending {
    let gone = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::MissingRef | ErrorKind::EmptyRepository);
    if !gone || ticket.claim.repository.served.is_none() {
        return ending_of(error);
    }
    let gone = Ending::Gone(error.to_string());
    // A host says so too to who may not see it.
    if error.remedy() == Remedy::Elsewhere { Ending::refused(gone) } else { gone }
}
