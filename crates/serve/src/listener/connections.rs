//! Who is connected, how far each has come, and who goes where there is no room.

use std::collections::HashMap;
use std::future::pending;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::phase::Phase;

/// All connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    /// The number of the next one: they count up, so the lowest is the oldest.
    next: u64,
    all: HashMap<u64, Known>,
}

#[derive(Debug)]
struct Known {
    address: IpAddr,
    phase: Phase,
    go: oneshot::Sender<()>,
}

/// One connection; it is open until this is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    /// How far it has come.
    pub(super) phase: Phase,
    /// Which one it is.
    pub(super) seat: Seat,
    told: oneshot::Receiver<()>,
}

/// A connection's place among all. A clone is the same.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    number: u64,
    all: Connections,
}

impl Connections {
    /// One more.
    pub(super) fn enter(&self, address: IpAddr) -> Connection {
        let (phase, (go, told)) = (Phase::new(), oneshot::channel());
        let mut open = self.open();
        let number = open.next;
        open.next += 1;
        open.all.insert(number, Known { address, phase: phase.clone(), go });
        Connection { phase, seat: Seat { number, all: self.clone() }, told }
    }

    /// How many there are; those that were told to go do not count.
    pub(super) fn count(&self) -> usize {
        self.open().all.len()
    }

    /// Tells one to go: of the address that has the most, one that has not sent its headers (or waits for a further
    /// request) before one that has, the oldest of those. Says whether there was one.
    pub(super) fn shed(&self) -> bool {
        let mut open = self.open();
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        for known in open.all.values() {
            *counts.entry(known.address).or_default() += 1;
        }
        let worth = |(number, known): &(&u64, &Known)| {
            (counts.get(&known.address).copied(), known.phase.is_silent(), u64::MAX - **number)
        };
        let may_go = open.all.iter().filter(|(_, known)| !known.phase.is_answering());
        let Some(number) = may_go.max_by_key(worth).map(|(number, _)| *number) else { return false };
        if let Some(known) = open.all.remove(&number) {
            // One that just ended has gone already.
            known.go.send(()).ok();
        }
        true
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Comes back when it must go.
    pub(super) async fn told_to_go(&mut self) {
        if (&mut self.told).await.is_err() {
            pending::<()>().await;
        }
    }
}

impl Seat {
    /// Whose requests come by it, where a proxy asks for others.
    pub(super) fn is_used_by(&self, address: IpAddr) {
        if let Some(known) = self.all.open().all.get_mut(&self.number) {
            known.address = address;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.seat.all.open().all.remove(&self.seat.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([127, 0, 0, last])
    }

    /// Which of these was told to go.
    fn gone(all: &mut [Connection]) -> Vec<usize> {
        let told = all.iter_mut().enumerate().filter_map(|(number, one)| one.told.try_recv().is_ok().then_some(number));
        told.collect()
    }

    #[test]
    fn of_the_address_that_has_the_most_the_oldest_silent_one_goes() {
        let connections = Connections::default();
        let mut all: Vec<_> = [1, 2, 2, 2, 3].map(|last| connections.enter(address(last))).into();
        all[1].phase.reads_body();
        assert!(connections.shed());
        assert_eq!((gone(&mut all), connections.count()), (vec![2], 4));
    }

    #[test]
    fn who_sends_a_body_goes_where_nobody_is_silent_and_who_is_answered_never() {
        let connections = Connections::default();
        let mut all: Vec<_> = [1, 1, 1].map(|last| connections.enter(address(last))).into();
        all[0].phase.answers();
        all[1].phase.reads_body();
        all[2].phase.reads_body();
        assert!(connections.shed() && gone(&mut all) == [1]);
        assert!(connections.shed() && gone(&mut all) == [2]);
        assert!(!connections.shed() && connections.count() == 1);
    }

    #[test]
    fn a_connection_counts_for_whom_a_proxy_asks() {
        let connections = Connections::default();
        let mut all: Vec<_> = [1, 1, 1, 1, 5].map(|last| connections.enter(address(last))).into();
        for (one, last) in all.iter().zip([2, 3, 4, 5]) {
            one.seat.is_used_by(address(last));
        }
        assert!(connections.shed());
        assert_eq!(gone(&mut all), [3], "the address that has two of them is 5");
    }

    #[test]
    fn a_connection_that_ended_no_longer_counts() {
        let connections = Connections::default();
        let one = connections.enter(address(1));
        assert_eq!(connections.count(), 1);
        drop(one);
        assert_eq!(connections.count(), 0);
    }
}
