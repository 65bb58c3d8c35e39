//! Sentences about what instances say of themselves.

use super::Bench;
use super::fixture::*;
use crate::*;

const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

fn with(memory: u64) -> InstanceFigures {
    InstanceFigures { memory, ..InstanceFigures::default() }
}

pub(crate) async fn what_an_instance_says_last_is_read_by_all_until_it_is_gone(bench: &Bench) {
    let (one, two) = (bench.instance().await, bench.instance().await);
    assert_eq!(bench.store.reports().await.unwrap(), [], "nobody has said anything");
    assert!(bench.store.report(one, &with(1)).await.unwrap().is_some());
    assert!(bench.store.report(one, &with(2)).await.unwrap().is_some());
    assert!(bench.store.report(two, &with(3)).await.unwrap().is_some());
    bench.clock.forward(10 * SECOND).await;
    let said = |reports: Vec<Reported>| -> Vec<_> {
        assert!(reports.iter().all(|said| said.host == "a machine"), "{reports:?}");
        reports.into_iter().map(|said| (said.instance, said.age.as_secs(), said.figures.memory)).collect()
    };
    let mut heard = said(bench.store.reports().await.unwrap());
    heard.sort_by_key(|(_, _, memory)| *memory);
    assert_eq!(heard, [(one, 10, 2), (two, 10, 3)]);
    bench.store.retire(one).await.unwrap();
    assert_eq!(bench.store.report(one, &with(4)).await.unwrap(), None, "it has left");
    assert_eq!(said(bench.store.reports().await.unwrap()), [(two, 10, 3)]);
    bench.clock.forward(MINUTE).await;
    assert_eq!(said(bench.store.reports().await.unwrap()), [], "it has had no heartbeat for a minute");
}
