//! What may differ between installations, and what follows from it.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use super::fault::unusable;
use crate::error::StoreError;
use crate::sql::Limits;

/// What may differ between installations.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresOptions {
    /// A direct way to the server for the lock connection, where `url` leads through a pooler in transaction mode.
    /// With it, every statement of the pool is sent in a way that such a pooler understands.
    pub lock_url: Option<String>,
    /// The schema of the tables: a plain lower-case name.
    pub schema: String,
    /// The first of three numbers (this one, and the two after it) that begin our two-part advisory lock keys.
    pub lock_namespace: i32,
    /// Connections of the pool, the lock connection apart.
    pub connections_max: u32,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for the answer to a statement of the pool. The server ends each of them after 60 s: what is
    /// silent for longer is gone, or the way to it.
    pub answer_max: Duration,
    /// After so long without a word from the lock connection the server ends it, and frees its locks.
    pub lock_idle: Duration,
    /// By how much an instance stops trusting its locks before the server could have freed them.
    pub lock_margin: Duration,
    /// An instance may be dead when its last heartbeat is older.
    pub dead_after: Duration,
    /// After the server came up: how long those that were connected before have to come back.
    pub restart_grace: Duration,
    /// Attempts that end in an error before the repository is dead.
    pub attempts_max: u32,
    /// Child processes that may die of a job before its repository is in quarantine.
    pub child_deaths_max: u32,
    /// The name of this machine, which an instance gives to others; empty where it has none.
    pub host: String,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            lock_url: None,
            schema: "warmer".to_owned(),
            lock_namespace: i32::from_be_bytes(*b"WARM"),
            connections_max: 10,
            connect_timeout: Duration::from_secs(10),
            answer_max: Duration::from_secs(65),
            lock_idle: Duration::from_secs(10),
            lock_margin: Duration::from_secs(2),
            dead_after: Duration::from_secs(3),
            restart_grace: Duration::from_mins(1),
            attempts_max: 5,
            child_deaths_max: 3,
            host: String::new(),
        }
    }
}

/// URLs may hold a password.
impl std::fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresOptions").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// How long the server lets a statement run, wait for a lock, and a transaction do nothing: many times what any of ours
/// takes, so that only what hangs is ended.
pub(super) const LIMITS: [(&str, &str); 3] =
    [("statement_timeout", "60s"), ("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "60s")];

/// Options that were looked through.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) options: PostgresOptions,
    /// Of the pool.
    pub(super) connect: PgConnectOptions,
    /// Of the lock connection.
    pub(super) lock: PgConnectOptions,
    /// Host, port and database, without a secret.
    pub(super) name: String,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Settings {
    pub(super) fn new(url: &str, options: &PostgresOptions) -> Result<Self, StoreError> {
        let connect = parse(url, "url")?;
        let lock = options.lock_url.as_deref().map(|url| parse(url, "lock_url")).transpose()?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !options.schema.chars().all(plain) || !options.schema.starts_with(|c: char| c.is_ascii_lowercase()) {
            let schema = &options.schema;
            return Err(unusable(format!("schema {schema:?} is no plain name: use lower-case letters, digits and _")));
        }
        let name = name(&connect);
        Ok(Self { options: options.clone(), lock: lock.unwrap_or_else(|| connect.clone()), connect, name })
    }

    /// The pool's way leads through a pooler: no statement may rely on the one before it but within a transaction.
    pub(super) fn is_pooled(&self) -> bool {
        self.options.lock_url.is_some()
    }

    pub(super) fn limits(&self) -> Limits {
        Limits { attempts_max: self.options.attempts_max, child_deaths_max: self.options.child_deaths_max }
    }

    /// The key class of the instances' liveness locks.
    pub(super) fn live(&self) -> i32 {
        self.options.lock_namespace
    }

    /// The key class of the slots.
    pub(super) fn slots(&self) -> i32 {
        self.options.lock_namespace.wrapping_add(1)
    }

    /// The key class of what is done by one at a time: 0 migrations, 1 the collection.
    pub(super) fn upkeep(&self) -> i32 {
        self.options.lock_namespace.wrapping_add(2)
    }
}

/// The parameters that sqlx knows; of others it logs the value.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// The error of a wrong URL may quote it, so it is not shown.
fn parse(url: &str, name: &str) -> Result<PgConnectOptions, StoreError> {
    let query = url.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or(query));
    let keys = query.split('&').filter_map(|pair| pair.split('=').next()).filter(|key| !key.is_empty());
    if let Some(key) = keys
        .into_iter()
        .find(|key| !PARAMETERS.contains(key) && !key.starts_with("options[") && !key.starts_with("options%5B"))
    {
        let known = PARAMETERS.join(", ");
        return Err(unusable(format!("the URL in `[database] {name}` has a parameter {key}: known are {known}")));
    }
    let parsed: PgConnectOptions = url.parse().map_err(|_| {
        unusable(format!("`[database] {name}` is no PostgreSQL URL: write postgres://USER@HOST:PORT/DATABASE"))
    })?;
    // Poolers refuse parameters of the start-up message that they do not know.
    Ok(parsed.extra_float_digits(None))
}

/// Where a PostgreSQL server is, as traces tell it: without a user or a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerPlace {
    /// Its host, or the directory of its socket.
    pub address: String,
    /// Its port; `None` of a socket.
    pub port: Option<u16>,
    /// `DATABASE|SCHEMA`; the schema alone where the URL names no database.
    pub namespace: String,
}

/// Where the server of this URL is, without a user or a secret.
pub(crate) fn place(url: &str) -> Option<ServerPlace> {
    let connect = parse(url, "url").ok()?;
    let schema = PostgresOptions::default().schema;
    // Without a name it is the user's, which is nobody's business.
    let namespace = connect.get_database().map_or(schema.clone(), |database| format!("{database}|{schema}"));
    let port = connect.get_socket().is_none().then(|| connect.get_port());
    Some(ServerPlace { address: host(&connect), port, namespace })
}

fn host(connect: &PgConnectOptions) -> String {
    connect.get_socket().map_or_else(|| connect.get_host().to_owned(), |path| path.display().to_string())
}

fn name(connect: &PgConnectOptions) -> String {
    let host = host(connect);
    let database = connect.get_database().unwrap_or(connect.get_username());
    format!("the database {database} at {host}:{}", connect.get_port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_neither_user_nor_secret() {
        let of = |url: &str| place(url).map(|place| (place.address, place.port, place.namespace));
        let is = |address: &str, port, namespace: &str| Some((address.to_owned(), port, namespace.to_owned()));
        assert_eq!(of("postgres://ann:hunter2@db.example.com:5433/d"), is("db.example.com", Some(5433), "d|warmer"));
        assert_eq!(of("postgres://ann:hunter2@h"), is("h", Some(5432), "warmer"), "the user's name is no name of ours");
        assert_eq!(of("postgres://ann@localhost/d?host=/run/postgresql"), is("/run/postgresql", None, "d|warmer"));
        assert_eq!(of("postgres://ann:hunter2@h:port/d"), None);
    }

    #[test]
    fn a_parameter_that_nobody_knows_is_refused_without_its_value() {
        let settings = |url: &str| Settings::new(url, &PostgresOptions::default());
        let refused = settings("postgres://u@h/d?sslmode=disable&sslpassword=hunter2").unwrap_err().to_string();
        assert!(refused.contains("parameter sslpassword") && !refused.contains("hunter2"), "{refused}");
        assert!(settings("postgres://u@h/d?sslmode=disable&options[search_path]=a#x").is_ok());
    }

    #[test]
    fn no_text_shows_a_password() {
        let options = PostgresOptions { lock_url: Some("postgres://u:secret@h/d".into()), ..Default::default() };
        let settings = Settings::new("postgres://u:secret@h:5433/d", &options).unwrap();
        assert_eq!(settings.name, "the database d at h:5433");
        assert!(!format!("{options:?}{settings:?}").contains("secret"));
        let error = Settings::new("postgres://u:secret@h:port/d", &options).unwrap_err().to_string();
        assert!(!error.contains("secret") && error.contains("`[database] url`"), "{error}");
    }

    #[test]
    fn a_schema_that_would_need_quotes_is_refused() {
        for schema in ["", "a b", "Warmer", "1a", "a\"; drop"] {
            let options = PostgresOptions { schema: schema.into(), ..Default::default() };
            assert!(Settings::new("postgres://h/d", &options).is_err(), "{schema}");
        }
    }
}
