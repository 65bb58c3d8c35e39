//! The fleet: all instances of a database, and the configuration that they are to agree on.
//!
//! One row says what is made and by whom that was said. It holds while an instance that takes any job lives and runs by
//! it: an instance that differs follows, and so a roll-out changes over once, when the last instance of before is gone,
//! however often instances of either kind start meanwhile.

use std::collections::BTreeMap;
use std::time::SystemTime;

use warmer_content::{EmbeddingId, KeyBuilder, Recipe, RulesDigest};

use crate::calendar::Window;
use crate::job::InstanceId;

/// The key that names the model, and the other that speaks of it.
pub const MODEL_KEYS: [&str; 2] = ["model", "model.length_max"];
/// What the first says of an instance that has none.
pub const NO_MODEL: &str = "none";

/// What all instances of a database are to agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// How texts are cut and embedded; [`EmbeddingId::NONE`]: as the others say, for here is no model.
    pub recipe: Recipe,
    /// What is indexed, where a repository does not narrow it.
    pub rules: RulesDigest,
    /// Slots in the cluster; 0 is without limit.
    pub slots: u32,
    /// When it is another number; the first that holds counts.
    pub windows: Vec<Window>,
    /// What that was made of, by the configuration's keys: for people, to see what differs.
    pub keys: BTreeMap<String, String>,
}

/// A key that two configurations differ in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub key: String,
    /// What an instance has.
    pub here: String,
    /// What the fleet has.
    pub fleet: String,
}

impl Configuration {
    /// Names it: recipe, rules, slots and windows, whatever keys they were made of.
    #[must_use]
    pub fn digest(&self) -> String {
        let key = KeyBuilder::new("warmer configuration v2").field(self.recipe.embedding.0.0);
        let key = key.field(self.recipe.chunking.0.0).field(self.rules.0.0).number(self.slots.into());
        let key = self.windows.iter().fold(key, |key, window| key.field(window.to_string()));
        key.finish().to_string()
    }

    /// The same with other slots.
    #[must_use]
    pub fn with_slots(&self, slots: u32, windows: Vec<Window>) -> Self {
        let mut keys = self.keys.clone();
        keys.insert("claimer.slots".to_owned(), slots.to_string());
        if windows.is_empty() {
            keys.remove("windows");
        } else {
            keys.insert("windows".to_owned(), windows.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
        }
        Self { slots, windows, keys, ..self.clone() }
    }

    /// The window that holds at this moment of the database's clock.
    #[must_use]
    pub fn window_at(&self, now: SystemTime) -> Option<&Window> {
        self.windows.iter().find(|window| window.holds_at(now))
    }

    /// Slots at this moment of the database's clock; 0 is without limit.
    #[must_use]
    pub fn slots_at(&self, now: SystemTime) -> u32 {
        self.window_at(now).map_or(self.slots, Window::slots)
    }

    /// As it counts in this fleet: who has no model goes by the fleet's.
    #[must_use]
    pub fn within(&self, fleet: &Self) -> Self {
        if self.recipe.embedding == EmbeddingId::NONE { self.with_model_of(fleet) } else { self.clone() }
    }

    /// The same by the model of another.
    #[must_use]
    pub(crate) fn with_model_of(&self, other: &Self) -> Self {
        let recipe = Recipe { embedding: other.recipe.embedding, ..self.recipe };
        Self { recipe, keys: model_keys_of(&self.keys, &other.keys), ..self.clone() }
    }

    /// The digest of an instance that differs in nothing but that it has no model.
    #[must_use]
    pub(crate) fn digest_without_model(&self) -> String {
        let recipe = Recipe { embedding: EmbeddingId::NONE, ..self.recipe };
        Self { recipe, ..self.clone() }.digest()
    }

    /// Whether both make the same of a repository.
    #[must_use]
    pub fn makes_the_same(&self, other: &Self) -> bool {
        self.recipe == other.recipe && self.rules == other.rules
    }
}

/// These keys, with what the others say of the model.
fn model_keys_of(keys: &BTreeMap<String, String>, others: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let is_model = |key: &str| MODEL_KEYS.contains(&key);
    let own = keys.iter().filter(|(key, _)| !is_model(key));
    let theirs = others.iter().filter(|(key, _)| is_model(key));
    own.chain(theirs).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The keys of an instance as they count beside the fleet's: one that has no model differs in none of the model's.
pub(crate) fn keys_within(
    keys: &BTreeMap<String, String>,
    fleet: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let has_none = keys.get(MODEL_KEYS[0]).is_some_and(|model| model == NO_MODEL);
    if has_none { model_keys_of(keys, fleet) } else { keys.clone() }
}

/// What the key of the model says of this embedding.
#[must_use]
pub fn model_name(embedding: EmbeddingId) -> String {
    if embedding == EmbeddingId::NONE {
        return NO_MODEL.to_owned();
    }
    embedding.to_string().chars().take(16).collect()
}

/// The keys in which `here` differs from what the fleet has, by name. A key that one of them lacks is empty there.
#[must_use]
pub fn differences(here: &BTreeMap<String, String>, fleet: &BTreeMap<String, String>) -> Vec<Difference> {
    let keys: std::collections::BTreeSet<_> = here.keys().chain(fleet.keys()).collect();
    let value = |of: &BTreeMap<String, String>, key: &String| of.get(key).cloned().unwrap_or_default();
    let difference = |key: &String| Difference { key: key.clone(), here: value(here, key), fleet: value(fleet, key) };
    keys.into_iter().map(difference).filter(|difference| difference.here != difference.fleet).collect()
}

/// What the fleet runs by, and who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// It.
    pub configuration: Configuration,
    /// The instance that said so.
    pub set_by: InstanceId,
    /// The version of its program.
    pub version: String,
    /// When, by the database's clock.
    pub set_at: SystemTime,
}

/// From where an instance looks at the fleet's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// A daemon that starts: its own becomes the fleet's unless somebody lives who runs by the one that is there.
    Joins,
    /// A daemon that runs. Who ran by the other one may only be starting anew: it is waited for, a minute.
    Runs,
    /// One that takes only its own jobs: it decides nothing where a daemon ever did.
    Visits,
}

/// What an instance and the fleet make of each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// What the fleet runs by.
    pub fleet: Fleet,
    /// It was set just now, by this instance.
    pub set: bool,
    /// A live instance that takes any job runs by it; this one counts.
    pub held: bool,
}
