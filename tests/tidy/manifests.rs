//! The manifests: what each crate may depend on, and that it uses what it names.

use std::collections::BTreeSet;

use crate::code::bare;
use crate::tree::{crates, read, root, sources_in};

/// A heavy dependency (what begins with its name belongs to it), and the crates that may know it.
const DOORS: [(&str, &[&str]); 14] = [
    ("gix", &["git"]),
    ("reqwest", &["git", "warmer"]),
    ("ort", &["embedding"]),
    ("tokenizers", &["embedding"]),
    ("sqlx", &["store"]),
    ("jiff", &["store"]),
    ("tree-sitter", &["content"]),
    ("ractor", &["supervision", "pipeline"]),
    ("axum", &["serve"]),
    ("hyper", &["serve"]),
    ("tower", &["serve"]),
    ("clap", &["warmer"]),
    ("opentelemetry", &["warmer"]),
    ("prometheus", &["warmer"]),
];

/// What stands at the bottom: these crates do not know each other, save for the plain types of `content`, how a setting
/// is written, and the names of spans.
const BOTTOM: [&str; 7] = ["content", "embedding", "git", "settings", "store", "supervision", "traces"];

/// What each crate of the product may use of ours: arrows point down. `xtask` and `dist` are beside the product.
const ARROWS: [(&str, &[&str]); 12] = [
    ("settings", &[]),
    ("traces", &[]),
    ("setup", &[]),
    ("supervision", &["settings"]),
    ("git", &["settings"]),
    ("content", &["settings"]),
    ("embedding", &["content", "settings", "traces"]),
    ("store", &["content", "settings", "traces"]),
    ("pipeline", &BOTTOM),
    ("query", &["content", "embedding", "settings", "store", "traces"]),
    ("serve", &["content", "embedding", "git", "query", "settings", "store", "supervision", "traces"]),
    (
        "warmer",
        &[
            "content",
            "embedding",
            "git",
            "pipeline",
            "query",
            "serve",
            "settings",
            "setup",
            "store",
            "supervision",
            "traces",
        ],
    ),
];

/// The names in a section of the manifest in a directory.
fn section(directory: &str, section: &str) -> BTreeSet<String> {
    let manifest: toml::Table =
        toml::from_str(&read(&root().join(directory).join("Cargo.toml"))).expect("a manifest of cargo's");
    let names = manifest.get(section).and_then(toml::Value::as_table);
    names.into_iter().flat_map(|names| names.keys().cloned()).collect()
}

/// The dependencies of a crate, those of its tests apart.
fn dependencies(name: &str) -> BTreeSet<String> {
    section(&format!("crates/{name}"), "dependencies")
}

fn product() -> impl Iterator<Item = String> {
    crates().into_iter().filter(|name| !["dist", "xtask"].contains(&&**name))
}

/// The text of files of other packages that these include by their path.
fn borrowed(sources: &[(String, String)]) -> impl Iterator<Item = String> {
    let paths = sources.iter().flat_map(|(name, text)| {
        let directory = root().join(name).parent().expect("a file has a directory").to_path_buf();
        let named = text.split("#[path = \"").skip(1).filter_map(|rest| rest.split('"').next());
        named.map(move |path| directory.join(path)).filter(|path| path.is_file())
    });
    paths
        .flat_map(|path| match path.file_name().is_some_and(|name| name == "mod.rs") {
            true => sources_in(&path.parent().expect("a file has a directory").to_string_lossy()),
            false => vec![(String::new(), read(&path))],
        })
        .map(|(_, text)| bare(&text))
}

#[test]
fn every_crate_of_the_product_has_its_arrows() {
    let known: BTreeSet<_> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let unknown: Vec<_> = product().filter(|name| !known.contains(name)).collect();
    assert!(unknown.is_empty(), "which crates may {unknown:?} use?");
}

#[test]
fn arrows_point_down() {
    for name in product() {
        let below = ARROWS.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, below)| *below);
        for dependency in dependencies(&name) {
            if let Some(ours) = dependency.strip_prefix("warmer-") {
                assert!(below.contains(&ours), "{name} must not know {ours}");
            }
        }
    }
}

#[test]
fn heavy_dependencies_have_their_doors() {
    for name in product() {
        for (heavy, doors) in DOORS.iter().filter(|(_, doors)| !doors.contains(&name.as_str())) {
            let belongs = |dependency: &&String| {
                dependency.strip_prefix(heavy).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
            };
            let found: Vec<_> = dependencies(&name).iter().filter(belongs).cloned().collect();
            assert!(found.is_empty(), "{name} uses {found:?}, which only {doors:?} may");
        }
    }
}

#[test]
fn no_manifest_names_a_dependency_that_is_not_used() {
    let members = crates().into_iter().map(|name| format!("crates/{name}"));
    let mut unused = vec![];
    for directory in members.chain(["tests".to_owned(), "benches".to_owned()]) {
        let own = sources_in(&directory);
        let text: String = own.iter().map(|(_, text)| bare(text)).chain(borrowed(&own)).collect();
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        for part in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let named = section(&directory, part);
            let left = named.iter().filter(|name| !words.contains(name.replace('-', "_").as_str()));
            unused.extend(left.map(|name| format!("{directory}: {name}")));
        }
    }
    assert!(unused.is_empty(), "named in a manifest and in no source: {unused:?}");
}
