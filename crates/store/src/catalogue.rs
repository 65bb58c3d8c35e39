//! The catalogue: which repositories are followed, and by which recipe.

use async_trait::async_trait;
use warmer_content::{EmbeddingId, Recipe};

use crate::error::StoreError;
use crate::fleet::{Agreement, Configuration, Fleet, Membership};
use crate::generation::{Dropped, Generation, GenerationState};
use crate::job::InstanceId;
use crate::policy::Policy;
use crate::repository::{Repository, RepositoryId, RepositoryState};

/// Which repositories are followed, and by which recipe.
#[async_trait]
pub trait Catalogue: Send + Sync {
    /// Adds a repository, or gives the one that is there: two refs of a remote are two repositories, two spellings of a
    /// remote are one. `location` is what all spellings have in common; of the one that is there the remote stays as it
    /// is.
    ///
    /// `remote` is stored and shown as it is; a caller refuses one with a password before.
    async fn add_repository_at(
        &self,
        remote: &str,
        location: &str,
        reference: Option<&str>,
    ) -> Result<Repository, StoreError>;

    /// The same for a remote that has one spelling only.
    async fn add_repository(&self, remote: &str, reference: Option<&str>) -> Result<Repository, StoreError> {
        self.add_repository_at(remote, remote, reference).await
    }

    /// Has it fetched by another spelling of its remote from now on. False if it is not there.
    async fn set_remote(&self, id: RepositoryId, remote: &str) -> Result<bool, StoreError>;

    /// All of them, by remote and ref.
    async fn repositories(&self) -> Result<Vec<Repository>, StoreError>;

    /// One by its row.
    async fn repository(&self, id: RepositoryId) -> Result<Option<Repository>, StoreError>;

    /// Removes it with its jobs, entries and history; what it alone reached is left to the collection.
    /// A claim on it is thereby lost. False if it was not there.
    async fn remove_repository(&self, id: RepositoryId) -> Result<bool, StoreError>;

    /// Says how it is kept warm. A rank that is another than before is also that of its queued job. False if it is not
    /// there.
    async fn set_policy(&self, id: RepositoryId, policy: &Policy) -> Result<bool, StoreError>;

    /// Pauses, resumes, buries. What is made active is due at once, with nothing held against it. False if it is not
    /// there.
    async fn set_state(&self, id: RepositoryId, state: RepositoryState) -> Result<bool, StoreError>;

    /// The remote or its ref is gone: what is served is served on, marked stale since the first such call.
    /// The next attempt that ends well takes the mark away. False if it is not there.
    async fn mark_stale(&self, id: RepositoryId, why: &str) -> Result<bool, StoreError>;

    /// Says what this instance runs by, and hears what the fleet does; where it may, its own becomes the fleet's.
    async fn agree(
        &self,
        instance: InstanceId,
        configuration: &Configuration,
        membership: Membership,
    ) -> Result<Agreement, StoreError>;

    /// What the fleet runs by; `None` before an instance said so.
    async fn fleet(&self) -> Result<Option<Fleet>, StoreError>;

    /// The generations that there are, the one that changed last first.
    async fn generations(&self) -> Result<Vec<Generation>, StoreError>;

    /// Has searches use the generation of `recipe` once it covers what is served: every repository that is active,
    /// served and to be reached. Paused, dead and vanished ones do not hold it up. One that retired does not come back
    /// so, nor does one that the fleet does not make. Whether it is the active one now.
    async fn activate_when_covered(&self, recipe: Recipe) -> Result<bool, StoreError>;

    /// Repositories that hold that up, at most `limit`.
    async fn uncovered(&self, recipe: Recipe, limit: u32) -> Result<Vec<Repository>, StoreError>;

    /// Where the generation of `recipe` stands; `None`: there is none.
    async fn generation_state(&self, recipe: Recipe) -> Result<Option<GenerationState>, StoreError>;

    /// Has searches use the generation of `recipe`, whatever it has of its vectors: forward at once, or back to one
    /// that retired. It covers what is served under its chunking by then, so that all of it is found by its words.
    /// False if there is none.
    async fn activate(&self, recipe: Recipe) -> Result<bool, StoreError>;

    /// Drops the generation of `recipe`, unless it is needed; its vectors fall to the collection.
    async fn drop_generation(&self, recipe: Recipe) -> Result<Dropped, StoreError>;

    /// The recipe of the active generation; `None` before the first publication.
    async fn active_recipe(&self) -> Result<Option<Recipe>, StoreError>;

    /// All repositories by remote and ref, and the embedding by which they are found at that very moment: `None` where
    /// none is.
    async fn found(&self) -> Result<(Option<EmbeddingId>, Vec<Repository>), StoreError>;
}
