//! Sentences about what is noted as lacking: true whatever happens.

use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::join_all;
use warmer_content::{ChunkingId, Digest, Recipe, SkipReason};

use super::Bench;
use super::fill_fixture::{filled, other_model};
use super::fixture::*;
use crate::*;

async fn uncovered(bench: &Bench, by: Recipe) -> bool {
    !bench.store.uncovered(by, 10).await.unwrap().is_empty()
}

pub(crate) async fn a_changed_model_is_filled_from_what_is_stored_while_the_other_one_answers(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("a", "one two "), ("b", "three ")]).await;
    bench.push(repository, (Some("c1"), "c1"), &[], other_model()).await;
    assert!(bench.coverage(repository).await.complete(), "searches use the model of before");
    assert!(uncovered(bench, other_model()).await && !bench.store.activate_when_covered(other_model()).await.unwrap());
    let covered = async |by: Recipe| {
        let all = bench.store.generations().await.unwrap();
        all.iter().find(|one| one.recipe == by).map(|one| one.covered)
    };
    assert_eq!((covered(recipe()).await, covered(other_model()).await), (Some(1), Some(0)));
    assert_eq!(bench.claim_fill(recipe()).await, None, "whoever makes another model has nothing to do");
    assert_eq!(bench.fill_all(other_model()).await, 1);
    assert_eq!(covered(other_model()).await, Some(1));
    assert!(!uncovered(bench, other_model()).await);
    assert!(bench.store.activate_when_covered(other_model()).await.unwrap());
    assert!(bench.coverage(repository).await.complete());
}

pub(crate) async fn what_is_pushed_lacks_under_every_generation_that_stands(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("a", "one ")]).await;
    bench.push(repository, (Some("c1"), "c1"), &[], other_model()).await;
    bench.fill_all(other_model()).await;
    bench.push(repository, (Some("c1"), "c2"), &[("b", "two ")], other_model()).await;
    assert_eq!(bench.coverage(repository).await.missing, 1, "of the model that searches use, too");
    bench.fill_all(other_model()).await;
    assert_eq!(bench.coverage(repository).await.missing, 1, "whoever published has no use for it");
    assert_eq!(bench.store.enqueue_fills(recipe().embedding, FillRequest::all(9)).await.unwrap(), 1);
    assert_eq!(bench.fill_all(recipe()).await, 1);

    // One that retired can be brought back: what was pushed meanwhile lacks, and is filled then.
    assert!(bench.store.activate_when_covered(other_model()).await.unwrap());
    bench.push(repository, (Some("c2"), "c3"), &[("c", "three ")], other_model()).await;
    bench.fill_all(other_model()).await;
    assert!(bench.coverage(repository).await.complete());
    assert_eq!(
        bench.store.enqueue_fills(recipe().embedding, FillRequest::all(9)).await.unwrap(),
        0,
        "nobody needs what retired"
    );
    assert!(bench.store.activate(recipe()).await.unwrap());
    assert_eq!(bench.coverage(repository).await.missing, 1);
    assert_eq!(bench.store.enqueue_fills(recipe().embedding, FillRequest::all(9)).await.unwrap(), 1);
    bench.fill_all(recipe()).await;
    assert!(bench.coverage(repository).await.complete());
}

pub(crate) async fn what_is_new_under_a_model_that_is_left_is_found_by_words_until_the_switch(bench: &Bench) {
    let (old, new) = (bench.repository("/a").await, bench.repository("/b").await);
    bench.warm(old, None, "c1", &[("a", "one ")]).await;
    bench.push(new, (None, "c1"), &[("a", "one two ")], other_model()).await;
    let shown = bench.store.repository(new).await.unwrap().unwrap().served.expect("it is served");
    assert_eq!(shown.recipe, recipe(), "by the model that searches use");
    let coverage = bench.coverage(new).await;
    assert_eq!((coverage.chunks, coverage.missing), (2, 1));
}

pub(crate) async fn a_damaged_vector_is_made_anew_by_a_fill_wherever_it_is_served(bench: &Bench) {
    let (one, fork) = (bench.repository("/a").await, bench.repository("/b").await);
    for repository in [one, fork] {
        bench.warm(repository, None, "c1", &[("a", "one two three "), ("b", "four ")]).await;
    }
    bench.rows.change("UPDATE vector SET bytes = substr(bytes, 1, 2) WHERE id = 1").await;
    let found = bench.store.verify(false).await.unwrap();
    assert_eq!((found.vectors_damaged, found.vectors_missing), (1, 2));
    bench.everything_is_noted().await;
    assert_eq!((bench.coverage(one).await.missing, bench.coverage(fork).await.missing), (1, 1));
    assert_eq!(bench.store.jobs(&JobFilter::default()).await.unwrap(), [], "nobody reads everything again");
    assert_eq!(bench.store.enqueue_fills(recipe().embedding, FillRequest::all(9)).await.unwrap(), 2);
    assert_eq!(bench.fill_all(recipe()).await, 2);
    assert_eq!(bench.store.verify(true).await.unwrap().vectors_missing, 0);
}

pub(crate) async fn a_deep_look_and_its_shares_note_what_was_not(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let turn = bench.store.take_turn(bench.instance().await, std::time::Duration::ZERO).await.unwrap();
    let turn = turn.expect("it is nobody's");
    bench.push(repository, (None, "c1"), &[("a", "one two "), ("b", "three ")], recipe()).await;
    for share in [false, true] {
        bench.rows.change("DELETE FROM lack").await;
        assert!(bench.coverage(repository).await.complete(), "as far as anybody knows");
        if share {
            bench.store.verify_share(turn, 1).await.unwrap().expect("the turn is ours");
        } else {
            bench.store.verify(false).await.unwrap();
            assert!(bench.coverage(repository).await.complete(), "that takes a deep look");
            bench.store.verify(true).await.unwrap();
        }
        bench.everything_is_noted().await;
        assert_eq!(bench.coverage(repository).await.missing, 3);
    }
}

pub(crate) async fn an_artifact_that_comes_back_lacks_wherever_it_is_served(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c1"), &[("a", "one two ")], recipe()).await;
    bench.rows.change("DELETE FROM artifact").await;
    assert_eq!(bench.coverage(repository).await.missing, 0, "there is nothing to make them of");
    bench.put_artifact("one two ").await;
    bench.everything_is_noted().await;
    assert_eq!(bench.coverage(repository).await.missing, 2);
    bench.rows.change("DELETE FROM artifact_chunk WHERE number = 1").await;
    bench.put_vectors(recipe().embedding, "one two ", &vectors("one ")).await;
    assert_eq!(bench.coverage(repository).await.missing, 0);
    bench.put_artifact("one two ").await;
    bench.everything_is_noted().await;
    assert_eq!(bench.coverage(repository).await.missing, 1);
}

pub(crate) async fn what_lacks_goes_with_its_repository_its_artifact_and_its_generation(bench: &Bench) {
    const LACK: &str = "SELECT count(*) FROM lack";
    let (a, b) = (bench.repository("/a").await, bench.repository("/b").await);
    for repository in [a, b] {
        bench.push(repository, (None, "c1"), &[("a", "one ")], recipe()).await;
    }
    bench.push(a, (Some("c1"), "c1"), &[], other_model()).await;
    assert_eq!(bench.rows.count(LACK).await, 3);
    bench.store.remove_repository(b).await.unwrap();
    assert_eq!(bench.rows.count(LACK).await, 2);
    bench.store.activate(other_model()).await.unwrap();
    bench.clock.forward(2 * DAY).await;
    assert_eq!(bench.collect().await.generations_dropped, 1);
    assert_eq!(bench.rows.count(LACK).await, 1);
    let claim = bench.start(a).await;
    bench.store.stage(claim.id, &[gone("a")]).await.unwrap();
    let served = Served { recipe: other_model(), ..served("c1") };
    let publication = Publication { base: Some(served.clone()), served, ..publication(&claim, None, "c1") };
    assert!(matches!(bench.store.publish(&publication).await.unwrap(), Published::Done { removed: 1, .. }));
    for _ in 0..2 {
        bench.collect().await;
        bench.clock.forward(2 * DAY).await;
    }
    assert_eq!(bench.rows.count(LACK).await, 0);
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn text(&mut self) -> String {
        let words = 1 + self.roll(3);
        (0..words).map(|_| format!("w{} ", self.roll(12))).collect()
    }

    fn recipe(&mut self) -> Recipe {
        let other = ChunkingId(Digest::of(b"chunking of another"));
        match self.roll(5) {
            0 | 1 => recipe(),
            2 | 3 => other_model(),
            _ => Recipe { chunking: other, ..other_model() },
        }
    }
}

/// Publishes some files by some recipe, as a difference or as all there are.
async fn publish(bench: &Bench, dice: &mut Dice, repository: RepositoryId) {
    let claim = bench.start(repository).await;
    let by = dice.recipe();
    for _ in 0..dice.roll(4) {
        let (path, text) = (format!("f{}", dice.roll(5)), dice.text());
        bench.put_artifact(&text).await;
        let entry = if dice.roll(4) == 0 { gone(&path) } else { staged(&path, &text) };
        bench.store.stage(claim.id, &[entry]).await.unwrap();
    }
    let base = claim.served_under(by.chunking).map(|state| state.served.clone());
    let complete = base.is_none() || dice.roll(3) == 0;
    let served = Served { recipe: by, ..served("c") };
    let publication = Publication { base, served, complete, ..publication(&claim, None, "c") };
    match bench.store.publish(&publication).await.unwrap() {
        Published::Done { .. } => {}
        Published::Incomplete { .. } => drop(bench.settle(&claim, cancelled()).await),
        other => panic!("{other:?}"),
    }
}

/// Does some of a fill.
async fn fill_some(bench: &Bench, dice: &mut Dice) {
    let by = dice.recipe();
    bench.store.enqueue_fills(by.embedding, FillRequest::all(2)).await.unwrap();
    let Some(claim) = bench.claim_fill(by).await else { return };
    let page = bench.page(&claim, None, 1 + dice.roll(3) as u32).await;
    for lacking in page.map(|page| page.artifacts).unwrap_or_default() {
        let (mut made, mut failed) = (vec![], vec![]);
        for text in &lacking.texts {
            match dice.roll(8) {
                0 => {}
                1 => failed.push((*text, if dice.roll(2) == 0 { SkipReason::TooSlow } else { SkipReason::Binary })),
                _ => made.push((*text, vectors("any ")[0].1.clone())),
            }
        }
        let artifacts = [lacking.artifact];
        let filled = Filled { embedding: by.embedding, vectors: &made, failed: &failed, artifacts: &artifacts };
        bench.store.put_vectors(filled).await.unwrap();
        bench.everything_is_noted().await;
    }
    bench.settle(&claim, if dice.roll(2) == 0 { filled() } else { cancelled() }).await;
}

/// One thing that may happen.
async fn step(bench: &Bench, dice: &mut Dice, repositories: &mut [RepositoryId]) {
    let at = dice.roll(repositories.len() as u64) as usize;
    match dice.roll(14) {
        0..=3 => publish(bench, dice, repositories[at]).await,
        4..=6 => fill_some(bench, dice).await,
        7 => drop(bench.store.activate(dice.recipe()).await.unwrap()),
        8 => {
            let configuration = Configuration { recipe: dice.recipe(), ..configuration("fleet") };
            bench.store.agree(InstanceId::random(), &configuration, Membership::Joins).await.unwrap();
        }
        9 => {
            bench.clock.forward(DAY).await;
            bench.collect().await;
        }
        10 if dice.roll(2) == 0 => {
            bench.rows.change("UPDATE vector SET bytes = substr(bytes, 1, 2) WHERE id % 5 = 0").await;
            bench.store.verify(false).await.unwrap();
        }
        10 => {
            let damage = "DELETE FROM artifact_chunk WHERE number = 1 AND artifact % 3 = 0";
            bench.rows.change(damage).await;
            bench.store.verify(true).await.unwrap();
        }
        11 if dice.roll(2) == 0 => drop(bench.store.try_failed_again(repositories[at]).await.unwrap()),
        11 => drop(bench.store.seed(dice.recipe(), None, 2).await.unwrap()),
        12 => drop(bench.store.drop_generation(dice.recipe()).await.unwrap()),
        _ if dice.roll(4) == 0 => {
            bench.store.remove_repository(repositories[at]).await.unwrap();
            repositories[at] = bench.repository(&format!("/again{}", dice.roll(1_000_000))).await;
        }
        _ => drop(bench.put(&dice.text()).await),
    }
}

/// Publications, fills, damage, switches and collections in random order: nothing ever lacks unnoticed, and in the end
/// fills make all of it.
pub(crate) async fn whatever_happens_everything_that_lacks_is_noted(bench: &Bench) {
    for seed in 1..=4 {
        let mut dice = Dice(seed);
        let mut repositories = vec![];
        for number in 0..3 {
            repositories.push(bench.repository(&format!("/{seed}/{number}")).await);
        }
        for _ in 0..60 {
            step(bench, &mut dice, &mut repositories).await;
            bench.everything_is_noted().await;
        }
        // What damage took away, each publishes anew.
        for by in [recipe(), other_model()] {
            bench.store.activate(by).await.unwrap();
            while bench.store.enqueue_fills(by.embedding, FillRequest::all(99)).await.unwrap() > 0 {}
            bench.fill_all(by).await;
            for (repository, coverage) in bench.store.coverage(None).await.unwrap() {
                let served = bench.store.repository(repository).await.unwrap().unwrap().served;
                let of_it = served.is_some_and(|served| served.recipe.embedding == by.embedding);
                assert!(!of_it || coverage.complete(), "{by:?}: {coverage:?}");
            }
        }
    }
}

/// Publishers, and instances that fill what they publish, all at once: in the end nothing lacks, though nobody looked
/// for what has no fill.
pub(crate) async fn pushes_and_fills_at_once_leave_nothing_behind(bench: &Bench) {
    const PUSHES: u64 = 12;
    let repositories =
        join_all((0..3).map(|number| async move { bench.repository(&format!("/{number}")).await })).await;
    let pushing = AtomicU32::new(repositories.len() as u32);
    let pushes = repositories.iter().enumerate().map(|(number, repository)| {
        let pushing = &pushing;
        async move {
            let mut dice = Dice(number as u64);
            for _ in 0..PUSHES {
                publish_by(bench, &mut dice, *repository).await;
            }
            pushing.fetch_sub(1, Ordering::SeqCst);
        }
    });
    let fills = (0..3).map(|_| async {
        loop {
            let last = pushing.load(Ordering::SeqCst) == 0;
            match bench.claim_fill(recipe()).await {
                Some(claim) => fill_while_others_publish(bench, &claim).await,
                None if last => return,
                None => tokio::task::yield_now().await,
            }
        }
    });
    futures::join!(join_all(pushes), join_all(fills));
    bench.fill_all(recipe()).await;
    bench.everything_is_noted().await;
    assert_eq!(bench.rows.count("SELECT count(*) FROM lack").await, 0, "each had a fill");
    assert_eq!(bench.store.verify(true).await.unwrap().vectors_missing, 0);
    assert_eq!(bench.store.jobs(&JobFilter::default()).await.unwrap(), []);
}

async fn publish_by(bench: &Bench, dice: &mut Dice, repository: RepositoryId) {
    let claim = bench.start(repository).await;
    for _ in 0..2 {
        let (path, text) = (format!("f{}", dice.roll(4)), format!("w{} only{} ", dice.roll(9), dice.roll(1_000_000)));
        bench.put_artifact(&text).await;
        bench.store.stage(claim.id, &[staged(&path, &text)]).await.unwrap();
    }
    let base = claim.repository.served.clone();
    let publication = Publication { base, ..publication(&claim, None, "c") };
    assert!(matches!(bench.store.publish(&publication).await.unwrap(), Published::Done { .. }));
}

async fn fill_while_others_publish(bench: &Bench, claim: &Claim) {
    let mut after = None;
    loop {
        let page = bench.store.lacking(claim.id, after.as_ref(), 2).await.unwrap().expect("the claim stands");
        for lacking in page.artifacts {
            let made: Vec<_> = lacking.texts.iter().map(|text| (*text, vectors("any ")[0].1.clone())).collect();
            let (embedding, artifacts) = (recipe().embedding, [lacking.artifact]);
            let filled = Filled { embedding, vectors: &made, failed: &[], artifacts: &artifacts };
            bench.store.put_vectors(filled).await.unwrap();
        }
        after = page.last;
        if after.is_none() {
            break;
        }
    }
    bench.settle(claim, filled()).await.expect("the claim stands");
}
