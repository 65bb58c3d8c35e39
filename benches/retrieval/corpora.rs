//! The code bases: which there are, and where their caches lie.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use warmer_content::Digest;
use warmer_tests::{Warmer, process::quoted};

use super::labels::{self, Labels};
use crate::warm;

/// What a code base is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// To look at while the ranking is worked on.
    Build,
    /// To ask only when it is finished.
    Report,
}

/// An entry of `corpora.toml`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Corpus {
    /// What it is called in the tables.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Whose client fetches it: `crates`, `python` or `npm`; `directory` copies one.
    pub registry: String,
    /// What it is called there; the directory.
    pub package: String,
    /// Its version there.
    pub version: String,
    /// The digest of the archive, in hexadecimal digits.
    pub sha256: String,
    /// Under which licences it is given.
    pub licence: String,
    /// What of the archive is warmed.
    pub take: Vec<String>,
    /// Where answers may lie.
    pub sources: Vec<String>,
}

impl Corpus {
    /// All of them.
    ///
    /// # Panics
    /// When the list is no such list.
    #[must_use]
    pub fn all() -> Vec<Self> {
        #[derive(Deserialize)]
        struct List {
            corpus: Vec<Corpus>,
        }
        let list: List = toml::from_str(include_str!("corpora.toml")).expect("a list of code bases");
        list.corpus
    }

    /// Fetches it, makes its questions and warms it, each where that was not done before; says where its cache is.
    /// With `topics` those that a person wrote about the whole of it.
    ///
    /// # Panics
    /// When one of these fails, with the reason.
    #[must_use]
    pub fn made(&self, directory: &Path, topics: bool) -> (Labels, PathBuf) {
        let (labels, what) = match topics {
            true => (labels::topics(self, directory), "whole-"),
            false => (labels::made(self, directory), ""),
        };
        let database = directory.join(&self.name).join(format!("{what}{}.sqlite", schema()));
        let mut warmer = Warmer::real();
        warmer.set("database.url", quoted(&PathBuf::from(format!("sqlite:{}", database.display()))));
        // What is there already is found unchanged: chunks or vectors of another kind are made anew by the product.
        drop(warm(&warmer, &[format!("file://{}", labels.source.display())]));
        (labels, database)
    }
}

/// Where all of this is kept from one run to the next: beside the programs that cargo builds.
///
/// # Panics
/// When this program lies in no directory of cargo's.
#[must_use]
pub fn directory() -> PathBuf {
    let program = std::env::current_exe().expect("this program has a path");
    program.ancestors().nth(3).expect("TARGET/PROFILE/deps/PROGRAM").join("retrieval")
}

/// What the tables of a cache are made by: one of another shape is no cache of this one.
fn schema() -> String {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/store/migrations/sqlite");
    let files = fs::read_dir(&migrations).expect("the migrations").flatten();
    let mut files: Vec<_> = files.map(|one| one.path()).collect();
    files.sort();
    let all: Vec<u8> = files.iter().flat_map(|file| fs::read(file).expect("a migration")).collect();
    Digest::of(&all).to_string()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_three_languages_to_build_with_and_others_to_report() {
        let all = Corpus::all();
        let registries = |role| {
            let mut registries: Vec<_> = all.iter().filter(|one| one.role == role).map(|one| &one.registry).collect();
            registries.sort();
            registries
        };
        assert_eq!(registries(Role::Build), ["crates", "npm", "python"]);
        assert!(registries(Role::Report).len() >= 2);
        assert!(all.iter().all(|one| one.sha256.len() == 64 && !one.sources.is_empty()));
    }
}
