//! The graph as the runtime optimised it, kept in a cache directory with its weights in a file of their own, which the
//! runtime maps.
//!
//! Reading the default model's graph, optimising it and packing its matrices for the kernels is most of what a process
//! does that asks once. Of the kept graph nothing is read, optimised or packed: the first text takes longer, all of it
//! together less. A whole search takes 74 ms and 129 MiB with it and a kept index, before it 223 ms and 184 MiB.
//!
//! It lies under what it was made of: the embedding, the runtime's build and the processor's features, for each of
//! which the runtime may make another. It is compared with the original when it is made; where it gives other numbers
//! it is never used.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use ort::session::builder::GraphOptimizationLevel;
use serde::{Deserialize, Serialize};
use warmer_content::{EmbeddingId, KeyBuilder};

use crate::runtime::Runtime;
use crate::session::{self, Session};
use crate::terminator::Terminator;

const GRAPH: &str = "model.onnx";
const WEIGHTS: &str = "weights";
/// Written last.
const NOTE: &str = "note.json";

/// Tensors of fewer bytes stay in the graph.
const WEIGHTS_MIN: &str = "1024";

/// So many graphs are kept beside the one that is made; those made before them are removed. Each takes 90 MB.
const OTHERS_MAX: usize = 3;

/// So many may make one at once, or have died while they did.
const BESIDE_MAX: u32 = 64;

/// What both must turn into the same numbers: texts of one token, of twenty, and of several windows.
const TEXTS: [(&str, usize); 3] = [
    ("warm", 1),
    ("fn retry_delay(attempt: u32) -> Duration { BASE * 2_u32.pow(attempt) }", 1),
    ("for (name, value) in headers { response.push(name, value?); } // as the peer sent them\n", 40),
];

/// Numbers that differ by less are the same: the kernels for packed matrices add in another order. A vector's are
/// rounded to 16 bits, of which the last is 5e-4 of the number.
const DIFFERENCE_MAX: f32 = 1e-5;

/// The place of one kept graph.
pub(crate) struct Optimized {
    directory: PathBuf,
}

/// What opening a kept graph comes to.
pub(crate) enum Kept {
    /// A session of it, and how many dimensions its vectors have.
    Open(ort::session::Session, usize),
    /// It gives other numbers than the original.
    Differs,
    /// It was not made yet, or is damaged.
    Missing,
}

/// What was found when it was made.
#[derive(Serialize, Deserialize)]
struct Note {
    dimensions: usize,
    differs: bool,
    graph_bytes: u64,
    weights_bytes: u64,
}

impl Optimized {
    /// The place in `graphs` for this embedding on this machine.
    pub(crate) fn of(graphs: &Path, embedding: EmbeddingId, runtime: &Runtime) -> Self {
        let key = KeyBuilder::new("warmer optimized graph v1").field(embedding.0.0).field(runtime.build());
        let key = key.field(std::env::consts::ARCH).field(features());
        Self { directory: graphs.join(&key.finish().to_string()[..32]) }
    }

    /// Opens it with so many threads.
    pub(crate) fn open(&self, runtime: &Runtime, threads: usize) -> Kept {
        let Some(note) = self.note() else { return Kept::Missing };
        if note.differs {
            return Kept::Differs;
        }
        let bytes = |name: &str| fs::metadata(self.directory.join(name)).map_or(0, |found| found.len());
        if (bytes(GRAPH), bytes(WEIGHTS)) != (note.graph_bytes, note.weights_bytes) {
            return Kept::Missing;
        }
        match load(runtime, &self.directory.join(GRAPH), threads) {
            Ok(graph) => Kept::Open(graph, note.dimensions),
            Err(error) => {
                let directory = self.directory.display();
                tracing::debug!(%error, %directory, "cannot open the optimised graph; making it anew");
                Kept::Missing
            }
        }
    }

    /// Makes it from the graph in `original`, of which `session` is one, in the place of what is there. Another process
    /// that does so at the same time makes the same.
    ///
    /// # Errors
    /// When it cannot be written, or the runtime refuses.
    pub(crate) fn make(&self, runtime: &Runtime, original: &Path, session: &mut Session) -> Result<(), String> {
        let beside = self.beside().map_err(|why| format!("cannot write {}: {why}", self.directory.display()))?;
        let made = self.make_in(&beside, runtime, original, session);
        if made.is_err() {
            // What is left would be swept with the oldest ones.
            let _ = fs::remove_dir_all(&beside);
        }
        made?;
        self.sweep();
        Ok(())
    }

    fn make_in(&self, beside: &Path, runtime: &Runtime, original: &Path, session: &mut Session) -> Result<(), String> {
        let written = |why: io::Error| format!("cannot write {}: {why}", beside.display());
        write(runtime, original, beside).map_err(|why| why.to_string())?;
        let graph = load(runtime, &beside.join(GRAPH), 1).map_err(|why| why.to_string())?;
        let mut kept = session.of_another(graph);
        let note = Note {
            dimensions: session.dimensions(),
            differs: !TEXTS.iter().all(|(text, times)| same(session, &mut kept, &text.repeat(*times))),
            graph_bytes: synced(&beside.join(GRAPH)).map_err(written)?,
            // A graph of small tensors has none.
            weights_bytes: synced(&beside.join(WEIGHTS)).or_else(absent).map_err(written)?,
        };
        let note = serde_json::to_vec(&note).map_err(|why| why.to_string())?;
        fs::write(beside.join(NOTE), note).map_err(written)?;
        synced(&beside.join(NOTE)).map_err(written)?;
        match fs::remove_dir_all(&self.directory) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(written(why)),
            _ => {}
        }
        fs::rename(beside, &self.directory).map_err(written)
    }

    /// A directory that nobody else writes into: a file that is written again while the runtime has it mapped kills the
    /// process by SIGBUS, and the sessions of one process, or processes of several containers with one number, may make
    /// the same graph at once.
    fn beside(&self) -> io::Result<PathBuf> {
        fs::create_dir_all(self.directory.parent().unwrap_or(&self.directory))?;
        let mut number = 0;
        loop {
            let beside = self.directory.with_extension(number.to_string());
            match fs::create_dir(&beside) {
                Err(why) if why.kind() == io::ErrorKind::AlreadyExists && number < BESIDE_MAX => number += 1,
                made => return made.map(|()| beside),
            }
        }
    }

    fn note(&self) -> Option<Note> {
        serde_json::from_slice(&fs::read(self.directory.join(NOTE)).ok()?).ok()
    }

    /// Removes all but the youngest of the others. A process that has one of them open keeps it until it ends.
    fn sweep(&self) {
        let entries = self.directory.parent().and_then(|graphs| fs::read_dir(graphs).ok());
        let mut others: Vec<_> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path() != self.directory)
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        others.sort_unstable_by(|one, other| other.cmp(one));
        for (_, path) in others.into_iter().skip(OTHERS_MAX) {
            if let Err(error) = fs::remove_dir_all(&path) {
                tracing::debug!(%error, path = %path.display(), "cannot remove an old optimised graph");
            }
        }
    }
}

/// Lets the runtime write its optimised graph.
fn write(runtime: &Runtime, original: &Path, directory: &Path) -> ort::Result<()> {
    session::builder(runtime, 1)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_prepacking(false)?
        .with_optimized_model_path(directory.join(GRAPH))?
        .with_config_entry("session.optimized_model_external_initializers_file_name", WEIGHTS)?
        .with_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", WEIGHTS_MIN)?
        .commit_from_file(original)?;
    Ok(())
}

fn load(runtime: &Runtime, graph: &Path, threads: usize) -> ort::Result<ort::session::Session> {
    session::builder(runtime, threads)?
        .with_optimization_level(GraphOptimizationLevel::Disable)?
        .with_prepacking(false)?
        .commit_from_file(graph)
}

fn same(one: &mut Session, other: &mut Session, text: &str) -> bool {
    let numbers = |session: &mut Session| session.embed_f32(text, &Terminator::default()).ok();
    let (Some(one), Some(other)) = (numbers(one), numbers(other)) else { return false };
    one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| (one - other).abs() < DIFFERENCE_MAX)
}

/// The size of a file that is on the disk then.
fn synced(path: &Path) -> io::Result<u64> {
    let file = File::open(path)?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

fn absent(why: io::Error) -> io::Result<u64> {
    if why.kind() == io::ErrorKind::NotFound { Ok(0) } else { Err(why) }
}

/// The features of this processor for which the runtime has other kernels.
#[cfg(target_arch = "x86_64")]
fn features() -> String {
    let found = [
        ("avx", is_x86_feature_detected!("avx")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
        ("avx512vnni", is_x86_feature_detected!("avx512vnni")),
        ("avxvnni", is_x86_feature_detected!("avxvnni")),
    ];
    found.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect::<Vec<_>>().join(" ")
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> String {
    String::new()
}
