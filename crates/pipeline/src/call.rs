//! A call of something outside of a stage, as an attempt's timeline keeps it.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use warmer_store::StoreError;

use crate::slowest::Took;

/// Who is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// The process that does git's work.
    Git,
    /// The database.
    Database,
    /// The embedding provider.
    Model,
}

/// A call of something outside of the stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Who is called.
    pub system: System,
    /// What it is asked for: few names.
    pub name: Cow<'static, str>,
    /// Since the claim; 0 of what belongs to no attempt.
    pub began: Duration,
    /// Until the answer.
    pub took: Duration,
    /// The class of the failure, one word of few, where it did not do what it was asked for. Never a text, which may
    /// have a secret in it.
    pub failure: Option<Cow<'static, str>>,
    /// By which code PostgreSQL calls it (SQLSTATE), where it said one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// What a call failed of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    class: &'static str,
    code: Option<String>,
}

impl From<&'static str> for Failed {
    fn from(class: &'static str) -> Self {
        Self { class, code: None }
    }
}

impl From<&StoreError> for Failed {
    fn from(error: &StoreError) -> Self {
        Self { class: error.kind().as_str(), code: error.code().map(str::to_owned) }
    }
}

impl Call {
    pub(crate) fn new(
        (system, name): (System, &'static str),
        began: Duration,
        took: Duration,
        failed: Option<Failed>,
    ) -> Self {
        let (failure, code) = failed.map(|Failed { class, code }| (class.into(), code)).unzip();
        Self { system, name: name.into(), began, took, failure, code: code.flatten() }
    }
}

impl Took for Call {
    fn took(&self) -> Duration {
        self.took
    }
}
