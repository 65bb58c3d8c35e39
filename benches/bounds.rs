//! Ratios that a benchmark is to keep.

use std::process::ExitCode;

use crate::say;

/// Prints ratios beside their bounds, and remembers whether one was missed.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    missed: Vec<String>,
}

impl Bounds {
    /// A ratio that is to be so large at most.
    pub fn at_most(&mut self, name: &str, value: f64, most: f64) {
        self.keep(name, value, &format!("<= {most}"), value <= most);
    }

    /// A ratio that is to be so large at least.
    pub fn at_least(&mut self, name: &str, value: f64, least: f64) {
        self.keep(name, value, &format!(">= {least}"), value >= least);
    }

    /// What the program ends with.
    #[must_use]
    pub fn end(self) -> ExitCode {
        if self.missed.is_empty() {
            return ExitCode::SUCCESS;
        }
        say(format_args!("missed: {}", self.missed.join(", ")));
        ExitCode::FAILURE
    }

    fn keep(&mut self, name: &str, value: f64, bound: &str, holds: bool) {
        say(format_args!("ratio {name} {value:.3} (bound {bound}){}", if holds { "" } else { " MISSED" }));
        if !holds {
            self.missed.push(name.to_owned());
        }
    }
}
