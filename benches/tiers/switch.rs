//! Does a switch of 1,000 repositories to another model read anything but what is stored?
//!
//! Their remotes do not exist, so that whoever asked one would fail; what counts is how often somebody did, and what
//! was read of it. A daemon with another model makes the vectors of all and switches, by itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime as Tokio;
use warmer_benches::{Bounds, figure};
use warmer_store::{Role, Sqlite, Store};
use warmer_tests::needs::met;
use warmer_tests::{Need, Warmer, model};

use crate::instance::{Simulated, machine};
use crate::options::Options;
use crate::process::{Process, until};
use crate::rows::Corpus;

const REPOSITORIES: usize = 1_000;
/// Of each, the same for all of ten: as forks.
const TEXTS: usize = 10;
const FORKS: usize = 10;
const PATIENCE: Duration = Duration::from_mins(10);
/// Embeddings by which something is found.
const FOUND: &str = "SELECT DISTINCT lower(hex(served_embedding)) FROM repository_served";
const SWITCHED: &str = "SELECT CAST(count(*) AS TEXT) FROM repository_served
    WHERE NOT EXISTS (SELECT 1 FROM lack JOIN generation ON generation.id = lack.generation
        WHERE lack.repository = repository_served.id AND generation.state = 'active')";
/// Refreshes, by their attempts and in the queue, and blobs that somebody read.
const READ: &str = "SELECT CAST((SELECT count(*) FROM attempt WHERE kind = 0 AND outcome <> 'warmed')
    + (SELECT count(*) FROM job WHERE kind = 0) + (SELECT count(*) FROM known_blob) AS TEXT)";

pub(crate) fn measure(_: &Options, bounds: &mut Bounds) {
    if !met(&[Need::Runtime]) {
        return;
    }
    let mut warmer = Warmer::toy();
    warmer.set("claimer.start_delay", r#""0s""#).set("claimer.start_jitter", r#""0s""#);
    serve(warmer.database_file());
    let before = warmer.database().query(FOUND);
    model::write_toy(&warmer.model(), 2);
    let (began, daemon) = (Instant::now(), Process::start(warmer));
    let database = daemon.warmer.database();
    let switched = || {
        let found = database.query(FOUND);
        (found != before && found.len() == 1 && database.query(SWITCHED).remove(0) == REPOSITORIES.to_string())
            .then_some(())
    };
    until(PATIENCE, switched).expect("all are found by the other model, and lack nothing");
    figure(&format!("{REPOSITORIES} repositories switched in"), format!("{:.1} s", began.elapsed().as_secs_f64()));
    let read: usize = database.query(READ).remove(0).parse().expect("a number");
    let mirrors = std::fs::read_dir(daemon.warmer.data().join("mirrors")).map_or(0, Iterator::count);
    bounds.at_most("switch_reads", (read + mirrors) as f64, 0.0);
}

/// Has all of them served by the first model, each with its vectors still to come.
fn serve(file: PathBuf) {
    Tokio::new().expect("a runtime can be started").block_on(async {
        let store = Sqlite::open(&file, Role::Pipeline).await.expect("a new file");
        let store: Arc<dyn Store> = Arc::new(store);
        let recipe = machine(store.clone(), &Simulated::new(Duration::ZERO, 1)).await.tools.recipe;
        for first in (0..REPOSITORIES).step_by(FORKS) {
            let remotes: Vec<_> =
                (first..first + FORKS).map(|number| format!("https://host.invalid/{number}")).collect();
            let remotes: Vec<_> = remotes.iter().map(String::as_str).collect();
            let corpus = Corpus { texts: TEXTS, texts_per_file: TEXTS, seed: first };
            corpus.serve(store.as_ref(), recipe, &remotes).await;
        }
        store.close().await;
    });
}
