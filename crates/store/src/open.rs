//! Opens the database that the settings name.

use std::path::Path;
use std::sync::Arc;

use crate::Store;
use crate::error::StoreError;
use crate::postgres::{Postgres, PostgresOptions};
use crate::settings::DatabaseSettings;
use crate::sqlite::{Options, Role, Sqlite};

/// Opens the database that the settings name in a role; `file` is the SQLite file. `attempts_max` are the attempts that
/// end in an error before a repository is dead, `host` the name of this machine.
///
/// # Errors
/// As [`Sqlite::open_with`] and [`Postgres::open`].
pub async fn open(
    settings: &DatabaseSettings,
    file: &Path,
    role: Role,
    attempts_max: u32,
    host: String,
) -> Result<Arc<dyn Store>, StoreError> {
    if let Some(url) = settings.postgres_url() {
        let lock_url = Some(settings.lock_url.expose()).filter(|url| !url.is_empty()).map(str::to_owned);
        let options = PostgresOptions {
            lock_url,
            connections_max: settings.pool,
            attempts_max,
            host,
            ..PostgresOptions::default()
        };
        return Ok(Arc::new(Postgres::open(url, role, &options).await?));
    }
    let options = Options { allow_network_fs: settings.allow_network_fs, attempts_max, host, ..Options::default() };
    Ok(Arc::new(Sqlite::open_with(file, role, &options).await?))
}
