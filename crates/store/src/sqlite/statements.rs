//! The statements of [`Statements`] as SQLite reads them: a list is one JSON array.
//!
//! The CROSS JOINs keep the order of the loops: few keys, many rows.

use sqlx::SqliteConnection;

use super::claim;
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

impl Statements for SqliteConnection {
    // The transaction has the whole file to itself.
    const RUNNING: &'static str = "
        SELECT id, repository, kind, generation, lane, shard, attempt, crashes, child_deaths, rescued, cancel FROM job
        WHERE claim = $1 AND state = 'running'";
    const JOB_STATE: &'static str = "SELECT state FROM job WHERE id = $1";
    const PINNED: &'static str = "SELECT id FROM job WHERE state = 'queued' AND pinned = $1 ORDER BY id";
    const QUEUE_DUE: &'static str = queue_due!("");
    const QUEUE_LEFT: &'static str = queue_left!("");
    const LOCK_REPOSITORY: &'static str =
        "SELECT id, rank, calendar, (SELECT now FROM clock) AS now FROM repository WHERE id = $1";
    const HOLD_GENERATION: &'static str = "SELECT state <> 'retired' AS wanted FROM generation WHERE id = $1";
    const ENQUEUE_FILL: &'static str = enqueue_fill!("");
    const NEXT_DUE: &'static str = claim::NEXT_DUE;
    const NEXT_FILL_DUE: &'static str = claim::NEXT_FILL_DUE;
    const NEXT_DUE_OF_ALL: &'static str = claim::NEXT_DUE_OF_ALL;
    const STAGE: &'static str = "
        INSERT INTO staged_entry (claim, path, oid, language_hint, artifact, skip)
        SELECT $1, value ->> 0, value ->> 1, value ->> 2, unhex(value ->> 3), value ->> 4 FROM json_each($2) WHERE true
        ON CONFLICT (claim, path) DO UPDATE SET
            oid = excluded.oid, language_hint = excluded.language_hint,
            artifact = excluded.artifact, skip = excluded.skip";
    // Without a look into the table that it changes: SQLite would hold all rows in memory first.
    const APPLY: &'static str = "
        INSERT INTO entry (repository, chunking, path, oid, language_hint, artifact, skip, publication)
        SELECT $1, $3, path, oid, language_hint, artifact, skip,
               (SELECT repository.publication FROM repository WHERE repository.id = $1)
        FROM staged_entry WHERE claim = $2 AND (artifact IS NOT NULL OR skip IS NOT NULL)
        ON CONFLICT (repository, chunking, path) DO UPDATE SET
            oid = excluded.oid, language_hint = excluded.language_hint,
            artifact = excluded.artifact, skip = excluded.skip, publication = excluded.publication
            WHERE oid <> excluded.oid OR language_hint <> excluded.language_hint OR artifact IS NOT excluded.artifact
                  OR skip IS NOT excluded.skip";
    const STATUS: &'static str = figures!("IN (SELECT value FROM json_each($1))", "served.totals ->> 'chunks'");
    // From the first row number to the last: two looks into each. Tables without row numbers cannot be told.
    const TABLE_ROWS: &'static str = "
        SELECT 'artifact' AS name,
               COALESCE((SELECT max(id) FROM artifact) - (SELECT min(id) FROM artifact) + 1, 0) AS rows
        UNION ALL SELECT 'attempt',
               COALESCE((SELECT max(id) FROM attempt) - (SELECT min(id) FROM attempt) + 1, 0)
        UNION ALL SELECT 'symbols',
               COALESCE((SELECT max(artifact) FROM symbols) - (SELECT min(artifact) FROM symbols) + 1, 0)
        UNION ALL SELECT 'vector',
               COALESCE((SELECT max(id) FROM vector) - (SELECT min(id) FROM vector) + 1, 0)";
    const TROUBLES: &'static str = troubles!("IN (SELECT value FROM json_each($1))");
    const INSTANCES: &'static str = instances!("IN (SELECT value FROM json_each($1))");
    const HISTORY_AMONG: &'static str =
        attempts_since!("AND attempt.repository IN (SELECT value FROM json_each($3))", changed!("$4"));
    const HISTORY_FAILED_AMONG: &'static str =
        attempts_since!("AND attempt.repository IN (SELECT value FROM json_each($3))", failed!());

    const KNOWN: &'static str = "
        SELECT asked.key AS number, known_blob.skip, artifact.key, artifact.chunks, artifact.size,
               artifact.marked_at
        FROM json_each($4) AS asked
        CROSS JOIN known_blob
            ON known_blob.oid = asked.value ->> 1 AND known_blob.language_hint = asked.value ->> 2
            AND known_blob.hash_kind = asked.value ->> 0
            AND known_blob.chunking = (SELECT id FROM fingerprint WHERE digest = $1)
            AND known_blob.rules = (SELECT id FROM fingerprint WHERE digest = $2)
        LEFT JOIN artifact ON artifact.key = known_blob.artifact AND artifact.version = $3";
    const KNOWN_ARTIFACTS: &'static str = "
        SELECT asked.key AS number, NULL AS skip, artifact.key, artifact.chunks, artifact.size, artifact.marked_at
        FROM json_each($2) AS asked
        CROSS JOIN artifact ON artifact.key = unhex(asked.value) AND artifact.version = $1";
    const SYMBOLS: &'static str = "
        SELECT asked.key AS number, symbols.envelope
        FROM json_each($2) AS asked
        CROSS JOIN artifact ON artifact.key = unhex(asked.value)
        CROSS JOIN symbols ON symbols.artifact = artifact.id AND symbols.extractor = $1";
    const ARTIFACTS: &'static str = "
        SELECT artifact.key, artifact.envelope
        FROM json_each($1) AS asked CROSS JOIN artifact ON artifact.key = unhex(asked.value)";
    const VECTORS: &'static str = "
        SELECT vector.text, vector.bytes
        FROM json_each($2) AS asked CROSS JOIN vector ON vector.text = unhex(asked.value)
            AND vector.embedding = (SELECT id FROM fingerprint WHERE digest = $1)";
    const VECTORS_OF: &'static str = "
        SELECT vector.text, vector.marked_at IS NOT NULL AS marked
        FROM json_each($2) AS asked CROSS JOIN vector ON vector.text = unhex(asked.value)
            AND vector.embedding = (SELECT id FROM fingerprint WHERE digest = $1)";
    const UNMARK_ARTIFACTS: &'static str = "
        UPDATE artifact SET marked_at = NULL
        WHERE marked_at IS NOT NULL AND key IN (SELECT unhex(value) FROM json_each($1))";
    const UNMARK_VECTORS: &'static str = "
        UPDATE vector SET marked_at = NULL
        WHERE marked_at IS NOT NULL AND text IN (SELECT unhex(value) FROM json_each($2))
            AND embedding = (SELECT id FROM fingerprint WHERE digest = $1)";

    artifact_steps!("artifact.chunking IN (SELECT value FROM json_each($4))");
    vector_steps!("vector.embedding NOT IN (SELECT value FROM json_each($4))");
    // A skip stands as long as its chunking and rules are in use.
    const BLOBS_DELETE: &'static str = "
        DELETE FROM known_blob WHERE oid >= $1 AND oid < $2
            AND (chunking IN (SELECT value FROM json_each($3)) OR rules IN (SELECT value FROM json_each($3))
                 OR (artifact IS NOT NULL
                     AND NOT EXISTS (SELECT 1 FROM artifact WHERE artifact.key = known_blob.artifact)))";

    const CHECK_ARTIFACTS: &'static str =
        check_again!(serves_artifact!("artifact.id IN (SELECT value FROM json_each($1))"));

    const NOTE_ARTIFACTS: &'static str = note_everywhere!("artifact.id IN (SELECT value FROM json_each($1))");
    const ARTIFACTS_OF_VECTORS: &'static str = "
        SELECT DISTINCT artifact_chunk.artifact AS id FROM vector
        JOIN artifact_chunk ON artifact_chunk.text = vector.text WHERE vector.id IN (SELECT value FROM json_each($1))";
    const ARTIFACTS_OF_TEXTS: &'static str =
        "SELECT DISTINCT artifact AS id FROM artifact_chunk WHERE text IN (SELECT unhex(value) FROM json_each($1))";
    const TEXTS_LACKING: &'static str = texts_lacking!("IN (SELECT value FROM json_each($2))");
    const ARTIFACTS_SERVED: &'static str = served_among!("IN (SELECT value FROM json_each($3))");
    const RIVALS: &'static str = rivals!("IN (SELECT value FROM json_each($3))");
    const ARTIFACT_IDS: &'static str =
        "SELECT artifact.id FROM json_each($1) AS asked CROSS JOIN artifact ON artifact.key = unhex(asked.value)";
    // The transaction has the whole file to itself.
    const FORGET_UNSERVED: &'static str = concat!("DELETE FROM lack WHERE ", unserved!());
    const FORGET_IDLE: &'static str = concat!("DELETE FROM lack WHERE ", idle!("IN (SELECT value FROM json_each($3))"));
    const FORGET_FILLED: &'static str =
        concat!("DELETE FROM lack WHERE ", filled!("IN (SELECT value FROM json_each($2))"));
    const RAISE_GROWING: &'static str = concat!(
        "UPDATE coverage SET version = version + 1, raised_at = (SELECT now FROM clock) WHERE ",
        growing!("IN (SELECT value FROM json_each($2))")
    );
    const FAILED_FORGET: &'static str = "
        DELETE FROM failed_text WHERE embedding = $1 AND text IN (SELECT unhex(value) FROM json_each($2))";
    const FAILED_NOTE: &'static str = "
        INSERT INTO failed_text (embedding, text, reason, tries, at)
        SELECT $1, unhex(value ->> 0), value ->> 1, 1, now FROM json_each($2), clock
        WHERE NOT EXISTS (SELECT 1 FROM vector WHERE vector.embedding = $1 AND vector.text = unhex(value ->> 0))
        ON CONFLICT (embedding, text) DO UPDATE SET
            reason = excluded.reason, tries = failed_text.tries + 1, at = excluded.at, again = false
            WHERE failed_text.again";
    const FAILED_OF: &'static str = "
        SELECT failed_text.text FROM failed_text
        WHERE failed_text.embedding = (SELECT id FROM fingerprint WHERE digest = $1)
            AND failed_text.text IN (SELECT unhex(value) FROM json_each($2)) AND NOT failed_text.again
        ORDER BY failed_text.text";
    const FAILED_UNUSED: &'static str = failed_unused!("IN (SELECT value FROM json_each($1))");
    const COVERAGE: &'static str = covered!("IN (SELECT value FROM json_each($1))");
    const FAILED_COUNTS: &'static str = failed_counts!("IN (SELECT value FROM json_each($1))");

    const DELETE_ARTIFACTS: &'static str = "DELETE FROM artifact WHERE id IN (SELECT value FROM json_each($1))";
    const DELETE_SYMBOLS: &'static str = "DELETE FROM symbols WHERE artifact IN (SELECT value FROM json_each($1))";
    const DELETE_VECTORS: &'static str = "DELETE FROM vector WHERE id IN (SELECT value FROM json_each($1))";
}
