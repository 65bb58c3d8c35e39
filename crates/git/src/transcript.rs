//! What the other side of one conversation sent beside the data: lines of git's protocol, and the refusals of an HTTP
//! host.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Mutex};

use crate::GitError;
use crate::mutex::lock;

/// How much of one line is kept, in bytes.
const LINE_BYTES_MAX: usize = 1024;

/// How many lines of progress are kept: the last ones say why a server gave up.
const LINES_MAX: usize = 32;

/// The band of a packet line that carries the data; band 2 carries words for people, band 3 the reason for an end.
const DATA: u8 = 1;

/// What was sent so far. A clone is the same transcript.
#[derive(Clone, Default)]
pub(crate) struct Transcript(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    refusal: Option<GitError>,
    error: Option<String>,
    lines: VecDeque<String>,
}

impl Transcript {
    /// Notes that an HTTP host answered by something else than git; `None` before each request.
    pub(crate) fn set_refusal(&self, refusal: Option<GitError>) {
        lock(&self.0).refusal = refusal;
    }

    /// The last answer of an HTTP host, if that was a refusal.
    pub(crate) fn refusal(&self) -> Option<GitError> {
        lock(&self.0).refusal.take()
    }

    /// The line by which a server ended the conversation.
    pub(crate) fn error(&self) -> Option<String> {
        lock(&self.0).error.clone()
    }

    /// The messages that a server sent beside the data, one a line.
    pub(crate) fn messages(&self) -> String {
        Vec::from(lock(&self.0).lines.clone()).join("\n")
    }

    fn line(&self, line: &[u8]) {
        let lines = &mut lock(&self.0).lines;
        if lines.len() == LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(String::from_utf8_lossy(line).into_owned());
    }
}

/// A stream of packet lines that passes by. gix drops most of what is said beside the data, or takes it for data.
pub(crate) struct Tap<R> {
    stream: R,
    transcript: Transcript,
    /// The four hexadecimal digits that say how long the packet is, as far as they came.
    length: Vec<u8>,
    /// Bytes of the packet that are still to come.
    left: usize,
    kept: Vec<u8>,
    /// What came is no packet line: nothing behind it can be read.
    lost: bool,
}

impl<R> Tap<R> {
    pub(crate) fn new(stream: R, transcript: &Transcript) -> Self {
        Self { stream, transcript: transcript.clone(), length: Vec::new(), left: 0, kept: Vec::new(), lost: false }
    }

    fn listen(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.lost {
            let part = if self.left == 0 { 4 - self.length.len() } else { self.left }.min(bytes.len());
            let (now, rest) = bytes.split_at(part);
            bytes = rest;
            if self.left == 0 { self.length(now) } else { self.content(now) }
        }
    }

    fn length(&mut self, digits: &[u8]) {
        self.length.extend(digits);
        if self.length.len() < 4 {
            return;
        }
        let length = std::str::from_utf8(&self.length).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok());
        self.lost = length.is_none();
        self.left = length.unwrap_or_default().saturating_sub(4);
        self.length.clear();
        self.kept.clear();
    }

    fn content(&mut self, bytes: &[u8]) {
        self.left -= bytes.len();
        if self.kept.first() == Some(&DATA) {
            return;
        }
        let room = LINE_BYTES_MAX - self.kept.len();
        self.kept.extend(&bytes[..bytes.len().min(room)]);
        if self.left > 0 {
            return;
        }
        match self.kept.as_slice() {
            [2, words @ ..] => self.transcript.line(words),
            [3, words @ ..] | [b'E', b'R', b'R', b' ', words @ ..] => {
                lock(&self.transcript.0).error = Some(String::from_utf8_lossy(words).into_owned());
            }
            _ => {}
        }
    }
}

impl<R: Read> Read for Tap<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.stream.read(buffer)?;
        self.listen(&buffer[..bytes]);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(content: &[u8]) -> Vec<u8> {
        [format!("{:04x}", content.len() + 4).as_bytes(), content].concat()
    }

    #[test]
    fn words_beside_the_data_are_heard_however_the_stream_is_cut() {
        let stream = [
            packet(b"version 2\n"),
            b"0000".to_vec(),
            packet(b"\x02remote: hello\n"),
            packet(&[b"\x01".as_slice(), &[b'E'; 60_000]].concat()),
            b"0001".to_vec(),
            packet(b"ERR this project was archived\n"),
            b"0000".to_vec(),
        ]
        .concat();
        for piece in [1, 3, 7, 65_536] {
            let transcript = Transcript::default();
            let mut tap = Tap::new(stream.as_slice(), &transcript);
            let mut buffer = vec![0; piece];
            while tap.read(&mut buffer).expect("a slice") > 0 {}
            assert_eq!(transcript.messages(), "remote: hello\n", "{piece}");
            assert_eq!(transcript.error().as_deref(), Some("this project was archived\n"), "{piece}");
        }
    }

    #[test]
    fn what_is_said_is_bounded_and_no_packet_line_ends_the_listening() {
        let transcript = Transcript::default();
        let long = packet(&[b"\x02".as_slice(), &[b'x'; 9000]].concat());
        io::copy(&mut Tap::new(long.repeat(100).as_slice(), &transcript), &mut io::sink()).expect("a slice");
        assert!(transcript.messages().len() <= LINES_MAX * LINE_BYTES_MAX);
        let transcript = Transcript::default();
        let page = [b"<html>".to_vec(), packet(b"ERR no")].concat();
        io::copy(&mut Tap::new(page.as_slice(), &transcript), &mut io::sink()).expect("a slice");
        assert_eq!((transcript.messages(), transcript.error()), (String::new(), None));
    }
}
