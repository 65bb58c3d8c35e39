//! The statements whose text differs: by how a list travels, or by the locks they take.
//!
//! A list is the last parameter, `$n` here: one JSON array in SQLite, in PostgreSQL one array for each column.

/// Whether something shows an artifact: an entry, unless `$gone` tells that its chunking goes, or what is staged.
macro_rules! artifact_reached {
    ($gone:literal) => {
        concat!(
            "(NOT ",
            $gone,
            " AND EXISTS (SELECT 1 FROM entry WHERE entry.artifact = artifact.key)
              OR EXISTS (SELECT 1 FROM staged_entry WHERE staged_entry.artifact = artifact.key))"
        )
    };
}
pub(crate) use artifact_reached;

/// The steps of the collection over artifacts, by what tells that the entries of their chunking go.
macro_rules! artifact_steps {
    ($gone:literal) => {
        const ARTIFACTS_UNMARK: &'static str = concat!(
            "UPDATE artifact SET marked_at = NULL
             WHERE marked_at IS NOT NULL AND id > $1 AND id <= $2 AND ",
            $crate::sql::artifact_reached!($gone),
            " RETURNING 0 AS bytes"
        );
        const ARTIFACTS_DELETE: &'static str = concat!(
            "DELETE FROM artifact
             WHERE marked_at <= (SELECT now FROM clock) - $3 AND id > $1 AND id <= $2 AND NOT ",
            $crate::sql::artifact_reached!($gone),
            " RETURNING length(envelope) AS bytes"
        );
        const ARTIFACTS_MARK: &'static str = concat!(
            "UPDATE artifact SET marked_at = (SELECT now FROM clock)
             WHERE marked_at IS NULL AND id > $1 AND id <= $2 AND NOT ",
            $crate::sql::artifact_reached!($gone),
            " RETURNING 0 AS bytes"
        );
    };
}
pub(crate) use artifact_steps;

/// The steps of the collection over vectors, by what tells that their embedding is in use.
macro_rules! vector_steps {
    ($in_use:literal) => {
        const VECTORS_UNMARK: &'static str = concat!(
            "UPDATE vector SET marked_at = NULL WHERE marked_at IS NOT NULL AND id > $1 AND id <= $2
                AND EXISTS (SELECT 1 FROM artifact_chunk WHERE artifact_chunk.text = vector.text) AND ",
            $in_use,
            " RETURNING 0 AS bytes"
        );
        const VECTORS_DELETE: &'static str = concat!(
            "DELETE FROM vector WHERE marked_at <= (SELECT now FROM clock) - $3 AND id > $1 AND id <= $2
                AND NOT (EXISTS (SELECT 1 FROM artifact_chunk WHERE artifact_chunk.text = vector.text) AND ",
            $in_use,
            ") RETURNING length(bytes) AS bytes"
        );
        const VECTORS_MARK: &'static str = concat!(
            "UPDATE vector SET marked_at = (SELECT now FROM clock)
             WHERE marked_at IS NULL AND id > $1 AND id <= $2
                AND NOT (EXISTS (SELECT 1 FROM artifact_chunk WHERE artifact_chunk.text = vector.text) AND ",
            $in_use,
            ") RETURNING 0 AS bytes"
        );
    };
}
pub(crate) use vector_steps;

/// Consts on the connection, next to the means to run them.
pub(crate) trait Statements {
    /// The running attempt of the claim `$1`, locked until the transaction ends.
    const RUNNING: &'static str;
    /// The state of the job `$1`, locked until the transaction ends.
    const JOB_STATE: &'static str;
    /// Queued jobs pinned to the instance `$1`, locked until the transaction ends.
    const PINNED: &'static str;
    /// Gives a job to each repository that is due, of those behind `$1` up to `$2`; `$3` is what those by the calendar
    /// are spread over.
    const QUEUE_DUE: &'static str;
    /// Gives a job to each repository that no schedule checks, or is gone, and is not cut by the chunking `$1`; paths
    /// are passed over where `$2`. `$3` at most; `$4` is the trace.
    const QUEUE_LEFT: &'static str;
    /// Id, rank and calendar of the repository `$1`, which is locked until the transaction ends, and the time.
    const LOCK_REPOSITORY: &'static str;
    /// Whether the generation `$1` is `wanted`, which stays so until the transaction ends.
    const HOLD_GENERATION: &'static str;
    /// Puts a fill in the queue; see `enqueue_fill`.
    const ENQUEUE_FILL: &'static str;
    /// In how many microseconds the next refresh of the jobs `$1` (or of all, where there is no list) is due that the
    /// instance `$2` (or anybody, where there is none) did not refuse.
    const NEXT_DUE: &'static str;
    /// The same of fills for the embedding `$2`, or for any where there is none.
    const NEXT_FILL_DUE: &'static str;
    /// Both: of refreshes with `$1` and `$2`, of fills with `$1` and the embedding `$3`.
    const NEXT_DUE_OF_ALL: &'static str;
    /// Notes under the claim `$1` the rows (path, oid, language_hint, artifact, skip), if it runs; gives `live`.
    const STAGE: &'static str;
    /// Makes entries of the repository `$1` under the chunking `$3` of what is staged under the claim `$2`, where they
    /// differ.
    const APPLY: &'static str;
    /// The figures of the repositories `$1`, or of all where there is no list.
    const STATUS: &'static str;
    /// Rows by table (`name`, `rows`) without counting them, of those that grow: what the database estimates, or the
    /// most that it may be.
    const TABLE_ROWS: &'static str;
    /// Five of each kind of trouble of the repositories `$1`, or of all where there is no list.
    const TROUBLES: &'static str;
    /// The instances, with what they run of the repositories `$1`, or of all where there is no list.
    const INSTANCES: &'static str;
    /// Attempts of the repositories `$3` that ended in the last `$2`, the latest first, `$1` at most; if `$4` none that
    /// found nothing new.
    const HISTORY_AMONG: &'static str;
    /// Of those, the ones that ended by an error or a crash.
    const HISTORY_FAILED_AMONG: &'static str;

    /// What is known under chunking `$1`, rules `$2`, version `$3` of the rows (hash kind, oid, language_hint).
    const KNOWN: &'static str;
    /// What is known in version `$1` of the rows (artifact key).
    const KNOWN_ARTIFACTS: &'static str;
    /// By the extractor `$1`, of the rows (artifact key): the number of the row and the envelope of the symbols.
    const SYMBOLS: &'static str;
    /// Of the rows (artifact key): those that are stored, with their envelopes.
    const ARTIFACTS: &'static str;
    /// Under embedding `$1`, of the rows (text): those with a vector, and it.
    const VECTORS: &'static str;
    /// Under embedding `$1`, of the rows (text): those with a vector.
    const VECTORS_OF: &'static str;
    /// Unmarks the rows (artifact key).
    const UNMARK_ARTIFACTS: &'static str;
    /// Unmarks under embedding `$1` the rows (text).
    const UNMARK_VECTORS: &'static str;

    /// Steps of the collection over the ids from `$1`, excluded, to `$2`; `$3` is the term, `$4` for artifacts the
    /// chunkings that go, for vectors the fingerprints that nobody uses. Each gives the `bytes` of every row it
    /// changed.
    const ARTIFACTS_UNMARK: &'static str;
    const ARTIFACTS_DELETE: &'static str;
    const ARTIFACTS_MARK: &'static str;
    const VECTORS_UNMARK: &'static str;
    const VECTORS_DELETE: &'static str;
    const VECTORS_MARK: &'static str;
    /// Deletes known blobs with oids from `$1` up to `$2`, excluded, that point nowhere or use the fingerprints `$3`.
    const BLOBS_DELETE: &'static str;

    /// Has each repository checked as a whole that serves one of the artifacts with the ids `$1`.
    const CHECK_ARTIFACTS: &'static str;

    /// Notes what the artifacts with the ids `$1` lack wherever they are served.
    const NOTE_ARTIFACTS: &'static str;
    /// Of the rows (artifact key): the ids of those that are stored.
    const ARTIFACT_IDS: &'static str;
    /// The artifacts with a chunk whose text has one of the vectors with the ids `$1`.
    const ARTIFACTS_OF_VECTORS: &'static str;
    /// The artifacts with a chunk of the rows (text).
    const ARTIFACTS_OF_TEXTS: &'static str;
    /// Under the embedding with the number `$1`, of the artifacts with the ids `$2`: (artifact, text) without a vector.
    const TEXTS_LACKING: &'static str;
    /// Those of the artifacts with the ids `$3` that the repository `$1` serves under the generation `$2`.
    const ARTIFACTS_SERVED: &'static str;
    /// Of other repositories than `$1` with a running fill under the generation `$2`: how many lack one of the
    /// artifacts with the ids `$3`, and how many of those have a lower number.
    const RIVALS: &'static str;
    /// Forgets what the repository `$1` lacks under the generation `$2` of artifacts that it does not serve under the
    /// chunking `$3`.
    const FORGET_UNSERVED: &'static str;
    /// Forgets that the repository `$1` lacks anything of the artifacts with the ids `$3` under the generation `$2`,
    /// where it does not serve them or they lack nothing.
    const FORGET_IDLE: &'static str;
    /// Forgets the artifacts with the ids `$2` wherever they lack nothing any more under the embedding `$1`.
    const FORGET_FILLED: &'static str;
    /// Raises the coverage of who serves the artifacts with the ids `$2`, which got vectors of the embedding `$1`.
    const RAISE_GROWING: &'static str;
    /// Under the embedding with the number `$1`: takes back that the rows (text) cannot be embedded.
    const FAILED_FORGET: &'static str;
    /// Under the embedding with the number `$1`: notes that the rows (text, reason) cannot be embedded, but for those
    /// that have a vector. A try counts where it was asked for.
    const FAILED_NOTE: &'static str;
    /// Under embedding `$1`, of the rows (text): those that cannot be embedded, sorted.
    const FAILED_OF: &'static str;
    /// Deletes what is noted of texts that no artifact has, or under the fingerprints `$1`.
    const FAILED_UNUSED: &'static str;
    /// The coverage of the repositories `$1`, or of all where there is no list.
    const COVERAGE: &'static str;
    /// How many texts of theirs cannot be embedded.
    const FAILED_COUNTS: &'static str;

    /// Deletes by the ids `$1`; symbols by those of their artifacts.
    const DELETE_ARTIFACTS: &'static str;
    const DELETE_SYMBOLS: &'static str;
    const DELETE_VECTORS: &'static str;
}
