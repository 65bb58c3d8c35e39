//! A wheel is a zip file; a few of its members are unpacked, each in a way that survives a crash and a copy.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use zip::ZipArchive;

use crate::catalogue::Package;
use crate::failure;

/// An open wheel.
pub(crate) struct Wheel {
    path: PathBuf,
    archive: ZipArchive<File>,
}

impl Wheel {
    /// The wheel of this package in a directory that pip filled.
    pub(crate) fn open(wheels: &Path, package: &Package) -> Result<Self> {
        let prefix = format!("{}-{}-", package.module(), package.version);
        let names =
            fs::read_dir(wheels)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
        let named = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&prefix) && name.ends_with(".whl")
        };
        let path =
            names.into_iter().find(named).with_context(|| format!("pip left no wheel of {}", package.pinned()))?;
        let archive = File::open(&path).map_err(Into::into).and_then(ZipArchive::new);
        let archive = archive.with_context(|| format!("{} is not a zip file", path.display()))?;
        Ok(Self { path, archive })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of a member; the archive's own checksum is verified while reading.
    pub(crate) fn read(&mut self, member: &str) -> Result<Vec<u8>> {
        let context = || format!("{} has no readable member {member}", self.path.display());
        let mut file = self.archive.by_name(member).with_context(context)?;
        let mut bytes = Vec::with_capacity(usize::try_from(file.size()).unwrap_or_default());
        file.read_to_end(&mut bytes).with_context(context)?;
        Ok(bytes)
    }

    /// Unpacks a member into `file`.
    pub(crate) fn unpack(&mut self, member: &str, file: &Path) -> Result<()> {
        let bytes = self.read(member)?;
        store(file, &bytes)
    }
}

/// Unpacks the wanted members of a wheel below `directory`, for use now: nothing is waited for to reach the disk.
pub fn unpack(wheel: &Path, wanted: impl Fn(&str) -> bool, directory: &Path) -> Result<()> {
    let unpacked = || -> Result<()> {
        let mut archive = ZipArchive::new(File::open(wheel)?)?;
        for number in 0..archive.len() {
            let mut member = archive.by_index(number)?;
            let Some(name) = member.enclosed_name() else { continue };
            if !member.is_file() || !wanted(&name.to_string_lossy()) {
                continue;
            }
            let file = directory.join(name);
            fs::create_dir_all(file.parent().unwrap_or(directory))?;
            io::copy(&mut member, &mut File::create(&file)?)?;
        }
        Ok(())
    };
    unpacked().with_context(|| format!("{} cannot be unpacked into {}", wheel.display(), directory.display()))
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
