//! What does the queue in PostgreSQL do in a second, how soon does a job start, and what does waiting cost?
//!
//! A job that does nothing is one claim and one ending: settled as fresh, as a check that found nothing, or published
//! with nothing in it. The store's rate is set beside that of pgbench, which sends the very statements of the store,
//! taken from the server's log: in turn, on a server of our own that waits for its disk. So the ratio is what the
//! program costs on top of its statements; what the statements cost is the pgbench rate itself.
//!
//! All of it at 1,000, 100,000 and 1,000,000 queued rows, half of them in the future:
//! `cargo bench -p warmer-benches --bench queue -- --rows-max 100000` leaves out the last, `--only rates`, `claims` or
//! `daemon` all but that part.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark starts and measures programs")]

mod claims;
mod daemon;
mod field;
mod log;
mod pgbench;
mod places;
mod script;

use std::process::Command;

use warmer_benches::{figure, median, ratio, wanted};
use xtask::postgres::Cluster;

use field::Field;
use pgbench::Pgbench;
use places::{Ending, PLACES};
use script::Script;

const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];
/// How often each is measured, in turn; medians count.
const ROUNDS: usize = 5;

fn main() {
    if !wanted(&[]) {
        return;
    }
    let Some(pgbench) = Pgbench::find() else { return xtask::not_run("pgbench") };
    let Ok(cluster) = Cluster::start_durable() else { return xtask::not_run("PostgreSQL") };
    state(&cluster);
    let rows_max = value_of("--rows-max").map_or(usize::MAX, |rows| rows.parse().expect("a number of rows"));
    let only = value_of("--only");
    let wanted = |part| only.as_deref().is_none_or(|only| only == part);
    let mut fields: Vec<_> =
        SIZES.into_iter().filter(|rows| *rows <= rows_max).map(|rows| Field::new(&cluster, rows)).collect();
    if wanted("rates") {
        let scripts = script::of_the_store(&cluster);
        fields.iter_mut().for_each(|field| rates(field, &scripts, &pgbench));
    }
    if wanted("claims") {
        claims::measure(&fields);
    }
    if wanted("daemon") {
        fields.iter().for_each(|field| daemon::measure(&cluster, field));
    }
}

/// What stands behind this flag, if it is there.
fn value_of(flag: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != flag).nth(1)
}

/// What the figures depend on.
fn state(cluster: &Cluster) {
    let version = Field::empty(cluster).postgres.query("SHOW server_version").remove(0);
    let disk = Command::new("stat").args(["--file-system", "--format=%T"]).arg(cluster.directory()).output();
    let disk = disk.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    figure("server", format!("PostgreSQL {version} on loopback, {cores} cores for server and clients, disk {disk}"));
    figure("synchronous_commit=on, and", cluster.settings().collect::<Vec<_>>().join(" "));
}

/// Jobs per second of the store and of its statements alone.
fn rates(field: &mut Field, scripts: &[(Ending, Script)], pgbench: &Pgbench) {
    for (ending, script) in scripts {
        for places in PLACES {
            let jobs = places.jobs(field.rows);
            let pairs: Vec<(f64, f64)> = (0..ROUNDS)
                .map(|_| {
                    field.have_due(2 * jobs);
                    (places::rate(field, places, *ending, jobs), pgbench.rate(field, script, places.count, jobs))
                })
                .collect();
            let (store, bare): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
            let name = format!("{}_{}_places_{}_rows", ending.name(), places.count, field.rows);
            figure(&format!("{name}, jobs/s of the store"), spread(&store));
            figure(&format!("{name}, jobs/s of pgbench"), spread(&bare));
            ratio(&name, median(pairs.iter().map(|(store, bare)| store / bare).collect()), ">= 0.6");
        }
    }
}

/// The median, and from where to where they go.
fn spread(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    format!("{:.0} ({least:.0} to {most:.0})", median(values.to_vec()))
}
