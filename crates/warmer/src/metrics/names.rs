//! The names of all metrics, with their units and what each says: as `config/metrics.md` has them, which a test
//! compares with what a busy process exports. Prometheus' names follow from these: dots become underscores, the unit
//! is written behind, and `_total` behind that of a counter; but for those in `text.rs`.

/// A metric's name, unit and sentence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    /// As OpenTelemetry has it.
    pub(super) name: &'static str,
    /// Its UCUM code, or in braces what is counted; empty for none.
    pub(super) unit: &'static str,
    /// One sentence or two.
    pub(super) says: &'static str,
}

macro_rules! names {
    ($($constant:ident = $name:literal, $unit:literal, $says:literal;)*) => {
        $(pub(super) const $constant: Name = Name { name: $name, unit: $unit, says: $says };)*
    };
}

names! {
    QUEUE_DEPTH = "cache_warmer.queue.depth", "{job}", "Refreshes that are queued and due.";
    OLDEST_JOB_AGE_PLAIN = "cache_warmer.oldest_job_age", "",
        "Seconds that the oldest of them has been due; 0 where none is.";
    OLDEST_JOB_AGE = "cache_warmer.oldest_job.age", "s", "The same.";
    QUEUE_DELAYED = "cache_warmer.queue.delayed", "{job}", "Refreshes that are queued for later.";
    QUEUE_RUNNING = "cache_warmer.queue.running", "{job}", "Refreshes that run.";
    FILLS_QUEUED = "cache_warmer.fills.queued", "{job}", "Fills that are queued, for now or later.";
    FILLS_RUNNING = "cache_warmer.fills.running", "{job}", "Fills that run.";
    TEXTS_MISSING = "cache_warmer.texts.missing", "{text}", "Texts of what is served that lack a vector.";
    COVERAGE = "cache_warmer.coverage", "1", "Of the texts of what is served, those that have their vector.";
    BUILDING_TEXTS_MISSING = "cache_warmer.building.texts.missing", "{text}",
        "Texts that lack a vector of the generation that is being made.";
    REPOSITORIES = "cache_warmer.repositories", "{repository}",
        "Repositories, by state. The states overlap: do not sum them.";
    OLDEST_OVERDUE = "cache_warmer.oldest_overdue", "s",
        "For how long the first repository has been overdue, beyond its budget of staleness; 0 where none is.";
    STORE_TABLE_ROWS = "cache_warmer.store.table_rows", "{row}",
        "Rows of a table, as the database knows without counting them.";
    INSTANCES = "cache_warmer.instances", "{instance}", "Live instances.";
    FLEET_SLOTS_HELD = "cache_warmer.fleet.slots.held", "{slot}", "Slots that are held in all instances together.";
    FLEET_SLOTS_LIMIT = "cache_warmer.fleet.slots.limit", "{slot}", "Slots that there are now; 0 is without limit.";
    QUEUE_FIGURES_AGE = "cache_warmer.queue.figures.age", "s",
        "How old these figures are. Above a minute nobody computes them, or this instance cannot read them.";
    JOBS = "cache_warmer.jobs", "{attempt}", "Attempts that ended here.";
    JOBS_GIVEN_UP = "cache_warmer.jobs.given_up", "{job}",
        "Jobs after which no other attempt follows: the repository is dead, or in quarantine.";
    JOB_DURATION = "cache_warmer.job.duration", "s", "From the claim until it was settled.";
    JOB_QUEUE_WAIT = "cache_warmer.job.queue_wait", "s", "From when it was first to run until its claim.";
    JOB_SLOT_WAIT = "cache_warmer.job.slot_wait", "s",
        "Of that, from when a refresh was put off for want of a slot; 0 of what was published and had one at once.";
    JOBS_RUNNING = "cache_warmer.jobs.running", "{job}", "Jobs that run here.";
    JOBS_LIMIT = "cache_warmer.jobs.limit", "{job}", "Jobs that may run here at the same time.";
    JOBS_RESCUED = "cache_warmer.jobs.rescued", "{job}", "Jobs of dead instances that this one put back.";
    FILES_LISTED = "cache_warmer.files.listed", "{file}",
        "Files that git listed as changed or removed, of jobs that ended.";
    FILES_READ = "cache_warmer.files.read", "{file}",
        "Of those, files whose bytes were read. All others were known, removed, or skipped by their path.";
    FILES = "cache_warmer.files", "{file}", "Files that were published: with other content than before, or as gone.";
    FILES_SKIPPED = "cache_warmer.files.skipped", "{file}", "Files that were stored as skipped.";
    STAGE_WORKERS = "cache_warmer.stage.workers", "{worker}", "Workers that are there.";
    STAGE_WORKER_TIME = "cache_warmer.stage.worker_time", "s",
        "What the workers have done with their time, all together; of what is blocked, `wait` says by what. Its rate \
        over `cache_warmer_stage_workers` is a share.";
    STAGE_MAILBOX_MESSAGES = "cache_warmer.stage.mailbox.messages", "{message}",
        "Batches inside: that wait for a worker, are in work, or wait for some of their texts.";
    STAGE_MAILBOX_MESSAGES_LIMIT = "cache_warmer.stage.mailbox.messages.limit", "{message}",
        "Batches that may be inside: one for each worker, and the mailbox.";
    STAGE_MAILBOX_SIZE = "cache_warmer.stage.mailbox.size", "By", "Bytes of the batches inside.";
    STAGE_MAILBOX_SIZE_LIMIT = "cache_warmer.stage.mailbox.size.limit", "By", "Bytes that may be.";
    STAGE_WORK = "cache_warmer.stage.work", "s", "How long a batch was worked on.";
    STAGE_WAIT = "cache_warmer.stage.wait", "s", "How long a batch waited, for each wait that it had.";
    STAGE_BATCHES = "cache_warmer.stage.batches", "{batch}", "Batches that are done.";
    STAGE_ITEMS = "cache_warmer.stage.items", "{item}", "Files or texts in them.";
    STAGE_IO = "cache_warmer.stage.io", "By", "Bytes of those.";
    PARTS_PARKED = "cache_warmer.parts.parked", "{part}",
        "Batches that wait for the lease: the database does not answer.";
    GEN_AI_CLIENT_EMBEDDINGS_DURATION = "gen_ai.client.embeddings.duration", "s", "How long a call of the model took.";
    GEN_AI_CLIENT_EMBEDDINGS_OPERATION_INPUT_TOKENS = "gen_ai.client.embeddings.operation.input_tokens", "{token}",
        "Tokens of a call.";
    TEXTS = "cache_warmer.texts", "{text}",
        "What became of texts that lacked a vector, of jobs that ended: made; made at the same time for another job, \
        or by another instance; given up.";
    TEXTS_NOT_EMBEDDED = "cache_warmer.texts.not_embedded", "{text}",
        "Texts that were not embedded, of jobs that ended, and why: a vector was stored already, or is made for \
        another file of the same publication; this process had the same text in hand; another instance stored a vector \
        meanwhile; it cannot be embedded, as was found before.";
    MODEL_LOADS = "cache_warmer.model.loads", "{load}", "How often the model was opened.";
    PROVIDER_AWAY = "cache_warmer.provider.away", "", "1 while the embedding provider cannot answer, else 0.";
    PROVIDER_PAUSES = "cache_warmer.provider.pauses", "{pause}",
        "Times that it was left alone; an outage may have several.";
    PROVIDER_OUTAGES = "cache_warmer.provider.outages", "{outage}", "Outages that ended.";
    PROVIDER_OUTAGE_TIME = "cache_warmer.provider.outage_time", "s", "How long those were, all together.";
    FILLS_HELD = "cache_warmer.fills.held", "",
        "1 while this instance claims no fills, because its provider cannot embed, else 0.";
    GIT_CALL_DURATION = "cache_warmer.git.call.duration", "s",
        "How long it took to check a remote, to fetch, or to list files in the mirror, with what the stages behind \
        took of that.";
    GIT_RECEIVED = "cache_warmer.git.received", "By", "Bytes of pack that fetches received, of jobs that ended.";
    GIT_READ = "cache_warmer.git.read", "By", "Bytes of text that were read from mirrors, of jobs that ended.";
    GIT_WORKERS_KILLED = "cache_warmer.git.workers.killed", "{process}",
        "Processes that did git's work and were killed.";
    DB_CLIENT_OPERATION_DURATION = "db.client.operation.duration", "s",
        "How long it took to answer what the pipeline asks.";
    DB_CLIENT_CONNECTION_COUNT = "db.client.connection.count", "{connection}", "Connections of the pool.";
    DB_CLIENT_CONNECTION_MAX = "db.client.connection.max", "{connection}", "Connections that the pool may have.";
    STORE_ROWS = "cache_warmer.store.rows", "{row}",
        "Vectors and artifacts that were new to the cache, of jobs that ended.";
    STORE_STALE_FINISHES = "cache_warmer.store.stale_finishes", "{finish}",
        "Settlements and publications whose claim was lost: they changed nothing.";
    STORE_UNREADABLE_ARTIFACTS = "cache_warmer.store.unreadable_artifacts", "{artifact}",
        "Artifacts that did not read, and were made again.";
    HEARTBEATS_FAILED = "cache_warmer.heartbeats.failed", "{heartbeat}", "Heartbeats that failed.";
    BUILD_INFO = "cache_warmer.build_info", "", "1.";
    SLOTS_HELD = "cache_warmer.slots.held", "{slot}", "Slots that this instance holds.";
    SLOTS_LACKING = "cache_warmer.slots.lacking", "",
        "1 while heavy jobs are due that cannot begin here: all slots are taken, or this instance runs as many as it \
        may.";
    SLOTS_STARVED = "cache_warmer.slots.starved", "{time}",
        "How often heavy jobs have waited longer for a slot than they should.";
    RESTARTS = "cache_warmer.restarts", "{restart}",
        "What died and was to be started again: one worker of a pool, or an actor or pool as a whole.";
    FILLS_PAUSED = "cache_warmer.fills.paused", "",
        "1 while the part of the tree that makes vectors is paused, because it died too often, else 0.";
    THREADS_ABANDONED = "cache_warmer.threads.abandoned", "{thread}",
        "Threads that did not stop when they were told to, and still run.";
    WEBHOOKS = "cache_warmer.webhooks", "{request}", "Webhooks that were answered.";
    SPANS_DROPPED = "cache_warmer.spans.dropped", "{span}", "Spans that could not be exported.";
    FIGURES_DROPPED = "cache_warmer.figures.dropped", "{report}",
        "Times that this instance could not write what it does for `warmer status`.";
    CHILD_PROCESSES = "cache_warmer.child.processes", "{process}", "Processes that work for this one.";
    MEMORY_USAGE = "cache_warmer.memory.usage", "By", "Resident memory of this process and of those that work for it.";
    MEMORY_LIMIT = "cache_warmer.memory.limit", "By",
        "What that may be: of the machine, or of the narrowest cgroup (version 1 or 2).";
    CPU_LIMIT = "cache_warmer.cpu.limit", "{cpu}",
        "Cores that this process may use: of the machine, or by the narrowest quota of its cgroups.";
    PROCESS_CPU_TIME = "process.cpu.time", "s",
        "CPU time of this process, and of those that worked for it and have ended.";
    PROCESS_MEMORY_USAGE = "process.memory.usage", "By", "Resident memory of this process.";
    PROCESS_THREAD_COUNT = "process.thread.count", "{thread}", "Threads of this process.";
    PROCESS_OPEN_FILE_DESCRIPTOR_COUNT = "process.open_file_descriptor.count", "{file_descriptor}",
        "Open files of this process.";
    PROCESS_UPTIME = "process.uptime", "s", "Since this process started.";
    REPOSITORY_AGE = "cache_warmer.repository.age", "s", "Since this instance last found it current, or made it so.";
}
