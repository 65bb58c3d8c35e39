//! One set-up at a time: an operating system lock on `setup.lock`, gone with its process however that ends.

use std::fs::{File, TryLockError};

use anyhow::{Context, Result};

use crate::cache::Cache;
use crate::console::say;
use crate::failure;

/// The lock, held until it is dropped.
pub(crate) struct Exclusive {
    _file: File,
}

impl Exclusive {
    /// Waits for another set-up of the same cache directory to end.
    pub(crate) fn acquire(cache: &Cache) -> Result<Self> {
        let path = cache.lock_file();
        let open = File::options().create(true).truncate(false).write(true).open(&path);
        let file = open.map_err(|error| failure::writing(&path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                say("set-up: another one is running, waiting for it");
                file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        Ok(Self { _file: file })
    }
}
