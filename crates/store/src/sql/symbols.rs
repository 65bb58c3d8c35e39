//! The symbols of artifacts: what is stored of them, and what of that does not read.

use warmer_content::{ArtifactKey, Symbols, SymbolsId};

use super::{Base, Connection, Fault, List, Row as _, Statements as _, Value, values};
use crate::envelope;

/// $1 and $2: ids of artifacts, the first excluded.
const ENVELOPES: &str = "SELECT artifact, envelope FROM symbols WHERE artifact > $1 AND artifact <= $2";

pub(super) async fn symbols<B: Base>(
    store: &B,
    keys: &[ArtifactKey],
    by: SymbolsId,
) -> Result<Vec<Option<Symbols>>, Fault> {
    let mut found: Vec<Option<Symbols>> = vec![None; keys.len()];
    if keys.is_empty() {
        return Ok(found);
    }
    let asked = [List::Keys(keys.iter().map(|key| key.0).collect())];
    let values = [Value::from(&by.0), Value::Rows(&asked)];
    for row in store.read().await?.all(B::Connection::SYMBOLS, &values).await? {
        let number = usize::try_from(row.int("number")?).unwrap_or(usize::MAX);
        if let Some(answer) = found.get_mut(number) {
            *answer = envelope::unseal(row.bytes("envelope")?);
        }
    }
    Ok(found)
}

/// The ids of artifacts up to `last`, behind `after`, whose symbols do not read.
pub(super) async fn unreadable<C: Connection>(conn: &mut C, after: i64, last: i64) -> sqlx::Result<Vec<i64>> {
    let mut bad = Vec::new();
    for row in conn.all(ENVELOPES, values![after, last]).await? {
        if envelope::unseal::<Symbols>(row.bytes("envelope")?).is_none() {
            bad.push(row.int("artifact")?);
        }
    }
    Ok(bad)
}
