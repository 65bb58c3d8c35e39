//! A database of generated code, as the program's own searches find it: its vectors are random numbers, filed under the
//! model that asks.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use warmer_content::{
    Artifact, ArtifactKey, Chunk, ChunkingId, Content, Digest, Language, Recipe, RulesDigest, TextKey, Vector,
    artifact_key, text_key,
};
use warmer_embedding::ModelFiles;
use warmer_query::{Embed, Scope, Search, SegmentFiles, Snapshots, search};
use warmer_store::{
    Cache as _, Catalogue as _, ClaimFilter, Enqueue, Extracted, Filled, Fills as _, InstanceId, Outcome, Publication,
    Published, Put, Queue as _, RepositoryId, Role, Served, Sqlite, StagedEntry, Store as _, Takes,
};
use warmer_tests::model::real_model;
use warmer_tests::sources::Random;

/// Chunks of each file.
pub(crate) const CHUNKS_PER_FILE: usize = 10;
/// Those of the default model.
pub(crate) const DIMENSIONS: usize = 384;
const FILES_PER_BATCH: usize = 100;
/// Words of a chunk: 100 tokens of the default model and more.
const WORDS_PER_CHUNK: usize = 90;

/// The database file, in a directory of its own.
const DATABASE: &str = "warmer.sqlite";

/// A database that serves a repository, and its index.
pub(crate) struct Bench {
    store: Sqlite,
    instance: InstanceId,
    repository: RepositoryId,
    recipe: Recipe,
    directory: PathBuf,
}

impl Bench {
    pub(crate) async fn new(directory: &Path, files: usize) -> Self {
        std::fs::create_dir_all(directory).expect("it can be made");
        let store = Sqlite::open(&directory.join(DATABASE), Role::Pipeline).await.expect("an empty directory");
        let instance = InstanceId::random();
        store.register(instance, 1, "bench", Takes::Any).await.expect("it is open");
        let repository = store.add_repository("file:///generated", None).await.expect("it is open").id;
        let model = ModelFiles::locate(&real_model(), None).expect("the model is there");
        let embedding = model.fingerprint().expect("it can be read");
        let recipe = Recipe { embedding, chunking: chunking() };
        let bench = Self { store, instance, repository, recipe, directory: directory.to_owned() };
        bench.publish(0..files).await;
        bench
    }

    /// What a configuration calls the database.
    pub(crate) fn url(&self) -> String {
        format!("sqlite:{}", self.directory.join(DATABASE).display())
    }

    pub(crate) fn segments(&self) -> PathBuf {
        self.directory.join("segments")
    }

    pub(crate) fn snapshots(&self) -> Snapshots {
        Snapshots::new(Some(SegmentFiles { directory: self.segments(), bytes_max: u64::MAX }))
    }

    pub(crate) async fn index(&self) {
        self.snapshots().refresh(&self.store, self.repository).await.expect("it is served");
    }

    /// How long this query takes, whose vector comes from there.
    pub(crate) async fn ask(&self, snapshots: &Snapshots, session: &dyn Embed, number: usize) -> Duration {
        let asked = Search::of(query(number));
        let began = Instant::now();
        let report = search(&self.store, &Scope::All, snapshots, session, &asked).await.expect("it is served");
        let took = began.elapsed();
        assert!(report.hits.iter().any(|hit| hit.similarity.is_some()), "something is the nearest: {:?}", report.notes);
        took
    }

    pub(crate) async fn close(self) {
        self.store.close().await;
    }

    /// Serves these files, beside those before.
    pub(crate) async fn publish(&self, numbers: Range<usize>) {
        self.store.enqueue(self.repository, Enqueue::default()).await.expect("it is open");
        let claimed = self.store.claim(self.instance, &ClaimFilter::default()).await.expect("it is open");
        let claim = claimed.expect("it was queued");
        let numbers: Vec<_> = numbers.collect();
        for numbers in numbers.chunks(FILES_PER_BATCH) {
            let files: Vec<_> = numbers.iter().copied().map(file).collect();
            let texts = files.iter().flat_map(|(_, artifact)| &artifact.chunks);
            let vectors: Vec<_> = texts.map(|chunk| (chunk.key, vector(&chunk.key))).collect();
            let put = Put {
                chunking: self.recipe.chunking,
                rules: rules(),
                artifacts: &files,
                blobs: &[],
                symbols: Extracted::of(&[]),
            };
            self.store.put(put).await.expect("it is open");
            let filled = Filled { embedding: self.recipe.embedding, vectors: &vectors, failed: &[], artifacts: &[] };
            self.store.put_vectors(filled).await.expect("it is open");
            let entries: Vec<_> = numbers.iter().zip(&files).map(|(number, file)| entry(*number, file)).collect();
            assert!(self.store.stage(claim.id, &entries).await.expect("it is open"), "the claim is running");
        }
        let commit = format!("{:040x}", numbers.len());
        let (reference, ref_oid) = ("refs/heads/main".to_owned(), commit.clone());
        let served = Served { reference, ref_oid, commit, recipe: self.recipe, rules: rules() };
        let (summary, traceparent) = Default::default();
        let publication = Publication {
            claim: claim.id,
            base: claim.repository.served,
            served,
            committed_at: None,
            complete: false,
            fills: true,
            cut_anew: false,
            patience: 0,
            summary,
            traceparent,
        };
        let published = self.store.publish(&publication).await.expect("everything was put");
        assert!(matches!(published, Published::Done { .. }), "{published:?}");
    }
}

/// A question of some words.
pub(crate) fn query(number: usize) -> String {
    let mut random = Random::new(number as u64 * 7 + 1);
    let words: Vec<_> = (0..2 + random.below(5)).map(|_| word(&mut random)).collect();
    words.join(" ")
}

fn chunking() -> ChunkingId {
    ChunkingId(Digest::of(b"chunking"))
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
    (artifact_key(chunking(), &content), Arc::new(Artifact::of(content, chunks)))
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
pub(crate) fn vector(text: &TextKey) -> Vector {
    let seed = text.0.0.iter().fold(0_u64, |seed, byte| seed.rotate_left(8) ^ u64::from(*byte));
    let mut random = Random::new(seed);
    Vector::normalized(&(0..DIMENSIONS).map(|_| random.below(2_001) as f32 - 1_000.0).collect::<Vec<_>>())
}
