//! The session of the only pipeline there is: its file lock is held as long as the process lives.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use uuid::Uuid;

use super::{Writer, fault};
use crate::error::StoreError;
use crate::job::InstanceId;
use crate::queue::SlotToken;
use crate::session::{Heartbeat, Session};
use crate::sql::{Connection as _, Fault, Writing as _, values};

/// Slots in hand: this process is the cluster.
pub(super) type Slots = Arc<Mutex<HashSet<SlotToken>>>;

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

    async fn take_slot(&mut self, n: u32) -> Result<Option<SlotToken>, StoreError> {
        let token = take(&self.slots, n);
        self.mine.extend(token);
        Ok(token)
    }

    async fn release_slot(&mut self, token: SlotToken) -> Result<(), StoreError> {
        self.mine.remove(&token);
        release(&self.slots, token);
        Ok(())
    }

    async fn close(&mut self) {
        for token in self.mine.drain() {
            release(&self.slots, token);
        }
    }
}

/// Notes that an instance lives, if it does.
pub(super) async fn seen(writer: &Writer, instance: InstanceId) -> Result<bool, Fault> {
    const SEEN: &str = "UPDATE instance SET seen_at = (SELECT now FROM clock) WHERE id = $1 AND state = 'alive'";
    let mut held = writer.statement().await?;
    let rows = held.run(SEEN, values![instance.0]).await?;
    held.commit().await?;
    Ok(rows > 0)
}

pub(super) fn take(slots: &Slots, n: u32) -> Option<SlotToken> {
    let mut held = slots.lock().unwrap_or_else(PoisonError::into_inner);
    if n > 0 && held.len() >= n as usize {
        return None;
    }
    let token = SlotToken(Uuid::new_v4());
    held.insert(token);
    Some(token)
}

pub(super) fn held(slots: &Slots) -> u64 {
    slots.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
}

pub(super) fn release(slots: &Slots, token: SlotToken) {
    slots.lock().unwrap_or_else(PoisonError::into_inner).remove(&token);
}
