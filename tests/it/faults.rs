//! Every stage, every edge, every fault: it happened there, the job came to its end, the database equals the
//! undisturbed one (W-7).

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use async_trait::async_trait;
use warmer_pipeline::{Edge, Faults, Stage};
use warmer_store::AttemptOutcome;
use warmer_supervision::Crash;
use warmer_tests::faults::{At, Kind};
use warmer_tests::inside::Inside;
use warmer_tests::{GIT, Need, Repo, needs};

/// What a pipeline without faults stores.
async fn undisturbed(repo: &Repo) -> String {
    let inside = Inside::new().await;
    assert_eq!(inside.warm(&[repo]).await, [AttemptOutcome::Warmed]);
    inside.database().dump_served()
}

/// More than one batch for every stage.
fn repository() -> Repo {
    Repo::generated(70, 1_200, 3)
}

#[expect(clippy::print_stdout, reason = "the table of the loop is for people to read")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fault_anywhere_changes_nothing_in_the_end() {
    needs!(GIT, Need::Runtime);
    let repo = repository();
    let expected = undisturbed(&repo).await;
    println!("{:<9} {:<7} {:<6} fired  outcome  equal", "stage", "edge", "fault");
    for stage in Stage::ALL {
        for edge in [Edge::Before, Edge::After] {
            for kind in Kind::ALL {
                let fault = Arc::new(At::new(stage, edge, kind, 1));
                let mut inside = Inside::with(fault.clone()).await;
                inside.settings.embedder.text_deadline = Duration::from_millis(500);
                // Only what stalls is to be taken for stalled, on a slow machine too.
                let stall = if kind == Kind::Stall { Duration::from_secs(1) } else { Duration::from_secs(600) };
                inside.settings.claimer.stall = stall;
                let outcomes = inside.warm(&[&repo]).await;
                let fired = fault.fired.load(SeqCst);
                let equal = inside.database().dump_served() == expected;
                let (edge, kind) = (format!("{edge:?}"), format!("{kind:?}"));
                println!("{:<9} {edge:<7} {kind:<6} {fired:>5}  {:?}  {equal}", stage.as_str(), outcomes[0]);
                assert_eq!(outcomes, [AttemptOutcome::Warmed], "{stage:?} {edge} {kind}");
                assert_eq!(fired, 1, "{stage:?} {edge} {kind}");
                assert!(equal, "{stage:?} {edge} {kind}");
                let counts = inside.database().counts();
                assert_eq!((counts.jobs, counts.staged), (0, 0), "{stage:?} {edge} {kind}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_fails_twice_costs_its_vector_and_neither_its_file_nor_the_fill() {
    needs!(GIT, Need::Runtime);
    let mut repo = Repo::new();
    repo.write("bad.txt", "the only text of this file\n").commit("one");
    for kind in Kind::ALL {
        let mut inside = Inside::with(Arc::new(At::new(Stage::Embedder, Edge::Before, kind, 2))).await;
        // A job that is taken for lost begins anew, and knows nothing of what failed before.
        inside.settings.claimer.stall = Duration::from_secs(3_600);
        if kind == Kind::Stall {
            inside.settings.embedder.text_deadline = Duration::from_millis(300);
        }
        let outcomes = inside.warm(&[&repo]).await;
        assert_eq!(outcomes, [AttemptOutcome::Warmed], "{kind:?}");
        let reason = if kind == Kind::Stall { "too_slow" } else { "panicked" };
        assert_eq!(inside.database().query("select reason from failed_text"), [reason], "{kind:?}");
        assert_eq!(inside.database().query("select path from entry where skip is null"), ["bad.txt"], "{kind:?}");
        assert_eq!(inside.database().query("select cast(count(*) as text) from lack"), ["0"], "{kind:?}");
    }
}

/// Chunking one file does not come back, as long as somebody holds the other end.
struct Endless(Mutex<mpsc::Receiver<()>>);

#[async_trait]
impl Faults for Endless {
    async fn at(&self, _: Stage, _: Edge) -> Result<(), Crash> {
        Ok(())
    }

    fn file(&self, path: &str) {
        if path == "endless.txt" {
            self.0.lock().expect("nobody panics with it").recv().ok();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_takes_for_ever_costs_that_file_and_none_behind_it() {
    needs!(GIT, Need::Runtime);
    let mut repo = Repo::generated(40, 400, 3);
    repo.write("endless.txt", "a text\n").write("zz.txt", "another\n").commit("endless");
    let (_held, release) = mpsc::channel();
    let mut inside = Inside::with(Arc::new(Endless(Mutex::new(release)))).await;
    inside.settings.claimer.stall = Duration::from_secs(60);
    inside.settings.hasher.file_deadline = Duration::from_secs(2);
    let outcomes = inside.warm(&[&repo]).await;
    assert_eq!(outcomes, [AttemptOutcome::Warmed]);
    let skipped = inside.database().query("select path || ' ' || skip from entry where skip is not null");
    assert_eq!(skipped, ["endless.txt too_slow"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_lost_every_time_ends_dead() {
    needs!(GIT, Need::Runtime);
    let mut repo = Repo::new();
    repo.write("a.txt", "a\n").commit("one");
    let mut inside = Inside::with(Arc::new(At::new(Stage::Hasher, Edge::Before, Kind::Error, usize::MAX))).await;
    inside.settings.supervision.intensity = 1_000;
    let outcomes = inside.warm(&[&repo]).await;
    assert_eq!(outcomes, [AttemptOutcome::Dead]);
}
