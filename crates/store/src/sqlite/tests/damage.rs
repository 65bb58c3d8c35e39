//! Damage: of the file, of what is in it, and by want of space.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use warmer_content::{Symbols, symbols_id};

use super::{bench, change, pipeline};
use crate::conformance::Bench;
use crate::conformance::fixture::*;
use crate::sqlite::{Role, Sqlite};
use crate::*;

/// A bench, and the store in it that tests may damage.
async fn fragile() -> (Bench, Arc<Sqlite>) {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(pipeline(directory.path()).await);
    (bench(Arc::clone(&store), directory), store)
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_named_with_the_way_out() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("warmer.db");
    pipeline(directory.path()).await.close().await;
    overwrite(&path, 0, b"this is no database at all");
    for role in [Role::Pipeline, Role::Writer, Role::Reader] {
        let error = Sqlite::open(&path, role).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Damaged, "{role:?}: {error}");
        let sentence = error.to_string();
        assert!(sentence.contains("warmer.db") && sentence.contains("move it away"), "{sentence}");
    }
}

#[tokio::test]
async fn a_file_that_was_cut_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("warmer.db");
    pipeline(directory.path()).await.close().await;
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(3 * 4096).unwrap();
    let error = Sqlite::open(&path, Role::Reader).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Damaged, "{error}");
}

#[tokio::test]
async fn a_deep_look_finds_damaged_pages() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("warmer.db");
    let store = pipeline(directory.path()).await;
    for number in 0..200 {
        store.add_repository(&format!("/a/rather/long/path/to/a/repository/{number}"), None).await.unwrap();
    }
    store.close().await;
    drop(store);
    let last = path.metadata().unwrap().len() / 4096 - 1;
    overwrite(&path, last * 4096, &[0xff; 4096]);
    let store = pipeline(directory.path()).await;
    let error = store.verify(true).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Damaged, "{error}");
}

#[tokio::test]
async fn a_schema_of_another_build_is_refused_with_the_way_out() {
    let (bench, store) = fragile().await;
    change(&store, "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1").await;
    for role in [Role::Reader, Role::Writer] {
        let error = Sqlite::open(&store.path, role).await.unwrap_err();
        assert!(error.to_string().contains("another build of this version: use that build, or begin"), "{error}");
    }
    drop(bench);
}

#[tokio::test]
async fn other_files_and_newer_ones_are_refused() {
    let (bench, store) = fragile().await;
    change(
        &store,
        "UPDATE _sqlx_migrations SET version = 99 WHERE version = (SELECT max(version) FROM _sqlx_migrations)",
    )
    .await;
    for role in [Role::Reader, Role::Writer] {
        let error = Sqlite::open(&store.path, role).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Newer);
        assert!(error.to_string().contains("99"), "{error}");
    }
    change(&store, "DROP TABLE _sqlx_migrations").await;
    for role in [Role::Reader, Role::Writer] {
        let error = Sqlite::open(&store.path, role).await.unwrap_err();
        assert!(error.to_string().contains("something else"), "{error}");
    }
    drop(bench);
}

#[tokio::test]
async fn what_took_the_place_of_the_file_or_changed_its_schema_is_noticed_by_who_keeps_it_open() {
    let (bench, store) = fragile().await;
    let reader = Sqlite::open(&store.path, Role::Reader).await.unwrap();
    reader.still_fits().await.unwrap();
    let aside = store.path.with_extension("aside");
    std::fs::rename(&store.path, &aside).unwrap();
    assert_eq!(reader.still_fits().await.unwrap_err().kind(), StoreErrorKind::Gone);
    std::fs::copy(&aside, &store.path).unwrap();
    let error = reader.still_fits().await.unwrap_err();
    assert!(error.to_string().contains("is no longer the file that was opened"), "of the same bytes, too: {error}");
    std::fs::rename(&aside, &store.path).unwrap();
    reader.still_fits().await.unwrap();
    change(&store, "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1").await;
    assert_eq!(reader.still_fits().await.unwrap_err().kind(), StoreErrorKind::Newer);
    drop(bench);
}

#[tokio::test]
async fn an_unreadable_artifact_is_a_miss_and_is_counted_and_mended() {
    let (bench, store) = fragile().await;
    let (key, whole) = artifact("one two ");
    bench.put("one two ").await;
    change(&store, "UPDATE artifact SET envelope = CAST(substr(envelope, 1, 20) || x'00' AS BLOB)").await;
    assert_eq!(bench.store.artifact(key).await.unwrap(), None);
    assert_eq!(bench.store.counters().unreadable_artifacts, 1);
    assert_eq!(bench.put("one two ").await, Stored::default());
    assert_eq!(bench.store.artifact(key).await.unwrap(), Some((*whole).clone()));
}

#[tokio::test]
async fn an_artifact_of_another_version_is_a_miss_for_every_probe() {
    let (bench, store) = fragile().await;
    let repository = bench.repository("/a").await;
    bench.put("one ").await;
    change(&store, "UPDATE artifact SET version = 2").await;
    assert_eq!(bench.known("one ").await, None);
    let known = bench.store.known_artifacts(&[artifact("one ").0]).await.unwrap();
    assert_eq!(known, [None]);
    let claim = bench.start(repository).await;
    bench.store.stage(claim.id, &[staged("a", "one ")]).await.unwrap();
    let publish = async || bench.store.publish(&publication(&claim, None, "c1")).await.unwrap();
    assert_eq!(publish().await, Published::Incomplete { missing: 1 });
    bench.put("one ").await;
    assert!(matches!(publish().await, Published::Done { recognised: false, .. }));
    assert!(bench.known("one ").await.is_some());
}

#[tokio::test]
async fn a_verification_deletes_what_does_not_fit_together() {
    let damages = [
        ("UPDATE artifact SET envelope = x'00'", true, (1, 0, 1, 0)),
        ("UPDATE artifact_chunk SET text = zeroblob(32) WHERE number = 1", true, (1, 0, 1, 0)),
        ("DELETE FROM artifact_chunk WHERE number = 1", false, (1, 0, 1, 0)),
        ("UPDATE vector SET bytes = substr(bytes, 1, 2) WHERE id = 1", false, (0, 1, 0, 1)),
        ("UPDATE vector SET bytes = CAST(zeroblob(3) || substr(bytes, 4) AS BLOB) WHERE id = 1", true, (0, 1, 0, 1)),
        ("DELETE FROM vector WHERE id = 1", false, (0, 0, 0, 1)),
        ("DELETE FROM artifact", false, (0, 0, 1, 0)),
    ];
    for (damage, only_deep, expected) in damages {
        let (bench, store) = fragile().await;
        let repository = bench.repository("/a").await;
        bench.warm(repository, None, "c1", &[("a", "one two three ")]).await;
        change(&store, damage).await;
        let figures = |found: Verified| {
            (found.artifacts_damaged, found.vectors_damaged, found.entries_broken, found.vectors_missing)
        };
        if only_deep {
            assert_eq!(figures(bench.store.verify(false).await.unwrap()).0, 0, "{damage}");
        }
        let found = bench.store.verify(true).await.unwrap();
        assert_eq!(figures(found), expected, "{damage}");
        let is_known = bench.known("one two three ").await.is_some();
        let missing = bench.store.missing_vectors(recipe().embedding, &texts("one two three ")).await.unwrap().len();
        let (broken, lacks) = (expected.2, expected.3);
        assert_eq!((is_known, missing as u64), (broken == 0, lacks), "the next look is a miss: {damage}");
        bench.everything_is_noted().await;
        assert_eq!(bench.coverage(repository).await.missing, lacks, "{damage}");
        bench.put("one two three ").await;
        assert_eq!(figures(bench.store.verify(true).await.unwrap()), (0, 0, 0, 0), "mended: {damage}");
    }
}

#[tokio::test]
async fn damaged_symbols_are_a_miss_and_a_deep_look_deletes_them() {
    let (bench, store) = fragile().await;
    let (key, stored) = artifact("one ");
    bench.put("one ").await;
    let made = [(key, Arc::new(Symbols::default()))];
    bench.store.put_symbols(Extracted::of(&made)).await.unwrap();
    change(&store, "UPDATE symbols SET envelope = x'00'").await;
    assert_eq!(bench.store.symbols(&[key], symbols_id()).await.unwrap(), [None]);
    assert_eq!(bench.store.verify(false).await.unwrap().symbols_damaged, 0);
    let found = bench.store.verify(true).await.unwrap();
    assert_eq!((found.symbols_damaged, found.artifacts_damaged), (1, 0));
    assert_eq!(bench.store.verify(true).await.unwrap().symbols_damaged, 0);
    bench.store.put_symbols(Extracted::of(&made)).await.unwrap();
    assert_eq!(bench.store.symbols(&[key], symbols_id()).await.unwrap(), [Some(Symbols::default())]);
    assert_eq!(bench.store.artifact(key).await.unwrap().as_ref(), Some(&*stored));
}

#[tokio::test]
async fn a_full_disk_is_one_sentence_and_leaves_all_as_it_was() {
    let (bench, store) = fragile().await;
    bench.put("one ").await;
    let limit = async |pages: i64| {
        // The limit is each connection's own, and this is the writer's.
        let mut writer = store.writer.as_ref().unwrap().idle(Duration::ZERO).await.unwrap().unwrap();
        let pragma = format!("PRAGMA max_page_count = {pages}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(pragma)).execute(&mut *writer).await.unwrap();
    };
    limit(1).await; // means: no more pages than there are
    let words: String = (0..2_000).map(|number| format!("word{number} ")).collect();
    let (key, large) = artifact(&words);
    let put = Put {
        chunking: recipe().chunking,
        rules: rules(),
        artifacts: &[(key, large)],
        blobs: &[],
        symbols: Extracted::of(&[]),
    };
    let error = bench.store.put(put).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Full);
    assert!(error.to_string().contains("warmer.db"), "{error}");
    assert_eq!(bench.store.artifact(key).await.unwrap(), None);
    assert!(bench.known("one ").await.is_some());
    limit(1_000_000).await;
    assert_eq!(bench.store.put(put).await.unwrap().artifacts_new, 1);
}
