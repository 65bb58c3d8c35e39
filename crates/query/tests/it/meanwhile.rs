//! What is published while a search is under way.

use async_trait::async_trait;
use warmer_content::EmbeddingId;
use warmer_query::{Embed, QueryError, QueryVector, Scope, Search, Snapshots, search};
use warmer_store::RepositoryId;

use crate::cache::{Cache, Letters};

const TEXT: &str = "claim the oldest job";

/// Publishes these files between the look at what is served and the look for answers.
struct Publishing<'a> {
    cache: &'a Cache,
    repository: RepositoryId,
    files: &'a [(&'a str, &'a str)],
}

#[async_trait]
impl Embed for Publishing<'_> {
    async fn embed(&self, query: &str, embedding: EmbeddingId) -> Result<QueryVector, QueryError> {
        self.cache.serve(self.repository, self.files).await;
        Letters.embed(query, embedding).await
    }
}

#[tokio::test]
async fn an_answer_names_no_text_that_was_replaced_or_removed_meanwhile() {
    let cache = Cache::new().await;
    let repository = cache.follow("https://git.example.com/team/app").await;
    cache.serve(repository, &[("gone.txt", TEXT), ("kept.txt", "claim a job"), ("replaced.txt", "claim it")]).await;
    let snapshots = Snapshots::default();
    let paths = async |embed: &dyn Embed| {
        let asked = Search::of(TEXT);
        let report = search(&cache.store, &Scope::All, &snapshots, embed, &asked).await.unwrap();
        let mut paths: Vec<_> = report.hits.into_iter().map(|hit| hit.path).collect();
        paths.sort();
        paths
    };
    assert_eq!(paths(&Letters).await, ["gone.txt", "kept.txt", "replaced.txt"]);
    let files = [("kept.txt", "claim a job"), ("new.txt", TEXT), ("replaced.txt", "claim another")];
    let publishing = Publishing { cache: &cache, repository, files: &files };
    assert_eq!(paths(&publishing).await, ["kept.txt"]);
    assert_eq!(paths(&Letters).await, ["kept.txt", "new.txt", "replaced.txt"]);
}
