//! Texts that failed are tried again: those that failed for a passing reason a day later, and all of a repository when
//! a person asks.

use std::collections::BTreeSet;

use warmer_content::TextKey;

use super::rows::text_key;
use super::{Base, Connection, Fault, List, Row as _, Value, Writing as _, count, lack, values};
use crate::repository::RepositoryId;

/// Texts that failed for a reason that may pass ([`warmer_content::SkipReason::may_pass`]), a day ago, and twice at
/// most. $1: how many of them.
const PASSED: &str = "
    UPDATE failed_text SET again = true WHERE (embedding, text) IN (
        SELECT embedding, text FROM failed_text
        WHERE NOT again AND reason IN ('panicked', 'too_slow') AND tries < 3
            AND (SELECT failed_text.at <= now - 86400000000 OR failed_text.at > now + 86400000000 FROM clock)
        ORDER BY embedding, text LIMIT $1)
    RETURNING text";

/// Texts of what the repository $1 serves, whatever they failed for. They are few, so that they are the outermost loop.
macro_rules! asked_for {
    () => {
        "FROM failed_text CROSS JOIN artifact_chunk CROSS JOIN artifact CROSS JOIN entry
         WHERE NOT failed_text.again AND artifact_chunk.text = failed_text.text
             AND artifact.id = artifact_chunk.artifact AND entry.artifact = artifact.key AND entry.repository = $1"
    };
}

/// Most of the time there is none, and nobody waits for the lock of a sweep.
const ANY_ASKED_FOR: &str = concat!("SELECT EXISTS (SELECT 1 ", asked_for!(), ") AS any_asked_for");
/// $2 of them at most.
const ASKED_FOR: &str = concat!(
    "UPDATE failed_text SET again = true WHERE (embedding, text) IN (
        SELECT failed_text.embedding, failed_text.text ",
    asked_for!(),
    " GROUP BY failed_text.embedding, failed_text.text ORDER BY failed_text.embedding, failed_text.text LIMIT $2)
     RETURNING text"
);

/// Texts that one transaction has tried again: each may be in hundreds of artifacts.
const STEP: i64 = 64;

/// One step of those whose reason may have passed; false: it was the last.
pub(super) async fn passed<C: Connection>(tx: &mut C) -> sqlx::Result<bool> {
    Ok(step(tx, PASSED, values![STEP]).await? == count(STEP))
}

/// Those of a repository; how many.
pub(super) async fn asked_for<B: Base>(store: &B, repository: RepositoryId) -> Result<u64, Fault> {
    let mut all = 0;
    loop {
        if !store.read().await?.one(ANY_ASKED_FOR, values![repository.0]).await?.flag("any_asked_for")? {
            return Ok(all);
        }
        let mut tx = store.sweep().await?;
        let again = step(&mut *tx, ASKED_FOR, values![repository.0, STEP]).await?;
        tx.commit().await?;
        all += again;
    }
}

/// What is served lacks these texts from now on, wherever that is.
async fn step<C: Connection>(tx: &mut C, again: &'static str, values: &[Value<'_>]) -> sqlx::Result<u64> {
    let again = tx.all(again, values).await?;
    let texts = again.iter().map(|row| text_key(row.bytes("text")?)).collect::<sqlx::Result<BTreeSet<TextKey>>>()?;
    let texts = [List::Keys(texts.iter().map(|text| text.0).collect())];
    let artifacts = tx.all(C::ARTIFACTS_OF_TEXTS, &[Value::Rows(&texts)]).await?;
    let artifacts: Vec<i64> = artifacts.iter().map(|row| row.int("id")).collect::<sqlx::Result<_>>()?;
    lack::note_artifacts(tx, &artifacts).await?;
    Ok(again.len() as u64)
}

#[cfg(test)]
mod tests {
    use warmer_content::SkipReason;

    #[test]
    fn the_statement_names_every_reason_that_may_pass() {
        for reason in SkipReason::ALL {
            assert_eq!(super::PASSED.contains(&format!("'{reason}'")), reason.may_pass(), "{reason}");
        }
    }
}
