//! The configuration: sections in the order of the data, defaults from `config/warmer.toml` alone.
//!
//! [`load()`] lays the layers over each other and finds every mistake of all of them; [`sections`] is the shape;
//! [`into`] turns it into the settings of the crates below.

mod check;
mod file;
mod given;
mod hook_host;
mod hook_secrets;
mod into;
mod layer;
mod load;
mod problem;
mod repositories;
mod schema;
mod secret;
mod secrets;
mod sections;
mod show;
mod units;

pub(crate) use check::not_allowed;
pub(crate) use given::Given;
pub(crate) use hook_host::HookHost;
pub(crate) use hook_secrets::WebhookSecrets;
pub(crate) use load::{Loaded, load, of_text};
pub(crate) use problem::Problems;
pub(crate) use repositories::{PRIORITIES, Refresh, Repository, bad_globs};
pub(crate) use schema::schema;
pub(crate) use secret::{Secret, redacted};
pub(crate) use sections::{Config, Database, Git, LogFormat, Protocol, Telemetry};
pub(crate) use show::{Origins, show};

/// The defaults and the manual, part of the program.
pub(crate) const MANUAL: &str = include_str!("../../../../config/warmer.toml");

#[cfg(test)]
mod daemon_tests;
#[cfg(test)]
pub(crate) mod tests;
