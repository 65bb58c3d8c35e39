//! A step that goes on, in the hands of who works on it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::call::{Call, Failed, System};
use crate::counters::Stage;
use crate::observer::{Event, Observer};
use crate::stopwatch::Doing;
use crate::ticket::Ticket;

/// A step that goes on. It ends when this is dropped, and the observer hears of it.
#[derive(Debug)]
pub(crate) struct OpenStep {
    id: u64,
    ticket: Arc<Ticket>,
    observer: Observer,
}

impl OpenStep {
    /// A worker has a batch that arrived then.
    pub(crate) fn begin(
        observer: &Observer,
        ticket: &Arc<Ticket>,
        stage: Stage,
        arrived: Instant,
        doing: Doing,
    ) -> Self {
        let id = ticket.watch.open(stage, arrived, doing);
        Self { id, ticket: ticket.clone(), observer: observer.clone() }
    }

    /// From now on its time is this.
    pub(crate) fn turn(&self, to: Doing) {
        self.ticket.watch.on(self.id, |live, now| live.turn(now, to));
    }

    /// Others worked on it for so long.
    pub(crate) fn worked(&self, time: Duration) {
        self.ticket.watch.on(self.id, |live, _| live.step.work += time);
    }

    /// It holds so much more.
    pub(crate) fn holds(&self, items: u64, bytes: u64) {
        self.ticket.watch.on(self.id, |live, _| {
            live.step.items += items;
            live.step.bytes += bytes;
        });
    }

    /// So many tokens of it were embedded.
    pub(crate) fn tokens(&self, tokens: u64) {
        self.ticket.watch.on(self.id, |live, _| live.step.tokens += tokens);
    }

    /// A call ended that began then; what it failed of, if it did.
    pub(crate) fn call(&self, system: System, name: &'static str, began: Instant, failed: Option<Failed>) {
        let (began, took) = (self.ticket.watch.at(began), began.elapsed());
        let call = Call::new((system, name), began, took, failed);
        if system == System::Database {
            self.observer.tell(&Event::Asked(call.clone()));
        }
        self.ticket.watch.on(self.id, |live, _| live.step.calls.add(call));
    }

    /// It is over: what comes now is not of it.
    pub(crate) fn close(&self) {
        if let Some(step) = self.ticket.watch.close(self.id) {
            self.observer.stepped(&self.ticket, step);
        }
    }
}

impl Drop for OpenStep {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use warmer_supervision::Wait;

    use super::*;
    use crate::ticket::testing;

    #[test]
    fn each_time_of_a_step_has_one_name_and_an_open_one_counts_as_far_as_it_is() {
        let (ticket, _part, _reports) = testing::ticket();
        let step = OpenStep::begin(&Observer::default(), &ticket, Stage::Hasher, Instant::now(), Doing::Work);
        let spin = || {
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(1) {}
        };
        spin();
        step.turn(Doing::Wait(Wait::Database));
        spin();
        step.turn(Doing::Elsewhere);
        spin();
        step.worked(Duration::from_secs(7));
        step.holds(3, 40);
        let open = ticket.watch.timeline();
        let hasher = open.stage(Stage::Hasher).expect("it is open");
        assert!(hasher.waits.of(Wait::Database) >= Duration::from_millis(1), "{hasher:?}");
        drop(step);
        let timeline = ticket.watch.timeline();
        let closed = timeline.stage(Stage::Hasher).expect("it had a batch");
        assert!(closed.work >= Duration::from_millis(7_001) && closed.work < Duration::from_millis(7_900));
        assert_eq!((closed.items, closed.bytes, closed.batches), (3, 40, 1));
        let step = timeline.steps[Stage::Hasher as usize].iter().next().expect("it had a batch");
        assert!(step.ended - step.arrived >= Duration::from_millis(3) && closed.last <= timeline.age);
        spin();
        assert_eq!(ticket.watch.timeline().stage(Stage::Hasher), Some(closed), "what is over grows no more");
    }
}
