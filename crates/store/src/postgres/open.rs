//! Opening the database in one of four roles.

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use super::fault;
use super::listener::Listener;
use super::options::{LIMITS, Settings};
use super::{Postgres, PostgresOptions, fitness, migrate};
use crate::Role;
use crate::error::StoreError;
use crate::sql::{AtomicCounters, Fault};

impl Postgres {
    /// Opens the database. The pipeline brings its schema up to this version; a writer creates it where there is none;
    /// a reader changes nothing, nor does a child.
    ///
    /// # Errors
    /// As the kinds of [`StoreError`] say; `url` is in no text.
    pub async fn open(url: &str, role: Role, options: &PostgresOptions) -> Result<Self, StoreError> {
        let settings = Settings::new(url, options)?;
        let opened = connect(&settings, role).await;
        let pool = opened.map_err(|fault| fault::at(&settings.name, fault))?;
        let listener = Listener::new(&settings.lock, settings.options.connect_timeout);
        Ok(Self { pool, reader: role == Role::Reader, settings, counters: AtomicCounters::default(), listener })
    }
}

async fn connect(settings: &Settings, role: Role) -> Result<PgPool, Fault> {
    let mut options = settings.connect.clone().application_name(match role {
        Role::Pipeline => "warmer:pipeline",
        Role::Child => "warmer:child",
        Role::Writer => "warmer:writer",
        Role::Reader => "warmer:reader",
    });
    if settings.is_pooled() {
        options = options.statement_cache_capacity(0);
    } else {
        options = options.options(pool_settings(settings));
    }
    let pool = PgPoolOptions::new()
        .max_connections(settings.options.connections_max)
        .acquire_timeout(settings.options.connect_timeout)
        .connect_with(options)
        .await?;
    fitness::check(&pool, settings, role).await?;
    if matches!(role, Role::Reader | Role::Child) {
        migrate::check(&pool, settings).await?;
    } else {
        migrate::migrate(settings, role == Role::Pipeline).await?;
    }
    if role == Role::Pipeline {
        fitness::check_rights(&pool, settings).await?;
    }
    Ok(pool)
}

/// The schema, limits that end what hangs, and a server that notices within 11 s that this machine is gone: its row
/// locks go with the connection.
fn pool_settings(settings: &Settings) -> Vec<(&'static str, String)> {
    let limits = LIMITS.map(|(name, limit)| (name, limit.to_owned()));
    let mut all = vec![
        ("search_path", settings.options.schema.clone()),
        // Our statements look at few rows; compiling one took 690 ms where running it took 2.
        ("jit", "off".to_owned()),
        ("tcp_keepalives_idle", "5".to_owned()),
        ("tcp_keepalives_interval", "2".to_owned()),
        ("tcp_keepalives_count", "3".to_owned()),
    ];
    all.extend(limits);
    all
}
