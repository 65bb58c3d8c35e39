//! The statements of [`Statements`] as PostgreSQL reads them: a list is one array for each column.
//!
//! Updates of many rows lock them in the order of their id first, so that two of them never wait for each other.

use super::claim;
use super::connection::ServerConnection;
use crate::sql::anew::queue_left;
use crate::sql::collect::failed_unused;
use crate::sql::fill::{covered, failed_counts};
use crate::sql::fill_jobs::enqueue_fill;
use crate::sql::fill_walk::rivals;
use crate::sql::lack::{filled, growing, idle, note_everywhere, served_among, texts_lacking, unserved};
use crate::sql::listing::{attempts_since, changed, failed};
use crate::sql::schedule::queue_due;
use crate::sql::share::{check_again, serves_artifact};
use crate::sql::status::{figures, instances};
use crate::sql::trouble::troubles;
use crate::sql::{Statements, artifact_steps, vector_steps};

/// Deletes rows of what lacks, in the order of their keys.
macro_rules! forget {
    ($which:expr) => {
        concat!(
            "WITH held AS (SELECT repository, generation, bucket, artifact FROM lack WHERE ",
            $which,
            " ORDER BY repository, generation, bucket, artifact FOR UPDATE)
             DELETE FROM lack USING held WHERE (lack.repository, lack.generation, lack.bucket, lack.artifact)
                 = (held.repository, held.generation, held.bucket, held.artifact)"
        )
    };
}

impl Statements for ServerConnection {
    const RUNNING: &'static str = "
        SELECT id, repository, kind, generation, lane, shard, attempt, crashes, child_deaths, rescued, cancel FROM job
        WHERE claim = $1 AND state = 'running' FOR UPDATE";
    const JOB_STATE: &'static str = "SELECT state FROM job WHERE id = $1 FOR UPDATE";
    const PINNED: &'static str = "SELECT id FROM job WHERE state = 'queued' AND pinned = $1 ORDER BY id FOR UPDATE";
    // Another instance that looks at the same repository gives it its job; a publication ends one that runs.
    const QUEUE_DUE: &'static str = queue_due!("FOR NO KEY UPDATE OF repository SKIP LOCKED");
    const QUEUE_LEFT: &'static str = queue_left!("FOR NO KEY UPDATE OF repository SKIP LOCKED");
    // What points at the repository is not held up.
    const LOCK_REPOSITORY: &'static str =
        "SELECT id, rank, calendar, (SELECT now FROM clock) AS now FROM repository WHERE id = $1 FOR NO KEY UPDATE";
    const HOLD_GENERATION: &'static str = "SELECT state <> 'retired' AS wanted FROM generation WHERE id = $1 FOR SHARE";
    const ENQUEUE_FILL: &'static str = enqueue_fill!("FOR SHARE OF generation");
    const NEXT_DUE: &'static str = claim::NEXT_DUE;
    const NEXT_FILL_DUE: &'static str = claim::NEXT_FILL_DUE;
    const NEXT_DUE_OF_ALL: &'static str = claim::NEXT_DUE_OF_ALL;
    const STAGE: &'static str = "
        INSERT INTO staged_entry (claim, path, oid, language_hint, artifact, skip)
        SELECT $1, asked.* FROM unnest($2, $3, $4, $5, $6) AS asked (path, oid, language_hint, artifact, skip)
        ON CONFLICT (claim, path) DO UPDATE SET
            oid = excluded.oid, language_hint = excluded.language_hint,
            artifact = excluded.artifact, skip = excluded.skip";
    // A row that stays as it is is not met, and so not locked.
    const APPLY: &'static str = "
        INSERT INTO entry (repository, chunking, path, oid, language_hint, artifact, skip, publication)
        SELECT $1, $3, staged.path, staged.oid, staged.language_hint, staged.artifact, staged.skip,
               (SELECT repository.publication FROM repository WHERE repository.id = $1)
        FROM staged_entry AS staged
        LEFT JOIN entry ON entry.repository = $1 AND entry.chunking = $3 AND entry.path = staged.path
        WHERE staged.claim = $2 AND (staged.artifact IS NOT NULL OR staged.skip IS NOT NULL)
            AND (entry.path IS NULL OR staged.oid <> entry.oid OR staged.language_hint <> entry.language_hint
                 OR staged.artifact IS DISTINCT FROM entry.artifact OR staged.skip IS DISTINCT FROM entry.skip)
        ON CONFLICT (repository, chunking, path) DO UPDATE SET
            oid = excluded.oid, language_hint = excluded.language_hint,
            artifact = excluded.artifact, skip = excluded.skip, publication = excluded.publication";
    const STATUS: &'static str = figures!("= ANY ($1)", "CAST(CAST(served.totals AS JSON) ->> 'chunks' AS BIGINT)");
    // Kept by the server as rows come and go.
    const TABLE_ROWS: &'static str = "
        SELECT name, COALESCE(pg_stat_get_live_tuples(to_regclass(name)), 0) AS rows
        FROM unnest(ARRAY['artifact', 'artifact_chunk', 'attempt', 'entry', 'job', 'known_blob', 'lack', 'symbols',
                          'vector']) AS tables (name)";
    const TROUBLES: &'static str = troubles!("= ANY ($1)");
    const INSTANCES: &'static str = instances!("= ANY ($1)");
    const HISTORY_AMONG: &'static str = attempts_since!("AND attempt.repository = ANY ($3)", changed!("$4"));
    const HISTORY_FAILED_AMONG: &'static str = attempts_since!("AND attempt.repository = ANY ($3)", failed!());

    const KNOWN: &'static str = "
        SELECT asked.number - 1 AS number, known_blob.skip, artifact.key, artifact.chunks, artifact.size,
               artifact.marked_at
        FROM unnest($4, $5, $6) WITH ORDINALITY AS asked (hash_kind, oid, language_hint, number)
        JOIN known_blob ON known_blob.oid = asked.oid AND known_blob.language_hint = asked.language_hint
            AND known_blob.hash_kind = asked.hash_kind
            AND known_blob.chunking = (SELECT id FROM fingerprint WHERE digest = $1)
            AND known_blob.rules = (SELECT id FROM fingerprint WHERE digest = $2)
        LEFT JOIN artifact ON artifact.key = known_blob.artifact AND artifact.version = $3";
    const KNOWN_ARTIFACTS: &'static str = "
        SELECT asked.number - 1 AS number, CAST(NULL AS TEXT) AS skip, artifact.key, artifact.chunks,
               artifact.size, artifact.marked_at
        FROM unnest($2) WITH ORDINALITY AS asked (key, number)
        JOIN artifact ON artifact.key = asked.key AND artifact.version = $1";
    const SYMBOLS: &'static str = "
        SELECT asked.number - 1 AS number, symbols.envelope
        FROM unnest($2) WITH ORDINALITY AS asked (key, number)
        JOIN artifact ON artifact.key = asked.key
        JOIN symbols ON symbols.artifact = artifact.id AND symbols.extractor = $1";
    const ARTIFACTS: &'static str = "SELECT key, envelope FROM artifact WHERE key = ANY ($1)";
    const VECTORS: &'static str = "
        SELECT text, bytes FROM vector
        WHERE text = ANY ($2) AND embedding = (SELECT id FROM fingerprint WHERE digest = $1)";
    const VECTORS_OF: &'static str = "
        SELECT vector.text, vector.marked_at IS NOT NULL AS marked
        FROM vector
        WHERE vector.text = ANY ($2) AND vector.embedding = (SELECT id FROM fingerprint WHERE digest = $1)";
    const UNMARK_ARTIFACTS: &'static str = "
        WITH held AS (
            SELECT id FROM artifact WHERE marked_at IS NOT NULL AND key = ANY ($1) ORDER BY key FOR UPDATE)
        UPDATE artifact SET marked_at = NULL FROM held WHERE artifact.id = held.id";
    const UNMARK_VECTORS: &'static str = "
        WITH held AS (
            SELECT id FROM vector
            WHERE marked_at IS NOT NULL AND text = ANY ($2)
                AND embedding = (SELECT id FROM fingerprint WHERE digest = $1) ORDER BY text FOR UPDATE)
        UPDATE vector SET marked_at = NULL FROM held WHERE vector.id = held.id";

    artifact_steps!("artifact.chunking = ANY ($4)");
    vector_steps!("vector.embedding <> ALL ($4)");
    // A skip stands as long as its chunking and rules are in use.
    const BLOBS_DELETE: &'static str = "
        DELETE FROM known_blob WHERE oid >= $1 AND oid < $2
            AND (chunking = ANY ($3) OR rules = ANY ($3)
                 OR (artifact IS NOT NULL
                     AND NOT EXISTS (SELECT 1 FROM artifact WHERE artifact.key = known_blob.artifact)))";

    const CHECK_ARTIFACTS: &'static str = check_again!(serves_artifact!("artifact.id = ANY ($1)"));

    const NOTE_ARTIFACTS: &'static str = note_everywhere!("artifact.id = ANY ($1)");
    const ARTIFACTS_OF_VECTORS: &'static str = "
        SELECT DISTINCT artifact_chunk.artifact AS id FROM vector
        JOIN artifact_chunk ON artifact_chunk.text = vector.text WHERE vector.id = ANY ($1)";
    const ARTIFACTS_OF_TEXTS: &'static str = "SELECT DISTINCT artifact AS id FROM artifact_chunk WHERE text = ANY ($1)";
    const TEXTS_LACKING: &'static str = texts_lacking!("= ANY ($2)");
    const ARTIFACTS_SERVED: &'static str = served_among!("= ANY ($3)");
    const RIVALS: &'static str = rivals!("= ANY ($3)");
    // By a join: of a table that just grew a list may be looked up row by row.
    const ARTIFACT_IDS: &'static str =
        "SELECT artifact.id FROM unnest($1) AS asked (key) JOIN artifact ON artifact.key = asked.key";
    const FORGET_UNSERVED: &'static str = forget!(unserved!());
    const FORGET_IDLE: &'static str = forget!(idle!("= ANY ($3)"));
    const FORGET_FILLED: &'static str = forget!(filled!("= ANY ($2)"));
    // Who is raising it right now does it for both.
    const RAISE_GROWING: &'static str = concat!(
        "WITH held AS (SELECT repository, generation FROM coverage WHERE ",
        growing!("= ANY ($2)"),
        " FOR UPDATE SKIP LOCKED)
         UPDATE coverage SET version = version + 1, raised_at = (SELECT now FROM clock) FROM held
         WHERE coverage.repository = held.repository AND coverage.generation = held.generation"
    );
    const FAILED_FORGET: &'static str = "
        WITH held AS (
            SELECT text FROM failed_text WHERE embedding = $1 AND text = ANY ($2) ORDER BY text FOR UPDATE)
        DELETE FROM failed_text USING held WHERE failed_text.embedding = $1 AND failed_text.text = held.text";
    const FAILED_NOTE: &'static str = "
        INSERT INTO failed_text (embedding, text, reason, tries, at)
        SELECT $1, asked.text, asked.reason, 1, now FROM unnest($2, $3) AS asked (text, reason), clock
        WHERE NOT EXISTS (SELECT 1 FROM vector WHERE vector.embedding = $1 AND vector.text = asked.text)
        ORDER BY asked.text
        ON CONFLICT (embedding, text) DO UPDATE SET
            reason = excluded.reason, tries = failed_text.tries + 1, at = excluded.at, again = false
            WHERE failed_text.again";
    const FAILED_OF: &'static str = "
        SELECT failed_text.text FROM failed_text
        WHERE failed_text.embedding = (SELECT id FROM fingerprint WHERE digest = $1)
            AND failed_text.text = ANY ($2) AND NOT failed_text.again
        ORDER BY failed_text.text";
    const FAILED_UNUSED: &'static str = failed_unused!("= ANY ($1)");
    const COVERAGE: &'static str = covered!("= ANY ($1)");
    const FAILED_COUNTS: &'static str = failed_counts!("= ANY ($1)");

    const DELETE_ARTIFACTS: &'static str = "DELETE FROM artifact WHERE id = ANY ($1)";
    const DELETE_SYMBOLS: &'static str = "DELETE FROM symbols WHERE artifact = ANY ($1)";
    const DELETE_VECTORS: &'static str = "DELETE FROM vector WHERE id = ANY ($1)";
}
