//! Secrets in a text, found by their form: keys and tokens that say what they are, private keys, passwords in URLs and
//! connection strings. What only its surroundings would tell (`password = "..."`) is not looked for: half of that is
//! none.
//!
//! One regular expression of bounded length finds where a secret may begin, in one pass; how it goes on is read by
//! hand, so that the time is linear in the text, whatever it is.

mod placeholder;
mod table;

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use table::{KINDS, Kind, Rest};

use crate::key::KeyBuilder;

/// Counted up when the entries of the list are read in another way; the list is part of the fingerprint by itself.
const VERSION: u64 = 1;

/// A private key is searched for its end so far, in bytes: one of 16,384 bits has 13 KB.
const BLOCK_BYTES: usize = 32 << 10;
/// A block of a private key has a run of base64 as long as this, in bytes; the text between two names of markers has
/// not.
const BLOCK_RUN: usize = 16;
/// What the parts of a JSON web token have beside letters and digits.
const WEB: &str = "_-";
/// A user and password are at most this long, in bytes.
const USERINFO_BYTES: usize = 512;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// What is to be overwritten, ascending and apart; several ranges may be one secret.
    pub(crate) ranges: Vec<Range<usize>>,
    /// How many secrets that is.
    pub(crate) count: u32,
    /// The bytes of private keys, their first and last lines included, be they real or not.
    pub(crate) key_bytes: usize,
}

/// One alternative for each kind, each with one group.
static KNOWN: LazyLock<Regex> = LazyLock::new(|| {
    let all: Vec<String> =
        KINDS.iter().map(|kind| format!("(?:{})", kind.pattern.replace(r"\b", r"(?-u:\b)"))).collect();
    Regex::new(&all.join("|")).expect("a test compiles the table")
});

/// Adds to a fingerprint all that decides what is found.
pub(crate) fn fingerprint(key: KeyBuilder) -> KeyBuilder {
    KINDS.iter().fold(key.number(VERSION), |key, kind| key.field(kind.name).field(kind.pattern))
}

/// The secrets of a text whose lines end with a line feed.
pub(crate) fn find(text: &str) -> Found {
    let mut found = Found::default();
    let mut locations = KNOWN.capture_locations();
    let (mut from, mut no_web_token) = (0, 0);
    while let Some(hit) = KNOWN.captures_read_at(&mut locations, text, from) {
        // What is no secret may have one inside.
        from = hit.start() + text[hit.start()..].chars().next().map_or(1, char::len_utf8);
        let groups = KINDS.iter().enumerate().find_map(|(index, kind)| Some((kind, locations.get(index + 1)?)));
        let Some((kind, (start, end))) = groups else { continue };
        if kind.rest == Rest::Block {
            let block = Block::behind(text, end);
            found.key_bytes += block.end - hit.start();
            from = block.end;
            found.count += u32::from(!block.digits.is_empty());
            found.ranges.extend(block.digits);
        } else if kind.rest == Rest::Parts && start < no_web_token {
            // Inside of a run that was looked through from an earlier beginning.
        } else if let Some(end) = ends(text, kind, hit.start(), start..end) {
            found.ranges.push(start..end);
            found.count += 1;
            from = end;
        } else if kind.rest == Rest::Parts {
            no_web_token = run(text, end, WEB);
        }
    }
    found
}

/// Where the secret ends whose beginning is `group`; `None` where it is none after all.
fn ends(text: &str, kind: &Kind, start: usize, group: Range<usize>) -> Option<usize> {
    let token = |end: usize| (!placeholder::is_token(&text[group.start..end])).then_some(end);
    match kind.rest {
        Rest::Nothing | Rest::Block => token(group.end),
        Rest::With(more) => token(run(text, group.end, more)),
        Rest::Parts => {
            let payload = part(text, run(text, group.end, WEB))?;
            token(part(text, payload)?)
        }
        Rest::Userinfo => userinfo(text, start, group.start),
        Rest::Value => value(text, start, group.start),
    }
}

/// The end of a run of letters, digits and these.
fn run(text: &str, from: usize, more: &str) -> usize {
    let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || more.as_bytes().contains(byte);
    from + text.as_bytes()[from..].iter().take_while(|byte| goes_on(byte)).count()
}

/// The end of one further part of a JSON web token, which begins with a point here.
fn part(text: &str, at: usize) -> Option<usize> {
    let start = text[at..].starts_with('.').then_some(at + 1)?;
    let end = run(text, start, WEB);
    (end - start >= 10).then_some(end)
}

/// The end of the password that begins at `password`, in a URL whose scheme ends at `start`.
fn userinfo(text: &str, start: usize, password: usize) -> Option<usize> {
    let rest = &text[password..text.floor_char_boundary(password + USERINFO_BYTES)];
    let stop = rest.find(|c: char| c.is_whitespace() || "@/\"'`<>\\".contains(c))?;
    let (word, behind) = rest.split_at(stop);
    let host = behind.strip_prefix('@')?.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    let user = text[start..password - 1].rsplit('/').next().unwrap_or_default();
    (host && !placeholder::is_password(word, user)).then_some(password + stop)
}

/// The end of the value that begins at `value`, of the key at `start` of a connection string.
fn value(text: &str, start: usize, value: usize) -> Option<usize> {
    let rest = &text[value..text.floor_char_boundary(value + USERINFO_BYTES)];
    let stop = rest.find(|c: char| c.is_whitespace() || ";\"'`<>&,()\\".contains(c)).unwrap_or(rest.len());
    // Alone in quotes it may be a form or a query.
    let quoted = text[start..].starts_with(['"', '\'']) && !rest[stop..].starts_with(';');
    (!quoted && !placeholder::is_password(&rest[..stop], "")).then_some(value + stop)
}

/// The block of a private key.
struct Block {
    /// What of it is the key; nothing where there is none, only the name of a marker.
    digits: Vec<Range<usize>>,
    /// Behind its last line.
    end: usize,
}

impl Block {
    /// The block whose first line ends at `start`.
    fn behind(text: &str, start: usize) -> Self {
        let rest = &text[start..text.floor_char_boundary(start + BLOCK_BYTES)];
        let (body, end) = match rest.find("-----") {
            Some(at) if rest[at..].starts_with("-----END") => {
                let line = rest[at + 5..].find("-----").map_or(at + 8, |end| at + 5 + end + 5);
                (at, start + line)
            }
            // Cut off: as long as its lines are digits.
            marker => {
                let most = marker.unwrap_or(rest.len());
                let cut: usize =
                    rest[..most].split_inclusive('\n').take_while(|line| is_of_key(line)).map(str::len).sum();
                (cut, start + cut)
            }
        };
        let digits = digits(&rest[..body], start);
        let longest = digits.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
        let ink =
            rest[..body].bytes().filter(|byte| !byte.is_ascii_whitespace() && !b"\\\"',#*>:".contains(byte)).count();
        let sum: usize = digits.iter().map(ExactSizeIterator::len).sum();
        // In a program, what stands between two markers is code.
        let real = longest >= BLOCK_RUN && sum * 20 >= ink * 19;
        Self { digits: if real { digits } else { vec![] }, end }
    }
}

/// Whether a line may belong to a key that has no end: digits, or nothing.
fn is_of_key(line: &str) -> bool {
    let line = line.trim_matches(|c: char| c.is_whitespace() || "\"'\\,+#*".contains(c));
    line.bytes().all(is_digit)
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

/// The runs of base64 digits; the letter behind a backslash is none.
fn digits(body: &str, offset: usize) -> Vec<Range<usize>> {
    let bytes = body.as_bytes();
    let mut runs = vec![];
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|byte| is_digit(**byte)).count();
        if length > 0 {
            runs.push(offset + at..offset + at + length);
            at += length;
        } else {
            at += if bytes[at] == b'\\' { 2 } else { 1 };
        }
    }
    runs
}

#[cfg(test)]
mod tests;
