//! The collector of traces, where one is configured.

use warmer_settings::redacted;

use super::finding::Finding;
use crate::environment::Environment;
use crate::telemetry::{Collector, Unreachable, Variables, reach};

/// Whether the endpoint takes connections.
pub(super) fn check(environment: &Environment) -> Finding {
    const NAME: &str = "traces";
    // With wrong ones this process would not have begun.
    let collector = Variables::read(environment).ok().and_then(|variables| variables.collector);
    let Some(Collector { variable, url, .. }) = collector else {
        return Finding::ok(NAME, "not exported; set OTEL_EXPORTER_OTLP_ENDPOINT to export them");
    };
    let shown = redacted(&url);
    match reach(&url) {
        Ok(()) => Finding::ok(NAME, format!("exported to {shown}")),
        Err(Unreachable::NotAUrl) => Finding::warn(NAME, format!("{variable} is no URL such as http://localhost:4318")),
        Err(Unreachable::Closed(_)) => {
            Finding::warn(NAME, format!("nothing answers at {shown} ({variable}): spans will be lost"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding::State;

    #[test]
    fn a_collector_that_does_not_answer_is_a_warning_without_its_password() {
        let url = "http://u:hunter2@127.0.0.1:1";
        let finding = check(&[("OTEL_EXPORTER_OTLP_ENDPOINT", url)].into_iter().collect());
        assert_eq!(finding.state, State::Warn);
        assert!(!finding.detail.contains("hunter2"), "{finding:?}");
        assert_eq!(check(&Environment::default()).state, State::Ok);
    }
}
