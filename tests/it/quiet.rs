//! Nothing leaves the machine unasked: every connection and every file that is written, by the word of the kernel.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;

use warmer_tests::{Daemon, GIT, Need, Repo, Warmer, needs};

const STRACE: Need = Need::Program("strace");

/// Calls that reach for another machine, or change a file system.
const CALLS: &str = "trace=connect,sendto,sendmsg,sendmmsg,open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,\
                     link,linkat,symlink,symlinkat,mknod,mknodat,truncate";

/// A warmer whose processes are watched: its program is a script that starts the real one under `strace`.
struct Watched {
    warmer: Warmer,
    pipe: PathBuf,
}

impl Watched {
    fn new() -> Self {
        let mut warmer = Warmer::toy();
        let (script, pipe, temporary) =
            (warmer.home().join("watched"), warmer.home().join("calls"), warmer.home().join("tmp"));
        fs::create_dir(&temporary).expect("a directory in the home directory");
        warmer.env("TMPDIR", temporary.display().to_string());
        let program = warmer.command().get_program().to_owned();
        // With -D the program itself is the child: a signal reaches it and not its watcher.
        let (program, calls) = (program.display().to_string(), pipe.display().to_string());
        let text = format!("#!/bin/sh\nexec strace -D -f -qq -y -s 300 -e {CALLS} -o '{calls}' '{program}' \"$@\"\n");
        fs::write(&script, text).expect("a writable directory");
        assert!(Command::new("chmod").arg("755").arg(&script).status().expect("chmod starts").success());
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo starts").success());
        Self { warmer: warmer.with_program(script), pipe }
    }

    /// Reads what the next process does, until its watcher has told all.
    fn listen(&self) -> JoinHandle<String> {
        let pipe = self.pipe.clone();
        std::thread::spawn(move || fs::read_to_string(pipe).expect("calls are told as text"))
    }

    /// Fails where a call reached for another machine, or wrote elsewhere than into the data directory and the folder
    /// of optimised graphs.
    fn judge(&self, calls: &str) {
        assert!(calls.contains("openat("), "nothing was watched: {calls}");
        let cache = self.warmer.home().join("cache");
        let made = [cache.clone(), cache.join("warmer")];
        let kept = cache.join("warmer/graphs");
        for call in calls.lines() {
            assert!(!call.contains("AF_INET"), "it reached for another machine: {call}");
            assert!(!call.contains("/etc/resolv.conf"), "it asked for the address of a host: {call}");
            if let Some(written) = written(call, self.warmer.home()) {
                let own = [self.warmer.data(), self.warmer.home().join("tmp"), "/dev".into(), "/proc".into()];
                let ours = own.iter().chain([&kept]).any(|place| written.starts_with(place));
                assert!(ours || made.contains(&written), "it wrote {}: {call}", written.display());
            }
        }
    }
}

/// The path that a call makes, or opens for writing; nothing where it did not succeed.
fn written(call: &str, here: &Path) -> Option<PathBuf> {
    let (name, rest) = call.split_once(' ').map_or(call, |(_, call)| call.trim_start()).split_once('(')?;
    let opens = matches!(name, "open" | "openat");
    let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"].iter().any(|flag| rest.contains(flag));
    let is_file_call = !matches!(name, "connect" | "sendto" | "sendmsg" | "sendmmsg");
    if !is_file_call || (opens && !writes) || rest.contains("= -1 ") {
        return None;
    }
    // Of two paths the second is the new one.
    let path = rest.split('"').skip(1).step_by(2).last()?;
    Some(here.join(path))
}

#[test]
fn a_warm_a_search_and_a_daemon_reach_for_nothing_and_write_into_their_own_directories_only() {
    needs!(GIT, Need::Runtime, STRACE);
    let (repo, followed, mut watched) = (Repo::generated(4, 500, 1), Repo::generated(3, 500, 2), Watched::new());
    for arguments in [&["warm", &repo.url()][..], &["search", "a function"], &["doctor"]] {
        let calls = watched.listen();
        watched.warmer.run(arguments).exits(0);
        watched.judge(&calls.join().expect("it was listened to"));
    }
    watched.warmer.set("claimer.start_delay", r#""0s""#).set("claimer.start_jitter", r#""0s""#);
    watched.warmer.set("repositories", format!(r#"[{{ url = "{}", refresh = "10s" }}]"#, followed.url()));
    let calls = watched.listen();
    let mut daemon = Daemon::start(&watched.warmer);
    daemon.wait_for("warmed");
    daemon.stop().exits(0);
    watched.judge(&calls.join().expect("it was listened to"));
}

#[test]
fn a_call_is_read_as_what_it_writes() {
    let here = Path::new("/home/me");
    let path = |call| written(call, here).map(|path| path.display().to_string());
    assert_eq!(path(r#"12 openat(AT_FDCWD</x>, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3</etc/passwd>"#), None);
    assert_eq!(
        path(r#"12 openat(AT_FDCWD</x>, "a/b", O_RDWR|O_CREAT, 0644) = 3</home/me/a/b>"#).as_deref(),
        Some("/home/me/a/b")
    );
    assert_eq!(path(r#"12 openat(AT_FDCWD</x>, "/opt/x", O_WRONLY) = -1 EACCES (Permission denied)"#), None);
    assert_eq!(path(r#"12 rename("/tmp/a", "/var/b") = 0"#).as_deref(), Some("/var/b"));
    assert_eq!(path(r#"12 mkdir("/var/cache/x", 0777) = 0"#).as_deref(), Some("/var/cache/x"));
}
