//! A wheel: found where pip left it, and the few of its files that are kept, each written in a way that survives a
//! crash and a copy.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use crate::catalogue::Package;
use crate::failure;

/// The wheel of this package in a directory that pip filled.
pub(crate) fn find(wheels: &Path, package: &Package) -> Result<PathBuf> {
    let prefix = format!("{}-{}-", package.module(), package.version);
    let names = fs::read_dir(wheels)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&prefix) && name.ends_with(".whl")
    };
    names.into_iter().find(named).with_context(|| format!("pip left no wheel of {}", package.pinned()))
}

/// The files of a wheel, unpacked below a directory.
pub(crate) struct Wheel {
    pub(crate) directory: PathBuf,
}

impl Wheel {
    /// The bytes of a file of the wheel.
    pub(crate) fn read(&self, member: &str) -> Result<Vec<u8>> {
        fs::read(self.directory.join(member)).with_context(|| format!("the wheel has no readable file {member}"))
    }

    /// Keeps a file of the wheel as `file`.
    pub(crate) fn keep(&self, member: &str, file: &Path) -> Result<()> {
        store(file, &self.read(member)?)
    }
}

/// Writes a file and its directories through to the disk. Its time is set to a whole second: archives and container
/// layers keep no finer one, and a copy of the directory should still agree with its lock.
pub(crate) fn store(file: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        if let Some(directory) = file.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut open = File::create(file)?;
        open.write_all(bytes)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        open.set_modified(UNIX_EPOCH + Duration::from_secs(now.as_secs()))?;
        open.sync_all()
    };
    write().map_err(|error| failure::writing(file, error))
}
