//! Two validators from the Python registry.

use std::process::Command;

use anyhow::Result;

use crate::wheels::Wheels;

/// The oldest Python that check-jsonschema runs on.
pub(super) const PYTHON_MIN: &str = "3.11";

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// A Python that finds the validators.
pub(super) struct Validators(Wheels);

impl Validators {
    /// Those of the set-up's directory; fetched the first time.
    pub(super) fn of_this_machine() -> Result<Self> {
        Ok(Self(Wheels::of("validators", PYTHON_MIN, REQUIREMENTS)?))
    }

    /// One of the validators, by the name of its module.
    pub(super) fn command(&self, module: &str) -> Command {
        let mut command = self.0.command();
        command.args(["-m", module]);
        command
    }
}
