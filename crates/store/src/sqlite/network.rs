//! Network file systems, on which SQLite's locks and shared memory do not hold.

use std::path::Path;

use crate::error::{StoreError, StoreErrorKind};

/// Refuses a directory on a network file system; a directory that cannot be asked passes.
#[cfg(target_os = "linux")]
pub(super) fn refuse(directory: &Path) -> Result<(), StoreError> {
    let Ok(facts) = rustix::fs::statfs(directory) else { return Ok(()) };
    // The width of `f_type` differs by platform; its 32 bits are what the kernel means.
    match name(facts.f_type as u32) {
        None => Ok(()),
        Some(name) => Err(StoreError::new(
            StoreErrorKind::NetworkFs,
            format!(
                "{} is on a network file system ({name}), where SQLite's locks do not hold: keep the data directory on \
                a \
                 local disk, or use PostgreSQL",
                directory.display()
            ),
        )),
    }
}

/// Elsewhere there is no portable way to ask.
#[cfg(not(target_os = "linux"))]
pub(super) fn refuse(_directory: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// The network file system with this magic number (linux/magic.h and the projects' own headers).
/// FUSE is not among them: the root of a rootless container is one, and works.
#[cfg(target_os = "linux")]
fn name(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x0000_6969 => "NFS",
        0x0000_517b => "SMB",
        0xff53_4d42 => "CIFS",
        0xfe53_4d42 => "SMB2",
        0x0102_1997 => "9p",
        0x00c3_6400 => "Ceph",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x7375_7245 => "Coda",
        0x0bd0_0bd0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x0116_1970 => "GFS2",
        _ => return None,
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_by_name() {
        assert_eq!(name(0x6969), Some("NFS"));
        assert_eq!(name(0xff53_4d42), Some("CIFS"));
        for local in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x6573_5546, 0x794c_7630] {
            assert_eq!(name(local), None, "ext4, xfs, btrfs, tmpfs, fuse and overlay are local: {local:#x}");
        }
    }

    #[test]
    fn a_directory_of_this_machine_is_not_refused() {
        assert_eq!(refuse(Path::new("/")), Ok(()));
    }
}
