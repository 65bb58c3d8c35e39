//! What `.gitattributes` say about a path, as far as it decides indexing.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use gix::attrs::search::{MetadataCollection, Outcome};
use gix::attrs::{Search, StateRef};
use gix::bstr::{BStr, ByteSlice};
use gix::glob::pattern::Case;
use serde::{Deserialize, Serialize};

/// The attributes of one file; `None` is unspecified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// `linguist-generated`
    pub generated: Option<bool>,
    /// `linguist-vendored`
    pub vendored: Option<bool>,
    /// `linguist-language`, as it is written
    pub language: Option<String>,
    /// `binary` or `-diff` is true, `diff` or `-binary` false. `-text` says nothing here: it is widely used, for whole
    /// repositories, to keep line endings as they are.
    pub binary: Option<bool>,
    /// `filter=lfs`: the blob is a pointer to what Git LFS keeps elsewhere.
    pub lfs: bool,
}

/// The attributes that are looked up, in the order in which `of` reads them.
const NAMES: [&str; 6] = ["linguist-generated", "linguist-vendored", "linguist-language", "binary", "diff", "filter"];

/// Bytes of the files from the top of a tree down to one directory: what is read takes some 70 times as much memory.
/// One that would be too much is left out, as git leaves out one of more than 100 MiB.
const STACK_BYTES_MAX: usize = 1 << 20;

/// The longest line that git reads, in bytes.
const LINE_BYTES_MAX: usize = 2048;

/// Each `**` can double what it takes to see that a path does not match.
const DOUBLE_STARS_MAX: usize = 8;

/// The attribute files from the top of a tree down to one directory.
pub(crate) struct AttributeStack {
    search: Search,
    names: MetadataCollection,
    outcome: Outcome,
    /// Bytes and lines of each attribute file on the stack.
    sizes: Vec<(usize, usize)>,
    /// Whether there was a warning that something is left out.
    warned: bool,
}

impl AttributeStack {
    /// No files, but git's built-in macro `binary`.
    pub(crate) fn new() -> Self {
        let mut names = MetadataCollection::default();
        let search =
            Search::new_globals(std::iter::empty::<PathBuf>(), &mut Vec::new(), &mut names).unwrap_or_default();
        Self { search, names, outcome: Outcome::default(), sizes: vec![], warned: false }
    }

    /// Adds the file of `directory`, which is empty or ends with a slash. Macros count at the top only, as in git.
    /// Returns whether it was added: what cannot be a path on this system is left out, and what is too much.
    pub(crate) fn push(&mut self, directory: &[u8], text: &[u8]) -> bool {
        if self.sizes.iter().map(|(bytes, _)| bytes).sum::<usize>() + text.len() > STACK_BYTES_MAX {
            self.warn_once(directory, "is too large, with those above it, and is left out");
            return false;
        }
        let readable = readable(text);
        if readable.len() < text.len() {
            self.warn_once(directory, "has lines that are too long, or have too many `**`: they are left out");
        }
        let Ok(directory) = gix::path::from_byte_slice(directory) else { return false };
        let source = directory.join(".gitattributes");
        let macros = self.sizes.is_empty() && directory.as_os_str().is_empty();
        let added =
            self.search.add_patterns_buffer(&readable, source, Some(Path::new("")), &mut self.names, macros).is_ok();
        if added {
            self.sizes.push((text.len(), readable.lines().count()));
            self.outcome.initialize_with_selection(&self.names, NAMES);
        }
        added
    }

    /// Removes the file that was added last.
    pub(crate) fn pop(&mut self) {
        if self.search.pop_pattern_list().is_some() {
            self.sizes.pop();
        }
    }

    /// Once in a walk: a million directories may have such a file. They are named by the remote.
    fn warn_once(&mut self, directory: &[u8], what: &str) {
        if !std::mem::replace(&mut self.warned, true) {
            let directory: String = String::from_utf8_lossy(directory).escape_debug().take(200).collect();
            tracing::warn!("{directory}.gitattributes {what}");
        }
    }

    /// How many patterns a path is matched against.
    pub(crate) fn lines(&self) -> u64 {
        self.sizes.iter().map(|(_, lines)| *lines as u64).sum()
    }

    /// The attributes of the file at `path`, whose directories' files are all on the stack.
    pub(crate) fn of(&mut self, path: &[u8]) -> Attributes {
        if self.sizes.is_empty() {
            return Attributes::default();
        }
        self.outcome.reset();
        self.search.pattern_matching_relative_path(BStr::new(path), Case::Sensitive, Some(false), &mut self.outcome);
        let mut states = self.outcome.iter_selected().map(|found| found.assignment.state);
        let mut next = || states.next().unwrap_or(StateRef::Unspecified);
        let (generated, vendored, language) = (truth(next()), truth(next()), text(next()));
        let (binary, diff, filter) = (next(), next(), text(next()));
        let lfs = filter.is_some_and(|filter| filter == "lfs");
        Attributes { generated, vendored, language, binary: binary_by(binary, diff), lfs }
    }
}

/// The text without the lines that take too long.
fn readable(text: &[u8]) -> Cow<'_, [u8]> {
    let short = |line: &&[u8]| line.len() <= LINE_BYTES_MAX && line.find_iter(b"**").count() <= DOUBLE_STARS_MAX;
    if text.lines().all(|line| short(&line)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.lines_with_terminator().filter(short).collect::<Vec<_>>().concat())
}

/// Set, `=true`, unset, `=false`.
fn truth(state: StateRef<'_>) -> Option<bool> {
    match state {
        StateRef::Set => Some(true),
        StateRef::Unset => Some(false),
        StateRef::Value(value) => value.as_bstr().to_str().ok()?.to_ascii_lowercase().parse().ok(),
        StateRef::Unspecified => None,
    }
}

fn text(state: StateRef<'_>) -> Option<String> {
    match state {
        StateRef::Value(value) => value.as_bstr().to_str().ok().map(str::to_owned),
        _ => None,
    }
}

fn binary_by(binary: StateRef<'_>, diff: StateRef<'_>) -> Option<bool> {
    match (binary, diff) {
        (_, StateRef::Unset) => Some(true),
        (_, StateRef::Set) => Some(false),
        (StateRef::Set, _) => Some(true),
        (StateRef::Unset, _) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)], path: &str) -> Attributes {
        let mut stack = AttributeStack::new();
        for (directory, text) in files {
            assert!(stack.push(directory.as_bytes(), text.as_bytes()));
        }
        stack.of(path.as_bytes())
    }

    #[test]
    fn every_spelling_of_every_attribute_is_read() {
        let top = [(
            "",
            "*.g linguist-generated\n*.h linguist-generated=true linguist-vendored=false\n*.n -linguist-generated\n*.l \
            linguist-language=C++\n",
        )];
        assert_eq!(of(&top, "a.g").generated, Some(true));
        assert_eq!((of(&top, "a.h").generated, of(&top, "a.h").vendored), (Some(true), Some(false)));
        assert_eq!(of(&top, "a.n").generated, Some(false));
        assert_eq!(of(&top, "a.l").language.as_deref(), Some("C++"));
        assert_eq!(of(&top, "a.x"), Attributes::default());
    }

    #[test]
    fn binary_follows_the_macro_and_diff_but_not_line_endings() {
        let top = [("", "*.b binary\n*.d -diff\n*.t -text\n*.y diff\n*.n -binary\n*.p diff=pdf\n*.o binary diff\n")];
        let binary = ["b", "d", "t", "y", "n", "p", "o"].map(|end| of(&top, &format!("a.{end}")).binary);
        assert_eq!(binary, [Some(true), Some(true), None, Some(false), Some(false), None, Some(false)]);
    }

    #[test]
    fn a_file_is_kept_by_git_lfs_where_its_filter_says_so() {
        let files = [
            ("", "*.psd filter=lfs diff=lfs merge=lfs -text\n*.csv filter=lfs\n*.doc filter=other\n"),
            ("sub/", "a.csv !filter\nb.csv -filter\n"),
        ];
        let lfs = ["a.psd", "a.csv", "a.doc", "sub/a.csv", "sub/b.csv", "sub/c.csv"].map(|path| of(&files, path).lfs);
        assert_eq!(lfs, [true, true, false, false, false, true]);
        assert_eq!(of(&files, "a.psd").binary, None, "a diff driver says nothing of the bytes");
    }

    #[test]
    fn a_deeper_file_wins_and_only_below_itself() {
        let files =
            [("", "*.rs linguist-generated\nsub/c.rs linguist-vendored\n"), ("sub/", "*.rs -linguist-generated\n")];
        assert_eq!(of(&files, "sub/a.rs").generated, Some(false));
        assert_eq!(of(&files, "sub/c.rs").vendored, Some(true));
        assert_eq!(of(&files, "a.rs").generated, Some(true));
    }

    #[test]
    fn a_macro_of_the_top_file_is_expanded_and_one_below_is_not() {
        assert_eq!(of(&[("", "[attr]made linguist-generated\n*.m made\n")], "a.m").generated, Some(true));
        assert_eq!(of(&[("sub/", "[attr]made linguist-generated\n*.m made\n")], "sub/a.m").generated, None);
    }

    #[test]
    fn a_line_that_would_take_for_ever_to_match_is_left_out_and_the_others_count() {
        let slow = format!("{}**/b linguist-generated", "**/a/".repeat(40));
        let long = format!("{}*.rs linguist-generated", " ".repeat(LINE_BYTES_MAX));
        let text = format!("{slow}\n{long}\n*.rs linguist-vendored\r\n**/x/**/y/** linguist-generated");
        let path = format!("{}a.rs", "a/".repeat(90));
        let found = of(&[("", &text)], &path);
        assert_eq!((found.generated, found.vendored), (None, Some(true)));
        assert_eq!(of(&[("", &text)], "1/x/2/y/z.rs").generated, Some(true));
    }

    #[test]
    fn files_that_are_too_much_together_are_left_out_and_those_above_them_count() {
        let mut stack = AttributeStack::new();
        assert!(stack.push(b"", b"*.rs linguist-generated\n"));
        let half = "# of no matter\n".repeat(STACK_BYTES_MAX / 30);
        assert!(stack.push(b"a/", half.as_bytes()));
        let more = format!("{half}*.rs -linguist-generated\n");
        assert!(!stack.push(b"a/b/", more.as_bytes()));
        assert_eq!(stack.of(b"a/b/c.rs").generated, Some(true));
        stack.pop();
        assert!(stack.push(b"b/", more.as_bytes()), "what was popped does not count");
        assert_eq!(stack.of(b"b/c.rs").generated, Some(false));
    }

    #[test]
    fn a_popped_file_no_longer_counts() {
        let mut stack = AttributeStack::new();
        assert!(stack.push(b"", b"* linguist-generated\n"));
        assert!(stack.push(b"sub/", b"* linguist-vendored\n"));
        stack.pop();
        let found = stack.of(b"sub/a");
        assert_eq!((found.generated, found.vendored), (Some(true), None));
    }
}
