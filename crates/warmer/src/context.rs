//! What every command is given.

use tokio::runtime::Handle;
use warmer_pipeline::{Identity, Machine, Settings};

use crate::config::{Config, Given};
use crate::environment::Environment;
use crate::metrics::Metrics;
use crate::paths::Paths;
use crate::telemetry::Console;

/// The configuration in force and what goes with it.
pub(crate) struct Context {
    /// The configuration.
    pub(crate) config: Config,
    /// The same as TOML, for a process that is started by this one. It may hold a password.
    pub(crate) in_force: String,
    /// How it came about.
    pub(crate) given: Given,
    /// What the configuration allows but probably does not mean.
    pub(crate) warnings: Vec<String>,
    /// The environment, for tokens that the configuration names.
    pub(crate) environment: Environment,
    /// Where things lie.
    pub(crate) paths: Paths,
    /// What this process may use of its machine.
    pub(crate) machine: Machine,
    /// Who this process is in the queue, should it take jobs.
    pub(crate) identity: Identity,
    /// Where log lines go; progress bars hook into it.
    pub(crate) console: Console,
    /// What is measured of this process.
    pub(crate) metrics: Metrics,
    /// Where the model runs: threads that give way to all others.
    pub(crate) background: Handle,
}

impl Context {
    /// The pipeline's settings, with a number of workers in each pool.
    pub(crate) fn settings(&self) -> Settings {
        self.machine.staff(self.config.settings())
    }
}
