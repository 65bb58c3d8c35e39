//! A child process that works for this one: what a thread leaks, a process does not, and a process can be killed.
//!
//! It is started with pipes and as the leader of a process group of its own, so that whatever it starts dies with it.
//! Both sides exchange [frames](crate::frame). The parent [kills](Child::end) it; when the parent is gone, the child
//! reads the end of its stdin and [ends its own group](crate::inside::serve).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use crate::task::spawn;

/// How long a killed child may take to be gone: one that waits for a dead disk or file server cannot be.
const END_GRACE: Duration = Duration::from_secs(5);

/// How long to wait for the end of its stderr: something that left its group may hold the pipe open.
const STDERR_GRACE: Duration = Duration::from_millis(500);

/// How much of a line is kept, in bytes; the rest of it is dropped.
const LINE_BYTES_MAX: u64 = 4096;

/// The children that run now.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// The process ids of the children that run now: their memory counts as ours.
#[must_use]
pub fn running() -> Vec<u32> {
    lock(&RUNNING).iter().copied().collect()
}

/// What is started.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    name: OsString,
    arguments: Vec<OsString>,
}

impl Program {
    /// A program at a path, with its arguments. No secret belongs here: everybody on the machine can read them.
    pub fn at(path: impl Into<PathBuf>, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let path = path.into();
        Self { name: path.clone().into(), path, arguments: arguments.into_iter().map(Into::into).collect() }
    }

    /// The program that runs now, with these arguments; on Linux exactly that one, though its file was replaced since.
    ///
    /// # Errors
    /// When the system does not tell which one that is.
    pub fn this(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> io::Result<Self> {
        let itself = std::env::current_exe()?;
        let path = if cfg!(target_os = "linux") { PathBuf::from("/proc/self/exe") } else { itself.clone() };
        Ok(Self { name: itself.into(), ..Self::at(path, arguments) })
    }

    /// The same, told that it is called `name`: what it finds before its arguments, and what `ps` shows.
    #[must_use]
    pub fn called(mut self, name: impl Into<OsString>) -> Self {
        self.name = name.into();
        self
    }

    /// Starts it. `on_line` gets each line that it writes to stderr, without its end, cut to 4 KiB.
    ///
    /// Call it on a thread that lives as long as the runtime, if the child [dies with its
    /// parent](crate::inside::die_with_parent): Linux means the thread by that.
    ///
    /// # Errors
    /// When it cannot be started.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[expect(clippy::disallowed_types, reason = "this is what the others are to use")]
    pub fn start(&self, on_line: impl Fn(&str) + Send + 'static) -> io::Result<Child> {
        let mut command = std::process::Command::new(&self.path);
        command.arg0(&self.name).args(&self.arguments).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = tokio::process::Command::from(command).kill_on_drop(true).spawn()?;
        let id = process.id().and_then(|id| Some((id, Pid::from_raw(i32::try_from(id).ok()?)?)));
        let pipes = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some((number, id)), (Some(to), Some(from), Some(stderr))) = (id, pipes) else {
            return Err(io::Error::other("the child has no id or no pipes"));
        };
        lock(&RUNNING).insert(number);
        let stderr_end = Arc::<Mutex<StderrEnd>>::default();
        let listener = spawn("stderr of a child", listen(stderr, stderr_end.clone(), on_line));
        Ok(Child { to, from, id, number, process, stderr_end, listener, ended: false })
    }
}

/// What of its stderr tells how it died.
#[derive(Debug, Default)]
struct StderrEnd {
    last_line: String,
    no_memory: bool,
}

/// Reads stderr to its end, line by line, so that the child never waits for us.
async fn listen(stderr: ChildStderr, stderr_end: Arc<Mutex<StderrEnd>>, on_line: impl Fn(&str)) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut stderr).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await;
        if !read.is_ok_and(|bytes| bytes > 0) {
            return;
        }
        if line.last() != Some(&b'\n') && skip_line(&mut stderr).await.is_err() {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if text.is_empty() {
            continue;
        }
        on_line(text);
        let mut end = lock(&stderr_end);
        text.clone_into(&mut end.last_line);
        end.no_memory |= text.starts_with(NO_MEMORY);
    }
}

/// How a Rust program says that it was refused memory, before it aborts itself.
const NO_MEMORY: &str = "memory allocation of ";

/// Reads on to the end of a line that was cut.
async fn skip_line(from: &mut BufReader<ChildStderr>) -> io::Result<()> {
    loop {
        let rest = from.fill_buf().await?;
        let end = rest.iter().position(|byte| *byte == b'\n');
        let read = end.map_or(rest.len(), |end| end + 1);
        from.consume(read);
        if end.is_some() || read == 0 {
            return Ok(());
        }
    }
}

/// A running child. Dropping it kills it, and whatever it started.
#[derive(Debug)]
pub struct Child {
    /// Where it reads.
    pub to: ChildStdin,
    /// Where it answers.
    pub from: ChildStdout,
    id: Pid,
    number: u32,
    process: tokio::process::Child,
    stderr_end: Arc<Mutex<StderrEnd>>,
    listener: JoinHandle<()>,
    ended: bool,
}

impl Child {
    /// Its process id, and that of its group.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.number
    }

    /// Kills it and whatever it started, if it lives, waits until it is gone, and tells how it died. One that had died
    /// before died of that.
    pub async fn end(mut self) -> Death {
        self.kill();
        let Ok(status) = tokio::time::timeout(END_GRACE, self.process.wait()).await else { return Death::Undying };
        // Its id may be another's from now on.
        self.ended = true;
        let _ = tokio::time::timeout(STDERR_GRACE, &mut self.listener).await;
        let stderr = lock(&self.stderr_end);
        match status {
            Ok(status) => Death::of(status, &stderr),
            Err(error) => Death::Exited { code: -1, last_line: error.to_string() },
        }
    }

    /// It was not waited for yet, so the group's id is still its own, though its leader may be dead.
    fn kill(&self) {
        // Nothing of it may be left to kill.
        let _ = kill_process_group(self.id, Signal::KILL);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.ended {
            self.kill();
        }
        lock(&RUNNING).remove(&self.number);
    }
}

/// How a child died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Death {
    /// It ended by itself, with this exit code, and this last line of stderr.
    Exited {
        /// The exit code.
        code: i32,
        /// The last line of stderr.
        last_line: String,
    },
    /// It wanted more memory than it may have, or than there is.
    OutOfMemory,
    /// By this signal; 9 is also ours.
    Killed {
        /// The signal's number.
        signal: i32,
        /// The last line of stderr.
        last_line: String,
    },
    /// It was killed and is still there: it waits inside of the system, for a disk or a file server that does not
    /// answer.
    Undying,
}

impl Death {
    fn of(status: ExitStatus, stderr: &StderrEnd) -> Self {
        let last_line = || stderr.last_line.clone();
        match status.signal() {
            Some(_) if stderr.no_memory => Self::OutOfMemory,
            Some(signal) => Self::Killed { signal, last_line: last_line() },
            None => Self::Exited { code: status.code().unwrap_or(-1), last_line: last_line() },
        }
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (how, last_line) = match self {
            Self::OutOfMemory => return f.write_str("was refused memory"),
            Self::Undying => return f.write_str("waits for a disk or file server that does not answer"),
            Self::Exited { code, last_line } => (format!("ended with exit code {code}"), last_line),
            // What the system kills by itself is what takes most memory; a child is first in that row.
            Self::Killed { signal: 9, last_line } => {
                ("was killed by signal 9 (was the memory full?)".to_owned(), last_line)
            }
            Self::Killed { signal, last_line } => (format!("was killed by signal {signal}"), last_line),
        };
        f.write_str(&how)?;
        if last_line.is_empty() { Ok(()) } else { write!(f, ": {}", last_line.escape_debug()) }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
