//! The runtime of the stages and the tree above them, on ractor. It has never heard of a job.
//!
//! * [`Intake`]: the bounded door into a stage. A place in it travels inside the message and comes back when the message is dropped.
//! * [`Work`]: what a stage does with one message; a pool of workers runs it behind the intake.
//! * [`Governor`]: how many restarts a period allows, and how long each one waits.
//! * [`Tree`]: a supervisor over children in order; it restarts, and beyond its policy it fails upward.
//! * [`Line`]: the tree over the pools, which also drains them from first to last.
//! * [`blocking()`]: blocking code under a deadline; threads that will not stop are counted in [`Abandoned`]. [`call`]: the same for a future.
//! * [`child`]: a process that works for this one and can be killed; [`inside`] is its own side, [`frame`] what both speak.

mod abandoned;
mod blocking;
pub mod child;
mod closing;
pub mod frame;
mod gate;
mod governor;
pub mod inside;
mod intake;
mod keeper;
mod line;
mod pool;
mod tree;

pub use abandoned::Abandoned;
pub use blocking::{Deadline, Outcome, blocking, call};
pub use closing::Closing;
pub use gate::{Closed, Gauges, Held, Limits};
pub use governor::{Governor, RestartPolicy, Ruling};
pub use intake::{Intake, Load, Place, PoolSeat, Refused};
pub use line::{DrainEnd, Drained, Line, LineBuilder};
pub use pool::{Crash, Delivery, Work};
pub use tree::{Child, Ended, Root, Strategy, Tree};
