//! The row that all instances agree on, and who may change it.

use std::collections::BTreeMap;

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
/// $1: the instance; $2: its configuration. The fleet's row, where it is the same and both are told.
const KNOWN: &str = "
    SELECT fleet.* FROM fleet JOIN instance ON instance.configuration = fleet.configuration
    WHERE instance.id = $1 AND fleet.configuration = $2";
const ROW: &str = "SELECT * FROM fleet";
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
    let windows = serde_json::to_string(&configuration.windows).map_err(odd)?;
    let (recipe, daemon) = (&configuration.recipe, membership != Membership::Visits);
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
    // Most looks find everything as it was.
    let known = store.read().await?.maybe(KNOWN, values![instance.0, digest.as_str()]).await?;
    if let Some(row) = known {
        return Ok(Agreement { fleet: fleet_of(&row)?, set: false, held: daemon });
    }
    let mut tx = store.write().await?;
    tx.run(RUNS_BY, values![instance.0, digest.as_str(), keys.as_str()]).await?;
    let mut changed = tx.run(FIRST, &set).await? > 0;
    let mut makes_another = changed;
    let mut row = tx.one(ROW, &[]).await?;
    if row.text("configuration")? != digest {
        // Of those that would change it one does at a time, and the next sees who lives by what that said.
        tx.run("UPDATE fleet SET id = id", &[]).await?;
        row = tx.one(ROW, &[]).await?;
    }
    let held = tx.one(HELD, values![row.text("configuration")?, instance.0]).await?;
    let (lives, lived) = (held.flag("lives")?, held.flag("lived")?);
    let may = match membership {
        Membership::Joins => !lives,
        Membership::Runs => !lived,
        Membership::Visits => !lives && !row.flag("daemon")?,
    };
    if may && row.text("configuration")? != digest {
        makes_another = fleet_of(&row)?.configuration.recipe != configuration.recipe;
        changed = tx.run(REPLACE, &set).await? > 0;
        row = tx.one(ROW, &[]).await?;
    }
    // What a command left does not come back because something else is configured anew.
    if makes_another {
        generation::made(&mut *tx, configuration.recipe).await?;
    }
    let fleet = fleet_of(&row)?;
    let held = lives || (daemon && row.text("configuration")? == digest);
    tx.commit().await?;
    Ok(Agreement { fleet, set: changed, held })
}

/// What the fleet runs by; `None` before anybody said.
pub(super) async fn fleet<B: Base>(store: &B) -> Result<Option<Fleet>, Fault> {
    Ok(read(&mut *store.read().await?).await?)
}

pub(super) async fn read<C: Connection>(conn: &mut C) -> sqlx::Result<Option<Fleet>> {
    conn.maybe(ROW, &[]).await?.map(|row| fleet_of(&row)).transpose()
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
