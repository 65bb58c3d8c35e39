//! Where spans and metrics go, and why they do not get there.

use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkError;
use warmer_settings::redacted;

use super::collector::{Unreachable, reach};
use super::variables::Collector;
use crate::output::duration;

/// Where they go.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A collector.
    Collector {
        /// Where it is.
        url: String,
        /// Whoever sends to it gives up after so long.
        timeout: Duration,
    },
    /// This file.
    File(String),
}

impl Target {
    /// The collector that the variables name.
    pub(crate) fn of(collector: &Collector) -> Self {
        Self::Collector { url: collector.url.clone(), timeout: collector.timeout }
    }

    /// Why they are dropped, after so long. The exporter says no more than that the network failed, so the collector is
    /// looked for again. Blocks; the exporter has a thread of its own.
    pub(crate) fn why(&self, error: &OTelSdkError, took: Duration) -> String {
        let (url, timeout) = match self {
            Self::Collector { url, timeout } => (url, *timeout),
            Self::File(path) => return format!("cannot write {path} ({error})"),
        };
        let answered = error.to_string().contains("status code");
        let shown = redacted(url);
        match reach(url) {
            Err(Unreachable::Closed(reason)) => format!("cannot reach {shown} ({})", reason.kind()),
            Err(Unreachable::NotAUrl) => format!("{shown} is no URL of a collector"),
            Ok(()) if took >= timeout && !answered => {
                let timeout = duration(timeout);
                format!("the collector at {shown} takes connections and does not answer within {timeout}")
            }
            Ok(()) => format!("the collector at {shown} does not take them ({error})"),
        }
    }

    /// Why some are left at the end of the process.
    pub(crate) fn late(&self) -> String {
        match self {
            Self::Collector { url, .. } => format!("the collector at {} does not take them in time", redacted(url)),
            Self::File(path) => format!("{path} is not written in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_collector_that_hangs_is_told_from_one_that_is_away_and_one_that_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let target = Target::Collector { url: url.clone(), timeout: Duration::from_secs(10) };
        let failed =
            |error: &str, took| target.why(&OTelSdkError::InternalFailure(error.to_owned()), Duration::from_secs(took));
        let hangs = format!("the collector at {url} takes connections and does not answer within 10s");
        assert_eq!(failed("HTTP export failed: network error", 10), hangs);
        let refused = "HTTP export failed with status code: 503";
        let refuses = format!("the collector at {url} does not take them (Operation failed: {refused})");
        assert_eq!([failed(refused, 1), failed(refused, 10)], [refuses.clone(), refuses]);
        drop(listener);
        assert_eq!(failed("HTTP export failed: network error", 10), format!("cannot reach {url} (connection refused)"));
    }
}
