//! How much of the model's own speed does a cold `warmer warm` reach?
//!
//! Beside it runs the bare loop: the same texts, as many sessions with as many threads, nothing else. The warm's time is that
//! of its whole process, from start to exit, with git, chunking and storing; the loop's begins when its sessions are open.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime as Tokio;
use warmer_benches::{Pairs, STAGES, figure, median, ratio, wanted, warm, work_seconds};
use warmer_embedding::{Embedder, ModelFiles, Runtime, Terminator, Tokenizer};
use warmer_store::{Cache as _, Catalogue as _, Role, Sqlite, Store as _};
use warmer_tests::model::{real_model, runtime_library};
use warmer_tests::{GIT, Need, Repo, Warmer};

/// Some 1,500 chunks: half a minute on two cores.
const FILES: usize = 250;
const FILE_BYTES: usize = 3_000;
const ROUNDS: usize = 3;

fn main() {
    if !wanted(&[GIT, Need::Model, Need::Runtime]) {
        return;
    }
    let workers = available_parallelism().map_or(1, usize::from);
    let repo = Repo::generated(FILES, FILE_BYTES, 1);
    let mut pairs = Pairs::default();
    let mut openings = vec![];
    let mut tokens = 0;
    for round in 1..=ROUNDS {
        let mut warmer = Warmer::real();
        warmer.set("embedder.workers", workers.to_string()).set("embedder.threads", "1");
        let (warmed, cold) = warm(&warmer, &[repo.url()]);
        let summary = warmed.one();
        tokens = summary.number("/tokens");
        let texts = texts(&warmer);
        assert_eq!(texts.len() as u64, summary.embedded(), "the loop embeds what the warm embedded");
        let (opening, bare) = bare_loop(&texts, workers);
        let work = STAGES.map(|stage| format!("{stage} {:.1} s", work_seconds(summary, stage)));
        figure(&format!("round {round}: {} texts, {tokens} tokens", texts.len()), work.join(", "));
        figure("  cold warm, bare loop", format!("{:.2} s, {:.2} s", cold.as_secs_f64(), bare.as_secs_f64()));
        pairs.0.push((bare, cold));
        openings.push(opening.as_secs_f64());
    }
    let (bare, cold) = pairs.medians();
    figure("cold warm", format!("{cold:.2} s, {:.0} tokens/s", tokens as f64 / cold));
    figure("bare loop", format!("{bare:.2} s, {:.0} tokens/s", tokens as f64 / bare));
    figure("opening the loop's sessions, not counted", format!("{:.2} s", median(openings)));
    ratio("efficiency", pairs.ratio(), ">= 0.85");
}

/// Every text that the warm embedded, once.
fn texts(warmer: &Warmer) -> Vec<String> {
    let tokio = Tokio::new().expect("a runtime can be started");
    tokio.block_on(async {
        let store = Sqlite::open(&warmer.database_file(), Role::Reader).await.expect("the warm made it");
        let mut texts = BTreeMap::new();
        for repository in store.repositories().await.expect("it reads") {
            for entry in store.entries_page(repository.id, None, u32::MAX).await.expect("it reads") {
                let Some(key) = entry.artifact else { continue };
                let artifact = store.artifact(key).await.expect("it reads").expect("what is served is stored");
                texts.extend(artifact.chunks.iter().map(|chunk| (chunk.key, artifact.embedded_text(chunk))));
            }
        }
        store.close().await;
        texts.into_values().collect()
    })
}

/// Embeds the texts by as many threads, each with a session of its own: how long the sessions took to open, and then the
/// texts.
fn bare_loop(texts: &[String], threads: usize) -> (Duration, Duration) {
    let began = Instant::now();
    let files = ModelFiles::locate(&real_model(), None).expect("the model is there");
    let tokenizer = Tokenizer::load(&files).expect("the tokenizer is there");
    let runtime = Runtime::load(&runtime_library()).expect("the runtime is there");
    let open = |_| Embedder::open(&runtime, &files, &tokenizer, 1).expect("the model is whole");
    let sessions: Vec<_> = (0..threads).map(open).collect();
    let opened = Instant::now();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for mut session in sessions {
            let next = &next;
            scope.spawn(move || {
                while let Some(text) = texts.get(next.fetch_add(1, Relaxed)) {
                    session.embed(text, &Terminator::default()).expect("the warm embedded it");
                }
            });
        }
    });
    (opened - began, opened.elapsed())
}
