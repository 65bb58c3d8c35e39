//! Sentences about what an index of a repository is made of.

use warmer_content::{ChunkingId, Digest, SkipReason};

use super::Bench;
use super::fixture::*;
use crate::*;

/// Paths that publications behind this one changed, and whether they show an artifact.
async fn changed(bench: &Bench, repository: RepositoryId, since: u64) -> Vec<(String, bool)> {
    let shown = bench.store.shown_since(repository, recipe().chunking, since, 99).await.unwrap();
    shown.into_iter().map(|shown| (shown.path, shown.artifact.is_some())).collect()
}

pub(crate) async fn what_a_publication_changed_is_told_by_its_number(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let number = async || bench.store.repository(repository).await.unwrap().unwrap().publication;
    assert_eq!(number().await, 0);
    bench.warm(repository, None, "c1", &[("x", "one "), ("y", "two ")]).await;
    assert_eq!(number().await, 1);
    assert_eq!(changed(bench, repository, 0).await, [("x".to_owned(), true), ("y".to_owned(), true)]);
    bench.warm(repository, Some("c1"), "c2", &[("z", "three "), ("y", "other "), ("x", "one ")]).await;
    assert_eq!(number().await, 2);
    assert_eq!(changed(bench, repository, 1).await, [("y".to_owned(), true), ("z".to_owned(), true)]);
    let claim = bench.start(repository).await;
    let skipped = StagedEntry { outcome: Outcome::Skip(SkipReason::TooLarge), ..staged("y", "other ") };
    bench.store.stage(claim.id, &[skipped, gone("z")]).await.unwrap();
    bench.store.publish(&publication(&claim, Some("c2"), "c3")).await.unwrap();
    assert_eq!(changed(bench, repository, 2).await, [("y".to_owned(), false)], "what is gone leaves nothing");
    assert_eq!(changed(bench, repository, 3).await, []);
    let of = |chunking, limit| bench.store.shown_since(repository, chunking, 0, limit);
    assert_eq!(of(recipe().chunking, 1).await.unwrap()[0].path, "x", "the first that changed come first");
    assert_eq!(of(ChunkingId(Digest::of(b"another")), 9).await.unwrap(), []);
}

pub(crate) async fn what_is_shown_comes_in_pages_without_what_is_skipped(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("b", "one "), ("a", "two "), ("c", "one ")]).await;
    let claim = bench.start(repository).await;
    let skipped = StagedEntry { outcome: Outcome::Skip(SkipReason::TooLarge), ..staged("bb", "other ") };
    bench.store.stage(claim.id, &[skipped]).await.unwrap();
    bench.store.publish(&publication(&claim, Some("c1"), "c2")).await.unwrap();
    let page = async |after: &str| {
        let shown = bench.store.shown_page(repository, recipe().chunking, after, 2).await.unwrap();
        shown.into_iter().map(|shown| (shown.path, shown.artifact.unwrap())).collect::<Vec<_>>()
    };
    let row = |path: &str, text: &str| (path.to_owned(), artifact(text).0);
    assert_eq!(page("").await, [row("a", "two "), row("b", "one ")]);
    assert_eq!((page("b").await, page("c").await), (vec![row("c", "one ")], vec![]));
}
