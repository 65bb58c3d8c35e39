//! Mirrors between processes: one is kept no longer than its job, and one that another process keeps fails nobody.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use warmer_git::{Mirror, Remote};
use warmer_store::AttemptOutcome;
use warmer_tests::inside::Inside;
use warmer_tests::{GIT, Need, Repo, needs};

/// Takes a repository's mirror as another process would.
fn taken_elsewhere(inside: &Inside, repo: &Repo) -> Mirror {
    let remote = Remote::parse(&repo.url(), repo.path()).expect("a repository");
    inside.stranger().take(&remote, &AtomicBool::new(false)).expect("nobody else has it")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_pipeline_keeps_no_mirror() {
    needs!(GIT, Need::Runtime);
    let (inside, repo) = (Inside::new().await, Repo::generated(40, 200, 1));
    let job = inside.enqueue(&repo).await;
    let mut line = inside.start().await;
    assert_eq!(line.ends(&[job]).await[&job].outcome, AttemptOutcome::Warmed);
    drop(taken_elsewhere(&inside, &repo));
    line.running.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_that_another_process_keeps_costs_no_attempt() {
    needs!(GIT, Need::Runtime);
    let (inside, repo) = (Inside::new().await, Repo::generated(3, 200, 1));
    let kept = taken_elsewhere(&inside, &repo);
    inside.enqueue(&repo).await;
    let mut line = inside.start().await;
    for _ in 0..7 {
        let ended = line.ended().await;
        assert_eq!(ended.outcome, AttemptOutcome::Retry, "{ended:?}");
        assert!(ended.error.as_deref().is_some_and(|why| why.contains("another process")), "{ended:?}");
    }
    drop(kept);
    let warmed = loop {
        match line.ended().await.outcome {
            AttemptOutcome::Retry => {}
            other => break other,
        }
    };
    assert_eq!(warmed, AttemptOutcome::Warmed);
    line.running.stop(Duration::ZERO).await;
}
