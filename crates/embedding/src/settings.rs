//! The sections `[model]` and `[runtime]`: which model, and what runs it.

use std::num::NonZeroUsize;

use schemars::JsonSchema;
use serde::Deserialize;

/// `[model]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// The model's directory; empty is the default model in the user's cache directory.
    pub path: String,
    /// The most tokens that the model reads at once, special ones included; 0 is the model's own limit.
    pub length_max: usize,
    /// The directory of the model that was named before, which answers until this one has all its vectors; empty is
    /// none.
    pub before_path: String,
    /// The most tokens that it reads at once, as `length_max` was then; 0 is its own limit.
    pub before_length_max: usize,
}

impl ModelSettings {
    /// The most tokens that the model reads at once, where this lowers the model's own limit.
    #[must_use]
    pub fn length_max(&self) -> Option<usize> {
        lowered(self.length_max)
    }

    /// The same of the model of before.
    #[must_use]
    pub fn before_length_max(&self) -> Option<usize> {
        lowered(self.before_length_max)
    }
}

fn lowered(length_max: usize) -> Option<usize> {
    NonZeroUsize::new(length_max).map(NonZeroUsize::get)
}

/// `[runtime]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuntimeSettings {
    /// The shared library of the ONNX Runtime; empty is the first that is found where it usually lies.
    pub library: String,
}
