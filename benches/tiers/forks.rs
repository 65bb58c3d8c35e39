//! How many embeddings does a text cost where two instances fill two cold forks of one repository at once?
//!
//! The worst of all cases: both begin together, each with a fork of its own, and an embedder that takes as long as the
//! default model does on one core. With several shards each takes one of the first fork, and nothing is in common until
//! the last ones.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use warmer_benches::{Bounds, figure};
use warmer_tests::Postgres;

use crate::instance::{Simulated, filled_by};
use crate::options::Options;
use crate::rows::Corpus;

/// What one fill makes at most, less a little: both forks are one fill each.
const TEXTS: usize = 500;
/// Eight shards.
const SHARDED: usize = 8 * TEXTS;
const LATENCY: Duration = Duration::from_millis(20);
const INSTANCES: [usize; 2] = [2, 4];

pub(crate) fn measure(options: &Options, bounds: &mut Bounds) {
    let Some(postgres) = Postgres::new() else { return xtask::not_run("PostgreSQL") };
    drop(postgres);
    let (texts, sharded) = (options.number("--texts", TEXTS), options.number("--sharded-texts", SHARDED));
    // Where two meet, both make what they have in hand: some ten texts, however many there are.
    for (name, texts, instances) in [
        ("forks_in_one_shard", texts, INSTANCES[0]),
        ("forks", sharded, INSTANCES[0]),
        ("forks_of_four", sharded, INSTANCES[1]),
    ] {
        let (embeddings, seconds) = embeddings(texts, instances);
        figure(&format!("{name}: texts, embeddings"), format!("{texts}, {embeddings} in {seconds:.1} s"));
        let ratio = embeddings as f64 / texts as f64;
        if name == "forks" {
            bounds.at_most(name, ratio, 1.01);
        } else {
            figure(&format!("{name}: embeddings for each text"), format!("{ratio:.3}"));
        }
    }
}

/// As many forks as instances.
fn embeddings(texts: usize, instances: usize) -> (usize, f64) {
    let provider = Simulated::new(LATENCY, 1);
    let took = filled_by(instances, instances, Corpus { texts, texts_per_file: 4, seed: 1 }, &provider);
    (provider.embedded.load(Relaxed), took.as_secs_f64())
}
