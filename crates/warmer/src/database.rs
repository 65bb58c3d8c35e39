//! The store that the configuration names: the embedded SQLite file, or a PostgreSQL server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::timeout;
use warmer_pipeline::some_of;
use warmer_store::{DatabaseSettings, InstanceId, Role, Store, StoreError, StoreErrorKind};

use crate::context::Context;
use crate::output::duration;

/// The sentence of an installation without a cache.
pub(crate) const NOTHING_YET: &str =
    "nothing has been warmed yet: run `warmer warm PATH`, or `warmer repos add` and `warmer run`";

/// How long a process that is to end waits for the database.
const LEAVE_MAX: Duration = Duration::from_secs(5);

/// Opens the store in a role.
///
/// # Errors
/// When there is nothing to read yet, and as the store says.
pub(crate) async fn open(context: &Context, role: Role) -> anyhow::Result<Arc<dyn Store>> {
    let (database, file) = (&context.config.database, &context.paths.database);
    if role != Role::Reader && !database.is_shared() {
        let directory = file.parent().unwrap_or(&context.paths.data);
        crate::paths::make_private(directory).with_context(|| {
            format!("the data directory {} cannot be made; set database.data_dir to another", directory.display())
        })?;
    }
    Ok(warmer_store::open(database, file, role, context.config.claimer.attempts_max, host()).await?)
}

/// The name of this machine.
pub(crate) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Opens the store as [`open`] does, but waits for a server that is down, or that cannot be reached, for as long as it
/// takes.
///
/// # Errors
/// As [`open`], but for what passes by itself.
pub(crate) async fn open_when_there(context: &Context, role: Role) -> anyhow::Result<Arc<dyn Store>> {
    let mut pauses = Pauses::default();
    loop {
        match open(context, role).await {
            Err(error) if error.downcast_ref().is_some_and(StoreError::is_temporary) => pauses.wait(&error).await,
            opened => return opened,
        }
    }
}

/// What is waited between two attempts at a database: each time twice as long, up to half a minute, so that a server
/// that comes back is not fallen upon, and is not waited for much longer than it was away.
#[derive(Debug)]
pub(crate) struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Self {
        Self(Duration::from_secs(1))
    }
}

impl Pauses {
    /// Tells why and for how long, and waits.
    pub(crate) async fn wait(&mut self, error: &(impl std::fmt::Display + ?Sized)) {
        const MOST: Duration = Duration::from_secs(30);
        let pause = self.0 + some_of(self.0 / 2);
        tracing::warn!("cannot use the database: {error:#}; retrying in {}", duration(pause));
        tokio::time::sleep(pause).await;
        self.0 = (self.0 * 2).min(MOST);
    }
}

/// Asks again while the database is away.
pub(crate) async fn patiently<T>(asks: impl AsyncFn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let mut pauses = Pauses::default();
    loop {
        match asks().await {
            Err(error) if error.is_temporary() => pauses.wait(&error).await,
            answer => return answer,
        }
    }
}

/// Opens what is there already: like [`open`], but a cache is not created.
///
/// # Errors
/// As [`open`].
pub(crate) async fn open_existing(context: &Context, role: Role) -> anyhow::Result<Arc<dyn Store>> {
    Existing::of(context).open(role).await
}

/// What is there already, for who opens it later.
#[derive(Clone, Debug)]
pub(crate) struct Existing {
    settings: DatabaseSettings,
    file: PathBuf,
    attempts_max: u32,
}

impl Existing {
    /// What the configuration names.
    pub(crate) fn of(context: &Context) -> Self {
        let (settings, file) = (context.config.database.clone(), context.paths.database.clone());
        Self { settings, file, attempts_max: context.config.claimer.attempts_max }
    }

    /// Opens it in a role.
    ///
    /// # Errors
    /// When there is nothing yet, and as the store says.
    pub(crate) async fn open(&self, role: Role) -> anyhow::Result<Arc<dyn Store>> {
        if !self.settings.is_shared() && !self.file.exists() {
            bail!(NOTHING_YET);
        }
        match warmer_store::open(&self.settings, &self.file, role, self.attempts_max, host()).await {
            Err(error) if error.kind() == StoreErrorKind::Empty => bail!(NOTHING_YET),
            opened => Ok(opened?),
        }
    }
}

/// Signs this instance off and closes the store for good, as far as the database answers: a process that is to
/// end does not wait for one that is silent.
pub(crate) async fn leave(store: &dyn Store, instance: InstanceId) {
    let leaving = async {
        if let Err(error) = store.retire(instance).await {
            tracing::warn!("cannot sign off this instance; other instances will find it dead: {error}");
        }
        store.close_at_exit().await;
    };
    if timeout(LEAVE_MAX, leaving).await.is_err() {
        tracing::warn!("the database does not answer; giving up on signing off this instance");
    }
}

/// Where the database is, without a secret.
pub(crate) fn location(context: &Context) -> String {
    context.config.database.location(&context.paths.database)
}
