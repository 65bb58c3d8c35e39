//! The bytes of a file as UTF-8 text: a byte order mark says the encoding, else what is not UTF-8 is detected.
//!
//! `working-tree-encoding` is no matter here: git stores the files that have it as UTF-8.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::skip::SkipReason;

/// A NUL byte this near the top means binary: git looks at as much.
const BINARY_BYTES: usize = 8 << 10;
/// Where so many times more characters are good UTF-8 than are not, the rest is damage and not another encoding.
const GOOD_PER_BAD: usize = 8;

/// A file's text.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// Without byte order mark.
    pub(crate) text: String,
    /// The name of the encoding it was in, where that is not UTF-8.
    pub(crate) encoding: Option<&'static str>,
}

/// The text of these bytes; `declared_text` skips the search for NUL bytes.
///
/// # Errors
/// [`SkipReason::Binary`], or [`SkipReason::NotUtf8`] where no encoding makes a text of them.
pub(crate) fn decode(bytes: Vec<u8>, declared_text: bool) -> Result<Decoded, SkipReason> {
    // A byte order mark of UTF-32, which few tools write and none of ours reads.
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) {
        return Err(SkipReason::NotUtf8);
    }
    match Encoding::for_bom(&bytes) {
        Some((encoding, mark)) if encoding != UTF_8 => whole(encoding, &bytes[mark..]),
        Some((_, mark)) => decode_unmarked(bytes[mark..].to_vec(), declared_text),
        None => decode_unmarked(bytes, declared_text),
    }
}

fn decode_unmarked(bytes: Vec<u8>, declared_text: bool) -> Result<Decoded, SkipReason> {
    let top = &bytes[..bytes.len().min(BINARY_BYTES)];
    if !declared_text && top.contains(&0) {
        return Err(SkipReason::Binary);
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Decoded { text, encoding: None }),
        Err(error) => detected(error.as_bytes()),
    }
}

/// What is not UTF-8, by the encoding that it looks like.
fn detected(bytes: &[u8]) -> Result<Decoded, SkipReason> {
    if is_damaged_utf8(bytes) {
        return Ok(Decoded { text: String::from_utf8_lossy(bytes).into_owned(), encoding: Some("damaged UTF-8") });
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    whole(detector.guess(None, Utf8Detection::Deny), bytes)
}

/// The text, if every byte is one of this encoding and none is a control character: data have those.
fn whole(encoding: &'static Encoding, bytes: &[u8]) -> Result<Decoded, SkipReason> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes).ok_or(SkipReason::NotUtf8)?;
    let wide = [UTF_16LE, UTF_16BE].contains(&encoding);
    match text.chars().find(|c| is_data(*c)) {
        Some('\0') if wide => Err(SkipReason::Binary),
        Some(_) => Err(SkipReason::NotUtf8),
        None => Ok(Decoded { text: text.into_owned(), encoding: Some(encoding.name()) }),
    }
}

/// Control characters but for those that texts have: tabs, line ends, form feeds, the colours of a terminal, the end
/// mark of old systems.
fn is_data(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}' | '\u{1a}')
}

/// Whether this is UTF-8 with a few bad bytes: it has many characters of more than one byte that are good.
fn is_damaged_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    good >= bad * GOOD_PER_BAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<(String, Option<&'static str>), SkipReason> {
        decode(bytes.to_vec(), false).map(|decoded| (decoded.text, decoded.encoding))
    }

    fn is(text: &str, encoding: Option<&'static str>) -> Result<(String, Option<&'static str>), SkipReason> {
        Ok((text.to_owned(), encoding))
    }

    #[test]
    fn a_byte_order_mark_says_the_encoding_and_is_no_part_of_the_text() {
        assert_eq!(read("\u{feff}fn a() {}".as_bytes()), is("fn a() {}", None));
        assert_eq!(read(b"\xff\xfef\0\xfc\0"), is("fü", Some("UTF-16LE")));
        assert_eq!(read(b"\xfe\xff\0f\0\xfc"), is("fü", Some("UTF-16BE")));
        assert_eq!(read(b"\xff\xfe\0\0f\0\0\0"), Err(SkipReason::NotUtf8), "UTF-32");
        assert_eq!(read(b"\xff\xfef\0\0"), Err(SkipReason::NotUtf8), "half a character");
        assert_eq!(read(b"\xff\xfef\0\0\0"), Err(SkipReason::Binary));
    }

    #[test]
    fn what_is_not_utf_8_is_read_in_the_encoding_that_it_looks_like() {
        let sentences = [
            ("windows-1252", "// Die Größe des Blocks, für alle Übrigen\nint size(void);\n"),
            ("windows-1251", "// Размер блока в байтах, не считая заголовка\nint size(void);\n"),
            ("Shift_JIS", "// ブロックの大きさをバイト単位で返します。\nint size(void);\n"),
            ("GBK", "// 返回块的大小，以字节为单位，不包括头部。\nint size(void);\n"),
            ("EUC-KR", "// 블록의 크기를 바이트 단위로 돌려줍니다.\nint size(void);\n"),
        ];
        for (name, text) in sentences {
            let encoding = Encoding::for_label(name.as_bytes()).expect("a known encoding");
            let (bytes, _, unmappable) = encoding.encode(text);
            assert!(!unmappable, "{name}");
            assert_eq!(read(&bytes), is(text, Some(encoding.name())), "{name}");
        }
    }

    #[test]
    fn data_are_no_text_of_any_encoding() {
        assert_eq!(read(b"fn a\0"), Err(SkipReason::Binary));
        assert_eq!(read(b"\x89PNG\x0d\x0a\x1a\x0a\xde\x01\x02\xff"), Err(SkipReason::NotUtf8));
        assert_eq!(read(b"\x1f\x8b\x08\xff\xfe\xfd\x02"), Err(SkipReason::NotUtf8));
        let late = [b"a line\n".repeat(2_000), vec![0]].concat();
        assert!(read(&late).is_ok(), "git looks at the first 8 KiB alone");
    }

    #[test]
    fn a_bad_byte_among_good_ones_is_damage_and_not_another_encoding() {
        let damaged = ["Größe für Übrige, öfter möglich: ä ö ü".as_bytes(), b"\xff", " schön".as_bytes()].concat();
        assert_eq!(read(&damaged), is("Größe für Übrige, öfter möglich: ä ö ü\u{fffd} schön", Some("damaged UTF-8")));
    }
}
