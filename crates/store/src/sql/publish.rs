//! Staging, and the one transaction that makes it visible.

use std::borrow::Cow;
use std::collections::BTreeMap;

use warmer_content::EmbeddingId;

use super::anew::{self, Stands};
use super::attempt::{self, Ending, Running};
use super::lack::Changed;
use super::served::{self, Ids};
use super::spans::Sent;
use super::totals::Change;
use super::{
    Base, Connection, Fault, List, Row as _, Value, Writing as _, attempt_count, count, fill_queue, generation, lack,
    pushes, retries, values,
};
use crate::cache::{Outcome, StagedEntry};
use crate::envelope;
use crate::job::{AttemptOutcome, ClaimId};
use crate::publication::{Publication, Published, PublishedTexts};

/// $1: the repository; $2: the claim, whose staged rows are the full listing; $3: the chunking.
const REMOVE_UNLISTED: &str = "
    DELETE FROM entry WHERE repository = $1 AND chunking = $3 AND NOT EXISTS (
        SELECT 1 FROM staged_entry AS staged WHERE staged.claim = $2 AND staged.path = entry.path
            AND (staged.artifact IS NOT NULL OR staged.skip IS NOT NULL))";
/// $1: the repository; $2: the claim, some of whose staged paths are gone; $3: the chunking.
const REMOVE_GONE: &str = "
    DELETE FROM entry WHERE repository = $1 AND chunking = $3 AND path IN (
        SELECT path FROM staged_entry WHERE claim = $2 AND artifact IS NULL AND skip IS NULL)";

/// $1: the repository; $2: the claim; $3: the chunking.
const INDEXED: &str = "
    SELECT count(*) AS indexed FROM staged_entry AS staged
    LEFT JOIN entry ON entry.repository = $1 AND entry.chunking = $3 AND entry.path = staged.path
    WHERE staged.claim = $2 AND staged.artifact IS NOT NULL AND staged.artifact IS DISTINCT FROM entry.artifact";

/// Entries of the claim $1 whose artifact is not there, or of a version that this one cannot read ($2 is). Row after
/// row: nothing is sorted, so that memory does not grow with the repository. What was not staged was checked when it
/// was published, and is kept by the collection as long as it is served.
const MISSING: &str = "
    SELECT count(*) AS missing FROM staged_entry AS wanted WHERE wanted.claim = $1 AND wanted.artifact IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM artifact WHERE artifact.key = wanted.artifact AND artifact.version = $2)";

/// An instance lives that takes any job, and so any fill: its heartbeat comes every second.
const DAEMON: &str = "
    SELECT EXISTS (SELECT 1 FROM instance, clock
                   WHERE state = 'alive' AND takes_any AND seen_at > now - 30000000) AS lives";

pub(super) async fn stage<B: Base>(store: &B, claim: ClaimId, entries: &[StagedEntry]) -> Result<bool, Fault> {
    // The last word on a path holds.
    let entries: BTreeMap<&str, &StagedEntry> = entries.iter().map(|entry| (&*entry.path, entry)).collect();
    let entries = || entries.values();
    let artifact = |outcome: &Outcome| match outcome {
        Outcome::Artifact(key) => Some(key.0),
        Outcome::Skip(_) | Outcome::Gone => None,
    };
    let skip = |outcome: &Outcome| match outcome {
        Outcome::Skip(reason) => Some(reason.as_str()),
        Outcome::Artifact(_) | Outcome::Gone => None,
    };
    let staged = [
        List::Texts(entries().map(|entry| &*entry.path).collect()),
        List::Texts(entries().map(|entry| &*entry.oid).collect()),
        List::Texts(entries().map(|entry| &*entry.language_hint).collect()),
        List::MaybeKeys(entries().map(|entry| artifact(&entry.outcome)).collect()),
        List::MaybeTexts(entries().map(|entry| skip(&entry.outcome)).collect()),
    ];
    let mut tx = store.write().await?;
    if attempt::refreshing(&mut *tx, claim).await?.is_none() {
        return Ok(false);
    }
    tx.run(<B::Connection as super::Statements>::STAGE, &[claim.0.into(), Value::Rows(&staged)]).await?;
    tx.commit().await?;
    Ok(true)
}

/// Entries that show another artifact, those that are gone, and what becomes of the texts.
type Counted = (u64, u64, Option<PublishedTexts>);

/// `counted` is what an earlier try of the same call counted, whose acknowledgement may have been lost.
pub(super) async fn publish<B: Base>(
    store: &B,
    publication: &Publication,
    counted: &mut Option<Counted>,
) -> Result<Published, Fault> {
    let publication = for_searches(store, publication).await?;
    let publication = &*publication;
    let ids = served::ids(store, &publication.served).await?;
    let mut tx = store.rely().await?;
    let Some(run) = attempt::refreshing(&mut *tx, publication.claim).await? else {
        if attempt::outcome(&mut *tx, publication.claim).await? == Some(AttemptOutcome::Warmed) {
            let (indexed, removed, texts) = counted.unwrap_or_default();
            return Ok(Published::Done { recognised: true, indexed, removed, texts });
        }
        store.atomic_counters().stale_finish();
        return Ok(Published::Stale);
    };
    let run = Running { summary: Some(publication.summary.to_string()), ..run };
    tx.one(<B::Connection as super::Statements>::LOCK_REPOSITORY, values![run.repository]).await?;
    let counts = |(indexed, removed, texts), recognised| Published::Done { recognised, indexed, removed, texts };
    let stands = match publication.cut_anew {
        true => Some(anew::stands(&mut *tx, run.repository, ids, &publication.served).await?),
        false => None,
    };
    match stands {
        Some(Stands::CutSo) => return Ok(counts(counted.unwrap_or_default(), true)),
        Some(Stands::Other) => return Ok(Published::Moved),
        Some(Stands::Since(..)) | None => {}
    }
    if served::served(&mut *tx, run.repository, ids.chunking).await? != publication.base {
        return Ok(Published::Moved);
    }
    let missing = tx.one(MISSING, values![publication.claim.0, envelope::VERSION]).await?.int("missing")?;
    if missing > 0 {
        return Ok(Published::Incomplete { missing: count(missing) });
    }
    let done = show(store, &mut *tx, &run, (ids, publication)).await?;
    match stands {
        Some(Stands::Since(published, served)) => anew::keep(&mut *tx, &run, ids, (published, served)).await?,
        _ => finish(&mut *tx, &run, publication).await?,
    }
    *counted = Some(done);
    tx.commit().await?;
    Ok(counts(done, false))
}

/// Makes what was staged what is served, notes what lacks, and has fills for what that brings.
async fn show<B: Base>(
    store: &B,
    tx: &mut B::Connection,
    run: &Running,
    (ids, publication): (Ids, &Publication),
) -> sqlx::Result<Counted> {
    served::serve(tx, run.repository, ids, publication).await?;
    let changed = if publication.complete {
        Changed::All
    } else {
        Changed::Staged(lack::replaced(tx, run.repository, ids.chunking, publication.claim).await?)
    };
    let (indexed, removed) = apply(tx, run, ids, publication).await?;
    let brought = lack::note(tx, run.repository, ids, publication.claim, &changed).await?;
    let texts = brought.as_ref().map(|brought| brought.published);
    if let Some(brought) = brought.filter(|brought| brought.texts > 0)
        && (publication.fills || tx.one(DAEMON, &[]).await?.flag("lives")?)
    {
        let attempt = run.trace(tx).await?.or_else(|| publication.traceparent.clone());
        let sent = Sent::here(store.system(), attempt);
        fill_queue::enqueue_brought(tx, run.repository, &brought, &sent).await?;
    }
    pushes::show_published(tx, run.repository, ids.embedding).await?;
    Ok((indexed, removed, texts))
}

/// The job is done with, and what is served is current.
async fn finish<C: Connection>(tx: &mut C, run: &Running, publication: &Publication) -> sqlx::Result<()> {
    let ending = Ending {
        commit: Some(&publication.served.commit),
        traceparent: publication.traceparent.as_deref(),
        ..Ending::default()
    };
    run.record(tx, AttemptOutcome::Warmed, ending).await?;
    run.clear(tx).await?;
    run.finish(tx).await?;
    attempt_count::raise(tx, run.repository, AttemptOutcome::Warmed, 1).await
}

/// What is published without a model is for the one that searches use.
async fn for_searches<'a, B: Base>(store: &B, publication: &'a Publication) -> Result<Cow<'a, Publication>, Fault> {
    if publication.served.recipe.embedding != EmbeddingId::NONE {
        return Ok(Cow::Borrowed(publication));
    }
    let mut publication = publication.clone();
    if let Some(active) = generation::active(store).await? {
        publication.served.recipe.embedding = active.embedding;
    }
    Ok(Cow::Owned(publication))
}

/// Applies the staged rows and keeps the totals; gives how many entries show another artifact, and how many are gone.
async fn apply<C: Connection>(
    tx: &mut C,
    run: &Running,
    ids: Ids,
    publication: &Publication,
) -> sqlx::Result<(u64, u64)> {
    let values = values![run.repository, publication.claim.0, ids.chunking];
    let change = Change::begin(tx, (run.repository, ids.chunking), publication).await?;
    let indexed = tx.one(INDEXED, values).await?.int("indexed")?;
    let removed = tx.run(if publication.complete { REMOVE_UNLISTED } else { REMOVE_GONE }, values).await?;
    tx.run(C::APPLY, values).await?;
    let totals = change.end(tx).await?;
    retries::plan(tx, (run.repository, ids.chunking), publication, &totals).await?;
    Ok((count(indexed), removed))
}
