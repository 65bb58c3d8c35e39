//! The catalogue's rows.

use async_trait::async_trait;
use warmer_content::{EmbeddingId, Recipe};

use super::enqueue::RANK_MAX;
use super::fill_jobs::lane_rank;
use super::rows::digest;
use super::transient::retrying;
use super::{
    Base, Connection as _, Fault, Row as _, Value, Writing as _, calendar, drop_generations, fleet, generation, micros,
    odd, repository, repository_columns, values,
};
use crate::catalogue::Catalogue;
use crate::error::StoreError;
use crate::fleet::{Agreement, Configuration, Fleet, Membership};
use crate::generation::{Dropped, Generation, GenerationState};
use crate::job::InstanceId;
use crate::policy::{Policy, Refresh};
use crate::repository::{Repository, RepositoryId, RepositoryState};

const ADD: &str =
    "INSERT INTO repository (remote, location, reference, created_at) SELECT $1, $2, $3, now FROM clock WHERE true
     ON CONFLICT (location, reference) DO UPDATE SET location = excluded.location RETURNING id";
const ALL: &str =
    concat!("SELECT ", repository_columns!(), " FROM repository_served AS repository ORDER BY remote, reference");
/// In one statement: a switch comes before or after it.
const FOUND: &str = concat!(
    "SELECT ",
    repository_columns!(),
    ", (SELECT fingerprint.digest FROM generation JOIN fingerprint ON fingerprint.id = generation.embedding
        WHERE generation.state = 'active') AS active_embedding
     FROM repository_served AS repository ORDER BY remote, reference"
);
/// What a repository without a ref of its own follows.
const HEAD: &str = "HEAD";
const SET_POLICY: &str = "
    UPDATE repository SET refresh = $2, rank = $3, include = $4, exclude = $5, configured = $6, calendar = $7,
        staleness_budget = $8
    WHERE id = $1";
/// Of all that is queued for it, each in the order that it was put there by.
const SET_RANK: &str =
    concat!("UPDATE job SET rank = ", lane_rank!("$2", "lane"), " WHERE repository = $1 AND state = 'queued'");
const ONE: &str =
    concat!("SELECT ", repository_columns!(), " FROM repository_served AS repository WHERE repository.id = $1");
const SET_REMOTE: &str = "UPDATE repository SET remote = $2 WHERE id = $1";
const REMOVE: &str = "DELETE FROM repository WHERE id = $1";
/// Who makes it active wants it to be looked at now.
const SET_STATE: &str = "
    UPDATE repository SET state = $2, failures = CASE WHEN $2 = 'active' THEN 0 ELSE failures END,
        tried_at = CASE WHEN $2 = 'active' THEN NULL ELSE tried_at END
    WHERE id = $1";
const MARK_STALE: &str = "
    UPDATE repository SET stale_since = coalesce(stale_since, (SELECT now FROM clock)), last_error = $2 WHERE id = $1";

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
        membership: Membership,
    ) -> Result<Agreement, StoreError> {
        retrying!(self, fleet::agree(self, instance, configuration, membership))
    }

    async fn fleet(&self) -> Result<Option<Fleet>, StoreError> {
        retrying!(self, fleet::fleet(self))
    }

    async fn generations(&self) -> Result<Vec<Generation>, StoreError> {
        retrying!(self, generation::list(self))
    }

    async fn activate_when_covered(&self, recipe: Recipe) -> Result<bool, StoreError> {
        retrying!(self, generation::activate_when_covered(self, recipe))
    }

    async fn uncovered(&self, recipe: Recipe, limit: u32) -> Result<Vec<Repository>, StoreError> {
        retrying!(self, generation::uncovered(self, recipe, limit))
    }

    async fn activate(&self, recipe: Recipe) -> Result<bool, StoreError> {
        retrying!(self, generation::activate(self, recipe))
    }

    async fn generation_state(&self, recipe: Recipe) -> Result<Option<GenerationState>, StoreError> {
        retrying!(self, generation::state(self, recipe))
    }

    async fn drop_generation(&self, recipe: Recipe) -> Result<Dropped, StoreError> {
        retrying!(self, drop_generations::drop_one(self, recipe))
    }

    async fn active_recipe(&self) -> Result<Option<Recipe>, StoreError> {
        retrying!(self, generation::active(self))
    }

    async fn found(&self) -> Result<(Option<EmbeddingId>, Vec<Repository>), StoreError> {
        retrying!(self, found(self))
    }
}

async fn add<B: Base>(store: &B, remote: &str, location: &str, reference: &str) -> Result<Repository, Fault> {
    let mut tx = store.single().await?;
    let id = tx.one(ADD, values![remote, location, reference]).await?.int("id")?;
    let row = tx.one(ONE, values![id]).await?;
    tx.commit().await?;
    Ok(repository(&row)?)
}

async fn set_policy<B: Base>(store: &B, id: RepositoryId, policy: &Policy) -> Result<bool, Fault> {
    let refresh = policy.refresh.as_ref().map(|refresh| match refresh {
        Refresh::Cron(_) => -1,
        Refresh::Adaptive => 0,
        // Nothing is checked without a pause.
        Refresh::Every(every) => micros(*every).max(1),
    });
    let calendar = match &policy.refresh {
        Some(Refresh::Cron(cron)) => Some(cron.as_str()),
        _ => None,
    };
    let globs = |globs: &[String]| serde_json::to_string(globs).map_err(odd);
    let (include, exclude) = (globs(&policy.include)?, globs(&policy.exclude)?);
    let rank = policy.rank.clamp(-RANK_MAX, RANK_MAX);
    let mut tx = store.write().await?;
    let lock = <B::Connection as super::Statements>::LOCK_REPOSITORY;
    let Some(row) = tx.maybe(lock, values![id.0]).await? else { return Ok(false) };
    let budget = policy.staleness_budget.map(micros);
    tx.run(SET_POLICY, values![id.0, refresh, rank, &include, &exclude, policy.configured, calendar, budget]).await?;
    // A moment that was missed stays so, where the calendar is the same.
    if row.maybe_text("calendar")? != calendar {
        let now = row.int("now")?;
        calendar::set(&mut *tx, id.0, calendar.map(|calendar| (calendar, now))).await?;
    }
    // What a person asked for keeps its rank when a daemon says the same as before.
    if row.int("rank")? != i64::from(rank) {
        tx.run(SET_RANK, values![id.0, rank]).await?;
    }
    tx.commit().await?;
    Ok(true)
}

async fn found<B: Base>(store: &B) -> Result<(Option<EmbeddingId>, Vec<Repository>), Fault> {
    let found = store.read().await?.all(FOUND, &[]).await?;
    let active = found.first().map(|row| row.maybe_bytes("active_embedding")).transpose()?.flatten();
    let active = active.map(digest).transpose()?.map(EmbeddingId);
    Ok((active, found.iter().map(repository).collect::<sqlx::Result<_>>()?))
}

async fn select<B: Base>(store: &B, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Repository>, Fault> {
    let found = store.read().await?.all(sql, values).await?;
    Ok(found.iter().map(repository).collect::<sqlx::Result<_>>()?)
}
