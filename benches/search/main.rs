//! How long does a search take over 100,000 chunks, and what does its index cost?
//!
//! In one process, everything warm, each query another, through the library as the program asks it: the answers' texts
//! are loaded too. The query's vector is given: what the model takes is not in it. The first search of a process, which
//! opens the index, is measured beside one over 8,000 chunks, in turn.

use std::cell::Cell;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::runtime::Runtime as Tokio;
use warmer_benches::{cpu_seconds, criterion, figure, in_turn, milliseconds, ratio, wanted};
use warmer_content::{
    Artifact, ArtifactKey, Chunk, ChunkingId, Content, Digest, EmbeddingId, Language, Recipe, RulesDigest, TextKey,
    Vector, artifact_key, text_key,
};
use warmer_query::{Embed, QueryError, QueryVector, Scope, Search, SegmentFiles, Snapshots, search};
use warmer_store::{
    Cache as _, Catalogue as _, ClaimFilter, Enqueue, Extracted, Filled, Fills as _, InstanceId, Outcome, Publication,
    Published, Put, Queue as _, RepositoryId, Role, Served, Sqlite, StagedEntry, Store as _, Takes,
};
use warmer_tests::sources::Random;

const FILES: usize = 10_000;
const FILES_SMALL: usize = 800;
const CHUNKS_PER_FILE: usize = 10;
const FILES_PER_BATCH: usize = 100;
const FILES_CHANGED: usize = 10;
const DIMENSIONS: usize = 384;
/// Words of a chunk: 100 tokens of the default model and more.
const WORDS_PER_CHUNK: usize = 90;
const QUERIES: usize = 500;
const BOUND_P50_SECONDS: f64 = 0.01;
const BOUND_P99_SECONDS: f64 = 0.03;
const BOUND_BYTES: f64 = 1.2 * 1024.0 + 2.0 * DIMENSIONS as f64;

fn main() {
    if !wanted(&[]) {
        return;
    }
    let mut criterion = criterion();
    let (directory, tokio) = (TempDir::new().expect("a directory"), Tokio::new().expect("a runtime"));
    let large = tokio.block_on(Bench::new(&directory.path().join("large"), FILES));
    let small = tokio.block_on(Bench::new(&directory.path().join("small"), FILES_SMALL));
    tokio.block_on(small.index());
    let built = timed(|| tokio.block_on(large.index()));
    let bytes = bytes_below(&large.segments()) as f64 / (FILES * CHUNKS_PER_FILE) as f64;
    let snapshots = large.snapshots();
    let ask = |query| tokio.block_on(large.ask(&snapshots, query)).as_secs_f64();
    // The first ones read the index from the disk.
    (0..QUERIES / 10).map(ask).for_each(drop);
    let (before, _) = cpu_seconds();
    let mut times: Vec<_> = (QUERIES / 10..QUERIES).map(ask).collect();
    let cpu = (cpu_seconds().0 - before) / times.len() as f64;
    times.sort_by(f64::total_cmp);
    let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);

    let mut group = criterion.benchmark_group("first search of a process");
    let query = Cell::new(QUERIES);
    let first = |bench: &Bench| {
        query.set(query.get() + 1);
        tokio.block_on(bench.ask(&bench.snapshots(), query.get()))
    };
    let pairs = in_turn(&mut group, ("100,000 chunks", || first(&large)), ("8,000 chunks", || first(&small)));
    group.finish();

    tokio.block_on(large.publish(FILES..FILES + FILES_CHANGED));
    let updated = timed(|| tokio.block_on(large.index()));
    let (first_large, first_small) = pairs.medians();
    figure("index of 100,000 chunks made in", format!("{:.1} s", built.as_secs_f64()));
    figure("brought up to date with 10 changed files in", milliseconds(updated.as_secs_f64()));
    figure("bytes of it for each chunk", format!("{bytes:.0}"));
    figure("search over 100,000 chunks, median", milliseconds(p50));
    figure("search over 100,000 chunks, 99 of 100 within", milliseconds(p99));
    figure("CPU of it on average", milliseconds(cpu));
    figure("first search of a process over 100,000 chunks", milliseconds(first_large));
    figure("first search of a process over 8,000 chunks", milliseconds(first_small));
    ratio("search_p50_of_10_ms", p50 / BOUND_P50_SECONDS, "<= 1");
    ratio("search_p99_of_30_ms", p99 / BOUND_P99_SECONDS, "<= 1");
    ratio("index_bytes_of_1.2_KiB_and_2_a_dimension", bytes / BOUND_BYTES, "<= 1");
    criterion.final_summary();
    tokio.block_on(async {
        large.store.close().await;
        small.store.close().await;
    });
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

/// Bytes of all files in the directories of this one.
fn bytes_below(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).expect("it was made").map(|entry| entry.expect("it is there").path());
    entries
        .map(|path| if path.is_dir() { bytes_below(&path) } else { path.metadata().map_or(0, |found| found.len()) })
        .sum()
}

/// A database that serves a repository, and its index.
struct Bench {
    store: Sqlite,
    instance: InstanceId,
    repository: RepositoryId,
    directory: PathBuf,
}

impl Bench {
    async fn new(directory: &Path, files: usize) -> Self {
        std::fs::create_dir_all(directory).expect("it can be made");
        let store = Sqlite::open(&directory.join("warmer.sqlite"), Role::Pipeline).await.expect("an empty directory");
        let instance = InstanceId::random();
        store.register(instance, 1, "bench", Takes::Any).await.expect("it is open");
        let repository = store.add_repository("file:///generated", None).await.expect("it is open").id;
        let bench = Self { store, instance, repository, directory: directory.to_owned() };
        bench.publish(0..files).await;
        bench
    }

    fn segments(&self) -> PathBuf {
        self.directory.join("segments")
    }

    fn snapshots(&self) -> Snapshots {
        Snapshots::new(Some(SegmentFiles { directory: self.segments(), bytes_max: u64::MAX }))
    }

    async fn index(&self) {
        self.snapshots().refresh(&self.store, self.repository).await.expect("it is served");
    }

    /// How long this query takes.
    async fn ask(&self, snapshots: &Snapshots, number: usize) -> Duration {
        let mut random = Random::new(number as u64 * 7 + 1);
        let words: Vec<_> = (0..2 + random.below(5)).map(|_| word(&mut random)).collect();
        let asked = Search::of(words.join(" "));
        let began = Instant::now();
        let report = search(&self.store, &Scope::All, snapshots, &Given, &asked).await.expect("it is served");
        let took = began.elapsed();
        assert!(!report.hits.is_empty(), "whatever is asked, something is the nearest");
        took
    }

    /// Serves these files, beside those before.
    async fn publish(&self, numbers: Range<usize>) {
        self.store.enqueue(self.repository, Enqueue::default()).await.expect("it is open");
        let claimed = self.store.claim(self.instance, &ClaimFilter::default()).await.expect("it is open");
        let claim = claimed.expect("it was queued");
        let numbers: Vec<_> = numbers.collect();
        for numbers in numbers.chunks(FILES_PER_BATCH) {
            let files: Vec<_> = numbers.iter().copied().map(file).collect();
            let texts = files.iter().flat_map(|(_, artifact)| &artifact.chunks);
            let vectors: Vec<_> = texts.map(|chunk| (chunk.key, vector(&chunk.key))).collect();
            let put = Put {
                chunking: recipe().chunking,
                rules: rules(),
                artifacts: &files,
                blobs: &[],
                symbols: Extracted::of(&[]),
            };
            self.store.put(put).await.expect("it is open");
            let filled = Filled { embedding: recipe().embedding, vectors: &vectors, failed: &[], artifacts: &[] };
            self.store.put_vectors(filled).await.expect("it is open");
            let entries: Vec<_> = numbers.iter().zip(&files).map(|(number, file)| entry(*number, file)).collect();
            assert!(self.store.stage(claim.id, &entries).await.expect("it is open"), "the claim is running");
        }
        let commit = format!("{:040x}", numbers.len());
        let (reference, ref_oid) = ("refs/heads/main".to_owned(), commit.clone());
        let served = Served { reference, ref_oid, commit, recipe: recipe(), rules: rules() };
        let (summary, traceparent) = Default::default();
        let publication = Publication {
            claim: claim.id,
            base: claim.repository.served,
            served,
            committed_at: None,
            complete: false,
            patience: 0,
            summary,
            traceparent,
        };
        let published = self.store.publish(&publication).await.expect("everything was put");
        assert!(matches!(published, Published::Done { .. }), "{published:?}");
    }
}

/// Knows the vector of every query without a model.
struct Given;

#[async_trait]
impl Embed for Given {
    async fn embed(&self, query: &str, _embedding: EmbeddingId) -> Result<QueryVector, QueryError> {
        Ok(QueryVector { vector: vector(&text_key(query)), tokens: 3 })
    }
}

fn recipe() -> Recipe {
    Recipe { embedding: EmbeddingId(Digest::of(b"embedding")), chunking: ChunkingId(Digest::of(b"chunking")) }
}

fn rules() -> RulesDigest {
    RulesDigest(Digest::of(b"rules"))
}

fn entry(number: usize, (key, _): &(ArtifactKey, Arc<Artifact>)) -> StagedEntry {
    let path = format!("src/part_{}/module_{number}.rs", number % 97);
    let oid = key.to_string()[..40].to_owned();
    StagedEntry { path, oid, language_hint: "rust".to_owned(), outcome: Outcome::Artifact(*key) }
}

/// A file of chunks whose words are as frequent as in real code: few stand everywhere, most stand in a few places.
fn file(number: usize) -> (ArtifactKey, Arc<Artifact>) {
    let mut random = Random::new(number as u64 + 1_000_000);
    let (mut text, mut chunks, mut line) = (String::new(), vec![], 1);
    for chunk in 0..CHUNKS_PER_FILE {
        let start = text.len() as u32;
        let symbol = format!("Module{number}::item_{chunk}");
        text += &format!("fn item_{chunk}() {{\n");
        for _ in 0..WORDS_PER_CHUNK / 9 {
            let words: Vec<_> = (0..9).map(|_| word(&mut random)).collect();
            text += &format!("    {}\n", words.join(" "));
        }
        text += "}\n";
        let end_line = line + WORDS_PER_CHUNK as u32 / 9 + 1;
        let header = format!("rust\nimpl Module{number}");
        let key = text_key(&text[start as usize..]);
        let end = text.len() as u32;
        chunks.push(Chunk { start, end, start_line: line, end_line, symbol: Some(symbol), header, size: 200, key });
        line = end_line + 1;
    }
    let content = Content::plain(text, Language::text());
    (artifact_key(recipe().chunking, &content), Arc::new(Artifact::of(content, chunks)))
}

/// An identifier; the lower its number the more often it comes.
fn word(random: &mut Random) -> String {
    const SYLLABLES: [&str; 16] =
        ["ra", "to", "lin", "quor", "mes", "vi", "dan", "ep", "sol", "ker", "ub", "nix", "ja", "fro", "thu", "gal"];
    // Numbers of one to sixteen bits, each length as often: the frequency falls with the rank as in real texts.
    let bits = random.below(16) + 1;
    let number = random.below(1 << bits);
    let syllable = |shift: usize| SYLLABLES[number >> shift & 15];
    if number.is_multiple_of(3) {
        format!("{}{}_{}{}", syllable(0), syllable(4), syllable(8), syllable(12))
    } else {
        format!("{}{}{}", syllable(0), syllable(4), syllable(8))
    }
}

/// A vector that only this text has.
fn vector(text: &TextKey) -> Vector {
    let seed = text.0.0.iter().fold(0_u64, |seed, byte| seed.rotate_left(8) ^ u64::from(*byte));
    let mut random = Random::new(seed);
    Vector::normalized(&(0..DIMENSIONS).map(|_| random.below(2_001) as f32 - 1_000.0).collect::<Vec<_>>())
}
