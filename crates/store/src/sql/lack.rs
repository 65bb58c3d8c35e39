//! What served entries lack: noted by the transaction that makes it so, forgotten by the one that stores it.
//!
//! Always true, after every transaction: of each artifact that a repository serves and that has a text without a vector
//! and without a verdict, under the embedding of a generation that covers the repository, there is a row. So whoever
//! deletes a vector or serves an artifact inserts rows in the same transaction; rows too many are no harm. What deletes
//! vectors excludes, as a step of a collection, all that rely on what is stored, as publications do.

use std::time::Duration;

use super::rows::numbered;
use super::served::Ids;
use super::{Connection, List, Row as _, Sealed, Value, count, micros, values};
use crate::job::{ClaimId, Lane};
use crate::publication::PublishedTexts;
use crate::shard::{COLD_TEXTS_MAX, NEW_TEXTS_MAX, Shard};

/// Whether a text lacks a vector under an embedding.
macro_rules! lacks {
    ($text:literal, $embedding:literal) => {
        concat!(
            "(NOT EXISTS (SELECT 1 FROM vector WHERE vector.embedding = ",
            $embedding,
            " AND vector.text = ",
            $text,
            ") AND NOT EXISTS (SELECT 1 FROM failed_text WHERE failed_text.embedding = ",
            $embedding,
            " AND failed_text.text = ",
            $text,
            " AND NOT failed_text.again))"
        )
    };
}

/// Notes what the artifacts of some entries lack under the generation $2 of the repository $1, whose embedding is $3:
/// in the lane of what is new, unless it is more than $5. The CROSS JOINs keep SQLite's loops in order.
macro_rules! note {
    ($table:literal, $which:literal) => {
        concat!(
            "INSERT INTO lack (repository, generation, bucket, artifact, lane, texts, stamp)
             SELECT $1, $2, artifact.bucket, artifact.id,
                    CASE WHEN sum(count(DISTINCT artifact_chunk.text)) OVER () > $5 THEN 1 ELSE 0 END,
                    count(DISTINCT artifact_chunk.text),
                    (SELECT repository.publication FROM repository WHERE repository.id = $1)
             FROM ",
            $table,
            " AS wanted CROSS JOIN artifact CROSS JOIN artifact_chunk
             WHERE ",
            $which,
            " AND artifact.key = wanted.artifact AND artifact_chunk.artifact = artifact.id AND ",
            $crate::sql::lack::lacks!("artifact_chunk.text", "$3"),
            " GROUP BY artifact.bucket, artifact.id ORDER BY artifact.bucket, artifact.id
             ON CONFLICT (repository, generation, bucket, artifact) DO NOTHING"
        )
    };
}
/// $4: the claim.
pub(crate) const NOTE_STAGED: &str = note!("staged_entry", "wanted.claim = $4");
/// $4: the chunking.
const NOTE_SERVED: &str = note!("entry", "wanted.repository = $1 AND wanted.chunking = $4");

/// Notes what some artifacts lack wherever they are served; for fills that nobody waits for.
macro_rules! note_everywhere {
    ($which:literal) => {
        concat!(
            "INSERT INTO lack (repository, generation, bucket, artifact, lane, texts, stamp)
             SELECT repository.id, generation.id, artifact.bucket, artifact.id, 1, count(DISTINCT artifact_chunk.text),
                    repository.publication
             FROM artifact CROSS JOIN entry CROSS JOIN repository CROSS JOIN coverage CROSS JOIN generation
             CROSS JOIN artifact_chunk
             WHERE entry.artifact = artifact.key AND repository.id = entry.repository
                 AND coverage.repository = repository.id AND generation.id = coverage.generation
                 AND generation.chunking = entry.chunking AND artifact_chunk.artifact = artifact.id AND ",
            $which,
            " AND ",
            $crate::sql::lack::lacks!("artifact_chunk.text", "generation.embedding"),
            " GROUP BY repository.id, generation.id, artifact.bucket, artifact.id
             ORDER BY repository.id, generation.id, artifact.bucket, artifact.id
             ON CONFLICT (repository, generation, bucket, artifact) DO NOTHING"
        )
    };
}
/// Of the artifacts with ids from $1, excluded, to $2: what is not noted yet.
pub(super) const NOTE_UNNOTED: &str = note_everywhere!(
    "artifact.id > $1 AND artifact.id <= $2 AND NOT EXISTS (
        SELECT 1 FROM lack WHERE lack.repository = repository.id AND lack.generation = generation.id
            AND lack.bucket = artifact.bucket AND lack.artifact = artifact.id)"
);

/// Texts without a vector under the embedding $1, of some artifacts.
macro_rules! texts_lacking {
    ($artifacts:literal) => {
        concat!(
            "SELECT DISTINCT artifact_chunk.artifact, artifact_chunk.text FROM artifact_chunk
             WHERE artifact_chunk.artifact ",
            $artifacts,
            " AND ",
            $crate::sql::lack::lacks!("artifact_chunk.text", "$1")
        )
    };
}

/// Those of some artifacts that the repository $1 serves under the generation $2: found by the artifact, however little
/// is known of the tables yet. Of an EXISTS PostgreSQL makes a join, and without the `+ 0` it reads all entries of the
/// repository for each artifact: 100 ms for a page of a repository that was just published.
macro_rules! served_among {
    ($artifacts:literal) => {
        concat!(
            "SELECT artifact.id AS artifact FROM artifact WHERE artifact.id ",
            $artifacts,
            " AND (SELECT entry.repository FROM entry
                   WHERE entry.artifact = artifact.key AND entry.repository + 0 = $1 AND entry.chunking + 0 = (
                       SELECT generation.chunking FROM generation WHERE generation.id = $2)
                   LIMIT 1) IS NOT NULL"
        )
    };
}

/// The rows of the repository $1 under the generation $2 of artifacts that it does not serve under the chunking $3.
macro_rules! unserved {
    () => {
        "lack.repository = $1 AND lack.generation = $2 AND NOT EXISTS (
             SELECT 1 FROM artifact JOIN entry ON entry.artifact = artifact.key
             WHERE artifact.id = lack.artifact AND entry.repository + 0 = $1 AND entry.chunking + 0 = $3)"
    };
}

/// Which rows of the repository $1 under the generation $2 speak of artifacts that the repository does not serve, or
/// that lack nothing; of some artifacts.
macro_rules! idle {
    ($artifacts:literal) => {
        concat!(
            "lack.repository = $1 AND lack.generation = $2 AND lack.artifact ",
            $artifacts,
            " AND (NOT EXISTS (SELECT 1 FROM artifact JOIN entry ON entry.artifact = artifact.key
                  WHERE artifact.id = lack.artifact AND entry.repository + 0 = $1 AND entry.chunking + 0 = (
                      SELECT generation.chunking FROM generation WHERE generation.id = $2))
              OR NOT EXISTS (SELECT 1 FROM artifact_chunk WHERE artifact_chunk.artifact = lack.artifact AND ",
            $crate::sql::lack::lacks!(
                "artifact_chunk.text",
                "(SELECT generation.embedding FROM generation WHERE generation.id = $2)"
            ),
            "))"
        )
    };
}

/// Which rows speak of artifacts that lack nothing any more under the embedding $1; of some artifacts.
macro_rules! filled {
    ($artifacts:literal) => {
        concat!(
            "lack.artifact ",
            $artifacts,
            " AND lack.generation IN (SELECT generation.id FROM generation WHERE generation.embedding = $1)
              AND NOT EXISTS (SELECT 1 FROM artifact_chunk WHERE artifact_chunk.artifact = lack.artifact AND ",
            $crate::sql::lack::lacks!("artifact_chunk.text", "$1"),
            ")"
        )
    };
}

/// Which coverage grows when artifacts get vectors of the embedding $1, and is to be raised: two seconds after it last
/// was, by a clock that did not go back since.
macro_rules! growing {
    ($artifacts:literal) => {
        concat!(
            "(coverage.repository, coverage.generation) IN (
                SELECT lack.repository, lack.generation FROM lack
                JOIN generation ON generation.id = lack.generation AND generation.embedding = $1
                WHERE lack.artifact ",
            $artifacts,
            ") AND (SELECT coverage.raised_at > now OR coverage.raised_at <= now - 2000000 FROM clock)"
        )
    };
}
pub(crate) use {filled, growing, idle, lacks, note_everywhere, served_among, texts_lacking, unserved};

/// The generations of the chunking $2 under which the repository $1 is found, or is to be: those that are wanted, what
/// the embedding $3 makes, and what a command may bring back. `is_new`: it was not found under it until now.
const GENERATIONS: &str = "
    SELECT id, embedding, state <> 'retired' AS wanted, NOT covered AS is_new FROM (
        SELECT generation.id, generation.embedding, generation.state, EXISTS (
            SELECT 1 FROM coverage WHERE coverage.repository = $1 AND coverage.generation = generation.id) AS covered
        FROM generation WHERE generation.chunking = $2) AS made
    WHERE state <> 'retired' OR embedding = $3 OR covered ORDER BY id";
/// Has the row locked, so that no fill comes to its end before it sees what the publication brings.
const COVER: &str = "
    INSERT INTO coverage (repository, generation) VALUES ($1, $2)
    ON CONFLICT (repository, generation) DO UPDATE SET version = coverage.version";
/// The generation $2 covers the repository $1 from now on, unless it does already.
const SEED: &str = "
    INSERT INTO coverage (repository, generation) VALUES ($1, $2) ON CONFLICT (repository, generation) DO NOTHING";
/// Of what the repository $1 lacks, the artifacts in whose place the claim $2 has staged something else, or nothing,
/// under the chunking $3. To be asked before that is applied.
pub(crate) const REPLACED: &str = "
    SELECT DISTINCT lack.artifact FROM staged_entry AS staged CROSS JOIN entry CROSS JOIN artifact CROSS JOIN lack
    WHERE staged.claim = $2 AND entry.repository = $1 AND entry.chunking = $3 AND entry.path = staged.path
        AND staged.artifact IS DISTINCT FROM entry.artifact AND artifact.key = entry.artifact
        AND lack.artifact = artifact.id AND lack.repository = $1";
/// However little it is, it stands in bulk.
const NONE_NEW: i64 = -1;
/// What the publication brought that is the repository's last.
const BROUGHT: &str = "
    SELECT CAST(coalesce(sum(lack.texts), 0) AS BIGINT) AS texts, coalesce(max(lack.lane), 0) AS lane
    FROM lack JOIN repository ON repository.id = lack.repository
    WHERE lack.repository = $1 AND lack.generation = $2 AND lack.lane IN (0, 1)
        AND lack.stamp = repository.publication";

/// All that the repository $1 lacks under the generation $2.
const LACKED: &str = "
    SELECT CAST(coalesce(sum(texts), 0) AS BIGINT) AS texts FROM lack WHERE repository = $1 AND generation = $2";
/// Chunks of what the claim $1 has staged whose text cannot be embedded by $2. Mostly there is no such text at all, and
/// nothing else is looked at.
const FAILED: &str = "
    SELECT count(*) AS texts FROM staged_entry AS wanted CROSS JOIN artifact CROSS JOIN artifact_chunk
    WHERE EXISTS (SELECT 1 FROM failed_text WHERE embedding = $2 AND NOT again)
        AND wanted.claim = $1 AND artifact.key = wanted.artifact AND artifact_chunk.artifact = artifact.id
        AND EXISTS (SELECT 1 FROM failed_text WHERE failed_text.embedding = $2
                    AND failed_text.text = artifact_chunk.text AND NOT failed_text.again)";

/// What a publication brought that is to be filled by who published it.
pub(super) struct Brought {
    pub(super) generation: i64,
    pub(super) lane: Lane,
    /// What that publication noted.
    pub(super) texts: i64,
    /// The same with what was noted before of what it shows again.
    pub(super) published: PublishedTexts,
}

/// What a publication changed.
pub(super) enum Changed {
    /// What was staged, in place of these artifacts, as [`replaced`] gave them.
    Staged(Vec<i64>),
    /// All entries, staged or not.
    All,
}

/// Before entries of a repository change as staged under a claim: of what lacks, the artifacts in whose place something
/// else comes.
pub(super) async fn replaced<C: Connection>(
    tx: &mut C,
    repository: i64,
    chunking: i64,
    claim: ClaimId,
) -> sqlx::Result<Vec<i64>> {
    let replaced = tx.all(REPLACED, values![repository, claim.0, chunking]).await?;
    replaced.iter().map(|row| row.int("artifact")).collect()
}

/// After entries of a repository changed as staged under a claim: notes what lacks, and forgets what is not served any
/// more, which no search misses.
pub(super) async fn note<C: Connection>(
    tx: &mut C,
    repository: i64,
    ids: Ids,
    claim: ClaimId,
    changed: &Changed,
) -> sqlx::Result<Option<Brought>> {
    let mut brought = None;
    for generation in tx.all(GENERATIONS, values![repository, ids.chunking, ids.embedding]).await? {
        let (id, embedding) = (generation.int("id")?, generation.int("embedding")?);
        tx.run(COVER, values![repository, id]).await?;
        match changed {
            Changed::All => tx.run(C::FORGET_UNSERVED, values![repository, id, ids.chunking]).await?,
            Changed::Staged(replaced) if replaced.is_empty() => 0,
            Changed::Staged(replaced) => tx.run(C::FORGET_IDLE, values![repository, id, &**replaced]).await?,
        };
        let is_new = generation.flag("is_new")?;
        let new_max = if is_new { COLD_TEXTS_MAX } else { NEW_TEXTS_MAX };
        if matches!(changed, Changed::All) || is_new {
            tx.run(NOTE_SERVED, values![repository, id, embedding, ids.chunking, new_max]).await?;
        } else {
            tx.run(NOTE_STAGED, values![repository, id, embedding, claim.0, new_max]).await?;
        }
        if embedding == ids.embedding && generation.flag("wanted")? {
            let row = tx.one(BROUGHT, values![repository, id]).await?;
            let (texts, lane) = (row.int("texts")?, numbered(&row, "lane", Lane::from_number)?);
            let lacking = match changed {
                Changed::All => tx.one(LACKED, values![repository, id]).await?.int("texts")?,
                Changed::Staged(_) => texts,
            };
            let failed = tx.one(FAILED, values![claim.0, embedding]).await?.int("texts")?;
            let published = PublishedTexts { lacking: count(lacking), failed: count(failed) };
            brought = Some(Brought { generation: id, lane, texts, published });
        }
    }
    Ok(brought)
}

/// Notes all that a repository lacks under a generation (its row, its embedding, its chunking) that does not cover it
/// yet. False: it does. The caller has the repository's lock.
pub(super) async fn seed<C: Connection>(tx: &mut C, repository: i64, of: (i64, i64, i64)) -> sqlx::Result<bool> {
    let (generation, embedding, chunking) = of;
    if tx.run(SEED, values![repository, generation]).await? == 0 {
        return Ok(false);
    }
    tx.run(NOTE_SERVED, values![repository, generation, embedding, chunking, NONE_NEW]).await?;
    Ok(true)
}

/// Notes what these artifacts lack wherever they are served; the number of rows.
pub(crate) async fn note_artifacts<C: Connection>(tx: &mut C, artifacts: &[i64]) -> sqlx::Result<u64> {
    if artifacts.is_empty() {
        return Ok(0);
    }
    tx.run(C::NOTE_ARTIFACTS, values![artifacts]).await
}

/// After artifacts were stored: some may be served already, because they were damaged and deleted. Rows only where
/// they lack something.
pub(crate) async fn note_served<C: Connection>(tx: &mut C, artifacts: &[Sealed<'_>]) -> sqlx::Result<()> {
    let keys = [List::Keys(artifacts.iter().map(|artifact| artifact.key.0).collect())];
    let ids = tx.all(C::ARTIFACT_IDS, &[Value::Rows(&keys)]).await?;
    let ids: Vec<i64> = ids.iter().map(|row| row.int("id")).collect::<sqlx::Result<_>>()?;
    note_artifacts(tx, &ids).await.map(drop)
}

/// Whether anything is left of a fill, of whatever publication.
pub(super) async fn remains<C: Connection>(
    tx: &mut C,
    (repository, generation): (i64, i64),
    (lane, shard): (Lane, Shard),
) -> sqlx::Result<bool> {
    const REMAINS: &str = "
        SELECT EXISTS (SELECT 1 FROM lack WHERE repository = $1 AND generation = $2 AND lane = $3
                       AND bucket BETWEEN $4 AND $5) AS any";
    let (first, last) = (i64::from(shard.first), i64::from(shard.last));
    tx.one(REMAINS, values![repository, generation, lane.number(), first, last]).await?.flag("any")
}

/// A fill came to its end, or got no further because of `error`; who worked on it makes no vectors for the time `hold`.
pub(super) async fn ended<C: Connection>(
    tx: &mut C,
    (repository, generation): (i64, i64),
    error: Option<&str>,
    hold: Option<Duration>,
) -> sqlx::Result<()> {
    const ENDED: &str = "
        UPDATE coverage SET version = version + 1, raised_at = (SELECT now FROM clock), last_error = $3,
            hold_until = (SELECT now FROM clock) + $4
        WHERE repository = $1 AND generation = $2";
    tx.run(ENDED, values![repository, generation, error, hold.map(micros)]).await.map(drop)
}
