//! Sentences about what is known.

use std::sync::Arc;

use warmer_content::{
    ArtifactKey, ChunkingId, Definition, DefinitionKind, Digest, Reference, ReferenceKind, RulesDigest, SkipReason,
    Symbols, SymbolsId, symbols_id,
};

use super::Bench;
use super::fixture::*;
use crate::*;

pub(crate) async fn storing_anything_twice_leaves_one_row(bench: &Bench) {
    assert_eq!(bench.put("one two one ").await, Stored { vectors_new: 2, artifacts_new: 1 });
    assert_eq!(bench.put("one two one ").await, Stored::default());
    assert_eq!(bench.put("two three ").await, Stored { vectors_new: 1, artifacts_new: 1 });
    let verified = bench.store.verify(true).await.unwrap();
    assert_eq!((verified.artifacts, verified.vectors), (2, 3));
    assert_eq!((verified.artifacts_damaged, verified.vectors_damaged), (0, 0));
}

pub(crate) async fn what_is_known_of_a_blob_holds_for_its_chunking_rules_and_language_hint(bench: &Bench) {
    assert_eq!(bench.known("one two ").await, None);
    bench.put("one two ").await;
    let known = Known::Artifact { key: artifact("one two ").0, chunks: 2, size: 4 };
    assert_eq!(bench.known("one two ").await, Some(known.clone()));

    let other = |name: &[u8]| Digest::of(name);
    let ask = async |blob: BlobKey, chunking, rules| {
        let known = bench.store.known(&[blob], chunking, rules).await.unwrap();
        known.into_iter().next().flatten()
    };
    let blob = blob("one two ");
    let chunking = recipe().chunking;
    assert_eq!(ask(blob.clone(), chunking, rules()).await, Some(known));
    assert_eq!(ask(blob.clone(), ChunkingId(other(b"other")), rules()).await, None);
    assert_eq!(ask(blob.clone(), chunking, RulesDigest(other(b"other"))).await, None);
    assert_eq!(ask(BlobKey { language_hint: "rust".into(), ..blob.clone() }, chunking, rules()).await, None);
    assert_eq!(ask(BlobKey { hash_kind: "sha256", ..blob }, chunking, rules()).await, None);
}

pub(crate) async fn a_skip_is_known_with_its_reason(bench: &Bench) {
    let blobs = [(blob("a"), Err(SkipReason::Minified)), (blob("b"), Err(SkipReason::Binary))];
    let put =
        Put { chunking: recipe().chunking, rules: rules(), artifacts: &[], blobs: &blobs, symbols: Extracted::of(&[]) };
    bench.store.put(put).await.unwrap();
    let asked = [blob("b"), blob("never seen"), blob("a"), blob("b")];
    let known = bench.store.known(&asked, recipe().chunking, rules()).await.unwrap();
    let skip = |reason| Some(Known::Skip(reason));
    let expected = [skip(SkipReason::Binary), None, skip(SkipReason::Minified), skip(SkipReason::Binary)];
    assert_eq!(known, expected, "in the order asked, also twice");
}

pub(crate) async fn a_known_content_is_known_whatever_blob_it_came_in(bench: &Bench) {
    bench.put_artifact("one two three ").await;
    let key = artifact("one two three ").0;
    let expected = Some(Known::Artifact { key, chunks: 3, size: 6 });
    let unknown = artifact("unknown ").0;
    let known = bench.store.known_artifacts(&[unknown, key, key]).await.unwrap();
    assert_eq!(known, [None, expected.clone(), expected.clone()]);
    assert_eq!(bench.known("one two three ").await, expected);
}

pub(crate) async fn missing_vectors_come_once_and_sorted(bench: &Bench) {
    bench.put("two ").await;
    let asked = texts("one two three one ");
    let missing = bench.store.missing_vectors(recipe().embedding, &asked).await.unwrap();
    let mut expected = texts("one three ");
    expected.sort();
    assert_eq!(missing, expected);
    assert_eq!(bench.store.missing_vectors(recipe().embedding, &[]).await.unwrap(), []);
}

pub(crate) async fn an_artifact_comes_back_as_it_was_stored(bench: &Bench) {
    let (key, stored) = artifact("fn main() { \u{1f980} } ");
    assert_eq!(bench.store.artifact(key).await.unwrap(), None);
    bench.put("fn main() { \u{1f980} } ").await;
    assert_eq!(bench.store.artifact(key).await.unwrap().as_ref(), Some(&*stored));
    assert_eq!(bench.store.counters().unreadable_artifacts, 0);
}

pub(crate) async fn a_text_embedded_for_one_embedding_is_missing_for_another(bench: &Bench) {
    bench.put("one ").await;
    let missing = bench.store.missing_vectors(embedding("another"), &texts("one ")).await.unwrap();
    assert_eq!(missing, texts("one "));
}

pub(crate) async fn artifacts_and_vectors_come_in_bulk_and_what_is_not_there_is_left_out(bench: &Bench) {
    bench.put("one two ").await;
    bench.put("three ").await;
    let ((one, first), (other, second)) = (artifact("one two "), artifact("three "));
    let found = bench.store.artifacts(&[other, artifact("none ").0, one]).await.unwrap();
    assert_eq!(found, [(one, (*first).clone()), (other, (*second).clone())].into());
    let texts = texts("two none three ");
    let found = bench.store.vectors(recipe().embedding, &texts).await.unwrap();
    assert_eq!(found, vectors("two three ").into_iter().collect());
    assert!(bench.store.vectors(embedding("another"), &texts).await.unwrap().is_empty());
    assert!(bench.store.artifacts(&[]).await.unwrap().is_empty());
}

/// What a text of one word defines and uses.
fn symbols_of(word: &str) -> Arc<Symbols> {
    let definition = Definition {
        name: word.to_owned(),
        qualified: format!("Outer::{word}"),
        kind: DefinitionKind::Function,
        signature: format!("fn {word}()"),
        start: 0,
        end: 4,
        start_line: 1,
        end_line: 2,
        parent: None,
    };
    let reference = Reference { name: "used".to_owned(), kind: ReferenceKind::Call, lines: vec![1, 7] };
    Arc::new(Symbols { definitions: vec![definition], references: vec![reference] })
}

async fn put_with_symbols(bench: &Bench, text: &str) -> ArtifactKey {
    let artifact = artifact(text);
    let key = artifact.0;
    let symbols = [(key, symbols_of(text.trim()))];
    let put = Put {
        chunking: recipe().chunking,
        rules: rules(),
        artifacts: &[artifact],
        blobs: &[(blob(text), Ok(key))],
        symbols: Extracted::of(&symbols),
    };
    bench.store.put(put).await.unwrap();
    key
}

async fn symbols(bench: &Bench, keys: &[ArtifactKey], by: SymbolsId) -> Vec<Option<Symbols>> {
    bench.store.symbols(keys, by).await.unwrap()
}

pub(crate) async fn symbols_come_back_as_they_were_stored_with_their_artifact(bench: &Bench) {
    let unknown = artifact("unknown ").0;
    let (one, two) = (put_with_symbols(bench, "one ").await, put_with_symbols(bench, "two ").await);
    bench.put("three ").await;
    let asked = [two, unknown, one, artifact("three ").0, two];
    let stored = |word| Some((*symbols_of(word)).clone());
    let expected = [stored("two"), None, stored("one"), None, stored("two")];
    assert_eq!(symbols(bench, &asked, symbols_id()).await, expected, "in the order asked, also twice");
    assert_eq!(symbols(bench, &[], symbols_id()).await, []);
    assert_eq!(bench.store.verify(true).await.unwrap().symbols_damaged, 0);
}

pub(crate) async fn symbols_of_another_extractor_are_a_miss_until_they_are_made_anew(bench: &Bench) {
    let key = put_with_symbols(bench, "one ").await;
    let another = SymbolsId(Digest::of(b"another"));
    assert_eq!(symbols(bench, &[key], another).await, [None]);
    let better = [(key, symbols_of("better"))];
    for _ in 0..2 {
        bench.store.put_symbols(Extracted { by: another, symbols: &better }).await.unwrap();
        assert_eq!(symbols(bench, &[key], another).await, [Some((*better[0].1).clone())]);
    }
    assert_eq!(symbols(bench, &[key], symbols_id()).await, [None], "the last that made them has them");
    assert_eq!(bench.put_artifact("one ").await, 0, "no new artifact");
}

pub(crate) async fn symbols_of_an_artifact_that_is_not_stored_are_not_stored(bench: &Bench) {
    let key = artifact("never stored ").0;
    bench.store.put_symbols(Extracted::of(&[(key, symbols_of("never"))])).await.unwrap();
    assert_eq!(symbols(bench, &[key], symbols_id()).await, [None]);
}

pub(crate) async fn symbols_go_with_their_artifact(bench: &Bench) {
    let key = put_with_symbols(bench, "one ").await;
    bench.collect().await;
    bench.clock.forward(2 * DAY).await;
    assert_eq!(bench.collect().await.artifacts_deleted, 1);
    bench.put("one ").await;
    assert_eq!(symbols(bench, &[key], symbols_id()).await, [None]);
}
