//! The row that all instances agree on, and who may change it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use warmer_content::{ChunkingId, Digest, EmbeddingId, Recipe, RulesDigest};

use super::rows::moment;
use super::{Base, Connection, Fault, Row, Value, Writing as _, generation, odd, values};
use crate::fleet::{Agreement, Configuration, Fleet, Membership};
use crate::job::InstanceId;

/// $1: the instance, whose version it is; $2 to $6: its configuration; $7: whether a daemon says so; $8: the keys; $9:
/// the windows.
macro_rules! set {
    ($conflict:literal) => {
        concat!(
            "INSERT INTO fleet (id, instance, configuration, embedding, chunking, rules, slots, daemon, keys, windows,
                                version, set_at)
             SELECT 1, $1, $2, $3, $4, $5, $6, $7, $8, $9,
                    coalesce((SELECT version FROM instance WHERE id = $1), ''), now
             FROM clock WHERE true ON CONFLICT (id) DO ",
            $conflict
        )
    };
}
const FIRST: &str = set!("NOTHING");
const REPLACE: &str = set!(
    "UPDATE SET instance = excluded.instance, configuration = excluded.configuration, embedding = excluded.embedding,
        chunking = excluded.chunking, rules = excluded.rules, slots = excluded.slots, daemon = excluded.daemon,
        keys = excluded.keys, windows = excluded.windows, version = excluded.version, set_at = excluded.set_at"
);
const RUNS_BY: &str = "
    UPDATE instance SET configuration = $2, keys = $3 WHERE id = $1 AND (configuration <> $2 OR keys <> $3)";
/// $1: the instance; $2: its configuration. The fleet's row, where the instance has told what it runs by.
const KNOWN: &str = "
    SELECT fleet.* FROM fleet JOIN instance ON instance.configuration = $2 WHERE instance.id = $1";
const ROW: &str = "SELECT * FROM fleet";
const ROW_WITH_NOW: &str = "SELECT clock.now, fleet.* FROM clock LEFT JOIN fleet ON 1 = 1";
/// $1: the configuration; $2: the instance that asks.
const HELD: &str = "
    SELECT EXISTS (SELECT 1 FROM instance, clock WHERE configuration = $1 AND takes_any AND id <> $2
                   AND state = 'alive' AND seen_at > now - 30000000) AS lives,
           EXISTS (SELECT 1 FROM instance, clock WHERE configuration = $1 AND takes_any AND id <> $2
                   AND seen_at > now - 60000000) AS lived";

pub(super) async fn agree<B: Base>(
    store: &B,
    instance: InstanceId,
    configuration: &Configuration,
    membership: Membership,
) -> Result<Agreement, Fault> {
    let digest = configuration.digest();
    let keys = serde_json::to_string(&configuration.keys).map_err(odd)?;
    let daemon = membership != Membership::Visits;
    // Most looks find everything as it was.
    if let Some(row) = store.read().await?.maybe(KNOWN, values![instance.0, digest.as_str()]).await? {
        let fleet = fleet_of(&row)?;
        if configuration.within(&fleet.configuration).digest() == row.text("configuration")? {
            return Ok(Agreement { fleet, set: false, held: daemon });
        }
    }
    let mut tx = store.write().await?;
    tx.run(RUNS_BY, values![instance.0, digest.as_str(), keys.as_str()]).await?;
    let mut changed = write(&mut *tx, FIRST, instance, configuration, daemon).await?;
    let mut row = tx.one(ROW, &[]).await?;
    if configuration.within(&fleet_of(&row)?.configuration).digest() != row.text("configuration")? {
        // Of those that would change it one does at a time, and the next sees who lives by what that said.
        tx.run("UPDATE fleet SET id = id", &[]).await?;
        row = tx.one(ROW, &[]).await?;
    }
    let said = fleet_of(&row)?.configuration;
    let holders = Holders::of(&mut *tx, instance, row.text("configuration")?, &said).await?;
    let by_daemon = row.flag("daemon")?;
    // What a command left does not come back because something else is configured anew.
    let mut makes_another = changed;
    if let Some(next) = holders.leave(configuration, &said, (membership, by_daemon)) {
        makes_another |= next.recipe != said.recipe;
        changed |= write(&mut *tx, REPLACE, instance, &next, daemon || by_daemon).await?;
        row = tx.one(ROW, &[]).await?;
    }
    let fleet = fleet_of(&row)?;
    if makes_another && fleet.configuration.recipe.embedding != EmbeddingId::NONE {
        generation::made(&mut *tx, fleet.configuration.recipe).await?;
    }
    let ours = configuration.within(&fleet.configuration).digest() == row.text("configuration")?;
    tx.commit().await?;
    Ok(Agreement { fleet, set: changed, held: holders.whole.lives || holders.bare.lives || (daemon && ours) })
}

/// Whether it changed the row.
async fn write<C: Connection>(
    tx: &mut C,
    sql: &'static str,
    instance: InstanceId,
    configuration: &Configuration,
    daemon: bool,
) -> Result<bool, Fault> {
    let (digest, recipe) = (configuration.digest(), &configuration.recipe);
    let keys = serde_json::to_string(&configuration.keys).map_err(odd)?;
    let windows = serde_json::to_string(&configuration.windows).map_err(odd)?;
    let set: [Value<'_>; 9] = [
        instance.0.into(),
        digest.as_str().into(),
        (&recipe.embedding.0).into(),
        (&recipe.chunking.0).into(),
        (&configuration.rules.0).into(),
        configuration.slots.into(),
        daemon.into(),
        keys.as_str().into(),
        windows.as_str().into(),
    ];
    Ok(tx.run(sql, &set).await? > 0)
}

/// Daemons beside this instance that run by a configuration.
struct Held {
    lives: bool,
    /// Within the last minute.
    lived: bool,
}

/// Those that run by the fleet's, and those that do but for that they have no model: these hold all but the model.
struct Holders {
    whole: Held,
    bare: Held,
}

impl Holders {
    async fn of<C: Connection>(
        tx: &mut C,
        instance: InstanceId,
        digest: &str,
        fleet: &Configuration,
    ) -> sqlx::Result<Self> {
        let bare = fleet.digest_without_model();
        let whole = tx.one(HELD, values![digest, instance.0]).await?;
        let whole = Held { lives: whole.flag("lives")?, lived: whole.flag("lived")? };
        let bare = tx.one(HELD, values![bare.as_str(), instance.0]).await?;
        Ok(Self { whole, bare: Held { lives: bare.flag("lives")?, lived: bare.flag("lived")? } })
    }

    /// What the fleet runs by from now on, where they leave that to this instance: all of it, or the model alone, which
    /// a fleet without one has from whoever has one.
    fn leave(
        &self,
        ours: &Configuration,
        fleet: &Configuration,
        (membership, by_daemon): (Membership, bool),
    ) -> Option<Configuration> {
        let gone = |held: &Held| match membership {
            Membership::Joins => !held.lives,
            Membership::Runs => !held.lived,
            Membership::Visits => !held.lives && !by_daemon,
        };
        let next = if gone(&self.whole) && gone(&self.bare) {
            ours.within(fleet)
        } else if ours.recipe.embedding != EmbeddingId::NONE
            && (fleet.recipe.embedding == EmbeddingId::NONE || gone(&self.whole))
        {
            fleet.with_model_of(ours)
        } else {
            return None;
        };
        (next.digest() != fleet.digest()).then_some(next)
    }
}

/// What the fleet runs by; `None` before anybody said.
pub(super) async fn fleet<B: Base>(store: &B) -> Result<Option<Fleet>, Fault> {
    Ok(read(&mut *store.read().await?).await?)
}

pub(super) async fn read<C: Connection>(conn: &mut C) -> sqlx::Result<Option<Fleet>> {
    conn.maybe(ROW, &[]).await?.map(|row| fleet_of(&row)).transpose()
}

/// The same, with the time.
pub(super) async fn read_with_now<C: Connection>(conn: &mut C) -> sqlx::Result<(SystemTime, Option<Fleet>)> {
    let row = conn.one(ROW_WITH_NOW, &[]).await?;
    let fleet = row.maybe_int("set_at")?.map(|_| fleet_of(&row)).transpose()?;
    Ok((moment(row.int("now")?), fleet))
}

fn fleet_of(row: &impl Row) -> sqlx::Result<Fleet> {
    let digest = |column: &str| row.bytes(column).and_then(|bytes| Digest::try_from(bytes).map_err(odd));
    let recipe = Recipe { embedding: EmbeddingId(digest("embedding")?), chunking: ChunkingId(digest("chunking")?) };
    let rules = RulesDigest(digest("rules")?);
    let windows = serde_json::from_str(row.text("windows")?).map_err(odd)?;
    Ok(Fleet {
        configuration: Configuration { recipe, rules, slots: row.small("slots")?, windows, keys: keys_of(row)? },
        set_by: InstanceId(row.id("instance")?),
        version: row.text("version")?.to_owned(),
        set_at: moment(row.int("set_at")?),
    })
}

/// The values by key that a row keeps as JSON.
pub(super) fn keys_of(row: &impl Row) -> sqlx::Result<BTreeMap<String, String>> {
    serde_json::from_str(row.text("keys")?).map_err(odd)
}
