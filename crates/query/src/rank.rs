//! The order of answers: which chunks are looked at, what speaks for each, and what comes of it.
//!
//! ```text
//! question ─▶ words, names, paths ─┐
//!                                  ├─▶ candidates ─▶ evidence of each ─▶ signals ─▶ one order over all repositories
//! vector ──────────────────────────┘
//! ```

mod bm25;
mod candidates;
mod class;
mod corpus;
mod question;
mod signals;

use std::cmp::Ordering;
use std::collections::HashMap;

use serde::Serialize;
use warmer_content::TextKey;

use crate::segment::Probe;
use bm25::WordScores;
use candidates::Candidates;
use class::Class;
pub use class::Sides;
pub(crate) use corpus::{Corpus, Place};
pub(crate) use question::{Question, tells};
use signals::Evidence;
pub use signals::Signals;

/// What speaks for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A name of the question is defined there.
    Definition,
    /// The file is called like the question.
    #[serde(rename = "file name")]
    FileName,
    /// The model holds the text to be near to the question.
    Meaning,
    /// Words of the question stand there.
    Words,
}

/// A text that answers, at the best of its places.
#[derive(Clone, Debug)]
pub(crate) struct Ranked {
    pub(crate) place: Place,
    /// What puts the list in order.
    pub(crate) score: f32,
    /// What all that speaks for it counts: less than 1 where it is put behind.
    pub(crate) behind: f32,
    /// The cosine to the question, where both have a vector.
    pub(crate) similarity: Option<f32>,
    /// In the order of their names.
    pub(crate) reasons: Vec<Reason>,
    /// Where else just this text is, by repository and path.
    pub(crate) copies: Vec<Place>,
}

/// Puts the chunks that may be answers in order, the best first. `limit` is how many different texts each way to find
/// them brings in.
pub(crate) fn rank(
    corpus: &Corpus<'_>,
    question: &Question,
    probe: Option<&Probe>,
    signals: &Signals,
    limit: usize,
) -> Vec<Ranked> {
    let probe = probe.filter(|_| signals.meaning);
    let (words, nearest) = candidates::look(corpus, question, probe, limit);
    let candidates = candidates::gather(corpus, question, &words, nearest, limit);
    let mut all = judged(corpus, question, probe, &words, &candidates, signals);
    add_company(corpus, &mut all, signals);
    one_place_each(corpus, all)
}

/// All candidates, each for itself.
fn judged(
    corpus: &Corpus<'_>,
    question: &Question,
    probe: Option<&Probe>,
    words: &WordScores,
    candidates: &Candidates,
    signals: &Signals,
) -> Vec<Ranked> {
    let cosine = |place: &Place| probe?.cosine(corpus.part(*place).segment.vector(place.chunk)?);
    let cosines: Vec<_> = candidates.places.iter().map(cosine).collect();
    let nearest = cosines.iter().flatten().fold(candidates.far, |nearest, cosine| nearest.max(*cosine));
    let mut classes = HashMap::new();
    let mut names = FileNames { question, telling: &words.telling, known: HashMap::new() };
    let judge = |(place, cosine): (&Place, Option<f32>)| {
        let part = corpus.part(*place);
        let file_number = part.segment.file_of(place.chunk);
        let file = part.segment.file(file_number);
        let mut class =
            *classes.entry((place.part, file_number)).or_insert_with(|| Class::of(file.path, file.language));
        let found = part.segment.chunk(place.chunk);
        // What stands in a file's module of tests is a test, wherever the file lies.
        class.is_test |= found.symbol.is_some_and(is_in_tests);
        let evidence = Evidence {
            words: words.get(*place),
            meaning: cosine.map_or(0.0, |cosine| between(candidates.far, cosine, nearest)),
            defined: candidates.defined.get(place).copied().unwrap_or_default(),
            file_name: names.share((place.part, file_number), file.path),
            is_named: candidates::is_named(question, file.path),
            class,
        };
        let score = signals::worth(&evidence, question, signals);
        let behind = signals::behind(class, question, signals);
        let near = candidates.near.contains(&found.key);
        let reasons = reasons(&evidence, near);
        Ranked { place: *place, score, behind, similarity: cosine, reasons, copies: vec![] }
    };
    candidates.places.iter().zip(cosines).map(judge).collect()
}

/// Where it stands between the least, which is 0, and the most, which is 1.
fn between(least: f32, it: f32, most: f32) -> f32 {
    if it >= most { 1.0 } else { ((it - least) / (most - least)).max(0.0) }
}

fn is_in_tests(symbol: &str) -> bool {
    symbol.split("::").any(|part| part == "tests" || part == "test")
}

fn reasons(evidence: &Evidence, near: bool) -> Vec<Reason> {
    let all = [
        (Reason::Definition, evidence.defined > 0.0),
        (Reason::FileName, evidence.file_name > 0.0 || evidence.is_named),
        (Reason::Meaning, near),
        (Reason::Words, evidence.words > 0.0),
    ];
    all.into_iter().filter_map(|(reason, speaks)| speaks.then_some(reason)).collect()
}

/// How much of the question the names of files say: of its words those that are in the name, by how much they tell.
struct FileNames<'a> {
    question: &'a Question,
    telling: &'a [f32],
    known: HashMap<(u32, u32), f32>,
}

impl FileNames<'_> {
    fn share(&mut self, file: (u32, u32), path: &str) -> f32 {
        if let Some(known) = self.known.get(&file) {
            return *known;
        }
        let name = class::name_words(path);
        let all: f32 = self.telling.iter().sum();
        let words = self.question.words.iter().zip(self.telling);
        let said: f32 =
            words.filter(|(word, _)| name.iter().any(|part| is_said(word, part))).map(|(_, tells)| tells).sum();
        let share = if all > 0.0 { said / all } else { 0.0 };
        self.known.insert(file, share);
        share
    }
}

/// Endings that make one word of another and keep what it is about, in the form that words are indexed in: `parse` and
/// `parser`, `validate` and `validation`. Plurals, `ing` and `ed` are none of a word any more.
const ENDINGS: &[&str] = &[
    "er", "or", "ion", "ation", "ator", "ment", "al", "abl", "ibl", "iv", "iti", "ness", "ist", "iz", "ent", "ant",
    "enc", "anc",
];

/// People call a file by another form of a word (`parser.rs`), or shorten it (`auth.rs`, `config.py`). Of less than
/// four letters a word is the beginning of another by chance, and nobody leaves fewer away: `comma` is not short for
/// `command`.
fn is_said(word: &str, part: &str) -> bool {
    const LETTERS_MIN: usize = 4;
    let (short, long) = if word.len() < part.len() { (word, part) } else { (part, word) };
    let is_form = |rest: &str| ENDINGS.contains(&rest) || rest.len() >= LETTERS_MIN;
    word == part || (short.len() >= LETTERS_MIN && long.strip_prefix(short).is_some_and(is_form))
}

/// Adds to the best chunk of each file what the others say for it.
fn add_company(corpus: &Corpus<'_>, all: &mut [Ranked], signals: &Signals) {
    let file = |place: Place| (place.part, corpus.part(place).segment.file_of(place.chunk));
    let mut files: HashMap<(u32, u32), (f32, usize)> = HashMap::new();
    for (index, ranked) in all.iter().enumerate() {
        let (sum, best) = files.entry(file(ranked.place)).or_insert((0.0, index));
        *sum += ranked.score;
        if ranked.score > all[*best].score {
            *best = index;
        }
    }
    let most = files.values().fold(0.0_f32, |most, (sum, _)| most.max(*sum));
    for (sum, best) in files.into_values() {
        all[best].score += signals::company(sum, most, signals);
    }
}

/// Of each text the best of its places, the best text first.
fn one_place_each(corpus: &Corpus<'_>, mut all: Vec<Ranked>) -> Vec<Ranked> {
    all.sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| by_place(corpus, one.place, other.place)));
    let mut texts: HashMap<TextKey, usize> = HashMap::new();
    let mut kept: Vec<Ranked> = vec![];
    for ranked in all {
        match texts.entry(candidates::key(corpus, ranked.place)) {
            std::collections::hash_map::Entry::Occupied(known) => kept[*known.get()].copies.push(ranked.place),
            std::collections::hash_map::Entry::Vacant(new) => {
                new.insert(kept.len());
                kept.push(ranked);
            }
        }
    }
    for ranked in &mut kept {
        ranked.copies.sort_by(|one, other| by_place(corpus, *one, *other));
    }
    kept
}

/// By repository, path and position: the same whatever segments the repositories have.
fn by_place(corpus: &Corpus<'_>, one: Place, other: Place) -> Ordering {
    let key = |place: Place| {
        let part = corpus.part(place);
        let chunk = part.segment.chunk(place.chunk);
        (part.repository, part.segment.path(chunk.file), chunk.number)
    };
    key(one).cmp(&key(other))
}

#[cfg(test)]
mod tests;
