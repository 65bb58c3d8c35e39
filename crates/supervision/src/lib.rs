//! The runtime of the stages and the tree above them, on ractor. It knows nothing of jobs.
//!
//! * [`Mailbox`]: the bounded way into a stage. A [`Permit`] travels inside each message and comes back when the
//!   message is dropped.
//! * [`Work`]: what a stage does with one message; a pool of workers runs it behind the mailbox.
//! * [`Seat`]: a worker, as its time is measured: starved, busy, or blocked, and by what ([`Occupied`]).
//! * [`RestartPolicy`]: how many restarts a period allows, and how long each one waits.
//! * [`restarts()`]: what died so far, and how often.
//! * [`Tree`]: a supervisor over children in order; it restarts, and beyond its policy it fails upward, or pauses where
//!   it has a [`Breaker`].
//! * [`Line`]: the tree over the pools, which also drains them from first to last.
//! * [`blocking()`]: blocking code under a deadline; threads that will not stop are counted in [`Abandoned`]. [`call`]:
//!   the same for a future.
//! * [`spawn()`]: a task in the background whose panic is logged.
//! * [`child`]: a process that works for this one and can be killed; [`inside`] is its own side, [`frame`] what both
//!   speak.

mod abandoned;
mod blocking;
mod breaker;
mod capacity;
pub mod child;
mod closing;
pub mod frame;
pub mod inside;
mod line;
mod mailbox;
mod occupancy;
mod panic;
mod permit;
mod pool;
mod pulse;
mod restart_policy;
mod restarts;
mod root;
mod supervisor;
mod task;
mod tree;

pub use abandoned::{Abandoned, LeftBehind};
pub use blocking::{Deadline, Outcome, blocking, call, call_counted};
pub use breaker::Breaker;
pub use capacity::{Closed, Gauges, Limits};
pub use closing::Closing;
pub use line::{DrainEnd, Drained, Line, LineBuilder};
pub use mailbox::{Load, Mailbox, Receiver, Refused};
pub use occupancy::{Activity, CLASSES, Occupied, Seat, Spent, Wait};
pub use permit::Permit;
pub use pool::{Crash, Delivery, Work};
pub use pulse::Pulse;
pub use restart_policy::{Decision, RestartLimits, RestartPolicy};
pub use restarts::{Level, restarts};
pub use root::{Ended, Root};
pub use task::spawn;
pub use tree::{Child, Strategy, Tree};
