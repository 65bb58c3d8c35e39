//! Roles, and databases that are not as they should be.

use std::time::Duration;

use futures::future::join_all;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{TestDatabase, change, pipeline};
use crate::conformance::fixture::cancelled;
use crate::*;

async fn refused(url: &str, role: Role) -> StoreError {
    let options = PostgresOptions { connect_timeout: Duration::from_secs(2), ..PostgresOptions::default() };
    Postgres::open(url, role, &options).await.expect_err("it is refused")
}

#[tokio::test]
async fn instances_that_start_at_once_create_the_schema_once() {
    let Some(database) = TestDatabase::new().await else { return };
    for store in join_all((0..6).map(|_| pipeline(&database))).await {
        store.add_repository("/a", None).await.unwrap();
    }
    let reader = Postgres::open(database.url(), Role::Reader, &PostgresOptions::default()).await.unwrap();
    assert_eq!(reader.repositories().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_reader_changes_nothing_and_says_so() {
    let Some(database) = TestDatabase::new().await else { return };
    let error = refused(database.url(), Role::Reader).await;
    assert_eq!(error.kind(), StoreErrorKind::Empty, "{error}");
    pipeline(&database).await.close().await;
    let reader = Postgres::open(database.url(), Role::Reader, &PostgresOptions::default()).await.unwrap();
    let error = reader.add_repository("/a", None).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ReadOnly);
    assert_eq!(reader.repositories().await.unwrap(), []);
    reader.close().await;
    assert_eq!(reader.status().await.unwrap_err().kind(), StoreErrorKind::Gone);
}

#[tokio::test]
async fn a_child_makes_no_schema_and_writes_under_its_parents_claim() {
    let Some(database) = TestDatabase::new().await else { return };
    assert_eq!(refused(database.url(), Role::Child).await.kind(), StoreErrorKind::Empty);
    let parent = pipeline(&database).await;
    let (instance, repository) = (InstanceId::random(), parent.add_repository("/a", None).await.unwrap().id);
    parent.register(instance, 1, "test", Takes::Any).await.unwrap();
    parent.enqueue(repository, Enqueue::default()).await.unwrap();
    let claim = parent.claim(instance, &ClaimFilter::default()).await.unwrap().unwrap();
    let child = Postgres::open(database.url(), Role::Child, &PostgresOptions::default()).await.unwrap();
    let read = Claim { claimed_in: Duration::ZERO, ..claim.clone() };
    assert_eq!(child.claimed(claim.id).await.unwrap(), Some(read));
    assert!(child.stage(claim.id, &[]).await.unwrap());
    parent.settle(claim.id, cancelled(), None).await.unwrap();
    assert_eq!(child.claimed(claim.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_reader_is_told_which_database_it_is_and_that_its_lock_connection_would_not_do() {
    let Some(database) = TestDatabase::new().await else { return };
    pipeline(&database).await.close().await;
    let reader = Postgres::open(database.url(), Role::Reader, &PostgresOptions::default()).await.unwrap();
    let examined = reader.examine().await.unwrap();
    assert!(examined.starts_with("PostgreSQL 1") && examined.ends_with(", schema warmer"), "{examined}");
    let too_short = PostgresOptions { lock_idle: Duration::from_secs(3), ..PostgresOptions::default() };
    let reader = Postgres::open(database.url(), Role::Reader, &too_short).await.unwrap();
    let error = reader.examine().await.unwrap_err();
    assert!(error.to_string().contains("leaves no time to notice"), "{error}");
}

#[tokio::test]
async fn a_newer_schema_a_foreign_one_and_that_of_another_build_are_refused() {
    let Some(database) = TestDatabase::new().await else { return };
    let store = pipeline(&database).await;
    store.still_fits().await.unwrap();
    change(&store, "UPDATE _sqlx_migrations SET checksum = '\\x00'").await;
    assert_eq!(store.still_fits().await.unwrap_err().kind(), StoreErrorKind::Newer, "noticed by who keeps it open");
    for role in [Role::Reader, Role::Writer, Role::Pipeline] {
        let error = refused(database.url(), role).await;
        assert!(error.to_string().contains("another build of this version: use that build, or begin"), "{error}");
    }
    change(&store, "UPDATE _sqlx_migrations SET version = 99").await;
    for role in [Role::Reader, Role::Writer, Role::Pipeline] {
        let error = refused(database.url(), role).await;
        assert_eq!(error.kind(), StoreErrorKind::Newer);
        assert!(error.to_string().contains("99"), "{error}");
    }
    change(&store, "DROP TABLE _sqlx_migrations").await;
    for role in [Role::Reader, Role::Writer, Role::Pipeline] {
        let error = refused(database.url(), role).await;
        assert!(error.to_string().contains("something else"), "{error}");
    }
}

/// Runs statements on the database, each for itself.
async fn run(database: &TestDatabase, statements: &[String]) {
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement.as_str())).execute(&mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn a_database_of_another_encoding_is_refused_by_every_role_with_the_way_out() {
    let Some(database) = TestDatabase::new().await else { return };
    let (front, rest) = database.url().rsplit_once('/').unwrap();
    let (name, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    for encoding in ["SQL_ASCII", "LATIN1"] {
        let other = format!("{name}_{}", encoding.to_lowercase());
        let how = format!("ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
        run(&database, &[format!("CREATE DATABASE {other} {how}")]).await;
        for role in [Role::Reader, Role::Writer, Role::Pipeline] {
            let error = refused(&format!("{front}/{other}?{parameters}"), role).await;
            assert!(!error.is_temporary());
            let sentence = error.to_string();
            assert!(sentence.contains(encoding) && sentence.contains("ENCODING 'UTF8'"), "{sentence}");
        }
        run(&database, &[format!("DROP DATABASE {other} WITH (FORCE)")]).await;
    }
}

#[tokio::test]
async fn a_user_who_may_not_change_the_tables_is_refused_at_the_start_with_the_way_out() {
    let Some(database) = TestDatabase::new().await else { return };
    pipeline(&database).await.close().await;
    let user = format!("warmer_user_{}", InstanceId::random().0.simple());
    let grant = [
        format!("CREATE ROLE {user}"),
        format!("GRANT USAGE ON SCHEMA warmer TO {user}"),
        format!("GRANT ALL ON ALL TABLES IN SCHEMA warmer TO {user}"),
        format!("REVOKE INSERT ON warmer.job FROM {user}"),
    ];
    run(&database, &grant).await;
    let joint = if database.url().contains('?') { "&" } else { "?" };
    let url = format!("{}{joint}options[role]={user}", database.url());
    let error = refused(&url, Role::Pipeline).await;
    let sentence = error.to_string();
    assert!(!error.is_temporary() && sentence.contains("warmer.job:") && sentence.contains("GRANT"), "{sentence}");
    assert!(Postgres::open(&url, Role::Reader, &PostgresOptions::default()).await.is_ok(), "reading is allowed");
    run(&database, &[format!("GRANT INSERT ON warmer.job TO {user}")]).await;
    assert!(Postgres::open(&url, Role::Pipeline, &PostgresOptions::default()).await.is_ok());
    run(&database, &[format!("DROP OWNED BY {user}"), format!("DROP ROLE {user}")]).await;
}

#[tokio::test]
async fn two_schemas_of_one_database_do_not_meet() {
    let Some(database) = TestDatabase::new().await else { return };
    let store = pipeline(&database).await;
    change(&store, "CREATE TABLE public.vector (of_somebody_else INT)").await;
    let options = PostgresOptions { schema: "another".into(), lock_namespace: 7, ..PostgresOptions::default() };
    let other = Postgres::open(database.url(), Role::Pipeline, &options).await.unwrap();
    store.add_repository("/a", None).await.unwrap();
    assert_eq!(other.repositories().await.unwrap(), []);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_named_without_the_password() {
    let error = refused("postgres://u:secret@127.0.0.1:1/d", Role::Pipeline).await;
    assert!(error.is_temporary(), "{error}");
    let sentence = error.to_string();
    assert!(sentence.contains("127.0.0.1:1") && !sentence.contains("secret"), "{sentence}");
    let Some(database) = TestDatabase::new().await else { return };
    let error = refused(&format!("{}_never_made", database.url().trim_end_matches('?')), Role::Pipeline).await;
    assert_eq!(error.kind(), StoreErrorKind::Gone, "{error}");
}

#[tokio::test]
async fn through_a_pooler_no_statement_is_left_prepared() {
    let Some(database) = TestDatabase::new().await else { return };
    let lock_url = Some(database.url().to_owned());
    let options = PostgresOptions { lock_url, connections_max: 1, ..PostgresOptions::default() };
    let store = Postgres::open(database.url(), Role::Pipeline, &options).await.unwrap();
    let repository = store.add_repository("/a", None).await.unwrap().id;
    store.enqueue(repository, Enqueue::default()).await.unwrap();
    let instance = InstanceId::random();
    store.register(instance, 1, "test", Takes::Any).await.unwrap();
    let claim = store.claim(instance, &ClaimFilter::default()).await.unwrap().unwrap();
    store.settle(claim.id, cancelled(), None).await.unwrap();
    assert_eq!(store.status().await.unwrap().queue_depth, 1);
    let left: (i64, String) =
        sqlx::query_as("SELECT (SELECT count(*) FROM pg_prepared_statements), current_setting('search_path')")
            .persistent(false)
            .fetch_one(&store.pool)
            .await
            .unwrap();
    assert_eq!(left, (0, "\"$user\", public".to_owned()), "the next client finds the session as it was");
}

#[tokio::test]
async fn a_text_with_a_nul_is_stored_without_it() {
    let Some(database) = TestDatabase::new().await else { return };
    let store = pipeline(&database).await;
    let repository = store.add_repository("/a", None).await.unwrap().id;
    store.mark_stale(repository, "git said \0 and died").await.unwrap();
    let stored = store.repository(repository).await.unwrap().unwrap().last_error;
    assert_eq!(stored.as_deref(), Some("git said \u{fffd} and died"));
}
