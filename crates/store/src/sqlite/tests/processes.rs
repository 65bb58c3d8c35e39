//! The roles across real processes. A child is this test binary again, in a directory of its own.

#![expect(clippy::print_stdout, reason = "a child speaks to its parent by its output")]

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::pipeline;
use crate::sqlite::{Role, Sqlite};
use crate::*;

/// A child that runs one ignored test of this module in `directory`; `user` runs it as somebody without rights.
fn child(name: &str, directory: &Path, user: &[&str]) -> Command {
    let program = std::env::current_exe().expect("a test binary knows its path");
    let words: Vec<_> = user.iter().map(|word| word.as_ref()).chain([program.as_os_str()]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command.args(["--ignored", "--nocapture", "--exact"]).arg(format!("sqlite::tests::processes::{name}"));
    command.current_dir(directory).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Reads what the child says, up to the line that ends with `word`.
fn wait_for(child: &mut Child, word: &str) -> String {
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    lines.find_map(|line| line.ok().filter(|line| line.ends_with(word))).expect("the child says so before it ends")
}

#[tokio::test]
#[ignore = "a child of another test"]
async fn child_that_claims_and_waits() {
    if !Path::new("warmer.db").exists() {
        return;
    }
    let store = Sqlite::open(Path::new("warmer.db"), Role::Pipeline).await.unwrap();
    let instance = InstanceId::random();
    store.register(instance, 1, "test", Takes::Any).await.unwrap();
    store.claim(instance, &ClaimFilter::default()).await.unwrap().expect("a job is queued");
    println!("claimed");
    // Until the parent kills this process, or dies itself.
    std::io::stdin().lines().for_each(drop);
}

#[tokio::test]
async fn a_killed_pipeline_leaves_its_jobs_to_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("warmer.db");
    let writer = Sqlite::open(&path, Role::Writer).await.unwrap();
    let repository = writer.add_repository("/a", None).await.unwrap().id;
    let job = writer.enqueue(repository, Enqueue::default()).await.unwrap().job;
    let mut child = child("child_that_claims_and_waits", directory.path(), &[]).spawn().unwrap();
    wait_for(&mut child, "claimed");

    let error = Sqlite::open(&path, Role::Pipeline).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Locked);
    assert!(error.to_string().contains(&child.id().to_string()), "{error}");
    let reader = Sqlite::open(&path, Role::Reader).await.unwrap();
    assert_eq!(reader.status().await.unwrap().running, 1);
    let follow_up = writer.enqueue(repository, Enqueue::default()).await.unwrap();
    assert!(!follow_up.merged);

    child.kill().unwrap();
    child.wait().unwrap();
    let next = pipeline(directory.path()).await;
    let jobs = next.jobs(&JobFilter::default()).await.unwrap();
    let told: Vec<_> = jobs.iter().map(|job| (job.id, job.state, job.attempt, job.rescued, job.merged)).collect();
    assert_eq!(told, [(job, JobState::Queued, 0, true, 1)], "with the follow-up in it");
    let history = next.attempts(AttemptFilter::Job(job), 10).await.unwrap();
    assert_eq!(history.iter().map(|attempt| attempt.outcome).collect::<Vec<_>>(), [AttemptOutcome::Crashed]);
}

#[tokio::test]
#[ignore = "a child of another test"]
async fn child_that_reads_and_cannot_write() {
    if !Path::new("warmer.db").exists() {
        return;
    }
    let reader = Sqlite::open(Path::new("warmer.db"), Role::Reader).await.unwrap();
    assert_eq!(reader.repositories().await.unwrap().len(), 1);
    for role in [Role::Writer, Role::Pipeline] {
        let error = Sqlite::open(Path::new("warmer.db"), role).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::ReadOnly, "{error}");
        assert!(error.to_string().contains("writable"), "{error}");
    }
    println!("read");
}

#[tokio::test]
async fn a_read_only_directory_can_be_read() {
    // Root writes anywhere: as root the child becomes nobody.
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let user: &[&str] = if rustix::process::geteuid().is_root() { &nobody } else { &[] };
    if !user.is_empty() && Command::new(user[0]).arg("--version").output().is_err() {
        println!("not run: setpriv missing");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let store = pipeline(directory.path()).await;
    store.add_repository("/a", None).await.unwrap();
    store.close().await;
    let set = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    set(&directory.path().join("warmer.db"), 0o444);
    set(directory.path(), 0o555);
    let output = child("child_that_reads_and_cannot_write", directory.path(), user).output().unwrap();
    set(directory.path(), 0o755);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("read"), "{said}");
}
