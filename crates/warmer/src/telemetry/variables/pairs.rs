//! Lists of `KEY=VALUE`: attributes of the resource, and headers. A byte that would mean something else there is
//! written as `%` and two digits.

use reqwest::header::{HeaderName, HeaderValue};

/// What stands between commas.
pub(super) fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// The pairs of a list.
///
/// # Errors
/// What is wrong with it; none of its text, which may be a secret.
pub(super) fn read(list: &str) -> Result<Vec<(String, String)>, &'static str> {
    let pair = |item: &str| {
        let (key, value) = item.split_once('=')?;
        Some((key.trim().to_owned(), value.trim().to_owned())).filter(|(key, _)| !key.is_empty())
    };
    let pairs: Option<Vec<_>> = items(list).map(pair).collect();
    let pairs = pairs.ok_or("expected KEY=VALUE, with commas in between")?;
    let decoded = |(key, value): (String, String)| Some((decoded(&key)?, decoded(&value)?));
    let decoded: Option<Vec<_>> = pairs.into_iter().map(decoded).collect();
    decoded.ok_or("expected two hexadecimal digits after each %, and UTF-8 of it all")
}

/// Whether a list is one of headers: what is none would be left out without a word.
///
/// # Errors
/// As for [`read`].
pub(super) fn are_headers(list: &str) -> Result<(), &'static str> {
    let is_header = |(name, value): &(String, String)| {
        name.parse::<HeaderName>().is_ok() && !value.is_empty() && value.parse::<HeaderValue>().is_ok()
    };
    if read(list)?.iter().all(is_header) {
        return Ok(());
    }
    Err("expected NAME=VALUE of headers: a name has no spaces, a value something in it and no control characters")
}

fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [one, two, after @ ..] = rest else { return None };
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        bytes.push(u8::try_from(digit(one)? * 16 + digit(two)?).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}
