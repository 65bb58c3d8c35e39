//! The files of the tree.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a member").to_path_buf()
}

/// A file as text.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the crates.
pub(crate) fn crates() -> Vec<String> {
    let entries = fs::read_dir(root().join("crates")).expect("the crates").flatten();
    let mut names: Vec<_> = entries
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The Rust files below a directory of the workspace: name from the workspace's root, and text.
pub(crate) fn sources_in(directory: &str) -> Vec<(String, String)> {
    let (mut found, mut open) = (vec![], vec![root().join(directory)]);
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
                found.push((name, read(&path)));
            }
        }
    }
    found.sort();
    found
}

/// All Rust files of the workspace.
pub(crate) fn sources() -> Vec<(String, String)> {
    ["crates", "tests", "benches"].into_iter().flat_map(sources_in).collect()
}
