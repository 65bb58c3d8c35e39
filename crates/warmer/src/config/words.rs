//! What serde says, in words of people.

/// The message without the names of Rust's types.
pub(super) fn in_words(message: &str) -> String {
    const WORDS: [(&str, &str); 8] = [
        ("expected a nonzero usize", "expected a whole number above zero"),
        ("expected a nonzero u32", "expected a whole number above zero"),
        ("expected a nonzero u64", "expected a whole number above zero"),
        ("expected usize", "expected a whole number"),
        ("expected u32", "expected a whole number"),
        ("expected i64", "expected a whole number"),
        ("expected a boolean", "expected true or false"),
        ("expected a sequence", "expected a list"),
    ];
    WORDS.iter().fold(message.to_owned(), |message, (rust, words)| message.replace(rust, words))
}
