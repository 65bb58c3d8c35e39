//! What `warmer run` does before its pipeline starts.

use warmer_pipeline::{Registered, Tools, some_of};
use warmer_store::{Membership, StoreError, Takes};

use super::configured::{self, Followed};
use crate::context::Context;
use crate::database::patiently;
use crate::output::duration;

/// What is done before the pipeline starts.
pub(super) struct Begun {
    pub(super) followed: Followed,
    pub(super) registered: Registered,
    /// How often a reload had been asked for when the configuration was read.
    pub(super) reloads: u64,
}

/// It becomes known last: only then others expect signs of life.
pub(super) async fn begin(context: &Context, tools: &Tools) -> anyhow::Result<Begun> {
    let reloads = patiently(async || Ok(tools.store.asked().await?.reloads)).await?;
    start_delay(context).await;
    let (followed, registered) = patiently(async || {
        let followed = configured::follow(tools.store.as_ref(), &context.config.repositories).await?;
        Ok((followed, enter(context, tools).await?))
    })
    .await?;
    Ok(Begun { followed, registered, reloads })
}

/// Instances that a deploy starts together do not fall upon the database together. Pushes are heard meanwhile.
async fn start_delay(context: &Context) {
    let claimer = &context.config.claimer;
    let delay = claimer.start_delay + some_of(claimer.start_jitter);
    let wait = duration(delay);
    tracing::info!("waiting {wait} before the first job (claimer.start_delay, claimer.start_jitter)");
    tokio::time::sleep(delay).await;
}

/// Makes this process known, and hears what the fleet runs by.
async fn enter(context: &Context, tools: &Tools) -> Result<Registered, StoreError> {
    let capacity = u32::try_from(context.config.claimer.concurrency).unwrap_or(u32::MAX);
    let registered = Registered::new(tools, capacity, Takes::Any).await?;
    tools.fleet.enter(tools.store.as_ref(), tools.identity.get(), Membership::Joins).await?;
    Ok(registered)
}
