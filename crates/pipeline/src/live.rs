//! Live settings: what a running pipeline goes by. A reload changes them, and whoever uses them looks again each time.

use std::sync::{Arc, PoisonError, RwLock};

/// Something that is replaced as a whole while others use it. A clone is the same.
#[derive(Debug, Default)]
pub struct Live<T>(Arc<RwLock<Arc<T>>>);

impl<T> Live<T> {
    /// This, for now.
    #[must_use]
    pub fn new(first: T) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(first))))
    }

    /// As it is now. Who does several things by it keeps it, so that they fit together.
    #[must_use]
    pub fn now(&self) -> Arc<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on it is this; what it was.
    pub fn replace(&self, next: T) -> Arc<T> {
        std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), Arc::new(next))
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> From<T> for Live<T> {
    fn from(first: T) -> Self {
        Self::new(first)
    }
}
