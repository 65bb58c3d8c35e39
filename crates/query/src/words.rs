//! The words of a text, as they are indexed and asked for.
//!
//! An identifier is its parts (`parseHTTPDate`: parse, http, date) and itself as one word without what separates them
//! (`parsehttpdate`), so that `parse_http_date` finds it too. Of a path or a qualified name (`std::io::Read`, `a/b.rs`)
//! only the names are words: all of it as one would be a word that stands nowhere else.

/// Longer words are none: digests and encoded data, each of which would be a word of its own. The longest names in
/// real code are near 60 characters.
const WORD_BYTES_MAX: usize = 64;

/// A shortened word keeps as many letters: `used` and `king` stay as they are.
const STEM_MIN: usize = 3;

/// Gives every word of `text` to `each`, in the order of the text, an identifier before its parts. Words are in lower
/// case, and English endings are cut off them.
pub(crate) fn words(text: &str, each: &mut dyn FnMut(&str)) {
    let (mut parts, mut word) = (vec![], String::new());
    let mut rest = text;
    while let Some(start) = rest.find(char::is_alphanumeric) {
        rest = &rest[start..];
        let end = identifier_end(rest);
        identifier(&rest[..end], &mut parts, &mut word, each);
        rest = &rest[end..];
    }
}

/// The words as a list.
pub(crate) fn all_words(text: &str) -> Vec<String> {
    let mut all = vec![];
    words(text, &mut |word| all.push(word.to_owned()));
    all
}

/// Where the identifier ends that `text` begins with. A hyphen is inside of one between two letters (`content-type`),
/// not before a digit (`len-1`).
fn identifier_end(text: &str) -> usize {
    let mut characters = text.char_indices().peekable();
    let mut before = '_';
    while let Some((at, character)) = characters.next() {
        let after = characters.peek().map_or(' ', |(_, after)| *after);
        let joins = character == '-' && before.is_alphabetic() && after.is_alphabetic();
        if !(character.is_alphanumeric() || character == '_' || joins) {
            return at;
        }
        before = character;
    }
    text.len()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Separator,
    Digit,
    Upper,
    Letter,
    /// Of a script that is written without spaces.
    Ideograph,
}

fn kind(character: char) -> Kind {
    match character {
        '_' | '-' => Kind::Separator,
        '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}' => {
            Kind::Ideograph
        }
        _ if character.is_numeric() => Kind::Digit,
        _ if character.is_uppercase() => Kind::Upper,
        _ => Kind::Letter,
    }
}

fn identifier<'a>(text: &'a str, parts: &mut Vec<(Kind, &'a str)>, word: &mut String, each: &mut dyn FnMut(&str)) {
    parts.clear();
    split(text, parts);
    if parts.len() > 1 && text.len() <= WORD_BYTES_MAX {
        lower(text, word);
        each(word);
    }
    for (kind, part) in parts.iter().filter(|(_, part)| part.len() <= WORD_BYTES_MAX) {
        if *kind == Kind::Ideograph {
            pairs(part, each);
        } else {
            lower(part, word);
            stem(word);
            each(word);
        }
    }
}

/// Cuts an identifier where its writer would: at separators, between letters and digits, before an upper-case letter
/// that follows a lower-case one, and before the last of several upper-case ones that a lower-case one follows.
fn split<'a>(text: &'a str, parts: &mut Vec<(Kind, &'a str)>) {
    let (mut start, mut before) = (0, Kind::Separator);
    let mut characters = text.char_indices().map(|(at, character)| (at, kind(character))).peekable();
    while let Some((at, this)) = characters.next() {
        let after = characters.peek().map_or(Kind::Separator, |(_, after)| *after);
        let cut = match (before, this) {
            (Kind::Upper, Kind::Letter) => false,
            (Kind::Upper, Kind::Upper) => after == Kind::Letter,
            (before, this) => before != this,
        };
        if cut {
            push(text, start, at, before, parts);
            start = at;
        }
        before = this;
    }
    push(text, start, text.len(), before, parts);
}

fn push<'a>(text: &'a str, start: usize, end: usize, kind: Kind, parts: &mut Vec<(Kind, &'a str)>) {
    if start < end && kind != Kind::Separator {
        parts.push((kind, &text[start..end]));
    }
}

fn lower(text: &str, word: &mut String) {
    word.clear();
    let letters = text.chars().filter(|character| kind(*character) != Kind::Separator);
    word.extend(letters.flat_map(char::to_lowercase));
}

/// Two neighbours at a time, as search engines index scripts without spaces; one that stands alone is a word.
fn pairs(part: &str, each: &mut dyn FnMut(&str)) {
    let ends: Vec<_> = part.char_indices().map(|(at, _)| at).chain([part.len()]).collect();
    match ends.len() {
        ..3 => each(part),
        _ => ends.windows(3).for_each(|ends| each(&part[ends[0]..ends[2]])),
    }
}

/// Cuts English endings off, so that `parse`, `parses`, `parsed` and `parsing` are one word, which need not be one of
/// English (`pars`). Both what is indexed and what is asked go through here.
fn stem(word: &mut String) {
    if !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return;
    }
    let ends = |word: &str, last: u8, but_after: &[u8]| {
        let bytes = word.as_bytes();
        matches!(bytes, [.., before, end] if *end == last && !but_after.contains(before)) && bytes.len() >= STEM_MIN
    };
    if word.len() > STEM_MIN && ends(word, b's', b"siu") {
        word.pop();
    }
    // Twice for `embedded`, of which `embed` has the ending too.
    while let Some(rest) = without_ending(word) {
        word.truncate(rest);
        undouble(word);
    }
    if word.len() > STEM_MIN && ends(word, b'e', b"e") {
        word.pop();
    }
    if ends(word, b'y', b"aeiou") {
        word.pop();
        word.push('i');
    }
}

/// The length without -ing or -ed, where what is left has a vowel: `nothing` has one, `string` has none.
fn without_ending(word: &str) -> Option<usize> {
    let ending = ["ing", "ed"].into_iter().find(|ending| word.ends_with(ending))?;
    let rest = &word[..word.len() - ending.len()];
    let is_word = rest.len() >= STEM_MIN && rest.contains(['a', 'e', 'i', 'o', 'u', 'y']) && !word.ends_with("eed");
    is_word.then_some(rest.len())
}

/// `running` is `run`, but `calling` is `call` and `adding` is `add`.
fn undouble(word: &mut String) {
    let bytes = word.as_bytes();
    if let [.., one, other] = bytes
        && one == other
        && bytes.len() > STEM_MIN
        && !b"aeiouylsz".contains(one)
    {
        word.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_its_parts_and_itself() {
        for (text, expected) in [
            ("parse", "pars"),
            ("parseDate", "parsedate pars dat"),
            ("parse_date", "parsedate pars dat"),
            ("parse-date", "parsedate pars dat"),
            ("PARSE_DATE", "parsedate pars dat"),
            ("ParseDate", "parsedate pars dat"),
            ("HTTPServer2", "httpserver2 http server 2"),
            ("getHTTPResponse", "gethttpresponse get http respons"),
            ("IOError", "ioerror io error"),
            ("utf8", "utf8 utf 8"),
            ("sha256sum", "sha256sum sha 256 sum"),
            ("__init__", "init"),
            ("_x1", "x1 x 1"),
            ("a.b.c", "a b c"),
            ("src/http/date.rs", "src http dat rs"),
            ("std::io::Read", "std io read"),
            ("self.jobs.pop()", "self job pop"),
            ("len-1", "len 1"),
            ("--no-wait", "nowait no wait"),
            ("Café", "café"),
            ("ÜberGröße", "übergröße über größe"),
            ("検索する", "検索 索す する"),
            ("x検", "x検 x 検"),
            ("don't", "don t"),
            ("", ""),
            ("-- __ ::", ""),
        ] {
            assert_eq!(all_words(text).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn the_forms_of_a_word_are_one_word() {
        for forms in [
            "parse parses parsed parsing",
            "query queries querying queried",
            "cookie cookies",
            "index indexes indexed indexing",
            "cache caches cached caching",
            "class classes",
            "run runs running",
            "call calls called calling",
            "add adds added adding",
            "embed embeds embedded embedding",
            "retry retries retried retrying",
            "status statuses",
            "tree trees",
            "key keys",
            "log logs logged logging",
            "exceed exceeds exceeded exceeding",
        ] {
            let all = all_words(forms);
            assert!(all.iter().all(|word| *word == all[0]), "{forms}: {all:?}");
        }
        for apart in ["string str", "model mode", "thing the", "data date", "process proc", "need ne", "used us"] {
            let all = all_words(apart);
            assert_ne!(all[0], all[1], "{apart}");
        }
    }

    #[test]
    fn data_is_no_word() {
        assert!(all_words(&"a1".repeat(40)).iter().all(|word| word.len() < 3), "its parts are short");
        assert_eq!(all_words(&"x".repeat(WORD_BYTES_MAX + 1)), Vec::<String>::new());
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_words_and_each_is_a_word_of_its_own(text in "\\PC{0,60}") {
            for word in all_words(&text) {
                proptest::prop_assert!(!word.is_empty() && word.len() <= 3 * WORD_BYTES_MAX, "{word:?}");
            }
        }
    }
}
