//! Slots: N numbered session locks, and for each a row that says who took it last.
//!
//! The lock is the permit; it cannot be given back twice. The token in the row is how a session that lost its
//! connection knows whether its slot was in other hands in between.

use uuid::Uuid;

use super::LockSession;
use super::listener::NOTIFY;
use super::session::waits;
use crate::error::{StoreError, StoreErrorKind};
use crate::queue::SlotToken;
use crate::sql::{Row as _, values};

const UNLOCK: &str = "SELECT pg_advisory_unlock(CAST($1 AS INTEGER), CAST($2 AS INTEGER)) AS free";
/// $1: the number; $2: the holder; $3: the token; $4: for how long after the server came up a slot is kept for the
/// holder of before, unless that is known to be gone: it may only not have come back yet.
const NOTE: &str = "
    INSERT INTO slot (number, holder, token, since) SELECT $1, $2, $3, now FROM clock WHERE true
    ON CONFLICT (number) DO UPDATE SET holder = excluded.holder, token = excluded.token, since = excluded.since
        WHERE slot.holder IS NULL OR slot.holder = excluded.holder
            OR NOT EXISTS (SELECT 1 FROM instance WHERE instance.id = slot.holder AND instance.state = 'alive')
            OR (SELECT started_at FROM server) < (SELECT now FROM clock) - $4
    RETURNING number";
const FORGET: &str = "UPDATE slot SET holder = NULL, token = NULL WHERE number = $1 AND token = $2";
const TOKEN: &str = "SELECT token FROM slot WHERE number = $1";

impl LockSession {
    /// Tries each number once, from a random one on.
    pub(super) async fn take(&mut self, n: u32) -> Result<Option<SlotToken>, StoreError> {
        let token = SlotToken(Uuid::new_v4());
        let n = i32::try_from(n).unwrap_or(i32::MAX);
        if n == 0 {
            return Ok(Some(token));
        }
        let start = i32::from(u16::from_be_bytes([token.0.as_bytes()[0], token.0.as_bytes()[1]])) % n;
        for number in (start..n).chain(0..start) {
            if !self.held.contains_key(&number) && self.take_number(number, token).await? {
                return Ok(Some(token));
            }
        }
        Ok(None)
    }

    async fn take_number(&mut self, number: i32, token: SlotToken) -> Result<bool, StoreError> {
        // A statement that was ended may have taken it before.
        let free = self.lock(self.settings.slots(), number.into()).await.inspect_err(|_| self.sever())?;
        if !free {
            return Ok(false);
        }
        let (_, grace) = waits(&self.settings);
        let noted = self.ask(NOTE, values![number, self.instance.0, token.0, grace]).await;
        if let Ok(Some(_)) = noted {
            self.held.insert(number, token);
            return Ok(true);
        }
        let unlocked = self.unlock(number).await;
        noted.and(unlocked).map(|()| false)
    }

    pub(super) async fn give(&mut self, token: SlotToken) -> Result<(), StoreError> {
        let Some(number) = self.held.iter().find(|(_, held)| **held == token).map(|(number, _)| *number) else {
            return Ok(());
        };
        self.held.remove(&number);
        // The lock is the slot. A row that goes on naming us keeps it from others only just after the server came up.
        if let Err(error) = self.ask(FORGET, values![number, token.0]).await {
            tracing::debug!(%error, slot = number, "clearing the row of a released slot failed");
        }
        self.unlock(number).await?;
        // Somebody may be waiting for one. The slot is free whether that is heard or not.
        if let Err(error) = self.ask(NOTIFY, &[]).await {
            tracing::debug!(%error, "notifying other instances failed; they find the rows when they poll");
        }
        Ok(())
    }

    /// On any doubt the session is dropped, and its locks with it: the slots that it still held it takes again. A lock
    /// that nothing here knows of would be one slot less for as long as the session lives.
    async fn unlock(&mut self, number: i32) -> Result<(), StoreError> {
        let unlocked = self.ask_one(UNLOCK, values![self.settings.slots(), number]).await;
        let row = unlocked.inspect_err(|_| self.sever())?;
        if !row.flag("free").unwrap_or(false) {
            tracing::error!(
                slot = number,
                "PostgreSQL says that this session did not hold the slot that it released; reconnecting"
            );
            self.sever();
        }
        Ok(())
    }

    /// After a reconnection: takes the locks of its slots again, and tells which another session holds by now.
    pub(super) async fn retake(&mut self) -> Result<Vec<SlotToken>, StoreError> {
        let mut lost = Vec::new();
        for (number, token) in self.held.clone() {
            let free = self.lock(self.settings.slots(), number.into()).await?;
            let noted = self.ask(TOKEN, values![number]).await?.and_then(|row| row.maybe_id("token").ok().flatten());
            if noted != Some(token.0) {
                lost.push(token);
                if free {
                    self.unlock(number).await?;
                }
            } else if !free {
                // Somebody is looking at it: either puts it back, or notes its own token before the next heartbeat.
                let message = format!("slot {number} is looked at by another instance: try again in a moment");
                return Err(StoreError::new(StoreErrorKind::Busy, message));
            }
        }
        Ok(lost)
    }
}
