-- The queue and the cache, in a schema of their own: the database may be shared. The same tables as in SQLite, column
-- for column. Times are microseconds of this database's clock, ids of processes and claims are uuids, keys are 32-byte
-- digests, texts are ordered by their bytes.

-- The only clock there is. Every statement that needs the time reads it here, and none takes it from a client.
CREATE VIEW clock AS SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) AS now;

-- When the server came up: right after it, whoever held a lock may only not have come back yet. One that came up while its
-- clock ran ahead came up long ago.
CREATE VIEW server AS
SELECT CASE WHEN pg_postmaster_start_time() > clock_timestamp() THEN 0
            ELSE CAST(extract(epoch FROM pg_postmaster_start_time()) * 1000000 AS BIGINT) END AS started_at;

CREATE TABLE repository (
    id               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    remote           TEXT COLLATE "C" NOT NULL,
    location         TEXT COLLATE "C",                    -- of the remote, however it is spelled; null: made by hand
    reference        TEXT COLLATE "C" NOT NULL,           -- '' follows HEAD
    state            TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'dead', 'quarantined')),
    created_at       BIGINT NOT NULL,
    stale_since      BIGINT,
    last_error       TEXT,
    publication      BIGINT NOT NULL DEFAULT 0,           -- the number of its last publication
    refresh          BIGINT,                              -- microseconds; 0: adaptive; -1: calendar; null: when asked
    calendar         TEXT,                                -- a cron expression and its time zone
    next_at          BIGINT,                              -- its first moment since it was last tried
    late_at          BIGINT,                              -- and its second
    staleness_budget BIGINT,                              -- microseconds; null: what twice its refresh makes
    rank             BIGINT NOT NULL DEFAULT 0 CHECK (rank BETWEEN -100 AND 100),
    include          TEXT NOT NULL DEFAULT '[]',          -- globs, as JSON
    exclude          TEXT NOT NULL DEFAULT '[]',
    configured       BOOLEAN NOT NULL DEFAULT false,
    committed_at     BIGINT,                              -- the served commit's time
    tried_at         BIGINT,                              -- when an attempt last ended its job or failed
    failures         INTEGER NOT NULL DEFAULT 0,          -- of those, in a row
    refused          BOOLEAN NOT NULL DEFAULT false,      -- dead because no instance could: one that joins may be able to
    failing_since    BIGINT,                              -- the first of the attempts in a row that failed
    UNIQUE (location, reference)
);
CREATE INDEX repository_refused ON repository (id) WHERE refused;
-- The schedule walks the repositories that have one.
CREATE INDEX repository_scheduled ON repository (id) WHERE refresh IS NOT NULL;

-- Only what is still to be done; what is done is in `attempt`. A row lives for minutes: space is kept free in each page
-- so that it changes in place, and dead rows are removed early.
CREATE TABLE job (
    id                  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    repository          BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    kind                SMALLINT NOT NULL DEFAULT 0 CHECK (kind IN (0, 1)),     -- 0: a refresh; 1: a fill
    generation          INTEGER NOT NULL DEFAULT 0,           -- of a fill: whose vectors; here and below 0 for a refresh
    lane                SMALLINT NOT NULL DEFAULT 0 CHECK (lane IN (0, 1)),     -- 0: new; 1: bulk
    shard               INTEGER NOT NULL DEFAULT 0,           -- the first bucket times 256, plus the last
    state               TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running')),
    heavy               BOOLEAN NOT NULL DEFAULT false,
    "full"              BOOLEAN NOT NULL DEFAULT false,
    forced              BOOLEAN NOT NULL DEFAULT false,
    rescued             BOOLEAN NOT NULL DEFAULT false,   -- its instance died: it is taken before all others
    rank                BIGINT NOT NULL DEFAULT 0 CHECK (rank BETWEEN -100 AND 100),
    run_at              BIGINT NOT NULL,
    due                 BIGINT NOT NULL GENERATED ALWAYS AS (run_at + rank * 300000000) STORED, -- 5 min per rank
    enqueued_at         BIGINT NOT NULL,
    first_run_at        BIGINT,                           -- put off for want of a slot: `run_at` before that,
    slot_since          BIGINT,                           -- and when it was, the first time
    merged              BIGINT NOT NULL DEFAULT 0,
    attempt             BIGINT NOT NULL DEFAULT 0,
    crashes             BIGINT NOT NULL DEFAULT 0,            -- processes that died while they ran it
    child_deaths        BIGINT NOT NULL DEFAULT 0,            -- of those, children that ran nothing else
    claim               UUID,
    instance            UUID,
    claimed_at          BIGINT,
    traces              TEXT,                             -- what asked for it: a line each, the first eight: its traceparent and,
                                                          -- behind a space, its tracestate
    attempt_traceparent TEXT,
    last_error          TEXT,
    cancel              BOOLEAN NOT NULL DEFAULT false,   -- a running one that is to end
    pinned              UUID,                             -- the only instance that may take it
    CHECK ((state = 'running') = (claim IS NOT NULL)),
    CHECK (kind = 1 OR (generation = 0 AND lane = 0 AND shard = 0))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
-- The key of work: one queued and one running for each. No part is ever NULL: those are distinct in an index.
CREATE UNIQUE INDEX job_queued ON job (repository, kind, generation, lane, shard) WHERE state = 'queued';
CREATE UNIQUE INDEX job_running ON job (repository, kind, generation, lane, shard) WHERE state = 'running';
CREATE UNIQUE INDEX job_claim ON job (claim) WHERE claim IS NOT NULL;
CREATE INDEX job_pinned ON job (pinned) WHERE pinned IS NOT NULL;
CREATE INDEX job_instance ON job (instance) WHERE state = 'running';
-- A claim walks from group to group of its kind, for fills of a generation, and within each the jobs that are due: it
-- never meets one of the future, however many of a better rank there are, nor one that waits for a slot where it has none.
CREATE INDEX job_order ON job (kind, generation, rescued, heavy, rank, run_at, id) WHERE state = 'queued';

CREATE TABLE attempt (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job         BIGINT NOT NULL,
    repository  BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    kind        SMALLINT NOT NULL DEFAULT 0,
    number      BIGINT NOT NULL,
    claim       UUID NOT NULL UNIQUE,
    outcome     TEXT NOT NULL,
    error       TEXT,
    summary     TEXT,
    commit_oid  TEXT,
    queued_at   BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL,
    traceparent TEXT
);
CREATE INDEX attempt_job ON attempt (job);
CREATE INDEX attempt_repository ON attempt (repository, kind, id);
CREATE INDEX attempt_ended_at ON attempt (ended_at);
CREATE INDEX attempt_failed ON attempt (ended_at) WHERE outcome IN ('retry', 'stuck', 'unfit', 'dead', 'lost', 'crashed');
-- Of the checks that found nothing new only the latest of each repository stays, and what is not old enough yet.
CREATE INDEX attempt_fresh ON attempt (repository, ended_at) WHERE outcome = 'fresh';

-- How many attempts ended in a minute since 1970, raised by the transaction that ends them: most checks find nothing new, and
-- leave no attempt behind for long. In four parts, by the repository, so that instances do not wait for one another: at most
-- 5,760 rows a day.
CREATE TABLE attempt_count (
    minute BIGINT NOT NULL,
    part   BIGINT NOT NULL,
    warmed BIGINT NOT NULL,
    fresh  BIGINT NOT NULL,
    failed BIGINT NOT NULL,                                 -- by an error or a crash
    PRIMARY KEY (minute, part)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);

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

-- `lock_key` is the second half of the advisory lock that an instance holds while it lives. The row changes in place
-- once per second.
CREATE TABLE instance (
    id         UUID PRIMARY KEY,
    lock_key   INTEGER GENERATED ALWAYS AS IDENTITY UNIQUE,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    capacity   BIGINT NOT NULL,
    version    TEXT NOT NULL,
    host       TEXT NOT NULL DEFAULT '',                  -- where its process runs, for people
    pid        BIGINT NOT NULL DEFAULT 0,
    takes_any  BOOLEAN NOT NULL DEFAULT true,             -- else only jobs that it asked for itself
    configuration TEXT NOT NULL DEFAULT '',               -- the digest of what it runs by
    keys       TEXT NOT NULL DEFAULT '{}',                -- what that was made of, as JSON
    state      TEXT NOT NULL DEFAULT 'alive' CHECK (state IN ('alive', 'retired', 'dead'))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);

-- What an instance does, as JSON, every few seconds: apart from its heartbeat, which must not wait for it.
CREATE TABLE instance_figures (
    instance UUID PRIMARY KEY REFERENCES instance (id) ON DELETE CASCADE,
    at       BIGINT NOT NULL,
    figures  TEXT NOT NULL CHECK (length(figures) <= 4096)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);

-- The figures of the whole queue, as JSON: counted by one instance for all every 15 seconds, and read by all. Whoever finds that
-- nobody began to count for so long takes the turn; `turn` is the fence. One row.
CREATE TABLE tally (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    turn       UUID,
    taken_at   BIGINT NOT NULL,                             -- when somebody last began to count
    counted_at BIGINT,                                      -- when the count began whose figures these are; null: none yet
    figures    TEXT NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
INSERT INTO tally (id, taken_at) VALUES (1, 0);

-- What all instances are to agree on, and who said so: one row at most.
CREATE TABLE fleet (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    configuration TEXT NOT NULL,                          -- the digest of the next five
    embedding     BYTEA NOT NULL,
    chunking      BYTEA NOT NULL,
    rules         BYTEA NOT NULL,
    slots         BIGINT NOT NULL,
    windows       TEXT NOT NULL,                          -- when it is another number, as JSON
    keys          TEXT NOT NULL,                          -- what they were made of, as JSON
    daemon        BOOLEAN NOT NULL,                       -- else one that took only its own jobs said so
    instance      UUID NOT NULL,
    version       TEXT NOT NULL,
    set_at        BIGINT NOT NULL
);

-- What one instance does for all, by the clock: whose turn it is or was last, and how far the verification came. One row.
CREATE TABLE upkeep (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    turn     UUID,                                         -- null: it is nobody's
    instance UUID,
    taken_at BIGINT NOT NULL,
    done_at  BIGINT NOT NULL,                               -- when a turn last ended well, or the database was made
    artifact BIGINT NOT NULL DEFAULT 0,                     -- the last that was verified
    vector   BIGINT NOT NULL DEFAULT 0
);
INSERT INTO upkeep (id, taken_at, done_at) SELECT 1, now, now FROM clock;

-- What people ask of all running instances: to read their own configuration again. One row with a number, of which each
-- compares what it saw at its start; nothing that it says could be obeyed.
CREATE TABLE reload (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    number   BIGINT NOT NULL,
    asked_at BIGINT NOT NULL
);
INSERT INTO reload (id, number, asked_at) SELECT 1, 0, now FROM clock;

-- Sizes of pools for a while. An instance takes the name of a stage and a number from here, within a bound of its own.
CREATE TABLE tune (
    id       UUID PRIMARY KEY,
    stage    TEXT NOT NULL,
    workers  BIGINT NOT NULL,
    instance TEXT NOT NULL,                                 -- a host, or an id; empty: all
    set_by   TEXT NOT NULL,                                 -- for people
    set_at   BIGINT NOT NULL,
    until    BIGINT NOT NULL
);

-- What became of that in each instance: bytes, and microseconds.
CREATE TABLE tuned (
    tune           UUID NOT NULL REFERENCES tune (id) ON DELETE CASCADE,
    instance       UUID NOT NULL,
    host           TEXT NOT NULL,
    workers_before BIGINT NOT NULL,
    memory_before  BIGINT NOT NULL,
    latency_before BIGINT NOT NULL,
    workers        BIGINT NOT NULL,
    memory         BIGINT NOT NULL,
    latency        BIGINT NOT NULL,
    memory_max     BIGINT,
    PRIMARY KEY (tune, instance)
);

-- What an instance cannot do and leaves to others. Beside the repository and not its job: each check is a new job, and the
-- remote is not to be asked for the same refusal by each.
CREATE TABLE refusal (
    repository BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    instance   UUID NOT NULL,
    reason     TEXT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (repository, instance)
);

-- Who last took each of the cluster's slots, and the token that says so; the lock itself is an advisory lock.
CREATE TABLE slot (
    number INTEGER PRIMARY KEY,
    holder UUID,
    token  UUID,
    since  BIGINT NOT NULL
) WITH (fillfactor = 50);

-- Embeddings, chunkings and rules by a small number: they stand in every row of the cache.
CREATE TABLE fingerprint (
    id      INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest  BYTEA NOT NULL UNIQUE,
    used_at BIGINT NOT NULL
);

-- An embedding and a chunking that belong together. Searches use the active one's embedding; one that is building becomes
-- active when it covers what is served. What is dropped has no row.
CREATE TABLE generation (
    id         INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    embedding  INTEGER NOT NULL,
    chunking   INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('building', 'active', 'retired')),
    changed_at BIGINT NOT NULL,           -- when it came to this state
    active_at  BIGINT,                    -- when it last became active; null: it never was
    UNIQUE (embedding, chunking)
);
CREATE UNIQUE INDEX generation_active ON generation (state) WHERE state = 'active';

-- What a repository serves under a chunking. Two stand beside each other while one takes the place of the other.
CREATE TABLE served (
    repository  BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    chunking    INTEGER NOT NULL,
    embedding   INTEGER NOT NULL,         -- of the last publication
    rules       INTEGER NOT NULL,
    reference   TEXT NOT NULL,
    ref_oid     TEXT NOT NULL,
    commit_oid  TEXT NOT NULL,
    publication BIGINT NOT NULL,          -- its number among those of the repository
    published_at BIGINT NOT NULL,         -- when that was
    served_at   BIGINT NOT NULL,          -- when it was last known to be current
    totals      TEXT,                     -- of the entries, as JSON; kept by each publication
    patience    BIGINT,                   -- with which files are skipped that are to be tried again
    retries     INTEGER NOT NULL DEFAULT 0, -- how often that was done
    retry_at    BIGINT,                   -- when it is done by itself
    PRIMARY KEY (repository, chunking)
);

-- Which repositories searches find under which generation. What their entries lack of it is in `lack`.
CREATE TABLE coverage (
    repository BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    version    BIGINT NOT NULL DEFAULT 0,   -- rises with its vectors, at most every two seconds
    raised_at  BIGINT NOT NULL DEFAULT 0,   -- when it last did
    last_error TEXT,                       -- why the last fill got no further
    hold_until BIGINT,                     -- until then who said so makes no vectors
    PRIMARY KEY (repository, generation)
);
CREATE INDEX coverage_generation ON coverage (generation);

CREATE TABLE artifact (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key          BYTEA NOT NULL UNIQUE,
    bucket       SMALLINT NOT NULL,    -- the first byte of the key: fills share artifacts by it
    chunking     INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    language     TEXT NOT NULL,
    bytes        BIGINT NOT NULL,
    chunks       INTEGER NOT NULL,
    size         BIGINT NOT NULL,
    masked       INTEGER NOT NULL DEFAULT 0,                 -- secrets that are asterisks in the text
    marked_at    BIGINT,
    envelope     BYTEA NOT NULL
);
CREATE INDEX artifact_marked ON artifact (marked_at) WHERE marked_at IS NOT NULL;

-- What an artifact's chunks need, visible to SQL.
CREATE TABLE artifact_chunk (
    artifact BIGINT NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    text     BYTEA NOT NULL,
    PRIMARY KEY (artifact, number)
);
CREATE INDEX artifact_chunk_text ON artifact_chunk (text);

-- What an artifact's text defines and refers to, by the extractor that made it last; made anew from the artifact where it is of
-- another, or missing.
CREATE TABLE symbols (
    artifact  BIGINT PRIMARY KEY REFERENCES artifact (id) ON DELETE CASCADE,
    extractor BYTEA NOT NULL,
    envelope  BYTEA NOT NULL
);

CREATE TABLE vector (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    embedding    INTEGER NOT NULL,
    text         BYTEA NOT NULL,
    marked_at    BIGINT,
    bytes        BYTEA NOT NULL,
    UNIQUE (embedding, text)
);
CREATE INDEX vector_marked ON vector (marked_at) WHERE marked_at IS NOT NULL;

-- A text that cannot be embedded: it needs no vector.
CREATE TABLE failed_text (
    embedding INTEGER NOT NULL,
    text      BYTEA NOT NULL,
    reason    TEXT NOT NULL,
    tries     INTEGER NOT NULL,
    at        BIGINT NOT NULL,               -- when it last failed
    again     BOOLEAN NOT NULL DEFAULT false, -- it is to be tried again, and lacks a vector like any other
    trying_claim UUID,                       -- a fill in a process of its own has it in hand: to blame, should that die
    PRIMARY KEY (embedding, text)
);
CREATE INDEX failed_text_trying ON failed_text (trying_claim) WHERE trying_claim IS NOT NULL;

-- Artifacts that a repository serves, with a text that has neither a vector under the generation's embedding nor a row in
-- `failed_text`. The work list of fills, and its count: the sum of 12,000 rows takes 1.3 ms. A row more than there should be
-- does no harm, a fill deletes it; one less would leave a text without a vector for ever.
CREATE TABLE lack (
    repository BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    bucket     SMALLINT NOT NULL,             -- of the artifact
    artifact   BIGINT NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    lane       SMALLINT NOT NULL,             -- 0: what a small publication brought, 1: the rest
    texts      INTEGER NOT NULL,              -- how many lacked a vector when the row was made
    stamp      BIGINT NOT NULL,               -- the number of the publication that brought it
    PRIMARY KEY (repository, generation, bucket, artifact)
);
CREATE INDEX lack_new ON lack (repository, generation, lane, stamp);
CREATE INDEX lack_artifact ON lack (artifact);

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
       coalesce((SELECT active.digest FROM fingerprint AS active WHERE active.id = served.found), embedding.digest)
           AS served_embedding
FROM repository
LEFT JOIN LATERAL (
    SELECT state.*, found.embedding AS found
    FROM served AS state
    LEFT JOIN found ON found.repository = state.repository AND found.chunking = state.chunking
    WHERE state.repository = repository.id
    ORDER BY found.embedding NULLS LAST,
        EXISTS (SELECT 1 FROM served AS earlier
                WHERE earlier.repository = state.repository AND earlier.publication < state.publication
                    AND earlier.commit_oid = state.commit_oid AND earlier.rules = state.rules
                    AND EXISTS (SELECT 1 FROM found AS before WHERE before.repository = earlier.repository
                                AND before.chunking = earlier.chunking))
            AND EXISTS (SELECT 1 FROM lack
                        WHERE lack.repository = state.repository AND lack.generation = found.generation),
        state.publication DESC LIMIT 1) AS served ON true
LEFT JOIN fingerprint AS embedding ON embedding.id = served.embedding
LEFT JOIN fingerprint AS chunking ON chunking.id = served.chunking
LEFT JOIN fingerprint AS rules ON rules.id = served.rules;

CREATE TABLE known_blob (
    oid       TEXT COLLATE "C" NOT NULL,
    language_hint TEXT COLLATE "C" NOT NULL,
    hash_kind TEXT COLLATE "C" NOT NULL,
    chunking  INTEGER NOT NULL,
    rules     INTEGER NOT NULL,
    artifact  BYTEA,
    skip      TEXT,
    PRIMARY KEY (oid, language_hint, hash_kind, chunking, rules), -- the oid first: the collection walks by its prefixes
    CHECK ((artifact IS NULL) = (skip IS NOT NULL))
);

-- A skipped file is an entry with its reason and no artifact.
CREATE TABLE entry (
    repository BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    chunking   INTEGER NOT NULL,
    path       TEXT COLLATE "C" NOT NULL,
    oid        TEXT NOT NULL,
    language_hint TEXT NOT NULL,
    artifact   BYTEA,
    skip       TEXT,
    publication BIGINT NOT NULL,         -- the number of the last that changed it
    PRIMARY KEY (repository, chunking, path),
    CHECK ((artifact IS NULL) = (skip IS NOT NULL))
);
CREATE INDEX entry_artifact ON entry (artifact, repository, chunking) WHERE artifact IS NOT NULL;
CREATE INDEX entry_publication ON entry (repository, chunking, publication);

-- What running claims found so far; with neither artifact nor reason the path is gone.
CREATE TABLE staged_entry (
    claim    UUID NOT NULL,
    path     TEXT COLLATE "C" NOT NULL,
    oid      TEXT NOT NULL,
    language_hint TEXT NOT NULL,
    artifact BYTEA,
    skip     TEXT,
    PRIMARY KEY (claim, path),
    CHECK (artifact IS NULL OR skip IS NULL)
) WITH (autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX staged_entry_artifact ON staged_entry (artifact) WHERE artifact IS NOT NULL;

-- Envelopes are packed and vectors are noise: the server need not try to compress them.
ALTER TABLE artifact ALTER COLUMN envelope SET STORAGE EXTERNAL;
ALTER TABLE vector ALTER COLUMN bytes SET STORAGE EXTERNAL;
