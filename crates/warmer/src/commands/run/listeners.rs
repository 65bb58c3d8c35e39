//! The ports of `warmer run`: administration, health alone, metrics alone, webhooks.

use std::sync::Arc;

use warmer_git::Location;
use warmer_serve::webhooks::{HookSecrets, Webhooks};
use warmer_serve::{Exposure, Health, Limits, ListenError, Listening, Router, metrics};
use warmer_store::Store;

use crate::context::Context;

/// What listens now.
#[derive(Default)]
pub(super) struct Listeners {
    /// Health, and whatever else is told of the process.
    told: Vec<Listening>,
    webhooks: Option<Listening>,
}

impl Listeners {
    /// Opens what tells of this process, so that probes are answered from the start.
    ///
    /// # Errors
    /// When a port cannot be opened that the configuration names.
    pub(super) async fn open(context: &Context, health: &Health) -> anyhow::Result<Self> {
        let config = &context.config.admin;
        let mut listeners = Self::default();
        let measured = context.metrics.render().map(metrics);
        let told = measured.iter().cloned().fold(health.router(), Router::merge);
        match listening(config.exposure(), told).await {
            // Another instance on this machine has it: each has it only where somebody asked for it.
            Err(error @ ListenError::Port { .. }) if context.given.is_default("admin", "listen") => {
                tracing::warn!(
                    "{error}, or \"\" to listen nowhere; this instance works on, and nobody can ask there how it is"
                );
            }
            opened => listeners.told.extend(opened?),
        }
        listeners.told.extend(listening(config.health_exposure(), health.router()).await?);
        if let Some(measured) = measured {
            listeners.told.extend(listening(context.config.metrics.exposure(), measured).await?);
        }
        Ok(listeners)
    }

    /// Hears of pushes from now on, where that is wanted.
    ///
    /// # Errors
    /// When the port cannot be opened.
    pub(super) async fn hear_webhooks(
        &mut self,
        context: &Context,
        store: Arc<dyn Store>,
        secrets: HookSecrets,
    ) -> anyhow::Result<()> {
        let config = &context.config.webhooks;
        if !config.exposure().listens() {
            return Ok(());
        }
        let answers = context.metrics.webhooks.clone();
        let body_max = usize::try_from(config.body_max).unwrap_or(usize::MAX);
        let router = Webhooks { store, secrets, debounce: config.debounce, locate, answers }.router();
        let limits = Limits::of_body(body_max);
        self.webhooks = Some(Listening::start(config.exposure(), router, limits).await?);
        Ok(())
    }

    /// Says where pushes are heard.
    pub(super) fn tell_webhooks(&self) {
        if let Some(listening) = &self.webhooks {
            tracing::info!(address = %listening.address, "listening for webhooks");
        }
    }

    /// Whether anybody can ask something.
    pub(super) fn any(&self) -> bool {
        self.webhooks.is_some() || !self.told.is_empty()
    }

    /// Hears of no more pushes.
    pub(super) async fn end_webhooks(&mut self) {
        if let Some(listening) = self.webhooks.take() {
            listening.stop().await;
        }
    }

    /// Ends all.
    pub(super) async fn end(mut self) {
        self.end_webhooks().await;
        for listening in self.told {
            listening.stop().await;
        }
    }
}

/// A listener for what tells of this process, where there is to be one.
async fn listening(exposure: Exposure<'_>, router: Router) -> Result<Option<Listening>, ListenError> {
    if !exposure.listens() {
        return Ok(None);
    }
    let listening = Listening::start(exposure, router, Limits::of_questions()).await?;
    tracing::info!(address = %listening.address, "listening for {}", exposure.name);
    Ok(Some(listening))
}

/// Where a URL leads, whatever its protocol: host and path.
fn locate(url: &str) -> Option<String> {
    Some(Location::of_url(url)?.as_reported().to_string())
}
