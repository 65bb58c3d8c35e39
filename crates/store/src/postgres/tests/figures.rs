//! The view for an autoscaler, and what a day of checks leaves in the database.

use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};

use super::{TestDatabase, bench, change, pipeline};
use crate::conformance::{day, figures};

/// Somebody who knows nothing of us.
async fn stranger(url: &str) -> PgConnection {
    url.parse::<PgConnectOptions>().unwrap().connect().await.unwrap()
}

#[tokio::test]
async fn the_queues_figures_are_those_of_status_for_a_stranger_too() {
    let Some(database) = TestDatabase::new().await else { return };
    let store = Arc::new(pipeline(&database).await);
    let url = database.url().to_owned();
    let bench = bench(store, database);
    figures::are_those_of_status(&bench, async || {
        let figures = sqlx::query_as("SELECT pending, running, oldest_seconds FROM warmer.queue_figures");
        figures.fetch_one(&mut stranger(&url).await).await.unwrap()
    })
    .await;
}

/// Its checks are counted, and the latest of each repository stays:
/// `cargo test -p warmer-store -- --ignored --nocapture a_day_of_checks`
#[tokio::test]
#[ignore = "takes minutes and tells figures"]
async fn a_day_of_checks() {
    day_of_checks("PostgreSQL", "").await;
}

#[tokio::test]
#[ignore = "takes minutes and tells figures"]
async fn a_day_of_checks_that_are_all_kept() {
    const KEEP: &str = "
        CREATE FUNCTION kept() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER kept BEFORE DELETE ON attempt FOR EACH ROW EXECUTE FUNCTION kept()";
    day_of_checks("PostgreSQL, all kept", KEEP).await;
}

async fn day_of_checks(what: &str, prepare: &str) {
    const SIZE: &str = "
        SELECT (SELECT count(*) FROM warmer.attempt), (SELECT count(*) FROM warmer.attempt_count),
               pg_total_relation_size('warmer.attempt') + pg_total_relation_size('warmer.attempt_count')";
    let Some(database) = TestDatabase::new().await else { return };
    let store = Arc::new(pipeline(&database).await);
    change(&store, prepare).await;
    let looks = tokio::sync::Mutex::new(stranger(database.url()).await);
    let bench = bench(store, database);
    day::of_checks(&bench, what, async || {
        let mut looks = looks.lock().await;
        // The server does so by itself each minute: a day is over here in a few.
        sqlx::raw_sql("VACUUM warmer.attempt, warmer.attempt_count").execute(&mut *looks).await.unwrap();
        let (attempts, minutes, bytes) = sqlx::query_as(SIZE).fetch_one(&mut *looks).await.unwrap();
        day::Size { attempts, minutes, bytes }
    })
    .await;
}
