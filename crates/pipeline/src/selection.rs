//! Which jobs this process takes: any, or only some.

use std::sync::{Arc, PoisonError, RwLock};

use warmer_store::{JobId, Takes};

/// Which jobs this process takes. A clone is the same selection.
#[derive(Clone, Debug, Default)]
pub struct Selection(Arc<RwLock<Option<Vec<JobId>>>>);

impl Selection {
    /// Any job.
    pub fn any() -> Self {
        Self::default()
    }

    /// Only these, until others are named.
    pub fn only(jobs: Vec<JobId>) -> Self {
        Self(Arc::new(RwLock::new(Some(jobs))))
    }

    /// From now on only these.
    pub fn name(&self, jobs: Vec<JobId>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(jobs);
    }

    /// As the instance's row says.
    pub(crate) fn takes(&self) -> Takes {
        if self.jobs().is_some() { Takes::Own } else { Takes::Any }
    }

    pub(crate) fn jobs(&self) -> Option<Vec<JobId>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
