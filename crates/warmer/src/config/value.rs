//! Values of the configuration, each with where it was written.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::Text;
use super::problem::Origin;

/// A table with the position of everything in it.
pub(super) type Table<'a> = DeTable<'a>;

/// A value with its position.
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// One value that a layer gives to a key that exists.
pub(super) struct Setting<'a> {
    /// The section.
    pub(super) section: String,
    /// The key in it.
    pub(super) key: String,
    /// The value; its spans count in `text`.
    pub(super) value: Value<'a>,
    /// Where the key was written.
    pub(super) origin: Origin,
    /// The file's text; nothing elsewhere.
    pub(super) text: Option<&'a Text>,
}

/// A table `[[repositories]]` as it was written.
pub(super) struct Entry<'a> {
    pub(super) value: Value<'a>,
    pub(super) origin: Origin,
    pub(super) text: &'a Text,
}

/// One value in force.
#[derive(Clone, Debug)]
pub(crate) struct Valued {
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: toml::Value,
    pub(super) origin: Origin,
}
