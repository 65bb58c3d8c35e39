//! A working tree of this machine, as whoever works in it sees it: of which repository it is, what is checked out, and
//! which files differ from that.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use gix::sec::Trust;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::location::Location;
use crate::remote::Remote;
use crate::{current_dir, program, timeout};

/// How long git may look for files that differ: 70,000 files take it 0.1 s warm, and a second from a slow disk.
const STATUS_TIMEOUT: Duration = Duration::from_secs(2);

/// How much of its answer is read: some 10,000 paths.
const STATUS_BYTES_MAX: u64 = 1 << 20;

/// A working tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// Its top directory, without symbolic links.
    pub root: PathBuf,
    /// Where the same repository may be followed: on this machine, then at its remotes.
    pub locations: Vec<Location>,
    /// The commit that is checked out, in hexadecimal; `None` before the first.
    pub head: Option<String>,
    /// The branch that is checked out; `None` where it is a commit alone.
    pub branch: Option<String>,
}

impl Checkout {
    /// The one that a directory is in; `None` where it is in none, where nothing can be read, and where the file system
    /// does not answer within seconds. Nothing of its configuration is run. Blocks.
    #[must_use]
    pub fn of(directory: &Path) -> Option<Self> {
        let directory = directory.to_owned();
        timeout::with_timeout(move || look(&directory)).flatten()
    }

    /// The files that differ from the commit that is checked out, or are new, relative to the top directory, in the
    /// order of their names; of a directory that is new, its name with a `/`. `None` where git is not there, or does
    /// not tell within 2 seconds. Nothing is locked or written. Blocks.
    #[must_use]
    pub fn changed(&self) -> Option<BTreeSet<String>> {
        let mut command = program::plain_git();
        command.arg("-C").arg(&self.root);
        // Neither a monitor that the configuration names is started, nor the index refreshed.
        command.args(["--no-optional-locks", "-c", "core.fsmonitor=false", "status", "--porcelain=v1", "-z"]);
        command.args(["--untracked-files=normal", "--ignore-submodules=all", "--no-renames"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().ok()?;
        let said = read(&mut child);
        // Nothing of it may be left.
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        let _ = child.wait();
        Some(paths(&said?))
    }
}

fn look(directory: &Path) -> Option<Checkout> {
    let directory = directory.canonicalize().ok()?;
    current_dir::leave_if_gone(&directory);
    let (found, _trust) = gix::discover::upwards(&directory).ok()?;
    let (git_dir, _work_tree) = found.into_repository_and_work_tree_directories();
    let repository = gix::open_opts(git_dir, gix::open::Options::isolated().with(Trust::Full)).ok()?;
    let root = repository.workdir()?.canonicalize().ok()?;
    // The objects of a linked worktree, and what is fetched from it, lie in the repository that it was made from.
    let own = [repository.git_dir(), repository.common_dir()].into_iter().filter_map(|directory| {
        let directory = directory.canonicalize().ok()?;
        Some(Remote::from_url(&format!("file://{}", directory.to_str()?)).ok()?.location())
    });
    let configuration = repository.config_snapshot();
    let remotes = repository.remote_names().into_iter().filter_map(|name| {
        let url = configuration.string(format!("remote.{name}.url").as_str())?.to_string();
        Location::of_url(&url).or_else(|| Some(Remote::parse(&url, &root).ok()?.location()))
    });
    let mut locations: Vec<Location> = own.chain(remotes).collect();
    locations.dedup();
    let head = repository.head_id().ok().map(|id| id.to_string());
    let branch = repository.head_name().ok().flatten().map(|name| name.shorten().to_string());
    Some(Checkout { root: root.clone(), locations, head, branch })
}

/// What it writes, if that ends in time; a thread reads it, which ends with the pipe.
fn read(child: &mut Child) -> Option<Vec<u8>> {
    let stdout = child.stdout.take()?;
    let (give, said) = mpsc::sync_channel(1);
    let reading = move || {
        let mut bytes = vec![];
        let read = stdout.take(STATUS_BYTES_MAX).read_to_end(&mut bytes);
        // Who asked may have given up.
        let _ = give.send(read.is_ok().then_some(bytes));
    };
    thread::Builder::new().name("status".to_owned()).spawn(reading).ok()?;
    said.recv_timeout(STATUS_TIMEOUT).ok().flatten()
}

/// The paths of entries such as ` M src/a.rs`, each ended by a zero byte.
fn paths(said: &[u8]) -> BTreeSet<String> {
    let entries = said.split(|byte| *byte == 0).filter_map(|entry| entry.get(3..));
    entries.map(|path| String::from_utf8_lossy(path).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_a_status_are_their_paths() {
        let said = b" M src/a b.rs\0?? new/\0D  gone.rs\0";
        assert_eq!(paths(said).into_iter().collect::<Vec<_>>(), ["gone.rs", "new/", "src/a b.rs"]);
        assert!(paths(b"").is_empty());
    }
}
