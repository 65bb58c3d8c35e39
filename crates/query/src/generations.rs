//! `Generations`: by which models and by which way of cutting texts vectors are made, and which of them searches use.

use serde::Serialize;
use warmer_content::{EmbeddingId, Recipe};
use warmer_store::{GenerationState, Store};

use crate::error::QueryError;
use crate::freshness::by_name;
use crate::moment::Moment;
use crate::names;
use crate::scope::Scope;

/// The hexadecimal digits of a model, and of a way of cutting, that name a generation to people.
const DIGITS: (usize, usize) = (12, 6);

/// A model and a way of cutting texts, and where the vectors of the two stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Generation {
    /// What cuts texts, in hexadecimal.
    pub chunking: String,
    /// Repositories of which no vector is missing; `None` where not everything may be seen.
    pub covered: Option<u64>,
    /// What makes vectors, in hexadecimal.
    pub embedding: String,
    /// The beginnings of both, with a `/` in between.
    pub id: String,
    /// All instances are to make it.
    pub made_by_fleet: bool,
    /// Texts that lack a vector of it; `None` where not everything may be seen.
    pub missing: Option<u64>,
    /// The model's name, where it is the one of this machine.
    pub model: Option<String>,
    /// Repositories that are served at all.
    pub served: u64,
    /// When it came to its state.
    pub since: Moment,
    /// Whether searches use it.
    #[serde(serialize_with = "by_name")]
    pub state: GenerationState,
    /// Both.
    #[serde(skip)]
    pub recipe: Recipe,
    /// When searches last began to use it.
    #[serde(skip)]
    active_at: Option<Moment>,
}

/// All of them, the one that changed last first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Generations(pub Vec<Generation>);

impl Generations {
    /// As they are now. `here`: the model of this machine, and its name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(
        store: &dyn Store,
        scope: &Scope,
        here: Option<&(EmbeddingId, String)>,
    ) -> Result<Self, QueryError> {
        let fleet = store.fleet().await?.map(|fleet| fleet.configuration.recipe);
        let repositories = names::followed(store, scope).await?;
        let served = repositories.iter().filter(|repository| repository.served.is_some()).count() as u64;
        let sees_all = *scope == Scope::All;
        let generation = |row: warmer_store::Generation| Generation {
            chunking: row.recipe.chunking.to_string(),
            covered: sees_all.then_some(row.covered),
            embedding: row.recipe.embedding.to_string(),
            id: id(row.recipe),
            made_by_fleet: fleet == Some(row.recipe),
            missing: sees_all.then_some(row.missing),
            model: here.filter(|(id, _)| *id == row.recipe.embedding).map(|(_, name)| name.clone()),
            served,
            since: Moment(row.changed_at),
            state: row.state,
            recipe: row.recipe,
            active_at: row.active_at.map(Moment),
        };
        Ok(Self(store.generations().await?.into_iter().map(generation).collect()))
    }

    /// The one that a person means: by the first digits of its model, and where these are of several, of its way of
    /// cutting behind a `/`.
    ///
    /// # Errors
    /// When there is none, or more than one, or no digit is given.
    pub fn find(&self, text: &str) -> Result<&Generation, QueryError> {
        let (embedding, chunking) = text.split_once('/').unwrap_or((text, ""));
        if embedding.trim().is_empty() {
            return Err(QueryError::UnnamedGeneration);
        }
        let (embedding, chunking) = (embedding.to_ascii_lowercase(), chunking.to_ascii_lowercase());
        let is_meant = |one: &&Generation| one.embedding.starts_with(&embedding) && one.chunking.starts_with(&chunking);
        let mut found = self.0.iter().filter(is_meant);
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (Some(first), Some(second)) => {
                let ids = [first, second].into_iter().chain(found).map(|one| one.id.clone());
                Err(QueryError::ManyGenerations { text: text.to_owned(), ids: names::listed(ids) })
            }
            (None, _) => {
                let ids = names::listed(self.0.iter().map(|one| one.id.clone()));
                Err(QueryError::NoGeneration { text: text.to_owned(), ids })
            }
        }
    }

    /// The one that searches use.
    #[must_use]
    pub fn active(&self) -> Option<&Generation> {
        self.0.iter().find(|one| one.state == GenerationState::Active)
    }

    /// The one that searches used last with another model than now.
    #[must_use]
    pub fn before(&self) -> Option<&Generation> {
        let active = self.active()?.recipe.embedding;
        let left = self.0.iter().filter(|one| one.recipe.embedding != active && one.active_at.is_some());
        left.filter(|one| one.recipe.embedding != EmbeddingId::NONE).max_by_key(|one| one.active_at)
    }
}

pub(crate) fn id(recipe: Recipe) -> String {
    let (embedding, chunking) = (recipe.embedding.to_string(), recipe.chunking.to_string());
    let (of_embedding, of_chunking) = DIGITS;
    let begin = |digits: String, count: usize| digits.chars().take(count).collect::<String>();
    format!("{}/{}", begin(embedding, of_embedding), begin(chunking, of_chunking))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use warmer_content::{ChunkingId, Digest};

    use super::*;

    fn generation(embedding: u8, chunking: u8, active_at: Option<u64>, state: GenerationState) -> Generation {
        let recipe =
            Recipe { embedding: EmbeddingId(Digest([embedding; 32])), chunking: ChunkingId(Digest([chunking; 32])) };
        let moment = |seconds| Moment(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        Generation {
            chunking: recipe.chunking.to_string(),
            covered: Some(0),
            embedding: recipe.embedding.to_string(),
            id: id(recipe),
            made_by_fleet: false,
            missing: Some(0),
            model: None,
            served: 0,
            since: moment(9),
            state,
            recipe,
            active_at: active_at.map(moment),
        }
    }

    fn three() -> Generations {
        use GenerationState::{Active, Building, Retired};
        Generations(vec![
            generation(0xa1, 0xc1, Some(3), Active),
            generation(0xa2, 0xc1, Some(1), Retired),
            generation(0xa2, 0xc2, Some(2), Retired),
            generation(0xb3, 0xc1, None, Building),
        ])
    }

    #[test]
    fn a_generation_is_found_by_its_first_digits_and_the_candidates_are_named() {
        let all = three();
        assert_eq!(all.find("a1").unwrap(), &all.0[0]);
        assert_eq!(all.find("B").unwrap(), &all.0[3]);
        assert_eq!(all.find("a2/c2").unwrap(), &all.0[2]);
        assert_eq!(all.find(&all.0[1].id).unwrap(), &all.0[1]);
        let many = all.find("a2").unwrap_err().to_string();
        assert_eq!(many, "a2 may be any of a2a2a2a2a2a2/c1c1c1, a2a2a2a2a2a2/c2c2c2: give more digits");
        for unnamed in ["", " ", "/", "/c2", "\t/c1"] {
            let unnamed = all.find(unnamed).unwrap_err().to_string();
            assert!(unnamed.starts_with("the ID of a generation is empty: "), "{unnamed}");
        }
        let none = all.find("f\u{1b}").unwrap_err().to_string();
        assert!(none.starts_with("there is no generation f\\u{1b}; there are a1a1a1a1a1a1/c1c1c1, "), "{none}");
        assert!(Generations::default().find("a").unwrap_err().to_string().ends_with("there are none yet"));
    }

    #[test]
    fn the_one_before_is_the_last_that_searches_used_with_another_model() {
        let mut all = three();
        assert_eq!(all.before(), Some(&all.0[2]));
        all.0.truncate(1);
        assert_eq!(all.before(), None);
        assert_eq!(Generations(vec![generation(0xa2, 0xc1, Some(1), GenerationState::Retired)]).before(), None);
    }
}
