//! From rows to values and back.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use warmer_content::{
    ArtifactKey, BadDigest, ChunkingId, Digest, EmbeddingId, Recipe, RulesDigest, SkipReason, TextKey,
};
use warmer_traces::TraceContext;

use super::{List, Row, odd};
use crate::cache::BlobKey;
use crate::calendar::Cron;
use crate::job::{Claim, ClaimId, Fill, JobId};
use crate::policy::{Policy, Refresh};
use crate::repository::{Repository, RepositoryId, RepositoryState, Retry, Served, ServedState};

/// Whether the files that a served state skipped for a passing reason are to be tried again, by its table or alias.
macro_rules! retry_due {
    ($table:literal) => {
        concat!(
            "(SELECT coalesce(",
            $table,
            ".retry_at <= now OR ",
            $table,
            ".retry_at > now + 86400000000, false) FROM clock) AS retry_due"
        )
    };
}
pub(crate) use retry_due;

/// The columns that [`repository`] reads, of the view `repository_served` under the name `repository`.
macro_rules! repository_columns {
    () => {
        concat!(
            "repository.id, repository.remote, repository.reference, repository.state, repository.stale_since, \
         repository.last_error, repository.served_reference, repository.served_ref_oid, repository.served_commit, \
         repository.served_embedding, repository.served_chunking, repository.served_rules, repository.served_at, \
         repository.published_at, repository.published_embedding, \
         repository.refresh, repository.calendar, repository.staleness_budget, repository.rank, repository.include, \
         repository.exclude, repository.configured, \
         repository.committed_at, repository.failures, repository.failing_since, repository.patience, \
         repository.created_at, repository.served_publication, ",
            $crate::sql::rows::retry_due!("repository")
        )
    };
}
pub(crate) use repository_columns;

pub(crate) fn repository(row: &impl Row) -> sqlx::Result<Repository> {
    Ok(Repository {
        id: RepositoryId(row.int("id")?),
        remote: row.text("remote")?.to_owned(),
        reference: optional(row.text("reference")?),
        state: named(row, "state", RepositoryState::from_name)?,
        served: served_by(row, "served_embedding")?,
        published_at: row.maybe_int("published_at")?.map(moment),
        served_at: row.maybe_int("served_at")?.map(moment),
        stale_since: row.maybe_int("stale_since")?.map(moment),
        last_error: owned(row.maybe_text("last_error")?),
        failing_since: row.maybe_int("failing_since")?.map(moment),
        policy: policy(row)?,
        committed_at: row.maybe_int("committed_at")?.map(moment),
        failures: row.small("failures")?,
        retry: retry(row)?,
        created_at: moment(row.int("created_at")?),
        publication: row.maybe_int("served_publication")?.map_or(0, count),
    })
}

/// Reads what [`retry_due`] is about.
pub(super) fn retry(row: &impl Row) -> sqlx::Result<Option<Retry>> {
    let Some(patience) = row.maybe_int("patience")? else { return Ok(None) };
    Ok(Some(Retry { due: row.flag("retry_due")?, patience: count(patience) }))
}

fn policy(row: &impl Row) -> sqlx::Result<Policy> {
    let calendar = row.maybe_text("calendar")?;
    let refresh = |micros| match (micros, calendar) {
        (_, Some(calendar)) => Refresh::Cron(Cron::stored(calendar)),
        (0, None) => Refresh::Adaptive,
        (micros, None) => Refresh::Every(Duration::from_micros(count(micros))),
    };
    let globs = |column| serde_json::from_str(row.text(column)?).map_err(odd);
    Ok(Policy {
        refresh: row.maybe_int("refresh")?.map(refresh),
        staleness_budget: row.maybe_int("staleness_budget")?.map(|micros| Duration::from_micros(count(micros))),
        rank: i32::try_from(row.int("rank")?).map_err(odd)?,
        include: globs("include")?,
        exclude: globs("exclude")?,
        configured: row.flag("configured")?,
    })
}

/// The claim that took a row; `taken` is the job as it is now, `job` its number, `previous` the trace that it lost.
pub(crate) fn claimed(
    taken: &impl Row,
    job: i64,
    id: ClaimId,
    repository: Repository,
    states: Vec<ServedState>,
    fill: Option<Fill>,
    previous: Option<&str>,
) -> sqlx::Result<Claim> {
    Ok(Claim {
        job: JobId(job),
        id,
        repository,
        fill,
        states,
        attempt: taken.small("attempt")?,
        heavy: taken.flag("heavy")?,
        full: taken.flag("full")?,
        crashes: taken.small("crashes")?,
        traces: taken.maybe_text("traces")?.map(TraceContext::read_all).unwrap_or_default(),
        previous: previous.and_then(TraceContext::read),
        waited: Duration::from_micros(count(taken.int("waited")?)),
        slot_wait: taken.maybe_int("slot_wait")?.map(|wait| Duration::from_micros(count(wait))),
        claimed_in: Duration::ZERO,
    })
}

/// The served state of a row, by the column of its embedding.
pub(super) fn served_by(row: &impl Row, embedding: &str) -> sqlx::Result<Option<Served>> {
    let Some(commit) = row.maybe_text("served_commit")? else { return Ok(None) };
    let digest = |column: &str| row.bytes(column).and_then(digest);
    Ok(Some(Served {
        reference: row.text("served_reference")?.to_owned(),
        ref_oid: row.text("served_ref_oid")?.to_owned(),
        commit: commit.to_owned(),
        recipe: Recipe { embedding: EmbeddingId(digest(embedding)?), chunking: ChunkingId(digest("served_chunking")?) },
        rules: RulesDigest(digest("served_rules")?),
    }))
}

/// A ref as it was asked for: stored as an empty text where it is HEAD.
pub(super) fn optional(reference: &str) -> Option<String> {
    (!reference.is_empty()).then(|| reference.to_owned())
}

pub(super) fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

/// The value of an enum that is stored by its name.
pub(super) fn named<T>(row: &impl Row, column: &str, from_name: fn(&str) -> Option<T>) -> sqlx::Result<T> {
    let name = row.text(column)?;
    from_name(name).ok_or_else(|| odd(format!("{column} {name:?} is of no kind that this version knows")))
}

/// The value of an enum that is stored by a number.
pub(super) fn numbered<T>(row: &impl Row, column: &str, from_number: fn(i64) -> Option<T>) -> sqlx::Result<T> {
    let number = row.int(column)?;
    from_number(number).ok_or_else(|| odd(format!("{column} {number} is of no kind that this version knows")))
}

pub(super) fn digest(bytes: &[u8]) -> sqlx::Result<Digest> {
    Digest::try_from(bytes).map_err(|bad: BadDigest| odd(bad))
}

pub(super) fn artifact_key(bytes: &[u8]) -> sqlx::Result<ArtifactKey> {
    digest(bytes).map(ArtifactKey)
}

pub(super) fn text_key(bytes: &[u8]) -> sqlx::Result<TextKey> {
    digest(bytes).map(TextKey)
}

pub(super) fn skip_reason(name: &str) -> sqlx::Result<SkipReason> {
    name.parse().map_err(odd)
}

/// What blobs turned out to be, as rows (hash kind, oid, language_hint, artifact, skip).
pub(crate) fn blob_rows<'a>(blobs: &BTreeMap<&'a BlobKey, &'a Result<ArtifactKey, SkipReason>>) -> [List<'a>; 5] {
    let (keys, outcomes) = (|| blobs.keys(), || blobs.values());
    [
        List::Texts(keys().map(|blob| blob.hash_kind).collect()),
        List::Texts(keys().map(|blob| &*blob.oid).collect()),
        List::Texts(keys().map(|blob| &*blob.language_hint).collect()),
        List::MaybeKeys(outcomes().map(|outcome| outcome.as_ref().ok().map(|key| key.0)).collect()),
        List::MaybeTexts(outcomes().map(|outcome| outcome.as_ref().err().map(|reason| reason.as_str())).collect()),
    ]
}

/// A number that is never negative.
pub(crate) fn count(number: i64) -> u64 {
    number.max(0).unsigned_abs()
}

/// A number of the database's clock.
pub(crate) fn moment(micros: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(count(micros))
}

/// The number that [`moment`] reads; nothing is older than 1970.
pub(super) fn micros_of(moment: SystemTime) -> i64 {
    micros(moment.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// A duration in microseconds, at most some 300 years.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4)
}
