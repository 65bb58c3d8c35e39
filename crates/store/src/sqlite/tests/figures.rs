//! The view for an autoscaler, and what a day of checks leaves in the file.

use std::sync::Arc;

use super::{bench, change, pipeline};
use crate::conformance::{day, figures};
use crate::sql::Base as _;

#[tokio::test]
async fn the_queues_figures_are_those_of_status() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(pipeline(directory.path()).await);
    let bench = bench(Arc::clone(&store), directory);
    figures::are_those_of_status(&bench, async || {
        let figures = sqlx::query_as("SELECT pending, running, oldest_seconds FROM queue_figures");
        figures.fetch_one(&mut *store.read().await.unwrap()).await.unwrap()
    })
    .await;
}

/// Its checks are counted, and the latest of each repository stays:
/// `cargo test -p warmer-store -- --ignored --nocapture a_day_of_checks`
#[tokio::test]
#[ignore = "takes minutes and tells figures"]
async fn a_day_of_checks() {
    day_of_checks("SQLite", "").await;
}

#[tokio::test]
#[ignore = "takes minutes and tells figures"]
async fn a_day_of_checks_that_are_all_kept() {
    const KEEP: &str = "CREATE TRIGGER kept BEFORE DELETE ON attempt BEGIN SELECT RAISE(IGNORE); END";
    day_of_checks("SQLite, all kept", KEEP).await;
}

async fn day_of_checks(what: &str, prepare: &str) {
    const SIZE: &str = "
        SELECT (SELECT count(*) FROM attempt), (SELECT count(*) FROM attempt_count),
               (SELECT (page_count - freelist_count) * page_size
                FROM pragma_page_count, pragma_freelist_count, pragma_page_size)";
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(pipeline(directory.path()).await);
    change(&store, prepare).await;
    let bench = bench(Arc::clone(&store), directory);
    day::of_checks(&bench, what, async || {
        let mut reading = store.read().await.unwrap();
        let (attempts, minutes, bytes) = sqlx::query_as(SIZE).fetch_one(&mut *reading).await.unwrap();
        day::Size { attempts, minutes, bytes }
    })
    .await;
}
