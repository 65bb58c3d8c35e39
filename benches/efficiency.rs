//! How much of the model's own speed does a cold `warmer warm` reach?
//!
//! Beside it runs the bare loop: the same texts, as many sessions with as many threads, nothing else. The warm's time
//! is that of its whole process, from start to exit, with git, chunking and storing; the loop's begins when its
//! sessions are open. Where other programs want the cores too, the CPU seconds of both tell more than the ratio: what
//! they do not tell is whether a core was left idle.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::available_parallelism;
use std::time::Instant;

use tokio::runtime::Runtime as Tokio;
use warmer_benches::{STAGES, cpu_seconds, figure, median, ratio, wanted, warm, work_seconds};
use warmer_embedding::{Model, ModelFiles, Terminator};
use warmer_store::{Cache as _, Catalogue as _, Role, Sqlite, Store as _};
use warmer_tests::model::{real_model, runtime_library};
use warmer_tests::{GIT, Need, Repo, Warmer};

/// Some 1,500 chunks: half a minute on two cores.
const FILES: usize = 170;
const FILE_BYTES: usize = 3_000;
const ROUNDS: usize = 3;

/// One cold warm and one bare loop over the same texts.
struct Round {
    texts: usize,
    tokens: f64,
    cold: Took,
    bare: Took,
}

/// What one of them took, in seconds.
struct Took {
    wall: f64,
    cpu: f64,
}

fn main() {
    if !wanted(&[GIT, Need::Model, Need::Runtime]) {
        return;
    }
    let workers = available_parallelism().map_or(1, usize::from);
    let repo = Repo::generated(FILES, FILE_BYTES, 1);
    let rounds: Vec<_> = (0..ROUNDS).map(|_| round(&repo, workers)).collect();
    figure("texts, tokens, sessions", format!("{}, {}, {workers}", rounds[0].texts, rounds[0].tokens));
    for (name, side) in
        [("cold warm", (|round| &round.cold) as fn(&Round) -> &Took), ("bare loop", |round| &round.bare)]
    {
        let of = |value: fn(&Took) -> f64| median(rounds.iter().map(|round| value(side(round))).collect());
        let (wall, cpu) = (of(|took| took.wall), of(|took| took.cpu));
        let speed = rounds[0].tokens / wall;
        figure(name, format!("{wall:.1} s, {speed:.0} tokens/s, {cpu:.1} CPU seconds"));
    }
    let ratio_of =
        |value: fn(&Took) -> f64| median(rounds.iter().map(|round| value(&round.bare) / value(&round.cold)).collect());
    figure("efficiency in CPU seconds", format!("{:.2}", ratio_of(|took| took.cpu)));
    ratio("efficiency", ratio_of(|took| took.wall), ">= 0.85");
}

fn round(repo: &Repo, workers: usize) -> Round {
    let mut warmer = Warmer::real();
    warmer.set("embedder.workers", workers.to_string()).set("embedder.threads", "1");
    let before = cpu_seconds();
    let (warmed, wall) = warm(&warmer, &[repo.url()]);
    let cold = Took { wall: wall.as_secs_f64(), cpu: cpu_seconds().1 - before.1 };
    let summary = warmed.one();
    let work = STAGES.map(|stage| format!("{stage} {:.1} s", work_seconds(summary, stage)));
    figure("work of a cold warm, summed over its workers", work.join(", "));
    let texts = texts(&warmer);
    assert_eq!(texts.len() as u64, summary.embedded(), "the loop embeds what the warm embedded");
    let bare = bare_loop(&texts, workers);
    Round { texts: texts.len(), tokens: summary.number("/tokens") as f64, cold, bare }
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

/// Embeds the texts by as many threads, each with a session of its own that is open before the clock starts.
fn bare_loop(texts: &[String], threads: usize) -> Took {
    let files = ModelFiles::locate(&real_model(), None).expect("the model is there");
    let fingerprint = files.fingerprint().expect("the model is whole");
    let model = Model::new(files, fingerprint, runtime_library(), 1);
    let sessions: Vec<_> = (0..threads).map(|_| model.open().expect("the model and the runtime are whole")).collect();
    let (next, before, began) = (AtomicUsize::new(0), cpu_seconds(), Instant::now());
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
    Took { wall: began.elapsed().as_secs_f64(), cpu: cpu_seconds().0 - before.0 }
}
