//! Collection in two phases: what nothing reaches is marked, and deleted when still unreached after a term.
//!
//! Reached is an artifact by an entry or a staged row; a vector by a chunk of any artifact that is there, under an
//! embedding in use. So an artifact falls first, and its vectors a term later. Each step is a small transaction of its
//! own; whatever happens between two of them, what is deleted was marked a term ago and is unreached now.
//! A dry run does the same and takes each step back. The entries of generations that it would drop it only thinks away:
//! there may be as many of them as of all others.

use super::{
    Base, Connection as _, Fault, Row, Statements, Value, Writing as _, again, clock_skew, count, drop_generations,
    micros, values,
};
use crate::upkeep::{Collect, Collected};

/// The steps of one table, as in [`Statements::ARTIFACTS_UNMARK`].
struct Steps {
    last: &'static str,
    unmark: &'static str,
    delete: &'static str,
    mark: &'static str,
}

const fn artifacts<C: Statements>() -> Steps {
    Steps {
        last: "SELECT coalesce(max(id), 0) AS last FROM artifact",
        unmark: C::ARTIFACTS_UNMARK,
        delete: C::ARTIFACTS_DELETE,
        mark: C::ARTIFACTS_MARK,
    }
}

const fn vectors<C: Statements>() -> Steps {
    Steps {
        last: "SELECT coalesce(max(id), 0) AS last FROM vector",
        unmark: C::VECTORS_UNMARK,
        delete: C::VECTORS_DELETE,
        mark: C::VECTORS_MARK,
    }
}

/// Stored with for the last time a term ($1) ago, of no generation that was not dropped, and not what is served is cut
/// or chosen by. By which embedding that was published last is no matter.
const UNUSED: &str = "
    SELECT id FROM fingerprint, clock WHERE used_at <= now - $1
        AND NOT EXISTS (SELECT 1 FROM generation WHERE fingerprint.id IN (generation.embedding, generation.chunking))
        AND NOT EXISTS (SELECT 1 FROM served
            WHERE fingerprint.id IN (served.chunking, served.rules))";

/// Verdicts on texts that no artifact has, or under an embedding that nobody uses.
macro_rules! failed_unused {
    ($unused:literal) => {
        concat!(
            "DELETE FROM failed_text WHERE embedding ",
            $unused,
            " OR NOT EXISTS (SELECT 1 FROM artifact_chunk WHERE artifact_chunk.text = failed_text.text)"
        )
    };
}
pub(crate) use failed_unused;

/// $1: the age.
const ATTEMPT_COUNTS: &str = "DELETE FROM attempt_count WHERE minute <= ((SELECT now FROM clock) - $1) / 60000000";
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
    let run = Run { store, dry: how.dry_run, term };
    let Left { generations_dropped, chunkings, unused } = run.drop_generations().await?;
    let staged_deleted = run.statement(STAGED, &[]).await?;
    let mut done = Collected { generations_dropped, staged_deleted, ..Collected::default() };
    let swept = run.sweep(&artifacts::<B::Connection>(), &chunkings).await?;
    (done.artifacts_deleted, done.artifacts_marked) = (swept.deleted, swept.marked);
    (done.unmarked, done.bytes_deleted) = (swept.unmarked, swept.bytes);
    let swept = run.sweep(&vectors::<B::Connection>(), &unused).await?;
    (done.vectors_deleted, done.vectors_marked) = (swept.deleted, swept.marked);
    done.unmarked += swept.unmarked;
    done.bytes_deleted += swept.bytes;
    run.statement(B::Connection::FAILED_UNUSED, values![&*unused]).await?;
    while run.try_again().await? {}
    for part in 0..OID_PARTS {
        let (from, to) = (format!("{part:02x}"), format!("{:02x}", part + 1));
        // Behind "ff" comes every text that begins with a letter after f.
        let to = if part + 1 == OID_PARTS { "g".to_owned() } else { to };
        let values = values![&from, &to, &*unused];
        done.blobs_deleted += run.statement(B::Connection::BLOBS_DELETE, values).await?;
    }
    let age = micros(how.history_age);
    let history = store.read().await?.one(HISTORY, &[]).await?;
    for after in (history.int("first")?..history.int("last")?).step_by(STEP as usize) {
        done.attempts_deleted += run.statement(ATTEMPTS, values![after, after + STEP, age]).await?;
    }
    run.statement(ATTEMPT_COUNTS, values![age]).await?;
    run.statement(INSTANCES, values![age]).await?;
    Ok(done)
}

/// What dropped generations leave.
struct Left {
    generations_dropped: u64,
    /// Of a dry run: chunkings whose entries would go with them.
    chunkings: Vec<i64>,
    /// Fingerprints that nobody uses.
    unused: Vec<i64>,
}

fn ids<R: Row>(found: &[R]) -> sqlx::Result<Vec<i64>> {
    found.iter().map(|row| row.int("id")).collect()
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
}

impl<B: Base> Run<'_, B> {
    async fn drop_generations(&self) -> Result<Left, Fault> {
        if !self.dry {
            let generations_dropped = drop_generations::drop(self.store, self.term).await?;
            let unused = ids(&self.store.read().await?.all(UNUSED, values![self.term]).await?)?;
            return Ok(Left { generations_dropped, chunkings: vec![], unused });
        }
        let mut tx = self.store.sweep().await?;
        let (generations_dropped, chunkings) = drop_generations::without_entries(&mut *tx, self.term).await?;
        let unused = ids(&tx.all(UNUSED, values![self.term]).await?)?;
        tx.rollback().await?;
        Ok(Left { generations_dropped, chunkings, unused })
    }

    /// Deletes before it marks: what is marked now stays until another run, however short the term.
    async fn sweep(&self, steps: &Steps, left: &[i64]) -> Result<Swept, Fault> {
        let last = self.store.read().await?.one(steps.last, &[]).await?.int("last")?;
        let mut swept = Swept::default();
        for after in (0..last).step_by(STEP as usize) {
            swept.unmarked += self.step(steps.unmark, after, left).await?.0;
            let (deleted, bytes) = self.step(steps.delete, after, left).await?;
            swept.deleted += deleted;
            swept.bytes += bytes;
            swept.marked += self.step(steps.mark, after, left).await?.0;
        }
        Ok(swept)
    }

    /// The rows that one step changed, and their bytes.
    async fn step(&self, sql: &'static str, after: i64, left: &[i64]) -> Result<(u64, u64), Fault> {
        let mut tx = self.store.sweep().await?;
        let changed = tx.all(sql, values![after, after + STEP, self.term, left]).await?;
        self.end(tx).await?;
        let bytes: i64 = changed.iter().map(|row| row.int("bytes")).sum::<sqlx::Result<_>>()?;
        Ok((changed.len() as u64, count(bytes)))
    }

    /// One step; false: nothing is left. What is served lacks these texts from now on.
    async fn try_again(&self) -> Result<bool, Fault> {
        let mut tx = self.store.sweep().await?;
        let more = again::passed(&mut *tx).await?;
        self.end(tx).await?;
        Ok(!self.dry && more)
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
