//! Which file of a crate needs which other.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::{bare, without_tests};
use crate::tree::sources_in;

/// A module by its path in its crate; the crate's root is empty. Each is one file.
pub(crate) type Module = Vec<String>;

/// For each file of a crate the others that it needs, each with the path by which it is named.
pub(crate) type Needs = BTreeMap<Module, BTreeMap<Module, String>>;

/// What the files in `crates/NAME/src` need of each other. Declaring a module and re-exporting from it is no need; what
/// is compiled for tests alone counts for nothing.
pub(crate) fn of_crate(name: &str) -> Needs {
    let directory = format!("crates/{name}/src/");
    let files = sources_in(&directory);
    let texts = files.into_iter().map(|(name, text)| (name[directory.len()..].to_owned(), text));
    of_texts(texts.collect())
}

fn of_texts(files: Vec<(String, String)>) -> Needs {
    let bare: BTreeMap<Module, String> = files.into_iter().map(|(name, text)| (module(&name), bare(&text))).collect();
    let mut modules: BTreeMap<Module, String> =
        bare.iter().map(|(module, text)| (module.clone(), without_tests(text))).collect();
    let tests: Vec<Module> = bare.iter().flat_map(|(module, text)| test_modules(module, text)).collect();
    modules.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
    let paths: BTreeMap<Module, Vec<Path>> =
        modules.iter().map(|(module, text)| (module.clone(), paths(module, text, &modules))).collect();
    let exports = exports(&paths);
    let need = |(module, paths): (&Module, &Vec<Path>)| {
        let named = paths.iter().filter(|path| !(path.public && path.names.starts_with(module)));
        let needed = named.map(|path| (resolve(&path.names, &modules, &exports, 0), path.names.join("::")));
        (module.clone(), needed.filter(|(needed, _)| needed != module).collect())
    };
    paths.iter().map(need).collect()
}

fn module(file: &str) -> Module {
    let mut names: Module = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(names.last().map(String::as_str), Some("lib" | "main" | "mod")) {
        names.pop();
    }
    names
}

/// The modules that `text` declares for tests alone.
fn test_modules(module: &Module, text: &str) -> Vec<Module> {
    let all: BTreeSet<_> = declared(text).collect();
    let product = without_tests(text);
    let product: BTreeSet<_> = declared(&product).map(str::to_owned).collect();
    all.into_iter()
        .filter(|name| !product.contains(*name))
        .map(|name| [&module[..], &[name.to_owned()]].concat())
        .collect()
}

fn declared(text: &str) -> impl Iterator<Item = &str> {
    text.split("mod ").skip(1).filter_map(|rest| {
        let name = rest.split(';').next()?.trim();
        name.chars().all(is_of_a_name).then_some(name)
    })
}

/// One path that a file names, from the root of its crate.
struct Path {
    names: Module,
    /// It is re-exported.
    public: bool,
}

/// All paths of a file that lead into its own crate.
fn paths(module: &Module, text: &str, modules: &BTreeMap<Module, String>) -> Vec<Path> {
    let (uses, rest) = split_uses(text);
    let mut found = vec![];
    for (public, tree) in uses {
        found.extend(leaves(&tree).into_iter().map(|names| (public, names)));
    }
    found.extend(qualified(&rest).into_iter().map(|names| (false, names)));
    found
        .into_iter()
        .filter_map(|(public, names)| Some(Path { names: from_root(module, names, modules)?, public }))
        .collect()
}

/// The `use` declarations of a text, each with whether it is public, and the rest.
fn split_uses(text: &str) -> (Vec<(bool, String)>, String) {
    let (mut uses, mut rest, mut from) = (vec![], String::new(), 0);
    while let Some(at) = text[from..].find("use ").map(|at| from + at) {
        let before = text[..at].trim_end();
        let end = text[at..].find(';').map_or(text.len(), |end| at + end + 1);
        let public = before.ends_with("pub") || before.ends_with(')');
        if !text[..at].ends_with(is_of_a_name)
            && (public || before.is_empty() || before.ends_with([';', '}', '{', ']']))
        {
            uses.push((public, text[at + 4..end - 1].to_owned()));
            rest.push_str(&text[from..at]);
        } else {
            rest.push_str(&text[from..end]);
        }
        from = end;
    }
    rest.push_str(&text[from..]);
    (uses, rest)
}

/// The paths of a `use` tree.
fn leaves(tree: &str) -> Vec<Module> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![names(path)];
    };
    let (prefix, inner) = (names(&tree[..open]), &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())]);
    let (mut parts, mut depth, mut start) = (vec![], 0, 0);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[start..]);
    let parts = parts.into_iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(leaves).map(|path| [&prefix[..], &path[..]].concat()).collect()
}

fn names(path: &str) -> Module {
    path.split("::").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The paths of two names and more that a text contains.
fn qualified(text: &str) -> Vec<Module> {
    let mut found = vec![];
    let mut rest = text;
    while let Some(start) = rest.find(is_of_a_name) {
        let whole = rest[start..].find(|c| !is_of_a_name(c) && c != ':').map_or(rest.len(), |end| start + end);
        let names = names(&rest[start..whole]);
        let after_a_dot = rest[..start].ends_with('.');
        if names.len() > 1 && !after_a_dot {
            found.push(names);
        }
        rest = &rest[whole..];
    }
    found
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A path as seen in a module, from the root of the crate; none for what belongs to another crate.
fn from_root(module: &Module, path: Module, modules: &BTreeMap<Module, String>) -> Option<Module> {
    let supers = path.iter().take_while(|name| *name == "super").count();
    let (base, rest) = match path.first()?.as_str() {
        "crate" => (&module[..0], &path[1..]),
        "self" => (&module[..], &path[1..]),
        "super" => (&module[..module.len().checked_sub(supers)?], &path[supers..]),
        child => {
            modules.contains_key(&[&module[..], &[child.to_owned()]].concat()).then_some(())?;
            (&module[..], &path[..])
        }
    };
    Some([base, rest].concat())
}

/// What each module re-exports: the name there, and the path that it stands for.
type Exports = BTreeMap<Module, Module>;

fn exports(paths: &BTreeMap<Module, Vec<Path>>) -> Exports {
    let of_module = |(module, paths): (&Module, &Vec<Path>)| -> Vec<(Module, Module)> {
        let public = paths.iter().filter(|path| path.public);
        let named = public.filter_map(|path| {
            let name = path.names.last()?.clone();
            Some(([&module[..], &[name]].concat(), path.names.clone()))
        });
        named.collect()
    };
    paths.iter().flat_map(of_module).collect()
}

/// The file in which what a path names is written.
fn resolve(path: &Module, modules: &BTreeMap<Module, String>, exports: &Exports, depth: usize) -> Module {
    for length in (0..=path.len()).rev() {
        let module = path[..length].to_vec();
        if !modules.contains_key(&module) {
            continue;
        }
        let named = path.get(..=length).and_then(|named| exports.get(named));
        // A name may be re-exported by several modules, one after the other.
        return match named {
            Some(other) if depth < 8 && other != path => {
                let rest = path.get(length + 1..).unwrap_or_default();
                resolve(&[&other[..], rest].concat(), modules, exports, depth + 1)
            }
            _ => module,
        };
    }
    Module::new()
}

#[test]
fn a_name_is_followed_through_re_exports_to_the_file_it_is_written_in() {
    let files = [
        ("lib.rs", "mod a; mod b; pub use a::Thing; pub struct Own;"),
        ("a.rs", "mod inner; pub use self::inner::Thing;"),
        ("a/inner.rs", "use std::fmt; pub struct Thing; #[cfg(test)] mod tests { use crate::b; }"),
        ("b.rs", "use crate::{Thing as Other, Own}; fn f() { crate::a::inner::go(); super::a::run() }"),
    ];
    let needs = of_texts(files.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec());
    let needed =
        |module: &str| -> Vec<String> { needs[&names(module)].keys().map(|module| module.join("::")).collect() };
    assert_eq!(needed("b"), ["", "a", "a::inner"]);
    assert_eq!((needed(""), needed("a"), needed("a::inner")), (vec![], vec![], vec![]));
}
