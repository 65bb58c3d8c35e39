//! Which repositories a call is about: those that it names, else the one of the working directory.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use warmer_git::{Checkout, Location, Remote};
use warmer_query::text::{counted, printable};
use warmer_store::RepositoryId;

use super::known::{Known, parts};
use super::nearest::nearest;
use super::refused::Refused;

/// Names of repositories that are told where none was meant.
const NAMES_SHOWN: usize = 8;

/// Changed files that are told by name.
const CHANGED_SHOWN: usize = 3;

/// The working directory of whoever asks, as it is at a call.
#[derive(Clone, Debug, Default)]
pub(super) struct Here {
    directory: PathBuf,
    /// It is not there any more.
    is_gone: bool,
    /// The working tree that it is in.
    pub(super) checkout: Option<Checkout>,
    /// What differs there; `None` where that is not known.
    pub(super) changed: Option<BTreeSet<String>>,
}

impl Here {
    /// What stands there now. Blocks.
    pub(super) fn look(directory: &Path) -> Self {
        let checkout = Checkout::of(directory);
        let changed = checkout.as_ref().and_then(Checkout::changed);
        let is_gone = checkout.is_none() && !directory.is_dir();
        Self { directory: directory.to_owned(), is_gone, checkout, changed }
    }

    /// Whether a file of the working tree is not the one that is checked out: changed, or in a directory that is new.
    pub(super) fn has_changed(&self, path: &str) -> bool {
        let under = |changed: &String| changed.ends_with('/') && path.starts_with(changed.as_str());
        self.changed.as_ref().is_some_and(|changed| changed.contains(path) || changed.iter().any(under))
    }

    /// In which ways what lies here differs from what is served of the repository; a line, or nothing.
    pub(super) fn differs(&self, served: Option<&str>) -> Option<String> {
        let checkout = self.checkout.as_ref()?;
        let mut ways = vec![];
        if let Some(head) = checkout.head.as_deref().filter(|head| Some(*head) != served) {
            let head = head.get(..super::known::COMMIT_SHOWN).unwrap_or(head);
            let branch = checkout.branch.as_deref().map(|name| format!(" ({})", printable(name)));
            ways.push(format!("HEAD is {head}{}, not what is served", branch.unwrap_or_default()));
        }
        match &self.changed {
            None => ways.push("whether files differ is not known: git did not tell in time".to_owned()),
            Some(changed) if !changed.is_empty() => ways.push(files(changed)),
            Some(_) => {}
        }
        (!ways.is_empty()).then(|| format!("in the working directory {}\n", ways.join("; ")))
    }
}

/// `3 files are changed or new: a.rs, b.rs, c.rs`
fn files(changed: &BTreeSet<String>) -> String {
    let count = changed.len();
    let names: Vec<_> = changed.iter().take(CHANGED_SHOWN).map(|path| printable(path)).collect();
    let more = if count > CHANGED_SHOWN { ", …" } else { "" };
    let are = if count == 1 { "is" } else { "are" };
    format!("{} {are} changed or new: {}{more}", counted(count as u64, "file"), names.join(", "))
}

/// What a call is about.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// The repositories, by name.
    pub(super) known: Vec<Known>,
    /// The one of the working directory among them, where that was meant.
    pub(super) here: Option<(RepositoryId, Here)>,
    /// A line on why it is not that of the working directory; empty where none is needed.
    pub(super) note: String,
}

impl Chosen {
    /// Names are in front of paths where there are several.
    pub(super) fn label<'a>(&self, known: &'a Known) -> Option<&'a str> {
        (self.known.len() > 1).then_some(known.name.as_str())
    }
}

/// Those that are named.
pub(super) fn named(all: &[Known], texts: &[String], directory: &Path) -> Result<Chosen, Refused> {
    let mut ids = BTreeSet::new();
    for text in texts {
        let found = meant(all, text, directory);
        if found.is_empty() {
            return Err(unknown(all, text));
        }
        ids.extend(found);
    }
    let known = all.iter().filter(|known| ids.contains(&known.id())).cloned().collect();
    Ok(Chosen { known, here: None, note: String::new() })
}

/// The rows that a text names: by a pattern with `*`, by the name that is printed, by the end of the remote, by another
/// spelling of its URL, or by a path of this machine.
fn meant(all: &[Known], text: &str, directory: &Path) -> BTreeSet<RepositoryId> {
    let text = text.trim();
    let those =
        |is: &dyn Fn(&Known) -> bool| -> BTreeSet<_> { all.iter().filter(|known| is(known)).map(Known::id).collect() };
    if text.contains('*') {
        return those(&|known| {
            wild(text, &known.name)
                || wild(text, &known.row.repository)
                || wild(text, &parts(&known.row.repository).join("/"))
        });
    }
    let mut found = those(&|known| known.name == text || known.shown() == text || known.row.repository == text);
    if found.is_empty() {
        let wanted = parts(text);
        found = those(&|known| !wanted.is_empty() && parts(&known.row.repository).ends_with(&wanted));
    }
    if found.is_empty()
        && let Some(location) = Location::of_url(text).or_else(|| local(text, directory))
    {
        found = at(all, &location);
    }
    found
}

/// Where a path of this machine leads. What has no slash is a name, not a path.
fn local(text: &str, directory: &Path) -> Option<Location> {
    text.contains('/').then(|| Remote::parse(text, directory).ok()).flatten().map(|remote| remote.location())
}

/// The rows at a location, however that was spelled.
fn at(all: &[Known], location: &Location) -> BTreeSet<RepositoryId> {
    let is =
        |known: &&Known| Remote::from_url(&known.row.repository).is_ok_and(|remote| remote.location() == *location);
    all.iter().filter(is).map(Known::id).collect()
}

/// Whether a text is what a pattern says, in which `*` stands for anything.
fn wild(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.is_empty()
}

/// The repository of the working directory; all of them outside of any. Of several refs the one that is checked out is
/// meant, else the one that follows HEAD.
pub(super) fn of_directory(all: &[Known], here: Here) -> Result<Chosen, Refused> {
    let Some(checkout) = &here.checkout else {
        return Ok(Chosen { known: all.to_vec(), here: None, note: outside(all, &here) });
    };
    let ids: BTreeSet<_> = checkout.locations.iter().flat_map(|location| at(all, location)).collect();
    let mut candidates: Vec<_> = all.iter().filter(|known| ids.contains(&known.id())).collect();
    let head = |known: &Known| checkout.head.is_some() && known.row.commit == checkout.head;
    let branch = |known: &Known| checkout.branch.is_some() && known.row.reference == checkout.branch;
    candidates.sort_by_key(|known| (!head(known), !branch(known), known.row.reference.is_some()));
    match candidates.first() {
        Some(known) => {
            Ok(Chosen { known: vec![(*known).clone()], here: Some((known.id(), here)), note: String::new() })
        }
        None => Err(not_followed(all, &checkout.root)),
    }
}

/// What is answered about where there is no working tree; nothing where there is nothing.
fn outside(all: &[Known], here: &Here) -> String {
    let whole = match all.len() {
        0 => return String::new(),
        1 => "the one repository in the cache is meant".to_owned(),
        count => format!("all {count} repositories in the cache are meant"),
    };
    let place = here.directory.to_string_lossy();
    let why = if here.is_gone { "is not there any more" } else { "is in no git repository" };
    format!("the working directory, {}, {why}: {whole}\n", printable(&place))
}

fn not_followed(all: &[Known], root: &Path) -> Refused {
    let root = root.display();
    Refused::new(format!(
        "the repository of the working directory, {root}, is not in the cache: `warmer warm {root}` brings it in. \
         Others can be asked by name (all of them, in `search`, by [\"*\"]): {}",
        listed(all)
    ))
}

fn unknown(all: &[Known], text: &str) -> Refused {
    let near = nearest(text, all.iter().map(|known| known.name.as_str()));
    // Who names a URL with a password must not find it in a log.
    let text = warmer_settings::redacted(text);
    let offered = match near.is_empty() {
        false => format!("nearest: {}", near.join(", ")),
        true => format!("there are {}", listed(all)),
    };
    Refused::new(format!("no repository in the cache is called {text}; {offered}. The tool `repositories` lists all"))
}

fn listed(all: &[Known]) -> String {
    let mut names: Vec<_> = all.iter().take(NAMES_SHOWN).map(Known::shown).collect();
    if all.len() > NAMES_SHOWN {
        names.push(format!("{} more", all.len() - NAMES_SHOWN));
    }
    if names.is_empty() { "none yet".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text) in
            [("*", "a"), ("*", ""), ("a*", "abc"), ("*c", "abc"), ("a*c", "abc"), ("*b*", "abc"), ("a", "a")]
        {
            assert!(wild(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a*", "ba"), ("*c", "cb"), ("a*b*c", "acb"), ("a", "ab"), ("ab*ba", "aba")] {
            assert!(!wild(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn what_differs_here_is_told_in_a_line_and_nothing_where_nothing_does() {
        let checkout = Checkout {
            root: "/src/app".into(),
            locations: vec![],
            head: Some("1a2b3c4d5e6f7a8b".to_owned()),
            branch: Some("fix".to_owned()),
        };
        let changed = |paths: &[&str]| Some(paths.iter().map(|path| (*path).to_owned()).collect());
        let mut here = Here { checkout: Some(checkout), changed: changed(&[]), ..Here::default() };
        assert_eq!(here.differs(Some("1a2b3c4d5e6f7a8b")), None);
        here.changed = changed(&["a", "b", "c/", "d"]);
        assert!(here.has_changed("c/e.rs") && here.has_changed("a") && !here.has_changed("cc"));
        let line = "in the working directory HEAD is 1a2b3c4d5e6f (fix), not what is served; 4 files are changed or \
                    new: a, b, c/, …\n";
        assert_eq!(here.differs(Some("other")).as_deref(), Some(line));
        assert_eq!(Here::default().differs(None), None);
    }
}
