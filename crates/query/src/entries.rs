//! `Entries`: what a repository serves, file by file.

use std::collections::BTreeMap;

use serde::Serialize;
use warmer_content::SkipReason;
use warmer_store::{RepositoryId, RepositoryState, Store, Totals};

use crate::error::QueryError;
use crate::freshness::{Freshness, by_name};
use crate::moment::Moment;
use crate::names;
use crate::scope::Scope;

/// Entries read at once.
const PAGE: u32 = 1000;

/// A repository, and what it serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entries {
    /// Bytes of the indexed files.
    pub bytes: u64,
    /// Chunks of the indexed files.
    pub chunks: u64,
    /// The commit whose files are served.
    pub commit: Option<String>,
    /// In the order of their paths, by bytes. Empty where only the sums were asked for.
    pub entries: Vec<Entry>,
    /// Since when its checks fail.
    pub failing_since: Option<Moment>,
    /// How many there are.
    pub files: Files,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// Secrets that are asterisks in the texts.
    pub masked: u64,
    /// When what is served was published.
    pub published_at: Option<Moment>,
    /// The ref as it was asked for; `None` follows the remote's HEAD.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Its remote.
    pub repository: String,
    /// When what is served was last known to be current.
    pub served_at: Option<Moment>,
    /// The full name of the ref that is served.
    pub served_ref: Option<String>,
    /// The size of the chunks together.
    pub size: u64,
    /// Since when its remote or ref is gone.
    pub stale_since: Option<Moment>,
    /// Whether it is checked by itself.
    #[serde(serialize_with = "by_name")]
    pub state: RepositoryState,
}

/// How many files there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Files {
    /// With an artifact.
    pub indexed: u64,
    /// Without, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
}

/// A file: what it shows, or why it shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The key of its artifact, in hexadecimal.
    pub artifact: Option<String>,
    /// What path and attributes say of its language.
    pub language_hint: String,
    /// The blob's id, in hexadecimal.
    pub oid: String,
    /// Relative to the repository's root.
    pub path: String,
    /// Why it is skipped.
    #[serde(serialize_with = "crate::freshness::by_names")]
    pub skip: Option<SkipReason>,
}

impl Entries {
    /// The repository with all its entries.
    ///
    /// # Errors
    /// When the scope does not have it, or the store fails.
    pub async fn all(store: &dyn Store, scope: &Scope, id: RepositoryId) -> Result<Self, QueryError> {
        let (mut pages, mut entries) = (Pages::of(store, scope, id), vec![]);
        while let Some(page) = pages.next().await? {
            entries.extend(page);
        }
        Ok(Self { entries, ..Self::summed(store, scope, id).await? })
    }

    /// The repository with the sums alone.
    ///
    /// # Errors
    /// As [`Entries::all`].
    pub async fn summed(store: &dyn Store, scope: &Scope, id: RepositoryId) -> Result<Self, QueryError> {
        let row = names::followed_by_id(store, scope, id).await?;
        let Totals { indexed, skipped, chunks, size, bytes, masked } = store.totals(id).await?;
        let (commit, served_ref) = row.served.map(|served| (served.commit, served.reference)).unzip();
        let skipped = skipped.into_iter().map(|(reason, count)| (reason.as_str(), count)).collect();
        Ok(Self {
            bytes,
            chunks,
            commit,
            entries: vec![],
            failing_since: row.failing_since.map(Moment),
            files: Files { indexed, skipped },
            last_error: row.last_error,
            masked,
            published_at: row.published_at.map(Moment),
            reference: row.reference,
            repository: row.remote,
            served_at: row.served_at.map(Moment),
            served_ref,
            size,
            stale_since: row.stale_since.map(Moment),
            state: row.state,
        })
    }

    /// How old they are.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        Freshness {
            name: names::short_name(&self.repository, self.reference.as_deref()),
            commit: self.commit.clone(),
            published_at: self.published_at,
            served_at: self.served_at,
            stale_since: self.stale_since,
            failing_since: self.failing_since,
            last_error: self.last_error.clone(),
            state: self.state,
        }
    }
}

/// The entries of a repository, page by page: a large one need not be in memory as a whole.
pub struct Pages<'a> {
    store: &'a dyn Store,
    repository: Option<RepositoryId>,
    after: Option<String>,
}

impl<'a> Pages<'a> {
    /// From the first on. Outside the scope there are none.
    #[must_use]
    pub fn of(store: &'a dyn Store, scope: &Scope, repository: RepositoryId) -> Self {
        Self { store, repository: scope.contains(repository).then_some(repository), after: None }
    }

    /// The next page; `None` behind the last.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next(&mut self) -> Result<Option<Vec<Entry>>, QueryError> {
        let Some(repository) = self.repository else { return Ok(None) };
        let page = self.store.entries_page(repository, self.after.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.after = Some(last.path.clone());
        Ok(Some(page.into_iter().map(Entry::of).collect()))
    }
}

impl Entry {
    pub(crate) fn of(row: warmer_store::Entry) -> Self {
        Self {
            artifact: row.artifact.map(|key| key.to_string()),
            language_hint: row.language_hint,
            oid: row.oid,
            path: row.path,
            skip: row.skip,
        }
    }
}
