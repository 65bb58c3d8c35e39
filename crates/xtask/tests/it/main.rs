//! The set-up against real wheels and a real pip, the graph writer against a small checkpoint, the commands against a
//! cargo that only answers.

mod bert;
mod check;
mod samples;
mod setup;
mod warm;
