//! The port: values go in, rows come out, whichever the database.

use std::future::Future;

use uuid::Uuid;
use warmer_content::Digest;

use super::Statements;

/// One parameter of a statement.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Int(Option<i64>),
    Flag(bool),
    Text(Option<&'a str>),
    Bytes(Option<&'a [u8]>),
    Id(Option<Uuid>),
    /// A list, or none at all: one JSON array of numbers in SQLite, one array in PostgreSQL.
    Ints(Option<&'a [i64]>),
    /// Rows, column by column: one JSON array in SQLite (of arrays, where there is more than one column), an array for
    /// each column in PostgreSQL. It is the last parameter, so that those before it have the same number in both.
    Rows(&'a [List<'a>]),
}

/// A column of rows.
#[derive(Clone, Debug)]
pub(crate) enum List<'a> {
    Ints(Vec<i64>),
    Texts(Vec<&'a str>),
    MaybeTexts(Vec<Option<&'a str>>),
    Keys(Vec<Digest>),
    MaybeKeys(Vec<Option<Digest>>),
    /// In bulk, which SQLite takes in another way.
    Bytes(Vec<&'a [u8]>),
}

macro_rules! from {
    ($($type:ty: $value:ident => $to:expr,)*) => {
        $(impl<'a> From<$type> for Value<'a> {
            fn from($value: $type) -> Self {
                $to
            }
        })*
    };
}
from! {
    i64: number => Value::Int(Some(number)),
    i32: number => Value::Int(Some(number.into())),
    u32: number => Value::Int(Some(number.into())),
    u16: number => Value::Int(Some(number.into())),
    Option<i64>: number => Value::Int(number),
    bool: flag => Value::Flag(flag),
    &'a str: text => Value::Text(Some(text)),
    &'a String: text => Value::Text(Some(text)),
    Option<&'a str>: text => Value::Text(text),
    Uuid: id => Value::Id(Some(id)),
    Option<Uuid>: id => Value::Id(id),
    &'a Digest: digest => Value::Bytes(Some(&digest.0)),
    Option<&'a Digest>: digest => Value::Bytes(digest.map(|digest| &digest.0[..])),
    &'a [i64]: numbers => Value::Ints(Some(numbers)),
    Option<&'a [i64]>: numbers => Value::Ints(numbers),
    &'a [List<'a>]: columns => Value::Rows(columns),
}

/// The parameters of a statement, in order.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$($crate::sql::Value::from($value)),*]
    };
}
pub(crate) use values;

/// A connection.
pub(crate) trait Connection: Statements + Send {
    type Row: Row + Send + Sync;

    /// The number of rows that a statement changed.
    fn run(&mut self, sql: &'static str, values: &[Value<'_>]) -> impl Future<Output = sqlx::Result<u64>> + Send;

    /// All rows that a statement gives.
    fn all(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = sqlx::Result<Vec<Self::Row>>> + Send;

    /// The first row, if there is one.
    fn maybe(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = sqlx::Result<Option<Self::Row>>> + Send {
        async move { Ok(self.all(sql, values).await?.into_iter().next()) }
    }

    /// The row that is always there.
    fn one(&mut self, sql: &'static str, values: &[Value<'_>]) -> impl Future<Output = sqlx::Result<Self::Row>> + Send {
        async move { self.maybe(sql, values).await?.ok_or(sqlx::Error::RowNotFound) }
    }
}

/// A row.
pub(crate) trait Row {
    fn maybe_int(&self, column: &str) -> sqlx::Result<Option<i64>>;
    fn flag(&self, column: &str) -> sqlx::Result<bool>;
    fn maybe_text(&self, column: &str) -> sqlx::Result<Option<&str>>;
    fn maybe_bytes(&self, column: &str) -> sqlx::Result<Option<&[u8]>>;
    fn maybe_id(&self, column: &str) -> sqlx::Result<Option<Uuid>>;

    fn int(&self, column: &str) -> sqlx::Result<i64> {
        self.maybe_int(column)?.ok_or_else(|| empty(column))
    }

    /// A number that is never negative and never large.
    fn small(&self, column: &str) -> sqlx::Result<u32> {
        u32::try_from(self.int(column)?).map_err(super::odd)
    }

    fn text(&self, column: &str) -> sqlx::Result<&str> {
        self.maybe_text(column)?.ok_or_else(|| empty(column))
    }

    fn bytes(&self, column: &str) -> sqlx::Result<&[u8]> {
        self.maybe_bytes(column)?.ok_or_else(|| empty(column))
    }

    fn id(&self, column: &str) -> sqlx::Result<Uuid> {
        self.maybe_id(column)?.ok_or_else(|| empty(column))
    }
}

fn empty(column: &str) -> sqlx::Error {
    super::odd(format!("{column} is empty"))
}

/// The cells of a database's row, by its own types; `$int` reads a number of any width.
macro_rules! row {
    ($row:ty, |$self:ident, $column:ident| $int:expr) => {
        impl $crate::sql::Row for $row {
            fn maybe_int(&$self, $column: &str) -> sqlx::Result<Option<i64>> {
                $int
            }

            fn flag(&self, column: &str) -> sqlx::Result<bool> {
                self.try_get(column)
            }

            fn maybe_text(&self, column: &str) -> sqlx::Result<Option<&str>> {
                self.try_get(column)
            }

            fn maybe_bytes(&self, column: &str) -> sqlx::Result<Option<&[u8]>> {
                self.try_get(column)
            }

            fn maybe_id(&self, column: &str) -> sqlx::Result<Option<uuid::Uuid>> {
                self.try_get(column)
            }
        }
    };
}
pub(crate) use row;
