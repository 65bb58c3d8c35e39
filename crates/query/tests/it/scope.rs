//! A repository outside the scope changes no answer, no count and no sentence (W-16): every view of a cache that has
//! one is, to the byte, the view of a cache without it.

use std::time::Duration;

use warmer_query::{
    Entries, File, Jobs, JobsRequest, Pages, QueryError, Repositories, RepositoriesRequest, Scope, Search, Snapshots,
    Sort, State, Status, find, search,
};
use warmer_store::{
    Catalogue as _, Enqueue, JobFilter, JobId, Policy, Queue as _, Refresh, RepositoryId, RepositoryState,
};

use crate::cache::{Cache, Letters};

const OURS: &str = "https://git.example.com/team/app";
/// Its remote is one of the words that mean ours: an exact match would hide it.
const HIDDEN: &str = "app";
const TEXT: &str = "claim the oldest job";

/// A cache with a repository of ours, one with another beside it that would be the better answer to everything, and
/// both repositories.
async fn caches() -> (Cache, Cache, RepositoryId, RepositoryId) {
    let (alone, beside) = (Cache::new().await, Cache::new().await);
    let ours = alone.follow(OURS).await;
    assert_eq!(beside.follow(OURS).await, ours);
    let hidden = beside.follow(HIDDEN).await;
    beside.serve(hidden, &[("a.txt", TEXT), ("b.txt", "claim"), ("other.txt", "something else")]).await;
    let policy = Policy { refresh: Some(Refresh::Every(Duration::from_micros(1))), ..Policy::default() };
    beside.store.set_policy(hidden, &policy).await.unwrap();
    beside.store.mark_stale(hidden, "it is gone").await.unwrap();
    beside.fail(hidden, "it is secret").await;
    beside.store.set_state(hidden, RepositoryState::Quarantined).await.unwrap();
    beside.claim(hidden).await;
    beside.store.enqueue(hidden, Enqueue { force: true, ..Enqueue::default() }).await.unwrap();
    (alone, beside, ours, hidden)
}

/// A view as JSON, without what differs from run to run as well: moments, random names, and numbers of jobs.
fn shown(view: &impl serde::Serialize) -> String {
    let volatile = ["_at\":", "\"claim\":", "\"id\":", "\"instance\":", "\"job\":", "_since\":"];
    let json = serde_json::to_string_pretty(view).unwrap();
    json.lines().filter(|line| !volatile.iter().any(|key| line.contains(key))).map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn a_search_finds_and_tells_nothing_of_what_is_outside() {
    let (alone, beside, ours, hidden) = caches().await;
    let scope = Scope::only([ours]);
    let views = async |asked: &Search| {
        let one = search(&alone.store, &Scope::All, &Snapshots::default(), &Letters, asked).await.unwrap();
        let other = search(&beside.store, &scope, &Snapshots::default(), &Letters, asked).await.unwrap();
        assert_eq!(shown(&one), shown(&other));
        other
    };
    let report = views(&Search::of(TEXT)).await;
    assert_eq!((report.state, report.hits.len()), (State::NeverWarmed, 0), "{report:?}");
    for cache in [&alone, &beside] {
        cache.serve(ours, &[("ours.txt", TEXT), ("far.txt", "zzzz")]).await;
    }
    let report = views(&Search::of(TEXT)).await;
    let paths: Vec<_> = report.hits.iter().map(|hit| hit.path.as_str()).collect();
    assert_eq!((paths, report.hits[0].also_in.len()), (vec!["ours.txt", "far.txt"], 0));
    let report = views(&Search { path: Some("other.txt".to_owned()), ..Search::of(TEXT) }).await;
    assert_eq!(report.state, State::NoFileMatches);
    let named = Search { repositories: Some(vec![hidden]), ..Search::of(TEXT) };
    let report = search(&beside.store, &scope, &Snapshots::default(), &Letters, &named).await.unwrap();
    assert_eq!((report.repositories, report.hits), (vec![], vec![]), "to name it opens nothing");
    let all = search(&beside.store, &Scope::All, &Snapshots::default(), &Letters, &Search::of(TEXT)).await.unwrap();
    assert_eq!(all.hits[0].also_in.len(), 1, "who may see all is told");
}

#[tokio::test]
async fn a_repository_outside_is_neither_listed_nor_found_and_hides_none() {
    let (alone, beside, ours, hidden) = caches().await;
    let scope = Scope::only([ours]);
    for sort in [Sort::Name, Sort::State, Sort::Age, Sort::Overdue] {
        let request = RepositoriesRequest { sort, ..RepositoriesRequest::default() };
        let one = Repositories::list(&alone.store, &Scope::All, request).await.unwrap();
        let other = Repositories::list(&beside.store, &scope, request).await.unwrap();
        assert_eq!(shown(&one), shown(&other));
    }
    let found = async |scope: &Scope| {
        let found = find(&beside.store, scope, "app", None).await.unwrap();
        found.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(found(&scope).await, [ours], "what is exact for others hides nothing from us");
    assert_eq!(found(&Scope::All).await, [hidden]);
}

#[tokio::test]
async fn entries_and_files_outside_are_as_if_they_were_not_there() {
    let (_, beside, ours, hidden) = caches().await;
    let scope = Scope::only([ours]);
    for id in [hidden, RepositoryId(999)] {
        let entries = Entries::all(&beside.store, &scope, id).await;
        let file = File::of(&beside.store, &scope, id, "a.txt").await;
        assert!(matches!(entries, Err(QueryError::NoRepository)) && matches!(file, Err(QueryError::NoRepository)));
        assert!(Pages::of(&beside.store, &scope, id).next().await.unwrap().is_none());
    }
    let seen = File::of(&beside.store, &Scope::All, hidden, "a.txt").await.unwrap();
    assert_eq!(seen.chunks.map(|chunks| chunks.len()), Some(1));
    assert_eq!(Entries::all(&beside.store, &Scope::All, hidden).await.unwrap().entries.len(), 3);
}

#[tokio::test]
async fn jobs_and_attempts_outside_are_not_listed() {
    let (alone, beside, ours, hidden) = caches().await;
    let scope = Scope::only([ours]);
    for cache in [&alone, &beside] {
        cache.fail(ours, "no route").await;
        cache.claim(ours).await;
    }
    let every = JobsRequest::default();
    for request in [
        every.clone(),
        JobsRequest { failed: true, ..every.clone() },
        JobsRequest { limit: Some(1), since: Some(Duration::from_secs(3600)), ..every.clone() },
        JobsRequest { repositories: Some(vec![ours, hidden]), ..every.clone() },
    ] {
        let one = Jobs::list(&alone.store, &Scope::All, &request).await.unwrap();
        let other = Jobs::list(&beside.store, &scope, &request).await.unwrap();
        assert_eq!(shown(&one), shown(&other), "{request:?}");
        assert_eq!(one.attempts.len(), 1, "{request:?}");
    }
    let all = beside.store.jobs(&JobFilter::default()).await.unwrap();
    let job = all.iter().find(|job| job.repository == hidden).unwrap().id;
    let refused = async |id| Jobs::one(&beside.store, &scope, id).await.unwrap_err().to_string();
    let never_given = JobId(999);
    assert!(refused(never_given).await.starts_with("there is no job 999"));
    // Of a number it is told whether one of the scope comes behind it, whatever else is there.
    let ours = all.iter().find(|job| job.repository == ours).unwrap().id;
    let mut later = vec![];
    for remote in ["b", "c"] {
        let repository = beside.follow(remote).await;
        later.push(beside.store.enqueue(repository, Enqueue::default()).await.unwrap().job);
    }
    assert!(job < ours && ours < later[0] && later[0] < later[1]);
    assert!(refused(job).await.starts_with(&format!("job {} ended", job.0)));
    assert!(refused(later[0]).await.starts_with(&format!("there is no job {}", later[0].0)));
    assert_eq!(Jobs::one(&beside.store, &Scope::All, job).await.unwrap().jobs.len(), 1);
}

#[tokio::test]
async fn the_status_counts_nothing_that_is_outside() {
    let (alone, beside, ours, _) = caches().await;
    for cache in [&alone, &beside] {
        cache.serve(ours, &[("ours.txt", TEXT)]).await;
        cache.store.enqueue(ours, Enqueue { force: true, ..Enqueue::default() }).await.unwrap();
    }
    let status = async |cache: &Cache, scope: &Scope| {
        let mut status = Status::of(&cache.store, scope, Duration::from_secs(900)).await.unwrap();
        // The one of them is asked later than the other.
        assert!(status.oldest_job_seconds.take().is_some());
        assert!(std::mem::take(&mut status.aliases.cache_warmer_oldest_job_age) > 0.0);
        status
    };
    let scope = Scope::only([ours]);
    assert_eq!(shown(&status(&alone, &scope).await), shown(&status(&beside, &scope).await));
    let all = status(&beside, &Scope::All).await;
    assert_eq!((all.quarantined, all.running, all.repositories, all.stale), (1, 1, 2, 1), "who may see all is told");
}
