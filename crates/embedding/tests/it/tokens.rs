//! How many tokens the real tokenizer counts.

use warmer_embedding::Tokenizer;

use crate::kit;

fn tokenizer() -> Option<Tokenizer> {
    Some(Tokenizer::load(&kit::model()?).unwrap())
}

#[test]
fn a_text_of_many_pieces_has_the_tokens_of_its_lines() {
    let Some(tokenizer) = tokenizer() else { return };
    let text = kit::code().join("\n").repeat(20);
    assert!(text.len() > 100_000);
    let by_line: usize = text.lines().map(|line| tokenizer.count(line).unwrap()).sum();
    assert_eq!(tokenizer.count(&text).unwrap(), by_line);
}

#[test]
fn a_word_of_ten_megabytes_is_tokenised() {
    let Some(tokenizer) = tokenizer() else { return };
    let word = "ä".repeat(5 << 20);
    assert_eq!(tokenizer.count(&word).unwrap(), word.len().div_ceil(32 * 1024), "one unknown word a piece");
}

#[test]
fn nothing_has_no_tokens() {
    let Some(tokenizer) = tokenizer() else { return };
    assert_eq!(tokenizer.count(""), Ok(0));
    assert_eq!(tokenizer.count(" \n\t"), Ok(0));
}
