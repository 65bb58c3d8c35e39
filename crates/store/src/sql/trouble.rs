//! The repositories that `status` names.

use super::rows::moment;
use super::{Connection, Row, odd, values};
use crate::trouble::{Trouble, TroubleKind};

/// Of the repositories $1, or of all where there is no list: five of each kind of trouble, those first that have been
/// in it for longest. `$among` tells that the column before it is in the list.
macro_rules! troubles {
    ($among:literal) => {
        concat!(
            "WITH late AS (",
            $crate::sql::schedule::late!("($1 IS NULL OR repository.id ", $among, ")"),
            "), seen AS (SELECT * FROM repository WHERE $1 IS NULL OR repository.id ",
            $among,
            "), refused AS (
                SELECT refusal.repository, min(refusal.at) AS since, min(refusal.reason) AS reason
                FROM refusal JOIN instance ON instance.id = refusal.instance, clock
                WHERE refusal.at > now - ",
            $crate::sql::refusal::term!(),
            " AND instance.state = 'alive' AND instance.seen_at > now - 30000000
                GROUP BY refusal.repository)
            SELECT kind, substr(remote, 1, 300) AS remote, substr(reference, 1, 300) AS reference, since,
                   substr(reason, 1, 300) AS reason
            FROM (SELECT * FROM (
                    SELECT 1 AS place, 'overdue' AS kind, remote, reference, now - age AS since, last_error AS reason
                    FROM late JOIN seen ON seen.id = late.id, clock WHERE age > 0 ORDER BY since, seen.id LIMIT 5)
                    AS overdue
                UNION ALL SELECT * FROM (
                    SELECT 2, 'dead', remote, reference, coalesce(failing_since, tried_at, created_at) AS since,
                           last_error FROM seen WHERE state = 'dead' ORDER BY since, id LIMIT 5) AS dead
                UNION ALL SELECT * FROM (
                    SELECT 3, 'quarantined', remote, reference, coalesce(failing_since, tried_at, created_at) AS since,
                           last_error FROM seen WHERE state = 'quarantined' ORDER BY since, id LIMIT 5) AS quarantined
                UNION ALL SELECT * FROM (
                    SELECT 4, 'stale', remote, reference, stale_since AS since, last_error
                    FROM seen WHERE stale_since IS NOT NULL ORDER BY since, id LIMIT 5) AS stale
                UNION ALL SELECT * FROM (
                    SELECT 5, 'refused', remote, reference, refused.since, refused.reason
                    FROM refused JOIN seen ON seen.id = refused.repository ORDER BY refused.since, seen.id LIMIT 5)
                    AS refused) AS named
            ORDER BY place, since, remote, reference"
        )
    };
}
pub(crate) use troubles;

/// At most five of each kind.
pub(super) async fn list<C: Connection>(conn: &mut C, ids: Option<&[i64]>) -> sqlx::Result<Vec<Trouble>> {
    conn.all(C::TROUBLES, values![ids]).await?.iter().map(trouble_of).collect()
}

fn trouble_of(row: &impl Row) -> sqlx::Result<Trouble> {
    let kind = row.text("kind")?;
    Ok(Trouble {
        kind: TroubleKind::from_name(kind).ok_or_else(|| odd(format!("{kind} is no trouble")))?,
        remote: row.text("remote")?.to_owned(),
        reference: Some(row.text("reference")?.to_owned()).filter(|reference| !reference.is_empty()),
        since: moment(row.int("since")?),
        reason: row.maybe_text("reason")?.map(str::to_owned),
    })
}
