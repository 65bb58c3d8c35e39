//! Child processes: real ones. A pipe with a name tells when the last of those that a child started is gone.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::task::spawn_blocking;
use warmer_supervision::child::{Child, Death, Program};
use warmer_supervision::{child, frame, inside};

/// Longer than anything here takes: what does not end is an error, not a wait.
const HANG: Duration = Duration::from_secs(30);

fn shell(script: &str) -> Program {
    Program::at("/bin/sh", ["-c", script])
}

/// This test program again, at one of the tests below that are no tests but what a child does.
fn myself(role: &str) -> Program {
    let role = format!("child::{role}");
    Program::this(["--exact", &role, "--ignored", "--nocapture"]).expect("this program")
}

fn start(program: &Program) -> Child {
    program.start(|_| {}).expect("it starts")
}

async fn in_time<T>(waited: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANG, waited).await.expect("it takes too long")
}

/// A pipe that is held open by whoever opened it for writing.
struct Door(TempDir);

impl Door {
    fn new() -> Self {
        let door = Self(TempDir::new().expect("a directory"));
        assert!(Command::new("mkfifo").arg(door.path()).status().expect("a program").success());
        door
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("door")
    }

    /// Returns when somebody has opened it; what it gives ends when nobody has it open any more.
    async fn opened(&self) -> impl Future<Output = ()> + use<> {
        let path = self.path();
        let mut file = in_time(spawn_blocking(|| File::open(path))).await.expect("a thread").expect("a pipe");
        async move { drop(in_time(spawn_blocking(move || file.read_to_end(&mut Vec::new()))).await) }
    }
}

/// Starts a program that holds the door open beside itself, and waits for its input.
fn with_company(door: &Path) -> Program {
    shell(&format!("exec 4> {}; tail -f /dev/null > /dev/null & cat > /dev/null", door.display()))
}

#[tokio::test]
async fn a_message_comes_back_whole_however_long_it_is() {
    let mut child = start(&shell("exec cat"));
    for bytes in [0, 1, 100_000] {
        let message = vec![7; bytes];
        let (sent, got) = tokio::join!(frame::send(&mut child.to, &message), frame::receive(&mut child.from));
        sent.expect("it reads");
        assert_eq!(got.expect("it answers"), Some(message));
    }
    assert_eq!(child.end().await, Death::Killed { signal: 9, last_line: String::new() });
}

#[tokio::test]
async fn how_a_child_died_is_told_with_its_last_words_and_each_line_is_heard() {
    let (give, take) = mpsc::channel();
    let speaks = shell("echo one >&2; head -c 9000 /dev/zero | tr '\\0' x >&2; echo >&2; echo two >&2; exit 3");
    let mut child = speaks.start(move |line| give.send(line.to_owned()).expect("it is awaited")).expect("it starts");
    assert_eq!(in_time(frame::receive(&mut child.from)).await.expect("a pipe"), None);
    assert_eq!(child.end().await, Death::Exited { code: 3, last_line: "two".to_owned() });
    let heard: Vec<_> = take.iter().map(|line| line.len()).collect();
    assert_eq!(heard, [3, 4096, 3], "a long line is cut");
    let mut child = start(&shell("kill -SEGV $$"));
    assert_eq!(in_time(frame::receive(&mut child.from)).await.expect("a pipe"), None);
    assert!(matches!(child.end().await, Death::Killed { signal: 11, .. }));
}

#[tokio::test]
async fn a_child_that_is_ended_or_dropped_or_killed_takes_along_what_it_started() {
    for how in ["ended", "dropped", "killed"] {
        let door = Door::new();
        let mut child = start(&with_company(&door.path()));
        let gone = door.opened().await;
        assert!(child::running().contains(&child.id()));
        let id = child.id();
        match how {
            "ended" => drop(child.end().await),
            "dropped" => drop(child),
            _ => {
                assert!(Command::new("kill").args(["-9", &id.to_string()]).status().expect("a program").success());
                assert_eq!(in_time(frame::receive(&mut child.from)).await.expect("a pipe"), None);
                assert!(matches!(child.end().await, Death::Killed { signal: 9, .. }));
            }
        }
        gone.await;
        assert!(!child::running().contains(&id), "{how}");
    }
}

#[tokio::test]
async fn a_child_that_takes_more_memory_than_it_may_is_told_apart_from_one_that_fails() {
    let mut child = start(&myself("takes_much_memory"));
    // What tests print is no message.
    in_time(child.from.read_to_end(&mut vec![])).await.expect("a pipe");
    assert_eq!(child.end().await, Death::OutOfMemory);
}

#[tokio::test]
async fn when_the_parent_is_gone_a_child_that_works_ends_with_all_that_it_started() {
    let door = Door::new();
    let child = start(&shell("exec cat"));
    drop(child);
    let mut middle = Command::new(std::env::current_exe().expect("this program"));
    middle.args(["--exact", "child::starts_one_and_waits", "--ignored", "--nocapture"]).env("DOOR", door.path());
    let mut middle = middle.spawn().expect("it starts");
    let gone = door.opened().await;
    middle.kill().expect("it runs");
    middle.wait().expect("it ends");
    gone.await;
}

#[test]
#[ignore = "what a child of another test does"]
fn takes_much_memory() {
    inside::limit_memory(256 << 20).expect("it may be limited");
    assert!(vec![1_u8; 512 << 20].iter().all(|byte| *byte == 1), "it is refused");
}

#[tokio::test]
#[ignore = "what a child of another test does"]
async fn starts_one_and_waits() {
    let mut child = start(&myself("works_without_end"));
    frame::send(&mut child.to, b"go").await.expect("it reads");
    std::future::pending::<()>().await;
}

#[test]
#[ignore = "what a child of another test does"]
fn works_without_end() {
    inside::die_first();
    let door = std::env::var_os("DOOR").expect("a path");
    let served = inside::serve(|message, _| {
        assert_eq!(message, b"go");
        let company = format!("exec 4> {}; exec tail -f /dev/null > /dev/null", Path::new(&door).display());
        Command::new("/bin/sh").args(["-c", &company]).status().map(drop)
    });
    served.expect("it is asked");
}
