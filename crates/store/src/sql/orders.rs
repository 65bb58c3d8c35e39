//! What is asked of all running instances: one number, and sizes of pools for a while.

use std::time::Duration;

use async_trait::async_trait;

use super::transient::retrying;
use super::{Base, Connection as _, Fault, Row, Writing as _, count, micros, values};
use crate::error::StoreError;
use crate::job::InstanceId;
use crate::orders::{Asked, EndedWithin, Orders, Standing, Tune, TuneId, Tuned};

const ASK: &str = "UPDATE reload SET number = number + 1, asked_at = (SELECT now FROM clock)";
const NUMBER: &str = "SELECT number FROM reload";
const ASKED: &str = "
    SELECT reload.number, tune.id, tune.stage, tune.workers, tune.instance, tune.set_by,
           tune.until - clock.now AS left_us
    FROM reload CROSS JOIN clock LEFT JOIN tune ON tune.until > clock.now ORDER BY tune.set_at, tune.id";
/// Its effects are kept for a day.
const FORGET: &str = "DELETE FROM tune WHERE until < (SELECT now FROM clock) - 86400000000";
/// $1: the tune; $2: the stage; $3: workers; $4: the instances; $5: who; $6: for how long.
const TUNE: &str = "
    INSERT INTO tune (id, stage, workers, instance, set_by, set_at, until)
    SELECT $1, $2, $3, $4, $5, now, now + $6 FROM clock WHERE true ON CONFLICT (id) DO NOTHING";
const END: &str = "
    UPDATE tune SET until = (SELECT now FROM clock) WHERE until > (SELECT now FROM clock)";
/// $1: the tune; $2: the instance; $3: its host; $4 to $6: before; $7 to $9: now; $10: memory.
const NOTE: &str = "
    INSERT INTO tuned (tune, instance, host, workers_before, memory_before, latency_before, workers, memory, latency,
                       memory_max)
    SELECT tune.id, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM tune WHERE tune.id = $1
    ON CONFLICT (tune, instance) DO UPDATE SET
        workers = excluded.workers, memory = excluded.memory, latency = excluded.latency";
const TUNED: &str = "SELECT * FROM tuned WHERE tune = $1 ORDER BY host, instance";
const ENDED: &str = "
    SELECT coalesce(sum(CASE WHEN kind = 0 AND outcome IN ('warmed', 'fresh') THEN 1 ELSE 0 END), 0) AS completed,
           coalesce(sum(CASE WHEN kind = 0 AND outcome IN ('retry', 'stuck', 'unfit', 'dead', 'lost', 'crashed')
                             THEN 1 ELSE 0 END), 0) AS failed,
           coalesce(sum(CASE WHEN outcome = 'filled' THEN 1 ELSE 0 END), 0) AS filled
    FROM attempt WHERE ended_at > (SELECT now FROM clock) - $1";

#[async_trait]
impl<B: Base> Orders for B {
    /// Asked twice, because an acknowledgement was lost, every instance reads once more.
    async fn ask_reload(&self) -> Result<u64, StoreError> {
        retrying!(self, async {
            self.once(ASK, &[]).await?;
            Ok(count(self.read().await?.one(NUMBER, &[]).await?.int("number")?))
        })
    }

    async fn asked(&self) -> Result<Asked, StoreError> {
        retrying!(self, asked(self))
    }

    async fn tune(&self, tune: &Tune) -> Result<(), StoreError> {
        retrying!(self, async {
            let mut tx = self.write().await?;
            tx.run(FORGET, &[]).await?;
            let Tune { id, stage, workers, instance, set_by, left } = tune;
            tx.run(TUNE, values![id.0, stage, *workers, instance, set_by, micros(*left)]).await?;
            Ok(tx.commit().await?)
        })
    }

    async fn end_tunes(&self) -> Result<u64, StoreError> {
        retrying!(self, self.once(END, &[]))
    }

    async fn note_tuned(&self, tune: TuneId, tuned: &Tuned) -> Result<(), StoreError> {
        let Tuned { instance, host, before, now, memory_max } = tuned;
        let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        retrying!(self, async {
            let values = values![
                tune.0,
                instance.0,
                host,
                before.workers,
                bytes(before.memory),
                micros(before.latency),
                now.workers,
                bytes(now.memory),
                micros(now.latency),
                memory_max.map(bytes),
            ];
            self.once(NOTE, values).await.map(drop)
        })
    }

    async fn tuned(&self, tune: TuneId) -> Result<Vec<Tuned>, StoreError> {
        retrying!(self, async {
            let rows = self.read().await?.all(TUNED, values![tune.0]).await?;
            Ok(rows.iter().map(tuned_of).collect::<sqlx::Result<_>>()?)
        })
    }

    async fn ended_within(&self, time: Duration) -> Result<EndedWithin, StoreError> {
        retrying!(self, async {
            let row = self.read().await?.one(ENDED, values![micros(time)]).await?;
            let number = |column| row.int(column).map(count);
            Ok(EndedWithin { completed: number("completed")?, failed: number("failed")?, filled: number("filled")? })
        })
    }
}

async fn asked<B: Base>(store: &B) -> Result<Asked, Fault> {
    let rows = store.read().await?.all(ASKED, &[]).await?;
    let mut asked = Asked::default();
    for row in &rows {
        asked.reloads = count(row.int("number")?);
        let Some(id) = row.maybe_id("id")? else { continue };
        asked.tunes.push(Tune {
            id: TuneId(id),
            stage: row.text("stage")?.to_owned(),
            // Whatever stands there: who reads it has a bound of his own.
            workers: u32::try_from(row.int("workers")?.max(0)).unwrap_or(u32::MAX),
            instance: row.text("instance")?.to_owned(),
            set_by: row.text("set_by")?.to_owned(),
            left: Duration::from_micros(count(row.int("left_us")?)),
        });
    }
    Ok(asked)
}

fn tuned_of(row: &impl Row) -> sqlx::Result<Tuned> {
    let standing = |workers, memory, latency| -> sqlx::Result<_> {
        let latency = Duration::from_micros(count(row.int(latency)?));
        Ok(Standing { workers: row.small(workers)?, memory: count(row.int(memory)?), latency })
    };
    Ok(Tuned {
        instance: InstanceId(row.id("instance")?),
        host: row.text("host")?.to_owned(),
        before: standing("workers_before", "memory_before", "latency_before")?,
        now: standing("workers", "memory", "latency")?,
        memory_max: row.maybe_int("memory_max")?.map(count),
    })
}
