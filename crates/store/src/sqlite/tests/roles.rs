//! Who may do what with the file, and where it may lie.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::pipeline;
use crate::conformance::fixture::cancelled;
use crate::sqlite::migrate::MIGRATIONS;
use crate::sqlite::{Options, Role, Sqlite};
use crate::*;

async fn refused(path: &Path, role: Role) -> StoreError {
    Sqlite::open(path, role).await.expect_err("it is refused")
}

#[tokio::test]
async fn a_second_pipeline_is_refused_while_readers_and_writers_work() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("warmer.db");
    let first = pipeline(directory.path()).await;
    let error = refused(&path, Role::Pipeline).await;
    assert_eq!(error.kind(), StoreErrorKind::Locked);
    let sentence = error.to_string();
    assert!(sentence.contains(&std::process::id().to_string()) && sentence.contains("warmer.db"), "{sentence}");

    let writer = Sqlite::open(&path, Role::Writer).await.unwrap();
    let repository = writer.add_repository("/a", None).await.unwrap();
    writer.enqueue(repository.id, Enqueue::default()).await.unwrap();
    let reader = Sqlite::open(&path, Role::Reader).await.unwrap();
    assert_eq!(reader.status().await.unwrap().queue_depth, 1);
    assert_eq!(first.repositories().await.unwrap(), [repository]);

    first.close().await;
    drop(first);
    Sqlite::open(&path, Role::Pipeline).await.expect("the first one is gone");
}

#[tokio::test]
async fn a_reader_changes_nothing_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("warmer.db");
    let missing = refused(&path, Role::Reader).await;
    assert_eq!(missing.kind(), StoreErrorKind::Empty);
    assert!(missing.to_string().contains("warmer warm"), "{missing}");
    assert!(!path.exists(), "looking creates nothing");

    pipeline(directory.path()).await.close().await;
    let reader = Sqlite::open(&path, Role::Reader).await.unwrap();
    let error = reader.add_repository("/a", None).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ReadOnly);
    assert_eq!(reader.repositories().await.unwrap(), []);
}

#[tokio::test]
async fn a_child_writes_beside_the_pipeline_and_takes_nothing_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("warmer.db");
    Sqlite::open(&path, Role::Child).await.expect_err("there is nothing to write into");
    assert!(!path.exists(), "it makes nothing");
    let parent = pipeline(directory.path()).await;
    let (instance, repository) = (InstanceId::random(), parent.add_repository("/a", None).await.unwrap().id);
    parent.register(instance, 1, "test", Takes::Any).await.unwrap();
    parent.enqueue(repository, Enqueue::default()).await.unwrap();
    let claim = parent.claim(instance, &ClaimFilter::default()).await.unwrap().unwrap();

    let child = Sqlite::open(&path, Role::Child).await.unwrap();
    let read = Claim { claimed_in: Duration::ZERO, ..claim.clone() };
    assert_eq!(child.claimed(claim.id).await.unwrap(), Some(read));
    assert!(child.stage(claim.id, &[]).await.unwrap(), "under the parent's claim");
    parent.settle(claim.id, cancelled(), None).await.unwrap();
    assert_eq!(child.claimed(claim.id).await.unwrap(), None, "which is the parent's to end");
    let mut session = Store::session(&parent, instance).await.unwrap();
    assert!(session.heartbeat().await.unwrap().alive, "nobody was declared dead");
}

#[tokio::test]
async fn a_closed_store_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let store = pipeline(directory.path()).await;
    store.close().await;
    assert_eq!(store.status().await.unwrap_err().kind(), StoreErrorKind::Gone);
    assert!(!directory.path().join("warmer.db-wal").exists(), "the log is folded into the file");
}

#[tokio::test]
async fn a_process_that_ends_leaves_a_log_that_is_short_and_of_the_queue_alone_to_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("warmer.db-wal");
    pipeline(directory.path()).await.close().await;
    let store = pipeline(directory.path()).await;
    store.add_repository("/a", None).await.unwrap();
    store.close_at_exit().await;
    assert_eq!(store.status().await.unwrap_err().kind(), StoreErrorKind::Gone);
    assert!(log.exists(), "folding it into the file would wait for the disk");
    let reader = Sqlite::open(&directory.path().join("warmer.db"), Role::Reader).await.unwrap();
    assert_eq!(reader.repositories().await.unwrap().len(), 1, "the next process reads it");
    drop((store, reader));

    // What is left open by the above would be the last: another file for each.
    let long = tempfile::tempdir().unwrap();
    let store = pipeline(long.path()).await;
    for number in 0..400 {
        store.add_repository(&format!("/{number}"), None).await.unwrap();
    }
    store.close_at_exit().await;
    assert!(!long.path().join("warmer.db-wal").exists(), "one that grew is folded");

    let cached = tempfile::tempdir().unwrap();
    pipeline(cached.path()).await.close().await;
    let store = pipeline(cached.path()).await;
    sql::Writing::commit(sql::Base::rely(&store).await.unwrap()).await.unwrap();
    store.add_repository("/a", None).await.unwrap();
    store.close_at_exit().await;
    assert!(!cached.path().join("warmer.db-wal").exists(), "what is cached is whole in the file");
}

#[tokio::test]
async fn writers_that_start_at_once_create_the_file_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/data/warmer.db");
    for opened in join_all((0..8).map(|_| Sqlite::open(&path, Role::Writer))).await {
        opened.unwrap().add_repository("/a", None).await.unwrap();
    }
    let reader = Sqlite::open(&path, Role::Reader).await.unwrap();
    assert_eq!(reader.repositories().await.unwrap().len(), 1);
    let mode = path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "source text is its owner's alone");
}

#[tokio::test]
async fn a_path_is_a_path_whatever_characters_it_has() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["file:a?mode=memory", ":memory:", "a b'\"%41#?x=1&y", "\u{e9}\u{1f980}", "new\nline"] {
        let path = directory.path().join(name).join("warmer.db");
        Sqlite::open(&path, Role::Pipeline).await.unwrap().close().await;
        assert!(path.is_file(), "{name:?}");
        Sqlite::open(&path, Role::Reader).await.unwrap();
    }
}

#[tokio::test]
async fn a_path_that_cannot_hold_a_file_is_named() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "text").unwrap();
    let error = refused(&directory.path().join("file/warmer.db"), Role::Writer).await;
    assert!(error.to_string().contains("file"), "{error}");
    let error = refused(directory.path(), Role::Writer).await;
    assert!(error.to_string().contains(&*directory.path().to_string_lossy()), "{error}");
}

#[tokio::test]
async fn an_empty_file_waits_for_the_pipeline() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("warmer.db");
    std::fs::write(&path, "").unwrap();
    assert_eq!(refused(&path, Role::Reader).await.kind(), StoreErrorKind::Empty);
    pipeline(directory.path()).await.close().await;
    Sqlite::open(&path, Role::Reader).await.unwrap();
}

#[tokio::test]
async fn the_busy_timeout_ends_in_a_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("warmer.db");
    let first = pipeline(directory.path()).await;
    let options = Options { busy_timeout: Duration::from_millis(10), ..Options::default() };
    let second = Sqlite::open_with(&path, Role::Writer, &options).await.unwrap();
    let holding = sql::Base::write(&first).await.unwrap();
    let error = second.add_repository("/a", None).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Busy);
    assert!(error.is_temporary());
    drop(holding);
    second.add_repository("/a", None).await.unwrap();
}

#[tokio::test]
async fn a_file_of_the_first_version_is_brought_up_to_date_by_the_pipeline() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("warmer.db");
    let created = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut connection = created.connect().await.unwrap();
    sql::migrator(&MIGRATIONS[..1]).run_direct(None, &mut connection, false).await.unwrap();
    let rows = "
        INSERT INTO repository (remote, location, reference, created_at) VALUES ('/a', '/a', '', 1);
        INSERT INTO fingerprint VALUES (1, zeroblob(32), 0);
        INSERT INTO served
            (repository, chunking, embedding, rules, reference, ref_oid, commit_oid, publication, published_at,
             served_at)
            VALUES (1, 1, 1, 1, 'main', 'o', 'c', 1, 2, 2)";
    sqlx::raw_sql(rows).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();

    for role in [Role::Reader, Role::Writer] {
        assert_eq!(refused(&path, role).await.kind(), StoreErrorKind::Older);
    }
    let store = pipeline(directory.path()).await;
    let repository = store.repositories().await.unwrap().remove(0);
    assert_eq!((repository.policy, repository.committed_at, repository.failures), (Policy::default(), None, 0));
}
