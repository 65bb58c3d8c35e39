//! Where the real tokenizer says that tokens start.

use warmer_content::TokenSpans;
use warmer_embedding::Tokenizer;

use crate::kit;

fn tokenizer() -> Option<Tokenizer> {
    Some(Tokenizer::load(&kit::model()?).unwrap())
}

#[test]
fn starts_are_byte_offsets_also_behind_wide_characters() {
    let Some(tokenizer) = tokenizer() else { return };
    let text = "größe = naïve(🦀, 日本);";
    let starts = tokenizer.starts(text).unwrap();
    let found: Vec<_> = starts.iter().map(|start| text[*start as usize..].chars().next().unwrap()).collect();
    for wanted in ['g', '=', '(', '🦀', ',', '日', '本', ')', ';'] {
        assert!(found.contains(&wanted), "{wanted} starts a token: {found:?}");
    }
    assert!(starts.is_sorted());
    assert_eq!(tokenizer.count(text).unwrap(), starts.len());
}

#[test]
fn a_text_of_many_pieces_has_the_tokens_of_its_lines() {
    let Some(tokenizer) = tokenizer() else { return };
    let text = kit::code().join("\n").repeat(20);
    assert!(text.len() > 100_000);
    let by_line: usize = text.lines().map(|line| tokenizer.count(line).unwrap()).sum();
    let starts = tokenizer.starts(&text).unwrap();
    assert_eq!(starts.len(), by_line);
    assert!(starts.is_sorted() && starts.iter().all(|start| text.is_char_boundary(*start as usize)));
}

#[test]
fn a_word_of_ten_megabytes_is_tokenised() {
    let Some(tokenizer) = tokenizer() else { return };
    let word = "ä".repeat(5 << 20);
    let starts = tokenizer.starts(&word).unwrap();
    assert!(starts.is_sorted() && starts.iter().all(|start| word.is_char_boundary(*start as usize)));
    assert_eq!(starts.len(), word.len().div_ceil(32 * 1024), "one unknown word a piece");
}

#[test]
fn nothing_has_no_tokens() {
    let Some(tokenizer) = tokenizer() else { return };
    assert_eq!(tokenizer.count(""), Ok(0));
    assert_eq!(tokenizer.count(" \n\t"), Ok(0));
}
