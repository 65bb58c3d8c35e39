//! What is in the archive, and where.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use warmer_setup::lock::Lock;
use warmer_setup::{LIBRARY_NAME, MODEL_LOCK, MODEL_NAME, Manifest, ManifestFile, RUNTIME_LOCK};

use super::tree::{Tree, read};
use super::{example, operations};

/// The checksums, as `sha256sum --check` reads them.
const CHECKSUMS: &str = "SHA256SUMS";

/// What the archive is for; beside the files of the tree, the only text of its own.
const README: &str = include_str!("README.md");

/// What a bundle is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The program `warmer`.
    pub program: PathBuf,
    /// The directory of the model, with its lock.
    pub model: PathBuf,
    /// The directory of the runtime library, with its lock and its licences.
    pub runtime: PathBuf,
    /// The root of the tree that the program is built from.
    pub sources: PathBuf,
    /// The licences of what is linked into the program.
    pub notices: Tree,
    /// The version of Warmer.
    pub release: String,
    /// What the program is made for, as Rust names it.
    pub target: String,
}

impl Parts {
    /// The name of the bundle: the directory that the archive unpacks to.
    pub fn name(&self) -> String {
        format!("warmer-{}-{}", self.release, self.target)
    }

    /// The bundle, with its manifest and checksums.
    ///
    /// # Errors
    /// When a part is missing, or is not what its lock says.
    pub fn bundle(&self) -> Result<Tree> {
        let mut tree = Tree::default();
        tree.add_program("bin/warmer", read(&self.program)?);
        tree.add_link("bin/worker_cache_warmer", "warmer");
        self.add_runtime(&mut tree)?;
        self.add_model(&mut tree)?;
        self.add_texts(&mut tree)?;
        let manifest = Manifest::new(&self.release, &self.target, tree.digests());
        let text = manifest.to_text()?;
        let own = ManifestFile::of(Manifest::FILE, &text);
        tree.add(Manifest::FILE, text);
        let line = |file: &ManifestFile| format!("{}  {}\n", file.sha256, file.path);
        let sums: String = manifest.files.iter().chain([&own]).map(line).collect();
        tree.add(CHECKSUMS, sums);
        Ok(tree)
    }

    /// The library under the name that it is looked for by.
    fn add_runtime(&self, tree: &mut Tree) -> Result<()> {
        let mut lock = whole(&self.runtime, RUNTIME_LOCK)?;
        let [library] = &mut lock.files[..] else {
            anyhow::bail!("{} is to name one library", self.runtime.join(RUNTIME_LOCK).display())
        };
        tree.copy(format!("lib/{LIBRARY_NAME}"), &self.runtime.join(&library.path))?;
        LIBRARY_NAME.clone_into(&mut library.path);
        tree.add(format!("lib/{RUNTIME_LOCK}"), lock.to_text()?);
        for licence in ["LICENSE", "ThirdPartyNotices.txt"] {
            tree.copy(format!("licenses/onnxruntime/{licence}"), &self.runtime.join(licence))?;
        }
        Ok(())
    }

    fn add_model(&self, tree: &mut Tree) -> Result<()> {
        let lock = whole(&self.model, MODEL_LOCK)?;
        let directory = format!("model/{MODEL_NAME}");
        // All of it: the model's card and licences are no part of its lock.
        tree.copy_all(&directory, &self.model)?;
        tree.add(format!("{directory}/{MODEL_LOCK}"), lock.to_text()?);
        Ok(())
    }

    /// What lies among the files for operations and is not given away, for it is none of them.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn left_out(&self) -> Result<Vec<String>> {
        operations::others(&self.sources)
    }

    /// Configuration, operations, licences.
    fn add_texts(&self, tree: &mut Tree) -> Result<()> {
        let config = self.sources.join(operations::DIRECTORY);
        let manual = String::from_utf8(read(&config.join("warmer.toml"))?).context("the manual is not UTF-8")?;
        tree.add("etc/warmer.toml", example::of_manual(&manual));
        tree.copy("lib/systemd/system/warmer.service", &config.join("systemd/warmer.service"))?;
        operations::add(tree, &self.sources)?;
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            tree.copy(format!("licenses/{licence}"), &self.sources.join(licence))?;
        }
        tree.extend(self.notices.clone());
        for text in ["CHANGELOG.md", "SECURITY.md"] {
            tree.copy(format!("share/warmer/{text}"), &self.sources.join(text))?;
        }
        tree.add("README.md", README.replace("VERSION", &self.release));
        Ok(())
    }
}

/// The lock of a directory whose files are what it says, without their times: those do not outlive an archive.
fn whole(directory: &Path, name: &str) -> Result<Lock> {
    let file = directory.join(name);
    let lock = Lock::read(&file).with_context(|| format!("there is no {}", file.display()))?;
    let confirmed = lock.confirmed(directory);
    let lock = confirmed.with_context(|| format!("the files of {} are not those of {name}", directory.display()))?;
    Ok(lock.without_times())
}
