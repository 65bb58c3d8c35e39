//! Sentences about a changed model: it is made from what is stored, and no answer is lost on the way.

use std::time::Duration;

use futures::future::join_all;
use warmer_content::{EmbeddingId, Recipe};

use super::Bench;
use super::fill_fixture::other_model;
use super::fixture::*;
use crate::*;

/// What nobody with a model published.
fn without_model() -> Recipe {
    Recipe { embedding: EmbeddingId::NONE, ..recipe() }
}

/// All instances are to make this from now on.
async fn fleet_makes(bench: &Bench, recipe: Recipe) {
    let configuration = Configuration { recipe, ..configuration("fleet") };
    bench.store.agree(InstanceId::random(), &configuration, Membership::Joins).await.unwrap();
}

async fn seeded(bench: &Bench, by: Recipe, limit: u32) -> u64 {
    let seeded = bench.store.seed(by, None, limit).await.unwrap();
    bench.everything_is_noted().await;
    seeded
}

async fn missing_under(bench: &Bench, repository: RepositoryId, by: Recipe) -> Option<u64> {
    bench.store.coverage_under(repository, by).await.unwrap().map(|coverage| coverage.missing)
}

/// What two repositories lack under another model.
async fn both(bench: &Bench, [a, b]: [RepositoryId; 2]) -> [Option<u64>; 2] {
    [missing_under(bench, a, other_model()).await, missing_under(bench, b, other_model()).await]
}

/// Two repositories, and the fleet makes another model.
async fn two_under_another_model(bench: &Bench) -> [RepositoryId; 2] {
    let (a, b) = (bench.repository("/a").await, bench.repository("/b").await);
    bench.warm(a, None, "c1", &[("a", "one two "), ("b", "three ")]).await;
    bench.warm(b, None, "c1", &[("a", "four ")]).await;
    fleet_makes(bench, other_model()).await;
    [a, b]
}

pub(crate) async fn a_changed_model_is_made_from_what_is_stored_and_switched_to_when_it_covers_all(bench: &Bench) {
    let [a, b] = two_under_another_model(bench).await;
    let attempts = bench.rows.count("SELECT count(*) FROM attempt").await;
    assert_eq!((seeded(bench, other_model(), 9).await, seeded(bench, other_model(), 9).await), (2, 0));
    assert_eq!(missing_under(bench, a, other_model()).await, Some(3));
    assert!(bench.coverage(a).await.complete(), "searches use the model of before");
    assert_eq!(bench.store.uncovered(other_model(), 9).await.unwrap().len(), 2);
    assert!(!bench.store.activate_when_covered(other_model()).await.unwrap());
    let all = FillRequest::all(9);
    assert_eq!(bench.store.enqueue_fills(other_model().embedding, all).await.unwrap(), 2);
    let lanes: Vec<_> = bench.fills().await.into_iter().map(|(_, lane, _)| lane).collect();
    assert_eq!(lanes, [Some(Lane::Bulk); 2], "nobody waits for it");
    let fills = JobFilter { kind: Some(JobKind::Fill), ..JobFilter::default() };
    let of: Vec<_> = bench.store.jobs(&fills).await.unwrap().into_iter().map(|job| job.generation).collect();
    assert_eq!(of, [Some(other_model()); 2]);
    assert_eq!(bench.fill_all(other_model()).await, 2);
    assert_eq!(bench.store.uncovered(other_model(), 9).await.unwrap(), []);
    assert!(bench.store.activate_when_covered(other_model()).await.unwrap());
    for repository in [a, b] {
        let shown = bench.store.repository(repository).await.unwrap().unwrap().served.expect("it is served");
        assert_eq!((&*shown.commit, shown.recipe), ("c1", other_model()));
        assert!(bench.coverage(repository).await.complete());
    }
    let of_refreshes = "SELECT count(*) FROM attempt WHERE kind = 0";
    assert_eq!(bench.rows.count(of_refreshes).await, attempts, "no repository was listed again");
}

pub(crate) async fn only_what_the_fleet_makes_and_something_is_served_for_is_begun(bench: &Bench) {
    assert_eq!(seeded(bench, other_model(), 9).await, 0, "nothing is served");
    fleet_makes(bench, recipe()).await;
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("a", "one ")]).await;
    assert_eq!(seeded(bench, other_model(), 9).await, 0, "the fleet makes another");
    let all_new = Recipe { chunking: configuration("120").recipe.chunking, ..other_model() };
    fleet_makes(bench, all_new).await;
    assert_eq!(seeded(bench, all_new, 9).await, 0, "what is cut in another way is published first");
    assert_eq!(bench.store.generations().await.unwrap().len(), 1);
    fleet_makes(bench, other_model()).await;
    assert_eq!(seeded(bench, recipe(), 9).await, 0, "who makes another does not begin it");
    assert_eq!(seeded(bench, other_model(), 9).await, 1);
    assert_eq!(seeded(bench, without_model(), 9).await, 0);
}

pub(crate) async fn what_is_published_while_a_model_is_seeded_lacks_under_both(bench: &Bench) {
    let [a, b] = two_under_another_model(bench).await;
    assert_eq!(seeded(bench, other_model(), 1).await, 1);
    assert_eq!(both(bench, [a, b]).await, [Some(3), None]);
    // By instances of before, where it is covered already and where it is not.
    bench.push(a, (Some("c1"), "c2"), &[("c", "five ")], recipe()).await;
    bench.push(b, (Some("c1"), "c2"), &[("c", "six ")], recipe()).await;
    assert_eq!(both(bench, [a, b]).await, [Some(4), Some(2)]);
    assert_eq!(seeded(bench, other_model(), 9).await, 0, "the publication did it");
    // By one of the new model: searches still use the old one.
    bench.push(a, (Some("c2"), "c3"), &[("d", "seven ")], other_model()).await;
    assert_eq!([bench.missing(a).await, missing_under(bench, a, other_model()).await.unwrap()], [2, 5]);
    for by in [recipe(), other_model()] {
        while bench.store.enqueue_fills(by.embedding, FillRequest::all(9)).await.unwrap() > 0 {}
        bench.fill_all(by).await;
        assert_eq!(missing_under(bench, a, by).await, Some(0));
    }
    assert!(bench.store.activate_when_covered(other_model()).await.unwrap());
}

pub(crate) async fn a_repository_is_seeded_once_however_many_do_it(bench: &Bench) {
    for number in 0..12 {
        let repository = bench.repository(&format!("/{number}")).await;
        bench.warm(repository, None, "c1", &[("a", &format!("one only{number} "))]).await;
    }
    fleet_makes(bench, other_model()).await;
    let seeds = join_all((0..4).map(|_| async { bench.store.seed(other_model(), None, 5).await.unwrap() }));
    let mut all: u64 = seeds.await.into_iter().sum();
    while let more @ 1.. = seeded(bench, other_model(), 5).await {
        all += more;
    }
    assert_eq!((all, bench.rows.count("SELECT count(*) FROM lack").await), (12, 12));
}

pub(crate) async fn who_names_repositories_seeds_these_alone(bench: &Bench) {
    let [a, b] = two_under_another_model(bench).await;
    assert_eq!(bench.store.seed(other_model(), Some(&[b]), 9).await.unwrap(), 1);
    assert_eq!(both(bench, [a, b]).await, [None, Some(1)]);
    bench.store.remove_repository(a).await.unwrap();
    assert_eq!(bench.store.seed(other_model(), Some(&[a, b]), 9).await.unwrap(), 0);
}

pub(crate) async fn what_nobody_had_a_model_for_is_the_first_models_at_once(bench: &Bench) {
    let repository = bench.repository("/a").await;
    fleet_makes(bench, without_model()).await;
    bench.push(repository, (None, "c1"), &[("a", "one two ")], without_model()).await;
    assert_eq!(bench.store.active_recipe().await.unwrap(), Some(without_model()));
    assert_eq!(bench.missing(repository).await, 2);

    fleet_makes(bench, recipe()).await;
    bench.store.seed(recipe(), None, 9).await.unwrap();
    assert_eq!(bench.store.active_recipe().await.unwrap(), Some(recipe()), "nothing is lost by that");
    assert_eq!(bench.missing(repository).await, 2, "and nothing was ever not found");
    assert_eq!(bench.fill_all(recipe()).await, 1, "what was queued is filled");
    assert!(bench.coverage(repository).await.complete());

    // Who still has none publishes for the others.
    bench.push(repository, (Some("c1"), "c2"), &[("b", "three ")], without_model()).await;
    assert_eq!(bench.fill_all(recipe()).await, 1);
    assert!(bench.coverage(repository).await.complete());
    assert!(!bench.store.activate_when_covered(without_model()).await.unwrap());
    assert!(!bench.store.activate(without_model()).await.unwrap());
    let all = bench.store.generations().await.unwrap();
    assert_eq!(all.iter().map(|one| one.recipe).collect::<Vec<_>>(), [recipe()]);
}

pub(crate) async fn the_first_publication_by_a_model_takes_the_place_of_none(bench: &Bench) {
    let (a, b) = (bench.repository("/a").await, bench.repository("/b").await);
    bench.push(a, (None, "c1"), &[("a", "one ")], without_model()).await;
    bench.push(b, (None, "c1"), &[("a", "two ")], recipe()).await;
    assert_eq!(bench.store.active_recipe().await.unwrap(), Some(recipe()));
    assert_eq!((bench.missing(a).await, bench.missing(b).await), (1, 1));
    assert_eq!(bench.fill_all(recipe()).await, 2);
}

pub(crate) async fn a_roll_back_loses_nothing_that_came_since(bench: &Bench) {
    let [a, _] = two_under_another_model(bench).await;
    assert!(!bench.store.activate(other_model()).await.unwrap(), "there is none yet");
    seeded(bench, other_model(), 9).await;
    assert!(bench.store.activate(other_model()).await.unwrap());
    assert_eq!(bench.missing(a).await, 3, "whatever it covers");
    let new = bench.repository("/c").await;
    bench.push(new, (None, "c1"), &[("a", "eight nine ")], other_model()).await;
    assert_eq!(missing_under(bench, new, recipe()).await, None, "searches do not use it any more");
    assert!(bench.store.activate(recipe()).await.unwrap());
    let shown = bench.store.repository(new).await.unwrap().unwrap().served.expect("it is served");
    assert_eq!((shown.recipe, bench.missing(new).await), (recipe(), 2), "found by its words");
    assert!(bench.coverage(a).await.complete());
    bench.everything_is_noted().await;
}

pub(crate) async fn what_a_command_left_comes_back_only_when_the_fleet_makes_another_in_between(bench: &Bench) {
    let [a, _] = two_under_another_model(bench).await;
    seeded(bench, other_model(), 9).await;
    bench.store.activate(other_model()).await.unwrap();
    bench.store.activate(recipe()).await.unwrap();
    let slots = Configuration { recipe: other_model(), slots: 3, ..configuration("fleet") };
    assert!(bench.store.agree(InstanceId::random(), &slots, Membership::Joins).await.unwrap().set);
    assert_eq!(bench.store.generation_state(other_model()).await.unwrap(), Some(GenerationState::Retired));
    assert!(!bench.store.activate_when_covered(other_model()).await.unwrap());
    fleet_makes(bench, recipe()).await;
    fleet_makes(bench, other_model()).await;
    assert_eq!(bench.store.generation_state(other_model()).await.unwrap(), Some(GenerationState::Building));
    assert_eq!(missing_under(bench, a, other_model()).await, Some(3), "what was noted of it is");
}

pub(crate) async fn a_roll_back_leaves_a_third_model_building_and_it_comes_when_it_covers_all(bench: &Bench) {
    let [a, _] = two_under_another_model(bench).await;
    let third = Recipe { embedding: embedding("third"), ..recipe() };
    let filled = async |by: Recipe| {
        seeded(bench, by, 9).await;
        bench.store.enqueue_fills(by.embedding, FillRequest::all(9)).await.unwrap();
        bench.fill_all(by).await
    };
    filled(other_model()).await;
    assert!(bench.store.activate_when_covered(other_model()).await.unwrap());
    fleet_makes(bench, third).await;
    seeded(bench, third, 9).await;
    assert!(bench.store.activate(recipe()).await.unwrap());
    for (of, is) in [(third, GenerationState::Building), (other_model(), GenerationState::Retired)] {
        assert_eq!(bench.store.generation_state(of).await.unwrap(), Some(is));
    }
    assert!(!bench.store.activate_when_covered(third).await.unwrap());
    assert_eq!((missing_under(bench, a, third).await, filled(third).await), (Some(3), 2), "its fills go on");
    assert!(bench.store.activate_when_covered(third).await.unwrap());
}

pub(crate) async fn what_the_fleet_does_not_make_becomes_active_by_command_alone(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("a", "one ")]).await;
    fleet_makes(bench, recipe()).await;
    bench.push(repository, (Some("c1"), "c2"), &[("b", "two ")], other_model()).await;
    bench.fill_all(other_model()).await;
    assert_eq!(bench.store.generation_state(other_model()).await.unwrap(), Some(GenerationState::Building));
    assert_eq!(bench.store.uncovered(other_model(), 9).await.unwrap(), []);
    assert!(!bench.store.activate_when_covered(other_model()).await.unwrap());
    fleet_makes(bench, other_model()).await;
    assert!(bench.store.activate_when_covered(other_model()).await.unwrap());
}

pub(crate) async fn a_generation_is_dropped_by_command_unless_it_is_needed(bench: &Bench) {
    let [a, b] = two_under_another_model(bench).await;
    seeded(bench, other_model(), 9).await;
    let drop = async |recipe| bench.store.drop_generation(recipe).await.unwrap();
    assert_eq!((drop(recipe()).await, drop(other_model()).await), (Dropped::Active, Dropped::Made));
    assert_eq!(drop(without_model()).await, Dropped::Unknown);
    bench.store.activate(other_model()).await.unwrap();
    bench.fill_all(other_model()).await;
    let coverage = "SELECT count(*) FROM coverage";
    assert_eq!(bench.rows.count(coverage).await, 4);
    assert_eq!(drop(recipe()).await, Dropped::Done);
    assert_eq!((bench.rows.count(coverage).await, drop(recipe()).await), (2, Dropped::Unknown));
    for repository in [a, b] {
        assert!(!bench.paths(repository).await.is_empty(), "what is shown stays");
    }
    let other = Recipe { chunking: configuration("120").recipe.chunking, ..other_model() };
    bench.push(a, (None, "c2"), &[("a", "one ")], other).await;
    bench.push(a, (Some("c1"), "c3"), &[("a", "one ")], other_model()).await;
    assert_eq!(drop(other).await, Dropped::Done, "nobody sees it");
    bench.push(a, (None, "c4"), &[("a", "one ")], other).await;
    assert_eq!(drop(other).await, Dropped::Shown(1));
    bench.everything_is_noted().await;
}

pub(crate) async fn vectors_of_a_model_that_was_dropped_fall_to_the_collection(bench: &Bench) {
    two_under_another_model(bench).await;
    seeded(bench, other_model(), 9).await;
    while bench.store.enqueue_fills(other_model().embedding, FillRequest::all(9)).await.unwrap() > 0 {}
    bench.fill_all(other_model()).await;
    assert!(bench.store.activate_when_covered(other_model()).await.unwrap());
    bench.clock.forward(2 * DAY).await;
    assert_eq!(bench.collect().await.generations_dropped, 1, "though it published what is served");
    for _ in 0..2 {
        bench.clock.forward(2 * DAY).await;
        bench.collect().await;
    }
    assert_eq!(bench.rows.count("SELECT count(DISTINCT embedding) FROM vector").await, 1);
    let verified = bench.store.verify(true).await.unwrap();
    assert_eq!((verified.entries_broken, verified.vectors_missing), (0, 0));
}

/// The model of before was no model: the file could not be loaded.
pub(crate) async fn a_model_that_made_no_vector_gives_way_at_once_and_one_that_did_when_all_is_covered(bench: &Bench) {
    let (a, b) = (bench.repository("/a").await, bench.repository("/b").await);
    for repository in [a, b] {
        bench.push(repository, (None, "c1"), &[("a", "one two ")], without_model()).await;
    }
    let third = Recipe { embedding: embedding("third"), ..recipe() };
    let made = async |by: Recipe| {
        fleet_makes(bench, by).await;
        bench.clock.forward(Duration::from_mins(2)).await;
        bench.store.seed(by, Some(&[a]), 9).await.unwrap();
        bench.everything_is_noted().await;
        bench.store.active_recipe().await.unwrap()
    };
    assert_eq!(made(other_model()).await, Some(other_model()), "it is the first");
    assert_eq!(made(recipe()).await, Some(recipe()), "nothing was found by that");
    assert_eq!([bench.missing(a).await, bench.missing(b).await], [2, 2], "both are found by their words");
    let before = bench.store.generations().await.unwrap();
    let before: Vec<_> = before.iter().filter(|one| one.recipe != recipe()).collect();
    assert!(before.iter().all(|one| one.active_at.is_none()), "there is nothing to roll back to: {before:?}");
    bench.put_vectors(recipe().embedding, "one two ", &vectors("one two ")[..1]).await;
    assert_eq!(made(third).await, Some(recipe()), "one text is found by it");
    assert!(!bench.store.activate_when_covered(third).await.unwrap());
}

pub(crate) async fn a_model_takes_the_place_of_one_that_made_no_vector_though_who_began_it_died(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c1"), &[("a", "one ")], other_model()).await;
    fleet_makes(bench, recipe()).await;
    // As who dies behind the row that it makes first.
    bench.push(repository, (Some("c1"), "c2"), &[("b", "two ")], recipe()).await;
    assert_eq!(bench.store.active_recipe().await.unwrap(), Some(other_model()));
    assert!(bench.store.activate_when_covered(recipe()).await.unwrap());
    assert_eq!(bench.missing(repository).await, 2);
}
