//! The port on PostgreSQL: a list is one array for each column.

use std::borrow::Cow;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Executor as _, Postgres, Row as _};

use super::answer::answered;
use super::connection::ServerConnection;
use crate::sql::{Connection, List, Value, row};

// Small numbers are stored as such.
row!(PgRow, |self, column| {
    self.try_get(column)
        .or_else(|_| self.try_get::<Option<i32>, _>(column).map(|number| number.map(i64::from)))
        .or_else(|_| self.try_get::<Option<i16>, _>(column).map(|number| number.map(i64::from)))
});

type Statement<'q> = Query<'q, Postgres, PgArguments>;

fn query<'q>(sql: &'static str, values: &[Value<'_>]) -> Statement<'q> {
    values.iter().fold(sqlx::query(sql), |query, value| match *value {
        Value::Int(number) => query.bind(number),
        Value::Flag(flag) => query.bind(flag),
        Value::Text(text) => query.bind(text.map(|text| storable(text).into_owned())),
        Value::Bytes(bytes) => query.bind(bytes.map(<[u8]>::to_vec)),
        Value::Id(id) => query.bind(id),
        Value::Ints(numbers) => query.bind(numbers.map(<[i64]>::to_vec)),
        Value::Rows(columns) => columns.iter().fold(query, bind_column),
    })
}

fn bind_column<'q>(query: Statement<'q>, column: &List<'_>) -> Statement<'q> {
    match column {
        List::Ints(numbers) => query.bind(numbers.clone()),
        List::Texts(texts) => query.bind(texts.iter().map(|text| storable(text).into_owned()).collect::<Vec<_>>()),
        List::MaybeTexts(texts) => {
            let texts = texts.iter().map(|text| text.map(|text| storable(text).into_owned()));
            query.bind(texts.collect::<Vec<_>>())
        }
        List::Keys(keys) => query.bind(keys.iter().map(|key| key.0.to_vec()).collect::<Vec<_>>()),
        List::MaybeKeys(keys) => query.bind(keys.iter().map(|key| key.map(|key| key.0.to_vec())).collect::<Vec<_>>()),
        List::Bytes(all) => query.bind(all.iter().map(|bytes| bytes.to_vec()).collect::<Vec<_>>()),
    }
}

/// PostgreSQL's texts hold every character but NUL, which what a program said may hold.
fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

impl Connection for ServerConnection {
    type Row = PgRow;

    async fn run(&mut self, sql: &'static str, values: &[Value<'_>]) -> sqlx::Result<u64> {
        let (answer_max, query) = (self.answer_max(), query(sql, values).persistent(self.prepared));
        let done = answered(answer_max, self.connection()?.execute(query)).await;
        Ok(self.take_in(done)?.rows_affected())
    }

    async fn all(&mut self, sql: &'static str, values: &[Value<'_>]) -> sqlx::Result<Vec<PgRow>> {
        let (answer_max, query) = (self.answer_max(), query(sql, values).persistent(self.prepared));
        let rows = answered(answer_max, self.connection()?.fetch_all(query)).await;
        self.take_in(rows)
    }
}
