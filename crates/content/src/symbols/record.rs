//! The record: definitions and references of one text.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Definitions of one text, at most: a generated header of 50,000 macros is worth no more.
pub(super) const DEFINITIONS_MAX: usize = 4_000;
/// Names that one text refers to, each once for a kind, at most.
pub(super) const REFERENCES_MAX: usize = 1_000;
/// Lines that are kept of one name, at most.
pub(super) const REFERENCE_LINES_MAX: usize = 16;
/// The longest signature, in bytes: longer lines are cut.
const SIGNATURE_BYTES_MAX: usize = 160;
/// The longest qualified name, in bytes: outer names are left out.
const QUALIFIED_BYTES_MAX: usize = 240;

/// What bounds a record, part of its fingerprint.
pub(super) const LIMITS: [usize; 5] =
    [DEFINITIONS_MAX, REFERENCES_MAX, REFERENCE_LINES_MAX, SIGNATURE_BYTES_MAX, QUALIFIED_BYTES_MAX];

/// What one text defines, and what it refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbols {
    /// In the order of the text, an outer one before those inside it.
    pub definitions: Vec<Definition>,
    /// By name; empty where no grammar tells them.
    pub references: Vec<Reference>,
}

/// A name that the text defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Alone: `claim`. Of an `impl` what it says of itself: `impl FromHex for Vec<u8>`.
    pub name: String,
    /// With what it is inside of: `Queue::claim`, `<Vec<u8> as FromHex>::from_hex`.
    pub qualified: String,
    /// What it is.
    pub kind: DefinitionKind,
    /// The line that has the name, without white space around it.
    pub signature: String,
    /// The first byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
    /// The first line, counted from 1.
    pub start_line: u32,
    /// The last line, inclusive.
    pub end_line: u32,
    /// The definition that this one is inside of, as an index of the list: always before this one.
    pub parent: Option<u32>,
}

/// What a definition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the word of the languages that have it")]
pub enum DefinitionKind {
    Class,
    Constant,
    Constructor,
    /// Declared and not defined: a prototype in C, a function of a class in C++.
    Declaration,
    Enum,
    Field,
    Function,
    /// A block that gives a type its methods: it defines no name.
    Impl,
    Interface,
    Macro,
    Method,
    /// A module, package or namespace.
    Module,
    /// A heading.
    Section,
    Struct,
    /// Of a database.
    Table,
    Trait,
    /// An alias, or a type of no other kind.
    Type,
    Union,
    Variable,
    /// Of an enum.
    Variant,
}

impl DefinitionKind {
    /// Its name, as it is shown and stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Constant => "constant",
            Self::Constructor => "constructor",
            Self::Declaration => "declaration",
            Self::Enum => "enum",
            Self::Field => "field",
            Self::Function => "function",
            Self::Impl => "impl",
            Self::Interface => "interface",
            Self::Macro => "macro",
            Self::Method => "method",
            Self::Module => "module",
            Self::Section => "section",
            Self::Struct => "struct",
            Self::Table => "table",
            Self::Trait => "trait",
            Self::Type => "type",
            Self::Union => "union",
            Self::Variable => "variable",
            Self::Variant => "variant",
        }
    }

    /// Whether who asks for the name asks for this: not a field (every second type has an `id`), not a prototype, not
    /// a heading, and an `impl` has no name of its own.
    #[must_use]
    pub fn is_named(self) -> bool {
        !matches!(self, Self::Declaration | Self::Field | Self::Impl | Self::Section)
    }

    /// Whether functions inside of it are methods.
    pub(super) fn has_methods(self) -> bool {
        matches!(
            self,
            Self::Class
                | Self::Enum
                | Self::Impl
                | Self::Interface
                | Self::Struct
                | Self::Trait
                | Self::Type
                | Self::Union
        )
    }

    /// Whether it is worth a definition only where it is not local.
    pub(super) fn is_variable(self) -> bool {
        matches!(self, Self::Constant | Self::Declaration | Self::Field | Self::Variable)
    }

    /// Whether names inside of it are local.
    pub(super) fn is_function(self) -> bool {
        matches!(self, Self::Constructor | Self::Function | Self::Method | Self::Macro)
    }
}

/// A name that the text uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Alone: `claim` of `queue.claim()`.
    pub name: String,
    /// How it is used.
    pub kind: ReferenceKind,
    /// Lines, counted from 1, ascending, each once; the first few of many.
    pub lines: Vec<u32>,
}

/// How a name is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceKind {
    /// Called, or made by a constructor.
    Call,
    /// Brought in from elsewhere.
    Import,
    /// As a type.
    Type,
}

impl ReferenceKind {
    /// Its name, as it is shown and stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Import => "import",
            Self::Type => "type",
        }
    }
}

impl Symbols {
    /// The definitions that begin in these bytes, in the order of the text.
    pub fn beginning_in(&self, bytes: Range<u32>) -> impl Iterator<Item = &Definition> {
        let first = self.definitions.partition_point(|definition| definition.start < bytes.start);
        self.definitions[first..].iter().take_while(move |definition| definition.start < bytes.end)
    }

    /// The names that somebody may ask for whose definitions begin in these bytes; each once, in the order of the text.
    #[must_use]
    pub fn defines(&self, bytes: Range<u32>) -> Vec<&str> {
        let mut names: Vec<&str> = vec![];
        for definition in self.beginning_in(bytes).filter(|definition| definition.kind.is_named()) {
            if !names.contains(&definition.name.as_str()) {
                names.push(&definition.name);
            }
        }
        names
    }

    /// The definitions of this name, alone or qualified (`claim`, `Queue::claim`, `queue::Queue::claim`), case and
    /// separators aside; those in the very same case first.
    #[must_use]
    pub fn named(&self, name: &str) -> Vec<&Definition> {
        let wanted = parts(&name.to_lowercase());
        let last = name.rsplit([':', '.', '#', '/', '\\']).next().unwrap_or(name);
        let is = |definition: &&Definition| {
            !wanted.is_empty() && parts(&definition.qualified.to_lowercase()).ends_with(&wanted)
        };
        let mut found: Vec<_> = self.definitions.iter().filter(is).collect();
        found.sort_by_key(|definition| (definition.name != last, !definition.kind.is_named()));
        found
    }
}

/// The names of a qualified name, without generics and what separates them: `<Vec<u8> as FromHex>::from_hex` has
/// `vec` and `from_hex`.
fn parts(qualified: &str) -> Vec<String> {
    let inner = match qualified.strip_prefix('<').and_then(|rest| rest.split_once(" as ")) {
        Some((of, rest)) => format!("{of}::{}", rest.split_once(">::").map_or("", |(_, name)| name)),
        None => qualified.to_owned(),
    };
    let mut depth = 0u32;
    let bare: String = inner
        .chars()
        .filter(|c| {
            depth += u32::from(*c == '<');
            let outside = depth == 0;
            depth = depth.saturating_sub(u32::from(*c == '>'));
            outside
        })
        .collect();
    bare.split([':', '.', '#', '/', '\\', ' ']).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// A name with the qualified name of its parent before it, as long as that stays readable.
pub(super) fn qualified(parent: Option<&str>, separator: &str, name: &str) -> String {
    match parent {
        Some(parent) if parent.len() + separator.len() + name.len() <= QUALIFIED_BYTES_MAX => {
            format!("{parent}{separator}{name}")
        }
        _ => name.to_owned(),
    }
}

/// A line as a signature.
pub(super) fn signature(line: &str) -> String {
    let line = line.trim();
    line[..line.floor_char_boundary(SIGNATURE_BYTES_MAX)].to_owned()
}

/// A text of 4 GiB or more has no symbols.
pub(super) fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(qualified: &str, kind: DefinitionKind, start: u32) -> Definition {
        let name = qualified.rsplit([':', '.']).next().unwrap_or_default().to_owned();
        let (qualified, signature) = (qualified.to_owned(), String::new());
        let end = start + 1;
        Definition { name, qualified, kind, signature, start, end, start_line: 1, end_line: 1, parent: None }
    }

    #[test]
    fn a_range_defines_the_names_that_begin_in_it_without_fields_and_each_once() {
        use DefinitionKind::{Field, Method, Struct};
        let all = [("Queue", Struct, 0), ("Queue::id", Field, 4), ("Queue::put", Method, 8), ("Job::put", Method, 9)];
        let definitions = all.map(|(name, kind, start)| definition(name, kind, start)).to_vec();
        let symbols = Symbols { definitions, references: vec![] };
        assert_eq!(symbols.defines(0..9), ["Queue", "put"]);
        assert_eq!(symbols.defines(5..20), ["put"]);
        assert_eq!(symbols.defines(1..8), [""; 0]);
    }

    #[test]
    fn a_name_is_found_alone_qualified_and_in_another_case() {
        let kind = DefinitionKind::Method;
        let all = ["queue::Queue::claim", "<Vec<u8> as FromHex>::from_hex", "Job.Claim", "reclaim"];
        let definitions = all.map(|name| definition(name, kind, 0)).to_vec();
        let symbols = Symbols { definitions, references: vec![] };
        let named = |name: &str| symbols.named(name).iter().map(|one| one.qualified.clone()).collect::<Vec<_>>();
        assert_eq!(named("claim"), [all[0], all[2]]);
        assert_eq!(named("Claim"), [all[2], all[0]]);
        assert_eq!(named("queue.claim"), [all[0]]);
        assert_eq!(named("Vec::from_hex"), [all[1]]);
        assert_eq!(named("laim"), [""; 0]);
        assert_eq!(named(""), [""; 0]);
    }
}
