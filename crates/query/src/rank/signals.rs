//! The signals that put the answers in order, all of them.
//!
//! ```text
//! score = ( (words + meaning) / 2 + definition + file name ) x prose x aside + company
//! ```
//!
//! None of these numbers was fitted to anybody's labels. Each has a place where it comes from: the literature, or
//! symmetry (as much as, twice, half, a quarter).

use super::class::Class;
use super::question::Question;

/// How soon further occurrences of a word count for little (Robertson and Zaragoza, "The Probabilistic Relevance
/// Framework", 2009: 1.2 to 2).
pub(super) const SATURATION: f32 = 1.2;
/// How much a long text is held to be long-winded (there: 0.75 where nothing is known of the texts).
pub(super) const LENGTH: f32 = 0.75;
/// What a word counts in text, header, symbol and path: twice in the two that someone chose as a name.
pub(super) const FIELD_WEIGHTS: [f32; 4] = [1.0, 1.0, 2.0, 2.0];
/// A name decides, whatever the words and the meaning of other texts: twice what a text gets that has all words of the
/// question and is the nearest of all.
const DEFINED: f32 = 2.0;
/// As much as such a text gets.
const FILE_NAME: f32 = 1.0;
/// A tie-breaker among files, not more.
const COMPANY: f32 = 0.25;
/// What is put behind counts half.
const HALF: f32 = 0.5;

/// Which signals count: all of them, unless somebody studies what one is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signals {
    /// The question's words stand in text, header, symbol or path.
    pub words: bool,
    /// The text is near by the model.
    pub meaning: bool,
    /// A name of the question is defined here.
    pub definition: bool,
    /// The file is called like the question.
    pub file_name: bool,
    /// The file has other good chunks.
    pub company: bool,
    /// Documents and data stand behind code.
    pub prose: bool,
    /// Tests, examples, generated and outdated code stand behind the code itself.
    pub aside: bool,
}

impl Signals {
    /// All of them.
    pub const ALL: Self =
        Self { words: true, meaning: true, definition: true, file_name: true, company: true, prose: true, aside: true };
}

impl Default for Signals {
    fn default() -> Self {
        Self::ALL
    }
}

/// What is known of a chunk beside the question.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Evidence {
    /// BM25 over all fields: 1 is what an ordinary chunk gets that has each word of the question once in its text, and
    /// `SATURATION + 1` the most there can be.
    pub(super) words: f32,
    /// Where the cosine stands between that of the last text that meaning brings in, which is 0, and that of the
    /// nearest, which is 1; 0 where the chunk has no vector.
    pub(super) meaning: f32,
    /// How much of a name that was asked for is defined here: 0 to 1.
    pub(super) defined: f32,
    /// How much of the question the file's name says: 0 to 1.
    pub(super) file_name: f32,
    /// The question has the file's path, or the end of it.
    pub(super) is_named: bool,
    /// What kind of file it is in.
    pub(super) class: Class,
}

/// Words and meaning, as much of each. Not ranks: how far the second is behind the first says something, and a convex
/// combination of scores is as good as reciprocal ranks or better (Bruch et al., "An Analysis of Fusion Functions for
/// Hybrid Retrieval", 2022). Both are brought to one scale first. Words have a zero of their own, and a whole, all that
/// the question says: where one word of five stands they count a fifth, though no other text had any. Cosines have
/// neither. Those of a question and the code that is about it lie between 0.4 and 0.6, and so do those of much that is
/// not: only the differences among the nearest say something.
fn likeness(evidence: &Evidence, question: &Question, signals: &Signals) -> f32 {
    let words = signals.words.then_some(evidence.words);
    let meaning = (signals.meaning && question.has_meaning).then_some(evidence.meaning);
    match (words, meaning) {
        (Some(words), Some(meaning)) => (words + meaning) / 2.0,
        (one, other) => one.or(other).unwrap_or_default(),
    }
}

/// Whoever asks for a name wants to see it defined, above its methods, its uses and its tests.
fn definition(evidence: &Evidence, signals: &Signals) -> f32 {
    if signals.definition { DEFINED * evidence.defined } else { 0.0 }
}

/// People call a file by what it does. A path in the question is the name of just that file.
fn file_name(evidence: &Evidence, signals: &Signals) -> f32 {
    match evidence.is_named {
        _ if !signals.file_name => 0.0,
        true => DEFINED,
        false => FILE_NAME * evidence.file_name,
    }
}

/// Who explains how something is done is read by more people than who does it, and says its words more often; the
/// question is mostly about the code.
fn prose(class: Class, question: &Question, signals: &Signals) -> f32 {
    if signals.prose && class.is_prose && !question.asks.prose { HALF } else { 1.0 }
}

/// Tests and examples use the words of what they test, copies and generated code repeat them, and stubs declare them.
fn aside(class: Class, question: &Question, signals: &Signals) -> f32 {
    let behind = [
        class.is_test && !question.asks.tests,
        class.is_example && !question.asks.examples,
        class.is_outdated && !question.asks.outdated,
        class.is_stub,
    ];
    let times = behind.into_iter().filter(|is_behind| *is_behind && signals.aside).count();
    (0..times).map(|_| HALF).product()
}

/// What all that speaks for a text in such a file counts.
pub(super) fn behind(class: Class, question: &Question, signals: &Signals) -> f32 {
    prose(class, question, signals) * aside(class, question, signals)
}

/// What a chunk is worth on its own, before what the rest of its file adds.
pub(super) fn worth(evidence: &Evidence, question: &Question, signals: &Signals) -> f32 {
    let sum = likeness(evidence, question, signals) + definition(evidence, signals) + file_name(evidence, signals);
    sum * behind(evidence.class, question, signals)
}

/// Where several chunks are good the file is about it. `of_file` and `of_best` are sums of what chunks are worth: of
/// this file's and of the file with the largest sum. For the best chunk of a file.
pub(super) fn company(of_file: f32, of_best: f32, signals: &Signals) -> f32 {
    if signals.company && of_best > 0.0 { COMPANY * of_file / of_best } else { 0.0 }
}
