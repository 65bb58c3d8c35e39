//! The session of the only pipeline there is: its file lock is held as long as the process lives.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;

use super::slots::{self, Slots};
use super::{Writer, fault};
use crate::error::StoreError;
use crate::job::InstanceId;
use crate::queue::SlotToken;
use crate::session::{Heartbeat, Session};
use crate::sql::{Connection as _, Fault, Row as _, Writing as _, moment, values};

/// Nobody can take the file lock from a process that lives.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);

pub(super) struct SqliteSession {
    path: Arc<Path>,
    writer: Writer,
    slots: Slots,
    mine: HashSet<SlotToken>,
    instance: InstanceId,
}

impl SqliteSession {
    pub(super) fn new(path: Arc<Path>, writer: Writer, slots: Slots, instance: InstanceId) -> Self {
        Self { path, writer, slots, mine: HashSet::new(), instance }
    }
}

#[async_trait]
impl Session for SqliteSession {
    async fn heartbeat(&mut self) -> Result<Heartbeat, StoreError> {
        let seen = seen(&self.writer, self.instance).await;
        let alive = seen.map_err(|fault| fault::at(&self.path, fault))?;
        Ok(Heartbeat { alive, lease_until: self.lease_until(), suspects: vec![], lost: vec![] })
    }

    fn lease_until(&self) -> Instant {
        Instant::now() + FOR_EVER
    }

    async fn now(&mut self) -> Result<SystemTime, StoreError> {
        now(&self.writer).await.map_err(|fault| fault::at(&self.path, fault))
    }

    async fn take_slot(&mut self, n: u32) -> Result<Option<SlotToken>, StoreError> {
        let token = slots::take(&self.slots, n);
        self.mine.extend(token);
        Ok(token)
    }

    async fn release_slot(&mut self, token: SlotToken) -> Result<(), StoreError> {
        self.mine.remove(&token);
        slots::release(&self.slots, token);
        Ok(())
    }

    async fn close(&mut self) {
        for token in self.mine.drain() {
            slots::release(&self.slots, token);
        }
    }
}

async fn now(writer: &Writer) -> Result<SystemTime, Fault> {
    let row = writer.statement().await?.one("SELECT now FROM clock", &[]).await?;
    Ok(moment(row.int("now")?))
}

/// Notes that an instance lives, if it does.
pub(super) async fn seen(writer: &Writer, instance: InstanceId) -> Result<bool, Fault> {
    const SEEN: &str = "UPDATE instance SET seen_at = (SELECT now FROM clock) WHERE id = $1 AND state = 'alive'";
    let mut held = writer.statement().await?;
    let rows = held.run(SEEN, values![instance.0]).await?;
    held.commit().await?;
    Ok(rows > 0)
}
