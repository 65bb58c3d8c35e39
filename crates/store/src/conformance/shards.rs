//! Sentences about how what lacks is shared out to fills.

use std::collections::BTreeSet;

use super::Bench;
use super::fills::{keys, new_fill};
use super::fixture::*;
use crate::*;

/// So many files of 256 texts that occur nowhere else.
fn large(files: usize) -> Vec<(String, String)> {
    let text = |file| (0..256).map(|word| format!("w{file}x{word} ")).collect();
    (0..files).map(|file| (format!("f{file}"), text(file))).collect()
}

pub(crate) async fn a_large_publication_is_filled_in_shards_and_so_is_all_of_a_repository(bench: &Bench) {
    let files = large(17);
    let files: Vec<_> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    let [pushed, rebuilt, cold] =
        [bench.repository("/a").await, bench.repository("/b").await, bench.repository("/c").await];
    for (repository, text) in [(pushed, "one "), (rebuilt, "two ")] {
        bench.push(repository, (None, "c1"), &[("small", text)], recipe()).await;
        let fill = bench.claim_fill(recipe()).await.expect("it is queued");
        assert_eq!(fill.fill.map(|fill| fill.lane), Some(Lane::New), "all of it is less than a batch");
        bench.fill(&fill, recipe()).await;
    }
    bench.push(pushed, (Some("c1"), "c2"), &files[..16], recipe()).await;
    bench.push(rebuilt, (Some("c1"), "c2"), &files, recipe()).await;
    bench.push(cold, (None, "c1"), &files[..2], recipe()).await;
    let shards = Shard::split(17 * 256);
    assert_eq!(shards.len(), 16, "of 512 texts at most, and a power of two");
    let shards = shards.into_iter().map(|shard| (rebuilt, Some(Lane::Bulk), Some(shard)));
    let all = [new_fill(pushed)].into_iter().chain(shards).chain([(cold, Some(Lane::Bulk), Some(Shard::ALL))]);
    assert_eq!(bench.fills().await, all.collect::<Vec<_>>());

    bench.store.set_state(cold, RepositoryState::Paused).await.unwrap();
    let mut seen = BTreeSet::new();
    while let Some(claim) = bench.claim_fill(recipe()).await {
        let fill = claim.fill.expect("it is a fill");
        let done = keys(&bench.pages(&claim, 3).await);
        assert!(done.iter().all(|key| (fill.shard.first..=fill.shard.last).contains(&key.0.0[0])), "{fill:?}");
        if fill.lane == Lane::Bulk {
            assert!(done.is_sorted_by_key(|key| key.0.0[0]), "by buckets");
            assert!(done.iter().all(|key| seen.insert(*key)), "no artifact twice");
        }
        bench.settle(&claim, retry("not now")).await;
    }
    assert_eq!(seen.len(), 17);
}
