//! Git's work is done by a process that can be killed: what does not stop costs its repository, and leaves nothing
//! behind.

use std::fs::{File, Permissions};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use warmer_tests::process::quoted;
use warmer_tests::server::{Ask, Fault};
use warmer_tests::{Daemon, GIT, Need, Repo, Server, Warmer, needs};

/// Longer than anything here takes: what does not end is an error, not a wait.
const HANG: Duration = Duration::from_secs(60);

const URL: &str = "ssh://git@host/nowhere.git";

/// A warmer whose ssh tells the process that started it, and then neither answers nor ends.
struct Silent {
    warmer: Warmer,
    /// A pipe that each such ssh holds open.
    fifo: PathBuf,
}

impl Silent {
    fn new() -> Self {
        let mut warmer = Warmer::toy();
        let (program, fifo) = (warmer.home().join("ssh"), warmer.home().join("fifo"));
        assert!(Command::new("mkfifo").arg(&fifo).status().expect("a program").success());
        let script = "for argument do [ \"$argument\" = -G ] && exit 0; done";
        // What it starts neither reads nor writes, so that no closed pipe ends it.
        let text = format!(
            "#!/bin/sh\n{script}\nexec 4> '{}'\necho $PPID >&4\ntail -f /dev/null > /dev/null 4>&4\n",
            fifo.display()
        );
        std::fs::write(&program, text).expect("a writable home");
        std::fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("our own file");
        warmer.set("git.ssh_command", quoted(&program));
        Self { warmer, fifo }
    }

    /// Waits for an ssh; gives the process that started it, and what hears when the last of its processes is gone.
    fn began(&self) -> (String, mpsc::Receiver<bool>) {
        let (tell_id, id) = mpsc::channel();
        let (tell_gone, gone) = mpsc::channel();
        let fifo = self.fifo.clone();
        thread::spawn(move || {
            let mut fifo = BufReader::new(File::open(fifo).expect("it begins"));
            let mut line = String::new();
            fifo.read_line(&mut line).expect("it says so");
            tell_id.send(line.trim().to_owned()).expect("it is awaited");
            // Who waited may have given up.
            tell_gone.send(fifo.read_to_end(&mut Vec::new()).is_ok()).ok();
        });
        (id.recv_timeout(HANG).expect("ssh is started"), gone)
    }
}

#[test]
fn a_warm_that_is_killed_leaves_no_ssh_behind() {
    needs!(Need::Runtime);
    let silent = Silent::new();
    let running = silent.warmer.spawn(["warm", URL]);
    let (_, gone) = silent.began();
    assert_eq!(running.kill().signal, Some(9));
    assert_eq!(gone.recv_timeout(HANG), Ok(true), "a process is left");
}

#[test]
fn a_worker_that_is_killed_leaves_no_ssh_behind_and_costs_its_attempt_only() {
    needs!(GIT, Need::Runtime);
    let (repo, mut silent) = (Repo::generated(3, 300, 1), Silent::new());
    silent.warmer.set("claimer.attempts_max", "1");
    let running = silent.warmer.spawn(["warm".to_owned(), URL.to_owned(), repo.path().display().to_string()]);
    let (worker, gone) = silent.began();
    assert!(Command::new("kill").args(["-9", &worker]).status().expect("a program").success());
    assert_eq!(gone.recv_timeout(HANG), Ok(true), "a process is left");
    let ran = running.finish();
    ran.exits(1).says("git's process was killed by signal 9");
    assert!(ran.stdout.contains("warmed"), "{ran:?}");
}

#[test]
fn what_does_not_answer_ends_with_its_deadline_and_three_such_attempts_are_quarantine_with_the_reason() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(3, 300, 1);
    let server = Server::serve(repo.path());
    let mut warmer = Warmer::toy();
    warmer.set("git.protocols", r#"["http"]"#).set("fetcher.deadline", "\"300ms\"");
    for attempt in 1..=3 {
        server.fault(Ask::Refs, Fault::Hang);
        let warmed = warmer.warm([server.url()]);
        let error = warmed.one().error().to_owned();
        assert!(error.contains("did not answer within") && error.contains("fetcher.deadline"), "{attempt}: {error}");
        assert_eq!(warmed.one().verdict(), if attempt < 3 { "retry" } else { "dead" }, "{error}");
    }
    let listed = warmer.run(["repos", "list", "--json"]).json();
    assert_eq!(listed[0]["state"], "quarantined", "{listed}");
    assert!(listed[0]["last_error"].as_str().is_some_and(|why| why.contains("3 attempts in a row")), "{listed}");
    server.heal();
    // What answers may take longer on a busy machine.
    warmer.set("fetcher.deadline", "\"10m\"");
    assert_eq!(warmer.warm([server.url()]).one().verdict(), "warmed", "a person may ask");
}

#[test]
fn a_daemon_outlives_more_stuck_remotes_than_threads_it_may_lose() {
    needs!(GIT, Need::Runtime);
    let (repo, mut silent) = (Repo::generated(3, 300, 1), Silent::new());
    silent.warmer.set("fetcher.deadline", "\"200ms\"").set("claimer.retry_first", "\"1s\"");
    for number in 0..10 {
        silent.warmer.run(["repos", "add", &format!("ssh://git@host/{number}.git"), "--refresh", "never"]).exits(0);
        silent.warmer.run(["enqueue", &format!("ssh://git@host/{number}.git")]);
    }
    // Each ssh opens the fifo to write, which waits for who reads.
    let fifo = silent.fifo.clone();
    thread::spawn(move || {
        while let Ok(mut fifo) = File::open(&fifo) {
            fifo.read_to_end(&mut Vec::new()).ok();
        }
    });
    let mut daemon = Daemon::start(&silent.warmer);
    for _ in 0..10 {
        daemon.wait_for("did not answer within");
    }
    silent.warmer.run(["repos", "add", &repo.path().display().to_string()]).exits(0);
    silent.warmer.run(["enqueue", &repo.path().display().to_string()]).exits(0);
    daemon.wait_for("warmed");
    daemon.stop().exits(0);
}

#[test]
fn what_takes_more_memory_than_it_may_is_refused_in_a_sentence_that_names_the_key() {
    needs!(GIT, Need::Runtime);
    let mut repo = Repo::new();
    repo.write("zeros.bin", vec![0; 96 << 20]).commit("one");
    let mut warmer = Warmer::toy();
    warmer.set("git.memory_max", "\"48MiB\"");
    let warmed = warmer.warm([repo.path()]);
    warmed.ran.exits(1);
    assert!(warmed.one().error().contains("git.memory_max"), "{:?}", warmed.ran);
}

#[test]
fn a_commit_of_too_many_files_is_refused_before_the_first_of_them_is_worked_on() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(60, 100, 1);
    let mut warmer = Warmer::toy();
    warmer.set("git.files_max", "50");
    let warmed = warmer.warm([repo.path()]);
    warmed.ran.exits(1);
    assert!(warmed.one().error().contains("git.files_max"), "{:?}", warmed.ran);
    assert_eq!(warmer.database().counts().vectors, 0);
}
