//! Everything around the product: the first command, the test command, the PostgreSQL that tests use, and who builds
//! what is given to users and the chaos suite.
//!
//! A library too, because the tests need the same paths, a toy model, and a way to say what could not be tested.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it starts programs, and its environment configures it"
)]

pub mod bench;
pub mod chaos;
pub mod check;
pub mod clients;
pub mod console;
pub mod dist;
pub mod paths;
pub mod postgres;
pub mod toy;
pub mod warm;
pub mod wheels;
pub mod workspace;

pub use check::not_run;
pub use paths::{cache_dir, model_dir, runtime_library};
pub use toy::write_toy_model;
