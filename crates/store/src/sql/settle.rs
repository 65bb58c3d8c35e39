//! How attempts end that publish nothing: as they are settled, or with the process that made them.

use std::time::Duration;

use serde_json::{Value, json};

use super::attempt::{self, Back, Ending, Running};
use super::{
    Base, Connection, Fault, Limits, Row as _, Writing as _, attempt_count, odd, refusal, settle_fill, values,
};
use crate::instance_figures::InstanceFigures;
use crate::job::{AttemptOutcome, ClaimId, JobKind};
use crate::queue::{Settled, Settlement};
use crate::repository::RepositoryState;

pub(super) async fn settle<B: Base>(
    store: &B,
    claim: ClaimId,
    how: &Settlement,
    summary: Option<&Value>,
) -> Result<Option<Settled>, Fault> {
    let mut tx = store.write().await?;
    let Some(run) = attempt::running(&mut *tx, claim).await? else {
        let settled = recognise(&mut *tx, claim, how).await?;
        if settled.is_none() {
            store.atomic_counters().stale_finish();
        }
        return Ok(settled);
    };
    let run = Running { summary: summary.map(Value::to_string), ..run };
    let settled = match run.kind {
        JobKind::Refresh => {
            let settled = ended(&mut *tx, &run, how, store.limits()).await?;
            attempt_count::raise(&mut *tx, run.repository, settled.outcome, 1).await?;
            settled
        }
        JobKind::Fill => settle_fill::ended(&mut *tx, &run, how).await?,
    };
    tx.commit().await?;
    Ok(Some(settled))
}

impl Settled {
    /// Another attempt may follow.
    pub(super) fn of(outcome: AttemptOutcome, error: Option<&str>) -> Self {
        Self { outcome, error: error.map(str::to_owned), given_up: false }
    }

    /// None does.
    fn given_up(outcome: AttemptOutcome, error: &str) -> Self {
        Self { outcome, error: Some(error.to_owned()), given_up: true }
    }
}

async fn ended<C: Connection>(tx: &mut C, run: &Running, how: &Settlement, limits: Limits) -> sqlx::Result<Settled> {
    match how {
        how if run.cancel && goes_back(how) => taken_out(tx, run).await,
        Settlement::Fresh => fresh(tx, run).await,
        Settlement::Filled => Err(odd("a refresh does not end filled")),
        Settlement::Retry { after, error, progressed } => {
            let again = Again { outcome: AttemptOutcome::Retry, after: *after, error, progressed: *progressed };
            failed(tx, run, again, limits.attempts_max).await
        }
        Settlement::Stuck { after, error } => stuck(tx, run, *after, error, limits.attempts_max).await,
        Settlement::Unfit { after, error } | Settlement::Held { lasts: after, error, .. } => {
            let again = Again { outcome: AttemptOutcome::Unfit, after: *after, error, progressed: true };
            failed(tx, run, again, limits.attempts_max).await
        }
        Settlement::Lost { error, progressed } => {
            let again = Again { outcome: AttemptOutcome::Lost, after: Duration::ZERO, error, progressed: *progressed };
            failed(tx, run, again, limits.attempts_max).await
        }
        Settlement::Deferred { after } => deferred(tx, run, *after).await,
        Settlement::Cancelled { error } => cancelled(tx, run, error).await,
        Settlement::Dead { error } => dead(tx, run, error).await,
        Settlement::Crashed { error } => died(tx, run, error, limits.child_deaths_max).await,
        Settlement::Refused { error, otherwise } => Box::pin(refused(tx, run, error, otherwise, limits)).await,
    }
}

/// For the others; where none is left that could, it ends as this instance would have ended it alone.
async fn refused<C: Connection>(
    tx: &mut C,
    run: &Running,
    error: &str,
    otherwise: &Settlement,
    limits: Limits,
) -> sqlx::Result<Settled> {
    let Some(reasons) = refusal::note(tx, run, error).await? else {
        refusal::leave_to_others(tx, run, error).await?;
        return Ok(Settled::of(AttemptOutcome::Refused, Some(error)));
    };
    let otherwise = match otherwise {
        Settlement::Dead { .. } => {
            let settled = dead(tx, run, &reasons).await?;
            refusal::mark(tx, run).await?;
            return Ok(settled);
        }
        Settlement::Retry { after, progressed, .. } => {
            Settlement::Retry { after: *after, error: reasons, progressed: *progressed }
        }
        Settlement::Unfit { after, .. } => Settlement::Unfit { after: *after, error: reasons },
        otherwise => otherwise.clone(),
    };
    ended(tx, run, &otherwise, limits).await
}

/// Whether it puts a refresh back, unless a person took that out.
fn goes_back(how: &Settlement) -> bool {
    !matches!(how, Settlement::Fresh | Settlement::Dead { .. })
}

/// The claim does not run. If its attempt ended just so, only the acknowledgement was lost.
async fn recognise<C: Connection>(tx: &mut C, claim: ClaimId, how: &Settlement) -> sqlx::Result<Option<Settled>> {
    let Some((outcome, error, kind)) = attempt::ended(tx, claim).await? else { return Ok(None) };
    let taken_out = outcome == AttemptOutcome::Cancelled && error.is_none();
    let may = match kind {
        JobKind::Refresh => may_end_so(how, outcome, taken_out),
        JobKind::Fill => taken_out || settle_fill::outcome(how) == Some(outcome),
    };
    if !may {
        return Ok(None);
    }
    let given_up = outcome == AttemptOutcome::Dead || (may_be_quarantine(outcome) && is_quarantine(tx, claim).await?);
    Ok(Some(Settled { outcome, error, given_up }))
}

fn may_end_so(how: &Settlement, outcome: AttemptOutcome, taken_out: bool) -> bool {
    let meant = match how {
        Settlement::Refused { otherwise, .. } => {
            return matches!(outcome, AttemptOutcome::Refused | AttemptOutcome::Dead)
                || may_end_so(otherwise, outcome, taken_out);
        }
        Settlement::Fresh => AttemptOutcome::Fresh,
        Settlement::Filled => AttemptOutcome::Filled,
        Settlement::Retry { .. } => AttemptOutcome::Retry,
        Settlement::Stuck { .. } => AttemptOutcome::Stuck,
        Settlement::Unfit { .. } | Settlement::Held { .. } => AttemptOutcome::Unfit,
        Settlement::Lost { .. } => AttemptOutcome::Lost,
        Settlement::Deferred { .. } => AttemptOutcome::Deferred,
        Settlement::Cancelled { .. } => AttemptOutcome::Cancelled,
        Settlement::Dead { .. } => AttemptOutcome::Dead,
        Settlement::Crashed { .. } => AttemptOutcome::Crashed,
    };
    let may_die = matches!(how, Settlement::Retry { .. } | Settlement::Stuck { .. } | Settlement::Lost { .. });
    match outcome {
        AttemptOutcome::Dead if may_die => true,
        AttemptOutcome::Cancelled if taken_out => goes_back(how),
        outcome => outcome == meant,
    }
}

fn may_be_quarantine(outcome: AttemptOutcome) -> bool {
    matches!(outcome, AttemptOutcome::Crashed | AttemptOutcome::Stuck)
}

/// Whether the repository of this attempt is in quarantine.
async fn is_quarantine<C: Connection>(tx: &mut C, claim: ClaimId) -> sqlx::Result<bool> {
    const QUARANTINE: &str = "
        SELECT EXISTS (SELECT 1 FROM attempt JOIN repository ON repository.id = attempt.repository
                       WHERE attempt.claim = $1 AND repository.state = 'quarantined') AS any";
    tx.one(QUARANTINE, values![claim.0]).await?.flag("any")
}

async fn fresh<C: Connection>(tx: &mut C, run: &Running) -> sqlx::Result<Settled> {
    run.record(tx, AttemptOutcome::Fresh, Ending::default()).await?;
    attempt_count::outlive(tx, run.repository).await?;
    run.clear(tx).await?;
    run.finish(tx).await?;
    Ok(Settled::of(AttemptOutcome::Fresh, None))
}

/// An attempt that failed, and may be made again.
struct Again<'a> {
    outcome: AttemptOutcome,
    after: Duration,
    error: &'a str,
    progressed: bool,
}

async fn failed<C: Connection>(
    tx: &mut C,
    run: &Running,
    again: Again<'_>,
    attempts_max: u32,
) -> sqlx::Result<Settled> {
    if !again.progressed && (run.attempt >= attempts_max || is_probe(tx, run).await?) {
        return dead(tx, run, again.error).await;
    }
    run.record(tx, again.outcome, Ending { error: Some(again.error), ..Ending::default() }).await?;
    run.tried(tx).await?;
    run.blame(tx, again.error).await?;
    let back = Back {
        after: again.after,
        counts: !again.progressed,
        rescued: false,
        error: Some(again.error),
        ..Back::of(run)
    };
    run.put_back(tx, back).await?;
    Ok(Settled::of(again.outcome, Some(again.error)))
}

/// Attempts in a row that were stuck, before the repository is in quarantine: each holds a worker for its deadline,
/// which doubles.
const STUCK_MAX: i64 = 3;

async fn stuck<C: Connection>(
    tx: &mut C,
    run: &Running,
    after: Duration,
    error: &str,
    attempts_max: u32,
) -> sqlx::Result<Settled> {
    // What went back unharmed says nothing.
    const BEFORE: &str = "
        SELECT count(*) AS n FROM (
            SELECT outcome FROM attempt
            WHERE repository = $1 AND kind = 0 AND outcome NOT IN ('deferred', 'refused', 'cancelled')
            ORDER BY id DESC LIMIT $2) AS latest
        WHERE outcome = 'stuck'";
    let before = tx.one(BEFORE, values![run.repository, STUCK_MAX - 1]).await?.int("n")?;
    if before + 1 < STUCK_MAX {
        let again = Again { outcome: AttemptOutcome::Stuck, after, error, progressed: false };
        return failed(tx, run, again, attempts_max).await;
    }
    let error = format!("{STUCK_MAX} attempts in a row did not stop by themselves, the last one because {error}");
    run.record(tx, AttemptOutcome::Stuck, Ending { error: Some(&error), ..Ending::default() }).await?;
    run.bury(tx, RepositoryState::Quarantined, &error).await?;
    Ok(Settled::given_up(AttemptOutcome::Stuck, &error))
}

/// Whether the schedule only asked if a dead repository is alive again: once is enough.
async fn is_probe<C: Connection>(tx: &mut C, run: &Running) -> sqlx::Result<bool> {
    const PROBE: &str = "
        SELECT repository.state = 'dead' AND NOT job.forced AS probe
        FROM job JOIN repository ON repository.id = job.repository WHERE job.id = $1";
    tx.one(PROBE, values![run.job]).await?.flag("probe")
}

async fn deferred<C: Connection>(tx: &mut C, run: &Running, after: Duration) -> sqlx::Result<Settled> {
    run.record(tx, AttemptOutcome::Deferred, Ending::default()).await?;
    // The first in the row does not step out of it: only who holds a slot takes it, and so cannot go round.
    let after = if run.rescued { Duration::ZERO } else { after };
    run.put_back(tx, Back { after, heavy: true, ..Back::of(run) }).await?;
    Ok(Settled::of(AttemptOutcome::Deferred, None))
}

async fn cancelled<C: Connection>(tx: &mut C, run: &Running, error: &str) -> sqlx::Result<Settled> {
    run.record(tx, AttemptOutcome::Cancelled, Ending { error: Some(error), ..Ending::default() }).await?;
    run.put_back(tx, Back::of(run)).await?;
    Ok(Settled::of(AttemptOutcome::Cancelled, Some(error)))
}

async fn taken_out<C: Connection>(tx: &mut C, run: &Running) -> sqlx::Result<Settled> {
    run.record(tx, AttemptOutcome::Cancelled, Ending::default()).await?;
    run.tried(tx).await?;
    run.finish(tx).await?;
    Ok(Settled::of(AttemptOutcome::Cancelled, None))
}

async fn dead<C: Connection>(tx: &mut C, run: &Running, error: &str) -> sqlx::Result<Settled> {
    run.record(tx, AttemptOutcome::Dead, Ending { error: Some(error), ..Ending::default() }).await?;
    run.bury(tx, RepositoryState::Dead, error).await?;
    Ok(Settled::given_up(AttemptOutcome::Dead, error))
}

/// A child process that ran the job and nothing else died of it. So many of them are enough; until then it goes on at
/// once, in another.
async fn died<C: Connection>(tx: &mut C, run: &Running, error: &str, deaths_max: u32) -> sqlx::Result<Settled> {
    let (crashes, child_deaths) = (run.crashes + 1, run.child_deaths + 1);
    run.record(tx, AttemptOutcome::Crashed, Ending { error: Some(error), ..Ending::default() }).await?;
    if child_deaths >= deaths_max {
        run.bury(tx, RepositoryState::Quarantined, error).await?;
        return Ok(Settled::given_up(AttemptOutcome::Crashed, error));
    }
    run.tried(tx).await?;
    run.blame(tx, error).await?;
    let back = Back { counts: true, crashes, child_deaths, rescued: false, error: Some(error), ..Back::of(run) };
    run.put_back(tx, back).await?;
    Ok(Settled::of(AttemptOutcome::Crashed, Some(error)))
}

/// Why an orphan's attempt ended.
const CRASHED: &str = "the process died while it ran";

/// Jobs that ran in a process that died.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Orphans {
    /// All of them.
    pub(crate) jobs: u64,
    /// The refreshes, which [`attempt_count::crashed`] counts once the transaction has changed all else.
    pub(crate) refreshes: u64,
}

/// What still runs under these claims belongs to a process that died, and is put back.
///
/// Which of its jobs is to blame nobody knows, and mostly none is: somebody killed the process, or its machine is gone.
/// So they go back at once and before all others, the attempt does not count, and it never leads to quarantine. It only
/// decides, after some, that the job gets a process of its own: [`crate::Claim::runs_in_child`]. A fill waits for its
/// turn as before. One that had such a process had a text in hand, which is tried once more: where the next dies with
/// the same text, it is left out.
pub(crate) async fn crashed<C: Connection>(tx: &mut C, claims: &[ClaimId]) -> sqlx::Result<Orphans> {
    let mut orphans = Orphans::default();
    for claim in claims {
        let Some(run) = attempt::running(tx, *claim).await? else { continue };
        let run = Running { summary: last_told(tx, &run).await?, ..run };
        let is_refresh = run.kind == JobKind::Refresh;
        orphans.jobs += 1;
        orphans.refreshes += u64::from(is_refresh);
        run.record(tx, AttemptOutcome::Crashed, Ending { error: Some(CRASHED), ..Ending::default() }).await?;
        if run.cancel {
            if is_refresh {
                run.tried(tx).await?;
            }
            run.finish(tx).await?;
            continue;
        }
        if !is_refresh {
            run.suspect_text(tx).await?;
        }
        let crashes = run.crashes + 1;
        let back = Back { crashes, rescued: is_refresh, ..Back::of(&run) };
        run.put_back(tx, back).await?;
    }
    Ok(orphans)
}

/// What the process of an orphan told last of the attempt, in the figures of its instance; `None`: nothing.
///
/// Figures are told of the job, not of its claim: those that began before this claim are of an attempt before.
async fn last_told<C: Connection>(tx: &mut C, run: &Running) -> sqlx::Result<Option<String>> {
    const TOLD: &str = "
        SELECT figures, at - claimed_at AS told_after
        FROM instance_figures JOIN job ON job.instance = instance_figures.instance
        WHERE job.id = $1 AND at > claimed_at";
    let Some(row) = tx.maybe(TOLD, values![run.job]).await? else { return Ok(None) };
    // Of a version that writes something else nothing is known.
    let figures: InstanceFigures = serde_json::from_str(row.text("figures")?).unwrap_or_default();
    let told_after = row.int("told_after")? as f64 / 1e6;
    let told = figures.jobs.into_iter().find(|job| job.job == run.job && job.seconds <= told_after);
    Ok(told.map(|job| json!({ "told_seconds": job.seconds, "stages": job.stages }).to_string()))
}
