//! What does it cost to read a file (to decode it, judge it, look for secrets and data in it), and to find its symbols,
//! against cutting it into chunks? What would it cost to count its tokens as well? And how many tokens are chunks of
//! one size, by language?
//!
//! Over the sources of this repository; `--sources PATH` takes those below a directory, `--tokenizer FILE` counts by
//! another model's `tokenizer.json` as well as by the default model's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use warmer_benches::{MIB, figure, median, ratio, wanted};
use warmer_content::{
    ChunkLimits, Chunker, Content, ContentSettings, Deadline, LanguageHint, PathFacts, Rules, embedded_text,
};
use warmer_embedding::{ModelFiles, Tokenizer};
use warmer_tests::Need;
use warmer_tests::model::real_model;

const ROUNDS: usize = 5;
/// A language of fewer chunks says nothing of others in it.
const CHUNKS_MIN: usize = 30;

/// A file that is indexed.
struct File {
    bytes: Vec<u8>,
    hint: LanguageHint,
}

/// What chunks of one language are.
#[derive(Default)]
struct Chunks {
    sizes: Vec<u32>,
    /// By tokenizer.
    tokens: Vec<Vec<usize>>,
}

fn main() {
    if !wanted(&[Need::Model]) {
        return;
    }
    let rules = Rules::new(&ContentSettings::default()).expect("no globs");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned();
    let sources = options("--sources").pop();
    let folders = match &sources {
        Some(sources) => vec![sources.clone()],
        None => ["benches", "config", "crates", "tests"].iter().map(|name| root.join(name)).collect(),
    };
    let files = files(&rules, sources.as_deref().unwrap_or(&root), folders);
    let model = ModelFiles::locate(&real_model(), None).expect("the real model");
    let room = model.length_max - Tokenizer::load(&model).expect("its tokenizer").specials();
    let others = options("--tokenizer").into_iter().map(|tokenizer| ModelFiles { tokenizer, ..model.clone() });
    let tokenizers: Vec<_> = std::iter::once(model.clone())
        .chain(others)
        .map(|files| Tokenizer::load(&files).expect("a tokenizer.json"))
        .collect();
    let contents = measure(&rules, &files, &tokenizers[0]);
    for (language, chunks) in by_language(&contents, &tokenizers) {
        if chunks.sizes.len() >= CHUNKS_MIN {
            figure(&format!("{language}, {} chunks", chunks.sizes.len()), chunks.told(room));
        }
    }
}

/// The values of an option.
fn options(name: &str) -> Vec<PathBuf> {
    let arguments: Vec<_> = std::env::args().collect();
    arguments.windows(2).filter(|pair| pair[0] == name).map(|pair| PathBuf::from(&pair[1])).collect()
}

/// Prints what reading and cutting cost; gives what was read.
fn measure(rules: &Rules, files: &[File], tokenizer: &Tokenizer) -> Vec<Content> {
    let (mut reading, mut cutting, mut both, mut counting, mut contents) = (vec![], vec![], vec![], vec![], vec![]);
    let mut symbols = (0, 0);
    for _ in 0..ROUNDS {
        let copies: Vec<_> = files.iter().map(|file| (file.bytes.clone(), file.hint)).collect();
        let began = Instant::now();
        contents =
            copies.into_iter().filter_map(|(bytes, hint)| rules.read(bytes, hint).ok()).collect::<Vec<Content>>();
        reading.push(began.elapsed().as_secs_f64());
        let began = Instant::now();
        cut(&contents);
        cutting.push(began.elapsed().as_secs_f64());
        let began = Instant::now();
        symbols = cut_with_symbols(&contents);
        both.push(began.elapsed().as_secs_f64());
        let began = Instant::now();
        for content in &contents {
            tokenizer.count(&content.text).expect("a text");
        }
        counting.push(began.elapsed().as_secs_f64());
    }
    let mebibytes = contents.iter().map(|content| content.text.len()).sum::<usize>() as f64 / MIB;
    let (reading, cutting, both, counting) = (median(reading), median(cutting), median(both), median(counting));
    let each = |seconds: f64| format!("{:.1} ms/MiB", seconds * 1e3 / mebibytes);
    figure("files, MiB", format!("{}, {mebibytes:.1}", contents.len()));
    figure("masked", contents.iter().map(|content| content.masked).sum::<u32>());
    figure("definitions, references", format!("{}, {}", symbols.0, symbols.1));
    figure("reading", each(reading));
    figure("cutting", each(cutting));
    figure("cutting with symbols", each(both));
    figure("counting tokens, which cutting does not need", each(counting));
    figure("all that is done to a new file", format!("{:.1} MiB/s", mebibytes / (reading + both)));
    ratio("reading to cutting", reading / cutting, "<= 0.1");
    ratio("cutting with symbols to cutting", both / cutting, "<= 2");
    // Chunks that were counted by a tokenizer took it twice: over the text, and over what of it is embedded.
    let hashing = reading + both;
    ratio("with tokens counted twice to without", (hashing + 2.0 * counting) / hashing, ">= 3");
    contents
}

fn deadline() -> Deadline {
    Deadline { until: Instant::now() + Duration::from_hours(1), cancelled: std::sync::Arc::default() }
}

fn cut(contents: &[Content]) {
    let (chunker, deadline) = (Chunker::new(ChunkLimits::default()), deadline());
    for content in contents {
        chunker.chunk(&content.text, content.language, &deadline).expect("cut");
    }
}

/// How many definitions and references there are.
fn cut_with_symbols(contents: &[Content]) -> (usize, usize) {
    let (chunker, deadline) = (Chunker::new(ChunkLimits::default()), deadline());
    contents.iter().fold((0, 0), |(definitions, references), content| {
        let digest = chunker.digest(&content.text, content.language, &deadline).expect("cut");
        let symbols = digest.1.expect("found in time");
        (definitions + symbols.definitions.len(), references + symbols.references.len())
    })
}

fn by_language(contents: &[Content], tokenizers: &[Tokenizer]) -> BTreeMap<&'static str, Chunks> {
    let (chunker, deadline) = (Chunker::new(ChunkLimits::default()), deadline());
    let mut languages = BTreeMap::<_, Chunks>::new();
    for content in contents {
        let of = languages.entry(content.language.name).or_default();
        of.tokens.resize(tokenizers.len(), vec![]);
        for chunk in chunker.chunk(&content.text, content.language, &deadline).expect("cut") {
            let text = embedded_text(&chunk.header, &content.text[chunk.start as usize..chunk.end as usize]);
            of.sizes.push(chunk.size);
            for (counts, tokenizer) in of.tokens.iter_mut().zip(tokenizers) {
                counts.push(tokenizer.count(&text).expect("a text"));
            }
        }
    }
    languages
}

impl Chunks {
    /// The mean size; by tokenizer the mean and the 99th percentile of the tokens, and which share of the chunks has
    /// more than `room`.
    fn told(&self, room: usize) -> String {
        let mean = |sum: f64| sum / self.sizes.len() as f64;
        let mut told = format!("size {:.0}", mean(self.sizes.iter().map(|size| f64::from(*size)).sum()));
        for counts in &self.tokens {
            let mut counts = counts.clone();
            counts.sort_unstable();
            let average = mean(counts.iter().map(|count| *count as f64).sum());
            let above = mean(counts.iter().filter(|count| **count > room).count() as f64) * 100.0;
            let p99 = counts[counts.len() * 99 / 100];
            told += &format!("; tokens {average:.0}, p99 {p99}, {above:.1} % above {room}");
        }
        told
    }
}

/// The files in these folders that are indexed.
fn files(rules: &Rules, root: &Path, mut folders: Vec<PathBuf>) -> Vec<File> {
    let mut files = vec![];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(root).expect("below the root").as_os_str().as_encoded_bytes();
            if let Ok(hint) = rules.judge_path(name, &PathFacts::default()) {
                files.push(File { bytes: std::fs::read(&path).expect("readable"), hint });
            }
        }
    }
    files
}
