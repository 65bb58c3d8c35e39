//! What all crates that make spans agree on: the names of spans and attributes.

pub mod names;
