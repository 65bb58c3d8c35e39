//! Sentences about what is known.

use warmer_content::{ChunkingId, Digest, RulesDigest, SkipReason};

use super::Bench;
use super::fixture::*;
use crate::*;

pub(crate) async fn storing_anything_twice_leaves_one_row(bench: &Bench) {
    assert_eq!(bench.put("one two one ").await, PutCounts { vectors_new: 2, artifacts_new: 1 });
    assert_eq!(bench.put("one two one ").await, PutCounts::default());
    assert_eq!(bench.put("two three ").await, PutCounts { vectors_new: 1, artifacts_new: 1 });
    let verified = bench.store.verify(true).await.unwrap();
    assert_eq!((verified.artifacts, verified.vectors), (2, 3));
    assert_eq!((verified.artifacts_damaged, verified.vectors_damaged), (0, 0));
}

pub(crate) async fn what_is_known_of_a_blob_holds_for_its_chunking_rules_and_language_hint(bench: &Bench) {
    assert_eq!(bench.known("one two ").await, None);
    bench.put("one two ").await;
    let known = Known::Artifact { key: artifact("one two ").0, chunks: 2, tokens: 4, missing: vec![] };
    assert_eq!(bench.known("one two ").await, Some(known.clone()));

    let other = |name: &[u8]| Digest::of(name);
    let ask = async |blob: BlobKey, chunking, rules| {
        let known = bench.store.known(&[blob], chunking, rules, recipe().embedding).await.unwrap();
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
    let put = Put {
        embedding: recipe().embedding,
        chunking: recipe().chunking,
        rules: rules(),
        vectors: &[],
        artifacts: &[],
        blobs: &blobs,
    };
    bench.store.put(put).await.unwrap();
    let asked = [blob("b"), blob("never seen"), blob("a"), blob("b")];
    let known = bench.store.known(&asked, recipe().chunking, rules(), recipe().embedding).await.unwrap();
    let skip = |reason| Some(Known::Skip(reason));
    let expected = [skip(SkipReason::Binary), None, skip(SkipReason::Minified), skip(SkipReason::Binary)];
    assert_eq!(known, expected, "in the order asked, also twice");
}

pub(crate) async fn a_known_content_tells_which_vectors_are_missing(bench: &Bench) {
    let all = vectors("one two three ");
    bench.put_parts("one two three ", &all[..1]).await;
    let mut missing = texts("one two three ")[1..].to_vec();
    missing.sort();
    let key = artifact("one two three ").0;
    let expected = Some(Known::Artifact { key, chunks: 3, tokens: 6, missing });
    let unknown = artifact("unknown ").0;
    let known = bench.store.known_artifacts(&[unknown, key, key], recipe().embedding).await.unwrap();
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
