//! The packages whose code is in the program: what `warmer` needs, and what those need, for this machine. What only
//! runs at compile time (procedural macros, build scripts) is not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use xtask::workspace;

/// A package as cargo knows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    id: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// An SPDX expression.
    pub license: Option<String>,
    /// As the package names them.
    pub authors: Vec<String>,
    /// Where it is from; none for our own.
    pub source: Option<String>,
    /// Its `Cargo.toml`.
    pub manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Clone, Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    /// None for a dependency of the code itself.
    kind: Option<String>,
}

impl Package {
    fn runs_at_compile_time(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "proc-macro"))
    }
}

/// The packages of others that are linked into the program for `target`, by name and version.
///
/// # Errors
/// When cargo does not tell, for example because the lock file is not up to date.
pub fn packages(target: &str) -> Result<Vec<Package>> {
    let mut cargo = workspace::cargo();
    cargo.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", target]);
    let output = cargo.current_dir(workspace::root()).output().context("cargo cannot be started")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
    let metadata = serde_json::from_slice(&output.stdout).context("cargo metadata says what is not understood")?;
    linked(metadata)
}

fn linked(metadata: Metadata) -> Result<Vec<Package>> {
    let packages: BTreeMap<_, _> = metadata.packages.into_iter().map(|package| (package.id.clone(), package)).collect();
    let nodes: BTreeMap<_, _> = metadata.resolve.nodes.into_iter().map(|node| (node.id, node.deps)).collect();
    let root = packages.values().find(|package| package.name == "warmer" && package.source.is_none());
    let mut open = vec![root.context("there is no package `warmer`")?.id.clone()];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if packages[&id].runs_at_compile_time() || !seen.insert(id.clone()) {
            continue;
        }
        let of_code = |dependency: &&Dependency| dependency.dep_kinds.iter().any(|kind| kind.kind.is_none());
        open.extend(nodes[&id].iter().filter(of_code).map(|dependency| dependency.pkg.clone()));
    }
    let mut found: Vec<_> = seen.iter().map(|id| packages[id].clone()).filter(|found| found.source.is_some()).collect();
    found.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_needed_at_compile_time_alone_is_not_linked() {
        let package = |name: &str, source: Option<&str>, kind: &str| {
            json!({"id": name, "name": name, "version": "1.0.0", "license": "MIT", "authors": [], "source": source,
                   "manifest_path": "/x/Cargo.toml", "targets": [{"kind": [kind]}]})
        };
        let needs = |pkg: &str, kind: Option<&str>| json!({"pkg": pkg, "dep_kinds": [{"kind": kind}]});
        let registry = Some("registry");
        let metadata = json!({
            "packages": [package("warmer", None, "bin"), package("ours", None, "lib"), package("a", registry, "lib"),
                         package("b", registry, "lib"), package("macro", registry, "proc-macro"),
                         package("syn", registry, "lib"), package("cc", registry, "lib")],
            "resolve": {"nodes": [
                {"id": "warmer", "deps": [needs("ours", None), needs("macro", None), needs("cc", Some("build"))]},
                {"id": "ours", "deps": [needs("a", None)]},
                {"id": "a", "deps": [needs("b", None), needs("syn", Some("dev"))]},
                {"id": "macro", "deps": [needs("syn", None)]},
                {"id": "b", "deps": []}, {"id": "syn", "deps": []}, {"id": "cc", "deps": []},
            ]},
        });
        let found = linked(serde_json::from_value(metadata).unwrap()).unwrap();
        assert_eq!(found.iter().map(|package| package.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }
}
