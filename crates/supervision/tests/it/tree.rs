//! Supervisors over plain actors that log when they start and stop.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use warmer_supervision::{Child, Closing, Ended, RestartLimits, Strategy, Tree};

use crate::kit::{SECOND, STRICT, TOLERANT, until};

/// What happened, and the actors to make it happen to.
#[derive(Clone, Default)]
struct Stand {
    log: Arc<Mutex<Vec<String>>>,
    cells: Arc<Mutex<Vec<(&'static str, ActorCell)>>>,
}

impl Stand {
    fn note(&self, what: &str, name: &str) {
        self.log.lock().expect("no panic under the lock").push(format!("{what} {name}"));
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().expect("no panic under the lock").clone()
    }

    /// The child of this name that was started last.
    fn cell(&self, name: &str) -> ActorCell {
        let cells = self.cells.lock().expect("no panic under the lock");
        cells.iter().rev().find(|(other, _)| *other == name).expect("was started").1.clone()
    }

    fn child(&self, name: &'static str) -> Child {
        let stand = self.clone();
        Child::new(name, move |supervisor| {
            let stand = stand.clone();
            async move {
                let (actor, _) =
                    Actor::spawn_linked(None, Probe { name, stand: stand.clone() }, (), supervisor).await?;
                let cell = actor.get_cell();
                stand.cells.lock().expect("no panic under the lock").push((name, cell.clone()));
                Ok(cell)
            }
        })
    }

    async fn until_logged(&self, count: usize) -> Vec<String> {
        let deadline = Instant::now() + Duration::from_secs(3_600);
        while self.log().len() < count {
            assert!(Instant::now() < deadline, "only {:?}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.log()
    }
}

struct Probe {
    name: &'static str,
    stand: Stand,
}

/// What a probe is told to do.
enum Do {
    Fail,
    Hang,
}

impl Actor for Probe {
    type Msg = Do;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Do>, (): ()) -> Result<(), ActorProcessingErr> {
        self.stand.note("start", self.name);
        Ok(())
    }

    async fn handle(&self, _: ActorRef<Do>, message: Do, (): &mut ()) -> Result<(), ActorProcessingErr> {
        match message {
            Do::Fail => Err("out of order".into()),
            Do::Hang => std::future::pending().await,
        }
    }

    async fn post_stop(&self, _: ActorRef<Do>, (): &mut ()) -> Result<(), ActorProcessingErr> {
        self.stand.note("stop", self.name);
        Ok(())
    }
}

fn tree(stand: &Stand, strategy: Strategy, policy: RestartLimits) -> Tree {
    ["a", "b", "c"].into_iter().fold(Tree::new("tree", strategy, policy), |tree, name| tree.child(stand.child(name)))
}

fn fail(stand: &Stand, name: &str) {
    stand.cell(name).send_message(Do::Fail).expect("it runs");
}

#[tokio::test(start_paused = true)]
async fn one_for_one_starts_only_the_dead_one_again() {
    let stand = Stand::default();
    let _root = tree(&stand, Strategy::OneForOne, STRICT).start().await.expect("starts");
    fail(&stand, "b");
    let log = stand.until_logged(4).await;
    assert_eq!(log, ["start a", "start b", "start c", "start b"]);
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(stand.log().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_stops_those_after_it_in_reverse_and_starts_all_in_order() {
    let stand = Stand::default();
    let _root = tree(&stand, Strategy::RestForOne, STRICT).start().await.expect("starts");
    fail(&stand, "a");
    let log = stand.until_logged(8).await;
    assert_eq!(log[3..], ["stop c", "stop b", "start a", "start b", "start c"]);
    fail(&stand, "c");
    let log = stand.until_logged(9).await;
    assert_eq!(log[8..], ["start c"]);
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_kills_what_will_not_stop() {
    let stand = Stand::default();
    let _root = tree(&stand, Strategy::RestForOne, STRICT).start().await.expect("starts");
    stand.cell("c").send_message(Do::Hang).expect("it runs");
    tokio::task::yield_now().await;
    let began = Instant::now();
    fail(&stand, "b");
    let log = stand.until_logged(5).await;
    assert_eq!(log[3..], ["start b", "start c"], "a killed actor logs no stop");
    assert!(began.elapsed() >= 5 * SECOND, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_death_during_the_delay_of_another_keeps_the_order() {
    let stand = Stand::default();
    let _root = tree(&stand, Strategy::RestForOne, STRICT).start().await.expect("starts");
    fail(&stand, "b");
    until("c was stopped", || stand.log().len() == 4).await;
    fail(&stand, "a");
    let log = stand.until_logged(7).await;
    assert_eq!(log[3..], ["stop c", "start a", "start b", "start c"]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_waits_for_its_delay_and_the_next_one_longer() {
    let stand = Stand::default();
    let _root = tree(&stand, Strategy::OneForOne, STRICT).start().await.expect("starts");
    for (logged, whole) in [(4, SECOND), (5, 2 * SECOND)] {
        let began = Instant::now();
        fail(&stand, "a");
        stand.until_logged(logged).await;
        let took = began.elapsed();
        assert!(took >= whole / 2 && took <= whole + SECOND / 10, "{took:?} of {whole:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_nobody_asked_for_counts_even_if_it_was_orderly() {
    let stand = Stand::default();
    let root = tree(&stand, Strategy::OneForOne, STRICT).start().await.expect("starts");
    for restarts in 1..=STRICT.intensity {
        stand.cell("b").stop(None);
        stand.until_logged(3 + 2 * restarts).await;
    }
    stand.cell("b").kill();
    assert_eq!(root.ended().await, Ended::Failed("tree gave up restarting its b, which stopped: killed".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_was_told_to_end_is_left_alone() {
    let (stand, closing) = (Stand::default(), Closing::new());
    let none = RestartLimits { intensity: 0, ..STRICT };
    let tree = Tree::new("tree", Strategy::RestForOne, none)
        .child(stand.child("a").until(closing.clone()))
        .child(stand.child("b"));
    let root = tree.start().await.expect("starts");
    closing.give();
    stand.cell("a").stop(None);
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(stand.log(), ["start a", "start b", "stop a"]);
    assert_eq!(root.stop().await, Ended::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_child_told_to_end_while_its_restart_is_due_is_not_started_again() {
    let (stand, closing) = (Stand::default(), Closing::new());
    let tree = Tree::new("tree", Strategy::OneForOne, STRICT).child(stand.child("a").until(closing.clone()));
    let _root = tree.start().await.expect("starts");
    let cell = stand.cell("a");
    fail(&stand, "a");
    cell.wait(Some(60 * SECOND)).await.expect("it failed");
    until("the supervisor heard of it", || cell.try_get_supervisor().is_none()).await;
    closing.give();
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(stand.log(), ["start a"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_goes_from_the_last_child_to_the_first() {
    let stand = Stand::default();
    let root = tree(&stand, Strategy::OneForOne, TOLERANT).start().await.expect("starts");
    assert_eq!(root.stop().await, Ended::Stopped);
    assert_eq!(stand.log()[3..], ["stop c", "stop b", "stop a"]);
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_gives_up_is_itself_restarted_by_the_one_above() {
    let stand = Stand::default();
    let inner = {
        let stand = stand.clone();
        let none = RestartLimits { intensity: 0, ..STRICT };
        Child::new("inner", move |above| tree(&stand, Strategy::OneForOne, none).start_under(above))
    };
    let root = Tree::new("root", Strategy::OneForOne, STRICT).child(inner).start().await.expect("starts");
    fail(&stand, "b");
    let log = stand.until_logged(6).await;
    assert_eq!(log[3..], ["start a", "start b", "start c"]);
    assert_eq!(root.stop().await, Ended::Stopped);
}

/// A child that starts once for each permit, and waits for it.
fn held(gate: &Arc<Semaphore>, asked: &Arc<AtomicUsize>, stand: &Stand) -> Child {
    let (gate, asked, stand) = (gate.clone(), asked.clone(), stand.clone());
    Child::new("held", move |supervisor| {
        let (gate, asked, stand) = (gate.clone(), asked.clone(), stand.clone());
        async move {
            asked.fetch_add(1, SeqCst);
            gate.acquire().await.expect("it is never closed").forget();
            let probe = Probe { name: "held", stand: stand.clone() };
            let cell = Actor::spawn_linked(None, probe, (), supervisor).await?.0.get_cell();
            stand.cells.lock().expect("no panic under the lock").push(("held", cell.clone()));
            Ok(cell)
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_root_answers_whatever_its_children_do_and_not_while_it_hangs_itself() {
    let (stand, gate, asked) = (Stand::default(), Arc::new(Semaphore::new(1)), Arc::default());
    let tree = Tree::new("root", Strategy::OneForOne, TOLERANT);
    let root = tree.child(stand.child("a")).child(held(&gate, &asked, &stand)).start().await.expect("starts");
    let pulse = root.pulse();
    stand.cell("a").send_message(Do::Hang).expect("it runs");
    assert!(pulse.answers(SECOND).await, "a child that hangs is none of its own");
    fail(&stand, "held");
    until("the root waits for its child", || asked.load(SeqCst) == 2).await;
    assert!(!pulse.answers(SECOND).await, "it waits for the start of a child");
    gate.add_permits(1);
    stand.until_logged(3).await;
    assert!(pulse.answers(SECOND).await);
    stand.cell("a").kill();
    assert_eq!(root.stop().await, Ended::Stopped);
    assert!(!pulse.answers(SECOND).await, "it has ended");
}

/// A child that starts the first `times` times.
fn reluctant(times: usize, starts: &Arc<AtomicUsize>, stand: &Stand) -> Child {
    let (starts, stand) = (starts.clone(), stand.clone());
    Child::new("reluctant", move |supervisor| {
        let (starts, stand) = (starts.clone(), stand.clone());
        async move {
            if starts.fetch_add(1, SeqCst) >= times {
                return Err(SpawnErr::StartupFailed("no such port".into()));
            }
            let probe = Probe { name: "reluctant", stand: stand.clone() };
            let cell = Actor::spawn_linked(None, probe, (), supervisor).await?.0.get_cell();
            stand.cells.lock().expect("no panic under the lock").push(("reluctant", cell.clone()));
            Ok(cell)
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_first_start_that_fails_is_an_error_and_ends_those_before_it() {
    let (stand, starts) = (Stand::default(), Arc::default());
    let tree = Tree::new("tree", Strategy::OneForOne, STRICT)
        .child(stand.child("a"))
        .child(reluctant(0, &starts, &stand))
        .child(stand.child("c"));
    let error = tree.start().await.expect_err("a child cannot be started");
    assert!(error.to_string().contains("no such port"), "{error}");
    let before = stand.cell("a");
    before.wait(Some(60 * SECOND)).await.expect("it is ended with its supervisor");
    assert_eq!(stand.log(), ["start a"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_cannot_be_started_again_counts_as_dying_again() {
    let (stand, starts) = (Stand::default(), Arc::default());
    let tree = Tree::new("tree", Strategy::OneForOne, STRICT).child(reluctant(1, &starts, &stand));
    let root = tree.start().await.expect("the first start is granted");
    fail(&stand, "reluctant");
    let Ended::Failed(reason) = root.ended().await else {
        panic!("it cannot be stopped");
    };
    assert!(reason.contains("no such port"), "{reason}");
    assert_eq!(starts.load(SeqCst), 1 + STRICT.intensity);
}
