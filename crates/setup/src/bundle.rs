//! A bundle: the program, the runtime and the model in one directory, wherever that is.
//!
//! ```text
//! an archive, unpacked        a package of the system
//! DIR/bin/warmer              /usr/bin/warmer
//! DIR/manifest.json           /usr/lib/warmer/manifest.json
//! DIR/lib/libonnxruntime.so   /usr/lib/warmer/libonnxruntime.so
//! DIR/model/NAME/             /usr/lib/warmer/model/NAME/
//! ```

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cache::{LIBRARY_NAME, MODEL_NAME};
use crate::manifest::Manifest;

/// The bundle that a program is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    root: PathBuf,
    library: PathBuf,
}

impl Bundle {
    /// The one that this program lies in. `program` is its real path, without symbolic links.
    pub fn of_program(program: &Path) -> Option<Self> {
        let above = program.parent()?.parent()?;
        let places = [(above.to_owned(), "lib"), (above.join("lib/warmer"), "")];
        let bundles = places.map(|(root, lib)| Self { library: root.join(lib).join(LIBRARY_NAME), root });
        // A manifest alone may be that of anything.
        bundles
            .into_iter()
            .find(|bundle| bundle.root.join(Manifest::FILE).is_file() && bundle.root.join("model").is_dir())
    }

    /// The directory of the manifest.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The ONNX Runtime library.
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// The default model.
    pub fn model_dir(&self) -> PathBuf {
        self.root.join("model").join(MODEL_NAME)
    }

    /// What lies in it by its own account.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub fn manifest(&self) -> Result<Manifest> {
        Manifest::read(&self.root)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Makes these files below a directory.
    fn tree(files: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for file in files {
            let file = directory.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        directory
    }

    #[test]
    fn an_unpacked_archive_is_known_by_its_manifest_and_model() {
        let directory = tree(&["bin/warmer", "manifest.json", "model/all-MiniLM-L6-v2/tokenizer.json"]);
        let bundle = Bundle::of_program(&directory.path().join("bin/warmer")).unwrap();
        assert_eq!(bundle.root(), directory.path());
        assert_eq!(bundle.library(), directory.path().join("lib").join(LIBRARY_NAME));
        assert!(bundle.model_dir().join("tokenizer.json").is_file());
    }

    #[test]
    fn a_package_of_the_system_lies_below_lib() {
        let directory = tree(&["usr/bin/warmer", "usr/lib/warmer/manifest.json", "usr/lib/warmer/model/x"]);
        let bundle = Bundle::of_program(&directory.path().join("usr/bin/warmer")).unwrap();
        assert_eq!(bundle.library(), directory.path().join("usr/lib/warmer").join(LIBRARY_NAME));
    }

    #[test]
    fn a_manifest_of_something_else_makes_no_bundle() {
        let directory = tree(&["bin/warmer", "manifest.json"]);
        assert_eq!(Bundle::of_program(&directory.path().join("bin/warmer")), None);
        assert_eq!(Bundle::of_program(Path::new("warmer")), None);
    }
}
