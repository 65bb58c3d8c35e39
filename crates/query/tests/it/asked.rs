//! Questions that say nothing.

use async_trait::async_trait;
use warmer_content::EmbeddingId;
use warmer_query::{Embed, QueryError, QueryVector, Scope, Search, Snapshots, State, search};

use crate::cache::Cache;

/// A model that nobody may ask.
struct Nobody;

#[async_trait]
impl Embed for Nobody {
    async fn embed(&self, query: &str, _: EmbeddingId) -> Result<QueryVector, QueryError> {
        panic!("the model was asked for {query:?}");
    }
}

#[tokio::test]
async fn a_question_that_says_nothing_is_answered_by_nothing_without_the_model() {
    let cache = Cache::new().await;
    let repository = cache.follow("https://git.example.com/team/app").await;
    cache.serve(repository, &[("src/a.rs", "fn it() {}\n"), ("src/b.rs", "// where is the other?\n")]).await;
    let snapshots = Snapshots::default();
    let found = async |query: &str| {
        let report = search(&cache.store, &Scope::All, &snapshots, &Nobody, &Search::of(query)).await.unwrap();
        let paths: Vec<_> = report.hits.iter().map(|hit| hit.path.clone()).collect();
        (report.state, paths, report.why, report.query, report.notes)
    };
    let why = "nothing found: no word of the question says what is sought; say what the code does, or what it is \
               called";
    for query in ["", " \t\n", "?!", "where is the", "how do we do this"] {
        let expected = (State::NothingAsked, vec![], Some(why.to_owned()), None, vec![]);
        assert_eq!(found(query).await, expected, "{query:?}");
    }
    let (state, paths, ..) = found("where is it").await;
    assert_eq!((state, paths), (State::Found, vec!["src/a.rs".to_owned()]), "something is called so");
}
