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

/// `cargo test -p warmer-store -- --ignored --nocapture a_day_of_checks`
#[tokio::test]
#[ignore = "takes minutes and tells figures"]
async fn a_day_of_checks() {
    const KEEP: &str = "
        CREATE FUNCTION kept() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER kept BEFORE DELETE ON attempt FOR EACH ROW EXECUTE FUNCTION kept()";
    const SIZE: &str = "
        SELECT (SELECT count(*) FROM warmer.attempt), (SELECT count(*) FROM warmer.tally),
               pg_total_relation_size('warmer.attempt') + pg_total_relation_size('warmer.tally')";
    for (what, keeps) in [("PostgreSQL, all kept", true), ("PostgreSQL", false)] {
        let Some(database) = TestDatabase::new().await else { return };
        let store = Arc::new(pipeline(&database).await);
        if keeps {
            change(&store, KEEP).await;
        }
        let looks = tokio::sync::Mutex::new(stranger(database.url()).await);
        let bench = bench(store, database);
        day::of_checks(&bench, what, async || {
            let (attempts, minutes, bytes) = sqlx::query_as(SIZE).fetch_one(&mut *looks.lock().await).await.unwrap();
            day::Size { attempts, minutes, bytes }
        })
        .await;
    }
}
