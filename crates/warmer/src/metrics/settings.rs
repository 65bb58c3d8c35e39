//! The section `[metrics]`.

use schemars::JsonSchema;
use serde::Deserialize;

/// `[metrics]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricsSettings {
    /// Whether there are metrics with a repository's name in them.
    pub(crate) per_repository: bool,
}
