//! A conversation with a program: git itself for a repository on this machine, ssh for one elsewhere.
//!
//! gix can start both, but passes their stderr on to ours, or drops it, and guesses from the first words
//! that come within 5 ms. Here stderr is kept, for it alone says why a program hung up.

#![expect(clippy::disallowed_types, reason = "gix talks to them on pipes that block; each is killed by its group")]

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::git::ConnectMode;
use gix::protocol::transport::client::git::blocking_io::Connection;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::mutex::lock;
use crate::transcript::{Tap, Transcript};
use crate::{ErrorKind, GitError, Remote};

/// What makes OpenSSH never ask, notice a dead host within 45 s, and tell the other side which protocol we speak.
const SSH_OPTIONS: [&str; 5] =
    ["BatchMode=yes", "ConnectTimeout=20", "ServerAliveInterval=15", "ServerAliveCountMax=3", "SendEnv=GIT_PROTOCOL"];

/// Variables by which a git that started us would point the one we start at its own repository.
const REPOSITORY_VARIABLES: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_SHALLOW_FILE",
    "GIT_NAMESPACE",
];

/// How much of stderr is kept, in bytes: its end.
const STDERR_BYTES_MAX: usize = 4096;

/// How long to wait for the end of stderr once the program hung up: something it started may hold the pipe open.
const STDERR_TIMEOUT: Duration = Duration::from_millis(500);

/// What is written to a program and read from it.
pub(crate) type ProgramConnection = Connection<ProgramStdout, ChildStdin>;

/// The program's stdout. The program ends with it.
pub(crate) struct ProgramStdout {
    stdout: Tap<ChildStdout>,
    program: Program,
}

impl Read for ProgramStdout {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stdout.read(buffer)
    }
}

impl Drop for ProgramStdout {
    fn drop(&mut self) {
        self.program.end();
    }
}

/// A running program with whatever it started: they are a process group, for each of them may hold our pipes open; in a
/// process that is killed as a whole they are in the group of that. A clone is the same program.
#[derive(Clone)]
pub(crate) struct Program {
    child: Arc<Mutex<Option<Child>>>,
    leads: bool,
}

impl Program {
    /// Ends it at once, from any thread: who reads what it says or waits for it to listen finds a closed pipe.
    pub(crate) fn kill(&self) {
        if let Some(child) = &*lock(&self.child) {
            self.kill_child(child);
        }
    }

    fn end(&self) {
        // Taken out before it is waited for: its id is another's soon after.
        if let Some(mut child) = lock(&self.child).take() {
            self.kill_child(&child);
            let _ = child.wait();
        }
    }

    /// It may have ended by itself: then there is nothing to kill, and nothing to do about it.
    fn kill_child(&self, child: &Child) {
        let id = Pid::from_child(child);
        let _ = if self.leads { kill_process_group(id, Signal::KILL) } else { kill_process(id, Signal::KILL) };
    }
}

/// What holds us to a bound of memory is not for a program that somebody else made: git takes what the packs of a large
/// repository of this machine ask for. Where the system cannot lift it for another process it stays.
fn unlimited(child: &Child) {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
        let limits = Rlimit { current: getrlimit(Resource::Data).maximum, ..getrlimit(Resource::Data) };
        // It may have ended by itself.
        let _ = prlimit(Some(Pid::from_child(child)), Resource::Data, limits);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = child;
}

/// What the program wrote to stderr.
pub(crate) struct ProgramStderr {
    text: Receiver<String>,
}

impl ProgramStderr {
    /// The text, once the program hung up.
    pub(crate) fn read(&self) -> String {
        self.text.recv_timeout(STDERR_TIMEOUT).unwrap_or_default()
    }
}

/// The program that serves the repository at a path. It reads git's configuration, as a server would its own.
pub(crate) fn git(path: &OsStr) -> Command {
    let mut command = plain_git();
    command.arg("upload-pack").arg(path);
    command
}

/// Git, for the repository that its arguments name.
pub(crate) fn plain_git() -> Command {
    let mut command = Command::new("git");
    for variable in REPOSITORY_VARIABLES {
        command.env_remove(variable);
    }
    command
}

/// The program that has the host of `url` serve its path. `words` is the program and its first arguments.
pub(crate) fn ssh(words: &str, url: &gix::Url) -> Command {
    let mut words = words.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or("ssh"));
    command.args(words);
    for option in SSH_OPTIONS {
        command.args(["-o", option]);
    }
    if let Some(port) = url.port {
        command.arg("-p").arg(port.to_string());
    }
    // Neither begins with a dash: `Remote` refuses that.
    let host = url.host().unwrap_or_default();
    command.arg(url.user().map_or_else(|| host.to_owned(), |user| format!("{user}@{host}")));
    let path = gix::quote::single(gix::url::expand_path::for_shell(url.path.clone()).as_ref());
    command.arg(format!("git-upload-pack {path}"));
    command
}

/// Starts the program.
///
/// # Errors
/// When it is not there, or cannot be started.
pub(crate) fn start(
    mut command: Command,
    remote: &Remote,
    version: Protocol,
    transcript: &Transcript,
    alone: bool,
) -> Result<(ProgramConnection, Program, ProgramStderr), GitError> {
    command.env("GIT_PROTOCOL", format!("version={}", version as usize)).env("LC_ALL", "C");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if !alone {
        command.process_group(0);
    }
    let mut child = command.spawn().map_err(|error| {
        let program = command.get_program().display();
        let text = match error.kind() {
            io::ErrorKind::NotFound => {
                format!("cannot fetch {remote}: the program {program} is not installed or not on the PATH")
            }
            _ => format!("cannot fetch {remote}: the program {program} does not start: {error}"),
        };
        GitError::new(ErrorKind::Local, text)
    })?;
    let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(GitError::new(ErrorKind::Local, format!("cannot fetch {remote}: no pipe to the program")));
    };
    if alone {
        unlimited(&child);
    }
    let program = Program { child: Arc::new(Mutex::new(Some(child))), leads: !alone };
    let stdout = ProgramStdout { stdout: Tap::new(stdout, transcript), program: program.clone() };
    let host = None::<(&str, Option<u16>)>;
    let connection = Connection::new(stdout, stdin, version, "", host, ConnectMode::Process, false)
        .custom_url(Some(remote.url().into()));
    let stderr = keep(stderr, remote)?;
    Ok((connection, program, stderr))
}

/// Reads stderr to its end, so that the program never waits for us, and keeps the end: that says why.
fn keep(mut stderr: ChildStderr, remote: &Remote) -> Result<ProgramStderr, GitError> {
    let (sender, text) = mpsc::sync_channel(1);
    let reading = move || {
        let (mut kept, mut piece) = (Vec::new(), [0; 1024]);
        // A failing pipe ends stderr as its end does.
        while let Ok(bytes @ 1..) = stderr.read(&mut piece) {
            kept.extend(&piece[..bytes]);
            kept.drain(..kept.len().saturating_sub(STDERR_BYTES_MAX));
        }
        // Nobody asks after a success.
        let _ = sender.send(String::from_utf8_lossy(&kept).into_owned());
    };
    thread::Builder::new().spawn(reading).map_err(|error| {
        let text = format!("cannot fetch {remote}: no thread could be started ({error}): raise the limit on threads");
        GitError::new(ErrorKind::Local, text)
    })?;
    Ok(ProgramStderr { text })
}
