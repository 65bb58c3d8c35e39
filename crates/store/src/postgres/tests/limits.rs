//! What the server bounds: statements that hang.

use super::database::TestDatabase;
use super::pipeline;
use crate::sql::{Base as _, Connection as _, Row as _, Writing as _};
use crate::*;

/// An administrator, or a pooler that starts anew, ends a connection in mid-statement: nobody has to know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_connection_was_ended_is_made_again() {
    const END: &str = "SELECT count(pg_terminate_backend(pid)) AS ended FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'warmer:pipeline'";
    let Some(database) = TestDatabase::new().await else { return };
    let (store, other) = (pipeline(&database).await, std::sync::Arc::new(pipeline(&database).await));
    let instance = InstanceId::random();
    store.register(instance, 4, "test", Takes::Any).await.unwrap();
    let repository = store.add_repository("/a", None).await.unwrap().id;
    store.enqueue(repository, Enqueue::default()).await.unwrap();
    let mut lock = store.write().await.unwrap();
    lock.run("LOCK TABLE job IN ACCESS EXCLUSIVE MODE", &[]).await.unwrap();
    let claiming = tokio::spawn({
        let other = other.clone();
        async move { Queue::claim(&*other, instance, &ClaimFilter { heavy: true, ..ClaimFilter::default() }).await }
    });
    let ended = async || store.read().await.unwrap().one(END, &[]).await.unwrap().int("ended").unwrap();
    while ended().await == 0 {}
    lock.rollback().await.unwrap();
    assert!(claiming.await.unwrap().expect("it is made again").is_some());
}

#[tokio::test]
async fn a_statement_a_lock_and_an_idle_transaction_end_in_time() {
    let Some(database) = TestDatabase::new().await else { return };
    let direct = pipeline(&database).await;
    let options = PostgresOptions { lock_url: Some(database.url().to_owned()), ..PostgresOptions::default() };
    let pooled = Postgres::open(database.url(), Role::Pipeline, &options).await.unwrap();
    for store in [&direct, &pooled] {
        for (setting, limit) in
            [("statement_timeout", "1min"), ("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "1min")]
        {
            let sql = "SELECT current_setting($1) AS value, current_setting('application_name') AS name";
            let row = store.read().await.unwrap().one(sql, &[setting.into()]).await.unwrap();
            assert_eq!((row.text("value").unwrap(), row.text("name").unwrap()), (limit, "warmer:pipeline"));
        }
        let sql = "SELECT current_setting('statement_timeout') AS value";
        let row = store.scan().await.unwrap().one(sql, &[]).await.unwrap();
        assert_eq!(row.text("value").unwrap(), "0", "a search takes as long as it takes");
    }
}
