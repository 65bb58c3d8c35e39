//! What the processes wrote down: the other side of the fault injection in the `warmer` binary.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The process is there.
    Started,
    /// A job was claimed.
    Claimed,
    /// A stage went on with a message.
    Work,
    /// A slot was taken, or given back.
    Slot { held: bool },
    /// An attempt ended; the verdict and why.
    Ended(String),
    /// The process is about to die, and of what.
    Dies(String),
}

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Microseconds of the wall clock.
    pub(super) at: u64,
    pub(super) pid: u32,
    pub(super) instance: String,
    pub(super) event: Event,
    pub(super) job: i64,
    pub(super) claim: String,
    pub(super) repository: String,
    /// What tells a fill from others of its repository; empty: it is a refresh.
    pub(super) fill: String,
}

/// The file that all processes of a row append to. Each line is read once.
pub(super) struct Ledger {
    path: PathBuf,
    read: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    offset: u64,
    lines: Vec<Line>,
    /// By how much the clock of a process is ahead.
    ahead: BTreeMap<u32, u64>,
}

impl Ledger {
    /// At this path.
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path, read: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The clock of this process is so many microseconds ahead; to be said before it writes.
    pub(super) fn is_ahead(&self, pid: u32, micros: u64) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).ahead.insert(pid, micros);
    }

    /// Looks at all lines so far, in the order in which they were written.
    pub(super) fn look<T>(&self, look: impl FnOnce(&[Line]) -> T) -> T {
        let mut pages = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that is not there yet has no lines.
        let _ = pages.catch_up(&self.path);
        look(&pages.lines)
    }

    /// The first line that is wanted.
    pub(super) fn find(&self, wanted: impl Fn(&Line) -> bool) -> Option<Line> {
        self.look(|lines| lines.iter().find(|line| wanted(line)).cloned())
    }
}

impl Pages {
    fn catch_up(&mut self, path: &Path) -> std::io::Result<()> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        self.offset += whole as u64;
        for mut line in text[..whole].lines().filter_map(read) {
            line.at -= self.ahead.get(&line.pid).copied().unwrap_or_default();
            self.lines.push(line);
        }
        Ok(())
    }
}

fn read(text: &str) -> Option<Line> {
    let line: Value = serde_json::from_str(text).ok()?;
    let word = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let extra = word("extra");
    let event = match line["event"].as_str()? {
        "started" => Event::Started,
        "claimed" => Event::Claimed,
        "work" => Event::Work,
        "slot" => Event::Slot { held: extra == "held" },
        "ended" => Event::Ended(extra),
        "dies" => Event::Dies(extra),
        _ => return None,
    };
    Some(Line {
        at: line["at"].as_u64()?,
        pid: u32::try_from(line["pid"].as_u64()?).ok()?,
        instance: word("instance"),
        event,
        job: line["job"].as_i64().unwrap_or_default(),
        claim: word("claim"),
        repository: word("repository"),
        fill: word("fill"),
    })
}
