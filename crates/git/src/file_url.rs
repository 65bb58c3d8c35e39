//! Paths of this machine as people name them.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// The path of a file URL: as it stands if there is such a file, else with its percent escapes resolved, as git does.
pub(crate) fn path(rest: &str) -> PathBuf {
    let plain = PathBuf::from(rest);
    match plain.exists() {
        true => plain,
        false => percent_decoded(rest),
    }
}

/// A path with its percent escapes resolved; what is no escape stands for itself.
fn percent_decoded(path: &str) -> PathBuf {
    let (mut bytes, mut rest) = (Vec::with_capacity(path.len()), path.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|digits| *first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let byte = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &behind[2..] } else { behind };
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// What may not be read where a repository is looked for: the folder itself, or what looks like one's git directory.
pub(crate) fn unreadable_near(path: &Path) -> Option<PathBuf> {
    let candidates = std::iter::once(path.to_owned()).chain(path.ancestors().map(|above| above.join(".git")));
    let denied = |path: &PathBuf| {
        let read = if path.is_file() { File::open(path).map(drop) } else { path.read_dir().map(drop) };
        read.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    };
    candidates.into_iter().find(denied)
}

#[cfg(test)]
mod tests {
    use crate::Remote;

    #[test]
    fn escapes_in_a_file_url_are_resolved_as_git_does_unless_a_file_is_called_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it is there");
        let url = |name: &str| Remote::parse(&format!("file://{}/{name}", root.display()), &root);
        for name in ["with blank", "100%"] {
            gix::init_bare(root.join(name)).expect("a repository");
        }
        for (written, name) in [("with%20blank", "with blank"), ("with blank", "with blank"), ("100%", "100%")] {
            assert_eq!(url(written).expect(written).path(), Some(root.join(name).as_path()), "{written}");
        }
        gix::init_bare(root.join("with%20blank")).expect("a repository");
        assert_eq!(url("with%20blank").expect("as it stands").path(), Some(root.join("with%20blank").as_path()));
    }
}
