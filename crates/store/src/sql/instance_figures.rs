//! The figures of instances: a row each, updated in place.

use async_trait::async_trait;

use super::transient::retrying;
use super::{Base, Connection as _, Fault, Row, Writing as _, count, tally, values};
use crate::error::StoreError;
use crate::instance_figures::{FleetFigures, InstanceFigures, Reported};
use crate::job::InstanceId;
use crate::orders::AskedMark;
use crate::tally::Heard;

/// $1: the instance; $2: what it says. Gives the tally, as `tally::READ` does, and the mark of what is asked.
const REPORT: &str = "
    INSERT INTO instance_figures (instance, at, figures)
    SELECT instance.id, now, $2 FROM instance, clock WHERE instance.id = $1 AND instance.state = 'alive'
    ON CONFLICT (instance) DO UPDATE SET at = excluded.at, figures = excluded.figures
    RETURNING (SELECT tally.figures FROM tally WHERE counted_at IS NOT NULL) AS tally,
              (SELECT now - counted_at FROM tally, clock) AS age,
              (SELECT number FROM reload) AS reloads, (SELECT count(*) FROM tune) AS tunes,
              (SELECT max(set_at) FROM tune) AS tuned_at";
/// As in `status`, an instance without a heartbeat for 30 s is not alive.
const REPORTS: &str = "
    SELECT instance.id, host, now - at AS age, figures
    FROM instance_figures JOIN instance ON instance.id = instance_figures.instance, clock
    WHERE state = 'alive' AND seen_at > now - 30000000 ORDER BY started_at, instance.id";

#[async_trait]
impl<B: Base> FleetFigures for B {
    async fn report(&self, instance: InstanceId, figures: &InstanceFigures) -> Result<Option<Heard>, StoreError> {
        // Not tried again: the next figures are newer.
        self.door(report(self, instance, &figures.written()).await)
    }

    async fn reports(&self) -> Result<Vec<Reported>, StoreError> {
        retrying!(self, reports(self))
    }
}

async fn report<B: Base>(store: &B, instance: InstanceId, figures: &str) -> Result<Option<Heard>, Fault> {
    let mut held = store.single().await?;
    let row = held.maybe(REPORT, values![instance.0, figures]).await?;
    held.commit().await?;
    Ok(row.map(|row| heard_in(&row)).transpose()?)
}

fn heard_in(row: &impl Row) -> sqlx::Result<Heard> {
    let (reloads, tunes) = (count(row.int("reloads")?), count(row.int("tunes")?));
    let asked = AskedMark { reloads, tunes, tuned_at: row.maybe_int("tuned_at")? };
    Ok(Heard { tally: tally::tally_in(row)?, asked })
}

async fn reports<B: Base>(store: &B) -> Result<Vec<Reported>, Fault> {
    let mut conn = store.read().await?;
    let mut reports = vec![];
    for row in conn.all(REPORTS, values![]).await? {
        // Of a version that writes something else nothing is known.
        let figures = serde_json::from_str(row.text("figures")?).unwrap_or_default();
        let age = std::time::Duration::from_micros(row.int("age")?.try_into().unwrap_or(0));
        let (instance, host) = (InstanceId(row.id("id")?), row.text("host")?.to_owned());
        reports.push(Reported { instance, host, age, figures });
    }
    Ok(reports)
}
