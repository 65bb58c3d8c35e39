//! In which order a fill reads what lacks: from the end of its buckets that no other fill comes from.
//!
//! Forks lack the same texts. Their fills, run by several instances at once and in one order, make nearly everything
//! twice (of 2,000 texts two embedded 3,964, four 7,929): what one has made is seen by the other only once it is
//! stored. So they are told apart by the numbers of their repositories, by pairs, of which each walks towards the
//! other: the two meet once, and make twice what both have in hand then (2,005, and 2,038).

use super::{Connection, Row, values};
use crate::fill::After;

/// Of the repository $1 under the generation $2: what was published up to $3, of that publication what is between the
/// bucket $4 and artifact $5 and the bucket $6 and artifact $7; $8 at most. `$way`: from the lower end or the upper.
macro_rules! new {
    ($way:literal) => {
        concat!(
            "SELECT lack.artifact, lack.bucket, lack.stamp, artifact.key
             FROM lack JOIN artifact ON artifact.id = lack.artifact
             WHERE lack.repository = $1 AND lack.generation = $2 AND lack.lane = 0 AND lack.stamp <= $3
                 AND (lack.stamp < $3
                      OR ((lack.bucket, lack.artifact) > ($4, $5) AND (lack.bucket, lack.artifact) < ($6, $7)))
             ORDER BY lack.stamp DESC, lack.bucket ",
            $way,
            ", lack.artifact ",
            $way,
            " LIMIT $8"
        )
    };
}

/// The same in bulk, whatever published it.
macro_rules! bulk {
    ($way:literal) => {
        concat!(
            "SELECT lack.artifact, lack.bucket, lack.stamp, artifact.key
             FROM lack JOIN artifact ON artifact.id = lack.artifact
             WHERE lack.repository = $1 AND lack.generation = $2 AND lack.lane = 1 AND lack.stamp <= $3
                 AND (lack.bucket, lack.artifact) > ($4, $5) AND (lack.bucket, lack.artifact) < ($6, $7)
             ORDER BY lack.bucket ",
            $way,
            ", lack.artifact ",
            $way,
            " LIMIT $8"
        )
    };
}

/// By lane, and by whether it goes down.
pub(crate) const LACKING: [[&str; 2]; 2] = [[new!("ASC"), new!("DESC")], [bulk!("ASC"), bulk!("DESC")]];

/// How many other repositories than $1 have a running fill under the generation $2 and lack one of some artifacts too,
/// and how many of those have a lower number.
macro_rules! rivals {
    ($artifacts:literal) => {
        concat!(
            "SELECT count(DISTINCT job.repository) AS rivals,
                    count(DISTINCT CASE WHEN job.repository < $1 THEN job.repository END) AS before
             FROM job
             WHERE job.kind = 1 AND job.generation = $2 AND job.state = 'running' AND job.repository <> $1
                 AND EXISTS (SELECT 1 FROM lack
                     WHERE lack.repository = job.repository AND lack.generation = $2 AND lack.artifact ",
            $artifacts,
            ")"
        )
    };
}
pub(crate) use rivals;

/// A bucket, and the row of an artifact in it.
type Place = (i64, i64);

/// What was read.
pub(super) struct Steps<R> {
    /// Rows of what lacks.
    pub(super) rows: Vec<R>,
    /// Where the next begin; `None`: these were the last.
    pub(super) last: Option<After>,
    /// Another fill that runs lacks some of it too.
    pub(super) contested: bool,
}

/// A fill on its way.
struct Walk {
    repository: i64,
    generation: i64,
    lane: i64,
    /// All of its buckets: behind the one place, before the other.
    all: (Place, Place),
    limit: u32,
}

/// The next rows of the fill whose row this is, `limit` at most.
pub(super) async fn steps<C: Connection>(
    conn: &mut C,
    run: &C::Row,
    after: Option<&After>,
    limit: u32,
) -> sqlx::Result<Steps<C::Row>> {
    let shard = run.int("shard")?;
    let walk = Walk {
        repository: run.int("repository")?,
        generation: run.int("generation")?,
        lane: run.int("lane")?,
        all: ((shard / 256, 0), (shard % 256 + 1, 0)),
        limit,
    };
    let begin = After { stamp: run.int("publication")?, low: walk.all.0, high: walk.all.1, down: false };
    let mut from = after.unwrap_or(&begin).clone();
    let mut rows = walk.rows(conn, &from).await?;
    let (rivals, rank) = walk.rivals(conn, &rows).await?;
    if let Some(turned) = walk.turned(&from, rank, after.is_none()) {
        let others = walk.rows(conn, &turned).await?;
        // Where others have done all of a part, the whole is looked at.
        if !others.is_empty() {
            (from, rows) = (turned, others);
        }
    }
    let last = rows.last().filter(|_| rows.len() >= limit as usize);
    let last = last.map(|row| walk.behind(&from, row)).transpose()?;
    Ok(Steps { last, rows, contested: rivals > 0 })
}

impl Walk {
    async fn rows<C: Connection>(&self, conn: &mut C, from: &After) -> sqlx::Result<Vec<C::Row>> {
        let sql = LACKING[usize::from(self.lane != 0)][usize::from(from.down)];
        let After { stamp, low, high, .. } = *from;
        let values = values![self.repository, self.generation, stamp, low.0, low.1, high.0, high.1, self.limit];
        conn.all(sql, values).await
    }

    /// How many others there are, and which of them this one is.
    async fn rivals<C: Connection>(&self, conn: &mut C, rows: &[C::Row]) -> sqlx::Result<(i64, i64)> {
        if rows.is_empty() {
            return Ok((0, 0));
        }
        let artifacts: Vec<i64> = rows.iter().map(|row| row.int("artifact")).collect::<sqlx::Result<_>>()?;
        let row = conn.one(C::RIVALS, values![self.repository, self.generation, &*artifacts]).await?;
        Ok((row.int("rivals")?, row.int("before")?))
    }

    /// From where the one with this rank goes on, if not from there: of each pair one goes up, and one down. Every pair
    /// but the first `begins` in the middle, the next two in the middle of its halves, and so on.
    fn turned(&self, from: &After, rank: i64, begins: bool) -> Option<After> {
        let down = rank % 2 == 1;
        let pair = u8::try_from(rank / 2).unwrap_or(0).reverse_bits();
        let ((first, _), (end, _)) = self.all;
        let middle = (begins && pair > 0).then(|| (first + (end - first) * i64::from(pair) / 256, 0));
        if middle.is_none() && down == from.down {
            return None;
        }
        let turned = After { down, ..from.clone() };
        Some(match middle {
            None => turned,
            Some(high) if down => After { high, ..turned },
            Some(low) => After { low, ..turned },
        })
    }

    /// From where it goes on behind this row. Below the publication that it is in, all of its buckets are left.
    fn behind(&self, from: &After, row: &impl Row) -> sqlx::Result<After> {
        let (at, stamp) = ((row.int("bucket")?, row.int("artifact")?), row.int("stamp")?);
        let mut next = from.clone();
        if self.lane == 0 && stamp < from.stamp {
            (next.stamp, next.low, next.high) = (stamp, self.all.0, self.all.1);
        }
        *(if from.down { &mut next.high } else { &mut next.low }) = at;
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_each_two_neighbours_walk_towards_each_other() {
        let walk = Walk { repository: 1, generation: 1, lane: 1, all: ((0, 0), (256, 0)), limit: 1 };
        let begin = After { stamp: 1, low: (0, 0), high: (256, 0), down: false };
        let begins = |rank| {
            let from = walk.turned(&begin, rank, true).unwrap_or_else(|| begin.clone());
            (from.down, if from.down { from.high.0 } else { from.low.0 })
        };
        assert_eq!([0, 1].map(begins), [(false, 0), (true, 256)]);
        assert_eq!([2, 3].map(begins), [(false, 128), (true, 128)]);
        assert_eq!([4, 5, 6, 7].map(begins), [(false, 64), (true, 64), (false, 192), (true, 192)]);
        assert_eq!(walk.turned(&begin, 2, false), None, "it is on its way");
    }
}
