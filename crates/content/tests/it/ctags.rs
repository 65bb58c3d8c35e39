//! How far the definitions agree with those of universal-ctags, which reads each language by a parser of its own.
//! Printed figures, not bounds: the two mean different things by a definition in places.
//!
//! The sources are those of this workspace, or the directories in `WARMER_TEST_SOURCES`, separated as in `PATH`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "a test asks a program, and prints what it found"
)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use warmer_content::{Definition, DefinitionKind, Language, Symbols};

use crate::support::deadline;

/// Files of one language, at most.
const FILES: usize = 400;
/// Larger files are mostly made by programs, in bytes.
const FILE_BYTES_MAX: u64 = 200_000;
/// Above a definition there may be attributes, and in C the type is on a line of its own.
const LINES_APART: u32 = 6;

/// What ctags calls a definition that we have too.
#[rustfmt::skip]
const KINDS: &[&str] = &[
    "accessor", "alias", "annotation", "chapter", "class", "constant", "def", "define", "enum", "enumConstant",
    "enumerator", "event", "field", "func", "function", "generator", "implementation", "interface", "macro", "member",
    "method", "module", "namespace", "object", "package", "procedure", "property", "record", "section",
    "singletonMethod", "struct", "subsection", "subsubsection", "table", "trait", "type", "typedef", "union",
    "variable", "variant", "view",
];

/// A name, the line where it is defined, and the name of what it is inside of, if anything.
struct Place {
    name: String,
    line: u32,
    parent: String,
}

fn sources() -> Vec<PathBuf> {
    let given = std::env::var_os("WARMER_TEST_SOURCES");
    let workspace = || vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")];
    let mut open = given.map_or_else(workspace, |given| std::env::split_paths(&given).collect());
    let mut files = vec![];
    while let Some(directory) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or(".");
            if path.is_dir() && !path.is_symlink() && name != "target" && !name.starts_with('.') {
                open.push(path);
            } else if path.is_file() && path.metadata().is_ok_and(|file| file.len() <= FILE_BYTES_MAX) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// What ctags finds in these files; `None` where it is not installed, or has no JSON.
fn by_ctags(files: &[PathBuf]) -> Option<BTreeMap<PathBuf, Vec<Place>>> {
    let mut ctags = Command::new("ctags");
    ctags.args(["--output-format=json", "--fields=+nKl", "--sort=no", "-f", "-", "-L", "-"]);
    let mut child = ctags.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut stdin = child.stdin.take()?;
    let list: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
    let writer = std::thread::Builder::new().spawn(move || stdin.write_all(list.as_bytes())).ok()?;
    let out = child.wait_with_output().ok().filter(|out| out.status.success())?;
    writer.join().ok()?.ok()?;
    let mut found: BTreeMap<PathBuf, Vec<Place>> = BTreeMap::new();
    for line in String::from_utf8_lossy(&out.stdout).lines() {
        let Ok(tag) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let text = |key: &str| tag[key].as_str().unwrap_or_default().to_owned();
        // A variable of a function, in languages for which ctags has them.
        let local = matches!(&*text("scopeKind"), "function" | "method" | "func");
        // What PHP imports under another name is called an alias, too.
        let imported = text("kind") == "alias" && text("language") == "PHP";
        let anonymous = ["__anon", "Anonymous"].iter().any(|prefix| text("name").starts_with(prefix));
        if KINDS.contains(&&*text("kind")) && !local && !anonymous && !imported {
            let line = tag["line"].as_u64().and_then(|line| u32::try_from(line).ok()).unwrap_or_default();
            let (name, parent) = (last(&text("name")), last(&text("scope")));
            found.entry(text("path").into()).or_default().push(Place { name, line, parent });
        }
    }
    Some(found)
}

/// Namespaces, and functions of a table in Lua, have names with their parents in them.
fn last(name: &str) -> String {
    name.rsplit(['.', ':', '\\']).next().unwrap_or_default().to_owned()
}

/// What we find in a text. Of an `impl` ctags has the type.
fn ours(text: &str, language: &Language) -> Vec<Place> {
    let symbols = Symbols::of(text, language, &deadline()).expect("read in time");
    let parent = |of: &Definition| of.parent.map(|parent| name(&symbols.definitions[parent as usize]));
    let all = symbols.definitions.iter().filter(|of| of.kind != DefinitionKind::Declaration);
    all.map(|of| Place { name: name(of), line: of.start_line, parent: parent(of).unwrap_or_default() }).collect()
}

/// A definition's name as ctags has it.
fn name(definition: &Definition) -> String {
    if definition.kind != DefinitionKind::Impl {
        return last(&definition.name);
    }
    let bare = definition.name.rsplit(" for ").next().unwrap_or_default().trim_start_matches("impl ");
    bare.split('<').next().unwrap_or_default().to_owned()
}

/// How many of `some` are in `all`, and how many of those inside of the same.
fn shared(some: &[Place], all: &[Place]) -> (usize, usize) {
    let near = |line: u32| line.saturating_sub(LINES_APART)..=line + LINES_APART;
    let mut places: HashMap<(&str, u32), HashSet<&str>> = HashMap::new();
    for place in all {
        for line in near(place.line) {
            places.entry((&place.name, line)).or_default().insert(&place.parent);
        }
    }
    let found: Vec<_> = some.iter().filter_map(|of| Some((of, places.get(&(&*of.name, of.line))?))).collect();
    (found.len(), found.iter().filter(|(of, parents)| parents.contains(&*of.parent)).count())
}

#[test]
fn definitions_are_compared_with_those_of_ctags() {
    let mut files: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
    for path in sources() {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(language) = Language::by_file_name(name) {
            files.entry(language.name).or_default().push(path);
        }
    }
    for (language, mut files) in files {
        files.truncate(FILES);
        let Some(theirs) = by_ctags(&files) else {
            println!("not run: universal-ctags with JSON missing");
            return;
        };
        let language = Language::by_name(language).expect("a language of the table");
        let [mut found, mut all, mut inside, mut known, mut mine] = [0; 5];
        for (path, theirs) in &theirs {
            let Ok(text) = std::fs::read_to_string(path) else { continue };
            let ours = ours(&text, language);
            let (same, same_parent) = shared(theirs, &ours);
            (found, inside, all) = (found + same, inside + same_parent, all + theirs.len());
            (known, mine) = (known + shared(&ours, theirs).0, mine + ours.len());
        }
        let percent = |part: usize, of: usize| (part * 100).checked_div(of).unwrap_or_default();
        if all > 0 {
            println!(
                "{:<14} {found} of {all} of ctags are ours ({} %), {inside} of them inside of the same ({} %), \
                 {known} of {mine} of ours are of ctags ({} %)",
                language.name,
                percent(found, all),
                percent(inside, found),
                percent(known, mine)
            );
        }
        if language.name == "rust" && std::env::var_os("WARMER_TEST_SOURCES").is_none() {
            assert!(found > all / 2, "{found} of {all}");
        }
    }
}
