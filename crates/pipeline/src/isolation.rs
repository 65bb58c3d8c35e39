//! Isolation: a job in a child process of its own, as its parent sees it.
//!
//! takes    a ticket whose job was running when too many processes died.
//! gives    the ending that the child reports, or that it died.
//! keeps    nothing: claim, slot and permit stay with the ticket, and the child writes under that claim.
//! on crash the child is killed with the worker that waits for it; alone it parks when no lease comes, and ends with
//! us.
//!
//! Nothing that the child does can end this process; and only here it is known what the child died of.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use warmer_content::Recipe;
use warmer_supervision::child::{Child, Death, Program};
use warmer_supervision::frame;

use crate::ending::Ending;
use crate::identity::Identity;
use crate::lease::Lease;
use crate::live::Live;
use crate::message::{FromChild, Order, ToChild, read, written};
use crate::observer::Observer;
use crate::ticket::Ticket;
use crate::timeline::Timeline;
use crate::told::Told;

/// How long a child whose job is to end may take to bring its parts home: less than a process that shuts down waits.
const END_GRACE: Duration = Duration::from_secs(1);
/// How long a child whose job ended may take to end too: it still has spans to export.
const EXIT_GRACE: Duration = Duration::from_secs(5);

/// Hears each line that a child writes to stderr: its log.
pub type Heard = Arc<dyn Fn(&str) + Send + Sync>;

/// How a child process is made that runs one job.
#[derive(Clone)]
pub struct Isolation {
    /// What is started; its first message is an [`Order`].
    pub program: Program,
    /// The configuration in force, as [`Order::configuration`].
    pub configuration: Live<String>,
    /// Who the child works for.
    pub identity: Identity,
    /// Bytes that a child may write to.
    pub memory_max: Live<u64>,
    /// The key of that limit, for people.
    pub memory_key: &'static str,
    /// Who hears its log.
    pub heard: Heard,
}

impl fmt::Debug for Isolation {
    /// Without the configuration, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Isolation").field("memory_max", &self.memory_max.now()).finish_non_exhaustive()
    }
}

impl Isolation {
    /// Runs the ticket's job in a child, to its end. Nothing of the job runs any more when this returns; a future that
    /// is dropped kills the child. It makes vectors and chunks by this recipe, asks for fills or not, and goes on in
    /// this trace. The observer hears of what happens there.
    pub(crate) async fn run(
        &self,
        (ticket, observer): (&Arc<Ticket>, &Observer),
        makes: (Recipe, bool),
        traceparent: Option<String>,
        lease: &Lease,
    ) -> Ending {
        let order = match written(&self.order(ticket, makes, traceparent)) {
            Ok(order) => order,
            Err(error) => return Ending::Unfit(format!("cannot write the order for the job's own process: {error}")),
        };
        let heard = self.heard.clone();
        let mut child = match self.program.start(move |line| heard(line)) {
            Ok(child) => child,
            Err(error) => return Ending::Unfit(format!("cannot start a process for the job: {error}")),
        };
        tracing::info!(job.id = ticket.claim.job.0, pid = child.id(), "the job runs in a process of its own");
        let (to, from) = (&mut child.to, &mut child.from);
        let (heard, moments) = watch::channel(Duration::ZERO);
        let ended = tokio::select! {
            biased;
            ended = listen(from, (ticket, observer), heard) => ended,
            () = lead(to, &order, ticket, (lease, moments)) => None,
        };
        match ended {
            Some(ending) => {
                leave(child).await;
                ending
            }
            None => self.died(child.end().await, ticket),
        }
    }

    fn order(&self, ticket: &Ticket, (recipe, fills): (Recipe, bool), traceparent: Option<String>) -> Order {
        Order {
            parent: std::process::id(),
            claim: ticket.claim.id.0,
            instance: self.identity.get().0,
            recipe,
            traceparent,
            fills,
            memory_max: *self.memory_max.now(),
            configuration: self.configuration.now().to_string(),
        }
    }

    /// What a death means. One that we wanted says nothing about the job.
    fn died(&self, death: Death, ticket: &Ticket) -> Ending {
        match (ticket.ending(), death) {
            (Some(ending), _) => ending,
            (None, Death::Undying) => Ending::Unfit(format!("the job's own process {}", Death::Undying)),
            (None, Death::OutOfMemory) => Ending::Crashed(format!(
                "the job's own process wanted more memory than {} ({} bytes)",
                self.memory_key,
                self.memory_max.now()
            )),
            (None, death) => Ending::Crashed(format!("the job's own process {death}")),
        }
    }
}

/// Takes in what the child says, until it says how the job ended; `None`: it is gone without that.
async fn listen(
    from: &mut ChildStdout,
    (ticket, observer): (&Arc<Ticket>, &Observer),
    heard: watch::Sender<Duration>,
) -> Option<Ending> {
    let adopt = |figures: &[u64], timeline: Timeline, told: Vec<Told>| {
        ticket.counters.set(figures);
        // It knows its own clock: what it says now is as old as its job is there.
        let began = Instant::now().checked_sub(timeline.age).unwrap_or_else(Instant::now);
        ticket.watch.adopt(began, timeline);
        told.into_iter().for_each(|told| observer.tell(&told.event(ticket)));
    };
    loop {
        let message = match frame::receive(from).await {
            Ok(Some(message)) => read(&message),
            Ok(None) => return None,
            Err(error) => Err(error),
        };
        match message {
            Ok(FromChild::Goes { at, figures, timeline, told, progressed }) => {
                heard.send_replace(at);
                adopt(&figures, *timeline, told);
                if progressed {
                    ticket.progressed();
                }
            }
            Ok(FromChild::Ended { figures, timeline, told, ending }) => {
                adopt(&figures, *timeline, told);
                return Some(ending);
            }
            Err(error) => {
                tracing::warn!(%error, "cannot understand the job's own process");
                return None;
            }
        }
    }
}

/// Gives the child its order, and then a lease each time that it is heard, while there is one. Returns when the job is
/// over and the child did not end in time.
async fn lead(
    to: &mut ChildStdin,
    order: &[u8],
    ticket: &Ticket,
    (lease, mut moments): (&Lease, watch::Receiver<Duration>),
) {
    let leading = async {
        frame::send(to, order).await?;
        loop {
            tokio::select! {
                biased;
                () = ticket.over() => return frame::send(to, &written(&ToChild::End)?).await,
                heard = moments.changed() => heard.map_err(io::Error::other)?,
            }
            let from = *moments.borrow_and_update();
            if let Some(until) = lease.until() {
                let time = until.saturating_duration_since(Instant::now());
                frame::send(to, &written(&ToChild::Lease { from, time })?).await?;
            }
        }
    };
    let led: io::Result<()> = leading.await;
    if led.is_err() {
        // Who does not read any more is gone, or goes: its last words are heard by `listen`.
        ticket.over().await;
    }
    sleep(END_GRACE).await;
}

/// Waits until the child is gone, which has nothing more to say.
async fn leave(mut child: Child) {
    let end = async { while let Ok(Some(_)) = frame::receive(&mut child.from).await {} };
    // One that does not end by itself is ended.
    let _ = timeout(EXIT_GRACE, end).await;
    child.end().await;
}

#[cfg(test)]
mod tests {
    use futures::poll;

    use super::*;
    use crate::ticket::testing;

    fn isolation() -> Isolation {
        Isolation {
            program: Program::at("cat", [""; 0]),
            configuration: Live::default(),
            identity: Identity::random(),
            memory_max: 7.into(),
            memory_key: "a.key",
            heard: Arc::new(|_| {}),
        }
    }

    /// `cat` repeats what it gets.
    async fn echoed(from: &mut ChildStdout) -> Vec<u8> {
        frame::receive(from).await.expect("it lives").expect("it has not ended")
    }

    #[tokio::test]
    async fn a_child_gets_a_lease_when_it_is_heard_and_there_is_one_here_and_is_told_when_the_job_is_over() {
        let mut child = isolation().program.start(|_| {}).expect("`cat` is everywhere");
        let (ticket, part, _reports) = testing::ticket();
        let (lease, (heard, moments)) = (Lease::new(true), watch::channel(Duration::ZERO));
        let (to, from) = (&mut child.to, &mut child.from);
        let mut leading = Box::pin(lead(to, b"an order", &ticket, (&lease, moments)));
        let mut next = async || {
            tokio::select! {
                () = &mut leading => panic!("the job is not over"),
                message = echoed(from) => message,
            }
        };
        assert_eq!(next().await, b"an order");
        heard.send_replace(Duration::from_secs(1));
        assert!(poll!(Box::pin(next())).is_pending(), "without one nothing is said");
        lease.extend(Instant::now() + Duration::from_secs(8));
        heard.send_replace(Duration::from_secs(2));
        let ToChild::Lease { from, time } = read(&next().await).expect("a message") else { panic!("not a lease") };
        assert_eq!(from, Duration::from_secs(2), "it counts from when the child was heard last");
        assert!(time <= Duration::from_secs(8) && !time.is_zero(), "{time:?}");
        ticket.end(Ending::Cancelled("a test".into()));
        assert_eq!(read::<ToChild>(&next().await).expect("a message"), ToChild::End);
        drop(part);
    }

    #[tokio::test]
    async fn only_a_death_that_nobody_wanted_counts_and_a_bound_is_named_by_its_key() {
        let isolation = isolation();
        let (ticket, part, _reports) = testing::ticket();
        let killed = || Death::Killed { signal: 6, last_line: "assertion failed".into() };
        let Ending::Crashed(how) = isolation.died(killed(), &ticket) else { panic!("it counts") };
        assert!(how.contains("signal 6") && how.contains("assertion failed"), "{how}");
        let Ending::Crashed(how) = isolation.died(Death::OutOfMemory, &ticket) else { panic!("it counts") };
        assert!(how.contains("a.key (7 bytes)"), "{how}");
        assert!(matches!(isolation.died(Death::Undying, &ticket), Ending::Unfit(_)), "the disk is to blame");
        let wanted = Ending::Cancelled("a person took it out".into());
        ticket.end(wanted.clone());
        assert_eq!(isolation.died(killed(), &ticket), wanted);
        drop(part);
    }
}
