//! Sentences about fills that run at once and lack the same: those of forks.

use std::collections::BTreeSet;

use warmer_content::ArtifactKey;

use super::Bench;
use super::fills::IN_BULK;
use super::fixture::*;
use crate::*;

/// Each a file, in a bucket of its own.
const TEXTS: [&str; 8] = ["one ", "two ", "three ", "four ", "five ", "six ", "seven ", "eight "];

/// Repositories that serve the same, whose fills are queued in this order.
async fn forks(bench: &Bench, lane: Lane, names: &[&str]) -> Vec<RepositoryId> {
    let mut forks = vec![];
    for name in names {
        let repository = bench.repository(&format!("{name}-{lane}")).await;
        bench.push(repository, (None, "c1"), &TEXTS.map(|text| (text, text)), recipe()).await;
        forks.push(repository);
    }
    if lane == Lane::Bulk {
        bench.rows.change(IN_BULK).await;
    }
    forks
}

/// The keys of all files, by buckets.
fn all() -> Vec<ArtifactKey> {
    let mut keys = TEXTS.map(|text| artifact(text).0).to_vec();
    keys.sort();
    keys
}

/// The artifacts of a page, and where the next begins.
async fn page(
    bench: &Bench,
    claim: &Claim,
    after: Option<&After>,
    contested: bool,
) -> (Vec<ArtifactKey>, Option<After>) {
    let page = bench.page(claim, after, 3).await.expect("the claim stands");
    assert_eq!(page.contested, contested && !page.artifacts.is_empty());
    (page.artifacts.iter().map(|one| one.artifact).collect(), page.last)
}

/// All pages of a claim from there on.
async fn rest(bench: &Bench, claim: &Claim, mut after: Option<After>) -> Vec<ArtifactKey> {
    let mut keys = vec![];
    loop {
        let (more, last) = page(bench, claim, after.as_ref(), true).await;
        keys.extend(more);
        after = last;
        if after.is_none() {
            return keys;
        }
    }
}

pub(crate) async fn forks_that_are_filled_at_once_are_filled_from_both_ends(bench: &Bench) {
    for lane in [Lane::New, Lane::Bulk] {
        let repositories = forks(bench, lane, &["/a", "/b"]).await;
        let one = bench.claim_fill(recipe()).await.expect("it is queued");
        let (begun, last) = page(bench, &one, None, false).await;
        let other = bench.claim_fill(recipe()).await.expect("it is queued");
        assert_eq!([one.repository.id, other.repository.id], repositories[..], "{lane}");
        let mut down = rest(bench, &other, None).await;
        down.reverse();
        assert_eq!(down, all(), "{lane}");
        let up = [begun, rest(bench, &one, last).await].concat();
        assert_eq!(up, all(), "{lane}");
        for claim in [one, other] {
            bench.fill(&claim, recipe()).await;
        }
        drop_vectors(bench).await;
    }
}

pub(crate) async fn a_fill_turns_round_when_one_that_comes_from_its_end_begins(bench: &Bench) {
    for lane in [Lane::New, Lane::Bulk] {
        forks(bench, lane, &["/a", "/b"]).await;
        let first = bench.claim_fill(recipe()).await.expect("it is queued");
        let second = bench.claim_fill(recipe()).await.expect("it is queued");
        bench.settle(&first, retry("not now")).await;
        let (begun, last) = page(bench, &second, None, false).await;
        assert_eq!(begun, all()[..3], "{lane}: alone it goes up");
        bench.clock.forward(11 * MINUTE).await;
        let first = bench.claim_fill(recipe()).await.expect("its time has come");
        let turned = rest(bench, &second, last).await;
        assert_eq!(turned, all()[3..].iter().rev().copied().collect::<Vec<_>>(), "{lane}");
        for claim in [first, second] {
            bench.fill(&claim, recipe()).await;
        }
        drop_vectors(bench).await;
    }
}

pub(crate) async fn a_third_fork_begins_in_the_middle_while_something_is_left_there(bench: &Bench) {
    forks(bench, Lane::New, &["/a", "/b", "/c"]).await;
    let mut claims = vec![];
    while let Some(claim) = bench.claim_fill(recipe()).await {
        claims.push(claim);
    }
    let (lower, upper): (BTreeSet<_>, BTreeSet<_>) = all().into_iter().partition(|key| key.0.0[0] < 128);
    assert!(!lower.is_empty() && !upper.is_empty(), "the texts fall into both halves");
    assert_eq!(rest(bench, &claims[2], None).await, Vec::from_iter(upper.iter().copied()));
    for text in TEXTS.iter().filter(|text| upper.contains(&artifact(text).0)) {
        bench.put_vectors(recipe().embedding, text, &vectors(text)).await;
    }
    assert_eq!(rest(bench, &claims[2], None).await, Vec::from_iter(lower));
}

/// So that the next forks lack them too.
async fn drop_vectors(bench: &Bench) {
    bench.rows.change("DELETE FROM entry").await;
    bench.rows.change("DELETE FROM vector").await;
}
