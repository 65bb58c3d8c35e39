//! The data directory and the database in it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use warmer_settings::redacted;
use warmer_store::{DatabaseSettings, Role, StoreError, StoreErrorKind};

use super::finding::Finding;

use crate::context::Context;
use crate::database;

/// The name of the finding about the data directory.
const DATA: &str = "data directory";

/// Whether the data directory can be written, and on what it lies.
pub(super) fn data(directory: &Path, config: &DatabaseSettings) -> Finding {
    let directory = &std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let existing = directory.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let shown = directory.display();
    if !existing.is_dir() {
        return Finding::fail(DATA, format!("{} is not a directory: set database.data_dir to one", existing.display()));
    }
    if access(existing, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let who = existing.display();
        return Finding::fail(DATA, format!("{who} is not writable: change that, or set database.data_dir elsewhere"));
    }
    match file_system(existing) {
        Some(kind) => writable(directory, &kind, config),
        None => Finding::ok(DATA, format!("{shown} is writable")),
    }
}

/// The finding about a directory that can be written, on a file system of this kind. Where the database is elsewhere
/// only mirrors lie in it, and those can be fetched again.
fn writable(directory: &Path, kind: &str, config: &DatabaseSettings) -> Finding {
    let shown = directory.display();
    if !is_network(kind) {
        return Finding::ok(DATA, format!("{shown} is writable, on {kind}"));
    }
    let elsewhere = config.sqlite_file().is_some_and(|file| !file.starts_with(directory));
    if config.allow_network_fs || config.is_shared() || elsewhere {
        return Finding::warn(DATA, format!("{shown} is on {kind}; make sure that one machine alone uses it"));
    }
    let sentence =
        format!("{shown} is on {kind}, where SQLite's locks do not hold: set database.data_dir to a local disk");
    Finding::fail(DATA, sentence)
}

/// The kind of file system a directory lies on, as the kernel calls it; `None` where it does not tell.
fn file_system(directory: &Path) -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    kind_of(&mounts, &directory.canonicalize().ok()?)
}

/// The last mount of the longest mount point above `path`. A line is `… root mount-point options … - kind source
/// options`.
fn kind_of(mounts: &str, path: &Path) -> Option<String> {
    let mount = |line: &str| {
        let (left, right) = line.split_once(" - ")?;
        // Spaces in a mount point are written `\040`.
        let point = PathBuf::from(left.split(' ').nth(4)?.replace("\\040", " "));
        Some((point, right.split(' ').next()?.to_owned()))
    };
    let above = mounts.lines().filter_map(mount).filter(|(point, _)| path.starts_with(point));
    above.max_by_key(|(point, _)| point.components().count()).map(|(_, kind)| kind)
}

fn is_network(kind: &str) -> bool {
    let kind = kind.trim_start_matches("fuse.");
    ["nfs", "cifs", "smb", "9p", "afs", "ceph", "glusterfs", "lustre", "gpfs", "sshfs", "s3fs", "ncpfs", "coda"]
        .iter()
        .any(|network| kind.starts_with(network))
}

/// Whether the database answers, with a schema of this version and a lock connection that holds.
pub(super) async fn database(context: &Context) -> Finding {
    const NAME: &str = "database";
    let mut location = database::location(context);
    let lock_url = context.config.database.lock_url.expose();
    if !lock_url.is_empty() {
        let _ = write!(location, " (locks by {})", redacted(lock_url));
    }
    match look(context).await {
        Ok((name, repositories)) => {
            Finding::ok(NAME, format!("{location} answers: {name}; repositories: {repositories}"))
        }
        Err(error) if error.downcast_ref().map(StoreError::kind) == Some(StoreErrorKind::Empty) => Finding::ok(
            NAME,
            format!("{location} holds nothing yet; the first `warmer warm` or `warmer run` changes that"),
        ),
        Err(error) => Finding::fail(NAME, error.to_string()),
    }
}

/// What database it is, and how many repositories it holds.
async fn look(context: &Context) -> anyhow::Result<(String, u64)> {
    let store = database::open(context, Role::Reader).await?;
    let looked = async { Ok((store.examine().await?, store.status().await?.repositories)) }.await;
    store.close().await;
    looked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding::State;
    use crate::config::tests::config_of;

    const MOUNTS: &str = "22 1 8:1 / / rw - ext4 /dev/a rw\n30 22 0:5 / /net rw shared:1 - nfs4 host:/x rw\n\
                          31 30 8:2 / /net/my\\040disk rw - xfs /dev/b rw\n";

    #[test]
    fn the_longest_mount_point_decides() {
        let kind = |path: &str| kind_of(MOUNTS, Path::new(path)).unwrap();
        assert_eq!(kind("/home/a"), "ext4");
        assert_eq!(kind("/net/a"), "nfs4");
        assert_eq!(kind("/net/my disk/a"), "xfs");
        assert_eq!(kind("/network"), "ext4");
    }

    #[test]
    fn network_file_systems_are_known() {
        assert!(is_network("nfs4") && is_network("fuse.sshfs") && is_network("9p"));
        assert!(!is_network("ext4") && !is_network("overlay") && !is_network("fuse.ext3"));
    }

    #[test]
    fn a_network_file_system_fails_where_the_database_would_lie_on_it() {
        let state = |toml| writable(Path::new("/net/a"), "nfs4", &config_of(toml).database).state;
        assert_eq!(state(""), State::Fail);
        assert_eq!(state("[database]\nallow_network_fs = true\n"), State::Warn);
        assert_eq!(state("[database]\nurl = \"postgres://db/warmer\"\n"), State::Warn);
        assert_eq!(state("[database]\nurl = \"sqlite:/b/w.sqlite\"\n"), State::Warn);
        assert_eq!(state("[database]\nurl = \"sqlite:/net/a/w.sqlite\"\n"), State::Fail);
        assert_eq!(writable(Path::new("/a"), "ext4", &config_of("").database).state, State::Ok);
    }

    #[test]
    fn a_data_directory_that_is_a_file_fails_with_the_way_out() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let finding = data(&file.path().join("warmer"), &config_of("").database);
        assert_eq!(finding.state, State::Fail);
        assert!(finding.detail.contains("is not a directory: set database.data_dir"), "{finding:?}");
    }
}
