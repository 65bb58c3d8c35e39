//! What texts define: as it is stored, and made anew where it is not.

use std::sync::Arc;

use warmer_content::{ArtifactKey, Symbols, SymbolsId, symbols_id};
use warmer_query::{File, QueryError, Reason, Scope, Search, Snapshots, definitions_of, search, symbols};
use warmer_store::{Cache as _, Extracted, RepositoryId};

use crate::cache::{Cache, Letters};

const QUEUE: &str = "pub struct Queue;\n\nimpl Queue {\n    pub fn claim(&self) { take(); }\n}\n";
const OTHER: &str = "fn claim() {}\n\nfn Claim() {}\n";

/// A repository of two files, both without stored symbols, and the key of the first.
async fn served() -> (Cache, RepositoryId, ArtifactKey) {
    let cache = Cache::new().await;
    let repository = cache.follow("https://git.example.com/team/app").await;
    cache.serve(repository, &[("src/other.rs", OTHER), ("src/queue.rs", QUEUE), ("notes.txt", "claim")]).await;
    let entries = cache.store.entries_page(repository, Some("src/o"), 10).await.unwrap();
    let key = entries.into_iter().find(|entry| entry.path == "src/queue.rs").and_then(|entry| entry.artifact).unwrap();
    (cache, repository, key)
}

async fn stored(cache: &Cache, key: ArtifactKey) -> Option<Symbols> {
    cache.store.symbols(&[key], symbols_id()).await.unwrap().remove(0)
}

#[tokio::test]
async fn what_is_not_stored_or_of_another_extractor_is_made_from_the_text_and_kept() {
    let (cache, _, key) = served().await;
    assert_eq!(stored(&cache, key).await, None);
    let artifact = Arc::new(cache.store.artifact(key).await.unwrap().unwrap());
    let asked = [(key, artifact)];
    for _ in 0..2 {
        let made = symbols(&cache.store, &asked).await.unwrap();
        assert_eq!(made[0].defines(0..u32::MAX), ["Queue", "claim"]);
        assert_eq!(stored(&cache, key).await.as_ref(), Some(&*made[0]), "kept for the next who asks");
        let another = SymbolsId(warmer_content::Digest::of(b"another"));
        let older = [(key, Arc::new(Symbols::default()))];
        cache.store.put_symbols(Extracted { by: another, symbols: &older }).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_stored_is_not_made_again() {
    let (cache, _, key) = served().await;
    let artifact = Arc::new(cache.store.artifact(key).await.unwrap().unwrap());
    let marked = Arc::new(Symbols::default());
    cache.store.put_symbols(Extracted::of(&[(key, marked.clone())])).await.unwrap();
    assert_eq!(symbols(&cache.store, &[(key, artifact)]).await.unwrap(), [marked]);
}

#[tokio::test]
async fn a_file_shows_what_it_defines_and_uses() {
    let (cache, repository, _) = served().await;
    let file = File::of(&cache.store, &Scope::All, repository, "src/queue.rs").await.unwrap();
    let definitions = file.definitions.unwrap();
    let shown: Vec<_> = definitions.iter().map(|of| (of.kind, &*of.qualified, of.start_line, of.parent)).collect();
    assert_eq!(
        shown,
        [("struct", "Queue", 1, None), ("impl", "Queue", 3, None), ("method", "Queue::claim", 4, Some(1))]
    );
    assert_eq!(definitions[2].signature, "pub fn claim(&self) { take(); }");
    let used: Vec<_> = file.references.unwrap().into_iter().map(|of| (of.kind, of.name, of.lines)).collect();
    assert!(used.contains(&("call", "take".to_owned(), vec![4])), "{used:?}");
}

#[tokio::test]
async fn a_name_is_found_where_it_is_defined_and_only_inside_the_scope() {
    let (cache, repository, _) = served().await;
    let found = async |name: &str| {
        let found = definitions_of(&cache.store, &Scope::All, repository, name).await.unwrap();
        found.into_iter().map(|of| (of.path, of.definition.qualified)).collect::<Vec<_>>()
    };
    let place = |path: &str, name: &str| (format!("src/{path}"), name.to_owned());
    let expected = [place("other.rs", "claim"), place("other.rs", "Claim"), place("queue.rs", "Queue::claim")];
    for _ in 0..2 {
        assert_eq!(found("claim").await, expected);
    }
    assert_eq!(found("Queue.claim").await, expected[2..]);
    assert_eq!(found("take").await, []);
    let outside = definitions_of(&cache.store, &Scope::only([RepositoryId(999)]), repository, "claim").await;
    assert!(matches!(outside, Err(QueryError::NoRepository)));
}

#[tokio::test]
async fn a_search_knows_what_the_texts_define_whatever_the_symbol_of_their_chunk_is() {
    let (cache, ..) = served().await;
    let snapshots = Snapshots::default();
    let report = search(&cache.store, &Scope::All, &snapshots, &Letters, &Search::of("claim")).await.unwrap();
    let hit = |path: &str| report.hits.iter().find(|hit| hit.path == path).unwrap();
    assert!(hit("src/queue.rs").why.contains(&Reason::Definition));
    assert!(!hit("notes.txt").why.contains(&Reason::Definition));
    assert_eq!(hit("src/queue.rs").ranges[0].defines, ["Queue", "claim"]);
    assert_eq!(hit("notes.txt").ranges[0].defines, [""; 0]);
}
