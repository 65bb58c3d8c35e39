//! Which repositories an answer may be about.

use std::collections::BTreeSet;

use warmer_store::RepositoryId;

/// The repositories that whoever asks may see. What is outside it is for every view as if it were not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them, those too that are added later.
    All,
    /// Just these.
    Only(BTreeSet<RepositoryId>),
}

impl Scope {
    /// Just these.
    pub fn only(repositories: impl IntoIterator<Item = RepositoryId>) -> Self {
        Self::Only(repositories.into_iter().collect())
    }

    /// Whether it has this one.
    #[must_use]
    pub fn contains(&self, repository: RepositoryId) -> bool {
        match self {
            Self::All => true,
            Self::Only(some) => some.contains(&repository),
        }
    }

    /// Of it, only what is among `wanted`; all of it where there is no such list. As a store takes it: `None` for all.
    pub(crate) fn among(&self, wanted: Option<&[RepositoryId]>) -> Option<Vec<RepositoryId>> {
        match (self, wanted) {
            (Self::All, None) => None,
            (Self::Only(some), None) => Some(some.iter().copied().collect()),
            (_, Some(wanted)) => Some(wanted.iter().copied().filter(|id| self.contains(*id)).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_never_more_than_what_may_be_seen() {
        let ids = |ids: &[i64]| ids.iter().copied().map(RepositoryId).collect::<Vec<_>>();
        let scope = Scope::only(ids(&[1, 2]));
        assert_eq!(scope.among(Some(&ids(&[2, 3]))), Some(ids(&[2])));
        assert_eq!(scope.among(None), Some(ids(&[1, 2])));
        assert_eq!(Scope::All.among(Some(&ids(&[3]))), Some(ids(&[3])));
        assert_eq!(Scope::All.among(None), None);
        assert_eq!(Scope::only([]).among(None), Some(vec![]), "an empty scope is not all of it");
    }
}
