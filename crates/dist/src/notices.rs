//! The licences of what is linked into the program: which packages, and the texts that they come with, each text once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::linked::Package;
use super::tree::Tree;

/// Where the notices lie in the bundle.
pub(crate) const FILE: &str = "licenses/THIRD-PARTY.txt";

/// A text of a licence is not longer than this, in bytes; a longer file is something else.
const TEXT_MAX: u64 = 256 << 10;

/// Texts lie so deep in a package at most: `zstd/LICENSE`, `src/unicode/LICENSE`.
const DEPTH_MAX: usize = 3;

/// The notices of these packages, and of Rust's standard library.
///
/// # Errors
/// When a package has neither a text nor a licence whose text is known.
pub fn of(packages: &[Package]) -> Result<Tree> {
    let mut tree = Tree::default();
    tree.add(FILE, text_of(packages)?);
    if let Some(library) = standard_library() {
        tree.add("licenses/rust/COPYRIGHT-library.html", library);
    }
    Ok(tree)
}

fn text_of(packages: &[Package]) -> Result<String> {
    let mut list =
        String::from("What is linked into the program `warmer` besides Rust's standard library, and its licences.\n\n");
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages {
        let Package { name, version, license, .. } = package;
        let title = format!("{name} {version}");
        let license = license.as_deref().unwrap_or("see its text");
        list.push_str(&format!("  {title}: {license}\n"));
        for text in texts_of(package)? {
            texts.entry(text).or_default().insert(title.clone());
        }
    }
    let rule = "=".repeat(100);
    let mut texts: Vec<_> = texts.into_iter().map(|(text, titles)| (Vec::from_iter(titles), text)).collect();
    texts.sort();
    for (titles, text) in texts {
        list.push_str(&format!("\n{rule}\n{}\n{rule}\n\n{text}\n", titles.join(", ")));
    }
    Ok(list)
}

/// The texts that come with a package, else one that its licence stands for.
fn texts_of(package: &Package) -> Result<Vec<String>> {
    let directory = package.manifest_path.parent().unwrap_or(Path::new(""));
    let mut texts = Vec::new();
    collect(directory, DEPTH_MAX, &mut texts)
        .with_context(|| format!("cannot read the sources of {} in {}", package.name, directory.display()))?;
    if texts.is_empty() {
        texts.push(standing_for(package)?);
    }
    Ok(texts)
}

fn collect(directory: &Path, depth: usize, texts: &mut Vec<String>) -> Result<()> {
    let mut entries: Vec<_> = fs::read_dir(directory)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let (kind, path) = (entry.file_type()?, entry.path());
        if kind.is_dir() && depth > 1 && !["tests", "test", "examples", "benches", "fuzz"].contains(&name.as_str()) {
            collect(&path, depth - 1, texts)?;
        } else if kind.is_file() && is_licence(&name) && entry.metadata()?.len() <= TEXT_MAX {
            // Line ends and blanks at them make no other text.
            let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
            let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
            texts.push(lines.join("\n").trim_matches('\n').to_owned());
        }
    }
    Ok(())
}

/// Whether a file of this name, in lower case, is a licence or a notice.
fn is_licence(name: &str) -> bool {
    let begins = ["license", "licence", "copying", "notice", "unlicense", "copyright"];
    let code = [".rs", ".py", ".js", ".c", ".h", ".toml", ".json", ".yml", ".sh", ".html", ".hbs"];
    begins.iter().any(|begin| name.starts_with(begin)) && !code.iter().any(|end| name.ends_with(end))
}

/// Some packages name a licence and leave its text out.
fn standing_for(package: &Package) -> Result<String> {
    let Package { name, version, license, authors, .. } = package;
    let license = license.as_deref().unwrap_or_default();
    let has = |wanted: &str| license.split(|c: char| c.is_whitespace() || "/()".contains(c)).any(|part| part == wanted);
    let holders = if authors.is_empty() { format!("the authors of {name}") } else { authors.join(", ") };
    if has("MIT") {
        Ok(format!("Copyright (c) {holders}\n\n{}", include_str!("MIT.txt").trim_end()))
    } else if has("Apache-2.0") {
        Ok(format!("Copyright {holders}\n\nLicensed under the Apache License, Version 2.0: LICENSE-APACHE."))
    } else {
        bail!("{name} {version} ({license}) is linked and comes without the text of its licence: add it here")
    }
}

/// What Rust says of its standard library, where this Rust was installed with it.
fn standard_library() -> Option<Vec<u8>> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    let root = String::from_utf8(output.stdout).ok()?;
    fs::read(Path::new(root.trim()).join("share/doc/rust/COPYRIGHT-library.html")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(directory: &Path, license: &str) -> Package {
        let value = serde_json::json!({
            "id": "a", "name": "a", "version": "1.0.0", "license": license, "authors": ["Ann"], "source": "registry",
            "manifest_path": directory.join("Cargo.toml"), "targets": [],
        });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_texts_of_a_package_are_those_of_what_it_carries_along_too() {
        let directory = tempfile::tempdir().unwrap();
        for (file, text) in [("LICENSE-MIT", "mit \r\n"), ("zstd/COPYING", "gpl or bsd"), ("tests/LICENSE", "no")] {
            let file = directory.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        fs::write(directory.path().join("license.rs"), "fn code() {}").unwrap();
        assert_eq!(texts_of(&package(directory.path(), "MIT")).unwrap(), ["mit", "gpl or bsd"]);
    }

    #[test]
    fn a_licence_without_its_text_gets_the_usual_one_or_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let text = texts_of(&package(directory.path(), "MIT OR Apache-2.0")).unwrap();
        assert!(text[0].starts_with("Copyright (c) Ann\n\nPermission is hereby granted"), "{text:?}");
        let error = texts_of(&package(directory.path(), "MPL-2.0")).unwrap_err().to_string();
        assert!(error.contains("a 1.0.0 (MPL-2.0)"), "{error}");
    }
}
