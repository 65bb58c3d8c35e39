//! Collection in two phases: what nothing reaches is condemned, and deleted when still unreached after a term.
//!
//! Reached is an artifact by an entry or a staged row; a vector by a chunk of any artifact that is there, under an
//! embedding in use. So an artifact falls first, and its vectors a term later. Each step is a small transaction of its
//! own; whatever happens between two of them, what is deleted was condemned a term ago and is unreached now.
//! A dry run does the same and takes each step back.

use super::fault::Fault;
use super::{Sqlite, Write, rows};
use crate::upkeep::{Collect, Collected};

macro_rules! artifact_reached {
    () => {
        "(EXISTS (SELECT 1 FROM entry WHERE entry.artifact = artifact.key)
          OR EXISTS (SELECT 1 FROM staged_entry WHERE staged_entry.artifact = artifact.key))"
    };
}

/// ?4: the fingerprints that nobody uses.
macro_rules! vector_reached {
    () => {
        "(EXISTS (SELECT 1 FROM artifact_chunk WHERE artifact_chunk.text = vector.text)
          AND vector.embedding NOT IN (SELECT value FROM json_each(?4)))"
    };
}

/// The steps of one table. ?1 and ?2 bound the ids of a step, ?3 is the term; each gives the bytes of each row.
struct Steps {
    last: &'static str,
    lift: &'static str,
    delete: &'static str,
    condemn: &'static str,
}

const ARTIFACTS: Steps = Steps {
    last: "SELECT coalesce(max(id), 0) FROM artifact",
    lift: concat!(
        "UPDATE artifact SET condemned_at = NULL
         WHERE condemned_at IS NOT NULL AND id > ?1 AND id <= ?2 AND ",
        artifact_reached!(),
        " RETURNING 0"
    ),
    delete: concat!(
        "DELETE FROM artifact
         WHERE condemned_at <= (SELECT now FROM clock) - ?3 AND id > ?1 AND id <= ?2 AND NOT ",
        artifact_reached!(),
        " RETURNING length(envelope)"
    ),
    condemn: concat!(
        "UPDATE artifact SET condemned_at = (SELECT now FROM clock)
         WHERE condemned_at IS NULL AND id > ?1 AND id <= ?2 AND NOT ",
        artifact_reached!(),
        " RETURNING 0"
    ),
};

const VECTORS: Steps = Steps {
    last: "SELECT coalesce(max(id), 0) FROM vector",
    lift: concat!(
        "UPDATE vector SET condemned_at = NULL
         WHERE condemned_at IS NOT NULL AND id > ?1 AND id <= ?2 AND ",
        vector_reached!(),
        " RETURNING 0"
    ),
    delete: concat!(
        "DELETE FROM vector
         WHERE condemned_at <= (SELECT now FROM clock) - ?3 AND id > ?1 AND id <= ?2 AND NOT ",
        vector_reached!(),
        " RETURNING length(bytes)"
    ),
    condemn: concat!(
        "UPDATE vector SET condemned_at = (SELECT now FROM clock)
         WHERE condemned_at IS NULL AND id > ?1 AND id <= ?2 AND NOT ",
        vector_reached!(),
        " RETURNING 0"
    ),
};

/// Stored with for the last time a term ago, and neither active nor served.
const UNUSED: &str = "
    SELECT json_group_array(id) FROM fingerprint, clock WHERE used_at <= now - ?1
        AND NOT EXISTS (SELECT 1 FROM repository WHERE digest IN (served_embedding, served_chunking, served_rules))
        AND digest NOT IN (SELECT unhex(value) FROM setting WHERE name IN ('active_embedding', 'active_chunking'))";

/// ?1 and ?2 bound the oids. A skip stands as long as its chunking and rules are in use.
const BLOBS: &str = "
    DELETE FROM known_blob WHERE oid >= ?1 AND oid < ?2
        AND (chunking IN (SELECT value FROM json_each(?3)) OR rules IN (SELECT value FROM json_each(?3))
             OR (artifact IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM artifact WHERE artifact.key = known_blob.artifact)))";

const STAGED: &str = "DELETE FROM staged_entry WHERE claim NOT IN (SELECT claim FROM job WHERE state = 'running')";
const ATTEMPTS: &str = "DELETE FROM attempt WHERE ended_at <= (SELECT now FROM clock) - ?";
const INSTANCES: &str = "DELETE FROM instance WHERE state <> 'alive' AND seen_at <= (SELECT now FROM clock) - ?";

/// Rows that one transaction looks at: some 20 ms, within which other writers wait.
const STEP: i64 = 4096;
/// Hexadecimal oids in as many parts.
const OID_PARTS: u32 = 256;

pub(super) async fn collect(store: &Sqlite, how: &Collect) -> Result<Collected, Fault> {
    let term = rows::micros(how.condemn_age);
    let unused: String = sqlx::query_scalar(UNUSED).bind(term).fetch_one(&mut *store.read().await?).await?;
    let run = Run { store, dry: how.dry_run, term, unused };
    let staged_deleted = run.statement(sqlx::query(STAGED)).await?;
    let mut done = Collected { staged_deleted, ..Collected::default() };
    for (steps, is_artifact) in [(&ARTIFACTS, true), (&VECTORS, false)] {
        let swept = run.sweep(steps).await?;
        done.lifted += swept.lifted;
        done.bytes_deleted += swept.bytes;
        if is_artifact {
            (done.artifacts_deleted, done.artifacts_condemned) = (swept.deleted, swept.condemned);
        } else {
            (done.vectors_deleted, done.vectors_condemned) = (swept.deleted, swept.condemned);
        }
    }
    for part in 0..OID_PARTS {
        let (from, to) = (format!("{part:02x}"), format!("{:02x}", part + 1));
        // Behind "ff" comes every text that begins with a letter after f.
        let to = if part + 1 == OID_PARTS { "g".to_owned() } else { to };
        done.blobs_deleted += run.statement(sqlx::query(BLOBS).bind(from).bind(to).bind(&run.unused)).await?;
    }
    let age = rows::micros(how.history_age);
    done.attempts_deleted = run.statement(sqlx::query(ATTEMPTS).bind(age)).await?;
    run.statement(sqlx::query(INSTANCES).bind(age)).await?;
    Ok(done)
}

#[derive(Default)]
struct Swept {
    lifted: u64,
    deleted: u64,
    condemned: u64,
    bytes: u64,
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

struct Run<'a> {
    store: &'a Sqlite,
    dry: bool,
    term: i64,
    unused: String,
}

impl Run<'_> {
    /// Deletes before it condemns: what is condemned now stays until another run, however short the term.
    async fn sweep(&self, steps: &Steps) -> Result<Swept, Fault> {
        let last: i64 = sqlx::query_scalar(steps.last).fetch_one(&mut *self.store.read().await?).await?;
        let mut swept = Swept::default();
        for after in (0..last).step_by(STEP as usize) {
            swept.lifted += self.step(steps.lift, after).await?.0;
            let (deleted, bytes) = self.step(steps.delete, after).await?;
            swept.deleted += deleted;
            swept.bytes += bytes;
            swept.condemned += self.step(steps.condemn, after).await?.0;
        }
        Ok(swept)
    }

    /// The rows that one step changed, and their bytes.
    async fn step(&self, sql: &'static str, after: i64) -> Result<(u64, u64), Fault> {
        let mut tx = self.store.write().await?;
        let sizes: Vec<i64> = sqlx::query_scalar(sql)
            .bind(after)
            .bind(after + STEP)
            .bind(self.term)
            .bind(&self.unused)
            .fetch_all(&mut *tx)
            .await?;
        self.end(tx).await?;
        Ok((sizes.len() as u64, sizes.iter().copied().map(rows::count).sum()))
    }

    async fn statement(&self, query: Query<'_>) -> Result<u64, Fault> {
        let mut tx = self.store.write().await?;
        let changed = query.execute(&mut *tx).await?.rows_affected();
        self.end(tx).await?;
        Ok(changed)
    }

    async fn end(&self, tx: Write) -> Result<(), Fault> {
        let ended = if self.dry { tx.rollback().await } else { tx.commit().await };
        Ok(ended?)
    }
}
