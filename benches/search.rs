//! How long does an exact scan of 100,000 chunks take?
//!
//! The bound is on the scan, once the rows are in memory. Reading them from the database is measured beside it, as the
//! search command does it: page by page, keeping only the best.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::Runtime as Tokio;
use warmer_benches::{criterion, figure, in_turn, milliseconds, ratio, wanted};
use warmer_content::{
    Artifact, ArtifactKey, Chunk, ChunkingId, Content, Digest, EmbeddingId, Language, Recipe, RulesDigest, TextKey,
    Vector, artifact_key, text_key,
};
use warmer_query::Best;
use warmer_store::{
    Cache as _, Catalogue as _, ClaimFilter, Enqueue, Extracted, InstanceId, Outcome, Publication, Put, Queue as _,
    Role, SearchFilter, SearchRow, Served, Sqlite, StagedEntry, Store as _,
};
use warmer_tests::sources::Random;

const FILES: usize = 10_000;
const CHUNKS_PER_FILE: usize = 10;
const FILES_PER_BATCH: usize = 100;
const DIMENSIONS: usize = 384;
const LIMIT: usize = 10;
const BOUND_SECONDS: f64 = 0.1;

fn main() {
    if !wanted(&[]) {
        return;
    }
    let mut criterion = criterion();
    let (directory, tokio) = (TempDir::new().expect("a directory"), Tokio::new().expect("a runtime"));
    let store = tokio.block_on(filled(directory.path()));
    let read = |each: &mut (dyn FnMut(Vec<SearchRow>) + Send)| {
        let read = store.search_rows(recipe().embedding, &SearchFilter { repositories: None, language: None }, each);
        tokio.block_on(read).expect("it was written above");
    };
    let mut rows = vec![];
    read(&mut |page| rows.push(page));
    let mut group = criterion.benchmark_group("search of 100,000 chunks");
    let in_memory = || {
        let rows = rows.clone();
        found(|best| rows.into_iter().for_each(|page| best.take(page)))
    };
    let in_the_database = || found(|best| read(&mut |page| best.take(page)));
    let pairs = in_turn(&mut group, ("scan", in_memory), ("read and scan", in_the_database));
    group.finish();
    tokio.block_on(store.close());
    let (scan, read_and_scan) = pairs.medians();
    figure("scan of 100,000 chunks in memory", milliseconds(scan));
    figure("the same, read from the database page by page", milliseconds(read_and_scan));
    ratio("search_scan_of_100_ms", scan / BOUND_SECONDS, "<= 1");
    criterion.final_summary();
}

/// How long a search takes whose rows come so.
fn found(look: impl FnOnce(&mut Best)) -> Duration {
    let query = vector(&text_key("what is looked for"));
    let began = Instant::now();
    let mut best = Best::new(&query, None, LIMIT);
    look(&mut best);
    assert_eq!(best.scanned(), (FILES * CHUNKS_PER_FILE) as u64);
    assert_eq!(best.answers().expect("there is no filter").len(), LIMIT);
    began.elapsed()
}

/// A database that serves a repository of 100,000 different chunks.
async fn filled(directory: &Path) -> Sqlite {
    let store = Sqlite::open(&directory.join("warmer.sqlite"), Role::Pipeline).await.expect("an empty directory");
    let instance = InstanceId::random();
    store.register(instance, 1, "bench", warmer_store::Takes::Any).await.expect("it is open");
    let repository = store.add_repository("file:///generated", None).await.expect("it is open");
    store.enqueue(repository.id, Enqueue::default()).await.expect("it is open");
    let claim = store.claim(instance, &ClaimFilter::default()).await.expect("it is open").expect("it was queued");
    let files: Vec<_> = (0..FILES).map(file).collect();
    for files in files.chunks(FILES_PER_BATCH) {
        let texts = files.iter().flat_map(|(_, artifact)| &artifact.chunks);
        let vectors: Vec<_> = texts.map(|chunk| (chunk.key, vector(&chunk.key))).collect();
        let put = Put {
            embedding: recipe().embedding,
            chunking: recipe().chunking,
            rules: rules(),
            vectors: &vectors,
            artifacts: files,
            blobs: &[],
            symbols: Extracted::of(&[]),
        };
        store.put(put).await.expect("it is open");
        let entries: Vec<_> = files.iter().map(entry).collect();
        assert!(store.stage(claim.id, &entries).await.expect("it is open"), "the claim is running");
    }
    let served = Served {
        reference: "refs/heads/main".to_owned(),
        ref_oid: "1".repeat(40),
        commit: "1".repeat(40),
        recipe: recipe(),
        rules: rules(),
    };
    let (summary, traceparent) = Default::default();
    let publication = Publication {
        claim: claim.id,
        base: None,
        served,
        committed_at: None,
        complete: true,
        failed: vec![],
        patience: 0,
        summary,
        traceparent,
    };
    store.publish(&publication).await.expect("everything was put");
    store
}

fn recipe() -> Recipe {
    Recipe { embedding: EmbeddingId(Digest::of(b"embedding")), chunking: ChunkingId(Digest::of(b"chunking")) }
}

fn rules() -> RulesDigest {
    RulesDigest(Digest::of(b"rules"))
}

fn entry((key, artifact): &(ArtifactKey, Arc<Artifact>)) -> StagedEntry {
    let path = format!("src/{}.txt", artifact.text.lines().next().expect("it has lines"));
    let oid = key.to_string()[..40].to_owned();
    StagedEntry { path, oid, language_hint: "text".to_owned(), outcome: Outcome::Artifact(*key) }
}

/// A file whose lines, each a chunk, stand nowhere else.
fn file(number: usize) -> (ArtifactKey, Arc<Artifact>) {
    let lines: Vec<_> = (0..CHUNKS_PER_FILE).map(|line| format!("file_{number}_line_{line}\n")).collect();
    let mut end = 0;
    let chunks = lines.iter().zip(1..).map(|(line, number)| {
        let start = end;
        end += line.len() as u32;
        let key = text_key(line);
        let header = String::new();
        Chunk { start, end, start_line: number, end_line: number, symbol: None, header, tokens: 8, key }
    });
    let content = Content::plain(lines.concat(), Language::text());
    (artifact_key(recipe().chunking, &content), Arc::new(Artifact::of(content, chunks.collect())))
}

/// A vector that only this text has.
fn vector(text: &TextKey) -> Vector {
    let seed = text.0.0.iter().fold(0_u64, |seed, byte| seed.rotate_left(8) ^ u64::from(*byte));
    let mut random = Random::new(seed);
    Vector::normalized(&(0..DIMENSIONS).map(|_| random.below(2_001) as f32 - 1_000.0).collect::<Vec<_>>())
}
