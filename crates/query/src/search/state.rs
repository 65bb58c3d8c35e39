//! What came of a search as a whole.

use serde::Serialize;

/// Why a search found nothing, or that it found something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There are hits.
    Found,
    /// There are texts, but none in a file that the filter lets through.
    NoFileMatches,
    /// Nothing was ever served, but a job is queued or runs.
    BeingWarmed,
    /// Nothing was ever served, and attempts fail; or what is served has no text, but it could not be checked since.
    ChecksFail,
    /// Nothing was ever served, and nothing is under way.
    NeverWarmed,
    /// What is served was embedded by another model.
    OtherModel,
    /// What is served has no text.
    Nothing,
    /// The texts lack their vectors, and none of them has a word of the question.
    NoVectors,
    /// Without the model only words are looked for, and no text has one of the question.
    NoWords,
    /// No word of the question says what is sought.
    NothingAsked,
}
