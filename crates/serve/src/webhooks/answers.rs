//! How requests of git hosts were answered, for who counts them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;

use super::host::HookHost;

/// Answers by host and status: as many as there are of both, whoever asks. A clone counts the same.
#[derive(Clone, Debug, Default)]
pub struct HookAnswers(Arc<Mutex<BTreeMap<(HookHost, u16), u64>>>);

impl HookAnswers {
    /// All so far.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<(HookHost, u16), u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on each host may be answered by these.
    pub(super) fn begin(&self, statuses: &[StatusCode]) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for host in HookHost::ALL {
            for status in statuses {
                counts.entry((host, status.as_u16())).or_default();
            }
        }
    }

    /// One more.
    pub(super) fn count(&self, host: HookHost, status: StatusCode) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry((host, status.as_u16())).or_default() += 1;
    }
}
