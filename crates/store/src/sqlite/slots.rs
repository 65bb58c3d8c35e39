//! The slots of the only pipeline there is.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use crate::queue::SlotToken;

/// The slots that are held: this process is the cluster.
pub(super) type Slots = Arc<Mutex<HashSet<SlotToken>>>;

/// One more, unless `n` are taken; 0 is no limit.
pub(super) fn take(slots: &Slots, n: u32) -> Option<SlotToken> {
    let mut held = slots.lock().unwrap_or_else(PoisonError::into_inner);
    if n > 0 && held.len() >= n as usize {
        return None;
    }
    let token = SlotToken(Uuid::new_v4());
    held.insert(token);
    Some(token)
}

/// How many are taken.
pub(super) fn held(slots: &Slots) -> u64 {
    slots.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
}

/// Gives one back.
pub(super) fn release(slots: &Slots, token: SlotToken) {
    slots.lock().unwrap_or_else(PoisonError::into_inner).remove(&token);
}
