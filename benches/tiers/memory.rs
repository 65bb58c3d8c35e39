//! Memory of a fill of a million texts, against one of 10,000.
//!
//! The peak of anonymous memory of a process that fills and does nothing else, over the product's own tree and SQLite,
//! with an embedder that takes no time. What it fills was made of rows by a process before.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::Runtime as Tokio;
use warmer_benches::{Bounds, MIB, Watch, figure};
use warmer_store::{Role, Sqlite, Store};

use crate::instance::{Simulated, fill, machine};
use crate::options::Options;
use crate::rows::Corpus;

const LARGE: usize = 1_000_000;
const SMALL: usize = 10_000;
const TEXTS_PER_FILE: usize = 50;
const BOUND_MIB: f64 = 32.0;
/// What tells a child that it is one; what it is to do, the file and the number of texts follow.
const CHILD: &str = "--child";

pub(crate) fn measure(options: &Options, bounds: &mut Bounds) {
    let large = options.number("--texts", LARGE);
    let [small, large] = [SMALL, large].map(|texts| {
        let folder = TempDir::new().expect("a directory");
        let file = folder.path().join("warmer.sqlite");
        child("rows", &file, texts);
        let began = Instant::now();
        let bytes = child("fill", &file, texts);
        let took = began.elapsed().as_secs_f64();
        figure(&format!("peak RssAnon, {texts} texts"), format!("{:.1} MiB, {took:.1} s", bytes / MIB));
        bytes
    });
    bounds.at_most("memory_of_32_MiB", (large - small) / (BOUND_MIB * MIB), 1.0);
}

/// The peak of a child, in bytes.
fn child(what: &str, file: &Path, texts: usize) -> f64 {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command.args([CHILD, what]).arg(file).arg(texts.to_string()).stdin(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    let watched = Watch::of(child.id());
    let ended = child.wait().expect("it ends");
    assert!(ended.success(), "{what} of {texts} texts: {ended}");
    watched.end() as f64
}

/// Whether this process is a child; it has done its part then.
pub(crate) fn is_child() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, flag, what, file, texts] = &arguments[..] else { return false };
    if flag != CHILD {
        return false;
    }
    let texts = texts.parse().expect("a number");
    Tokio::new().expect("a runtime can be started").block_on(async {
        let store = Sqlite::open(Path::new(file), Role::Pipeline).await.expect("the file is whole");
        let store: Arc<dyn Store> = Arc::new(store);
        let machine = machine(store.clone(), &Simulated::new(Duration::ZERO, 16)).await;
        if what == "rows" {
            let corpus = Corpus { texts, texts_per_file: TEXTS_PER_FILE, seed: 1 };
            corpus.serve(store.as_ref(), machine.tools.recipe, &["https://host.invalid/one"]).await;
        } else {
            let repositories = store.repositories().await.expect("the file is whole");
            fill(&[machine], &[repositories[0].id]).await;
        }
        store.close().await;
    });
    true
}
