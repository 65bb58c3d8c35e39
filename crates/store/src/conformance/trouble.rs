//! Sentences about the repositories that `status` names.

use super::Bench;
use super::fixture::*;
use crate::*;

async fn named(bench: &Bench, of: Option<&[RepositoryId]>) -> Vec<(TroubleKind, String, Option<String>)> {
    let status = bench.store.status_of(of).await.unwrap();
    status.troubles.into_iter().map(|trouble| (trouble.kind, trouble.remote, trouble.reason)).collect()
}

/// A job of it ends so.
async fn ends(bench: &Bench, repository: RepositoryId, how: Settlement) {
    let claim = bench.start(repository).await;
    bench.settle(&claim, how).await.expect("the claim stands");
}

pub(crate) async fn five_of_each_kind_are_named_the_longest_first(bench: &Bench) {
    assert_eq!(named(bench, None).await, []);
    for number in (0..6).rev() {
        let repository = bench.repository(&format!("/{number}")).await;
        ends(bench, repository, Settlement::Dead { error: format!("{number} {}", "é".repeat(400)) }).await;
        bench.clock.forward(MINUTE).await;
    }
    let gone = bench.repository("/gone").await;
    bench.store.mark_stale(gone, "not found").await.unwrap();
    bench.store.set_state(gone, RepositoryState::Quarantined).await.unwrap();
    let told = named(bench, None).await;
    let dead: Vec<_> = told.iter().filter(|(kind, ..)| *kind == TroubleKind::Dead).map(|(_, who, _)| &**who).collect();
    assert_eq!(dead, ["/5", "/4", "/3", "/2", "/1"]);
    assert_eq!(told[0].2.as_ref().map(|reason| reason.chars().count()), Some(300), "a reason has its bound");
    let kinds: Vec<_> = told[5..].iter().map(|(kind, who, _)| (*kind, &**who)).collect();
    assert_eq!(kinds, [(TroubleKind::Quarantined, "/gone"), (TroubleKind::Stale, "/gone")]);
    let status = bench.store.status().await.unwrap();
    assert_eq!((status.dead, status.quarantined, status.stale), (6, 1, 1), "all are counted");
    let since: Vec<_> = status.troubles.iter().map(|trouble| trouble.since).collect();
    assert_eq!(since[1].duration_since(since[0]).unwrap().as_secs(), 60);
}

pub(crate) async fn what_is_overdue_or_refused_is_named_with_its_reason(bench: &Bench) {
    let (late, refused) = (bench.repository("/late").await, bench.repository("/refused").await);
    let every = Policy { refresh: Some(Refresh::Every(10 * MINUTE)), ..Policy::default() };
    bench.store.set_policy(late, &every).await.unwrap();
    ends(bench, late, fresh()).await;
    bench.clock.forward(25 * MINUTE).await;
    let (one, other) = (bench.instance().await, bench.instance().await);
    bench.enqueue(refused).await;
    let filter = ClaimFilter { heavy: true, ..ClaimFilter::default() };
    let claim = bench.store.claim(one, &filter).await.unwrap().expect("it is due");
    let error = "there is no token for the host".to_owned();
    let otherwise = Box::new(Settlement::Dead { error: error.clone() });
    bench.settle(&claim, Settlement::Refused { error: error.clone(), otherwise }).await;
    let told = named(bench, None).await;
    let expected =
        [(TroubleKind::Overdue, "/late".into(), None), (TroubleKind::Refused, "/refused".into(), Some(error))];
    assert_eq!(told, expected);
    let status = bench.store.status().await.unwrap();
    let overdue = bench.now().await.duration_since(status.troubles[0].since).unwrap();
    assert_eq!(overdue.as_secs() / 60, 5, "since its budget was used up");
    bench.clock.forward(MINUTE).await;
    assert!(bench.heartbeat(other).await);
    assert_eq!(named(bench, None).await.len(), 1, "who refused it gives no sign of life");
}

pub(crate) async fn who_asks_for_some_hears_of_no_others(bench: &Bench) {
    let (ours, other) = (bench.repository("/ours").await, bench.repository("/other").await);
    for repository in [ours, other] {
        bench.store.mark_stale(repository, "gone").await.unwrap();
        bench.clock.forward(MINUTE).await;
    }
    let who = |told: Vec<(_, String, _)>| told.into_iter().map(|(_, remote, _)| remote).collect::<Vec<_>>();
    assert_eq!(who(named(bench, Some(&[ours])).await), ["/ours"]);
    assert_eq!(named(bench, Some(&[])).await, []);
    assert_eq!(who(named(bench, None).await), ["/ours", "/other"]);
}
