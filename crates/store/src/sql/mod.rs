//! What both databases do alike: the statements that read the same in either, and the steps around those that do not.
//!
//! ```text
//! Queue, Catalogue, Cache     implemented once, for every `Base`
//!         Base                a store: how to read, how to write, what is its own (opening, claiming, slots)
//!         Connection          a connection: values in, rows out, and the statements whose text differs
//!         Row               a row
//! ```
//!
//! Both know `$1` as a parameter, `RETURNING`, `ON CONFLICT`, `IS DISTINCT FROM` and a view `clock` with the time in
//! microseconds. What differs is how a list travels (a JSON array, or one array for each column), how bytes in bulk do,
//! and which locks a statement takes.

mod again;
pub(crate) mod anew;
mod attempt;
pub(crate) mod attempt_count;
mod base;
mod cache;
mod calendar;
mod cancel;
mod catalogue;
pub(crate) mod claimable;
mod clock_skew;
pub(crate) mod collect;
mod driver;
mod drop_generations;
pub(crate) mod enqueue;
mod fault;
pub(crate) mod fill;
pub(crate) mod fill_jobs;
mod fill_queue;
pub(crate) mod fill_walk;
mod fingerprint;
mod fleet;
mod generation;
mod instance_figures;
pub(crate) mod lack;
pub(crate) mod listing;
mod new_generation;
mod orders;
mod probe;
mod publish;
mod pushes;
mod queue;
pub(crate) mod refusal;
mod retries;
pub(crate) mod rows;
pub(crate) mod schedule;
mod schema;
mod sealed;
mod seed;
mod served;
pub(crate) mod settle;
mod settle_fill;
pub(crate) mod share;
mod shown;
mod spans;
mod statements;
pub(crate) mod status;
mod symbols;
pub(crate) mod tally;
mod totals;
mod transient;
pub(crate) mod trouble;
mod trying;
mod upkeep;
mod verify;

pub(crate) use base::{AtomicCounters, Base, Limits, Writing, ids};
pub(crate) use cancel::unpin;
pub(crate) use driver::{Connection, List, Row, Value, row, values};
pub(crate) use fault::{Fault, odd};
pub(crate) use lack::note_served;
pub(crate) use probe::unmark_vectors;
pub(crate) use rows::{blob_rows, claimed, count, micros, moment, repository, repository_columns};
pub(crate) use schema::{APPLIED, Schema, Step, migrator};
pub(crate) use sealed::{Sealed, sealed_symbols};
pub(crate) use served::states;
pub(crate) use statements::{Statements, artifact_reached, artifact_steps, vector_steps};
pub(crate) use transient::Transient;
