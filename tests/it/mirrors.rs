//! Mirrors between processes: one is kept no longer than its job, and one that another process keeps fails nobody.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use warmer_git::{Mirror, Remote};
use warmer_pipeline::Verdict;
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
    assert!(matches!(line.verdicts(&[job]).await[&job], Verdict::Warmed(_)));
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
    for _ in 0..inside.settings.claimer.attempts_max + 2 {
        let verdict = line.ended().await.verdict;
        assert!(matches!(&verdict, Verdict::Retry(why) if why.contains("another process")), "{verdict:?}");
    }
    drop(kept);
    let warmed = loop {
        match line.ended().await.verdict {
            Verdict::Retry(_) => {}
            other => break other,
        }
    };
    assert!(matches!(warmed, Verdict::Warmed(_)), "{warmed:?}");
    line.running.stop(Duration::ZERO).await;
}
