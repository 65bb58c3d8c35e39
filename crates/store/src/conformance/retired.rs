//! Sentences about generations that retire while fills of them are queued or run.

use warmer_content::Recipe;

use super::Bench;
use super::fill_fixture::other_model;
use super::fixture::*;
use crate::*;

/// Queued fills that nobody may claim.
pub(crate) const UNWANTED: &str = "
    SELECT count(*) FROM job WHERE kind = 1 AND state = 'queued' AND NOT EXISTS (
        SELECT 1 FROM generation WHERE generation.id = job.generation AND generation.state <> 'retired')";

pub(crate) async fn enqueue_fills(bench: &Bench, by: Recipe) -> u64 {
    bench.store.enqueue_fills(by.embedding, FillRequest::all(9)).await.unwrap()
}

/// Two repositories, each with a fill in the queue for the model that is active, and one of them for another model.
pub(crate) async fn two(bench: &Bench) -> [RepositoryId; 2] {
    let (a, b) = (bench.repository("/a").await, bench.repository("/b").await);
    bench.push(a, (None, "c1"), &[("a", "one ")], recipe()).await;
    bench.push(b, (None, "c1"), &[("b", "two ")], recipe()).await;
    bench.push(a, (Some("c1"), "c2"), &[], other_model()).await;
    [a, b]
}

pub(crate) async fn a_generation_that_retires_leaves_no_fill_in_the_queue_and_gets_them_again_with_a_roll_back(
    bench: &Bench,
) {
    let [a, b] = two(bench).await;
    let running = bench.claim_fill(recipe()).await.expect("it is queued");
    assert!(bench.store.activate(other_model()).await.unwrap());
    assert_eq!(bench.rows.count(UNWANTED).await, 0);
    let jobs = bench.store.jobs(&JobFilter::default()).await.unwrap();
    assert!(jobs.iter().any(|job| job.id == running.job), "what runs ends by itself");
    let again = Settlement::Lost { error: "it ended".to_owned(), progressed: true };
    for how in [again, cancelled()] {
        let settled = bench.settle(&running, how).await;
        assert_eq!(bench.rows.count(UNWANTED).await, 0, "{settled:?}");
    }
    assert_eq!(enqueue_fills(bench, recipe()).await, 0);
    assert!(bench.claim_fill(recipe()).await.is_none());

    assert!(bench.store.activate(recipe()).await.unwrap());
    assert_eq!(enqueue_fills(bench, recipe()).await, 2);
    assert_eq!(bench.fill_all(recipe()).await, 2);
    assert_eq!([bench.missing(a).await, bench.missing(b).await], [0, 0]);
}

pub(crate) async fn what_the_fleet_makes_no_more_has_no_fill_in_the_queue(bench: &Bench) {
    let instance = bench.instance().await;
    let made = |recipe| Configuration { recipe, ..configuration("300") };
    two(bench).await;
    bench.store.agree(instance, &made(other_model()), Membership::Joins).await.unwrap();
    assert_eq!(bench.fills().await.len(), 3);
    bench.store.agree(instance, &made(recipe()), Membership::Joins).await.unwrap();
    assert_eq!(bench.store.generation_state(other_model()).await.unwrap(), Some(GenerationState::Retired));
    assert_eq!(bench.rows.count(UNWANTED).await, 0);
    assert_eq!(bench.fills().await.len(), 2, "those of the one that searches use stay");
}

pub(crate) async fn whatever_is_enqueued_or_goes_back_while_generations_retire_none_of_it_stays(bench: &Bench) {
    two(bench).await;
    let switching = async {
        for by in [other_model(), recipe()].into_iter().cycle().take(40) {
            bench.store.activate(by).await.unwrap();
            assert_eq!(bench.rows.count(UNWANTED).await, 0);
        }
    };
    let filling = async |by| {
        for _ in 0..20 {
            enqueue_fills(bench, by).await;
            if let Some(claim) = bench.claim_fill(by).await {
                bench.settle(&claim, cancelled()).await;
            }
        }
    };
    futures::join!(switching, filling(recipe()), filling(other_model()));
    assert_eq!(bench.rows.count(UNWANTED).await, 0);
}
