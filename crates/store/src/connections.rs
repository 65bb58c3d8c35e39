//! What a store has open.

use sqlx::{Database, Pool};

/// Connections of a store to its database, now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// Open, and used by nobody.
    pub idle: u32,
    /// In use.
    pub used: u32,
    /// That may be open at the same time.
    pub most: u32,
}

impl Connections {
    /// Of one pool.
    pub(crate) fn of<D: Database>(pool: &Pool<D>) -> Self {
        let open = pool.size();
        // Both are read one after the other: more may be idle by then than were open before.
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX).min(open);
        Self { idle, used: open - idle, most: pool.options().get_max_connections() }
    }

    /// These, and those of another pool.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { idle: self.idle + other.idle, used: self.used + other.used, most: self.most + other.most }
    }
}
