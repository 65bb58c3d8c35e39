//! Asks: the product's search over the cache of a code base.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tiktoken_rs::o200k_base_singleton;
use tokio::runtime::Runtime;
use warmer_content::EmbeddingId;
use warmer_query::Hit as Found;
use warmer_query::{Embed, ModelPath, QueryError, QuerySession, QueryVector, Scope, Search, Snapshots, search};
use warmer_store::{Role, Sqlite, Store as _};
use warmer_tests::model;

use super::answers::Agent;
use super::labels::Place;
use super::measures::{HITS, Hit};
use super::variants::Variant;

/// A cache that is open, and a model.
pub struct Asker {
    tokio: Runtime,
    store: Arc<Sqlite>,
    snapshots: Snapshots,
    session: Remembered,
}

impl Asker {
    /// Opens what was warmed.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn open(database: &Path) -> Self {
        let tokio = Runtime::new().expect("a runtime");
        let store = tokio.block_on(Sqlite::open(database, Role::Reader)).expect("it was warmed");
        let (directory, runtime) = (model::real_model(), Ok(model::runtime_library()));
        let path = ModelPath { directory, length_max: None, runtime, graphs: None };
        let session = Remembered { session: Arc::new(QuerySession::new(path)), known: Arc::default() };
        Self { tokio, store: Arc::new(store), snapshots: Snapshots::default(), session }
    }

    /// What a search finds, the best first.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn ask(&self, question: &str, variant: &Variant) -> Vec<Hit> {
        let (signals, all_chunks) = (variant.signals, variant.all_chunks);
        let asked = Search { limit: HITS, signals, all_chunks, ..Search::of(question) };
        let searched = search(&*self.store, &Scope::All, &self.snapshots, &self.session, &asked);
        let report = self.tokio.block_on(searched).unwrap_or_else(|error| panic!("{question:?}: {error}"));
        report.hits.into_iter().map(hit).collect()
    }

    /// An agent who asks the same.
    #[must_use]
    pub fn agent(&self) -> Agent<'_> {
        Agent::of(&self.tokio, self.store.clone(), Box::new(self.session.clone()))
    }

    /// Closes the cache.
    pub fn close(self) {
        self.tokio.block_on(self.store.close());
    }
}

fn hit(found: Found) -> Hit {
    let shown = found.ranges.iter().map(|range| Place {
        path: found.path.clone(),
        start_line: range.start_line,
        end_line: range.end_line,
    });
    Hit {
        shown: shown.collect(),
        copies: found.also_in.into_iter().map(|copy| copy.path).collect(),
        tokens: found.ranges.iter().map(|range| tokens(&range.text)).sum(),
    }
}

/// Tokens of o200k: the vocabulary of GPT-4o and those after it, of 200,000 entries.
#[must_use]
pub fn tokens(text: &str) -> u64 {
    o200k_base_singleton().count_ordinary(text) as u64
}

/// A session that embeds each query once, however many rankings are asked.
#[derive(Clone)]
struct Remembered {
    session: Arc<QuerySession>,
    known: Arc<Mutex<HashMap<String, QueryVector>>>,
}

#[async_trait]
impl Embed for Remembered {
    async fn embed(&self, query: &str, embedding: EmbeddingId) -> Result<QueryVector, QueryError> {
        let known = self.known.lock().expect("nobody panics with it").get(query).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let made = self.session.embed(query, embedding).await?;
        self.known.lock().expect("nobody panics with it").insert(query.to_owned(), made.clone());
        Ok(made)
    }
}
