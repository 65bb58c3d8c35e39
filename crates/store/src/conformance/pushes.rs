//! Sentences about pushes while model and chunking change at once: they are seen at once.

use warmer_content::{Digest, Recipe, RulesDigest};

use super::Bench;
use super::fixture::*;
use super::generations::{all_new, at, found, shown, warm_by};
use crate::*;

/// By what searches find that was cut anew, before they use the new model.
fn cut_anew() -> Recipe {
    Recipe { chunking: all_new().chunking, ..recipe() }
}

/// Two repositories that are served by the model that searches use.
async fn two(bench: &Bench) -> [RepositoryId; 2] {
    let (a, b) = (bench.repository("/a").await, bench.repository("/b").await);
    for repository in [a, b] {
        warm_by(bench, repository, recipe(), "c1", &[("old", "one ")]).await;
    }
    [a, b]
}

async fn states(bench: &Bench) -> Vec<(Recipe, GenerationState)> {
    let all = bench.store.generations().await.unwrap();
    all.iter().map(|one| (one.recipe, one.state)).collect()
}

/// Makes all vectors of the new model; a repository that was not cut anew is.
async fn fill_and_switch(bench: &Bench, left: RepositoryId) {
    assert!(!bench.store.activate_when_covered(all_new()).await.unwrap(), "one is left behind");
    bench.push(left, (None, "c1"), &[("old", "one ")], all_new()).await;
    bench.fill_all(all_new()).await;
    assert!(bench.store.activate_when_covered(all_new()).await.unwrap());
    bench.everything_is_noted().await;
}

pub(crate) async fn a_push_is_shown_at_once_though_model_and_chunking_change_at_once(bench: &Bench) {
    let [a, b] = two(bench).await;
    bench.push(a, (None, "c2"), &[("kept", "one "), ("new", "two three ")], all_new()).await;
    assert_eq!(shown(bench, a).await, ("c2".to_owned(), cut_anew()));
    assert_eq!(bench.paths(a).await, ["kept", "new"]);
    assert_eq!(found(bench).await, [at(a, "kept"), at(b, "old")], "by the vectors that there are");
    assert_eq!(bench.missing(a).await, 2, "the others are found by their words");
    assert_eq!(bench.store.active_recipe().await.unwrap(), Some(recipe()));
    bench.push(a, (Some("c2"), "c3"), &[("more", "four ")], all_new()).await;
    assert_eq!((shown(bench, a).await.0, bench.missing(a).await), ("c3".to_owned(), 3));
    assert_eq!(shown(bench, b).await, ("c1".to_owned(), recipe()));

    // Who still makes the model of before is not kept busy by that.
    assert_eq!(bench.store.enqueue_fills(recipe().embedding, FillRequest::all(9)).await.unwrap(), 0);
    fill_and_switch(bench, b).await;
    assert_eq!((shown(bench, a).await, bench.missing(a).await), (("c3".to_owned(), all_new()), 0));
    let of_a = ["kept", "more", "new", "new"].map(|path| at(a, path));
    assert_eq!(found(bench).await, [&of_a[..], &[at(b, "old")]].concat());
}

pub(crate) async fn what_is_cut_anew_for_another_model_waits_and_other_rules_do_not(bench: &Bench) {
    let [a, b] = two(bench).await;
    for repository in [a, b] {
        bench.push(repository, (None, "c1"), &[("new", "two ")], all_new()).await;
        assert_eq!(shown(bench, repository).await, ("c1".to_owned(), recipe()));
    }
    assert_eq!(states(bench).await.len(), 2);
    let claim = bench.start(a).await;
    let base = claim.served_under(all_new().chunking).map(|state| state.served.clone());
    let other = Served { recipe: all_new(), rules: RulesDigest(Digest::of(b"others")), ..served("c1") };
    let publication = Publication { base, served: other, ..publication(&claim, None, "c1") };
    assert!(matches!(bench.store.publish(&publication).await.unwrap(), Published::Done { .. }));
    assert_eq!(shown(bench, a).await, ("c1".to_owned(), cut_anew()));
    assert_eq!(shown(bench, b).await, ("c1".to_owned(), recipe()));
    assert!(states(bench).await.contains(&(cut_anew(), GenerationState::Retired)), "nobody is to make it");
}

pub(crate) async fn what_is_new_is_shown_at_once_though_model_and_chunking_change_at_once(bench: &Bench) {
    two(bench).await;
    let new = bench.repository("/new").await;
    bench.push(new, (None, "c1"), &[("x", "two ")], all_new()).await;
    assert_eq!((shown(bench, new).await, bench.missing(new).await), (("c1".to_owned(), cut_anew()), 1));
}

pub(crate) async fn a_roll_back_shows_what_was_pushed_since_whatever_it_is_cut_by(bench: &Bench) {
    let [a, b] = two(bench).await;
    for repository in [a, b] {
        bench.push(repository, (None, "c1"), &[("old", "one ")], all_new()).await;
    }
    bench.fill_all(all_new()).await;
    assert!(bench.store.activate_when_covered(all_new()).await.unwrap());
    bench.push(a, (Some("c1"), "c2"), &[("new", "two ")], all_new()).await;
    assert_eq!(shown(bench, a).await, ("c2".to_owned(), all_new()));
    assert!(bench.store.activate(recipe()).await.unwrap());
    assert_eq!((shown(bench, a).await, bench.missing(a).await), (("c2".to_owned(), cut_anew()), 1));
    assert_eq!(shown(bench, b).await, ("c1".to_owned(), recipe()), "with all its vectors");
    bench.push(b, (Some("c1"), "c3"), &[("new", "two ")], all_new()).await;
    assert_eq!(shown(bench, b).await, ("c3".to_owned(), cut_anew()));
}

pub(crate) async fn what_was_cut_anew_waits_only_for_what_searches_find(bench: &Bench) {
    let [a, _] = two(bench).await;
    bench.push(a, (None, "c1"), &[("old", "one ")], all_new()).await;
    assert!(bench.store.activate(all_new()).await.unwrap());
    bench.push(a, (Some("c1"), "c2"), &[("new", "two ")], all_new()).await;
    let again = Recipe { chunking: configuration("130").recipe.chunking, ..all_new() };
    bench.push(a, (None, "c2"), &[("new", "two ")], again).await;
    assert_eq!(shown(bench, a).await, ("c2".to_owned(), all_new()));
    assert!(bench.store.activate(recipe()).await.unwrap());
    assert_eq!(shown(bench, a).await, ("c2".to_owned(), Recipe { chunking: again.chunking, ..recipe() }));
}

pub(crate) async fn a_push_that_came_while_searches_went_over_is_shown_when_somebody_looks(bench: &Bench) {
    let [a, _] = two(bench).await;
    bench.push(a, (None, "c2"), &[("new", "two ")], all_new()).await;
    bench.rows.change("DELETE FROM coverage WHERE generation = (SELECT max(id) FROM generation)").await;
    assert_eq!(shown(bench, a).await.0, "c1");
    assert_eq!(bench.store.seed(all_new(), None, 9).await.unwrap(), 0, "no fill is made for it");
    assert_eq!(shown(bench, a).await, ("c2".to_owned(), cut_anew()));
    bench.everything_is_noted().await;
}

pub(crate) async fn what_was_made_for_pushes_alone_is_dropped_when_no_repository_shows_it(bench: &Bench) {
    let [a, b] = two(bench).await;
    bench.push(a, (None, "c2"), &[("new", "two ")], all_new()).await;
    bench.clock.forward(2 * DAY).await;
    assert_eq!(bench.collect().await.generations_dropped, 0, "one shows it");
    fill_and_switch(bench, b).await;
    assert_eq!(bench.collect().await.generations_dropped, 1);
    assert!(!states(bench).await.iter().any(|(recipe, _)| *recipe == cut_anew()));
    assert!(bench.store.activate(recipe()).await.unwrap());
    assert_eq!(shown(bench, a).await.0, "c2", "a roll back makes it anew");
}
