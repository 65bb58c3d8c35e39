//! A listing of refs, held to a bound: the other side decides how long it goes on.

use std::io::{self, BufRead, Read};

use gix::bstr::BString;
use gix::protocol::Command;
use gix::protocol::handshake::Ref;
use gix::protocol::handshake::refs::from_v2_refs;
use gix::protocol::transport::client::Capabilities;
use gix::protocol::transport::client::blocking_io::{ReadlineBufRead, Transport, TransportV2Ext as _};
use gix::protocol::transport::packetline::PacketLineRef;

/// Refs in one listing, which the server narrows to those that begin with a name: the largest servers have some 500,000
/// below all names together.
const REFS_MAX: u64 = 500_000;

/// Bytes of one listing: 128 for each of so many refs.
const BYTES_MAX: u64 = 64 << 20;

/// Asks for the refs that begin with one of `names`. The inner error says that there were too many.
pub(crate) fn list(
    mut transport: impl Transport,
    capabilities: &Capabilities,
    agent: String,
    names: impl IntoIterator<Item = BString>,
) -> gix::Result<Result<Vec<Ref>, TooMany>> {
    let mut features = Command::LsRefs.default_features(gix::protocol::transport::Protocol::V2, capabilities);
    features.push(("agent", Some(agent)));
    let mut arguments = Command::LsRefs.initial_v2_arguments(&features);
    if capabilities.capability("ls-refs").and_then(|found| found.supports("unborn")).unwrap_or_default() {
        arguments.push("unborn".into());
    }
    arguments.extend(names.into_iter().map(|name| format!("ref-prefix {name}").into()));
    let answer =
        transport.invoke(Command::LsRefs.as_str(), features.into_iter(), Some(arguments.into_iter()), false)?;
    let mut bounded = Bounded { answer, refs: REFS_MAX, bytes: BYTES_MAX, over: false };
    let refs = from_v2_refs(&mut bounded);
    if bounded.over { Ok(Err(TooMany)) } else { refs.map(Ok) }
}

/// There were more refs than anybody has.
pub(crate) struct TooMany;

impl TooMany {
    /// What that is, for a sentence.
    pub(crate) const WHAT: &str = "more than 500,000 refs, or more than 64 MiB of them";
}

/// Lines of which only so many come.
struct Bounded<R> {
    answer: R,
    refs: u64,
    bytes: u64,
    over: bool,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.answer.read(buffer)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.answer.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.answer.consume(amount);
    }
}

impl<R: ReadlineBufRead> ReadlineBufRead for Bounded<R> {
    fn readline(&mut self) -> Option<io::Result<gix::Result<PacketLineRef<'_>>>> {
        if self.refs == 0 || self.bytes == 0 {
            self.over = true;
            return Some(Err(io::Error::other("too many refs")));
        }
        let line = self.answer.readline()?;
        if let Ok(Ok(line)) = &line {
            self.refs -= 1;
            self.bytes = self.bytes.saturating_sub(line.as_slice().map_or(0, <[u8]>::len) as u64);
        }
        Some(line)
    }

    fn readline_str(&mut self, line: &mut String) -> io::Result<usize> {
        self.answer.readline_str(line)
    }
}
