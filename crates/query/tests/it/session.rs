//! The query session: one model for many queries.

use std::path::Path;

use warmer_content::{Digest, EmbeddingId};
use warmer_embedding::ModelFiles;
use warmer_query::{Embed as _, ModelPath, QueryError, QuerySession};

/// A toy model in this directory, and its runtime; nothing where there is no runtime.
fn toy(directory: &Path) -> Option<ModelPath> {
    let library = xtask::runtime_library();
    if !library.is_file() {
        return None;
    }
    xtask::toy::write_toy_model(directory, 1).unwrap();
    Some(ModelPath { directory: directory.to_owned(), length_max: Some(16), runtime: Ok(library), graphs: None })
}

#[tokio::test]
async fn a_session_stays_open_though_its_files_are_gone() {
    let directory = tempfile::tempdir().unwrap();
    let Some(path) = toy(directory.path()) else { return };
    let embedding = ModelFiles::locate(&path.directory, path.length_max).unwrap().fingerprint().unwrap();
    let session = QuerySession::new(path);
    let first = session.embed("claim the oldest job", embedding).await.unwrap();
    std::fs::remove_dir_all(directory.path()).unwrap();
    let second = session.embed("claim the oldest job", embedding).await.unwrap();
    assert_eq!(first, second, "nothing was opened again");
    let long = session.embed(&"a log line ".repeat(100), embedding).await.unwrap();
    let longer = format!("{}of the queue", "a log line ".repeat(100));
    let longer = session.embed(&longer, embedding).await.unwrap();
    assert!(long.tokens >= 300 && longer.tokens > long.tokens && longer.vector != long.vector, "all of it counts");
}

#[tokio::test]
async fn vectors_of_another_model_are_not_made() {
    let directory = tempfile::tempdir().unwrap();
    let Some(path) = toy(directory.path()) else { return };
    let session = QuerySession::new(path);
    let other = EmbeddingId(Digest::of(b"another model"));
    assert!(matches!(session.embed("x", other).await, Err(QueryError::OtherModel { .. })));
}

#[tokio::test]
async fn a_session_of_two_models_reads_by_whichever_is_asked_for_though_files_are_gone() {
    let directory = tempfile::tempdir().unwrap();
    let Some(now) = toy(&directory.path().join("now")) else { return };
    let before = ModelPath { directory: directory.path().join("before"), length_max: None, ..now.clone() };
    xtask::toy::write_toy_model(&before.directory, 2).unwrap();
    let [new, old] = [&now, &before].map(|path| {
        let files = ModelFiles::locate(&path.directory, path.length_max).unwrap();
        files.fingerprint().unwrap()
    });
    let session = QuerySession::new(now.clone()).or(before.clone());
    let by_old = session.embed("claim the oldest job", old).await.unwrap();
    let by_new = session.embed("claim the oldest job", new).await.unwrap();
    assert_ne!(by_old.vector, by_new.vector);
    std::fs::remove_dir_all(directory.path()).unwrap();
    for (embedding, made) in [(old, by_old), (new, by_new)] {
        assert_eq!(session.embed("claim the oldest job", embedding).await.unwrap(), made, "both stay open");
    }
    let third = EmbeddingId(Digest::of(b"a third model"));
    let error = session.embed("x", third).await.unwrap_err();
    assert!(matches!(&error, QueryError::OtherModel { directory, .. } if *directory == now.directory), "{error}");
    let without = QuerySession::new(ModelPath { directory: directory.path().join("none"), ..now }).or(before);
    assert!(matches!(without.embed("x", old).await, Err(QueryError::Model(_))));
}

#[tokio::test]
async fn what_is_missing_is_told_and_looked_for_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model");
    let missing = ModelPath {
        directory: path.clone(),
        length_max: None,
        runtime: Err("no runtime here".to_owned()),
        graphs: None,
    };
    let session = QuerySession::new(missing);
    let id = EmbeddingId(Digest::of(b"any"));
    assert!(matches!(session.embed("x", id).await, Err(QueryError::Model(_))));
    xtask::toy::write_toy_model(&path, 1).unwrap();
    let id = ModelFiles::locate(&path, None).unwrap().fingerprint().unwrap();
    let error = session.embed("x", id).await.unwrap_err();
    assert_eq!(error.to_string(), "no runtime here");
}
