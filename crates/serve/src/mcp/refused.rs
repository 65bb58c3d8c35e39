//! Why a call has no answer.

use warmer_query::QueryError;
use warmer_query::text::printable_line;
use warmer_store::StoreError;

/// Why a call has no answer, in sentences that say what to do. The agent reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

impl Refused {
    /// A sentence that may quote what others named.
    pub(super) fn new(sentence: impl AsRef<str>) -> Self {
        Self(sentence.as_ref().lines().map(printable_line).collect::<Vec<_>>().join("\n"))
    }

    /// The database does not answer.
    pub(super) fn store(error: StoreError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<QueryError> for Refused {
    fn from(error: QueryError) -> Self {
        Self::new(error.to_string())
    }
}
