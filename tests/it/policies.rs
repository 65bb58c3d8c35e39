//! What is said of one repository alone: its own rules, and what becomes of it when its remote is gone.

use warmer_store::{AttemptOutcome, Policy, Refresh};
use warmer_tests::inside::Inside;
use warmer_tests::{GIT, Need, Repo, needs};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_has_rules_of_its_own_and_a_change_of_them_is_noticed() {
    needs!(GIT, Need::Runtime);
    let (inside, mut repo) = (Inside::new().await, Repo::new());
    repo.write("src/a.rs", "fn a() {}\n").write("docs/b.md", "# B\n").write("c.py", "c = 1\n").commit("one");
    assert_eq!(inside.warm(&[&repo]).await, [AttemptOutcome::Warmed]);
    assert_eq!(inside.totals().await.indexed, 3);
    let id = inside.store.repositories().await.expect("a catalogue")[0].id;
    let exclude = vec!["docs/".to_owned()];
    let policy = |include: Vec<String>| Policy {
        refresh: Some(Refresh::Adaptive),
        staleness_budget: None,
        rank: 0,
        include,
        exclude: exclude.clone(),
        configured: false,
    };
    inside.store.set_policy(id, &policy(vec![])).await.expect("a row");
    assert_eq!(inside.warm(&[&repo]).await, [AttemptOutcome::Warmed], "other rules are no fresh answer");
    assert_eq!(inside.totals().await.indexed, 2);
    inside.store.set_policy(id, &policy(vec!["**/*.py".into()])).await.expect("a row");
    assert_eq!(inside.warm(&[&repo]).await, [AttemptOutcome::Warmed]);
    assert_eq!(inside.totals().await.indexed, 1);
    assert_eq!(inside.warm(&[&repo]).await, [AttemptOutcome::Fresh]);
    inside.store.set_policy(id, &policy(vec!["[".into()])).await.expect("a row");
    let malformed = inside.warm_ended(&[&repo], false).await;
    assert_eq!(malformed[0].outcome, AttemptOutcome::Dead);
    let why = malformed[0].error.as_deref().expect("a malformed glob");
    assert!(why.contains("include") && why.contains('['), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_vanished_at_the_remote_is_served_on_and_marked_until_it_is_back() {
    needs!(GIT, Need::Runtime);
    let (inside, repo) = (Inside::new().await, Repo::generated(3, 200, 1));
    assert_eq!(inside.warm(&[&repo]).await, [AttemptOutcome::Warmed]);
    let row = async || inside.store.repositories().await.expect("a catalogue").remove(0);
    let before = row().await;
    assert!(before.committed_at.is_some() && before.stale_since.is_none());
    let away = repo.path().with_extension("away");
    std::fs::rename(repo.path(), &away).expect("it is moved");
    assert_eq!(inside.warm_row(before.id).await.outcome, AttemptOutcome::Retry);
    let gone = row().await;
    assert!(gone.stale_since.is_some() && gone.served == before.served, "{gone:?}");
    std::fs::rename(&away, repo.path()).expect("it is back");
    assert_eq!(inside.warm(&[&repo]).await, [AttemptOutcome::Fresh]);
    assert_eq!(row().await.stale_since, None);
}
