-- The queue and the cache. Times are integer microseconds of this database's clock, ids of processes and claims are
-- 16-byte uuids, keys are 32-byte digests.

-- The only clock there is. Every statement that needs the time reads it here.
CREATE VIEW clock AS SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER) AS now;

CREATE TABLE repository (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    remote           TEXT NOT NULL,
    location         TEXT,                                -- of the remote, however it is spelled; null: made by hand
    reference        TEXT NOT NULL,                       -- '' follows HEAD
    state            TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'dead', 'quarantined')),
    created_at       INTEGER NOT NULL,
    stale_since      INTEGER,
    last_error       TEXT,
    publication      INTEGER NOT NULL DEFAULT 0,          -- the number of its last publication
    refused          INTEGER NOT NULL DEFAULT 0,          -- dead because no instance could: one that joins may be able to
    UNIQUE (location, reference)
) STRICT;
CREATE INDEX repository_refused ON repository (id) WHERE refused;

-- Only what is still to be done; what is done is in `attempt`.
CREATE TABLE job (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    repository          INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    kind                INTEGER NOT NULL DEFAULT 0 CHECK (kind IN (0, 1)),     -- 0: a refresh; 1: a fill
    generation          INTEGER NOT NULL DEFAULT 0,           -- of a fill: whose vectors; here and below 0 for a refresh
    lane                INTEGER NOT NULL DEFAULT 0 CHECK (lane IN (0, 1)),     -- 0: new; 1: bulk
    shard               INTEGER NOT NULL DEFAULT 0,           -- the first bucket times 256, plus the last
    state               TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running')),
    heavy               INTEGER NOT NULL DEFAULT 0,
    full                INTEGER NOT NULL DEFAULT 0,
    forced              INTEGER NOT NULL DEFAULT 0,
    rescued             INTEGER NOT NULL DEFAULT 0,   -- its instance died: it is taken before all others
    rank                INTEGER NOT NULL DEFAULT 0 CHECK (rank BETWEEN -100 AND 100),
    run_at              INTEGER NOT NULL,
    due                 INTEGER NOT NULL GENERATED ALWAYS AS (run_at + rank * 300000000) STORED, -- 5 min per rank
    enqueued_at         INTEGER NOT NULL,
    first_run_at        INTEGER,                          -- put off for want of a slot: `run_at` before that,
    slot_since          INTEGER,                          -- and when it was, the first time
    merged              INTEGER NOT NULL DEFAULT 0,
    attempt             INTEGER NOT NULL DEFAULT 0,
    crashes             INTEGER NOT NULL DEFAULT 0,            -- processes that died while they ran it
    child_deaths        INTEGER NOT NULL DEFAULT 0,            -- of those, children that ran nothing else
    claim               BLOB,
    instance            BLOB,
    claimed_at          INTEGER,
    traces              TEXT,                             -- what asked for it: a line each, the first eight: its traceparent and,
                                                          -- behind a space, its tracestate
    attempt_traceparent TEXT,
    last_error          TEXT,
    CHECK ((state = 'running') = (claim IS NOT NULL)),
    CHECK (kind = 1 OR (generation = 0 AND lane = 0 AND shard = 0))
) STRICT;
-- The key of work: one queued and one running for each. No part is ever NULL: those are distinct in an index.
CREATE UNIQUE INDEX job_queued ON job (repository, kind, generation, lane, shard) WHERE state = 'queued';
CREATE UNIQUE INDEX job_running ON job (repository, kind, generation, lane, shard) WHERE state = 'running';
CREATE UNIQUE INDEX job_claim ON job (claim) WHERE claim IS NOT NULL;
-- A claim walks from group to group of its kind, for fills of a generation, and within each the jobs that are due: it
-- never meets one of the future, however many of a better rank there are, nor one that waits for a slot where it has none.
CREATE INDEX job_order ON job (kind, generation, rescued, heavy, rank, run_at, id) WHERE state = 'queued';

CREATE TABLE attempt (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    job         INTEGER NOT NULL,
    repository  INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    kind        INTEGER NOT NULL DEFAULT 0,
    number      INTEGER NOT NULL,
    claim       BLOB NOT NULL UNIQUE,
    outcome     TEXT NOT NULL,
    error       TEXT,
    summary     TEXT,
    commit_oid  TEXT,
    queued_at   INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    traceparent TEXT
) STRICT;
CREATE INDEX attempt_job ON attempt (job);
CREATE INDEX attempt_repository ON attempt (repository, kind);
CREATE INDEX attempt_ended_at ON attempt (ended_at);
CREATE INDEX attempt_failed ON attempt (ended_at) WHERE outcome IN ('retry', 'stuck', 'unfit', 'dead', 'lost', 'crashed');
-- Of the checks that found nothing new only the latest of each repository stays, and what is not old enough yet.
CREATE INDEX attempt_fresh ON attempt (repository, ended_at) WHERE outcome = 'fresh';

-- How many attempts ended in a minute since 1970, raised by the transaction that ends them: most checks find nothing new, and
-- leave no attempt behind for long. In four parts, by the repository, so that instances do not wait for one another: at most
-- 5,760 rows a day.
CREATE TABLE attempt_count (
    minute INTEGER NOT NULL,
    part   INTEGER NOT NULL,
    warmed INTEGER NOT NULL,
    fresh  INTEGER NOT NULL,
    failed INTEGER NOT NULL,                                 -- by an error or a crash
    PRIMARY KEY (minute, part)
) STRICT, WITHOUT ROWID;

-- Refreshes that are queued and due, but for those that no instance would take: of paused and quarantined repositories.
CREATE VIEW due_job AS
SELECT job.repository, now - job.run_at AS age FROM job JOIN repository ON repository.id = job.repository, clock
WHERE job.state = 'queued' AND job.kind = 0 AND job.run_at <= now
    AND (repository.state IN ('active', 'dead') OR job.forced);

-- For whoever decides how many instances there are to be, an autoscaler say: the queue depth and the age of the oldest job as
-- `warmer status` has them, of refreshes. Names, types and meanings stay whatever becomes of the tables.
CREATE VIEW queue_figures AS
SELECT count(*) AS pending, (SELECT count(*) FROM job WHERE state = 'running' AND kind = 0) AS running,
       CAST(coalesce(max(age), 0) AS DOUBLE PRECISION) / 1000000 AS oldest_seconds
FROM due_job;

CREATE TABLE instance (
    id         BLOB PRIMARY KEY,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    capacity   INTEGER NOT NULL,
    version    TEXT NOT NULL,
    host       TEXT NOT NULL DEFAULT '',                  -- where its process runs, for people
    pid        INTEGER NOT NULL DEFAULT 0,
    takes_any  INTEGER NOT NULL DEFAULT 1,                -- else only jobs that it asked for itself
    configuration TEXT NOT NULL DEFAULT '',               -- the digest of what it runs by
    keys       TEXT NOT NULL DEFAULT '{}',                -- what that was made of, as JSON
    state      TEXT NOT NULL DEFAULT 'alive' CHECK (state IN ('alive', 'retired', 'dead'))
) STRICT;

-- What an instance does, as JSON, every few seconds: apart from its heartbeat, which must not wait for it.
CREATE TABLE instance_figures (
    instance BLOB PRIMARY KEY REFERENCES instance (id) ON DELETE CASCADE,
    at       INTEGER NOT NULL,
    figures  TEXT NOT NULL CHECK (length(figures) <= 4096)
) STRICT;

-- The figures of the whole queue, as JSON: counted by one instance for all every 15 seconds, and read by all. Whoever finds that
-- nobody began to count for so long takes the turn; `turn` is the fence. One row.
CREATE TABLE tally (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    turn       BLOB,
    taken_at   INTEGER NOT NULL,                             -- when somebody last began to count
    counted_at INTEGER,                                      -- when the count began whose figures these are; null: none yet
    figures    TEXT NOT NULL DEFAULT '{}'
) STRICT;
INSERT INTO tally (id, taken_at) VALUES (1, 0);

-- What all instances are to agree on, and who said so: one row at most.
CREATE TABLE fleet (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    configuration TEXT NOT NULL,                          -- the digest of the next five
    embedding     BLOB NOT NULL,
    chunking      BLOB NOT NULL,
    rules         BLOB NOT NULL,
    slots         INTEGER NOT NULL,
    windows       TEXT NOT NULL,                          -- when it is another number, as JSON
    keys          TEXT NOT NULL,                          -- what they were made of, as JSON
    daemon        INTEGER NOT NULL,                       -- else one that took only its own jobs said so
    instance      BLOB NOT NULL,
    version       TEXT NOT NULL,
    set_at        INTEGER NOT NULL
) STRICT;

-- What one instance does for all, by the clock: whose turn it is or was last, and how far the verification came. One row.
CREATE TABLE upkeep (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    turn     BLOB,                                         -- null: it is nobody's
    instance BLOB,
    taken_at INTEGER NOT NULL,
    done_at  INTEGER NOT NULL,                               -- when a turn last ended well, or the database was made
    artifact INTEGER NOT NULL DEFAULT 0,                     -- the last that was verified
    vector   INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO upkeep (id, taken_at, done_at) SELECT 1, now, now FROM clock;

-- What people ask of all running instances: to read their own configuration again. One row with a number, of which each
-- compares what it saw at its start; nothing that it says could be obeyed.
CREATE TABLE reload (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    number   INTEGER NOT NULL,
    asked_at INTEGER NOT NULL
) STRICT;
INSERT INTO reload (id, number, asked_at) SELECT 1, 0, now FROM clock;

-- Sizes of pools for a while. An instance takes the name of a stage and a number from here, within a bound of its own.
CREATE TABLE tune (
    id       BLOB PRIMARY KEY,
    stage    TEXT NOT NULL,
    workers  INTEGER NOT NULL,
    instance TEXT NOT NULL,                                 -- a host, or an id; empty: all
    set_by   TEXT NOT NULL,                                 -- for people
    set_at   INTEGER NOT NULL,
    until    INTEGER NOT NULL
) STRICT;

-- What became of that in each instance: bytes, and microseconds.
CREATE TABLE tuned (
    tune           BLOB NOT NULL REFERENCES tune (id) ON DELETE CASCADE,
    instance       BLOB NOT NULL,
    host           TEXT NOT NULL,
    workers_before INTEGER NOT NULL,
    memory_before  INTEGER NOT NULL,
    latency_before INTEGER NOT NULL,
    workers        INTEGER NOT NULL,
    memory         INTEGER NOT NULL,
    latency        INTEGER NOT NULL,
    memory_max     INTEGER,
    PRIMARY KEY (tune, instance)
) STRICT;

-- What an instance cannot do and leaves to others. Beside the repository and not its job: each check is a new job, and the
-- remote is not to be asked for the same refusal by each.
CREATE TABLE refusal (
    repository INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    instance   BLOB NOT NULL,
    reason     TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (repository, instance)
) STRICT, WITHOUT ROWID;

-- Embeddings, chunkings and rules by a small number: they stand in every row of the cache.
CREATE TABLE fingerprint (
    id      INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL UNIQUE,
    used_at INTEGER NOT NULL
) STRICT;

-- An embedding and a chunking that belong together. Searches use the active one's embedding; one that is building becomes
-- active when it covers what is served. What is dropped has no row.
CREATE TABLE generation (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: coverage and lack go after their generation
    embedding  INTEGER NOT NULL,
    chunking   INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('building', 'active', 'retired')),
    changed_at INTEGER NOT NULL,          -- when it came to this state
    active_at  INTEGER,                   -- when it last became active; null: it never was
    UNIQUE (embedding, chunking)
) STRICT;
CREATE UNIQUE INDEX generation_active ON generation (state) WHERE state = 'active';

-- What a repository serves under a chunking. Two stand beside each other while one takes the place of the other.
CREATE TABLE served (
    repository  INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    chunking    INTEGER NOT NULL,
    embedding   INTEGER NOT NULL,         -- of the last publication
    rules       INTEGER NOT NULL,
    reference   TEXT NOT NULL,
    ref_oid     TEXT NOT NULL,
    commit_oid  TEXT NOT NULL,
    publication INTEGER NOT NULL,         -- its number among those of the repository
    published_at INTEGER NOT NULL,        -- when that was
    served_at   INTEGER NOT NULL,         -- when it was last known to be current
    totals      TEXT,                     -- of the entries, as JSON; kept by each publication
    patience    INTEGER,                  -- with which files are skipped that are to be tried again
    retries     INTEGER NOT NULL DEFAULT 0, -- how often that was done
    retry_at    INTEGER,                  -- when it is done by itself
    PRIMARY KEY (repository, chunking)
) STRICT, WITHOUT ROWID;

-- Which repositories searches find under which generation. What their entries lack of it is in `lack`.
CREATE TABLE coverage (
    repository INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    version    INTEGER NOT NULL DEFAULT 0,   -- rises with its vectors, at most every two seconds
    raised_at  INTEGER NOT NULL DEFAULT 0,   -- when it last did
    last_error TEXT,                       -- why the last fill got no further
    hold_until INTEGER,                    -- until then who said so makes no vectors
    PRIMARY KEY (repository, generation)
) STRICT, WITHOUT ROWID;
CREATE INDEX coverage_generation ON coverage (generation);

-- What searches find: a generation of the active embedding covers it.
CREATE VIEW found AS
SELECT coverage.repository, generation.chunking, generation.embedding, generation.id AS generation
FROM coverage JOIN generation ON generation.id = coverage.generation
WHERE generation.embedding = (SELECT active.embedding FROM generation AS active WHERE active.state = 'active');

-- A repository with what is shown of it: of its served states one that searches find, and of several the last published;
-- but one that shows just what an earlier one does that is found, cut anew, waits until it has its vectors.
-- `served_embedding` is what it is found by, `published_embedding` what published it.
CREATE VIEW repository_served AS
SELECT repository.*, served.chunking, served.reference AS served_reference, served.ref_oid AS served_ref_oid,
       served.commit_oid AS served_commit, embedding.digest AS published_embedding, chunking.digest AS served_chunking,
       rules.digest AS served_rules, served.published_at, served.served_at, served.totals, served.patience, served.retry_at,
       served.publication AS served_publication,
       coalesce((SELECT fingerprint.digest FROM found JOIN fingerprint ON fingerprint.id = found.embedding
                 WHERE found.repository = served.repository AND found.chunking = served.chunking),
                embedding.digest) AS served_embedding
FROM repository
LEFT JOIN served ON served.repository = repository.id AND served.chunking = (
    SELECT state.chunking FROM served AS state WHERE state.repository = repository.id
    ORDER BY EXISTS (SELECT 1 FROM found WHERE found.repository = state.repository
                     AND found.chunking = state.chunking) DESC,
        EXISTS (SELECT 1 FROM served AS earlier
                WHERE earlier.repository = state.repository AND earlier.publication < state.publication
                    AND earlier.commit_oid = state.commit_oid AND earlier.rules = state.rules
                    AND EXISTS (SELECT 1 FROM found AS before WHERE before.repository = earlier.repository
                                AND before.chunking = earlier.chunking))
            AND EXISTS (SELECT 1 FROM found
                        JOIN lack ON lack.repository = found.repository AND lack.generation = found.generation
                        WHERE found.repository = state.repository AND found.chunking = state.chunking),
        state.publication DESC LIMIT 1)
LEFT JOIN fingerprint AS embedding ON embedding.id = served.embedding
LEFT JOIN fingerprint AS chunking ON chunking.id = served.chunking
LEFT JOIN fingerprint AS rules ON rules.id = served.rules;

-- Fat rows stay in rowid tables: with the bytes in the key's own tree writing is 3.8 times slower (804-byte rows).
-- The envelope comes last, so that the sums of the other columns never read it.
CREATE TABLE artifact (
    id           INTEGER PRIMARY KEY,
    key          BLOB NOT NULL UNIQUE,
    bucket       INTEGER NOT NULL,     -- the first byte of the key: fills share artifacts by it
    chunking     INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    language     TEXT NOT NULL,
    bytes        INTEGER NOT NULL,
    chunks       INTEGER NOT NULL,
    size         INTEGER NOT NULL,
    masked       INTEGER NOT NULL DEFAULT 0,                 -- secrets that are asterisks in the text
    marked_at    INTEGER,
    envelope     BLOB NOT NULL
) STRICT;
CREATE INDEX artifact_marked ON artifact (marked_at) WHERE marked_at IS NOT NULL;

-- What an artifact's chunks need, visible to SQL.
CREATE TABLE artifact_chunk (
    artifact INTEGER NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    text     BLOB NOT NULL,
    PRIMARY KEY (artifact, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_chunk_text ON artifact_chunk (text);

-- What an artifact's text defines and refers to, by the extractor that made it last; made anew from the artifact where it is of
-- another, or missing.
CREATE TABLE symbols (
    artifact  INTEGER PRIMARY KEY REFERENCES artifact (id) ON DELETE CASCADE,
    extractor BLOB NOT NULL,
    envelope  BLOB NOT NULL
) STRICT;

CREATE TABLE vector (
    id           INTEGER PRIMARY KEY,
    embedding    INTEGER NOT NULL,
    text         BLOB NOT NULL,
    marked_at    INTEGER,
    bytes        BLOB NOT NULL,
    UNIQUE (embedding, text)
) STRICT;
CREATE INDEX vector_marked ON vector (marked_at) WHERE marked_at IS NOT NULL;

-- A text that cannot be embedded: it needs no vector.
CREATE TABLE failed_text (
    embedding INTEGER NOT NULL,
    text      BLOB NOT NULL,
    reason    TEXT NOT NULL,
    tries     INTEGER NOT NULL,
    at        INTEGER NOT NULL,               -- when it last failed
    again     INTEGER NOT NULL DEFAULT 0, -- it is to be tried again, and lacks a vector like any other
    trying_claim BLOB,                        -- a fill in a process of its own has it in hand: to blame, should that die
    PRIMARY KEY (embedding, text)
) STRICT, WITHOUT ROWID;
CREATE INDEX failed_text_trying ON failed_text (trying_claim) WHERE trying_claim IS NOT NULL;

-- Artifacts that a repository serves, with a text that has neither a vector under the generation's embedding nor a row in
-- `failed_text`. The work list of fills, and its count: the sum of 12,000 rows takes 1.3 ms. A row more than there should be
-- does no harm, a fill deletes it; one less would leave a text without a vector for ever.
CREATE TABLE lack (
    repository INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    bucket     INTEGER NOT NULL,             -- of the artifact
    artifact   INTEGER NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    lane       INTEGER NOT NULL,             -- 0: what a small publication brought, 1: the rest
    texts      INTEGER NOT NULL,              -- how many lacked a vector when the row was made
    stamp      INTEGER NOT NULL,               -- the number of the publication that brought it
    PRIMARY KEY (repository, generation, bucket, artifact)
) STRICT, WITHOUT ROWID;
CREATE INDEX lack_new ON lack (repository, generation, lane, stamp);
CREATE INDEX lack_artifact ON lack (artifact);

CREATE TABLE known_blob (
    oid       TEXT NOT NULL,
    language_hint TEXT NOT NULL,
    hash_kind TEXT NOT NULL,
    chunking  INTEGER NOT NULL,
    rules     INTEGER NOT NULL,
    artifact  BLOB,
    skip      TEXT,
    PRIMARY KEY (oid, language_hint, hash_kind, chunking, rules), -- the oid first: the collection walks by its prefixes
    CHECK ((artifact IS NULL) = (skip IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- A skipped file is an entry with its reason and no artifact.
CREATE TABLE entry (
    repository INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    chunking   INTEGER NOT NULL,
    path       TEXT NOT NULL,
    oid        TEXT NOT NULL,
    language_hint TEXT NOT NULL,
    artifact   BLOB,
    skip       TEXT,
    publication INTEGER NOT NULL,         -- the number of the last that changed it
    PRIMARY KEY (repository, chunking, path),
    CHECK ((artifact IS NULL) = (skip IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_artifact ON entry (artifact) WHERE artifact IS NOT NULL;
CREATE INDEX entry_publication ON entry (repository, chunking, publication);

-- What running claims found so far; with neither artifact nor reason the path is gone.
CREATE TABLE staged_entry (
    claim    BLOB NOT NULL,
    path     TEXT NOT NULL,
    oid      TEXT NOT NULL,
    language_hint TEXT NOT NULL,
    artifact BLOB,
    skip     TEXT,
    PRIMARY KEY (claim, path),
    CHECK (artifact IS NULL OR skip IS NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX staged_entry_artifact ON staged_entry (artifact) WHERE artifact IS NOT NULL;
