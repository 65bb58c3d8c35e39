//! The statements of one job, as the store sends them, as a script for pgbench.
//!
//! The server's log tells the text and what was bound to it. The claim's own answer names the job and the repository;
//! the fence is random, and as pgbench knows numbers only, a uuid is made of one. What else is bound is the same for
//! every job.

use std::fmt::Write as _;

use xtask::postgres::Cluster;

use crate::field::Field;
use crate::log::{self, Asked, Log};
use crate::places::{Ending, claim};
use warmer_store::{InstanceId, Queue as _, Store as _};

/// A script for pgbench.
pub(crate) struct Script(pub(crate) String);

/// What the store sends for a job that ends so.
pub(crate) fn of_the_store(cluster: &Cluster) -> Vec<(Ending, Script)> {
    Ending::ALL.into_iter().map(|ending| (ending, of_one(cluster, ending))).collect()
}

fn of_one(cluster: &Cluster, ending: Ending) -> Script {
    let field = Field::new(cluster, 100);
    log::switch_on(&field);
    field.tokio.block_on(async {
        let (store, instance) = (field.store(1).await, InstanceId(ALWAYS.parse().expect("a uuid")));
        store.register(instance, 1, "bench", warmer_store::Takes::Any).await.expect("the server runs");
        // What is sent only once is not of a job: the second counts.
        ending.end(&store, claim(&store, instance).await).await;
        let log = Log::from_now(cluster);
        let claim = claim(&store, instance).await;
        let names = [
            (claim.id.0.to_string(), "CAST(lpad(to_hex(CAST(:fence AS BIGINT)), 32, '0') AS UUID)"),
            // Beside a small number the server would take them for one.
            (claim.job.0.to_string(), "CAST(:job AS BIGINT)"),
            (claim.repository.id.0.to_string(), "CAST(:id AS BIGINT)"),
        ];
        ending.end(&store, claim).await;
        let asked = log.asked();
        store.close().await;
        script(&asked, &names)
    })
}

/// The instance that claims in every script, which registers itself first.
const ALWAYS: &str = "7f000000-0000-4000-8000-000000000001";

/// Makes so many instances known: that of the scripts, and others that are only there. A claim looks at as many jobs
/// as the living instances may be taking at the moment.
pub(crate) fn register(instances: usize) -> String {
    format!(
        "INSERT INTO instance (id, started_at, seen_at, capacity, version)
         SELECT CAST('7f000000-0000-4000-8000-' || lpad(CAST(number AS TEXT), 12, '0') AS UUID), now, now, 24, 'pgbench'
         FROM clock, generate_series(1, {instances}) AS number
         ON CONFLICT (id) DO UPDATE SET state = 'alive'"
    )
}
/// And says that it ended.
pub(crate) const RETIRE: &str = "UPDATE instance SET state = 'retired' WHERE state = 'alive'";

fn script(asked: &[Asked], names: &[(String, &str)]) -> Script {
    let mut script = "\\set fence random(1, 9000000000000000000)\n".to_owned();
    for (number, one) in asked.iter().enumerate() {
        // The first is the claim, which names what the others speak about.
        let end = if number == 0 { " \\gset" } else { ";" };
        let _ = writeln!(script, "{}{end}", filled(one, names));
    }
    Script(script)
}

/// The statement with a variable, or with what was bound, for each parameter.
fn filled(asked: &Asked, names: &[(String, &str)]) -> String {
    let mut parts = asked.sql.split('$');
    let mut sql = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let value = number.parse::<usize>().ok().and_then(|number| asked.values.get(number - 1));
        match value.expect("the log names every parameter") {
            None => sql.push_str("NULL"),
            Some(value) => match names.iter().find(|(known, _)| known == value) {
                Some((_, name)) => sql.push_str(name),
                None => {
                    let _ = write!(sql, "'{}'", value.replace('\'', "''"));
                }
            },
        }
        sql.push_str(rest);
    }
    sql
}
