//! How much faster do 2 and 4 instances fill one repository than one does?
//!
//! The embedder takes a fixed time and no core, as a service does: what is measured is whether the instances share the
//! work, and wait for one another nowhere. Eight shards, so that each of four has two.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use warmer_benches::{Bounds, figure};
use warmer_tests::Postgres;

use crate::instance::{Simulated, filled_by};
use crate::options::Options;
use crate::rows::Corpus;

const TEXTS: usize = 32_768;
/// 400 texts a second for each instance: four take a third of two cores with their server.
const LATENCY: Duration = Duration::from_millis(20);
const TEXTS_PER_CALL: usize = 4;

pub(crate) fn measure(options: &Options, bounds: &mut Bounds) {
    let Some(postgres) = Postgres::new() else { return xtask::not_run("PostgreSQL") };
    drop(postgres);
    let texts = options.number("--texts", TEXTS);
    let alone = seconds(texts, 1);
    figure(&format!("{texts} texts by 1 instance"), format!("{alone:.1} s"));
    for instances in [2, 4] {
        let together = seconds(texts, instances);
        figure(&format!("by {instances}"), format!("{together:.1} s"));
        bounds.at_least(&format!("scale_{instances}_of_linear"), alone / (together * instances as f64), 0.9);
    }
}

fn seconds(texts: usize, instances: usize) -> f64 {
    let provider = Simulated::new(LATENCY, TEXTS_PER_CALL);
    let took = filled_by(instances, 1, Corpus { texts, texts_per_file: 4, seed: 1 }, &provider);
    assert_eq!(provider.embedded.load(Relaxed), texts, "each text once");
    took.as_secs_f64()
}
