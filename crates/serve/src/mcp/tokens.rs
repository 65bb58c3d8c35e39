//! How many tokens a text is, told without a vocabulary: by its words, numbers, marks and blanks.
//!
//! A tokenizer of 100,000 to 200,000 entries cuts a text where words, numbers, marks and blanks meet, before it looks
//! at what is between. Each of these is one token or a few, and how many is told by how long it is and what it is made
//! of. Bytes alone do not tell: a token of prose has 4.5, one of a table of numbers 1.2.

/// Letters of a word that are a token at the least. Most words are one, whatever their length.
const LETTERS: usize = 6;

/// The same for letters that are no word as it is mostly written: several capitals, and what stands beside digits (in
/// hexadecimal numbers and encoded data).
const LETTERS_ODD: usize = 2;

/// Digits are cut in threes.
const DIGITS: usize = 3;

/// Marks in a row: of those that code has most (`::`, `->`, `();`) each pair is a token at the most.
const MARKS: usize = 2;

/// What a text counts as: more tokens than it has, for texts that people write. For ordinary code it is about a quarter
/// more, for tables of numbers hardly any. Counted line by line it is as much.
pub(super) fn tokens(text: &str) -> usize {
    let (mut rest, mut count, mut before) = (text, 0, ' ');
    while let Some(first) = rest.chars().next() {
        let (length, tokens) = match first {
            'a'..='z' | 'A'..='Z' => word(rest, before.is_ascii_digit()),
            '0'..='9' => run(rest, DIGITS, |c| c.is_ascii_digit()),
            ' ' | '\t' => blanks(rest),
            '\n' => run(rest, usize::MAX, |c| c == '\n'),
            c if c.is_ascii() => marks(rest),
            // Few of those are one token in every tokenizer, none is more than its bytes; what people write is less.
            c => (c.len_utf8(), c.len_utf8() - 1),
        };
        rest = &rest[length..];
        (count, before) = (count + tokens, first);
    }
    count
}

/// How long the beginning is that has such characters alone, all of them ASCII, and its tokens of so many each.
fn run(text: &str, each: usize, is: impl Fn(char) -> bool) -> (usize, usize) {
    let length = text.find(|c| !is(c)).unwrap_or(text.len());
    (length, length.div_ceil(each))
}

/// A word, or a part of an identifier: `parse`, `Date`, `HTTP`.
fn word(text: &str, is_behind_digits: bool) -> (usize, usize) {
    let (capitals, _) = run(text, 1, |c| c.is_ascii_uppercase());
    let (small, _) = run(&text[capitals..], 1, |c| c.is_ascii_lowercase());
    let all = capitals + small;
    let is_odd = is_behind_digits || text[all..].starts_with(|c: char| c.is_ascii_digit());
    let tokens = match capitals {
        _ if is_odd => all.div_ceil(LETTERS_ODD),
        0 | 1 => all.div_ceil(LETTERS),
        _ => capitals.div_ceil(LETTERS_ODD) + small.div_ceil(LETTERS),
    };
    (all, tokens)
}

/// Blanks are one token, those of another kind one more, but for the last, which is part of the word or mark that it
/// stands in front of. In front of a number it is a token of its own, and a tab mostly is.
fn blanks(text: &str) -> (usize, usize) {
    let (length, _) = run(text, 1, |c| c == ' ' || c == '\t');
    let (before, last) = text[..length].split_at(length - 1);
    let kinds = [' ', '\t'].into_iter().filter(|kind| before.contains(*kind)).count();
    let joins = last == " " && text[length..].starts_with(|c: char| !c.is_ascii_digit() && c != '\n');
    (length, kinds + usize::from(!joins))
}

/// Marks, with the ends of lines behind them.
fn marks(text: &str) -> (usize, usize) {
    let (marks, _) = run(text, 1, |c| c.is_ascii() && !c.is_ascii_alphanumeric() && !" \t\n".contains(c));
    let (ends, _) = run(&text[marks..], 1, |c| c == '\n');
    (marks + ends, (marks + ends).div_ceil(MARKS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts with the tokens that they have by o200k.
    const MEASURED: [(&str, usize); 17] = [
        ("", 0),
        ("a", 1),
        ("The quick brown fox jumps over the lazy dog.\n", 10),
        ("12\t    pub fn claim(&self, job: JobId) -> Result<Option<Claim>, StoreError> {\n", 23),
        ("40\t        return self._parse_http_date(value) or datetime.now(timezone.utc)\n", 17),
        ("7\tconst { isNumeric, toFixedNumber } = require(\"./utils/numbers\");\n", 17),
        ("9\tif (node.parent.type === \"ArrowFunctionExpression\" && !options.allowImplicit) {\n", 19),
        ("3\t#define MAX_RETRIES_PER_REQUEST 16\n", 11),
        ("61\t    0xbf8acb18de8f38d1, 0x66dae58801672606, 0x833b6017872317fb,\n", 37),
        ("5\tMIIDXTCCAkWgAwIBAgIJAJC1HiIAZAiIMA0GCSqGSIb3DQEBBQUAMEUxCzAJBgNV\n", 41),
        ("90\t0,0,0,0,252,0,0,0,0,0,255,255,255,127,0,0,0,0,1,\n", 40),
        ("2\t# Größe und Maß: überprüft die Länge der Zeichenkette\n", 16),
        ("2\t// 文字列の長さを確認する\n", 13),
        ("8\tMATCH = re.compile(r\"^\\s*(?:[-+]?\\d+(?:\\.\\d*)?|\\.\\d+)(?:[eE][-+]?\\d+)?$\")\n", 39),
        ("1. src/queue.rs:40-58 Queue::claim +2 copies\n", 17),
        ("\n\n\n", 1),
        ("a, b, c = 1, 22, 333\n", 15),
    ];

    #[test]
    fn a_text_counts_as_no_fewer_tokens_than_it_has_and_as_twice_as_many_at_the_most() {
        for (text, measured) in MEASURED {
            let counted = tokens(text);
            assert!((measured..=2 * measured).contains(&counted), "{counted}, but {measured}: {text:?}");
        }
        let (counted, measured) = MEASURED
            .iter()
            .fold((0, 0), |(counted, measured), (text, tokens_of)| (counted + tokens(text), measured + tokens_of));
        assert!(counted * 10 < measured * 13, "{counted}, but {measured}");
    }

    proptest! {
        #[test]
        fn lines_count_by_themselves_as_much_as_together_or_more(lines in prop::collection::vec("\\PC{0,40}", 0..9)) {
            let lines: Vec<_> = lines.into_iter().map(|line| line + "\n").collect();
            let apart: usize = lines.iter().map(|line| tokens(line)).sum();
            let together = tokens(&lines.concat());
            prop_assert!(together <= apart && apart <= together + lines.len(), "{together} and {apart}");
        }

        #[test]
        fn there_are_no_more_tokens_than_bytes_and_a_longer_text_has_no_fewer(
            text in "[a-zA-Z0-9_ \t\n(){};:ä検👩]{0,60}",
        ) {
            let mut before = 0;
            for (end, _) in text.char_indices().chain([(text.len(), ' ')]) {
                let counted = tokens(&text[..end]);
                prop_assert!(counted <= end && counted + 1 >= before, "{counted} after {before} of {:?}", &text[..end]);
                before = counted;
            }
        }
    }
}
