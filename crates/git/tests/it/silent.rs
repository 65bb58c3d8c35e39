//! Programs that neither answer nor end: the stop flag ends them, and with them what waits for them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use warmer_git::{ErrorKind, GitError, GitSettings, Mirrors, Remote};

use crate::kit::{GO, MAIN, Origin, Put, fetch, noise};

/// Longer than anything here takes: what does not end is an error, not a wait.
const HANG: Duration = Duration::from_secs(30);

/// A program instead of ssh, with a pipe that it opens when it begins, and that closes when the last of its
/// processes is gone.
struct Ssh {
    origin: Origin,
    door: PathBuf,
}

impl Ssh {
    fn silent() -> Self {
        let origin = Origin::with_a_file();
        let door = origin.beside("door");
        assert!(Command::new("mkfifo").arg(&door).status().expect("a program").success());
        let ssh = Self { origin, door };
        // The program that it starts holds our pipe open, as one behind a wrapper would.
        ssh.does(&format!("exec 4> {}\necho began >&4\ncat 3>&1 > /dev/null\nexit 1", ssh.door.display()));
        ssh
    }

    fn does(&self, script: &str) {
        std::fs::write(self.origin.beside("ssh.sh"), script).expect("writable");
    }

    fn mirrors(&self) -> Mirrors {
        let command = format!("sh {}", self.origin.beside("ssh.sh").display());
        self.origin.mirrors_with(GitSettings { ssh_command: command, ..GitSettings::default() })
    }

    fn remote() -> Remote {
        Remote::from_url("me@example.org:origin.git").expect("a URL")
    }

    /// Runs `work`, raises its flag when the program has begun, and waits for the end of both.
    fn stopped(&self, work: impl FnOnce(&AtomicBool) -> GitError + Send + 'static) {
        let stop = Arc::<AtomicBool>::default();
        let ((tell_error, error), (tell_gone, gone)) = (mpsc::channel(), mpsc::channel());
        let (door, flag) = (self.door.clone(), Arc::clone(&stop));
        thread::spawn(move || tell_error.send(work(&flag)));
        thread::spawn(move || {
            let mut door = BufReader::new(File::open(door).expect("it begins"));
            door.read_line(&mut String::new()).expect("it says so");
            stop.store(true, Ordering::SeqCst);
            tell_gone.send(door.read_to_end(&mut Vec::new()).is_ok())
        });
        let error = error.recv_timeout(HANG).expect("the flag ends what waits for the program");
        assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Interrupted, true), "{error}");
        assert_eq!(gone.recv_timeout(HANG), Ok(true), "no process is left");
    }
}

#[test]
fn a_stop_flag_ends_a_question_that_is_not_answered() {
    let ssh = Ssh::silent();
    let mirrors = ssh.mirrors();
    ssh.stopped(move |stop| mirrors.tip(&Ssh::remote(), None, stop).expect_err("stopped"));
}

#[test]
fn a_stop_flag_ends_a_fetch_that_is_not_answered_and_the_next_one_finds_all_free() {
    let ssh = Ssh::silent();
    let mirrors = Arc::new(ssh.mirrors());
    let hung = Arc::clone(&mirrors);
    ssh.stopped(move |stop| {
        let mirror = hung.take(&Ssh::remote(), &GO).expect("free");
        mirror.fetch(MAIN, stop, &|_| {}).expect_err("stopped")
    });
    ssh.mirrors().take(&Ssh::remote(), &GO).expect("free for any process");
    let folder = ssh.origin.beside(".");
    ssh.does(&format!("for last; do :; done\ncd {} && eval \"$last\"", folder.display()));
    fetch(&mirrors.take(&Ssh::remote(), &GO).expect("free")).expect("it answers now");
}

/// An ssh that does what the other side would, and breaks off after so many bytes. (`head` would hold them back.)
fn cut_after(ssh: &Ssh, bytes: usize) {
    let folder = ssh.origin.beside(".");
    ssh.does(&format!(
        "for last; do :; done\ncd {0}\necho called >> calls\neval \"$last\" | {{ dd bs=1 count={bytes}; kill -9 $$; }}",
        folder.display()
    ));
}

#[test]
fn a_connection_that_breaks_off_is_unreachable_and_the_mirror_is_kept() {
    let ssh = Ssh::silent();
    let mirrors = ssh.mirrors();
    let mirror = mirrors.take(&Ssh::remote(), &GO).expect("free");
    cut_after(&ssh, 1_000_000);
    fetch(&mirror).expect("nothing is cut off");
    let big = noise(300_000);
    ssh.origin.commit(&[Put::File(b"big", &big)]);
    for bytes in [100_000, 500, 0] {
        std::fs::remove_file(ssh.origin.beside("calls")).expect("it was called");
        cut_after(&ssh, bytes);
        let error = fetch(&mirror).expect_err("cut off");
        assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Unreachable, true), "{bytes}: {error}");
        let calls = std::fs::read_to_string(ssh.origin.beside("calls")).expect("it was called");
        assert_eq!(calls.lines().count(), 1, "{bytes}: the mirror is not fetched anew");
    }
}
