//! Values of the configuration, each with where it was written.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::file::Text;
use super::problem::{Origin, Problem, TOLD_MOST};
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
    /// What the table says, or everything that is wrong with it; `list` is whose it is, and `required` has the keys
    /// that it cannot do without.
    ///
    /// A reader ends at its first mistake. So the table is read again without the key that has it, until no other has.
    pub(super) fn read<T: DeserializeOwned>(&self, list: &str, required: &[&str]) -> Result<T, Vec<Problem>> {
        let (mut left, mut problems) = (self.value.clone(), Vec::new());
        loop {
            let error = match T::deserialize(ValueDeserializer::from(left.clone())) {
                Ok(read) if problems.is_empty() => return Ok(read),
                Ok(_) => return Err(problems),
                Err(error) => error,
            };
            let offset = error.span().map_or_else(|| self.value.span().start, |span| span.start);
            let origin = self.origin.at(self.text, offset);
            let message = in_words(error.message());
            if problems.len() <= TOLD_MOST && remove(&mut left, offset) {
                problems.push(self.problem(list, self.key_at(offset), origin, message));
                continue;
            }
            // No key has it: one is missing, perhaps as it was left out here, or this is no table. Or it is enough.
            let missing = required.iter().filter(|key| !self.has(key)).map(|key| format!("missing field `{key}`"));
            problems.extend(missing.map(|message| self.problem(list, None, origin.clone(), message)));
            if problems.is_empty() {
                problems.push(self.problem(list, None, origin, message));
            }
            return Err(problems);
        }
    }

    fn has(&self, key: &str) -> bool {
        matches!(self.value.get_ref(), DeValue::Table(keys) if keys.contains_key(key))
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

/// Takes out of a table the key that is written at this offset, or whose value is; whether there is one.
fn remove(table: &mut Value<'_>, offset: usize) -> bool {
    let DeValue::Table(keys) = table.get_mut() else { return false };
    let written = keys.iter().find(|(key, value)| key.span().contains(&offset) || value.span().contains(&offset));
    let key = written.map(|(key, _)| key.get_ref().to_string());
    key.is_some_and(|key| keys.remove(key.as_str()).is_some())
}

/// One value in force.
#[derive(Clone, Debug)]
pub(crate) struct Valued {
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: toml::Value,
    pub(super) origin: Origin,
}
