//! Rescue: the jobs of an instance that died are put back, by whoever notices; no leader.
//!
//! Three signs together: its row is stale, the server has been up for long enough that it would have come back, and its
//! lock is free. A stale row under a held lock is a slow database; a free lock over a fresh row is an instance that is
//! reconnecting. The lock is taken for the length of the transaction, which bars its return until all is put back.

use super::Postgres;
use super::session::{LIVE_LOCK, waits};
use crate::job::{ClaimId, InstanceId};
use crate::queue::Rescued;
use crate::sql::{
    Base as _, Connection as _, Fault, Row as _, Writing as _, attempt_count, refusal, settle, unpin, values,
};

/// $1: the suspect; $2: how old its last heartbeat must be; $3: how long the server must have been up. One that is
/// known to be gone may still have left a job behind: a claim that was under way when it was declared dead.
const SUSPECT: &str = "
    SELECT lock_key, host, pid FROM instance, clock, server WHERE id = $1
        AND (state <> 'alive' OR (seen_at < now - $2 AND server.started_at < now - $3))";
const DEAD: &str = "
    UPDATE instance SET state = 'dead' WHERE id = $1
        AND (state <> 'alive' OR seen_at < (SELECT now FROM clock) - $2)";
const RUNNING: &str = "SELECT claim FROM job WHERE state = 'running' AND instance = $1 ORDER BY id";

pub(super) async fn rescue(store: &Postgres, suspect: InstanceId) -> Result<Option<Rescued>, Fault> {
    let (dead_after, grace) = waits(&store.settings);
    let mut tx = store.write().await?;
    let Some(row) = tx.maybe(SUSPECT, values![suspect.0, dead_after, grace]).await? else { return Ok(None) };
    let key = row.int("lock_key")?;
    let free = tx.one(LIVE_LOCK, values![i64::from(store.settings.live()), key]).await?.flag("free")?;
    if !free || tx.run(DEAD, values![suspect.0, dead_after]).await? == 0 {
        return Ok(None);
    }
    let running = tx.all(RUNNING, values![suspect.0]).await?;
    let claims: Vec<ClaimId> = running.iter().map(|row| row.id("claim").map(ClaimId)).collect::<sqlx::Result<_>>()?;
    let orphans = settle::crashed(&mut *tx, &claims).await?;
    unpin(&mut *tx, suspect).await?;
    refusal::left(&mut *tx, suspect).await?;
    attempt_count::crashed(&mut *tx, orphans.refreshes).await?;
    tx.commit().await?;
    Ok(Some(Rescued { jobs: orphans.jobs, host: row.text("host")?.to_owned(), pid: row.small("pid")? }))
}
