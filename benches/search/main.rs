//! How long does a search take over 100,000 chunks, and what does its index cost?
//!
//! In one process, everything warm, each query another, through the library as the program asks it: the answers' texts
//! are loaded too. First the query's vector is given, so that what the model takes is not in it; then the model makes
//! it. The first search of a process, which opens the index, is measured beside one over 8,000 chunks, in turn: in this
//! process with a given vector, and as the whole of `warmer search`, from its start to its end.

mod generated;

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use criterion::Criterion;
use tempfile::TempDir;
use tokio::runtime::Runtime as Tokio;
use warmer_benches::{Pairs, cpu_seconds, criterion, figure, in_turn, milliseconds, ratio, wanted};
use warmer_content::{EmbeddingId, text_key};
use warmer_query::{Embed, ModelPath, QueryError, QuerySession, QueryVector};
use warmer_tests::process::quoted;
use warmer_tests::{Need, Warmer, model};

use generated::{Bench, CHUNKS_PER_FILE, DIMENSIONS, query, vector};

const FILES: usize = 10_000;
const FILES_SMALL: usize = 800;
const FILES_CHANGED: usize = 10;
const QUERIES: usize = 500;
const BOUND_P50_SECONDS: f64 = 0.01;
const BOUND_P99_SECONDS: f64 = 0.03;
const BOUND_P50_WITH_MODEL_SECONDS: f64 = 0.025;
const BOUND_BYTES: f64 = 1.2 * 1024.0 + 2.0 * DIMENSIONS as f64;

fn main() {
    if !wanted(&[Need::Runtime, Need::Model]) {
        return;
    }
    let mut criterion = criterion();
    let (directory, tokio) = (TempDir::new().expect("a directory"), Tokio::new().expect("a runtime"));
    let large = tokio.block_on(Bench::new(&directory.path().join("large"), FILES));
    let small = tokio.block_on(Bench::new(&directory.path().join("small"), FILES_SMALL));
    tokio.block_on(small.index());
    let built = timed(|| tokio.block_on(large.index()));
    let bytes = bytes_below(&large.segments()) as f64 / (FILES * CHUNKS_PER_FILE) as f64;
    figure("index of 100,000 chunks made in", format!("{:.1} s", built.as_secs_f64()));
    figure("bytes of it for each chunk", format!("{bytes:.0}"));

    let given = Times::of(&tokio, &large, &Given);
    let modelled = Times::of(&tokio, &large, &session());
    given.tell("search over 100,000 chunks");
    modelled.tell("the same with the query's vector by the model");
    first_searches(&mut criterion, &tokio, &large, &small);
    whole_processes(&mut criterion, &large, &small);

    tokio.block_on(large.publish(FILES..FILES + FILES_CHANGED));
    let updated = timed(|| tokio.block_on(large.index()));
    figure("brought up to date with 10 changed files in", milliseconds(updated.as_secs_f64()));
    ratio("search_p50_of_10_ms", given.p50 / BOUND_P50_SECONDS, "<= 1");
    ratio("search_p99_of_30_ms", given.p99 / BOUND_P99_SECONDS, "<= 1");
    ratio("search_with_model_p50_of_25_ms", modelled.p50 / BOUND_P50_WITH_MODEL_SECONDS, "<= 1");
    ratio("index_bytes_of_1.2_KiB_and_2_a_dimension", bytes / BOUND_BYTES, "<= 1");
    criterion.final_summary();
    tokio.block_on(async {
        large.close().await;
        small.close().await;
    });
}

/// What searches take, in seconds.
struct Times {
    p50: f64,
    p99: f64,
    /// On average.
    cpu: f64,
}

impl Times {
    fn of(tokio: &Tokio, bench: &Bench, session: &dyn Embed) -> Self {
        let snapshots = bench.snapshots();
        let ask = |query| tokio.block_on(bench.ask(&snapshots, session, query)).as_secs_f64();
        // The first ones read the index from the disk, and open the model.
        (0..QUERIES / 10).map(ask).for_each(drop);
        let (before, _) = cpu_seconds();
        let mut times: Vec<_> = (QUERIES / 10..QUERIES).map(ask).collect();
        let cpu = (cpu_seconds().0 - before) / times.len() as f64;
        times.sort_by(f64::total_cmp);
        Self { p50: times[times.len() / 2], p99: times[times.len() * 99 / 100], cpu }
    }

    fn tell(&self, what: &str) {
        figure(&format!("{what}, median"), milliseconds(self.p50));
        figure("99 of 100 within", milliseconds(self.p99));
        figure("CPU of it on average", milliseconds(self.cpu));
    }
}

/// Searches with an index that is not open yet, in turn.
fn first_searches(criterion: &mut Criterion, tokio: &Tokio, large: &Bench, small: &Bench) {
    let number = Cell::new(QUERIES);
    let first = |bench: &Bench| {
        number.set(number.get() + 1);
        tokio.block_on(bench.ask(&bench.snapshots(), &Given, number.get()))
    };
    let mut group = criterion.benchmark_group("first search of a process");
    let pairs = in_turn(&mut group, ("100,000 chunks", || first(large)), ("8,000 chunks", || first(small)));
    group.finish();
    tell_both("first search of a process", &pairs);
}

/// `warmer search`, in turn: program, database, model and index are opened anew each time. What a first search makes
/// for all that follow, the index and the optimised graph of the model, is there.
fn whole_processes(criterion: &mut Criterion, large: &Bench, small: &Bench) {
    let number = Cell::new(2 * QUERIES);
    let warmer = |bench: &Bench| {
        let mut warmer = Warmer::real();
        warmer.set("database.url", quoted(Path::new(&bench.url())));
        run(&warmer, 0);
        warmer
    };
    let (of_large, of_small) = (warmer(large), warmer(small));
    let next = |warmer: &Warmer| {
        number.set(number.get() + 1);
        run(warmer, number.get())
    };
    let mut group = criterion.benchmark_group("warmer search");
    let pairs = in_turn(&mut group, ("100,000 chunks", || next(&of_large)), ("8,000 chunks", || next(&of_small)));
    group.finish();
    tell_both("`warmer search` as a process", &pairs);
    ratio("cold_search_of_100000_chunks_against_8000", pairs.ratio(), "<= 1.5");
}

/// How long one search of the program takes.
fn run(warmer: &Warmer, number: usize) -> Duration {
    let mut command = warmer.command();
    command.args(["search", "--json", &query(number)]);
    let (ran, took) = warmer_benches::timed(command);
    let report = ran.json();
    let nearest = report["hits"].as_array().is_some_and(|hits| hits.iter().any(|hit| hit["similarity"].is_number()));
    assert!(nearest, "the model was asked: {report}");
    took
}

fn tell_both(what: &str, pairs: &Pairs) {
    let (large, small) = pairs.medians();
    figure(&format!("{what}, over 100,000 chunks"), milliseconds(large));
    figure(&format!("{what}, over 8,000 chunks"), milliseconds(small));
}

/// The real model, as the program asks it.
fn session() -> QuerySession {
    let runtime = Ok(model::runtime_library());
    QuerySession::new(ModelPath { directory: model::real_model(), length_max: None, runtime, graphs: None })
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

/// Knows the vector of every query without a model.
struct Given;

#[async_trait]
impl Embed for Given {
    async fn embed(&self, query: &str, _embedding: EmbeddingId) -> Result<QueryVector, QueryError> {
        Ok(QueryVector { vector: vector(&text_key(query)), tokens: 3 })
    }
}
