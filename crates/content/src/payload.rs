//! Data that stand in a text and are none: the payload of `data:` URLs, long runs of base64 or hexadecimal digits, and
//! the same over many lines.

use std::ops::Range;

/// A run of digits this long in one line is data, in bytes. No name and no digest is as long: SHA-512 has 128.
const RUN: usize = 256;
/// The payload of a `data:` URL is data from this length on, in bytes; a shorter one is cheaper than its loss.
const PAYLOAD: usize = 64;
/// Lines of base64 are wrapped at 64 or 76 digits; so long is each of a block but the last, in bytes.
const LINE: usize = 48;
/// And so many there are, at least.
const LINES: usize = 4;
/// The words before the payload of a `data:` URL are at most this long, in bytes.
const MEDIA_TYPE: usize = 128;

/// The ranges of `text` that are data, ascending.
pub(crate) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = payloads(text);
    let urls = found.len();
    let mut block = Block::default();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let run = longest_run(line.as_bytes());
        let run = run.start + at..run.end + at;
        if run.len() >= RUN && is_noise(&text[run.clone()]) {
            block.end(text, &mut found);
            found.push(run);
        } else if !block.takes(line, &run) {
            block.end(text, &mut found);
        } else {
            block.lines.push(run);
        }
        at += line.len();
    }
    block.end(text, &mut found);
    if urls > 0 { merged(found) } else { found }
}

/// Lines that may be one text of base64.
#[derive(Default)]
struct Block {
    lines: Vec<Range<usize>>,
}

impl Block {
    /// Whether the block goes on with this line, whose longest run of digits is `run`.
    fn takes(&self, line: &str, run: &Range<usize>) -> bool {
        // Around it there may be quotes, a comma, a mark of a comment.
        let most = run.len() * 10 >= line.trim().len() * 8;
        let last = self.lines.last().is_some_and(|before| before.len() >= LINE && run.len() < before.len());
        most && (run.len() >= LINE || (last && run.len() >= 4))
    }

    /// Adds the block to `found` if it is one, and begins another.
    fn end(&mut self, text: &str, found: &mut Vec<Range<usize>>) {
        let lines = std::mem::take(&mut self.lines);
        let full = lines.iter().filter(|line| line.len() >= LINE).count();
        if full >= LINES && is_noise(&lines.iter().map(|line| &text[line.clone()]).collect::<String>()) {
            found.extend(lines);
        }
    }
}

/// The longest run of base64 digits in a line, of both alphabets.
fn longest_run(line: &[u8]) -> Range<usize> {
    let mut longest = 0..0;
    let mut start = 0;
    while start < line.len() {
        let length = line[start..].iter().take_while(|byte| is_digit(**byte)).count();
        let padding = line[start + length..].iter().take(2).take_while(|byte| **byte == b'=').count();
        if length > longest.len() {
            longest = start..start + length + padding;
        }
        start += length + 1;
    }
    longest
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Whether the digits are as mixed as those of data: words, paths, rulers and the names that linkers see are not.
fn is_noise(run: &str) -> bool {
    let count = |of: fn(&u8) -> bool| run.bytes().filter(of).count() * 100 / run.len().max(1);
    let (upper, lower) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    let (digits, hex) = (count(u8::is_ascii_digit), count(u8::is_ascii_hexdigit));
    let joints = count(|byte| matches!(byte, b'_' | b'-'));
    let base64 = upper >= 10 && lower >= 10 && digits >= 3 && joints <= 5;
    base64 || (hex == 100 && digits >= 20 && upper + lower >= 10)
}

/// The payloads of `data:` URLs, base64 or not.
fn payloads(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found: Vec<Range<usize>> = vec![];
    for (at, name) in text.match_indices("data:") {
        let word = bytes[..at].last().is_some_and(u8::is_ascii_alphanumeric);
        let head = at + name.len();
        let in_last = found.last().is_some_and(|last| head < last.end);
        let media_type = bytes[head..].iter().take(MEDIA_TYPE).position(|byte| *byte == b',');
        let Some(comma) = media_type.filter(|_| !word && !in_last) else { continue };
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/+.;=-_\"".contains(byte);
        if comma == 0 || !bytes[head..head + comma].iter().all(plain) {
            continue;
        }
        let start = head + comma + 1;
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`<>(){}\\".contains(byte);
        let end = bytes[start..].iter().position(ends).map_or(bytes.len(), |length| start + length);
        if end - start >= PAYLOAD {
            found.push(start..end);
        }
    }
    found
}

/// Ascending and apart.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Base64 digits as those of a picture, from a generator with this seed.
    fn noise(length: usize, mut seed: u64) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(DIGITS[(seed >> 58) as usize])
        };
        (0..length).map(|_| next()).collect()
    }

    fn data(text: &str) -> Vec<&str> {
        find(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn the_payload_of_a_data_url_is_data() {
        let (picture, short) = (noise(4_000, 1), noise(40, 2));
        let page =
            format!("<img src=\"data:image/png;base64,{picture}==\">\n<img src=\"data:image/gif;base64,{short}\">\n");
        assert_eq!(data(&page), [format!("{picture}==")]);
        let drawing =
            format!("url(data:image/svg+xml;charset=utf-8,{}) no-repeat", "%3Cpath%20d=%22M0,0%22/%3E".repeat(9));
        assert_eq!(data(&drawing), ["%3Cpath%20d=%22M0,0%22/%3E".repeat(9)]);
        for none in ["data: 1, 2, 3", "metadata:text,", "let data: Vec<u8>, rest = f(x, y);"] {
            assert_eq!(data(&format!("{none}{}", " word".repeat(50))), [""; 0]);
        }
    }

    #[test]
    fn long_runs_and_wrapped_lines_of_base64_are_data() {
        let run = noise(300, 3);
        assert_eq!(data(&format!("let key = \"{run}\";\n")), [run.as_str()]);
        assert_eq!(data(&format!("sha512 = \"{}\"\n", noise(88, 4))), [""; 0], "a digest");
        let lines: Vec<String> = (0..6).map(|seed| noise(76, seed)).chain([noise(20, 9) + "=="]).collect();
        let block = format!("blob: |\n  {}\nnext: 1\n", lines.join("\n  "));
        assert_eq!(data(&block), lines);
        let quoted = lines.iter().map(|line| format!("    \"{line}\" +\n")).collect::<String>();
        assert_eq!(data(&quoted), lines);
        assert_eq!(data(&lines[..3].join("\n")), [""; 0], "three lines are few");
        let hex: String = (0..200_u32).map(|n| format!("{:02x}", n.wrapping_mul(97) % 256)).collect();
        assert_eq!(data(&hex), [hex.as_str()]);
    }

    #[test]
    fn words_paths_and_rulers_are_no_data() {
        for text in [
            "-".repeat(400),
            "=".repeat(400),
            "x".repeat(400),
            "a/long/path/of/many/parts/".repeat(20),
            "a_name_of_many_words_".repeat(20),
            format!("{}\n", "org/example/project/module/Part/Thing/Handler/Factory").repeat(9),
            "0123456789".repeat(40),
            "_ZNKSt7num_putIwSt19ostreambuf_iteratorIwSt11char_traitsIwEEE6do_putES3_RSt8ios_basewe\n".repeat(5),
        ] {
            assert_eq!(data(&text), [""; 0]);
        }
    }
}
