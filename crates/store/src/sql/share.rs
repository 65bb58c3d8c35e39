//! A share of a verification: so many artifacts and vectors behind those of the share before, round and round, so that
//! all are read in time. What cannot be used is deleted, and who serves it is checked as a whole.

use super::verify::{self, LAST_ARTIFACT, LAST_VECTOR, Read, STEP, miscounted, not_of_length_one, unreadable};
use super::{Base, Connection, Fault, Row as _, Statements, Value, Writing as _, symbols, values};
use crate::upkeep::{Share, TurnId};

/// Repositories with an entry that shows an artifact, by what tells which.
macro_rules! serves_artifact {
    ($which:literal) => {
        concat!("SELECT entry.repository FROM artifact JOIN entry ON entry.artifact = artifact.key WHERE ", $which)
    };
}

/// Repositories with an entry that shows an artifact with a chunk that has a vector, by what tells which.
macro_rules! serves_vector {
    ($which:literal) => {
        concat!(
            "SELECT entry.repository FROM vector JOIN artifact_chunk ON artifact_chunk.text = vector.text
             JOIN artifact ON artifact.id = artifact_chunk.artifact JOIN entry ON entry.artifact = artifact.key
             WHERE ",
            $which
        )
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
pub(crate) use {check_again, serves_artifact, serves_vector};

/// What is walked through by its ids.
struct Walk {
    what: What,
    last: &'static str,
    /// How far the share before came; $1 is the turn.
    position: &'static str,
    /// $1: the turn; $2: how far.
    moved: &'static str,
    check: &'static str,
    delete: &'static str,
}

#[derive(Clone, Copy)]
enum What {
    Artifacts,
    Vectors,
}

const fn artifacts<C: Statements>() -> Walk {
    Walk {
        what: What::Artifacts,
        last: LAST_ARTIFACT,
        position: "SELECT artifact AS position FROM upkeep WHERE turn = $1",
        moved: "UPDATE upkeep SET artifact = $2 WHERE turn = $1",
        check: C::CHECK_ARTIFACTS,
        delete: C::DELETE_ARTIFACTS,
    }
}

const fn vectors<C: Statements>() -> Walk {
    Walk {
        what: What::Vectors,
        last: LAST_VECTOR,
        position: "SELECT vector AS position FROM upkeep WHERE turn = $1",
        moved: "UPDATE upkeep SET vector = $2 WHERE turn = $1",
        check: C::CHECK_VECTORS,
        delete: C::DELETE_VECTORS,
    }
}

/// False: the turn is another's. What was found is in `found`, whatever comes of it.
pub(super) async fn verify<B: Base>(store: &B, turn: TurnId, shares: u32, found: &mut Share) -> Result<bool, Fault> {
    Ok(walk(store, turn, shares, &artifacts::<B::Connection>(), found).await?
        && walk(store, turn, shares, &vectors::<B::Connection>(), found).await?)
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
        let (deleted, repositories) = delete(store, walk, &bad).await?;
        if let What::Artifacts = walk.what {
            // Nobody has to be checked for these: they are made anew when they are asked for.
            let bad = symbols::unreadable(&mut *store.read().await?, after, after + STEP).await?;
            found.symbols_damaged += verify::delete(store, B::Connection::DELETE_SYMBOLS, &bad).await?;
        }
        let (read, damaged) = match walk.what {
            What::Artifacts => (&mut found.artifacts, &mut found.artifacts_damaged),
            What::Vectors => (&mut found.vectors, &mut found.vectors_damaged),
        };
        *read += rows;
        *damaged += deleted;
        found.repositories += repositories;
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
async fn delete<B: Base>(store: &B, walk: &Walk, ids: &[i64]) -> Result<(u64, u64), Fault> {
    if ids.is_empty() {
        return Ok((0, 0));
    }
    let ids = [Value::Ints(Some(ids))];
    let mut tx = store.sweep().await?;
    let repositories = tx.run(walk.check, &ids).await?;
    let deleted = tx.run(walk.delete, &ids).await?;
    tx.commit().await?;
    Ok((deleted, repositories))
}
