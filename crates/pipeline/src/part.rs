//! The shares of a ticket, and the right that the last one home brings.

use std::sync::Arc;

use crate::ending::Ending;
use crate::ticket::Ticket;

/// A share of a ticket: it must be handed on, finished or ended; dropped, it reports that it was lost, where nothing
/// else ends the job.
#[must_use]
#[derive(Debug)]
pub struct Part(Option<Arc<Ticket>>);

impl Part {
    /// The part that a ticket is born with.
    pub(crate) fn first(ticket: Arc<Ticket>) -> Self {
        Self(Some(ticket))
    }

    /// The job it belongs to.
    pub fn ticket(&self) -> &Arc<Ticket> {
        self.0.as_ref().expect("only `finish`, `end` and `drop` take the ticket out, and they consume the part")
    }

    /// One more part. Only a part that is out can be split, so the count cannot have reached zero.
    pub fn split(&self) -> Self {
        let ticket = self.ticket().clone();
        ticket.goes_out();
        Self(Some(ticket))
    }

    /// Brings it home. The last one of a job that did not fail brings the right to publish.
    pub fn finish(mut self) -> Option<Publish> {
        self.0.take().and_then(Ticket::home).map(|ticket| Publish(Some(ticket)))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(ticket) = self.0.take() {
            ticket.lose();
            drop(ticket.home());
        }
    }
}

/// The right to publish: it exists at most once per ticket, after every batch is stored.
#[must_use]
#[derive(Debug)]
pub struct Publish(Option<Arc<Ticket>>);

impl Publish {
    /// The job it belongs to.
    pub fn ticket(&self) -> &Arc<Ticket> {
        self.0.as_ref().expect("only `done` and `drop` take the ticket out, and they consume the right")
    }

    /// Reports how the publication went.
    pub fn done(mut self, ending: Ending) {
        if let Some(ticket) = self.0.take() {
            ticket.report(ending);
        }
    }
}

impl Drop for Publish {
    fn drop(&mut self) {
        if let Some(ticket) = self.0.take() {
            // A job that is over lets go of its right too: then no worker is to blame.
            let over = ticket.ending();
            ticket.report(over.unwrap_or_else(|| Ending::Lost("a worker died while it published".to_owned())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ending::PublishedFiles;
    use crate::ticket::testing;

    #[test]
    fn the_last_part_home_brings_the_only_right_to_publish() {
        let (_ticket, first, reports) = testing::ticket();
        let parts: Vec<_> = (0..10).map(|_| first.split()).collect();
        assert!(first.finish().is_none());
        let rights: Vec<_> = parts.into_iter().filter_map(Part::finish).collect();
        assert_eq!(rights.len(), 1);
        assert!(reports.try_recv().is_err(), "nothing is reported before the publication");
        rights.into_iter().for_each(|right| right.done(Ending::Published(PublishedFiles::default())));
        assert!(matches!(reports.try_recv().expect("done").ending, Ending::Published(_)));
    }

    #[test]
    fn a_dropped_part_loses_the_job_once_all_are_home() {
        let (ticket, first, reports) = testing::ticket();
        let second = first.split();
        drop(second);
        assert!(ticket.is_over() && reports.try_recv().is_err(), "a part is still out");
        assert!(first.finish().is_none());
        assert!(matches!(reports.try_recv().expect("all are home").ending, Ending::Lost(_)));
    }

    #[test]
    fn the_first_ending_stands() {
        let (ticket, part, reports) = testing::ticket();
        ticket.end(Ending::Retry("first".into()));
        ticket.end(Ending::Dead("second".into()));
        drop(part);
        assert_eq!(reports.try_recv().expect("home").ending, Ending::Retry("first".into()));
        assert!(reports.try_recv().is_err(), "one report per ticket");
    }

    #[test]
    fn an_ending_says_more_than_that_a_part_was_let_go_of_before_it() {
        let (ticket, part, reports) = testing::ticket();
        drop(part.split());
        assert!(ticket.is_over(), "nobody works on");
        ticket.end(Ending::Retry("why".into()));
        drop(part);
        assert_eq!(reports.try_recv().expect("home").ending, Ending::Retry("why".into()));
    }

    #[test]
    fn a_right_that_a_job_that_is_over_lets_go_of_ends_as_the_job_did() {
        let (ticket, part, reports) = testing::ticket();
        let right = part.finish();
        ticket.end(Ending::Cancelled("shutting down".into()));
        drop(right);
        assert_eq!(reports.try_recv().expect("dropped").ending, Ending::Cancelled("shutting down".into()));
    }

    #[test]
    fn a_right_that_is_dropped_loses_the_job() {
        let (_ticket, part, reports) = testing::ticket();
        drop(part.finish());
        assert!(matches!(reports.try_recv().expect("dropped").ending, Ending::Lost(_)));
    }
}
