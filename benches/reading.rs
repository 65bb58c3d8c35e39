//! What does it cost to read a file (to decode it, judge it, look for secrets and data in it), and to find its symbols,
//! against cutting it into chunks?
//!
//! Over the sources of this repository, tokenised by the real model's tokenizer.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use warmer_benches::{MIB, figure, median, ratio, wanted};
use warmer_content::{ChunkLimits, Chunker, Content, ContentSettings, Deadline, LanguageHint, PathFacts, Rules};
use warmer_embedding::{ModelFiles, Tokenizer};
use warmer_tests::Need;
use warmer_tests::model::real_model;

const ROUNDS: usize = 5;

/// A file of this repository.
struct File {
    bytes: Vec<u8>,
    hint: LanguageHint,
}

fn main() {
    if !wanted(&[Need::Model]) {
        return;
    }
    let rules = Rules::new(&ContentSettings::default()).expect("no globs");
    let files = files(&rules);
    let model = ModelFiles::locate(&real_model(), None).expect("the real model");
    let tokenizer = Tokenizer::load(&model).expect("its tokenizer");
    let (mut reading, mut cutting, mut both, mut contents) = (vec![], vec![], vec![], vec![]);
    let mut symbols = (0, 0);
    for _ in 0..ROUNDS {
        let copies: Vec<_> = files.iter().map(|file| (file.bytes.clone(), file.hint)).collect();
        let began = Instant::now();
        contents =
            copies.into_iter().filter_map(|(bytes, hint)| rules.read(bytes, hint).ok()).collect::<Vec<Content>>();
        reading.push(began.elapsed().as_secs_f64());
        let began = Instant::now();
        cut(&contents, &tokenizer);
        cutting.push(began.elapsed().as_secs_f64());
        let began = Instant::now();
        symbols = cut_with_symbols(&contents, &tokenizer);
        both.push(began.elapsed().as_secs_f64());
    }
    let mebibytes = contents.iter().map(|content| content.text.len()).sum::<usize>() as f64 / MIB;
    let (reading, cutting, both) = (median(reading), median(cutting), median(both));
    figure("files, MiB", format!("{}, {mebibytes:.1}", contents.len()));
    figure("masked", contents.iter().map(|content| content.masked).sum::<u32>());
    figure("definitions, references", format!("{}, {}", symbols.0, symbols.1));
    figure("reading", format!("{:.1} ms/MiB", reading * 1e3 / mebibytes));
    figure("cutting", format!("{:.1} ms/MiB", cutting * 1e3 / mebibytes));
    ratio("reading to cutting", reading / cutting, "<= 0.05");
    // Cutting is some 3 % of a cold warm; the rest is the model.
    ratio("cutting with symbols to cutting", both / cutting, "<= 1.25");
}

fn cut(contents: &[Content], tokenizer: &Tokenizer) {
    let chunker = Chunker::new(ChunkLimits::default());
    let deadline = Deadline { until: Instant::now() + Duration::from_hours(1), cancelled: std::sync::Arc::default() };
    for content in contents {
        chunker.chunk(&content.text, content.language, tokenizer, &deadline).expect("cut");
    }
}

/// How many definitions and references there are.
fn cut_with_symbols(contents: &[Content], tokenizer: &Tokenizer) -> (usize, usize) {
    let chunker = Chunker::new(ChunkLimits::default());
    let deadline = Deadline { until: Instant::now() + Duration::from_hours(1), cancelled: std::sync::Arc::default() };
    contents.iter().fold((0, 0), |(definitions, references), content| {
        let digest = chunker.digest(&content.text, content.language, tokenizer, &deadline).expect("cut");
        let symbols = digest.1.expect("found in time");
        (definitions + symbols.definitions.len(), references + symbols.references.len())
    })
}

/// The sources of this repository that are indexed.
fn files(rules: &Rules) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned();
    let mut folders: Vec<PathBuf> =
        ["benches", "config", "crates", "tests"].iter().map(|name| root.join(name)).collect();
    let mut files = vec![];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).expect("below the root").as_os_str().as_encoded_bytes();
            if let Ok(hint) = rules.judge_path(name, &PathFacts::default()) {
                files.push(File { bytes: std::fs::read(&path).expect("readable"), hint });
            }
        }
    }
    files
}
