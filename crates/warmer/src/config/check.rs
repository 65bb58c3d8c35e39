//! What no value can say alone, and warnings.

use super::problem::{Origin, Problem};
use super::repositories::Repository;
use super::sections::Config;
use super::value::Valued;

/// Jobs in flight above which a process is warned.
const CONCURRENCY_WARNED: usize = 32;

/// Everything that is wrong although each value suits its key, where the key got its value.
pub(super) fn check(config: &Config, values: &[Valued]) -> Vec<Problem> {
    let problem = |(section, mistake): (&str, warmer_settings::Mistake)| {
        let mine = |valued: &&Valued| valued.section == section && valued.key == mistake.key;
        let origin = values.iter().find(mine).map_or(Origin::Defaults, |valued| valued.origin.clone());
        Problem { origin, key: format!("{section}.{}", mistake.key), message: mistake.message }
    };
    config.mistakes().map(problem).collect()
}

/// Repositories that this process could never fetch. Its fleet may: it starts all the same.
pub(crate) fn not_allowed(config: &Config) -> Vec<Problem> {
    let problem = |repository: &Repository| {
        let message = config.git.allows(&repository.remote().ok()?).err()?;
        Some(Problem { origin: repository.origin.clone(), key: "repositories.url".to_owned(), message })
    };
    config.repositories.iter().filter_map(problem).collect()
}

/// What is allowed but probably not meant.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let concurrency = config.claimer.concurrency;
    let mut warnings = Vec::new();
    if concurrency > CONCURRENCY_WARNED {
        warnings.push(format!(
            "claimer.concurrency is {concurrency}: above {CONCURRENCY_WARNED} jobs in flight the stages do not become \
             faster, while each holds a claim and memory of its own; run another instance instead"
        ));
    }
    // 0 is one for each job.
    if concurrency == 1 || config.fetcher.workers == 1 {
        let key = if concurrency == 1 { "claimer.concurrency" } else { "fetcher.workers" };
        warnings.push(format!(
            "{key} is 1: only one job runs at a time, so the checks of other repositories wait while one is warmed; \
             with 2 or more one is left to them"
        ));
    }
    warnings.extend(not_allowed(config).iter().map(ToString::to_string));
    warnings
}
