//! Whether a file of the configuration has changed. A file may be written in place, replaced, or be behind a symbolic
//! link that leads elsewhere now, as Kubernetes does with a ConfigMap: what counts is what reading its path gives.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use warmer_content::Digest;

/// How often the files are looked at: a few calls of the system for each.
pub(super) const EVERY: Duration = Duration::from_secs(2);

/// What was seen of the files.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// By the look before: who writes a file may not be done.
    last: Option<Vec<Stamp>>,
    /// When the digest was taken.
    settled: Option<Vec<Stamp>>,
    /// Of what the files hold.
    digest: Option<Digest>,
}

/// What tells one state of a file from another without reading it; `None`: it is not there.
type Stamp = Option<(PathBuf, [u64; 3], [i64; 2])>;

impl Watch {
    /// Whether the files hold something else than when that was last found, and have been left alone since the last
    /// look. So it is once after the start.
    pub(super) fn look(&mut self, files: &[PathBuf]) -> bool {
        let stamps: Vec<_> = files.iter().map(|file| stamp(file)).collect();
        if self.settled.as_ref() == Some(&stamps) {
            return false;
        }
        if self.last.as_ref() != Some(&stamps) {
            self.last = Some(stamps);
            return false;
        }
        self.settled = Some(stamps);
        // Nobody knows what they held when they were loaded: the first digest counts as another one.
        let digest = Some(digest(files));
        std::mem::replace(&mut self.digest, digest) != digest
    }
}

fn stamp(file: &Path) -> Stamp {
    let found = fs::metadata(file).ok()?;
    let place = fs::canonicalize(file).ok()?;
    Some((place, [found.dev(), found.ino(), found.len()], [found.mtime(), found.mtime_nsec()]))
}

fn digest(files: &[PathBuf]) -> Digest {
    let mut all = Vec::new();
    for file in files {
        // What cannot be read is told when it is loaded.
        let held = fs::read(file).unwrap_or_default();
        all.extend_from_slice(&(held.len() as u64).to_le_bytes());
        all.extend_from_slice(&held);
    }
    Digest::of(&all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_changed_once_it_is_left_alone_and_holds_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let (file, mut watch) = (folder.path().join("warmer.toml"), Watch::default());
        let looks = |watch: &mut Watch| [(); 3].map(|()| watch.look(std::slice::from_ref(&file)));
        assert_eq!(looks(&mut watch), [false, true, false], "it is not there");
        fs::write(&file, "a").unwrap();
        assert_eq!(looks(&mut watch), [false, true, false]);
        // The same text in another file, renamed into its place.
        fs::write(folder.path().join("new"), "a").unwrap();
        fs::rename(folder.path().join("new"), &file).unwrap();
        assert_eq!(looks(&mut watch), [false; 3]);
        fs::remove_file(&file).unwrap();
        assert_eq!(looks(&mut watch), [false, true, false]);
    }

    #[test]
    fn a_link_that_leads_elsewhere_is_a_change_as_kubernetes_makes_it() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (version, text) in [("..1", "concurrency = 1"), ("..2", "concurrency = 2")] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("warmer.toml"), text).unwrap();
        }
        symlink("..1", at("..data")).unwrap();
        symlink("..data/warmer.toml", at("warmer.toml")).unwrap();
        let (files, mut watch) = ([at("warmer.toml")], Watch::default());
        assert_eq!([(); 3].map(|()| watch.look(&files)), [false, true, false]);
        symlink("..2", at("..data_tmp")).unwrap();
        fs::rename(at("..data_tmp"), at("..data")).unwrap();
        assert_eq!([(); 3].map(|()| watch.look(&files)), [false, true, false]);
    }
}
