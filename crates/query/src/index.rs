//! The index of a search by meaning: an exact scan over the vectors that are served.

mod best;
mod paths;
mod scan;

pub use best::{Best, Occurrence, Occurrences};
