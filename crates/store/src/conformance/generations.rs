//! Sentences about generations: what stands beside what is shown, and when it takes its place.

use warmer_content::{Content, Digest, Language, Recipe, RulesDigest, artifact_key};

use super::Bench;
use super::fixture::*;
use crate::*;

/// Another model that cuts texts as the first does.
fn other_model() -> Recipe {
    Recipe { embedding: embedding("other"), ..recipe() }
}

/// The same model, and another way to cut texts.
fn other_chunking() -> Recipe {
    Recipe { chunking: configuration("120").recipe.chunking, ..recipe() }
}

/// Another model that cuts texts in its own way.
pub(super) fn all_new() -> Recipe {
    Recipe { embedding: embedding("other"), ..other_chunking() }
}

/// Publishes these files as all there are, made by `recipe`.
pub(super) async fn warm_by(
    bench: &Bench,
    repository: RepositoryId,
    recipe: Recipe,
    commit: &str,
    files: &[(&str, &str)],
) {
    let claim = bench.start(repository).await;
    let base = claim.served_under(recipe.chunking).map(|state| state.served.clone());
    for (path, text) in files {
        let key = artifact_key(recipe.chunking, &Content::plain(*text, Language::text()));
        let put = Put {
            chunking: recipe.chunking,
            rules: rules(),
            artifacts: &[(key, artifact(text).1)],
            blobs: &[],
            symbols: Extracted::of(&[]),
        };
        bench.store.put(put).await.unwrap();
        bench.put_vectors(recipe.embedding, text, &vectors(text)).await;
        let entry = StagedEntry { outcome: Outcome::Artifact(key), ..staged(path, text) };
        assert!(bench.store.stage(claim.id, &[entry]).await.unwrap());
    }
    let served = Served { recipe, ..served(commit) };
    let publication = Publication { base, served, complete: true, ..publication(&claim, None, commit) };
    let published = bench.store.publish(&publication).await.unwrap();
    assert!(matches!(published, Published::Done { recognised: false, .. }), "{published:?}");
}

/// What a search finds by the active model: a repository and a path for each chunk.
pub(super) async fn found(bench: &Bench) -> Vec<(RepositoryId, String)> {
    let active = bench.store.active_recipe().await.unwrap().expect("something was published");
    let mut repositories = bench.store.repositories().await.unwrap();
    repositories.sort_by_key(|repository| repository.id);
    let mut found = vec![];
    for repository in repositories {
        let Some(recipe) = repository.served.map(|served| served.recipe) else { continue };
        if recipe.embedding != active.embedding {
            continue;
        }
        for Shown { path, artifact } in bench.store.shown_page(repository.id, recipe.chunking, "", 99).await.unwrap() {
            let key = artifact.expect("what is skipped is not on the page");
            let artifact = bench.store.artifact(key).await.unwrap().expect("what is served is stored");
            let texts: Vec<_> = artifact.chunks.iter().map(|chunk| chunk.key).collect();
            let vectors = bench.store.vectors(active.embedding, &texts).await.unwrap();
            found.extend(texts.iter().filter(|text| vectors.contains_key(text)).map(|_| at(repository.id, &path)));
        }
    }
    found
}

pub(super) async fn shown(bench: &Bench, repository: RepositoryId) -> (String, Recipe) {
    let served = bench.store.repository(repository).await.unwrap().unwrap().served.expect("it is served");
    (served.commit, served.recipe)
}

async fn switches(bench: &Bench, to: Recipe) -> bool {
    let switched = bench.store.activate_when_covered(to).await.unwrap();
    assert_eq!(bench.store.active_recipe().await.unwrap() == Some(to), switched);
    assert_eq!(bench.store.uncovered(to, 10).await.unwrap().is_empty(), switched);
    switched
}

pub(super) fn at(repository: RepositoryId, path: &str) -> (RepositoryId, String) {
    (repository, path.to_owned())
}

pub(crate) async fn the_first_publication_makes_its_generation_active_unless_the_fleet_makes_another(bench: &Bench) {
    assert_eq!(bench.store.active_recipe().await.unwrap(), None);
    assert!(!bench.store.activate(recipe()).await.unwrap(), "there is none");
    bench.store.agree(bench.instance().await, &configuration("120"), Membership::Joins).await.unwrap();
    let repository = bench.repository("/a").await;
    warm_by(bench, repository, recipe(), "c1", &[("a", "one ")]).await;
    assert_eq!(bench.store.active_recipe().await.unwrap(), None, "the fleet makes another");
    warm_by(bench, repository, other_chunking(), "c1", &[("a", "one ")]).await;
    assert_eq!(bench.store.active_recipe().await.unwrap(), Some(other_chunking()));
    let states: Vec<_> = bench.store.generations().await.unwrap().iter().map(|one| (one.state, one.covered)).collect();
    assert_eq!(states, [(GenerationState::Active, 1), (GenerationState::Building, 1)]);
}

pub(crate) async fn a_changed_model_loses_no_answer(bench: &Bench) {
    for next in [other_model(), all_new()] {
        let (a, b) = (bench.repository("/a").await, bench.repository("/b").await);
        let all = [at(a, "x"), at(b, "y")];
        for (repository, path) in &all {
            warm_by(bench, *repository, recipe(), "c1", &[(path, "one ")]).await;
        }
        bench.store.activate(recipe()).await.unwrap();
        assert_eq!(found(bench).await, all);
        warm_by(bench, a, next, "c1", &[("x", "one ")]).await;
        assert!(!switches(bench, next).await, "one of two is left behind");
        assert_eq!(found(bench).await, all, "by the model of before");
        assert_eq!(shown(bench, a).await, ("c1".to_owned(), recipe()), "and so it is told");
        warm_by(bench, b, next, "c1", &[("y", "one ")]).await;
        assert!(switches(bench, next).await);
        assert_eq!(found(bench).await, all, "by the model of now");
        assert_eq!(shown(bench, a).await, ("c1".to_owned(), next));
    }
}

pub(crate) async fn two_generations_stand_beside_each_other_until_the_switch(bench: &Bench) {
    let (a, b) = (bench.repository("/a").await, bench.repository("/b").await);
    for repository in [a, b] {
        warm_by(bench, repository, recipe(), "c1", &[("old", "one ")]).await;
    }
    warm_by(bench, a, all_new(), "c1", &[("new", "one two "), ("more", "three ")]).await;
    assert_eq!((bench.paths(a).await, shown(bench, a).await.1), (vec!["old".to_owned()], recipe()));
    assert_eq!(bench.store.totals(a).await.unwrap().chunks, 1);
    let claim = bench.start(a).await;
    let recipes: Vec<_> = claim.states.iter().map(|state| state.served.recipe).collect();
    assert_eq!(recipes, [all_new(), recipe()], "who claims it sees both, the last first");
    assert_eq!(claim.current_under(recipe().chunking), None, "that is not what is checked now");
    bench.settle(&claim, fresh()).await;
    warm_by(bench, b, all_new(), "c1", &[("new", "one two ")]).await;
    assert!(switches(bench, all_new()).await);
    assert_eq!((bench.paths(a).await, shown(bench, a).await.1), (vec!["more".into(), "new".into()], all_new()));
    assert_eq!(bench.store.totals(a).await.unwrap().chunks, 3);
}

pub(crate) async fn each_chunking_has_a_base_of_its_own(bench: &Bench) {
    let repository = bench.repository("/a").await;
    warm_by(bench, repository, recipe(), "c1", &[("a", "one ")]).await;
    warm_by(bench, repository, other_chunking(), "c2", &[("a", "one ")]).await;
    let claim = bench.start(repository).await;
    let other =
        Publication { served: Served { recipe: other_chunking(), ..served("c3") }, ..publication(&claim, None, "c3") };
    let from = |base: Served| Publication { base: Some(base), ..other.clone() };
    assert_eq!(bench.store.publish(&from(served("c1"))).await.unwrap(), Published::Moved, "that is another's");
    let own = from(Served { recipe: other_chunking(), ..served("c2") });
    assert!(matches!(bench.store.publish(&own).await.unwrap(), Published::Done { .. }));
    let claim = bench.start(repository).await;
    let back = publication(&claim, Some("c1"), "c3");
    assert!(matches!(bench.store.publish(&back).await.unwrap(), Published::Done { .. }), "nobody moved the first");
    assert_eq!(shown(bench, repository).await, ("c3".to_owned(), recipe()));
}

pub(crate) async fn another_chunking_is_shown_where_it_was_published(bench: &Bench) {
    let (a, b) = (bench.repository("/a").await, bench.repository("/b").await);
    for repository in [a, b] {
        warm_by(bench, repository, recipe(), "c1", &[("old", "one ")]).await;
    }
    warm_by(bench, a, other_chunking(), "c2", &[("new", "one ")]).await;
    assert_eq!(found(bench).await, [at(a, "new"), at(b, "old")], "a push is seen at once");
    assert!(bench.store.activate_when_covered(other_chunking()).await.unwrap(), "nothing is found no more by that");
    assert_eq!(found(bench).await, [at(a, "new"), at(b, "old")]);
}

pub(crate) async fn what_is_cut_anew_is_shown_with_its_vectors_or_with_a_push(bench: &Bench) {
    let (a, b) = (bench.repository("/a").await, bench.repository("/b").await);
    for repository in [a, b] {
        warm_by(bench, repository, recipe(), "c1", &[("old", "one ")]).await;
        bench.push(repository, (None, "c1"), &[("new", "two three ")], other_chunking()).await;
        assert!(bench.store.activate_when_covered(other_chunking()).await.unwrap());
    }
    assert_eq!(found(bench).await, [at(a, "old"), at(b, "old")], "what was there is there, with its vectors");
    assert_eq!(shown(bench, a).await, ("c1".to_owned(), recipe()));
    bench.push(a, (Some("c1"), "c2"), &[("more", "four ")], other_chunking()).await;
    assert_eq!(shown(bench, a).await, ("c2".to_owned(), other_chunking()), "a push is seen at once");
    assert_eq!(shown(bench, b).await.1, recipe());
    bench.fill_all(recipe()).await;
    assert_eq!(shown(bench, b).await, ("c1".to_owned(), other_chunking()));
    assert_eq!(found(bench).await, [at(a, "more"), at(a, "new"), at(a, "new"), at(b, "new"), at(b, "new")]);

    // Other rules are at once: what they leave out is not to be found any more.
    let claim = bench.start(b).await;
    let rules = RulesDigest(Digest::of(b"others"));
    let base = claim.served_under(other_chunking().chunking).map(|state| state.served.clone());
    let again = Recipe { chunking: configuration("130").recipe.chunking, ..recipe() };
    bench.put_artifact("five ").await;
    bench.store.stage(claim.id, &[staged("other", "five ")]).await.unwrap();
    let other = Served { recipe: again, rules, ..base.expect("it was published") };
    let publication = Publication { base: None, served: other, complete: true, ..publication(&claim, None, "c1") };
    assert!(matches!(bench.store.publish(&publication).await.unwrap(), Published::Done { .. }));
    assert_eq!(shown(bench, b).await.1, again);
}

pub(crate) async fn a_switch_between_two_reads_is_in_neither_or_in_both(bench: &Bench) {
    let repository = bench.repository("/a").await;
    assert_eq!(bench.store.found().await.unwrap().0, None);
    for recipe in [recipe(), other_model()] {
        warm_by(bench, repository, recipe, "c1", &[("a", "one ")]).await;
    }
    let reading = async {
        for _ in 0..200 {
            let (active, all) = bench.store.found().await.unwrap();
            let shown = all[0].served.as_ref().expect("it is served").recipe.embedding;
            assert_eq!(active, Some(shown));
        }
    };
    let switching = async {
        for _ in 0..20 {
            bench.store.activate(other_model()).await.unwrap();
            bench.store.activate(recipe()).await.unwrap();
        }
    };
    futures::join!(reading, switching);
}

pub(crate) async fn paused_dead_and_vanished_repositories_do_not_hold_the_switch(bench: &Bench) {
    let names = ["/followed", "/paused", "/dead", "/quarantined", "/vanished"];
    let mut all = vec![];
    for name in names {
        let repository = bench.repository(name).await;
        warm_by(bench, repository, recipe(), "c1", &[("a", "one ")]).await;
        all.push(repository);
    }
    bench.repository("/never served").await;
    warm_by(bench, all[0], other_model(), "c1", &[("a", "one ")]).await;
    let states = [RepositoryState::Paused, RepositoryState::Dead, RepositoryState::Quarantined];
    for (repository, state) in all[1..].iter().zip(states) {
        assert!(!switches(bench, other_model()).await, "{state}");
        bench.store.set_state(*repository, state).await.unwrap();
    }
    let held = bench.store.uncovered(other_model(), 10).await.unwrap();
    assert_eq!(held.iter().map(|one| one.id).collect::<Vec<_>>(), [all[4]]);
    bench.store.mark_stale(all[4], "the remote is gone").await.unwrap();
    assert!(switches(bench, other_model()).await);
    assert_eq!(shown(bench, all[1]).await.1, other_model(), "what was not waited for is found, too");
}

pub(crate) async fn a_path_of_one_machine_holds_the_switch_only_where_there_is_no_other_machine(bench: &Bench) {
    let (path, remote) = (bench.repository("file:///home/me/app").await, bench.repository("/a").await);
    for repository in [path, remote] {
        warm_by(bench, repository, recipe(), "c1", &[("a", "one ")]).await;
    }
    warm_by(bench, remote, other_model(), "c1", &[("a", "one ")]).await;
    let policy = Policy { refresh: Some(Refresh::Adaptive), ..Policy::default() };
    bench.store.set_policy(path, &policy).await.unwrap();
    assert!(!switches(bench, other_model()).await, "it has a schedule");
    bench.store.set_policy(path, &Policy::default()).await.unwrap();
    assert_eq!(switches(bench, other_model()).await, bench.store.is_shared());
}

pub(crate) async fn roll_back_is_the_pointer_back(bench: &Bench) {
    let repository = bench.repository("/a").await;
    warm_by(bench, repository, recipe(), "c1", &[("old", "one ")]).await;
    let instance = bench.instance().await;
    let next = Configuration { recipe: all_new(), ..configuration("120") };
    bench.store.agree(instance, &next, Membership::Joins).await.unwrap();
    warm_by(bench, repository, all_new(), "c1", &[("new", "one ")]).await;
    assert!(switches(bench, all_new()).await);
    assert_eq!(found(bench).await, [at(repository, "new")]);
    assert!(bench.store.activate(recipe()).await.unwrap());
    assert_eq!(found(bench).await, [at(repository, "old")]);
    warm_by(bench, repository, all_new(), "c3", &[("newer", "one ")]).await;
    assert!(!bench.store.activate_when_covered(all_new()).await.unwrap(), "a command is not undone by what goes on");
    assert!(bench.store.activate(all_new()).await.unwrap(), "but by another");
    assert_eq!(found(bench).await, [at(repository, "newer")]);

    bench.store.agree(instance, &Configuration { recipe: recipe(), ..next.clone() }, Membership::Joins).await.unwrap();
    warm_by(bench, repository, recipe(), "c3", &[("again", "one ")]).await;
    assert!(switches(bench, recipe()).await, "the fleet makes it again");
    assert_eq!(found(bench).await, [at(repository, "again")]);
}

pub(crate) async fn what_the_fleet_leaves_half_built_retires_and_can_be_gone_on_with(bench: &Bench) {
    let (a, b) = (bench.repository("/a").await, bench.repository("/b").await);
    for repository in [a, b] {
        warm_by(bench, repository, recipe(), "c1", &[("a", "one ")]).await;
    }
    let made = async |recipe| {
        let configuration = Configuration { recipe, ..configuration("fleet") };
        bench.store.agree(InstanceId::random(), &configuration, Membership::Joins).await.unwrap();
    };
    made(other_model()).await;
    warm_by(bench, a, other_model(), "c1", &[("a", "one ")]).await;
    made(recipe()).await;
    warm_by(bench, b, other_model(), "c1", &[("a", "one ")]).await;
    assert!(!bench.store.activate_when_covered(other_model()).await.unwrap(), "nobody wants it any more");
    made(other_model()).await;
    assert!(switches(bench, other_model()).await, "what was made of it counts");
}

pub(crate) async fn of_many_that_switch_at_once_one_is_active(bench: &Bench) {
    let repository = bench.repository("/a").await;
    for recipe in [recipe(), other_model(), all_new()] {
        warm_by(bench, repository, recipe, "c1", &[("a", "one ")]).await;
    }
    for _ in 0..10 {
        let switching = [recipe(), other_model(), all_new(), other_model()].map(|to| bench.store.activate(to));
        assert_eq!(futures::future::try_join_all(switching).await.unwrap(), [true; 4]);
        let all = bench.store.generations().await.unwrap();
        assert_eq!(all.iter().filter(|one| one.state == GenerationState::Active).count(), 1, "{all:?}");
    }
}

pub(crate) async fn a_generation_that_nobody_needs_is_dropped_with_what_stood_under_it(bench: &Bench) {
    let repository = bench.repository("/a").await;
    warm_by(bench, repository, recipe(), "c1", &[("a", "one ")]).await;
    warm_by(bench, repository, all_new(), "c1", &[("a", "one "), ("b", "two ")]).await;
    assert!(switches(bench, all_new()).await);
    bench.clock.forward(DAY / 2).await;
    assert_eq!(bench.collect().await, Collected::default(), "it can be brought back for a day");
    bench.clock.forward(DAY).await;
    let collected = bench.collect().await;
    assert_eq!((collected.generations_dropped, collected.artifacts_marked, collected.vectors_marked), (1, 1, 1));
    assert!(!bench.store.activate(recipe()).await.unwrap(), "it is gone");
    assert_eq!(bench.start(repository).await.states.len(), 1);
    bench.clock.forward(2 * DAY).await;
    let collected = bench.collect().await;
    assert_eq!((collected.artifacts_deleted, collected.vectors_deleted), (1, 1));
    assert_eq!(found(bench).await, [at(repository, "a"), at(repository, "b")]);
    let verified = bench.store.verify(true).await.unwrap();
    assert_eq!((verified.entries_broken, verified.vectors_missing), (0, 0));
}

pub(crate) async fn a_generation_that_is_shown_or_made_by_the_fleet_is_kept(bench: &Bench) {
    let (paused, other) = (bench.repository("/paused").await, bench.repository("/b").await);
    for repository in [paused, other] {
        warm_by(bench, repository, recipe(), "c1", &[("a", "one ")]).await;
    }
    bench.store.set_state(paused, RepositoryState::Paused).await.unwrap();
    warm_by(bench, other, all_new(), "c1", &[("a", "one ")]).await;
    assert!(switches(bench, all_new()).await);
    assert_eq!(shown(bench, paused).await.1, other_model(), "what is left behind is found by its words");
    let dropped_while_the_fleet_makes = async |recipe: Recipe| {
        let configuration = Configuration { recipe, ..configuration("fleet") };
        bench.store.agree(InstanceId::random(), &configuration, Membership::Joins).await.unwrap();
        bench.clock.forward(2 * DAY).await;
        bench.collect().await.generations_dropped
    };
    assert_eq!(dropped_while_the_fleet_makes(recipe()).await, 0, "the fleet makes it");
    assert_eq!(dropped_while_the_fleet_makes(all_new()).await, 1, "one shows what is cut as it was");
    assert_eq!(bench.paths(paused).await, ["a"]);
    bench.store.remove_repository(paused).await.unwrap();
    assert_eq!(dropped_while_the_fleet_makes(all_new()).await, 1);
}

pub(crate) async fn a_dry_run_tells_what_dropping_generations_would_do(bench: &Bench) {
    let repository = bench.repository("/a").await;
    warm_by(bench, repository, recipe(), "c1", &[("a", "one "), ("b", "two ")]).await;
    warm_by(bench, repository, all_new(), "c1", &[("a", "one ")]).await;
    assert!(switches(bench, all_new()).await);
    bench.clock.forward(2 * DAY).await;
    let dry = Collect { dry_run: true, ..Collect::default() };
    let told = bench.store.collect(&dry).await.unwrap();
    assert_eq!((told.generations_dropped, told.artifacts_marked), (1, 2));
    assert_eq!(bench.start(repository).await.states.len(), 2, "nothing was dropped");
    assert_eq!(bench.store.collect(&dry).await.unwrap(), told);
    assert_eq!(bench.collect().await, told, "what it told is what is done");
}
