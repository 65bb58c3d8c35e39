//! Values of the configuration, each with where it was written.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::file::Text;
use super::problem::{Origin, Problem};
use super::words::in_words;

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

/// A table of a list, `[[repositories]]` say, as it was written.
pub(super) struct Entry<'a> {
    pub(super) value: Value<'a>,
    pub(super) origin: Origin,
    pub(super) text: &'a Text,
}

impl Entry<'_> {
    /// What the table says, or what is wrong with it; `list` is whose it is.
    pub(super) fn read<T: DeserializeOwned>(&self, list: &str) -> Result<T, Problem> {
        T::deserialize(ValueDeserializer::from(self.value.clone())).map_err(|error| {
            let offset = error.span().map_or_else(|| self.value.span().start, |span| span.start);
            self.problem(list, self.key_at(offset), self.origin.at(self.text, offset), in_words(error.message()))
        })
    }

    /// A mistake in the table, at one of its keys or in all of it.
    pub(super) fn problem(&self, list: &str, key: Option<&str>, origin: Origin, message: String) -> Problem {
        let key = key.map_or_else(|| list.to_owned(), |key| format!("{list}.{key}"));
        Problem { origin, key, message }
    }

    /// The key in whose value this offset is.
    fn key_at(&self, offset: usize) -> Option<&str> {
        let DeValue::Table(keys) = self.value.get_ref() else { return None };
        let holds = |value: &Value<'_>| value.span().contains(&offset);
        keys.iter().find(|(_, value)| holds(value)).map(|(key, _)| key.get_ref().as_ref())
    }

    /// Where the value of a key is written; where it is not, where the table is.
    pub(super) fn origin_of(&self, key: &str) -> Origin {
        let DeValue::Table(keys) = self.value.get_ref() else { return self.origin.clone() };
        keys.get(key).map_or_else(|| self.origin.clone(), |value| self.origin.at(self.text, value.span().start))
    }
}

/// One value in force.
#[derive(Clone, Debug)]
pub(crate) struct Valued {
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: toml::Value,
    pub(super) origin: Origin,
}
