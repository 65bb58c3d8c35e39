//! Collection in two phases: what nothing reaches is marked, and deleted when still unreached after a term.
//!
//! Reached is an artifact by an entry or a staged row; a vector by a chunk of any artifact that is there, under an
//! embedding in use. So an artifact falls first, and its vectors a term later. Each step is a small transaction of its
//! own; whatever happens between two of them, what is deleted was marked a term ago and is unreached now.
//! A dry run does the same and takes each step back; only generations it does not drop.

use super::{
    Base, Connection as _, Fault, Row as _, Statements, Value, Writing as _, clock_skew, count, drop_generations,
    micros, values,
};
use crate::upkeep::{Collect, Collected};

macro_rules! artifact_reached {
    () => {
        "(EXISTS (SELECT 1 FROM entry WHERE entry.artifact = artifact.key)
          OR EXISTS (SELECT 1 FROM staged_entry WHERE staged_entry.artifact = artifact.key))"
    };
}

/// The steps of one table, as in [`Statements::VECTORS_UNMARK`].
struct Steps {
    last: &'static str,
    unmark: &'static str,
    delete: &'static str,
    mark: &'static str,
}

/// The fingerprints that nobody uses are no matter to them.
const ARTIFACTS: Steps = Steps {
    last: "SELECT coalesce(max(id), 0) AS last FROM artifact",
    unmark: concat!(
        "UPDATE artifact SET marked_at = NULL
         WHERE marked_at IS NOT NULL AND id > $1 AND id <= $2 AND ",
        artifact_reached!(),
        " RETURNING 0 AS bytes"
    ),
    delete: concat!(
        "DELETE FROM artifact
         WHERE marked_at <= (SELECT now FROM clock) - $3 AND id > $1 AND id <= $2 AND NOT ",
        artifact_reached!(),
        " RETURNING length(envelope) AS bytes"
    ),
    mark: concat!(
        "UPDATE artifact SET marked_at = (SELECT now FROM clock)
         WHERE marked_at IS NULL AND id > $1 AND id <= $2 AND NOT ",
        artifact_reached!(),
        " RETURNING 0 AS bytes"
    ),
};

const fn vectors<C: Statements>() -> Steps {
    Steps {
        last: "SELECT coalesce(max(id), 0) AS last FROM vector",
        unmark: C::VECTORS_UNMARK,
        delete: C::VECTORS_DELETE,
        mark: C::VECTORS_MARK,
    }
}

/// Stored with for the last time a term ($1) ago, of no generation that was not dropped, and not served.
const UNUSED: &str = "
    SELECT id FROM fingerprint, clock WHERE used_at <= now - $1
        AND NOT EXISTS (SELECT 1 FROM generation WHERE fingerprint.id IN (generation.embedding, generation.chunking))
        AND NOT EXISTS (SELECT 1 FROM served
            WHERE fingerprint.id IN (served.embedding, served.chunking, served.rules))";

const STAGED: &str = "DELETE FROM staged_entry WHERE claim NOT IN (SELECT claim FROM job WHERE state = 'running')";
const HISTORY: &str = "SELECT coalesce(min(id), 1) - 1 AS first, coalesce(max(id), 0) AS last FROM attempt";
const ATTEMPTS: &str = "
    DELETE FROM attempt WHERE id > $1 AND id <= $2 AND ended_at <= (SELECT now FROM clock) - $3";
/// One whose jobs nobody put back yet is still needed.
const INSTANCES: &str = "
    DELETE FROM instance WHERE state <> 'alive' AND seen_at <= (SELECT now FROM clock) - $1
        AND NOT EXISTS (SELECT 1 FROM job WHERE job.instance = instance.id AND job.state = 'running')";

/// Rows that one transaction looks at: some 20 ms, within which other writers wait.
const STEP: i64 = 4096;
/// Hexadecimal oids in as many parts.
const OID_PARTS: u32 = 256;

pub(super) async fn collect<B: Base>(store: &B, how: &Collect) -> Result<Collected, Fault> {
    if !how.dry_run {
        clock_skew::end_marked(store).await?;
    }
    let term = micros(how.mark_age);
    let generations_dropped = if how.dry_run { 0 } else { drop_generations::drop(store, term).await? };
    let run = Run { store, dry: how.dry_run, term, unused: unused(store, term).await? };
    let staged_deleted = run.statement(STAGED, &[]).await?;
    let mut done = Collected { generations_dropped, staged_deleted, ..Collected::default() };
    let swept = run.sweep(&ARTIFACTS).await?;
    (done.artifacts_deleted, done.artifacts_marked) = (swept.deleted, swept.marked);
    (done.unmarked, done.bytes_deleted) = (swept.unmarked, swept.bytes);
    let swept = run.sweep(&vectors::<B::Connection>()).await?;
    (done.vectors_deleted, done.vectors_marked) = (swept.deleted, swept.marked);
    done.unmarked += swept.unmarked;
    done.bytes_deleted += swept.bytes;
    for part in 0..OID_PARTS {
        let (from, to) = (format!("{part:02x}"), format!("{:02x}", part + 1));
        // Behind "ff" comes every text that begins with a letter after f.
        let to = if part + 1 == OID_PARTS { "g".to_owned() } else { to };
        let values = values![&from, &to, &*run.unused];
        done.blobs_deleted += run.statement(B::Connection::BLOBS_DELETE, values).await?;
    }
    let age = micros(how.history_age);
    let history = store.read().await?.one(HISTORY, &[]).await?;
    for after in (history.int("first")?..history.int("last")?).step_by(STEP as usize) {
        done.attempts_deleted += run.statement(ATTEMPTS, values![after, after + STEP, age]).await?;
    }
    run.statement(INSTANCES, values![age]).await?;
    Ok(done)
}

/// The fingerprints that nobody uses.
async fn unused<B: Base>(store: &B, term: i64) -> Result<Vec<i64>, Fault> {
    let found = store.read().await?.all(UNUSED, values![term]).await?;
    Ok(found.iter().map(|row| row.int("id")).collect::<sqlx::Result<_>>()?)
}

#[derive(Default)]
struct Swept {
    unmarked: u64,
    deleted: u64,
    marked: u64,
    bytes: u64,
}

struct Run<'a, B> {
    store: &'a B,
    dry: bool,
    term: i64,
    unused: Vec<i64>,
}

impl<B: Base> Run<'_, B> {
    /// Deletes before it marks: what is marked now stays until another run, however short the term.
    async fn sweep(&self, steps: &Steps) -> Result<Swept, Fault> {
        let last = self.store.read().await?.one(steps.last, &[]).await?.int("last")?;
        let mut swept = Swept::default();
        for after in (0..last).step_by(STEP as usize) {
            swept.unmarked += self.step(steps.unmark, after).await?.0;
            let (deleted, bytes) = self.step(steps.delete, after).await?;
            swept.deleted += deleted;
            swept.bytes += bytes;
            swept.marked += self.step(steps.mark, after).await?.0;
        }
        Ok(swept)
    }

    /// The rows that one step changed, and their bytes.
    async fn step(&self, sql: &'static str, after: i64) -> Result<(u64, u64), Fault> {
        let mut tx = self.store.sweep().await?;
        let changed = tx.all(sql, values![after, after + STEP, self.term, &*self.unused]).await?;
        self.end(tx).await?;
        let bytes: i64 = changed.iter().map(|row| row.int("bytes")).sum::<sqlx::Result<_>>()?;
        Ok((changed.len() as u64, count(bytes)))
    }

    async fn statement(&self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, Fault> {
        let mut tx = self.store.sweep().await?;
        let changed = tx.run(sql, values).await?;
        self.end(tx).await?;
        Ok(changed)
    }

    async fn end(&self, tx: B::Writing) -> Result<(), Fault> {
        let ended = if self.dry { tx.rollback().await } else { tx.commit().await };
        Ok(ended?)
    }
}
