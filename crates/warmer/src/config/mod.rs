//! The configuration: sections in the order of the data, defaults from `config/warmer.toml` alone.
//!
//! [`load()`] lays the layers over each other and finds every mistake of all of them; [`sections`] is the shape, made
//! of the settings of the crates below.

mod check;
mod effect;
mod file;
mod given;
mod layer;
mod load;
mod manual;
mod problem;
mod reload;
mod repositories;
mod schema;
mod secrets;
mod sections;
mod show;
mod value;
mod windows;
mod words;

pub(crate) use check::not_allowed;
pub(crate) use effect::Effect;
pub(crate) use given::Given;
pub(crate) use load::{Loaded, load, of_text};
pub(crate) use problem::Problems;
pub(crate) use reload::{Change, Reload};
pub(crate) use repositories::{PRIORITIES, Refresh, Repository};
pub(crate) use schema::schema;
pub(crate) use sections::Config;
pub(crate) use show::{Origins, show};

#[cfg(test)]
mod daemon_tests;
#[cfg(test)]
pub(crate) mod tests;
