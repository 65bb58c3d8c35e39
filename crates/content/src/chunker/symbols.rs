//! The symbol that a piece shows, and the header that tells the model what encloses it.

use std::ops::Range;

use crate::language::{Language, Structure};

/// More enclosing items than this are left out of the header, the outermost first.
const LABELS_MAX: usize = 4;
/// More names than this are left out of a symbol, the outermost first.
const NAMES_MAX: usize = 6;

/// An item or section of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) start: u32,
    pub(super) end: u32,
    /// The index of the scope around it.
    pub(super) parent: Option<usize>,
    /// For the symbol, for example `Queue`.
    pub(super) name: String,
    /// For the header, for example `impl Queue`.
    pub(super) label: String,
}

/// What a piece is shown and embedded with.
pub(super) struct Named {
    pub(super) symbol: Option<String>,
    /// Language and enclosing items.
    pub(super) header: String,
    /// The language alone.
    pub(super) short_header: String,
}

/// Names pieces, which come in the order of the text.
pub(super) struct Symbols<'a> {
    text: &'a str,
    language: &'static Language,
    scopes: &'a [Scope],
    /// The scopes up to here have been looked at.
    next: usize,
    /// Those of them that reach into the last piece or beyond.
    live: Vec<usize>,
}

impl<'a> Symbols<'a> {
    pub(super) fn new(text: &'a str, language: &'static Language, scopes: &'a [Scope]) -> Self {
        Self { text, language, scopes, next: 0, live: vec![] }
    }

    /// Names a piece that starts at or behind the start of the one before.
    pub(super) fn of(&mut self, piece: &Range<u32>) -> Named {
        let range = self.trimmed(piece);
        let upcoming = self.scopes[self.next..].iter().take_while(|scope| scope.start < range.end).count();
        self.live.extend(self.next..self.next + upcoming);
        self.next += upcoming;
        self.live.retain(|scope| self.scopes[*scope].end > range.start);
        let chain = self.chain(&range);
        // What begins in the piece is to be seen there.
        let before =
            chain.iter().filter(|scope| scope.start < range.start && 2 * shared(scope, &range) >= length(&range));
        let (header, short_header) = self.headers(&before.map(|scope| scope.label.as_str()).collect::<Vec<_>>());
        Named { symbol: self.symbol(&chain), header, short_header }
    }

    /// The piece without white space around it.
    fn trimmed(&self, piece: &Range<u32>) -> Range<u32> {
        let text = &self.text[piece.start as usize..piece.end as usize];
        let less = |rest: &str| u32::try_from(text.len() - rest.len()).unwrap_or(0);
        piece.start + less(text.trim_start())..piece.end - less(text.trim_end())
    }

    fn headers(&self, labels: &[&str]) -> (String, String) {
        let known = !std::ptr::eq(self.language, Language::text());
        let bare = if known { self.language.name.to_owned() } else { String::new() };
        let labels = &labels[labels.len().saturating_sub(LABELS_MAX)..];
        let full = if labels.is_empty() { bare.clone() } else { format!("{bare} {}", labels.join(" > ")) };
        (full, bare)
    }

    /// The qualified name of the innermost scope of the chain.
    fn symbol(&self, chain: &[&Scope]) -> Option<String> {
        let names: Vec<_> = chain.iter().map(|scope| scope.name.as_str()).collect();
        let separator = match &self.language.structure {
            Structure::Tree(grammar) => grammar.separator,
            _ => " > ",
        };
        (!names.is_empty()).then(|| names[names.len().saturating_sub(NAMES_MAX)..].join(separator))
    }

    /// The scopes that the range is about, outermost first: those that enclose it, then what fills most of it. It ends
    /// where a scope is wholly in the range.
    fn chain(&self, range: &Range<u32>) -> Vec<&'a Scope> {
        let mut chain: Vec<&Scope> = vec![];
        let mut parent = None;
        while let Some(index) = self.main_child(parent, range) {
            let scope = &self.scopes[index];
            chain.push(scope);
            if range.start <= scope.start && scope.end <= range.end {
                break;
            }
            parent = Some(index);
        }
        chain
    }

    /// The scope directly inside `parent` that shares most with the range; inside an item at least half of the range.
    fn main_child(&self, parent: Option<usize>, range: &Range<u32>) -> Option<usize> {
        let shared = |index: &usize| shared(&self.scopes[*index], range);
        let children = self.live.iter().copied().filter(|index| self.scopes[*index].parent == parent);
        // Of equals the first: `max_by_key` would give the last.
        let main = children.rev().max_by_key(shared)?;
        (parent.is_none() || 2 * shared(&main) >= length(range)).then_some(main)
    }
}

fn length(range: &Range<u32>) -> u64 {
    u64::from(range.end - range.start)
}

/// How many bytes of the range are in the scope.
fn shared(scope: &Scope, range: &Range<u32>) -> u64 {
    u64::from(scope.end.min(range.end).saturating_sub(scope.start.max(range.start)))
}
