//! What all crates that make spans agree on: how spans and their attributes are called, how what asked for a job is
//! told to whoever does it, and how finished spans stand in a file.

pub mod names;
pub mod otlp;

mod context;
mod dropped;
mod file;
mod propagation;

pub use context::TraceContext;
pub use dropped::{drop_spans, dropped_spans};
pub use file::{ReadTraces, TRACE_FILE_MIN, TraceFile};
pub use propagation::{Propagator, continues, install, of};
