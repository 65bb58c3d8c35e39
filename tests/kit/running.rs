//! A process under test while it runs, and what is left of it when it ended.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a process may take, all in all. Far beyond what any test needs: it is here to end a hang with a reason.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
}

/// A running process. Killed when dropped.
pub struct Running {
    child: Child,
    /// Lines as they come; ends when the process has closed both streams.
    lines: Receiver<(Stream, String)>,
    said: Ran,
    until: Instant,
}

/// What a process said, and how it ended.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; nothing where a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Everything it wrote to stdout.
    pub stdout: String,
    /// Everything it wrote to stderr.
    pub stderr: String,
}

impl Running {
    /// Starts the command, with its output read by threads.
    pub fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let (sender, lines) = channel();
        forward(Stream::Out, child.stdout.take().expect("asked for above"), sender.clone());
        forward(Stream::Err, child.stderr.take().expect("asked for above"), sender);
        Self { child, lines, said: Ran::default(), until: Instant::now() + PATIENCE }
    }

    /// Waits for a line of either stream that contains `text`; the line.
    ///
    /// # Panics
    /// When the process ends, or two minutes pass, without such a line.
    pub fn wait_for(&mut self, text: &str) -> String {
        loop {
            match self.next_line() {
                Some(line) if line.contains(text) => return line,
                Some(_) => {}
                None => panic!("it ended without saying {text:?}:\n{:?}", self.said),
            }
        }
    }

    /// Its stdin, where the command has a pipe there; only once.
    ///
    /// # Panics
    /// When there is none, or it was taken.
    pub fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("the command has a pipe for its stdin")
    }

    /// What it wrote to stdout so far, as far as that was waited for.
    #[must_use]
    pub fn stdout(&self) -> &str {
        &self.said.stdout
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(mut self) -> Ran {
        self.child.kill().expect("it was started and not waited for");
        self.finish()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When two minutes pass since its start.
    pub fn finish(mut self) -> Ran {
        while self.next_line().is_some() {}
        let status = self.child.wait().expect("it was started by this process");
        Ran { code: status.code(), signal: status.signal(), ..std::mem::take(&mut self.said) }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, signal).expect("it was started and not waited for");
    }

    fn next_line(&mut self) -> Option<String> {
        let left = self.until.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok((stream, line)) => {
                match stream {
                    Stream::Out => self.said.stdout.push_str(&line),
                    Stream::Err => self.said.stderr.push_str(&line),
                }
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("it is still running after {PATIENCE:?}:\n{:?}", self.said),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Sends a stream on line by line, from a thread that ends with the stream.
fn forward(stream: Stream, from: impl Read + Send + 'static, to: Sender<(Stream, String)>) {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
            if to.send((stream, String::from_utf8_lossy(&line).into_owned())).is_err() {
                return;
            }
            line.clear();
        }
    });
}

impl Ran {
    /// Asserts that it ended with this exit code.
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Asserts that it said all of this, on either stream.
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "not said: {text:?}\n{self:?}");
        self
    }

    /// Asserts that it said nothing of this on either stream.
    pub fn never_says(&self, text: &str) -> &Self {
        assert!(!self.stdout.contains(text) && !self.stderr.contains(text), "said: {text:?}\n{self:?}");
        self
    }

    /// Its stdout, read as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON on stdout ({error}):\n{self:?}"))
    }
}

impl fmt::Debug for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit code {:?}, signal {:?}", self.code, self.signal)?;
        write!(f, "--- stdout\n{}--- stderr\n{}---", self.stdout, self.stderr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Running {
        Running::start(Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn streams_and_exit_code_are_kept() {
        let ran = shell("echo '{\"a\":1}'; echo oops >&2; exit 75").finish();
        ran.exits(75).says("oops").never_says("fine");
        assert_eq!(ran.json()["a"], 1);
    }

    #[test]
    fn a_line_can_be_waited_for_and_the_process_killed_there() {
        let mut running = shell("echo one; echo two; exec tail -f /dev/null");
        assert_eq!(running.wait_for("tw"), "two\n");
        let ran = running.kill();
        assert_eq!((ran.signal, ran.stdout.as_str()), (Some(9), "one\ntwo\n"));
    }

    #[test]
    fn an_interrupt_can_be_answered() {
        // A shell cannot answer a signal that was ignored when it started, as it is for jobs in the background.
        let mut running = shell(
            "exec env --default-signal=INT sh -c \"trap 'echo bye; exit 0' INT; echo ready; while :; do :; done\"",
        );
        running.wait_for("ready");
        running.interrupt();
        running.finish().exits(0).says("bye");
    }

    #[test]
    #[should_panic(expected = "without saying")]
    fn a_line_that_never_comes_is_a_failure() {
        shell("echo one").wait_for("two");
    }
}
