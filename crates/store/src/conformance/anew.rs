//! Sentences about what cannot be fetched any more, and is cut anew from what is stored.

use std::time::SystemTime;

use warmer_content::Recipe;

use super::Bench;
use super::fixture::*;
use super::generations::{all_new, shown};
use crate::*;

const FILES: [(&str, &str); 2] = [("a", "one "), ("b", "two three ")];

/// What was published last, cut anew by [`all_new`].
async fn anew(bench: &Bench, claim: &Claim) -> Publication {
    anew_by(bench, claim, all_new()).await
}

async fn anew_by(bench: &Bench, claim: &Claim, recipe: Recipe) -> Publication {
    let latest = &claim.states.first().expect("it is served").served;
    for (path, text) in FILES {
        bench.put_artifact(text).await;
        assert!(bench.store.stage(claim.id, &[staged(path, text)]).await.unwrap());
    }
    let served = Served { recipe, ..latest.clone() };
    let base = claim.served_under(recipe.chunking).map(|state| state.served.clone());
    Publication { base, served, complete: true, cut_anew: true, ..publication(claim, None, &latest.commit) }
}

async fn row(bench: &Bench, repository: RepositoryId) -> Repository {
    bench.store.repository(repository).await.unwrap().unwrap()
}

/// When it was published, checked and committed to, and since when checks fail.
fn times(row: &Repository) -> [Option<SystemTime>; 4] {
    [row.published_at, row.served_at, row.committed_at, row.failing_since]
}

pub(crate) async fn what_is_cut_anew_is_published_and_its_attempt_ends_as_it_failed(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c1"), &FILES, recipe()).await;
    bench.fill_all(recipe()).await;
    bench.clock.forward(DAY).await;
    let claim = bench.start(repository).await;
    let (before, publication) = (row(bench, repository).await, anew(bench, &claim).await);
    let done = |recognised| {
        let texts = Some(PublishedTexts { lacking: 3, failed: 0 });
        Published::Done { recognised, indexed: 2, removed: 0, texts }
    };
    assert_eq!(bench.store.publish(&publication).await.unwrap(), done(false));
    let again = bench.store.publish(&publication).await.unwrap();
    assert!(matches!(again, Published::Done { recognised: true, .. }), "its acknowledgement was lost: {again:?}");
    bench.everything_is_noted().await;
    assert_eq!(shown(bench, repository).await, ("c1".to_owned(), recipe()), "until it has its vectors");
    assert_eq!(bench.rows.count("SELECT count(*) FROM staged_entry").await, 0);

    let settled = bench.settle(&claim, retry("no route")).await.expect("the claim runs on");
    assert_eq!((settled.outcome, settled.error.as_deref()), (AttemptOutcome::Retry, Some("no route")));
    assert_eq!(bench.fill_all(all_new()).await, 1);
    assert!(bench.store.activate_when_covered(all_new()).await.unwrap());
    let after = row(bench, repository).await;
    assert_eq!((shown(bench, repository).await, bench.missing(repository).await), (("c1".to_owned(), all_new()), 0));
    assert_eq!(times(&after)[..3], times(&before)[..3], "nobody has looked at the remote");
    assert!(after.failing_since.is_some() && after.last_error.as_deref() == Some("no route"), "{after:?}");
    assert_eq!(bench.paths(repository).await, ["a", "b"]);
    let history = bench.store.attempts(AttemptFilter::Refreshes(repository), 9).await.unwrap();
    let outcomes: Vec<_> = history.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::Retry, AttemptOutcome::Warmed], "and nothing else");
}

pub(crate) async fn who_reaches_again_what_was_cut_anew_is_to_read_all_of_it(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c1"), &FILES, recipe()).await;
    let claim = bench.start(repository).await;
    let publication = anew(bench, &claim).await;
    bench.store.publish(&publication).await.unwrap();
    bench.settle(&claim, retry("no route")).await;
    bench.clock.forward(20 * MINUTE).await;
    let claim = bench.start(repository).await;
    let state = claim.current_under(all_new().chunking).expect("it was cut anew");
    assert_eq!(state.retry, Some(Retry { due: false, patience: 0 }), "whoever has any patience");
    let read = Publication { base: Some(state.served.clone()), cut_anew: false, ..publication };
    let read = Publication { claim: claim.id, complete: false, ..read };
    assert!(matches!(bench.store.publish(&read).await.unwrap(), Published::Done { .. }));
    let claim = bench.start(repository).await;
    assert_eq!(claim.current_under(all_new().chunking).expect("it was read").retry, None);
}

pub(crate) async fn what_was_cut_anew_is_cut_back_as_well(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c0"), &[("old", "four ")], recipe()).await;
    bench.push(repository, (None, "c1"), &FILES, all_new()).await;
    let claim = bench.start(repository).await;
    let back = anew_by(bench, &claim, recipe()).await;
    assert!(back.base.as_ref().is_some_and(|base| base.commit == "c0"));
    let published = bench.store.publish(&back).await.unwrap();
    assert!(matches!(published, Published::Done { recognised: false, indexed: 2, removed: 1, .. }), "{published:?}");
    bench.settle(&claim, retry("no route")).await;
    assert_eq!(
        (shown(bench, repository).await.0, bench.paths(repository).await),
        ("c1".into(), vec!["a".into(), "b".into()])
    );
    bench.everything_is_noted().await;
}

pub(crate) async fn what_moved_since_or_lacks_an_artifact_is_not_cut_anew(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c1"), &FILES, recipe()).await;
    let claim = bench.start(repository).await;
    let right = anew(bench, &claim).await;
    let other = Served { commit: "c2".into(), ..right.served.clone() };
    let other = Publication { served: other, ..right.clone() };
    assert_eq!(bench.store.publish(&other).await.unwrap(), Published::Moved, "that is not what is served");
    let lost = StagedEntry { path: "c".into(), ..staged("c", "never stored ") };
    assert!(bench.store.stage(claim.id, &[lost]).await.unwrap());
    assert_eq!(bench.store.publish(&right).await.unwrap(), Published::Incomplete { missing: 1 });
    bench.settle(&claim, cancelled()).await;
    assert_eq!(bench.store.publish(&right).await.unwrap(), Published::Stale);
    assert_eq!(shown(bench, repository).await, ("c1".to_owned(), recipe()));
    assert_eq!(bench.start(repository).await.states.len(), 1, "nothing stands beside it");
}

pub(crate) async fn what_is_cut_in_a_way_that_was_left_is_told_to_get_no_vectors(bench: &Bench) {
    let (gone, stays) = (bench.repository("/gone").await, bench.repository("/stays").await);
    bench.push(gone, (None, "c1"), &FILES, recipe()).await;
    bench.push(stays, (None, "c1"), &[("c", "four ")], recipe()).await;
    assert!(!bench.coverage(gone).await.left, "a fill makes them");
    bench.push(stays, (None, "c2"), &[("c", "four ")], all_new()).await;
    assert!(!bench.coverage(stays).await.left, "they are made for the new model");
    bench.fill_all(all_new()).await;
    assert!(bench.store.activate(all_new()).await.unwrap());
    let coverage = bench.coverage(gone).await;
    assert_eq!((coverage.missing, coverage.left), (3, true));
    let claim = bench.start(gone).await;
    bench.store.publish(&anew(bench, &claim).await).await.unwrap();
    bench.settle(&claim, retry("no route")).await;
    assert!(!bench.coverage(gone).await.left);
}

pub(crate) async fn entries_are_listed_by_chunking(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c1"), &FILES, recipe()).await;
    bench.push(repository, (None, "c1"), &[("new", "two ")], all_new()).await;
    let paths = async |recipe: Recipe, after: &str, limit| {
        let page = bench.store.entries_under(repository, recipe.chunking, after, limit).await.unwrap();
        page.into_iter().map(|entry| entry.path).collect::<Vec<_>>()
    };
    assert_eq!(paths(recipe(), "", 9).await, ["a", "b"]);
    assert_eq!((paths(recipe(), "", 1).await, paths(recipe(), "a", 9).await), (vec!["a".into()], vec!["b".into()]));
    assert_eq!(paths(all_new(), "", 9).await, ["new"]);
}

pub(crate) async fn what_no_schedule_checks_or_is_gone_gets_one_job_when_the_fleet_cuts_in_another_way(bench: &Bench) {
    let all = ["/dead", "/stale", "/paused", "/scheduled", "/asked", "/cut", "/queued", "file:///own"];
    let mut rows = vec![];
    for remote in all {
        let repository = bench.repository(remote).await;
        bench.push(repository, (None, "c1"), &FILES, recipe()).await;
        rows.push(repository);
    }
    let [dead, stale, paused, scheduled, asked_for, cut, queued, own] = rows[..] else { panic!("eight: {rows:?}") };
    for repository in [stale, scheduled] {
        let policy = Policy { refresh: Some(Refresh::Every(MINUTE)), ..Policy::default() };
        bench.store.set_policy(repository, &policy).await.unwrap();
    }
    bench.push(cut, (None, "c1"), &FILES, all_new()).await;
    for repository in [dead, paused, cut, queued] {
        let claim = bench.start(repository).await;
        bench.settle(&claim, Settlement::Dead { error: "refused".into() }).await;
    }
    bench.store.set_state(paused, RepositoryState::Paused).await.unwrap();
    bench.store.mark_stale(stale, "gone").await.unwrap();
    let how = Enqueue { force: true, ..Enqueue::default() };
    let asked = bench.store.enqueue(queued, how).await.unwrap().job;
    bench.clock.forward(MINUTE).await;
    let chunking = all_new().chunking;
    assert_eq!(bench.store.enqueue_left(chunking, 9).await.unwrap(), 0, "the fleet does not cut so");
    bench.store.agree(bench.instance().await, &configuration("120"), Membership::Joins).await.unwrap();
    assert_eq!(bench.store.enqueue_left(chunking, 1).await.unwrap(), 1);
    let is_shared = bench.store.is_shared();
    assert_eq!(bench.store.enqueue_left(chunking, 9).await.unwrap(), 2 + u64::from(!is_shared));
    assert_eq!(bench.store.enqueue_left(chunking, 9).await.unwrap(), 0);
    let jobs = JobFilter { kind: Some(JobKind::Refresh), ..JobFilter::default() };
    let jobs = bench.store.jobs(&jobs).await.unwrap();
    let of = jobs.iter().filter(|job| job.id != asked).map(|job| (job.repository, job.rank)).collect::<Vec<_>>();
    let own = (!is_shared).then_some(own);
    let expected = [dead, stale, asked_for].into_iter().chain(own).map(|repository| (repository, 20));
    assert_eq!(of, expected.collect::<Vec<_>>(), "behind pushes, and on whichever machine it is the same");

    bench.clock.forward(MINUTE).await;
    let claim = bench.start(dead).await;
    assert!(is_last(&bench.settle(&claim, retry("not found")).await), "once is enough");
    assert_eq!(bench.store.enqueue_left(chunking, 9).await.unwrap(), 0, "it was tried since");
}
