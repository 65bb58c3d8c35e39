//! What a question is: its words, the names and paths in it, and what it asks for.

use std::sync::LazyLock;

use warmer_content::Language;

use super::class::Sides;
use crate::words::{all_words, words};

/// More words of a question than these do not count, nor more names or paths: whoever pastes a log is asked about its
/// beginning.
const WORDS_MAX: usize = 64;
/// Longer questions of plain words are not taken for a name that was written apart.
const NAME_WORDS_MAX: usize = 4;

/// Words of English that say nothing of what is asked for (those that Lucene leaves out, and those that make a
/// question), in the form that they are indexed in.
static STOP_WORDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    all_words(
        "a an and are as at be but by for if in into is it no not of on or such that the their then there these they \
         this to was will with how what where which who why when does do did can could should would from its i me my \
         we you find show all any some",
    )
});

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Question {
    /// Its words as they are indexed, each once.
    pub(super) words: Vec<String>,
    /// What it calls by name.
    pub(super) names: Vec<Name>,
    /// Ends of paths that it has, in lower case.
    pub(super) paths: Vec<String>,
    pub(super) asks: Asks,
    /// Whether it has a vector.
    pub(super) has_meaning: bool,
}

/// A name that may be defined somewhere.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Name {
    /// In lower case, without what qualifies it.
    pub(super) name: String,
    /// The last part of that, in lower case.
    pub(super) owner: Option<String>,
    /// How sure it is that this name was meant: 1 where it was written just so and nothing else was.
    pub(super) share: f32,
    /// How much of that a definition keeps that belongs to something else than the owner: half, for `jobs.claim` names
    /// a variable; a quarter where the owner is written like a type.
    pub(super) elsewhere: f32,
}

/// What is asked for although it stands behind the code otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asks {
    pub(crate) prose: bool,
    pub(crate) tests: bool,
    pub(crate) examples: bool,
    pub(crate) outdated: bool,
}

impl Question {
    /// Reads it. Who asks by `sides` asks for what stands there.
    pub(crate) fn of(text: &str, has_meaning: bool, sides: Sides) -> Self {
        let mut words = question_words(text);
        let tokens = text.split_whitespace().map(bare).filter(|token| !token.is_empty());
        let tokens: Vec<_> = tokens.take(WORDS_MAX).collect();
        if let ([], [token]) = (&words[..], &tokens[..])
            && token.starts_with(char::is_uppercase)
        {
            // `Any` is the name of something, though `any` says nothing.
            words = all_words(token);
        }
        let names = names(&tokens);
        let paths: Vec<_> = tokens.iter().filter_map(|token| path(token)).collect();
        let has = |any: &str| all_words(any).iter().any(|word| words.contains(word));
        let asks = Asks {
            prose: sides.docs || has(DOCUMENTS),
            tests: sides.tests || has("test tests tested testing spec fixture mock bench benchmark"),
            examples: sides.tests || has("example examples sample demo tutorial"),
            outdated: has("legacy deprecated compat compatibility polyfill vendor vendored generated"),
        };
        Self { words, names, paths, asks, has_meaning }
    }
}

/// What documents are called, and what is looked up in them.
const DOCUMENTS: &str =
    "doc docs documentation readme changelog guide manual license tutorial install installation usage";

/// What is said around a name by who asks for its definition.
const ABOUT_NAMES: &str = "where is are the a an of definition defined declaration declared implementation implemented \
                           class struct enum trait interface fn func function def method type macro constant const \
                           constructor";

/// Whether a question says what it asks for: white space does not, nor do words that stand in any sentence.
pub(crate) fn tells(text: &str) -> bool {
    !Question::of(text, false, Sides::default()).words.is_empty()
}

/// Its words, each once, without those that say nothing.
fn question_words(text: &str) -> Vec<String> {
    let mut all: Vec<String> = vec![];
    words(text, &mut |word| {
        // Twice as many, for half of a sentence says nothing.
        if all.len() < 2 * WORDS_MAX && !all.iter().any(|known| known == word) {
            all.push(word.to_owned());
        }
    });
    all.retain(|word| !STOP_WORDS.contains(word));
    all.truncate(WORDS_MAX);
    all
}

/// A token without what encloses it in a sentence, without a call's parentheses, and without line numbers.
fn bare(token: &str) -> &str {
    let token = token.trim_matches(['`', '"', '\'', ',', ';', '?', '!', '<', '>', '*', '(', '[', '{', '}', ']', ')']);
    let token = token.trim_end_matches(['.', ':', '(']);
    match token.rsplit_once(':') {
        Some((path, lines)) if lines.starts_with(|c: char| c.is_ascii_digit()) && !path.ends_with(':') => path,
        _ => token,
    }
}

/// The names in a question.
fn names(tokens: &[&str]) -> Vec<Name> {
    let telling: Vec<_> =
        tokens.iter().copied().filter(|token| ABOUT_NAMES.split(' ').all(|word| word != *token)).collect();
    if let [token] = telling[..]
        && !is_file(token)
        && let Some((name, owner)) = identifier(token)
    {
        // A single plain word may be a topic as well (`cache`), and half of what a name counts.
        let share = if is_written_as_name(token) || token.starts_with(char::is_uppercase) { 1.0 } else { 0.5 };
        return spellings(&parts(name), name, owner, share);
    }
    let mut all = vec![];
    for (token, is_first) in tokens.iter().zip((0..).map(|index| index == 0)).filter(|(token, _)| !is_file(token)) {
        let share = match is_written_as_name(token) {
            // Inside a sentence a name is more often mentioned (what implements it, who calls it) than asked for.
            true => 0.25,
            // `Queue` may be a type, or one of the words that are written so anyhow.
            false if is_capitalised(token) && !is_first => 0.125,
            false => continue,
        };
        if let Some((name, owner)) = identifier(token) {
            all.extend(spellings(&parts(name), name, owner, share));
        }
    }
    if all.is_empty() && (2..=NAME_WORDS_MAX).contains(&tokens.len()) && tokens.iter().all(|token| is_plain(token)) {
        let words: Vec<_> = tokens.iter().map(|token| token.to_lowercase()).collect();
        all.extend(spellings(&words, &words.concat(), None, 0.5));
    }
    all
}

fn is_capitalised(token: &str) -> bool {
    let mut letters = token.chars();
    letters.next().is_some_and(char::is_uppercase) && letters.next().is_some_and(char::is_lowercase)
}

/// `lib/utils.js` is no `js` of `utils`.
fn is_file(token: &str) -> bool {
    token.contains('/') || (token.contains('.') && Language::by_file_name(token).is_some())
}

fn is_plain(token: &str) -> bool {
    token.chars().all(char::is_alphabetic)
}

/// The last part of a qualified name, and the one before it; `None` where it is no name.
fn identifier(token: &str) -> Option<(&str, Option<&str>)> {
    let mut parts = token.rsplit(['.', ':', '#', '\\', '/', '>']).map(|part| part.trim_end_matches('-'));
    let name = parts.next()?;
    let is_name =
        |part: &str| part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-' || c == '$') && !part.is_empty();
    let starts_like_one = !name.starts_with(|c: char| c.is_numeric());
    (is_name(name) && starts_like_one).then(|| (name, parts.find(|part| is_name(part))))
}

/// Whether a word inside a sentence looks like code: it is qualified, or has a separator or an upper-case letter in
/// its middle.
fn is_written_as_name(token: &str) -> bool {
    let middle = token.trim_matches('_');
    let qualified = ["::", "->", "#", "\\"].iter().any(|separator| token.contains(separator));
    let dotted = token.split('.').count() > 1 && token.split('.').all(|part| part.len() > 1);
    let camel = middle.chars().zip(middle.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    qualified || dotted || camel || middle.contains('_') || middle.len() < token.len()
}

/// The parts of an identifier in lower case, whole words.
fn parts(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = vec![];
    let mut before = '_';
    for character in name.chars() {
        let begins = before == '_' || before == '-' || (before.is_lowercase() && character.is_uppercase());
        if begins || parts.is_empty() {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut().filter(|_| character.is_alphanumeric()) {
            part.extend(character.to_lowercase());
        }
        before = character;
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The name as it was written, and half as sure the same in the ways of other languages.
fn spellings(parts: &[String], written: &str, owner: Option<&str>, share: f32) -> Vec<Name> {
    let elsewhere = if owner.is_some_and(|owner| owner.starts_with(char::is_uppercase)) { 0.25 } else { 0.5 };
    let owner = owner.map(str::to_lowercase);
    let mut all = vec![Name { name: written.to_lowercase(), owner: owner.clone(), share, elsewhere }];
    for name in [parts.concat(), parts.join("_"), parts.join("-")] {
        if all.iter().all(|known| known.name != name) {
            all.push(Name { name, owner: owner.clone(), share: share / 2.0, elsewhere });
        }
    }
    all
}

/// A token that may be the end of a path: it has a slash or an extension, or some language calls its files so
/// (`Makefile`).
fn path(token: &str) -> Option<String> {
    let path = token.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
    let looks_like_one = path.contains('/') || path.contains('.') || Language::by_file_name(path).is_some();
    (looks_like_one && !path.contains("::")).then(|| path.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(text: &str) -> Question {
        Question::of(text, false, Sides::default())
    }

    fn names_of(text: &str) -> Vec<(String, f32)> {
        question(text).names.into_iter().map(|name| (name.name, name.share)).collect()
    }

    #[test]
    fn what_says_nothing_is_left_out_of_a_question_unless_it_is_the_name_that_is_asked_for() {
        assert_eq!(question("How is the retry delay computed?").words, ["retri", "delay", "comput"]);
        for (text, words) in
            [("where is it", &[][..]), ("find", &[]), (" \t\n ", &[]), ("-> ?", &[]), ("Any", &["ani"])]
        {
            assert_eq!(question(text).words, words, "{text:?}");
            assert_eq!(tells(text), !words.is_empty(), "{text:?}");
        }
        assert_eq!(question("retry Retry retries").words, ["retri"]);
    }

    #[test]
    fn of_a_question_without_end_the_beginning_counts() {
        let log: String = (0..20_000).map(|number| format!("aLine{number} a_b.rs ")).collect();
        let asked = question(&log);
        assert!(asked.words.len() == WORDS_MAX && asked.paths.len() <= WORDS_MAX, "{}", asked.paths.len());
        assert!(asked.names.len() <= 3 * WORDS_MAX, "{}", asked.names.len());
    }

    #[test]
    fn one_name_is_a_question_for_its_definition() {
        for (text, name, owner, share) in [
            ("Queue::claim", "claim", Some("queue"), 1.0),
            ("`parse_date()`", "parse_date", None, 1.0),
            ("os.path.join", "join", Some("path"), 1.0),
            ("$this->load", "load", Some("$this"), 1.0),
            ("Blueprint", "blueprint", None, 1.0),
            ("cache", "cache", None, 0.5),
            ("where is QuerySession defined?", "querysession", None, 1.0),
            ("struct Queue", "queue", None, 1.0),
        ] {
            let asked = question(text);
            let elsewhere = if text.starts_with("Queue") { 0.25 } else { 0.5 };
            let first = Name { name: name.to_owned(), owner: owner.map(str::to_owned), share, elsewhere };
            assert_eq!(asked.names.first(), Some(&first), "{text}");
        }
    }

    #[test]
    fn a_name_is_looked_for_in_the_spellings_of_other_languages_too() {
        let spelled =
            |all: &[(&str, f32)]| all.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect::<Vec<_>>();
        let expected = spelled(&[("parsedate", 1.0), ("parse_date", 0.5), ("parse-date", 0.5)]);
        assert_eq!(names_of("parseDate"), expected);
        let expected = spelled(&[("retrypolicy", 0.5), ("retry_policy", 0.25), ("retry-policy", 0.25)]);
        assert_eq!(names_of("retry policy"), expected);
        assert_eq!(names_of("what opens the Queue")[0], ("queue".to_owned(), 0.125));
        assert_eq!(names_of("what opens a QuerySession first")[0], ("querysession".to_owned(), 0.25));
        assert_eq!(names_of("how is the retry delay computed"), []);
    }

    #[test]
    fn a_path_is_known_by_its_separators() {
        let asked = question("./src/queue.rs:12-30");
        assert_eq!(asked.paths, ["src/queue.rs"]);
        assert_eq!(question("where does lib/utils.js set it").paths, ["lib/utils.js"]);
        assert_eq!(question("what does the Makefile build").paths, ["makefile"]);
        assert_eq!(question("how is a makefile made from Rust").paths, ["makefile"]);
        assert_eq!(question("Queue::claim").paths, Vec::<String>::new());
    }

    #[test]
    fn a_question_may_ask_for_what_is_put_behind() {
        assert!(question("tests of the retry delay").asks.tests);
        assert!(question("documentation of retries").asks.prose);
        assert_eq!(question("retry delay").asks, Asks::default());
    }
}
