//! The figures of instances: a row each, updated in place.

use async_trait::async_trait;

use super::transient::retrying;
use super::{Base, Connection as _, Fault, Row as _, values};
use crate::error::StoreError;
use crate::instance_figures::{FleetFigures, InstanceFigures, Reported};
use crate::job::InstanceId;

/// $1: the instance; $2: what it says.
const REPORT: &str = "
    INSERT INTO instance_figures (instance, at, figures)
    SELECT instance.id, now, $2 FROM instance, clock WHERE instance.id = $1 AND instance.state = 'alive'
    ON CONFLICT (instance) DO UPDATE SET at = excluded.at, figures = excluded.figures";
/// As in `status`, an instance without a heartbeat for 30 s is not alive.
const REPORTS: &str = "
    SELECT instance.id, now - at AS age, figures
    FROM instance_figures JOIN instance ON instance.id = instance_figures.instance, clock
    WHERE state = 'alive' AND seen_at > now - 30000000 ORDER BY started_at, instance.id";

#[async_trait]
impl<B: Base> FleetFigures for B {
    async fn report(&self, instance: InstanceId, figures: &InstanceFigures) -> Result<bool, StoreError> {
        let text = figures.written();
        // Not tried again: the next figures are newer.
        self.door(self.once(REPORT, values![instance.0, &text]).await).map(|said| said > 0)
    }

    async fn reports(&self) -> Result<Vec<Reported>, StoreError> {
        retrying!(self, reports(self))
    }
}

async fn reports<B: Base>(store: &B) -> Result<Vec<Reported>, Fault> {
    let mut conn = store.read().await?;
    let mut reports = vec![];
    for row in conn.all(REPORTS, values![]).await? {
        // Of a version that writes something else nothing is known.
        let figures = serde_json::from_str(row.text("figures")?).unwrap_or_default();
        let age = std::time::Duration::from_micros(row.int("age")?.try_into().unwrap_or(0));
        reports.push(Reported { instance: InstanceId(row.id("id")?), age, figures });
    }
    Ok(reports)
}
