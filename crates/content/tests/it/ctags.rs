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

use std::collections::{BTreeMap, HashSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use warmer_content::{DefinitionKind, Language, Symbols};

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

/// A name, and the line where it is defined.
type Place = (String, u32);

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
            found.entry(text("path").into()).or_default().push((last(&text("name")), line));
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
    let all = symbols.definitions.into_iter().filter(|of| of.kind != DefinitionKind::Declaration);
    all.map(|of| match of.kind {
        DefinitionKind::Impl => {
            let bare = of.name.rsplit(" for ").next().unwrap_or_default().trim_start_matches("impl ").to_owned();
            (bare.split('<').next().unwrap_or_default().to_owned(), of.start_line)
        }
        _ => (last(&of.name), of.start_line),
    })
    .collect()
}

/// How many of `some` are in `all`.
fn shared(some: &[Place], all: &[Place]) -> usize {
    let near = |line: u32| line.saturating_sub(LINES_APART)..=line + LINES_APART;
    let places: HashSet<_> = all.iter().flat_map(|(name, line)| near(*line).map(move |line| (&**name, line))).collect();
    some.iter().filter(|(name, line)| places.contains(&(&**name, *line))).count()
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
        let [mut found, mut all, mut known, mut mine] = [0; 4];
        for (path, theirs) in &theirs {
            let Ok(text) = std::fs::read_to_string(path) else { continue };
            let ours = ours(&text, language);
            (found, all) = (found + shared(theirs, &ours), all + theirs.len());
            (known, mine) = (known + shared(&ours, theirs), mine + ours.len());
        }
        let percent = |part: usize, of: usize| (part * 100).checked_div(of).unwrap_or_default();
        if all > 0 {
            println!(
                "{:<14} {found} of {all} of ctags are ours ({} %), {known} of {mine} of ours are of ctags ({} %)",
                language.name,
                percent(found, all),
                percent(known, mine)
            );
        }
        if language.name == "rust" && std::env::var_os("WARMER_TEST_SOURCES").is_none() {
            assert!(found > all / 2, "{found} of {all}");
        }
    }
}
