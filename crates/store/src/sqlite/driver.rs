//! The port on SQLite: a list is one JSON array, with keys as hexadecimal texts.

use serde_json::{Value as Json, json};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Executor as _, Row as _, Sqlite, SqliteConnection};

use crate::sql::{Connection, List, Value, row};

row!(SqliteRow, |self, column| self.try_get(column));

fn query<'q>(sql: &'static str, values: &[Value<'_>]) -> Query<'q, Sqlite, SqliteArguments> {
    values.iter().fold(sqlx::query(sql), |query, value| match *value {
        Value::Int(number) => query.bind(number),
        Value::Flag(flag) => query.bind(flag),
        Value::Text(text) => query.bind(text.map(str::to_owned)),
        Value::Bytes(bytes) => query.bind(bytes.map(<[u8]>::to_vec)),
        Value::Id(id) => query.bind(id),
        Value::Ints(numbers) => query.bind(numbers.map(|numbers| json!(numbers).to_string())),
        Value::Rows(columns) => query.bind(rows(columns).to_string()),
    })
}

fn rows(columns: &[List<'_>]) -> Json {
    let mut columns: Vec<Vec<Json>> = columns.iter().map(column_values).collect();
    match &mut *columns {
        [only] => Json::Array(std::mem::take(only)),
        columns => {
            let rows = columns.first().map_or(0, Vec::len);
            let row = |number: usize| columns.iter().map(|column| column[number].clone()).collect();
            (0..rows).map(|number| Json::Array(row(number))).collect()
        }
    }
}

fn column_values(column: &List<'_>) -> Vec<Json> {
    match column {
        List::Ints(numbers) => numbers.iter().map(|number| json!(number)).collect(),
        List::Texts(texts) => texts.iter().map(|text| json!(text)).collect(),
        List::MaybeTexts(texts) => texts.iter().map(|text| json!(text)).collect(),
        List::Keys(keys) => keys.iter().map(|key| json!(key.to_string())).collect(),
        List::Bytes(all) => all.iter().map(|bytes| json!(hex(bytes))).collect(),
        List::MaybeKeys(keys) => keys.iter().map(|key| json!(key.map(|key| key.to_string()))).collect(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Connection for SqliteConnection {
    type Row = SqliteRow;

    async fn run(&mut self, sql: &'static str, values: &[Value<'_>]) -> sqlx::Result<u64> {
        Ok(self.execute(query(sql, values)).await?.rows_affected())
    }

    async fn all(&mut self, sql: &'static str, values: &[Value<'_>]) -> sqlx::Result<Vec<SqliteRow>> {
        self.fetch_all(query(sql, values)).await
    }
}
