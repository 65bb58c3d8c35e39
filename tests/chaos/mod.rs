//! The chaos suite: real processes on real repositories and a real server, while something goes wrong on purpose; and
//! a ledger outside of the database that tells afterwards whether any promise was broken.
//!
//! | file | what it is |
//! |---|---|
//! | `environment` | the server, and a database for each row |
//! | `scenario` | one row's database, repositories and processes, and the end of it |
//! | `fleet` | the processes: started, killed, stopped, ended |
//! | `repositories` | git repositories, pushes to them, and the triggers that say so |
//! | `pushes` | how long pushes take until they are served |
//! | `ledger` | what the processes wrote down |
//! | `record` | all that is known of a row at its end, as intervals |
//! | `account` | what follows from it: lost, doubled, overlapping, over the cap, recovered when |
//! | `coverage` | what is said of vectors, and what a warm from scratch has |
//! | `report` | a row's figures and bounds |
//! | `table` | all rows, aligned, or as JSON |
//! | `round` | which rows, for how long, from which seed |
//! | `rows` | one fault each |
//!
//! All processes and the server share one machine, so that one wall clock orders everything.

mod account;
mod clock;
mod coverage;
mod environment;
mod fleet;
mod ledger;
mod pushes;
mod record;
mod report;
mod repositories;
mod round;
mod rows;
mod scenario;
mod table;

pub use environment::Environment;
pub use report::{Bound, Report};
pub use round::Round;
pub use rows::{ROWS, Row};
pub use table::{json, text};
