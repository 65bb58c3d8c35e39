//! Sentences about fills: what lacks, what is done next, and what it comes to.

use std::time::Duration;

use warmer_content::{ArtifactKey, Recipe, SkipReason};

use super::Bench;
use super::fill_fixture::{filled, other_model};
use super::fixture::*;
use crate::*;

const LACK: &str = "SELECT count(*) FROM lack";

pub(crate) fn keys(lacking: &[Lacking]) -> Vec<ArtifactKey> {
    lacking.iter().map(|one| one.artifact).collect()
}

pub(crate) fn new_fill(repository: RepositoryId) -> (RepositoryId, Option<Lane>, Option<Shard>) {
    (repository, Some(Lane::New), Some(Shard::ALL))
}

pub(crate) async fn a_publication_asks_for_no_vectors_and_notes_what_lacks(bench: &Bench) {
    let repository = bench.repository("/a").await;
    assert!(bench.store.coverage(None).await.unwrap().is_empty(), "nothing is served");
    bench.put("one ").await;
    bench
        .push(repository, (None, "c1"), &[("a", "one two "), ("b", "two three "), ("c", "two three ")], recipe())
        .await;
    assert_eq!(bench.paths(repository).await, ["a", "b", "c"]);
    let coverage = bench.coverage(repository).await;
    assert_eq!((coverage.chunks, coverage.missing, coverage.failed, coverage.complete()), (6, 3, 0, false));
    assert_eq!(bench.store.coverage(None).await.unwrap(), [(repository, coverage)].into());
    assert_eq!(bench.fills().await, [new_fill(repository)]);
    let claim = bench.claim_fill(recipe()).await.expect("it is queued");
    let mut lacking = bench.pages(&claim, 10).await;
    lacking.sort_by_key(|one| one.texts.len());
    let mut both = texts("two three ");
    both.sort();
    assert_eq!(keys(&lacking), [artifact("one two ").0, artifact("two three ").0]);
    assert_eq!((&lacking[0].texts, &lacking[1].texts), (&texts("two "), &both));
    bench.fill(&claim, recipe()).await;
    assert!(bench.coverage(repository).await.complete());
    assert_eq!(bench.fills().await, []);
    assert_eq!(bench.store.verify(true).await.unwrap().vectors_missing, 0);
}

pub(crate) async fn what_has_its_vectors_needs_no_fill(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("a", "one two ")]).await;
    bench.everything_is_noted().await;
    let coverage = bench.coverage(repository).await;
    assert_eq!((coverage.chunks, coverage.complete()), (2, true));
    assert_eq!(bench.fills().await, []);
}

pub(crate) async fn a_fill_knows_the_attempt_that_published_what_it_fills(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let (noted, with_it) = (trace(1), trace(2));
    for (commit, told, late) in [("c1", Some(&noted), None), ("c2", None, Some(&with_it)), ("c3", None, None)] {
        let refresh = bench.start(repository).await;
        if let Some(trace) = told {
            assert!(bench.store.note_trace(refresh.id, &trace.to_string()).await.unwrap());
        }
        bench.put_artifact(commit).await;
        assert!(bench.store.stage(refresh.id, &[staged("a", commit)]).await.unwrap());
        let base = refresh.served_under(recipe().chunking).map(|state| state.served.clone());
        let traceparent = late.map(ToString::to_string);
        let publication = Publication { base, traceparent, ..publication(&refresh, None, commit) };
        assert!(matches!(bench.store.publish(&publication).await.unwrap(), Published::Done { .. }));
        let fill = bench.claim_fill(recipe()).await.expect("it is queued");
        assert_eq!((fill.traces.first(), &fill.previous), (told.or(late), &None));
        bench.fill(&fill, recipe()).await;
    }
}

pub(crate) async fn what_was_published_last_is_filled_first(bench: &Bench) {
    let repository = bench.repository("/a").await;
    for (base, commit, text) in [(None, "c1", "one "), (Some("c1"), "c2", "two "), (Some("c2"), "c3", "three ")] {
        bench.push(repository, (base, commit), &[(commit, text)], recipe()).await;
    }
    let claim = bench.claim_fill(recipe()).await.expect("it is queued");
    let expected = ["three ", "two ", "one "].map(|text| artifact(text).0);
    assert_eq!(keys(&bench.pages(&claim, 1).await), expected);
    assert_eq!(keys(&bench.pages(&claim, 2).await), expected);
}

/// Has what was pushed filled in bulk, by one fill.
pub(crate) const IN_BULK: &str = "
    UPDATE lack SET lane = 1;
    DELETE FROM job WHERE kind = 1 AND lane = 0 AND EXISTS (SELECT 1 FROM job AS other
        WHERE other.repository = job.repository AND other.kind = 1 AND other.lane = 1 AND other.state = 'queued');
    UPDATE job SET lane = 1 WHERE kind = 1";

pub(crate) async fn a_fill_ends_under_constant_pushes(bench: &Bench) {
    for lane in [Lane::New, Lane::Bulk] {
        let repository = bench.repository(lane.as_str()).await;
        let push = async |base: Option<&str>, commit: &str, texts: &[String]| {
            let files: Vec<_> = texts.iter().map(|text| (&**text, &**text)).collect();
            bench.push(repository, (base, commit), &files, recipe()).await;
            if lane == Lane::Bulk {
                bench.rows.change(IN_BULK).await;
            }
        };
        push(None, "c0", &[1, 2, 3].map(|number| format!("{lane}{number} "))).await;
        let claim = bench.claim_fill(recipe()).await.expect("it is queued");
        let mut page = bench.page(&claim, None, 1).await.expect("the claim stands");
        let mut seen = keys(&page.artifacts);
        for number in 1..10 {
            let (base, commit) = (format!("c{}", number - 1), format!("c{number}"));
            push(Some(&base), &commit, &[format!("{lane}pushed{number} ")]).await;
            let Some(after) = page.last else { break };
            page = bench.page(&claim, Some(&after), 1).await.expect("the claim stands");
            seen.extend(keys(&page.artifacts));
        }
        assert_eq!((seen.len(), page.last), (3, None), "{lane}");
        let fill = (repository, Some(lane), Some(Shard::ALL));
        assert_eq!(bench.fills().await, [fill, fill], "the pushes have a fill of their own");
        bench.settle(&claim, filled()).await;
        assert_eq!(bench.fills().await, [fill], "what is left is one");
        bench.fill_all(recipe()).await;
        assert_eq!(bench.missing(repository).await, 0);
    }
}

pub(crate) async fn what_is_not_served_any_more_lacks_nothing(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let files = [("a", "one "), ("b", "two three "), ("c", "four "), ("d", "four ")];
    bench.push(repository, (None, "c1"), &files, recipe()).await;
    assert_eq!(bench.missing(repository).await, 4, "of each artifact");
    bench.push(repository, (Some("c1"), "c2"), &[("a", "five "), ("c", "six ")], recipe()).await;
    assert_eq!(bench.missing(repository).await, 5, "what another file still holds is not forgotten");
    let publish = async |(base, commit): (&str, &str), staged: &[StagedEntry], complete| {
        let claim = bench.start(repository).await;
        bench.store.stage(claim.id, staged).await.unwrap();
        let publication = Publication { complete, ..publication(&claim, Some(base), commit) };
        assert!(matches!(bench.store.publish(&publication).await.unwrap(), Published::Done { .. }));
        bench.everything_is_noted().await;
    };
    publish(("c2", "c3"), &[gone("b"), staged("e", "two three ")], false).await;
    assert_eq!(bench.missing(repository).await, 5, "it was moved");
    publish(("c3", "c4"), &[gone("e"), gone("d")], false).await;
    assert_eq!(bench.missing(repository).await, 2, "five and six");
    publish(("c4", "c5"), &[staged("a", "five ")], true).await;
    assert_eq!(bench.missing(repository).await, 1, "what is not in a full listing is gone");
    publish(("c5", "c6"), &[gone("a")], false).await;
    assert_eq!(bench.rows.count(LACK).await, 0);
}

pub(crate) async fn what_is_no_longer_served_or_lacks_nothing_is_forgotten_on_the_way(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c1"), &[("a", "one "), ("b", "two "), ("c", "three ")], recipe()).await;
    let claim = bench.start(repository).await;
    bench.store.stage(claim.id, &[gone("a")]).await.unwrap();
    bench.store.publish(&publication(&claim, Some("c1"), "c2")).await.unwrap();
    // Another artifact that holds the same text was filled meanwhile.
    bench.put("two ").await;
    bench.put_vectors(recipe().embedding, "another ", &vectors("three ")).await;
    let claim = bench.claim_fill(recipe()).await.expect("it is queued");
    assert_eq!(bench.missing(repository).await, 1);
    assert_eq!(bench.pages(&claim, 1).await, []);
    assert_eq!(bench.rows.count(LACK).await, 0);
    bench.settle(&claim, filled()).await;
    assert_eq!(bench.fills().await, []);
}

pub(crate) async fn a_fill_whose_claim_was_lost_or_whose_work_nobody_wants_gets_no_page(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c1"), &[("a", "one ")], recipe()).await;
    let refresh = bench.start(repository).await;
    assert_eq!(bench.page(&refresh, None, 9).await, Err(Unwanted::Lost), "it is no fill");
    bench.settle(&refresh, fresh()).await;
    let lost = bench.claim_fill(recipe()).await.expect("it is queued");
    bench.settle(&lost, cancelled()).await;
    assert_eq!(bench.page(&lost, None, 9).await, Err(Unwanted::Lost));
    let claim = bench.claim_fill(recipe()).await.expect("it went back");
    bench.store.set_state(repository, RepositoryState::Paused).await.unwrap();
    assert_eq!(bench.page(&claim, None, 9).await, Err(Unwanted::Paused));
    for state in [RepositoryState::Dead, RepositoryState::Quarantined, RepositoryState::Active] {
        bench.store.set_state(repository, state).await.unwrap();
        assert!(bench.page(&claim, None, 9).await.is_ok(), "{state}");
    }
    bench.push(repository, (Some("c1"), "c2"), &[], other_model()).await;
    bench.store.activate(other_model()).await.unwrap();
    assert_eq!(bench.page(&claim, None, 9).await, Err(Unwanted::Retired));
    bench.store.activate(recipe()).await.unwrap();
    assert!(bench.page(&claim, None, 9).await.is_ok());
    assert_eq!(bench.store.cancel(claim.job).await.unwrap(), Cancel::Asked);
    assert_eq!(bench.page(&claim, None, 9).await, Err(Unwanted::Cancelled));
    bench.store.remove_repository(repository).await.unwrap();
    assert_eq!(bench.page(&claim, None, 9).await, Err(Unwanted::Lost));
    assert_eq!(bench.rows.count(LACK).await, 0);
}

pub(crate) async fn vectors_count_for_all_who_serve_the_artifact(bench: &Bench) {
    let (one, fork) = (bench.repository("/a").await, bench.repository("/b").await);
    for repository in [one, fork] {
        bench.push(repository, (None, "c1"), &[("a", "one two ")], recipe()).await;
    }
    let half = bench.put_vectors(recipe().embedding, "one two ", &vectors("one ")).await;
    assert_eq!((half, bench.missing(one).await, bench.missing(fork).await), (1, 2, 2), "one of its texts lacks");
    let claim = bench.claim_fill(recipe()).await.expect("it is queued");
    bench.fill(&claim, recipe()).await;
    assert_eq!((bench.missing(one).await, bench.missing(fork).await), (0, 0));
    assert_eq!(bench.put_vectors(recipe().embedding, "one two ", &vectors("one two ")).await, 0, "twice is once");
    assert!(bench.coverage(fork).await.version > 0);
}

pub(crate) async fn the_version_of_a_coverage_rises_with_its_vectors_every_two_seconds_at_most(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let files = [("a", "one "), ("b", "two "), ("c", "three "), ("d", "four ")];
    bench.push(repository, (None, "c1"), &files, recipe()).await;
    let claim = bench.claim_fill(recipe()).await.expect("it is queued");
    let put = async |text: &str| {
        bench.put_vectors(recipe().embedding, text, &vectors(text)).await;
        bench.coverage(repository).await.version
    };
    let version = bench.coverage(repository).await.version;
    assert_eq!(put("one ").await, version + 1);
    assert_eq!(put("two ").await, version + 1, "at once");
    bench.clock.forward(Duration::from_secs(3)).await;
    assert_eq!(put("three ").await, version + 2);
    bench.clock.back(DAY).await;
    assert_eq!(put("four ").await, version + 3, "a clock that ran ahead holds nothing up");
    bench.settle(&claim, filled()).await;
    assert_eq!(bench.coverage(repository).await.version, version + 4, "who ends tells the last of them");
}

pub(crate) async fn a_fill_that_leaves_something_goes_back_and_tells_why(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c1"), &[("a", "one "), ("b", "two ")], recipe()).await;
    let before = bench.store.repository(repository).await.unwrap();
    let claim = bench.claim_fill(recipe()).await.expect("it is queued");
    bench.settle(&claim, retry("the provider is down")).await;
    assert_eq!(bench.coverage(repository).await.last_error.as_deref(), Some("the provider is down"));
    assert_eq!(bench.claim_fill(recipe()).await, None, "later");
    bench.clock.forward(11 * MINUTE).await;
    let claim = bench.claim_fill(recipe()).await.expect("its time has come");
    bench.put_vectors(recipe().embedding, "one ", &vectors("one ")).await;
    bench.settle(&claim, filled()).await;
    let coverage = bench.coverage(repository).await;
    assert_eq!((coverage.missing, coverage.last_error), (1, None));
    let again = bench.claim_fill(recipe()).await.expect("at once, as something is left");
    assert_eq!(again.job, claim.job);
    bench.fill(&again, recipe()).await;
    assert_eq!((bench.missing(repository).await, bench.fills().await), (0, vec![]));
    assert_eq!(bench.store.repository(repository).await.unwrap(), before, "nothing of it touches the repository");
}

pub(crate) async fn a_text_that_cannot_be_embedded_needs_no_vector(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c1"), &[("a", "one "), ("b", "two ")], recipe()).await;
    bench.cannot_embed("one ", SkipReason::TooSlow).await;
    let coverage = bench.coverage(repository).await;
    assert_eq!((coverage.missing, coverage.failed, coverage.complete()), (1, 1, false));
    assert_eq!(bench.failed_of("two one ").await, texts("one "));
    bench.fill_all(recipe()).await;
    assert!(bench.coverage(repository).await.complete());
    assert_eq!(bench.store.verify(true).await.unwrap().vectors_missing, 0);
    bench.push(repository, (Some("c1"), "c2"), &[("c", "one two ")], recipe()).await;
    assert!(bench.coverage(repository).await.complete(), "the verdict holds for every artifact");
    // Another instance could.
    bench.put_vectors(recipe().embedding, "one ", &vectors("one ")).await;
    bench.cannot_embed("one ", SkipReason::TooSlow).await;
    assert_eq!(bench.coverage(repository).await.failed, 0, "what has a vector needs no verdict");
}

pub(crate) async fn a_text_that_failed_for_a_passing_reason_is_tried_again_after_a_day_three_times(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c1"), &[("a", "one "), ("b", "two ")], recipe()).await;
    bench.cannot_embed("two ", SkipReason::Binary).await;
    for round in 1..=3 {
        bench.cannot_embed("one ", SkipReason::Panicked).await;
        bench.cannot_embed("one ", SkipReason::Panicked).await;
        bench.clock.forward(DAY - MINUTE).await;
        bench.collect().await;
        assert_eq!((bench.missing(repository).await, bench.coverage(repository).await.failed), (0, 2), "{round}");
        bench.clock.forward(2 * MINUTE).await;
        bench.store.collect(&Collect { dry_run: true, ..Collect::default() }).await.unwrap();
        assert_eq!(bench.missing(repository).await, 0, "a dry run changes nothing");
        bench.collect().await;
        bench.everything_is_noted().await;
        let again = u64::from(round < 3);
        let coverage = bench.coverage(repository).await;
        assert_eq!((coverage.missing, coverage.failed), (again, 2 - again), "{round}");
        let mut left_out = if round < 3 { texts("two ") } else { texts("one two ") };
        left_out.sort();
        assert_eq!(bench.failed_of("two one two six ").await, left_out, "{round}");
    }
    bench.store.remove_repository(repository).await.unwrap();
    for _ in 0..3 {
        bench.collect().await;
        bench.clock.forward(2 * DAY).await;
    }
    assert_eq!(bench.rows.count("SELECT count(*) FROM failed_text").await, 0, "it goes with its text");
}

pub(crate) async fn who_wants_no_fills_leaves_them_to_daemons_that_live(bench: &Bench) {
    let repository = bench.repository("/a").await;
    for (lives, base, text, fills, missing) in [(false, None, "one two ", 0, 2), (true, Some("c1"), "three ", 1, 3)] {
        let claim = bench.start(repository).await;
        bench.put_artifact(text).await;
        bench.store.stage(claim.id, &[staged(text, text)]).await.unwrap();
        if !lives {
            bench.rows.change("UPDATE instance SET takes_any = (1 = 0)").await;
        }
        let publication = Publication { fills: false, ..publication(&claim, base, "c1") };
        assert!(matches!(bench.store.publish(&publication).await.unwrap(), Published::Done { .. }));
        assert_eq!((bench.fills().await.len(), bench.missing(repository).await), (fills, missing));
    }
}

pub(crate) async fn what_lacks_and_has_no_fill_gets_one(bench: &Bench) {
    let (a, b) = (bench.repository("/a").await, bench.repository("/b").await);
    for repository in [a, b] {
        bench.push(repository, (None, "c1"), &[("a", "one "), ("b", "two ")], recipe()).await;
    }
    let enqueue =
        async |by: Recipe, limit| bench.store.enqueue_fills(by.embedding, FillRequest::all(limit)).await.unwrap();
    assert_eq!(enqueue(recipe(), 9).await, 0, "both have one");
    let claims = [bench.claim_fill(recipe()).await, bench.claim_fill(recipe()).await].map(Option::unwrap);
    assert_eq!(enqueue(recipe(), 9).await, 0, "one that runs is one");
    for claim in &claims {
        bench.store.cancel(claim.job).await.unwrap();
        bench.settle(claim, cancelled()).await;
    }
    assert_eq!(bench.fills().await, []);
    assert_eq!(enqueue(other_model(), 9).await, 0, "nobody is covered by that");
    assert_eq!((enqueue(recipe(), 1).await, enqueue(recipe(), 1).await, enqueue(recipe(), 1).await), (1, 1, 0));
    assert_eq!(bench.fills().await, [new_fill(a), new_fill(b)]);
    bench.fill_all(recipe()).await;
    bench.push(a, (Some("c1"), "c2"), &[("c", "three ")], recipe()).await;
    let claim = bench.claim_fill(recipe()).await.expect("it is queued");
    bench.store.cancel(claim.job).await.unwrap();
    bench.settle(&claim, cancelled()).await;
    bench.store.set_state(a, RepositoryState::Paused).await.unwrap();
    assert_eq!(enqueue(recipe(), 9).await, 0, "paused");
    bench.store.set_state(a, RepositoryState::Active).await.unwrap();
    assert_eq!(enqueue(recipe(), 9).await, 1);
}

pub(crate) async fn a_person_asks_for_the_fills_of_a_repository_at_once(bench: &Bench) {
    let (a, b) = (bench.repository("/a").await, bench.repository("/b").await);
    for repository in [a, b] {
        bench.push(repository, (None, "c1"), &[("a", "one "), ("b", "two ")], recipe()).await;
    }
    for _ in [a, b] {
        let claim = bench.claim_fill(recipe()).await.expect("it is queued");
        let error = "the provider is away".to_owned();
        bench.settle(&claim, Settlement::Unfit { after: DAY, error }).await;
    }
    assert_eq!(bench.claim_fill(recipe()).await, None, "both are put off");
    let request = FillRequest { repositories: Some(&[a]), force: true, limit: 9 };
    assert_eq!(bench.store.enqueue_fills(recipe().embedding, request).await.unwrap(), 0, "it has one");
    let claim = bench.claim_fill(recipe()).await.expect("it is due at once");
    assert_eq!(claim.repository.id, a);
    assert_eq!(bench.claim_fill(recipe()).await, None, "the other one is not");
    bench.fill(&claim, recipe()).await;
    assert!(bench.store.coverage_under(a, recipe()).await.unwrap().expect("it is served").complete());
    assert_eq!(bench.store.coverage_under(a, other_model()).await.unwrap(), None, "nothing was published by that");
}
