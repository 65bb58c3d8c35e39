//! One way to lock what only short, whole steps change.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whatever happened to those who held the mutex before: everything behind one here is whole at all times.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
