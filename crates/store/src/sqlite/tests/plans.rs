//! What SQLite means to do: no page of a fill, and nothing that stores its vectors, reads all there is.

use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use super::pipeline;
use crate::sql::fill_walk::LACKING;
use crate::sql::{Base as _, Statements, lack};

#[tokio::test]
async fn nothing_that_a_fill_does_reads_all_there_is() {
    const OF_A_FILL: [&str; 14] = [
        LACKING[0][0],
        LACKING[0][1],
        LACKING[1][0],
        LACKING[1][1],
        lack::NOTE_STAGED,
        lack::REPLACED,
        SqliteConnection::NOTE_ARTIFACTS,
        SqliteConnection::ARTIFACT_IDS,
        SqliteConnection::TEXTS_LACKING,
        SqliteConnection::ARTIFACTS_SERVED,
        SqliteConnection::FORGET_IDLE,
        SqliteConnection::FORGET_FILLED,
        SqliteConnection::RAISE_GROWING,
        SqliteConnection::FAILED_NOTE,
    ];
    let directory = tempfile::tempdir().unwrap();
    let store = pipeline(directory.path()).await;
    let mut conn = store.read().await.unwrap();
    for sql in OF_A_FILL {
        let explain = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
        let rows = explain.fetch_all(&mut *conn).await.unwrap();
        for row in &rows {
            let step: String = row.get("detail");
            // A list that was given, and what a statement made itself.
            let is_small = ["VIRTUAL TABLE", "CONSTANT ROW", "clock", "(subquery-"].iter().any(|of| step.contains(of));
            assert!(!step.starts_with("SCAN ") || is_small, "{step}: {sql}");
        }
    }
}
