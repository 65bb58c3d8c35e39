//! Questions that say nothing, and those that quote.

use async_trait::async_trait;
use warmer_content::{Digest, EmbeddingId};
use warmer_query::{Embed, QueryError, QueryVector, Scope, Search, Snapshots, State, search};

use crate::cache::{Cache, Letters};

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

/// Another model than the one that searches use.
struct Other(EmbeddingId);

#[async_trait]
impl Embed for Other {
    async fn embed(&self, _: &str, _: EmbeddingId) -> Result<QueryVector, QueryError> {
        Err(QueryError::OtherModel { directory: "/models/other".into(), embedding: self.0 })
    }
}

#[tokio::test]
async fn a_model_whose_vectors_are_being_made_is_not_told_to_be_warmed_again() {
    let cache = Cache::new().await;
    let repository = cache.follow("https://git.example.com/team/app").await;
    cache.serve(repository, &[("a.txt", "it is here\n"), ("b.txt", "what is there\n"), ("c.txt", "it too\n")]).await;
    let (snapshots, other) = (Snapshots::default(), EmbeddingId(Digest::of(b"other")));
    let note = async || {
        let asked = Search::of("it here");
        let report = search(&cache.store, &Scope::All, &snapshots, &Other(other), &asked).await.unwrap();
        assert_eq!(report.state, State::Found);
        report.notes.concat()
    };
    let nobody_makes_it = note().await;
    assert!(nobody_makes_it.ends_with("or warm again with this one all that is served"), "{nobody_makes_it}");
    cache.makes(other, "what is there\n").await;
    assert_eq!(
        note().await,
        "texts were found by their words alone: the vectors of the model in /models/other are being made (33 % are \
         there), and searches use the model of before until all are: name it by `[model] before_path` to find by \
         meaning meanwhile"
    );
}

#[tokio::test]
async fn the_text_of_an_error_is_found_where_it_is_raised() {
    let cache = Cache::new().await;
    let repository = cache.follow("https://git.example.com/team/app").await;
    let words = "configured: no cipher suites usable, usable cipher suites configured, no suites\n";
    let raises = "fn build(self) -> Result<Config, Error> {\n    let all = self.provider.all_of_them();\n    \
                  if all.is_empty() {\n        return Err(new(\"no usable cipher suites configured\"));\n    }\n    \
                  Ok(Config { all, more: self.more, versions: self.versions })\n}\n";
    cache.serve(repository, &[("src/a.rs", words), ("src/b.rs", raises)]).await;
    let snapshots = Snapshots::default();
    let first = async |query: &str, all_chunks| {
        let asked = Search { all_chunks, limit: 1, ..Search::of(query) };
        let report = search(&cache.store, &Scope::All, &snapshots, &Letters, &asked).await.unwrap();
        assert_eq!(report.hits.len(), 1);
        report.hits[0].path.clone()
    };
    for all_chunks in [false, true] {
        assert_eq!(first("no usable cipher suites were configured", all_chunks).await, "src/a.rs", "that is nowhere");
        assert_eq!(first("no usable cipher suites configured", all_chunks).await, "src/b.rs");
        assert_eq!(first("Error: no usable cipher suites configured", all_chunks).await, "src/b.rs");
        assert_eq!(first("configured cipher suites, usable: no", all_chunks).await, "src/a.rs", "no quotation");
    }
}
