//! How often a repository is checked by itself, as views show it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::text::printable;

/// `adaptive`, `never`, a duration such as `15m`, or `cron:` and an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh(pub Option<warmer_store::Refresh>);

impl fmt::Display for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(warmer_store::Refresh::Adaptive) => f.write_str("adaptive"),
            Some(warmer_store::Refresh::Every(every)) => humantime::format_duration(*every).fmt(f),
            Some(warmer_store::Refresh::Cron(cron)) => write!(f, "cron:{}", printable(&cron.to_string())),
            None => f.write_str("never"),
        }
    }
}

impl Serialize for Refresh {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
