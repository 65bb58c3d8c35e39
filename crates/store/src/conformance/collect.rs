//! Sentences about the collection.

use warmer_content::Recipe;

use super::Bench;
use super::fixture::*;
use crate::*;

pub(crate) async fn what_nothing_reaches_is_deleted_a_term_after_it_was_marked(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("a", "one two "), ("b", "two three ")]).await;
    let claim = bench.start(repository).await;
    bench.store.stage(claim.id, &[gone("b")]).await.unwrap();
    bench.store.publish(&publication(&claim, Some("c1"), "c2")).await.unwrap();

    let marked = Collected { artifacts_marked: 1, ..Collected::default() };
    assert_eq!(bench.collect().await, marked);
    bench.clock.forward(DAY / 2).await;
    assert_eq!(bench.collect().await, Collected::default(), "its term is not over");
    bench.clock.forward(DAY).await;
    let deleted = bench.collect().await;
    assert_eq!((deleted.artifacts_deleted, deleted.vectors_marked, deleted.vectors_deleted), (1, 1, 0));
    assert!(deleted.bytes_deleted > 0);
    bench.clock.forward(2 * DAY).await;
    assert_eq!(bench.collect().await.vectors_deleted, 1, "a vector falls a term after its last artifact");
    assert_eq!(bench.store.artifact(artifact("two three ").0).await.unwrap(), None);
    assert_eq!(
        bench.store.missing_vectors(recipe().embedding, &texts("one two three ")).await.unwrap(),
        texts("three ")
    );
    let served = bench.store.verify(true).await.unwrap();
    assert_eq!((served.entries_broken, served.vectors_missing), (0, 0));
}

pub(crate) async fn every_probe_unmarks_what_it_finds(bench: &Bench) {
    let embedding = recipe().embedding;
    let key = artifact("one ").0;
    for probe in 0..4 {
        bench.put("one ").await;
        bench.collect().await;
        bench.clock.forward(2 * DAY).await;
        match probe {
            0 => assert!(bench.known("one ").await.is_some()),
            1 => assert!(bench.store.known_artifacts(&[key]).await.unwrap()[0].is_some()),
            2 => assert_eq!(bench.put("one ").await, Stored::default()),
            // Not asked for: this is how it ends without a probe.
            _ => {}
        }
        let collected = bench.collect().await;
        let expected = if probe < 3 { (0, 1) } else { (1, 0) };
        assert_eq!((collected.artifacts_deleted, collected.artifacts_marked), expected, "probe {probe}");
    }
    // The vector has lost its artifact, and was marked with it.
    bench.clock.forward(2 * DAY).await;
    assert_eq!(bench.store.missing_vectors(embedding, &texts("one ")).await.unwrap(), []);
    let collected = bench.collect().await;
    assert_eq!((collected.vectors_deleted, collected.vectors_marked), (0, 1));
    bench.clock.forward(2 * DAY).await;
    assert_eq!(bench.collect().await.vectors_deleted, 1);
}

pub(crate) async fn what_is_reached_again_is_unmarked(bench: &Bench) {
    bench.put("one ").await;
    assert_eq!(bench.collect().await.artifacts_marked, 1);
    let repository = bench.repository("/a").await;
    let claim = bench.start(repository).await;
    bench.store.stage(claim.id, &[staged("a", "one ")]).await.unwrap();
    bench.store.publish(&publication(&claim, None, "c1")).await.unwrap();
    bench.clock.forward(2 * DAY).await;
    let collected = bench.collect().await;
    assert_eq!((collected.unmarked, collected.artifacts_deleted), (1, 0));
    let claim = bench.start(repository).await;
    bench.store.stage(claim.id, &[gone("a")]).await.unwrap();
    bench.store.publish(&publication(&claim, Some("c1"), "c2")).await.unwrap();
    let collected = bench.collect().await;
    assert_eq!((collected.artifacts_marked, collected.artifacts_deleted), (1, 0), "with a term of its own");
}

pub(crate) async fn what_is_staged_is_reached(bench: &Bench) {
    let claim = bench.start(bench.repository("/a").await).await;
    bench.put("one ").await;
    bench.store.stage(claim.id, &[staged("a", "one ")]).await.unwrap();
    assert_eq!(bench.collect().await, Collected::default());
    bench.take_out(&claim).await;
    assert_eq!(bench.collect().await.artifacts_marked, 1);
}

pub(crate) async fn a_dry_run_tells_and_changes_nothing(bench: &Bench) {
    bench.put("one ").await;
    let dry = Collect { dry_run: true, ..Collect::default() };
    for _ in 0..2 {
        let told = bench.store.collect(&dry).await.unwrap();
        assert_eq!(told, Collected { artifacts_marked: 1, ..Collected::default() });
    }
    bench.collect().await;
    bench.clock.forward(2 * DAY).await;
    for _ in 0..2 {
        assert_eq!(bench.store.collect(&dry).await.unwrap().artifacts_deleted, 1);
    }
    assert!(bench.known("one ").await.is_some());
}

pub(crate) async fn vectors_of_an_embedding_that_nobody_uses_go(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("a", "one ")]).await;
    bench.clock.forward(2 * DAY).await;
    assert_eq!(bench.collect().await, Collected::default(), "served and active");

    let another = Recipe { embedding: embedding("another"), ..recipe() };
    let claim = bench.start(repository).await;
    bench.put_vectors(another.embedding, "one ", &vectors("one ")).await;
    let served = Served { recipe: another, ..served("c1") };
    let publication = Publication { served, ..publication(&claim, Some("c1"), "c1") };
    assert!(matches!(bench.store.publish(&publication).await.unwrap(), Published::Done { recognised: false, .. }));
    bench.clock.forward(2 * DAY).await;
    assert_eq!(bench.collect().await, Collected::default(), "searches still use it");
    assert!(bench.store.activate_when_covered(another).await.unwrap());
    bench.clock.forward(2 * DAY).await;
    assert_eq!(bench.collect().await.vectors_marked, 1);
    bench.clock.forward(2 * DAY).await;
    assert_eq!(bench.collect().await.vectors_deleted, 1);
    assert_eq!(bench.store.missing_vectors(another.embedding, &texts("one ")).await.unwrap(), []);
    assert_eq!(bench.store.missing_vectors(recipe().embedding, &texts("one ")).await.unwrap(), texts("one "));
}

pub(crate) async fn known_blobs_that_point_nowhere_go(bench: &Bench) {
    bench.put("one ").await;
    bench.put("two ").await;
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("a", "two ")]).await;
    bench.collect().await;
    bench.clock.forward(2 * DAY).await;
    let collected = bench.collect().await;
    assert_eq!((collected.artifacts_deleted, collected.blobs_deleted), (1, 1));
    assert_eq!(bench.known("one ").await, None);
    assert!(bench.known("two ").await.is_some());

    bench.store.remove_repository(repository).await.unwrap();
    assert_eq!(bench.collect().await.blobs_deleted, 1, "the rules are nobody's any more");
    assert_eq!(bench.known("two ").await, None);
}

pub(crate) async fn an_old_history_goes(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("a", "one ")]).await;
    bench.clock.forward(20 * DAY).await;
    bench.warm(repository, Some("c1"), "c2", &[]).await;
    bench.clock.forward(20 * DAY).await;
    assert_eq!(bench.collect().await.attempts_deleted, 1);
    let left = bench.store.attempts(AttemptFilter::Refreshes(repository), 10).await.unwrap();
    assert_eq!(left.iter().map(|attempt| attempt.commit.as_deref()).collect::<Vec<_>>(), [Some("c2")]);
}
