//! The fields of a chunk, whose words are counted apart.

/// How many fields there are.
pub(crate) const FIELDS: usize = 4;

/// A field of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// Its own lines.
    Text,
    /// What precedes them where they are embedded: language and enclosing items.
    Header,
    /// The name of the item that it belongs to.
    Symbol,
    /// Where its file lies.
    Path,
}

impl Field {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Self; FIELDS] = [Self::Text, Self::Header, Self::Symbol, Self::Path];
}

/// How often a word stands in each field of a chunk; more than 65,535 times counts as that.
pub(crate) type Counts = [u16; FIELDS];
