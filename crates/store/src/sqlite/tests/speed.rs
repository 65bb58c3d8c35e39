//! Figures, not promises: `cargo test -p warmer-store --release -- --ignored --nocapture speed`.

#![expect(clippy::print_stdout, reason = "the figures are the point")]

use std::sync::Arc;
use std::time::Instant;

use warmer_content::{Artifact, ArtifactKey, TextKey, Vector};

use super::{bench, change, pipeline};
use crate::conformance::fixture::*;
use crate::conformance::{fill_speed, look_speed};
use crate::*;

const FILES: usize = 10_000;
const CHUNKS_PER_FILE: usize = 10;
const BATCH_FILES: usize = 13;

/// A file of ten words that occur nowhere else.
fn file(number: usize) -> (ArtifactKey, Arc<Artifact>) {
    let words: String = (0..CHUNKS_PER_FILE).map(|word| format!("word{number}x{word} ")).collect();
    artifact(&words)
}

fn vector(key: &TextKey) -> Vector {
    let bytes = key.0.0.iter().cycle().take(384);
    Vector::normalized(&bytes.map(|byte| f32::from(*byte) - 128.0).collect::<Vec<_>>())
}

#[tokio::test]
#[ignore = "takes seconds and tells figures"]
async fn speed_of_100_000_chunks() {
    let directory = tempfile::tempdir().unwrap();
    let store = pipeline(directory.path()).await;
    let instance = InstanceId::random();
    store.register(instance, 4, "test", Takes::Any).await.unwrap();
    let repository = store.add_repository("/a", None).await.unwrap().id;
    store.enqueue(repository, Enqueue::default()).await.unwrap();
    let claim = store.claim(instance, &ClaimFilter::default()).await.unwrap().unwrap();
    let files: Vec<_> = (0..FILES).map(file).collect();

    let began = Instant::now();
    for (batch, files) in files.chunks(BATCH_FILES).enumerate() {
        let texts = files.iter().flat_map(|(_, artifact)| artifact.chunks.iter().map(|chunk| chunk.key));
        let vectors: Vec<_> = texts.map(|key| (key, vector(&key))).collect();
        let blobs: Vec<_> = files.iter().map(|(key, artifact)| (blob(&artifact.text), Ok(*key))).collect();
        let put = Put {
            chunking: recipe().chunking,
            rules: rules(),
            artifacts: files,
            blobs: &blobs,
            symbols: Extracted::of(&[]),
        };
        store.put(put).await.unwrap();
        let keys: Vec<_> = files.iter().map(|(key, _)| *key).collect();
        let filled = Filled { embedding: recipe().embedding, vectors: &vectors, failed: &[], artifacts: &keys };
        store.put_vectors(filled).await.unwrap();
        let entry = |(number, (key, artifact)): (usize, &(ArtifactKey, Arc<Artifact>))| StagedEntry {
            path: format!("source/{:03}/file{}", batch % 100, batch * BATCH_FILES + number),
            oid: blob(&artifact.text).oid,
            language_hint: "text".into(),
            outcome: Outcome::Artifact(*key),
        };
        let entries: Vec<_> = files.iter().enumerate().map(entry).collect();
        assert!(store.stage(claim.id, &entries).await.unwrap());
    }
    tell("put and stage", began, FILES * CHUNKS_PER_FILE);

    let began = Instant::now();
    store.publish(&publication(&claim, None, "c1")).await.unwrap();
    tell("publish, files", began, FILES);

    let began = Instant::now();
    let (mut rows, mut after) = (0, String::new());
    loop {
        let page = store.shown_page(repository, recipe().chunking, &after, 64).await.unwrap();
        let Some(last) = page.last() else { break };
        after.clone_from(&last.path);
        let keys: Vec<_> = page.iter().filter_map(|shown| shown.artifact).collect();
        let artifacts = store.artifacts(&keys).await.unwrap();
        let texts: Vec<_> = artifacts.values().flat_map(|artifact| &artifact.chunks).map(|chunk| chunk.key).collect();
        rows += store.vectors(recipe().embedding, &texts).await.unwrap().len();
    }
    tell("all that is served, chunks", began, rows);

    let blobs: Vec<_> = files.iter().map(|(_, artifact)| blob(&artifact.text)).collect();
    let began = Instant::now();
    for blobs in blobs.chunks(1_000) {
        let known = store.known(blobs, recipe().chunking, rules()).await.unwrap();
        assert!(known.iter().all(Option::is_some));
    }
    tell("known, blobs", began, FILES);

    let began = Instant::now();
    store.collect(&Collect::default()).await.unwrap();
    tell("collect, chunks", began, rows);
    let began = Instant::now();
    store.verify(true).await.unwrap();
    tell("verify deep, chunks", began, rows);

    one_file_change(&store, repository, instance).await;
    let bytes = directory.path().join("warmer.db").metadata().unwrap().len();
    println!("{:>20}: {bytes} bytes", "file");
}

/// What a commit that changes one file costs the store.
async fn one_file_change(store: &dyn Store, repository: RepositoryId, instance: InstanceId) {
    let began = Instant::now();
    store.enqueue(repository, Enqueue::default()).await.unwrap();
    let claim = store.claim(instance, &ClaimFilter::default()).await.unwrap().unwrap();
    let changed = StagedEntry { path: "source/000/file0".into(), ..staged("", &file(7).1.text) };
    store.stage(claim.id, &[changed]).await.unwrap();
    let published = store.publish(&publication(&claim, Some("c1"), "c2")).await.unwrap();
    assert!(matches!(published, Published::Done { recognised: false, .. }));
    tell("enqueue to publish", began, 1);
}

fn tell(what: &str, began: Instant, number: usize) {
    let seconds = began.elapsed().as_secs_f64();
    println!("{what:>20}: {number} in {seconds:.4} s, {:.0} per second", number as f64 / seconds);
}

#[tokio::test]
#[ignore = "takes seconds and tells figures"]
async fn speed_of_fills() {
    let Some(bench) = super::open().await else { return };
    fill_speed::tell(&bench).await;
}

/// `cargo test -p warmer-store -- --ignored --nocapture speed_of_looks`
#[tokio::test]
#[ignore = "takes minutes and tells figures"]
async fn speed_of_looks() {
    for rows in look_speed::SIZES {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(pipeline(directory.path()).await);
        change(&store, &look_speed::queue_of(rows, "randomblob(16)", "randomblob(32)")).await;
        look_speed::tell(&bench(store, directory), "SQLite", rows).await;
    }
}
