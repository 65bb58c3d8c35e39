//! Who this process is in the queue.

use std::sync::{Arc, PoisonError, RwLock};

use warmer_store::InstanceId;

/// A random name, new at every start, and again after the process was declared dead: what was claimed under the old one
/// belongs to others by then. A clone is the same identity.
#[derive(Clone, Debug)]
pub struct Identity(Arc<RwLock<InstanceId>>);

impl Identity {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(Arc::new(RwLock::new(InstanceId::random())))
    }

    /// That of another process, which this one works for.
    #[must_use]
    pub fn of(instance: InstanceId) -> Self {
        Self(Arc::new(RwLock::new(instance)))
    }

    /// The name of the moment.
    #[must_use]
    pub fn get(&self) -> InstanceId {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another name.
    pub(crate) fn renew(&self) -> InstanceId {
        let name = InstanceId::random();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = name;
        name
    }
}
