//! The catalogue's rows.

use async_trait::async_trait;
use warmer_content::{ChunkingId, EmbeddingId, Recipe};

use super::enqueue::RANK_MAX;
use super::transient::retrying;
use super::{
    Base, Connection as _, Fault, Row as _, Value, Writing as _, fleet, micros, odd, repository, repository_columns,
    values,
};
use crate::catalogue::Catalogue;
use crate::error::StoreError;
use crate::fleet::{Agreement, Configuration, Fleet, Standing};
use crate::job::InstanceId;
use crate::policy::{Policy, Refresh};
use crate::repository::{Repository, RepositoryId, RepositoryState};

const ADD: &str = concat!(
    "INSERT INTO repository (remote, location, reference, created_at) SELECT $1, $2, $3, now FROM clock WHERE true
     ON CONFLICT (location, reference) DO UPDATE SET location = excluded.location RETURNING ",
    repository_columns!()
);
const ALL: &str = concat!("SELECT ", repository_columns!(), " FROM repository ORDER BY remote, reference");
/// What a repository without a ref of its own follows.
const HEAD: &str = "HEAD";
const SET_POLICY: &str = "
    UPDATE repository SET refresh = $2, rank = $3, include = $4, exclude = $5, configured = $6 WHERE id = $1";
const SET_RANK: &str = "UPDATE job SET rank = $2 WHERE repository = $1 AND state = 'queued'";
const ONE: &str = concat!("SELECT ", repository_columns!(), " FROM repository WHERE id = $1");
const SET_REMOTE: &str = "UPDATE repository SET remote = $2 WHERE id = $1";
const REMOVE: &str = "DELETE FROM repository WHERE id = $1";
/// Who makes it active wants it to be looked at now.
const SET_STATE: &str = "
    UPDATE repository SET state = $2, failures = CASE WHEN $2 = 'active' THEN 0 ELSE failures END,
        tried_at = CASE WHEN $2 = 'active' THEN NULL ELSE tried_at END
    WHERE id = $1";
const MARK_STALE: &str = "
    UPDATE repository SET stale_since = coalesce(stale_since, (SELECT now FROM clock)), last_error = $2 WHERE id = $1";
const SET_RECIPE: &str = "
    INSERT INTO setting (name, value) VALUES ('active_embedding', $1), ('active_chunking', $2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const RECIPE: &str = "
    SELECT embedding.value AS embedding, chunking.value AS chunking FROM setting AS embedding, setting AS chunking
    WHERE embedding.name = 'active_embedding' AND chunking.name = 'active_chunking'";

#[async_trait]
impl<B: Base> Catalogue for B {
    async fn add_repository_at(
        &self,
        remote: &str,
        location: &str,
        reference: Option<&str>,
    ) -> Result<Repository, StoreError> {
        let reference = reference.filter(|reference| *reference != HEAD).unwrap_or_default();
        retrying!(self, add(self, remote, location, reference))
    }

    async fn set_remote(&self, id: RepositoryId, remote: &str) -> Result<bool, StoreError> {
        retrying!(self, self.once(SET_REMOTE, values![id.0, remote])).map(|rows| rows > 0)
    }

    async fn repositories(&self) -> Result<Vec<Repository>, StoreError> {
        retrying!(self, select(self, ALL, &[]))
    }

    async fn repository(&self, id: RepositoryId) -> Result<Option<Repository>, StoreError> {
        retrying!(self, select(self, ONE, values![id.0])).map(|mut found| found.pop())
    }

    async fn find_repository(&self, text: &str, reference: Option<&str>) -> Result<Vec<Repository>, StoreError> {
        let mut found = self.repositories().await?;
        let named = |repository: &Repository| repository.reference.clone().unwrap_or_else(|| HEAD.to_owned());
        found.retain(|repository| reference.is_none_or(|reference| named(repository) == reference));
        if found.iter().any(|repository| repository.remote == text) {
            found.retain(|repository| repository.remote == text);
        } else {
            found.retain(|repository| ends_with(&repository.remote, text));
        }
        Ok(found)
    }

    async fn remove_repository(&self, id: RepositoryId) -> Result<bool, StoreError> {
        retrying!(self, self.once(REMOVE, values![id.0])).map(|rows| rows > 0)
    }

    async fn set_policy(&self, id: RepositoryId, policy: &Policy) -> Result<bool, StoreError> {
        retrying!(self, set_policy(self, id, policy))
    }

    async fn set_state(&self, id: RepositoryId, state: RepositoryState) -> Result<bool, StoreError> {
        retrying!(self, self.once(SET_STATE, values![id.0, state.as_str()])).map(|rows| rows > 0)
    }

    async fn mark_stale(&self, id: RepositoryId, why: &str) -> Result<bool, StoreError> {
        retrying!(self, self.once(MARK_STALE, values![id.0, why])).map(|rows| rows > 0)
    }

    async fn agree(
        &self,
        instance: InstanceId,
        configuration: &Configuration,
        standing: Standing,
    ) -> Result<Agreement, StoreError> {
        retrying!(self, fleet::agree(self, instance, configuration, standing))
    }

    async fn fleet(&self) -> Result<Option<Fleet>, StoreError> {
        retrying!(self, fleet::fleet(self))
    }

    async fn activate_when_served(&self, recipe: Recipe) -> Result<bool, StoreError> {
        retrying!(self, activate_when_served(self, recipe))
    }

    async fn set_active_recipe(&self, recipe: Recipe) -> Result<(), StoreError> {
        let (embedding, chunking) = (recipe.embedding.to_string(), recipe.chunking.to_string());
        retrying!(self, self.once(SET_RECIPE, values![&embedding, &chunking])).map(drop)
    }

    async fn active_recipe(&self) -> Result<Option<Recipe>, StoreError> {
        retrying!(self, active_recipe(self))
    }
}

async fn add<B: Base>(store: &B, remote: &str, location: &str, reference: &str) -> Result<Repository, Fault> {
    let mut tx = store.single().await?;
    let row = tx.one(ADD, values![remote, location, reference]).await?;
    tx.commit().await?;
    Ok(repository(&row)?)
}

async fn set_policy<B: Base>(store: &B, id: RepositoryId, policy: &Policy) -> Result<bool, Fault> {
    let refresh = policy.refresh.map(|refresh| match refresh {
        Refresh::Adaptive => 0,
        // Nothing is checked without a pause.
        Refresh::Every(every) => micros(every).max(1),
    });
    let globs = |globs: &[String]| serde_json::to_string(globs).map_err(odd);
    let (include, exclude) = (globs(&policy.include)?, globs(&policy.exclude)?);
    let rank = policy.rank.clamp(-RANK_MAX, RANK_MAX);
    let mut tx = store.write().await?;
    let Some(row) = tx.maybe(<B::Connection as super::Statements>::SERVED, values![id.0]).await? else {
        return Ok(false);
    };
    tx.run(SET_POLICY, values![id.0, refresh, rank, &include, &exclude, policy.configured]).await?;
    // What a person asked for keeps its rank when a daemon says the same as before.
    if repository(&row)?.policy.rank != rank {
        tx.run(SET_RANK, values![id.0, rank]).await?;
    }
    tx.commit().await?;
    Ok(true)
}

async fn activate_when_served<B: Base>(store: &B, recipe: Recipe) -> Result<bool, Fault> {
    const OTHERS: &str = "
        SELECT EXISTS (SELECT 1 FROM repository WHERE state = 'active' AND refresh IS NOT NULL
                       AND served_embedding = $1) AS others";
    let active = active_recipe(store).await?;
    if active == Some(recipe) {
        return Ok(true);
    }
    if let Some(active) = active.filter(|active| active.embedding != recipe.embedding)
        && store.read().await?.one(OTHERS, values![&active.embedding.0]).await?.flag("others")?
    {
        return Ok(false);
    }
    let (embedding, chunking) = (recipe.embedding.to_string(), recipe.chunking.to_string());
    store.once(SET_RECIPE, values![&embedding, &chunking]).await?;
    Ok(true)
}

async fn select<B: Base>(store: &B, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Repository>, Fault> {
    let found = store.read().await?.all(sql, values).await?;
    Ok(found.iter().map(repository).collect::<sqlx::Result<_>>()?)
}

pub(super) async fn active_recipe<B: Base>(store: &B) -> Result<Option<Recipe>, Fault> {
    let Some(row) = store.read().await?.maybe(RECIPE, &[]).await? else { return Ok(None) };
    let digest = |column| row.text(column)?.parse().map_err(odd);
    Ok(Some(Recipe { embedding: EmbeddingId(digest("embedding")?), chunking: ChunkingId(digest("chunking")?) }))
}

/// Whether `text` is the end of `remote` from a `/` (or the `:` of an scp-like address) on.
fn ends_with(remote: &str, text: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim_end_matches('/');
        text.strip_suffix(".git").unwrap_or(text).trim_end_matches('/').to_owned()
    };
    let (remote, text) = (bare(remote), bare(text));
    let Some(front) = remote.strip_suffix(&text) else { return false };
    !text.is_empty() && (front.is_empty() || text.starts_with('/') || front.ends_with(['/', ':']))
}

#[cfg(test)]
mod tests {
    use super::ends_with;

    #[test]
    fn a_repository_is_found_by_the_end_of_its_remote() {
        let remote = "https://host/team/app.git";
        for text in ["app", "app.git", "team/app", "host/team/app", "/app", "app/"] {
            assert!(ends_with(remote, text), "{text}");
        }
        for text in ["pp", "eam/app", "team", "", "/", ".git"] {
            assert!(!ends_with(remote, text), "{text}");
        }
        assert!(ends_with("git@host:app.git", "app"));
        assert!(ends_with("/home/me/app/", "me/app"));
        assert!(ends_with("/home/me/app/.git", "app"));
    }
}
