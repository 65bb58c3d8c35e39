//! Where spans and metrics go, and why they do not get there.

use opentelemetry_sdk::error::OTelSdkError;
use warmer_settings::redacted;

use super::collector::{Unreachable, reach};

/// Where they go.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// The collector at this URL.
    Collector(String),
    /// This file.
    File(String),
}

impl Target {
    /// Why they are dropped. The exporter says no more than that the network failed, so the collector is looked for
    /// again. Blocks; the exporter has a thread of its own.
    pub(crate) fn why(&self, error: &OTelSdkError) -> String {
        let url = match self {
            Self::Collector(url) => url,
            Self::File(path) => return format!("cannot write {path} ({error})"),
        };
        let shown = redacted(url);
        match reach(url) {
            Err(Unreachable::Closed(reason)) => format!("cannot reach {shown} ({})", reason.kind()),
            Err(Unreachable::NotAUrl) => format!("{shown} is no URL of a collector"),
            Ok(()) => format!("the collector at {shown} does not take them ({error})"),
        }
    }

    /// Why some are left at the end of the process.
    pub(crate) fn late(&self) -> String {
        match self {
            Self::Collector(url) => format!("the collector at {} does not take them in time", redacted(url)),
            Self::File(path) => format!("{path} is not written in time"),
        }
    }
}
