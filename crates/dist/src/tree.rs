//! The files of what is given to users, in memory: path, content, and whether it is a program.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use warmer_setup::ManifestFile;

/// Files by their paths, which have `/` between their parts and begin with none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, Node>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A file.
    File {
        /// Its bytes.
        content: Vec<u8>,
        /// Whether it may be started.
        executable: bool,
    },
    /// A symbolic link to this path, which is relative to its directory.
    Link(String),
}

impl Tree {
    /// A file from its content.
    pub fn add(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), Node::File { content: content.into(), executable: false });
    }

    /// A program from its content.
    pub fn add_program(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), Node::File { content: content.into(), executable: true });
    }

    /// A symbolic link.
    pub fn add_link(&mut self, path: &str, target: &str) {
        self.0.insert(path.to_owned(), Node::Link(target.to_owned()));
    }

    /// The file that lies there on the disk. A script (`.sh`) may be started.
    pub fn copy(&mut self, path: impl Into<String>, from: &Path) -> Result<()> {
        let (path, content) = (path.into(), read(from)?);
        match path.ends_with(".sh") {
            true => self.add_program(path, content),
            false => self.add(path, content),
        }
        Ok(())
    }

    /// All files below a directory of the disk.
    pub fn copy_all(&mut self, path: &str, from: &Path) -> Result<()> {
        let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot read {}", from.display()))?;
            let inside = format!("{path}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                self.copy_all(&inside, &entry.path())?;
            } else {
                self.copy(inside, &entry.path())?;
            }
        }
        Ok(())
    }

    /// By path.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.0.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// The content of a file.
    pub fn content(&self, path: &str) -> Option<&[u8]> {
        match self.0.get(path)? {
            Node::File { content, .. } => Some(content),
            Node::Link(_) => None,
        }
    }

    /// The same files below another directory.
    pub fn moved(self, from: &str, to: &str) -> Self {
        let new = |path: String| path.strip_prefix(from).map(|rest| format!("{to}{rest}")).unwrap_or(path);
        Self(self.0.into_iter().map(|(path, node)| (new(path), node)).collect())
    }

    /// Those below this directory alone.
    pub fn below(&self, directory: &str) -> Self {
        let inside = self.0.iter().filter(|(path, _)| path.starts_with(directory));
        Self(inside.map(|(path, node)| (path.clone(), node.clone())).collect())
    }

    /// Takes those of the other in.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Size and digest of each file, links left out.
    pub fn digests(&self) -> Vec<ManifestFile> {
        let files = self.nodes().filter_map(|(path, node)| match node {
            Node::File { content, .. } => Some(ManifestFile::of(path, content)),
            Node::Link(_) => None,
        });
        files.collect()
    }

    /// The bytes of all files together.
    pub fn bytes(&self) -> u64 {
        self.nodes().map(|(path, _)| self.content(path).map_or(0, <[u8]>::len) as u64).sum()
    }
}

/// A file of the disk.
///
/// # Errors
/// When it cannot be read; the message names it.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}
