//! Sentences about the configuration that all instances are to agree on.

use warmer_content::EmbeddingId;

use super::Bench;
use super::fixture::*;
use crate::*;

async fn agree(bench: &Bench, instance: InstanceId, chunks: &str, membership: Membership) -> Agreement {
    bench.store.agree(instance, &configuration(chunks), membership).await.unwrap()
}

/// What the fleet cuts its texts by.
async fn chunks(bench: &Bench) -> String {
    let fleet = bench.store.fleet().await.unwrap().expect("somebody said so");
    fleet.configuration.keys["content.chunk_size"].clone()
}

pub(crate) async fn the_first_says_what_the_fleet_runs_by_and_who_differs_follows(bench: &Bench) {
    assert_eq!(bench.store.fleet().await.unwrap(), None);
    let (first, second) = (bench.instance().await, bench.instance().await);
    let said = agree(bench, first, "200", Membership::Joins).await;
    assert!(said.set && said.held && said.fleet.configuration == configuration("200"));
    assert_eq!((said.fleet.set_by, &*said.fleet.version), (first, "test"));
    let heard = agree(bench, second, "120", Membership::Joins).await;
    assert!(!heard.set && heard.held && heard.fleet == said.fleet);
    for _ in 0..3 {
        bench.clock.forward(MINUTE / 4).await;
        bench.heartbeat(first).await;
        bench.heartbeat(second).await;
        assert_eq!(agree(bench, second, "120", Membership::Runs).await, heard);
        assert!(!agree(bench, first, "200", Membership::Runs).await.set);
    }
    let status = bench.store.status().await.unwrap();
    let difference = Difference { key: "content.chunk_size".into(), here: "120".into(), fleet: "200".into() };
    let mut differs: Vec<_> = status.instances.iter().map(|instance| (instance.id, instance.differs.clone())).collect();
    // Both may have been started in the same millisecond.
    differs.sort_by_key(|(instance, _)| *instance != first);
    assert_eq!(differs, [(first, vec![]), (second, vec![difference])]);
}

pub(crate) async fn a_roll_out_changes_over_once_when_the_last_of_before_is_gone(bench: &Bench) {
    let (old, older) = (bench.instance().await, bench.instance().await);
    agree(bench, old, "200", Membership::Joins).await;
    agree(bench, older, "200", Membership::Joins).await;
    let new = bench.instance().await;
    assert!(!agree(bench, new, "120", Membership::Joins).await.set);
    bench.store.retire(old).await.unwrap();
    let again = bench.instance().await;
    assert!(!agree(bench, again, "200", Membership::Joins).await.set, "one of before may start anew meanwhile");
    bench.store.retire(older).await.unwrap();
    bench.store.retire(again).await.unwrap();
    bench.heartbeat(new).await;
    let gap = agree(bench, new, "120", Membership::Runs).await;
    assert!(!gap.set && !gap.held, "the last one may only be starting anew");
    bench.clock.forward(MINUTE + MINUTE / 4).await;
    bench.heartbeat(new).await;
    assert!(agree(bench, new, "120", Membership::Runs).await.set);
    let late = bench.instance().await;
    assert!(!agree(bench, late, "200", Membership::Joins).await.set, "and it does not change back");
    assert_eq!(chunks(bench).await, "120");
}

pub(crate) async fn one_that_starts_alone_need_not_wait(bench: &Bench) {
    let old = bench.instance().await;
    agree(bench, old, "200", Membership::Joins).await;
    bench.store.retire(old).await.unwrap();
    assert!(agree(bench, bench.instance().await, "120", Membership::Joins).await.set);
}

pub(crate) async fn who_visits_decides_nothing_where_a_daemon_did(bench: &Bench) {
    let visitor = InstanceId::random();
    bench.store.register(visitor, 1, "test", Takes::Own).await.unwrap();
    assert!(agree(bench, visitor, "50", Membership::Visits).await.set, "nobody ever said");
    let other = InstanceId::random();
    assert!(agree(bench, other, "60", Membership::Visits).await.set, "nor a daemon");
    let daemon = bench.instance().await;
    assert!(agree(bench, daemon, "200", Membership::Joins).await.set, "a visitor holds nothing");
    bench.store.retire(daemon).await.unwrap();
    bench.clock.forward(60 * MINUTE).await;
    let heard = agree(bench, visitor, "50", Membership::Visits).await;
    assert!(!heard.set && !heard.held);
    assert_eq!(chunks(bench).await, "200");
}

pub(crate) async fn of_many_that_start_at_once_one_decides(bench: &Bench) {
    let mut instances = vec![];
    for number in 0..8 {
        instances.push((bench.instance().await, number.to_string()));
    }
    let agreeing = instances.iter().map(|(instance, chunks)| agree(bench, *instance, chunks, Membership::Joins));
    let agreements = futures::future::join_all(agreeing).await;
    assert_eq!(agreements.iter().filter(|agreement| agreement.set).count(), 1);
    let decided = chunks(bench).await;
    assert!(agreements.iter().all(|agreement| agreement.fleet.configuration.keys["content.chunk_size"] == decided));
}

/// The same without a model.
fn without_model(chunks: &str) -> Configuration {
    let mut configuration = configuration(chunks);
    configuration.recipe.embedding = EmbeddingId::NONE;
    configuration.keys.insert("model".into(), NO_MODEL.into());
    configuration
}

/// By a model of this name.
fn by(model: &str, chunks: &str) -> Configuration {
    let mut configuration = configuration(chunks);
    configuration.recipe.embedding = embedding(model);
    configuration.keys.insert("model".into(), model.into());
    configuration
}

pub(crate) async fn who_has_no_model_differs_from_nobody_and_keeps_no_other_model_out(bench: &Bench) {
    let (first, bare) = (bench.instance().await, bench.instance().await);
    let agree = async |instance, ours: Configuration, how| bench.store.agree(instance, &ours, how).await.unwrap();
    agree(first, by("one", "200"), Membership::Joins).await;
    for how in [Membership::Joins, Membership::Runs] {
        let heard = agree(bare, without_model("200"), how).await;
        assert!(!heard.set && heard.held && heard.fleet.configuration == by("one", "200"));
    }
    let status = bench.store.status().await.unwrap();
    assert!(status.instances.iter().all(|instance| instance.differs.is_empty()), "{:?}", status.instances);
    let mut models: Vec<_> = status.instances.iter().map(|instance| instance.model.clone()).collect();
    models.sort();
    assert_eq!(models, [Some(NO_MODEL.to_owned()), Some("one".to_owned())]);

    bench.store.retire(first).await.unwrap();
    let other = bench.instance().await;
    let said = agree(other, by("two", "120"), Membership::Joins).await;
    assert_eq!(said.fleet.configuration, by("two", "200"), "of the model alone nobody is left");
    let alone = agree(bare, without_model("200"), Membership::Runs).await;
    assert!(!alone.set && alone.fleet.configuration == by("two", "200"));
    bench.store.retire(bare).await.unwrap();
    assert_eq!(agree(other, by("two", "120"), Membership::Joins).await.fleet.configuration, by("two", "120"));
    bench.store.retire(other).await.unwrap();
    let joins = agree(bench.instance().await, without_model("50"), Membership::Joins).await;
    assert_eq!(joins.fleet.configuration, by("two", "50"), "all but the model");
}

pub(crate) async fn a_fleet_without_a_model_has_that_of_the_first_that_has_one(bench: &Bench) {
    let (bare, other) = (bench.instance().await, bench.instance().await);
    let agree = async |instance, ours: Configuration, how| bench.store.agree(instance, &ours, how).await.unwrap();
    assert_eq!(agree(bare, without_model("200"), Membership::Joins).await.fleet.configuration, without_model("200"));
    assert!(!agree(other, without_model("200"), Membership::Joins).await.set);
    assert!(!agree(other, without_model("120"), Membership::Runs).await.set, "all but the model is held");
    let visitor = InstanceId::random();
    bench.store.register(visitor, 1, "test", Takes::Own).await.unwrap();
    let said = agree(visitor, by("one", "200"), Membership::Visits).await;
    assert!(said.set && said.fleet.configuration == by("one", "200"));
    let heard = agree(visitor, by("two", "200"), Membership::Visits).await;
    assert!(!heard.set, "where there is one a visitor decides nothing");
    let kept = agree(bare, without_model("200"), Membership::Runs).await;
    assert!(!kept.set && kept.fleet.configuration == by("one", "200"));
}
