//! A throw-away cluster.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt as _, lchown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;

use super::Programs;

/// The server refuses to run as root; by then it is nobody.
const NOBODY: u32 = 65534;
/// The user of the cluster's databases.
const USER: &str = "warmer";
/// Another process may take the port between our look and the server's: then another is tried.
const TRIES: u32 = 5;

/// `synchronous_commit` stays as it is in the field.
const SETTINGS: [&str; 4] =
    ["max_connections=400", "log_min_messages=warning", "timezone=UTC", "restart_after_crash=on"];
/// What tests need no disk for is not waited for.
const FLEETING: [&str; 4] = ["fsync=off", "full_page_writes=off", "shared_buffers=64MB", "max_wal_size=256MB"];
/// As in the field, for figures: the defaults, with memory for a million jobs, and no checkpoint that falls into one
/// measurement and not into the next.
const DURABLE: [&str; 4] = ["fsync=on", "full_page_writes=on", "shared_buffers=256MB", "max_wal_size=4GB"];

/// How a server is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Ends all sessions first.
    Fast,
    /// As if it had crashed.
    Immediate,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Immediate => "immediate",
        }
    }
}

/// A server of our own. Dropped, or when its process ends, it stops and its directory is removed.
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    directory: PathBuf,
    /// Beside those that all have.
    settings: [&'static str; 4],
    port: u16,
    /// Its end is the sign for the guard.
    line: Option<ChildStdin>,
    guard: Child,
}

impl Cluster {
    /// Makes a cluster with the programs of the machine, else with those of the wheel, and starts it. It keeps nothing
    /// safe: for tests.
    ///
    /// # Errors
    /// Why there is none, in a sentence.
    pub fn start() -> Result<Self> {
        Self::start_with(FLEETING)
    }

    /// The same with a server that waits for its disk, as in the field: for figures.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub fn start_durable() -> Result<Self> {
        Self::start_with(DURABLE)
    }

    fn start_with(settings: [&'static str; 4]) -> Result<Self> {
        let directory = directory()?;
        match Programs::installed() {
            Some(programs) => Self::start_in(directory, programs, settings),
            None => Self::start_of_wheel(directory, settings),
        }
    }

    /// Makes a cluster with the programs of the wheel, whatever the machine has.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub fn start_of_wheel_only() -> Result<Self> {
        Self::start_of_wheel(directory()?, FLEETING)
    }

    fn start_of_wheel(directory: PathBuf, settings: [&'static str; 4]) -> Result<Self> {
        let programs = Programs::of_wheel(&directory).and_then(|programs| give_away(&directory).map(|()| programs));
        match programs {
            Ok(programs) => Self::start_in(directory, programs, settings),
            Err(error) => {
                let _ = fs::remove_dir_all(&directory);
                Err(error)
            }
        }
    }

    fn start_in(directory: PathBuf, programs: Programs, settings: [&'static str; 4]) -> Result<Self> {
        let (guard, line) = guard(&programs, &directory)?;
        let mut cluster = Self { programs, directory, settings, port: 0, line: Some(line), guard };
        cluster.make().context("initdb made no cluster")?;
        for tried in 1.. {
            cluster.port = free_port()?;
            match cluster.run() {
                Ok(()) => break,
                Err(error) if tried == TRIES => return Err(error),
                Err(_) => {}
            }
        }
        Ok(cluster)
    }

    /// The maintenance database, as a user who may do everything.
    pub fn url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/postgres", self.port)
    }

    /// What it runs with that is not the default.
    pub fn settings(&self) -> impl Iterator<Item = &'static str> {
        SETTINGS.into_iter().chain(self.settings)
    }

    /// Its data, its socket and its log.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server; its sessions end, its data stays.
    pub fn stop(&self, mode: Mode) -> Result<()> {
        self.control(&["stop", "-w", "-m", mode.name()])
    }

    /// Starts a server that was stopped, on its port, and waits until it takes connections.
    pub fn run(&self) -> Result<()> {
        let mut settings = format!("-h 127.0.0.1 -p {} -k {}", self.port, self.directory.display());
        settings.extend(self.settings().map(|setting| format!(" -c {setting}")));
        let log = self.directory.join("log");
        self.control(&["start", "-w", "-t", "60", "-l", &log.to_string_lossy(), "-o", &settings])
            .with_context(|| last_lines(&log))
    }

    /// The server's log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn make(&self) -> Result<()> {
        let mut command = self.programs.command("initdb");
        command.args(["--no-sync", "--no-instructions", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        command.arg(format!("--username={USER}")).arg("--pgdata").arg(self.data());
        finish(unprivileged(&mut command))
    }

    fn control(&self, arguments: &[&str]) -> Result<()> {
        let mut command = self.programs.command("pg_ctl");
        command.args(arguments).arg("--pgdata").arg(self.data());
        finish(unprivileged(&mut command))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.line.take());
        // The guard removes the directory last.
        let _ = self.guard.wait();
    }
}

/// A directory of the user that the server will be.
fn directory() -> Result<PathBuf> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("warmer-postgres-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    fs::DirBuilder::new().mode(0o700).create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    if let Err(error) = give_away(&path) {
        let _ = fs::remove_dir_all(&path);
        return Err(error);
    }
    Ok(path)
}

/// Makes a directory and all in it the server's, as far as that is somebody else.
fn give_away(path: &Path) -> Result<()> {
    if !geteuid().is_root() {
        return Ok(());
    }
    lchown(path, Some(NOBODY), Some(NOBODY)).with_context(|| format!("cannot give {} away", path.display()))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            give_away(&entry?.path())?;
        }
    }
    Ok(())
}

/// A process that waits for the end of ours, which closes the pipe between them, and then clears up.
fn guard(programs: &Programs, directory: &Path) -> Result<(Child, ChildStdin)> {
    const SCRIPT: &str = r#"
        trap '' INT TERM HUP
        read -r _
        "$1" stop --mode=immediate --pgdata "$2/data"
        /bin/rm -rf "$2""#;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SCRIPT, "sh"]).arg(programs.path("pg_ctl")).arg(directory);
    // Of its own group, so that an interrupt from the terminal does not reach it.
    command.process_group(0).current_dir("/");
    let mut guard = unprivileged(&mut command)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("the cluster's guard cannot be started")?;
    let line = guard.stdin.take().context("the guard has no pipe")?;
    Ok((guard, line))
}

fn unprivileged(command: &mut Command) -> &mut Command {
    if geteuid().is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0)).context("no port is free on loopback")?.local_addr()?.port())
}

/// Runs it to its end. The server that it may leave behind writes into its log.
fn finish(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{name} cannot be started"))?;
    if !output.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("; ")
}
