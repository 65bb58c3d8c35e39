//! The lock connection: one connection of its own, never of the pool, that holds an instance's liveness lock and slots.
//!
//! The server ends it, and frees its locks, `lock_idle` after the last word it received; every heartbeat is such a
//! word, and moves `lease_until` to the moment it was *sent* plus `lock_idle` less a margin. So this side stops
//! trusting before the server can let go, whether the process hangs or the network swallows. What ends a session at
//! once (its server, an administrator), and a machine that was asleep, whose clock stood still meanwhile, only the
//! fence of a claim guards against.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgRow;
use tokio::time::{timeout, timeout_at};
use warmer_settings::duration;

use super::connection::ServerConnection;
use super::fault::{self, code, pooler, unusable};
use super::options::Settings;
use crate::error::{StoreError, StoreErrorKind};
use crate::job::InstanceId;
use crate::queue::SlotToken;
use crate::session::{Heartbeat, Session};
use crate::sql::{Connection as _, Row as _, Value, micros, moment, values};

/// One statement must not outlast a heartbeat by much.
const STATEMENT_MAX: &str = "1500ms";
/// A session whose lease ran out still gets this long to answer.
const PATIENCE_LEAST: Duration = Duration::from_secs(2);
/// Heartbeats come every second: with less than this there is no room for one that is late.
const TRUST_LEAST: Duration = Duration::from_secs(2);

/// A lock of this transaction; $1 and $2 are its key.
pub(super) const LIVE_LOCK: &str = "SELECT pg_try_advisory_xact_lock(CAST($1 AS INTEGER), CAST($2 AS INTEGER)) AS free";
/// A lock of this session; one per statement, as a plan may call the function for rows that it then drops.
pub(super) const LOCK: &str = "SELECT pg_try_advisory_lock(CAST($1 AS INTEGER), CAST($2 AS INTEGER)) AS free";

/// What the server made of our settings: nothing, where something else answered the start-up message.
const READ_BACK: &str = "
    SELECT current_setting('warmer.session', true) AS session,
           (SELECT CAST(setting AS BIGINT) FROM pg_settings WHERE name = 'idle_session_timeout') AS idle_ms";
/// A session of ours that is half open holds the locks that we want back. Our own user may end it.
const END_THE_OTHERS: &str = "
    SELECT count(pg_terminate_backend(pid)) AS ended FROM pg_stat_activity
    WHERE application_name = $1 AND datname = current_database() AND pid <> pg_backend_pid()";
const LOCK_KEY: &str = "SELECT lock_key FROM instance WHERE id = $1";

/// The heartbeat, which also looks for others that may have died. Only this write may be lost with the server: it is
/// not waited for. $1: the instance; $2: how old the last heartbeat must be; $3: how long the server must have been up.
const HEARTBEAT: &str = "
    WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS commits),
    seen AS (UPDATE instance SET seen_at = (SELECT now FROM clock) FROM quick
             WHERE id = $1 AND state = 'alive' AND quick.commits = 'off' RETURNING 1),
    suspect AS (
        SELECT id FROM instance, clock, server WHERE id <> $1
            AND CASE WHEN state = 'alive' THEN seen_at < now - $2 AND server.started_at < now - $3
                     ELSE EXISTS (SELECT 1 FROM job WHERE job.instance = instance.id AND job.state = 'running') END
        ORDER BY seen_at LIMIT 5)
    SELECT EXISTS (SELECT 1 FROM seen) AS alive, suspect.id AS suspect
    FROM (SELECT 1) AS one LEFT JOIN suspect ON true";

/// `dead_after` and `restart_grace` in microseconds.
pub(super) fn waits(settings: &Settings) -> (i64, i64) {
    (micros(settings.options.dead_after), micros(settings.options.restart_grace))
}

/// The lock connection of one instance.
#[derive(Debug)]
pub(crate) struct LockSession {
    pub(super) settings: Settings,
    pub(super) instance: InstanceId,
    /// Taken out while a statement runs: whoever drops that call drops the connection, and the server frees its locks.
    connection: Option<ServerConnection>,
    /// Slots that are held, by number.
    pub(super) held: BTreeMap<i32, SlotToken>,
    lost: Vec<SlotToken>,
    /// As the server has it.
    idle: Duration,
    lease_until: Instant,
}

impl LockSession {
    /// Opens the session of a registered instance.
    pub(super) async fn open(settings: &Settings, instance: InstanceId) -> Result<Self, StoreError> {
        let mut session = Self::closed(settings, instance);
        session.connect().await?;
        Ok(session)
    }

    /// Opens a session of nobody, only to see that the server hears what it is asked for, and ends it.
    pub(super) async fn try_out(settings: &Settings) -> Result<(), StoreError> {
        let mut session = Self::closed(settings, InstanceId::random());
        session.open_connection().await?;
        let heard = session.read_back().await;
        session.close().await;
        heard
    }

    fn closed(settings: &Settings, instance: InstanceId) -> Self {
        Self {
            settings: settings.clone(),
            instance,
            connection: None,
            held: BTreeMap::new(),
            lost: Vec::new(),
            idle: settings.options.lock_idle,
            lease_until: Instant::now(),
        }
    }

    fn fault(&self, error: sqlx::Error) -> StoreError {
        fault::at(&self.settings.name, error.into())
    }

    fn name(&self) -> String {
        format!("warmer-lock:{}", self.instance.0)
    }

    /// Connects, anew if need be, and takes all locks that this session is to hold.
    async fn connect(&mut self) -> Result<(), StoreError> {
        let sent = Instant::now();
        self.open_connection().await?;
        let taken = self.take_all(sent).await;
        if taken.is_err() {
            self.connection = None;
        }
        taken
    }

    async fn open_connection(&mut self) -> Result<(), StoreError> {
        let name = &self.settings.name;
        let options = self.settings.lock.clone().application_name(&self.name()).options(self.server_settings());
        let connecting = timeout(self.settings.options.connect_timeout, options.connect()).await;
        let connection = connecting.map_err(|_| silent(name))?.map_err(|error| fault::at(name, error.into()))?;
        self.connection = Some(ServerConnection::own(connection));
        Ok(())
    }

    fn server_settings(&self) -> Vec<(&'static str, String)> {
        let idle = self.settings.options.lock_idle;
        let setting = |name, value: &str| (name, value.to_owned());
        vec![
            ("search_path", self.settings.options.schema.clone()),
            ("warmer.session", self.instance.0.to_string()),
            ("idle_session_timeout", format!("{}ms", idle.as_millis())),
            // The socket must not end before the session.
            ("tcp_user_timeout", format!("{}ms", (idle + Duration::from_secs(1)).as_millis())),
            setting("statement_timeout", STATEMENT_MAX),
            setting("tcp_keepalives_idle", "5"),
            setting("tcp_keepalives_interval", "2"),
            setting("tcp_keepalives_count", "3"),
        ]
    }

    async fn take_all(&mut self, sent: Instant) -> Result<(), StoreError> {
        self.read_back().await?;
        self.ask(END_THE_OTHERS, values![&self.name()]).await?;
        let Some(row) = self.ask(LOCK_KEY, values![self.instance.0]).await? else {
            return Err(unusable(format!("instance {} is not registered in {}", self.instance.0, self.settings.name)));
        };
        let key = row.int("lock_key").map_err(|error| self.fault(error))?;
        if !self.lock(self.settings.live(), key).await? {
            let message =
                format!("{} still holds the lock of an earlier session: try again in a moment", self.settings.name);
            return Err(StoreError::new(StoreErrorKind::Busy, message));
        }
        for token in self.retake().await? {
            self.held.retain(|_, held| *held != token);
            self.lost.push(token);
        }
        self.extend_lease(sent);
        Ok(())
    }

    /// Refuses a server that did not hear our settings: a pooler answered in its place.
    async fn read_back(&mut self) -> Result<(), StoreError> {
        let row = self.ask_one(READ_BACK, &[]).await?;
        let read = || sqlx::Result::Ok((row.maybe_text("session")?, row.int("idle_ms")?));
        let (session, idle) = read().map_err(|error| self.fault(error))?;
        if session != Some(&self.instance.0.to_string()) {
            return Err(unusable(pooler(&self.settings.name)));
        }
        let wanted = self.settings.options.lock_idle;
        let idle = Duration::from_millis(crate::sql::count(idle));
        if idle != wanted {
            let (is, asked) = (duration(idle), duration(wanted));
            tracing::warn!("PostgreSQL uses an idle_session_timeout of {is}; this session asked for {asked}");
        }
        if idle < self.settings.options.lock_margin + TRUST_LEAST {
            let message = format!(
                "{} ends idle sessions after {}, which leaves no time to notice: let this user set \
                 idle_session_timeout to {}",
                self.settings.name,
                duration(idle),
                duration(wanted)
            );
            return Err(unusable(message));
        }
        self.idle = idle.min(wanted);
        Ok(())
    }

    /// The server cannot have begun to count before this was sent.
    fn extend_lease(&mut self, sent: Instant) {
        self.lease_until = sent + self.idle.saturating_sub(self.settings.options.lock_margin);
    }

    /// Takes a lock of this session, if it is free.
    pub(super) async fn lock(&mut self, class: i32, key: i64) -> Result<bool, StoreError> {
        let row = self.ask_one(LOCK, values![class, key]).await?;
        row.flag("free").map_err(|error| self.fault(error))
    }

    /// The row that a statement always gives.
    pub(super) async fn ask_one(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<PgRow, StoreError> {
        let row = self.ask(sql, values).await?;
        row.ok_or_else(|| self.fault(sqlx::Error::RowNotFound))
    }

    /// The first row that a statement gives, if any.
    pub(super) async fn ask(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Option<PgRow>, StoreError> {
        Ok(self.ask_all(sql, values).await?.into_iter().next())
    }

    /// Runs a statement. A slow one is waited for while the lease lasts: it is a heartbeat, and dropping the
    /// connection would free the locks for nothing. After any other failure than its own length nothing is known of
    /// the session, and it is dropped.
    async fn ask_all(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<PgRow>, StoreError> {
        let Some(mut connection) = self.connection.take() else {
            let message =
                format!("the lock connection to {} is down: the next heartbeat connects anew", self.settings.name);
            return Err(StoreError::new(StoreErrorKind::Busy, message));
        };
        let until = self.lease_until.max(Instant::now() + PATIENCE_LEAST);
        let answer =
            timeout_at(until.into(), connection.all(sql, values)).await.map_err(|_| silent(&self.settings.name))?;
        if answer.as_ref().map_or_else(|error| code(error).is_some_and(|code| code == "57014"), |_| true) {
            self.connection = Some(connection);
        }
        answer.map_err(|error| self.fault(error))
    }

    /// Ends the connection without a word: on any doubt about a lock.
    pub(super) fn sever(&mut self) {
        self.connection = None;
    }
}

fn silent(name: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Busy, format!("{name} does not answer on the lock connection"))
}

#[async_trait]
impl Session for LockSession {
    async fn heartbeat(&mut self) -> Result<Heartbeat, StoreError> {
        if self.connection.is_none() {
            self.connect().await?;
        }
        let (dead_after, grace) = waits(&self.settings);
        let sent = Instant::now();
        let rows = self.ask_all(HEARTBEAT, values![self.instance.0, dead_after, grace]).await?;
        self.extend_lease(sent);
        let read = || {
            let alive = rows.first().map_or(Ok(false), |row| row.flag("alive"))?;
            let suspects = rows.iter().filter_map(|row| row.maybe_id("suspect").transpose());
            sqlx::Result::Ok((alive, suspects.map(|id| id.map(InstanceId)).collect::<sqlx::Result<_>>()?))
        };
        let (alive, suspects) = read().map_err(|error| self.fault(error))?;
        Ok(Heartbeat { alive, suspects, lease_until: self.lease_until, lost: std::mem::take(&mut self.lost) })
    }

    fn lease_until(&self) -> Instant {
        self.lease_until
    }

    async fn now(&mut self) -> Result<SystemTime, StoreError> {
        let row = self.ask_one("SELECT now FROM clock", &[]).await?;
        row.int("now").map(moment).map_err(|error| self.fault(error))
    }

    async fn take_slot(&mut self, n: u32) -> Result<Option<SlotToken>, StoreError> {
        self.take(n).await
    }

    async fn release_slot(&mut self, token: SlotToken) -> Result<(), StoreError> {
        self.give(token).await
    }

    async fn close(&mut self) {
        for token in self.held.values().copied().collect::<Vec<_>>() {
            if let Err(error) = self.give(token).await {
                tracing::debug!(%error, "releasing a slot failed; PostgreSQL releases it with the session");
            }
        }
        if let Some(connection) = self.connection.take() {
            connection.close().await;
        }
    }
}
