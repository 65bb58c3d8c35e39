//! Rust text without what only looks like code.

/// The text without comments, and with empty string and character literals.
pub(crate) fn bare(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        let (skipped, shown) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), "")
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), "")
        } else if let Some(length) = raw_string(rest, out.chars().last()) {
            (length, "\"\"")
        } else if first == '"' {
            (string(rest), "\"\"")
        } else if let Some(length) = character(rest) {
            (length, "' '")
        } else {
            (first.len_utf8(), &rest[..first.len_utf8()])
        };
        out.push_str(shown);
        rest = &rest[skipped..];
    }
    out
}

/// The length of a string literal with its quotes.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_string(text: &str, before: Option<char>) -> Option<usize> {
    let start = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = start.len() - start.trim_start_matches('#').len();
    let body = start[hashes..].strip_prefix('"')?;
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let end = body.find(&close).map_or(body.len(), |end| end + close.len());
    Some(text.len() - body.len() + end)
}

/// The length of a character literal; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    let mut chars = inner.char_indices();
    if chars.next()?.1 == '\\' {
        chars.next()?;
        return inner[2..].find('\'').map(|end| 1 + 2 + end + 1);
    }
    let (at, c) = chars.next()?;
    (c == '\'').then_some(1 + at + 1)
}

/// Bare text without the items that are compiled for tests alone.
pub(crate) fn without_tests(bare: &str) -> String {
    let mut text = bare.to_owned();
    while let Some(start) = text.find("#[cfg(test)]").or_else(|| text.find("#[cfg(all(test")) {
        let end = start + item(&text[start..]);
        text.replace_range(start..end, "");
    }
    text
}

/// The length of an item with its attributes: up to its semicolon or the end of its block.
fn item(text: &str) -> usize {
    let (mut depth, mut brackets) = (0_usize, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '[' | '(' => brackets += 1,
            ']' | ')' => brackets = brackets.saturating_sub(1),
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1 + usize::from(text[at + 1..].starts_with(';')),
            '}' => depth = depth.saturating_sub(1),
            ';' if depth == 0 && brackets == 0 => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = r####"a // "b"
        /* c */ "d \" e" r#"f " g"# 'h' '\'' '\u{1f}' &'static i br"j" for"####;
    assert_eq!(bare(text).split_whitespace().collect::<Vec<_>>().join(" "), r#"a "" "" ' ' ' ' ' ' &'static i "" for"#);
}

#[test]
fn items_for_tests_are_left_out_whole() {
    let text = "a; #[cfg(test)] #[path = \"\"] mod b; c; #[cfg(test)] mod d { fn e() { [1; 2]; } } f; \
                #[cfg(test)] use g::{h, i}; j;";
    assert_eq!(without_tests(text).split_whitespace().collect::<String>(), "a;c;f;j;");
}
