//! A share of a verification: so many artifacts and vectors behind those of the share before, round and round, so that
//! all are read in time. What cannot be used is deleted: who serves an artifact is checked as a whole, who serves a
//! vector lacks it.

use super::verify::{self, LAST_ARTIFACT, LAST_VECTOR, Read, STEP, miscounted, not_of_length_one, unreadable};
use super::{Base, Connection, Fault, Row as _, Statements as _, Writing as _, symbols, values};
use crate::upkeep::{Share, TurnId};

/// Repositories with an entry that shows an artifact, by what tells which.
macro_rules! serves_artifact {
    ($which:literal) => {
        concat!("SELECT entry.repository FROM artifact JOIN entry ON entry.artifact = artifact.key WHERE ", $which)
    };
}

/// A job for each of some repositories, which checks everything again.
macro_rules! check_again {
    ($repositories:expr) => {
        concat!(
            r#"INSERT INTO job (repository, "full", rank, run_at, enqueued_at)
               SELECT repository.id, true, repository.rank, now, now FROM repository, clock
               WHERE repository.id IN ("#,
            $repositories,
            r#") ORDER BY repository.id
               ON CONFLICT "#,
            $crate::sql::enqueue::queued_key!(),
            r#" DO UPDATE SET "full" = true, merged = job.merged + 1"#
        )
    };
}
pub(crate) use {check_again, serves_artifact};

/// What is walked through by its ids.
struct Walk {
    what: What,
    last: &'static str,
    /// How far the share before came; $1 is the turn.
    position: &'static str,
    /// $1: the turn; $2: how far.
    moved: &'static str,
}

#[derive(Clone, Copy)]
enum What {
    Artifacts,
    Vectors,
}

const ARTIFACTS: Walk = Walk {
    what: What::Artifacts,
    last: LAST_ARTIFACT,
    position: "SELECT artifact AS position FROM upkeep WHERE turn = $1",
    moved: "UPDATE upkeep SET artifact = $2 WHERE turn = $1",
};
const VECTORS: Walk = Walk {
    what: What::Vectors,
    last: LAST_VECTOR,
    position: "SELECT vector AS position FROM upkeep WHERE turn = $1",
    moved: "UPDATE upkeep SET vector = $2 WHERE turn = $1",
};

/// False: the turn is another's. What was found is in `found`, whatever comes of it.
pub(super) async fn verify<B: Base>(store: &B, turn: TurnId, shares: u32, found: &mut Share) -> Result<bool, Fault> {
    Ok(walk(store, turn, shares, &ARTIFACTS, found).await? && walk(store, turn, shares, &VECTORS, found).await?)
}

async fn walk<B: Base>(store: &B, turn: TurnId, shares: u32, walk: &Walk, found: &mut Share) -> Result<bool, Fault> {
    let last = store.read().await?.one(walk.last, &[]).await?.int("last")?;
    let position = store.read().await?.maybe(walk.position, values![turn.0]).await?;
    let Some(position) = position else { return Ok(false) };
    let position = position.int("position")?;
    // Behind the last comes the first.
    let mut after = if position >= last { 0 } else { position };
    let until = last.min(after + (last / i64::from(shares.max(1)) + 1).max(STEP));
    while after < until {
        let Read { rows, bad } = read(&mut *store.read().await?, walk.what, after).await?;
        match walk.what {
            What::Artifacts => {
                let (deleted, repositories) = delete_artifacts(store, &bad).await?;
                found.artifacts += rows;
                found.artifacts_damaged += deleted;
                found.repositories += repositories;
                // Nobody has to be checked for these: they are made anew when they are asked for.
                let bad = symbols::unreadable(&mut *store.read().await?, after, after + STEP).await?;
                found.symbols_damaged += verify::delete(store, B::Connection::DELETE_SYMBOLS, &bad).await?;
                verify::note_lack(store, after).await?;
            }
            What::Vectors => {
                found.vectors += rows;
                found.vectors_damaged += verify::delete_vectors(store, &bad).await?;
            }
        }
        after = until.min(after + STEP);
        if store.once(walk.moved, values![turn.0, after]).await? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn read<C: Connection>(conn: &mut C, what: What, after: i64) -> sqlx::Result<Read> {
    match what {
        What::Artifacts => {
            let miscounted = miscounted(conn, after).await?;
            let mut read = unreadable(conn, after).await?;
            read.bad.extend(miscounted);
            Ok(read)
        }
        What::Vectors => not_of_length_one(conn, after).await,
    }
}

/// How many were deleted, and how many repositories are checked as a whole for it.
async fn delete_artifacts<B: Base>(store: &B, ids: &[i64]) -> Result<(u64, u64), Fault> {
    if ids.is_empty() {
        return Ok((0, 0));
    }
    let mut tx = store.sweep().await?;
    let repositories = tx.run(B::Connection::CHECK_ARTIFACTS, values![ids]).await?;
    let deleted = tx.run(B::Connection::DELETE_ARTIFACTS, values![ids]).await?;
    tx.commit().await?;
    Ok((deleted, repositories))
}
