//! The names of spans and of their attributes, all of them: those of OpenTelemetry's conventions (1.44; GenAI: its own
//! repository) as they spell them, ours below `warmer.`. `config/traces.md` tells of them; a test compares the two.
//!
//! In a macro a constant is a field's name in braces:
//! `info_span!(names::SEND, { names::MESSAGING_BATCH_COUNT } = int(jobs))`. A number is recorded as `i64`
//! or `f64`: the exporter makes text of a `u64`.

/// A count as a span takes it, so that it is exported as a number.
#[must_use]
pub fn int(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

// The spans of a job. The queue is called `warm_jobs`, as a destination of messages.

/// The queue.
pub const QUEUE: &str = "warm_jobs";
/// PRODUCER: something puts a job in the queue.
pub const SEND: &str = "send warm_jobs";
/// CLIENT: a job is claimed.
pub const RECEIVE: &str = "receive warm_jobs";
/// CONSUMER: one attempt, the root of a trace.
pub const PROCESS: &str = "process warm_jobs";
/// What a child process does of an attempt.
pub const CHILD: &str = "job in a child";
/// What a warm would cost is counted.
pub const PLAN: &str = "plan";

// Stages, and what they do one after the other.

/// The Fetcher.
pub const STAGE_FETCH: &str = "stage fetch";
/// The Hasher.
pub const STAGE_HASH: &str = "stage hash";
/// The Filler.
pub const STAGE_FILL: &str = "stage fill";
/// The Embedder.
pub const STAGE_EMBED: &str = "stage embed";
/// The Storer.
pub const STAGE_STORE: &str = "stage store";
/// One batch of the Fetcher: the whole of its work for a job.
pub const BATCH_FETCH: &str = "batch fetch";
/// One batch of the Hasher.
pub const BATCH_HASH: &str = "batch hash";
/// One batch of the Filler: the whole of its work for a job.
pub const BATCH_FILL: &str = "batch fill";
/// One batch of the Embedder, with the model's name behind.
pub const EMBEDDINGS: &str = "embeddings";
/// One batch of the Storer.
pub const BATCH_STORE: &str = "batch store";

/// From the last part's end to the attempt's.
pub const SETTLE: &str = "settle";

/// A model of this machine is loaded into a session.
pub const LOAD_MODEL: &str = "load model";
/// CLIENT: one listing of a remote's refs.
pub const LIST_REFS: &str = "list refs";
/// CLIENT: the mirror is brought up to date.
pub const FETCH: &str = "fetch";

// What the exporter itself reads; none of it is an attribute.

/// The span's name, where it is not known before.
pub const OTEL_NAME: &str = "otel.name";
/// `producer`, `consumer`, `client`; `internal` where it is not said.
pub const OTEL_KIND: &str = "otel.kind";
/// Why it failed, for people.
pub const OTEL_STATUS_MESSAGE: &str = "otel.status_description";

// Any span.

/// The class of an error, of few values.
pub const ERROR_TYPE: &str = "error.type";

// Messaging.

/// `postgresql` or `sqlite`.
pub const MESSAGING_SYSTEM: &str = "messaging.system";
/// [`QUEUE`].
pub const MESSAGING_DESTINATION: &str = "messaging.destination.name";
/// What is done with the queue, as we call it.
pub const MESSAGING_OPERATION: &str = "messaging.operation.name";
/// The same, as the conventions do: `send`, `receive`, `process`, `settle`.
pub const MESSAGING_OPERATION_TYPE: &str = "messaging.operation.type";
/// The job's number, as text.
pub const MESSAGING_MESSAGE_ID: &str = "messaging.message.id";
/// Which instance does it.
pub const MESSAGING_CLIENT_ID: &str = "messaging.client.id";
/// How many jobs one operation was about, where that may be more than one.
pub const MESSAGING_BATCH_COUNT: &str = "messaging.batch.message_count";

// Repositories.

/// The remote, without credentials.
pub const VCS_URL: &str = "vcs.repository.url.full";
/// The ref that is followed; `HEAD` where none is named.
pub const VCS_REF: &str = "vcs.ref.head.name";
/// The commit.
pub const VCS_REVISION: &str = "vcs.ref.head.revision";

// Databases.

/// `postgresql` or `sqlite`.
pub const DB_SYSTEM: &str = "db.system.name";
/// What is asked of it, as we call it.
pub const DB_OPERATION: &str = "db.operation.name";
/// The table that it is about in the first place.
pub const DB_COLLECTION: &str = "db.collection.name";
/// The two.
pub const DB_SUMMARY: &str = "db.query.summary";

/// `DATABASE|SCHEMA` of PostgreSQL.
pub const DB_NAMESPACE: &str = "db.namespace";
/// Of a call that failed, by which code PostgreSQL calls that (SQLSTATE).
pub const DB_STATUS: &str = "db.response.status_code";
/// The host of the PostgreSQL server, or the directory of its socket.
pub const SERVER_ADDRESS: &str = "server.address";
/// Its port.
pub const SERVER_PORT: &str = "server.port";

// Calls of the database, as [`DB_SUMMARY`] says them.

/// Artifacts of a batch, and what is known of its files.
pub const DB_PUT: &str = "put artifact";
/// Entries of a batch, which nobody sees yet.
pub const DB_STAGE: &str = "stage staged_entry";
/// Vectors of a batch.
pub const DB_PUT_VECTORS: &str = "put vector";
/// What was staged becomes visible, and its fills are put in the queue.
pub const DB_PUBLISH: &str = "publish entry";
/// What is known of the blobs of a batch.
pub const DB_BLOBS: &str = "look_up blob";
/// Which contents of a batch are cut already.
pub const DB_ARTIFACTS: &str = "look_up artifact";
/// Stored artifacts, whole.
pub const DB_READ: &str = "read artifact";
/// Entries of what is served, which is cut anew.
pub const DB_ENTRIES: &str = "page entry";
/// A page of what lacks.
pub const DB_LACKING: &str = "page lack";
/// Which texts of a batch have a vector.
pub const DB_VECTORS: &str = "look_up vector";
/// Which texts of a batch cannot have one.
pub const DB_FAILED: &str = "look_up failed_text";
/// Where an attempt's trace is.
pub const DB_NOTE_TRACE: &str = "note_trace job";
/// An attempt's end.
pub const DB_SETTLE: &str = "settle job";
/// A job, for this instance.
pub const DB_CLAIM: &str = "claim job";
/// When the next job is due.
pub const DB_DUE: &str = "look_up job";
/// Which jobs run under this instance.
pub const DB_RUNNING: &str = "list job";
/// How attempts of a job ended.
pub const DB_ATTEMPTS: &str = "list attempt";
/// The sign of life of this instance.
pub const DB_HEARTBEAT: &str = "heartbeat instance";
/// This instance becomes known.
pub const DB_REGISTER: &str = "register instance";
/// Its session begins, which holds its locks.
pub const DB_SESSION: &str = "begin session";
/// The database's clock.
pub const DB_CLOCK: &str = "read clock";
/// A slot for a heavy job.
pub const DB_SLOT: &str = "take slot";
/// It goes back.
pub const DB_SLOT_BACK: &str = "give slot";
/// What the fleet runs by, and what this instance does.
pub const DB_FLEET: &str = "agree fleet";
/// Jobs of an instance that died go back.
pub const DB_RESCUE: &str = "rescue job";
/// A repository is gone at its source.
pub const DB_STALE: &str = "mark_stale repository";
/// What was refused for want of a token is taken again.
pub const DB_WITHDRAW: &str = "withdraw refusal";
/// Stored times that lie in the future end.
pub const DB_FUTURE: &str = "end_future job";
/// A job, or those of a page of repositories that are due.
pub const DB_ENQUEUE: &str = "enqueue job";
/// Fills for what lacks and has none.
pub const DB_FILLS: &str = "enqueue_fills job";
/// Whether searches use what this instance makes.
pub const DB_GENERATION: &str = "read generation";
/// What a generation does not cover yet is noted to lack.
pub const DB_SEED: &str = "seed lack";
/// The text that may kill the process.
pub const DB_TRY: &str = "try_text job";
/// Whose turn the upkeep is.
pub const DB_TURN: &str = "take_turn upkeep";
/// It is over.
pub const DB_TURN_END: &str = "end_turn upkeep";
/// What nobody needs is deleted.
pub const DB_COLLECT: &str = "collect artifact";
/// A share of what is stored is read again.
pub const DB_VERIFY: &str = "verify artifact";
/// What this instance does.
pub const DB_REPORT: &str = "report instance_figures";
/// What is asked of all running instances.
pub const DB_ORDERS: &str = "look_up tune";
/// A job's own process reads the claim that it works on.
pub const DB_CLAIMED: &str = "read job";
/// The figures of the whole queue.
pub const DB_COUNT: &str = "count tally";

// Models.

/// [`EMBEDDINGS`].
pub const GEN_AI_OPERATION: &str = "gen_ai.operation.name";
/// Who embeds: `onnxruntime` here, or a `service`.
pub const GEN_AI_PROVIDER: &str = "gen_ai.provider.name";
/// The model that is asked.
pub const GEN_AI_MODEL: &str = "gen_ai.request.model";
/// Which model that is, by what decides over its vectors.
pub const MODEL_FINGERPRINT: &str = "warmer.model.fingerprint";
/// Numbers in a vector.
pub const GEN_AI_DIMENSIONS: &str = "gen_ai.embeddings.dimension.count";
/// Tokens that were embedded.
pub const GEN_AI_TOKENS: &str = "gen_ai.usage.input_tokens";

// Of the resource.

/// The name under which traces are exported.
pub const SERVICE_NAME: &str = "service.name";
/// This version.
pub const SERVICE_VERSION: &str = "service.version";
/// The instance's random name, or one for a process that is none.
pub const SERVICE_INSTANCE: &str = "service.instance.id";
/// This machine.
pub const HOST_NAME: &str = "host.name";
/// This process.
pub const PROCESS_PID: &str = "process.pid";

// What log lines have too, under the same names.

/// The job's number.
pub const JOB: &str = "job.id";
/// Which attempt it is, counted from 1.
pub const JOB_ATTEMPT: &str = "job.attempt";
/// From when it was first to run to its claim, in seconds.
pub const JOB_WAIT: &str = "job.queue_wait_seconds";
/// Of that, from when it was first put off for want of a slot.
pub const JOB_SLOT_WAIT: &str = "job.slot_wait_seconds";
/// How the attempt ended.
pub const OUTCOME: &str = "outcome";

// Ours.

/// `refresh` or `fill`.
pub const JOB_KIND: &str = "warmer.job.kind";
/// Of a fill: `new` or `bulk`.
pub const JOB_LANE: &str = "warmer.job.lane";
/// Processes that died while they ran the job.
pub const JOB_CRASHES: &str = "warmer.job.crashes";
/// No other attempt follows.
pub const GIVEN_UP: &str = "warmer.given_up";
/// Of an attempt: files that were listed.
pub const FILES_LISTED: &str = "warmer.files.listed";
/// Of an attempt: files that were read from the mirror.
pub const FILES_READ: &str = "warmer.files.read";
/// Of a publication: entries that show another artifact.
pub const FILES_INDEXED: &str = "warmer.files.indexed";
/// Of a publication: entries that are gone.
pub const FILES_REMOVED: &str = "warmer.files.removed";
/// Bytes that were read from the mirror.
pub const BYTES_READ: &str = "warmer.bytes.read";
/// Bytes of pack that were received.
pub const PACK_BYTES: &str = "warmer.pack.bytes";
/// Chunks of the files that are new or changed.
pub const CHUNKS: &str = "warmer.chunks";
/// Texts that one span is about.
pub const TEXTS: &str = "warmer.texts";
/// Which stage a span is of.
pub const STAGE: &str = "warmer.stage";
/// Seconds of work of the span's stage, summed over its workers; what it waits for is apart.
pub const WORK: &str = "warmer.work";
/// Batches that the span is about.
pub const BATCHES: &str = "warmer.batches";
/// Of those, batches that have no span, because the slowest have.
pub const BATCHES_LEFT_OUT: &str = "warmer.batches.left_out";
/// Calls of the batch that have no span, because slower ones have.
pub const CALLS_LEFT_OUT: &str = "warmer.calls.left_out";
/// Files or texts of the span.
pub const ITEMS: &str = "warmer.items";
/// Bytes of those.
pub const BYTES: &str = "warmer.bytes";

/// Seconds that were waited for this, as waits are called in output and metrics.
#[must_use]
pub fn wait(what: &str) -> String {
    format!("warmer.wait.{what}")
}

/// Of an attempt: vectors that were made for it.
pub const VECTORS_EMBEDDED: &str = "warmer.vectors.embedded";
/// Of an attempt: vectors that others made meanwhile.
pub const VECTORS_REUSED: &str = "warmer.vectors.reused";
/// Of an attempt: tokens that were embedded.
pub const TOKENS: &str = "warmer.tokens";

/// Whether a field is there for who reads traces, and only in the way of who reads a log.
#[must_use]
pub fn is_for_traces_alone(field: &str) -> bool {
    ["otel.", "messaging.", "db.", "gen_ai.", "server.", "warmer."].iter().any(|prefix| field.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_exported_as_a_number_however_large() {
        assert_eq!((int(3_usize), int(u64::MAX), int(-1_i64)), (3, i64::MAX, -1));
    }

    #[test]
    fn a_log_line_keeps_what_names_the_job_and_the_repository() {
        for kept in [JOB, JOB_ATTEMPT, OUTCOME, VCS_URL, VCS_REF] {
            assert!(!is_for_traces_alone(kept), "{kept}");
        }
        for left_out in [OTEL_KIND, MESSAGING_SYSTEM, DB_SYSTEM, GEN_AI_MODEL, ITEMS] {
            assert!(is_for_traces_alone(left_out), "{left_out}");
        }
    }
}
