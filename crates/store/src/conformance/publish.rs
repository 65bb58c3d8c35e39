//! Sentences about staging and publication.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use warmer_content::{Digest, PATH_BYTES_MAX, SkipReason};

use super::Bench;
use super::fixture::*;
use crate::*;

/// Everything that a publication may change, for comparison.
async fn everything(bench: &Bench, repository: RepositoryId) -> (Vec<Entry>, Option<Repository>, Vec<Job>) {
    let jobs = bench.store.jobs(&JobFilter::default()).await.unwrap();
    (bench.entries(repository).await, bench.store.repository(repository).await.unwrap(), jobs)
}

pub(crate) async fn what_is_staged_becomes_visible_with_the_publication(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let claim = bench.start(repository).await;
    bench.put("one two ").await;
    let skipped = StagedEntry { outcome: Outcome::Skip(SkipReason::Binary), ..staged("z", "z") };
    let files = [staged("b", "one two "), staged("a", "one two "), skipped];
    assert!(bench.store.stage(claim.id, &files).await.unwrap());
    assert_eq!(bench.entries(repository).await, []);
    let published = bench.store.publish(&publication(&claim, None, "c1")).await.unwrap();
    assert!(matches!(published, Published::Done { recognised: false, .. }));

    let entries = bench.entries(repository).await;
    let told: Vec<_> = entries.iter().map(|entry| (&*entry.path, entry.artifact, entry.skip)).collect();
    let key = Some(artifact("one two ").0);
    assert_eq!(told, [("a", key, None), ("b", key, None), ("z", None, Some(SkipReason::Binary))]);
    let page = bench.store.entries_page(repository, Some("a"), 1).await.unwrap();
    assert_eq!(page, entries[1..2]);
    let totals = bench.store.totals(repository).await.unwrap();
    let skipped = BTreeMap::from([(SkipReason::Binary, 1)]);
    assert_eq!(totals, Totals { indexed: 2, skipped, chunks: 4, size: 8, bytes: 16, masked: 0 });
    assert_eq!(bench.store.job(claim.job).await.unwrap(), None, "the job is finished in the same transaction");
    let history = bench.store.attempts(AttemptFilter::Job(claim.job), 1).await.unwrap();
    assert_eq!((history[0].outcome, history[0].commit.as_deref()), (AttemptOutcome::Warmed, Some("c1")));
}

pub(crate) async fn a_difference_keeps_what_it_does_not_name(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("a", "one "), ("b", "two "), ("c", "three ")]).await;
    let claim = bench.start(repository).await;
    bench.store.stage(claim.id, &[gone("b"), staged("c", "one "), gone("never there")]).await.unwrap();
    bench.store.publish(&publication(&claim, Some("c1"), "c2")).await.unwrap();
    assert_eq!(bench.paths(repository).await, ["a", "c"]);
    assert_eq!(bench.entries(repository).await[1].artifact, Some(artifact("one ").0));
    assert_eq!(bench.store.repository(repository).await.unwrap().unwrap().served, Some(served("c2")));
}

pub(crate) async fn totals_follow_every_publication(bench: &Bench) {
    let repository = bench.repository("/a").await;
    assert_eq!(bench.store.totals(repository).await.unwrap(), Totals::default(), "before the first");
    bench.warm(repository, None, "c1", &[("a", "one "), ("b", "two three "), ("c", "one ")]).await;
    let claim = bench.start(repository).await;
    let skipped = |path, reason| StagedEntry { outcome: Outcome::Skip(reason), ..staged(path, "z") };
    let changes = [skipped("b", SkipReason::Binary), skipped("d", SkipReason::Secret), gone("c"), gone("never there")];
    bench.store.stage(claim.id, &changes).await.unwrap();
    bench.store.publish(&publication(&claim, Some("c1"), "c2")).await.unwrap();
    let totals = bench.store.totals(repository).await.unwrap();
    let skipped_now = BTreeMap::from([(SkipReason::Binary, 1), (SkipReason::Secret, 1)]);
    assert_eq!(totals, Totals { indexed: 1, skipped: skipped_now, chunks: 1, size: 2, bytes: 4, masked: 0 });

    let claim = bench.start(repository).await;
    bench.store.stage(claim.id, &[staged("b", "two three "), staged("d", "one ")]).await.unwrap();
    let full = Publication { complete: true, ..publication(&claim, Some("c2"), "c3") };
    bench.store.publish(&full).await.unwrap();
    let totals = bench.store.totals(repository).await.unwrap();
    assert_eq!(totals, Totals { indexed: 2, skipped: BTreeMap::new(), chunks: 3, size: 6, bytes: 14, masked: 0 });
}

pub(crate) async fn a_publication_counts_what_it_changed(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("a", "one "), ("b", "two "), ("c", "three ")]).await;
    let claim = bench.start(repository).await;
    let skipped = StagedEntry { outcome: Outcome::Skip(SkipReason::Binary), ..staged("d", "d") };
    bench.store.stage(claim.id, &[staged("a", "one "), staged("b", "three "), skipped]).await.unwrap();
    let full = Publication { complete: true, ..publication(&claim, Some("c1"), "c2") };
    let published = bench.store.publish(&full).await.unwrap();
    let texts = Some(PublishedTexts::default());
    assert_eq!(published, Published::Done { recognised: false, indexed: 1, removed: 1, texts });
}

pub(crate) async fn a_publication_says_what_becomes_of_its_texts(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.put("one ").await;
    let publish = async |base, commit, files: &[(&str, &str)], complete| {
        let claim = bench.start(repository).await;
        for (path, text) in files {
            bench.put_artifact(text).await;
            bench.store.stage(claim.id, &[staged(path, text)]).await.unwrap();
        }
        let publication = Publication { complete, ..publication(&claim, base, commit) };
        let Published::Done { texts, .. } = bench.store.publish(&publication).await.unwrap() else { panic!("it runs") };
        texts.map(|texts| (texts.lacking, texts.failed))
    };
    assert_eq!(publish(None, "c1", &[("a", "one two "), ("b", "three ")], false).await, Some((2, 0)));
    assert_eq!(publish(Some("c1"), "c2", &[("c", "one ")], false).await, Some((0, 0)), "it has its vector");
    bench.cannot_embed("three ", SkipReason::TooSlow).await;
    assert_eq!(publish(Some("c2"), "c3", &[("d", "three four ")], false).await, Some((1, 1)));
    let all = [("a", "one two "), ("b", "three "), ("d", "three four ")];
    assert_eq!(publish(Some("c3"), "c4", &all, true).await, Some((2, 2)), "what was noted before is lacking, too");
    // A model that nobody wants vectors of any more.
    bench.rows.change("UPDATE generation SET state = 'retired'").await;
    assert_eq!(publish(Some("c4"), "c5", &[("e", "five ")], false).await, None);
}

pub(crate) async fn the_time_of_the_served_commit_is_kept(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let committed_at = async || bench.store.repository(repository).await.unwrap().unwrap().committed_at;
    assert_eq!(committed_at().await, None);
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let claim = bench.start(repository).await;
    let publication = Publication { committed_at: Some(time), ..publication(&claim, None, "c1") };
    bench.store.publish(&publication).await.unwrap();
    let claim = bench.start(repository).await;
    assert_eq!(claim.repository.committed_at, Some(time));
    bench.settle(&claim, fresh()).await;
    assert_eq!(committed_at().await, Some(time), "it is the same commit");
}

pub(crate) async fn when_it_was_published_stays_until_the_next_publication(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let times = async || {
        let row = bench.store.repository(repository).await.unwrap().unwrap();
        (row.published_at, row.served_at)
    };
    assert_eq!(times().await, (None, None));
    bench.warm(repository, None, "c1", &[]).await;
    let (published, checked) = times().await;
    assert!(published.is_some() && published <= checked);
    bench.clock.forward(MINUTE).await;
    let claim = bench.start(repository).await;
    bench.settle(&claim, fresh()).await;
    let (same, later) = times().await;
    assert!(same == published && later > checked, "a check publishes nothing");
    bench.warm(repository, Some("c1"), "c2", &[]).await;
    let (next, at_once) = times().await;
    assert!(next >= later && next <= at_once, "the same chunking, published again");
}

/// Publishes "a" as skipped for this reason or as a text, with this patience, as a full listing of the commit.
async fn list(bench: &Bench, repository: RepositoryId, skip: Option<SkipReason>, patience: u64) -> Option<Retry> {
    let claim = bench.start(repository).await;
    bench.put("one ").await;
    let outcome = skip.map_or(Outcome::Artifact(artifact("one ").0), Outcome::Skip);
    bench.store.stage(claim.id, &[StagedEntry { outcome, ..staged("a", "one ") }]).await.unwrap();
    let base = claim.repository.served.as_ref().map(|_| "c1");
    let publication = Publication { complete: true, patience, ..publication(&claim, base, "c1") };
    assert!(matches!(bench.store.publish(&publication).await.unwrap(), Published::Done { .. }));
    retry_of(bench, repository).await
}

async fn retry_of(bench: &Bench, repository: RepositoryId) -> Option<Retry> {
    bench.store.repository(repository).await.unwrap().unwrap().retry
}

pub(crate) async fn what_was_skipped_for_a_passing_reason_is_tried_again_after_a_day_three_times(bench: &Bench) {
    let repository = bench.repository("/a").await;
    assert_eq!(list(bench, repository, Some(SkipReason::Binary), 10).await, None, "that does not pass");
    for round in 0..4 {
        let found = list(bench, repository, Some(SkipReason::TooSlow), 10).await;
        assert_eq!(found, Some(Retry { due: false, patience: 10 }), "{round}");
        bench.clock.forward(DAY - MINUTE).await;
        assert_eq!(retry_of(bench, repository).await, Some(Retry { due: false, patience: 10 }), "{round}");
        bench.clock.forward(2 * MINUTE).await;
        let due = retry_of(bench, repository).await.is_some_and(|retry| retry.due);
        assert_eq!(due, round < 3, "after {round} retries");
    }
    assert_eq!(list(bench, repository, None, 10).await, None, "nothing is skipped any more");
    list(bench, repository, Some(SkipReason::Panicked), 10).await;
    bench.clock.forward(DAY + MINUTE).await;
    let claim = bench.start(repository).await;
    assert_eq!(claim.repository.retry, Some(Retry { due: true, patience: 10 }), "whoever claims it is told");
}

pub(crate) async fn what_was_skipped_for_want_of_patience_is_tried_again_by_whoever_has_more(bench: &Bench) {
    let repository = bench.repository("/a").await;
    for _ in 0..4 {
        list(bench, repository, Some(SkipReason::TooSlow), 10).await;
    }
    bench.clock.forward(2 * DAY).await;
    assert_eq!(retry_of(bench, repository).await, Some(Retry { due: false, patience: 10 }), "three times were enough");
    list(bench, repository, Some(SkipReason::TooSlow), 20).await;
    bench.clock.forward(2 * DAY).await;
    assert_eq!(retry_of(bench, repository).await, Some(Retry { due: true, patience: 20 }), "they count anew");
    bench.warm(repository, Some("c1"), "c2", &[("b", "two ")]).await;
    assert_eq!(
        retry_of(bench, repository).await,
        Some(Retry { due: true, patience: 20 }),
        "another file changes nothing"
    );
}

pub(crate) async fn a_full_listing_removes_what_it_does_not_name(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("a", "one "), ("b", "two "), ("c", "three ")]).await;
    let claim = bench.start(repository).await;
    bench.store.stage(claim.id, &[staged("a", "one "), gone("c")]).await.unwrap();
    let full = Publication { complete: true, ..publication(&claim, Some("c1"), "c2") };
    bench.store.publish(&full).await.unwrap();
    assert_eq!(bench.paths(repository).await, ["a"]);
}

pub(crate) async fn an_incomplete_publication_changes_nothing(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("a", "one ")]).await;
    let claim = bench.start(repository).await;
    // No vector is asked for, and one artifact is not there.
    bench.put_artifact("two three ").await;
    bench.store.stage(claim.id, &[gone("a"), staged("b", "two three "), staged("c", "four ")]).await.unwrap();
    let before = everything(bench, repository).await;
    let publish = async || bench.store.publish(&publication(&claim, Some("c1"), "c2")).await.unwrap();
    assert_eq!(publish().await, Published::Incomplete { missing: 1 });
    assert_eq!(everything(bench, repository).await, before);

    bench.put_artifact("four ").await;
    assert!(matches!(publish().await, Published::Done { recognised: false, .. }), "the staged rows are still there");
    assert_eq!(bench.paths(repository).await, ["b", "c"]);
}

pub(crate) async fn a_publication_from_a_base_that_moved_changes_nothing(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("a", "one ")]).await;
    let claim = bench.start(repository).await;
    bench.store.stage(claim.id, &[gone("a")]).await.unwrap();
    let before = everything(bench, repository).await;
    for base in [None, Some("c0")] {
        let published = bench.store.publish(&publication(&claim, base, "c2")).await.unwrap();
        assert_eq!(published, Published::Moved);
    }
    assert_eq!(everything(bench, repository).await, before);
}

pub(crate) async fn a_lost_claim_neither_stages_nor_publishes(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("a", "one ")]).await;
    let zombie = bench.start(repository).await;
    bench.settle(&zombie, cancelled()).await;
    let live = bench.claim(bench.instance().await).await.unwrap();
    let before = everything(bench, repository).await;
    assert!(!bench.store.stage(zombie.id, &[gone("a")]).await.unwrap());
    let published = bench.store.publish(&publication(&zombie, Some("c1"), "c2")).await.unwrap();
    assert_eq!(published, Published::Stale);
    assert_eq!(bench.store.counters().stale_finishes, 1);
    assert_eq!(everything(bench, repository).await, before);
    let published = bench.store.publish(&publication(&live, Some("c1"), "c2")).await.unwrap();
    assert!(matches!(published, Published::Done { recognised: false, .. }));
    assert_eq!(bench.paths(repository).await, ["a"]);
}

pub(crate) async fn a_publication_whose_acknowledgement_was_lost_is_recognised(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let claim = bench.start(repository).await;
    let publication = publication(&claim, None, "c1");
    assert!(matches!(bench.store.publish(&publication).await.unwrap(), Published::Done { recognised: false, .. }));
    bench.start(repository).await;
    let before = everything(bench, repository).await;
    assert!(matches!(bench.store.publish(&publication).await.unwrap(), Published::Done { recognised: true, .. }));
    assert_eq!(everything(bench, repository).await, before);
    assert_eq!(bench.store.counters().stale_finishes, 0);
    assert_eq!(bench.settle(&claim, fresh()).await, None, "but it did not end as fresh");
}

pub(crate) async fn a_second_run_of_a_job_leaves_the_same_rows(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let files = [("a", "one two "), ("b", "two three ")];
    bench.warm(repository, None, "c1", &files).await;
    let before = (bench.entries(repository).await, bench.store.verify(true).await.unwrap());
    bench.warm(repository, Some("c1"), "c1", &files).await;
    assert_eq!((bench.entries(repository).await, bench.store.verify(true).await.unwrap()), before);
}

pub(crate) async fn staged_rows_of_an_attempt_that_failed_are_never_published(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let claim = bench.start(repository).await;
    bench.put("one ").await;
    bench.store.stage(claim.id, &[staged("a", "one ")]).await.unwrap();
    bench.settle(&claim, cancelled()).await;
    let again = bench.claim(bench.instance().await).await.unwrap();
    bench.store.stage(again.id, &[staged("b", "one ")]).await.unwrap();
    bench.store.publish(&publication(&again, None, "c1")).await.unwrap();
    assert_eq!(bench.paths(repository).await, ["b"]);
    assert_eq!(bench.collect().await.staged_deleted, 0, "nothing is left behind");
}

pub(crate) async fn paths_with_odd_characters_are_kept_as_they_are(bench: &Bench) {
    let repository = bench.repository("/a'; DROP TABLE entry; --").await;
    let paths = [" ", "'", "\"q\"", "%_*?[", "-- ;", "a\\b", "a\tb", "\u{e9}", "e\u{301}", "\u{1f980}/x"];
    let files: Vec<_> = paths.iter().map(|path| (*path, "one ")).collect();
    bench.warm(repository, None, "c1", &files).await;
    let mut expected = paths.to_vec();
    expected.sort_unstable();
    assert_eq!(bench.paths(repository).await, expected, "sorted by their bytes");
    let claim = bench.start(repository).await;
    bench.store.stage(claim.id, &paths.map(gone)).await.unwrap();
    bench.store.publish(&publication(&claim, Some("c1"), "c2")).await.unwrap();
    assert_eq!(bench.paths(repository).await, Vec::<String>::new());
}

pub(crate) async fn the_longest_path_there_is_is_kept(bench: &Bench) {
    let repository = bench.repository("/a").await;
    // It does not compress: what can be made shorter would fit anyway.
    let noise = (0_u32..).flat_map(|n| Digest::of(&n.to_be_bytes()).0);
    let longest: String = noise.take(PATH_BYTES_MAX).map(|byte| char::from(b'0' + byte % 64)).collect();
    bench.warm(repository, None, "c1", &[(&longest, "one ")]).await;
    assert_eq!(bench.paths(repository).await, [longest]);
}
