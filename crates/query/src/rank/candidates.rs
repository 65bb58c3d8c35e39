//! Which chunks are looked at more closely: the best by words, the nearest by meaning, and those that define a name of
//! the question, out of all that is served; and other places of the same texts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::panic::resume_unwind;
use std::thread;

use warmer_content::TextKey;

use super::bm25::WordScores;
use super::corpus::{Corpus, Place};
use super::question::Question;
use crate::segment::{Probe, Segment};

/// The candidates, each once, and what was found out on the way.
pub(super) struct Candidates {
    pub(super) places: BTreeSet<Place>,
    /// How much of a name is defined there.
    pub(super) defined: HashMap<Place, f32>,
    /// Those that meaning brought in.
    pub(super) near: HashSet<TextKey>,
    /// The cosine that counts nothing: that of the last of these; where there were not as many texts as were asked for,
    /// nothing is farther away than these, and it is 0, that of what has nothing in common.
    pub(super) far: f32,
}

/// What is nearest by meaning.
#[derive(Default)]
pub(super) struct Nearest {
    places: Vec<Place>,
    /// As [`Candidates::far`].
    far: f32,
}

/// What the question's words are worth in each chunk, and which chunks are nearest by meaning. Each looks at all there
/// are, so they do it at once: of 100,000 chunks it takes some 5 ms.
pub(super) fn look(
    corpus: &Corpus<'_>,
    question: &Question,
    probe: Option<&Probe>,
    limit: usize,
) -> (WordScores, Nearest) {
    let words = || WordScores::of(corpus, &question.words);
    let Some(probe) = probe else { return (words(), Nearest::default()) };
    both(thread::Builder::new().name("nearest".to_owned()), words, || nearest(corpus, probe, limit))
}

/// Does both at once, the other on a thread of its own; one after the other where no thread is to be had.
fn both<A, B: Send>(thread: thread::Builder, one: impl FnOnce() -> A, other: impl Fn() -> B + Sync) -> (A, B) {
    thread::scope(|scope| {
        let begun = thread.spawn_scoped(scope, &other);
        let one = one();
        let other = match begun {
            Ok(begun) => begun.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(_) => other(),
        };
        (one, other)
    })
}

/// At most `limit` different texts for each reason.
pub(super) fn gather(
    corpus: &Corpus<'_>,
    question: &Question,
    words: &WordScores,
    Nearest { places: by_meaning, far }: Nearest,
    limit: usize,
) -> Candidates {
    let by_words = by_words(corpus, words, limit);
    let defined = defining(corpus, question);
    let near = by_meaning.iter().map(|place| key(corpus, *place)).collect();
    let mut best_defined = Best::new(limit);
    for (place, share) in &defined {
        best_defined.offer(share + words.get(*place), *place, || key(corpus, *place));
    }
    let found = by_words.into_iter().chain(by_meaning).chain(best_defined.places());
    let mut places: BTreeSet<_> = found.chain(of_paths(corpus, question)).collect();
    places.extend(copies(corpus, &places));
    Candidates { places, defined, near, far }
}

pub(super) fn key(corpus: &Corpus<'_>, place: Place) -> TextKey {
    corpus.part(place).segment.key(place.chunk)
}

fn by_words(corpus: &Corpus<'_>, words: &WordScores, limit: usize) -> Vec<Place> {
    let mut best = Best::new(limit);
    for (number, part) in corpus.numbered() {
        for chunk in part.wanted() {
            let place = Place { part: number, chunk };
            let score = words.get(place);
            if score > 0.0 {
                best.offer(score, place, || part.segment.key(chunk));
            }
        }
    }
    best.places().collect()
}

fn nearest(corpus: &Corpus<'_>, probe: &Probe, limit: usize) -> Nearest {
    let mut best = Best::new(limit);
    for (number, part) in corpus.numbered() {
        let mut asked = limit;
        loop {
            let near = part.segment.nearest(probe, asked, &mut |file| part.wants(file));
            let texts: HashSet<_> = near.iter().map(|(chunk, _)| part.segment.key(*chunk)).collect();
            // Where one text fills the list, a licence say, there are others behind it.
            if near.len() < asked || 2 * texts.len() >= limit {
                for (chunk, cosine) in near {
                    best.offer(cosine + 1.0, Place { part: number, chunk }, || part.segment.key(chunk));
                }
                break;
            }
            asked *= 4;
        }
    }
    let far = best.last().map_or(0.0, |last| (last - 1.0).max(0.0));
    Nearest { places: best.places().collect(), far }
}

/// Chunks that define a name of the question: how much of it.
fn defining(corpus: &Corpus<'_>, question: &Question) -> HashMap<Place, f32> {
    let mut all = HashMap::new();
    for name in &question.names {
        for (number, part) in corpus.numbered() {
            let defining = part.segment.defining(&name.name).into_iter().flatten();
            for (chunk, _) in defining.filter(|(chunk, _)| part.wants(part.segment.file_of(*chunk))) {
                let is_owned = name.owner.as_ref().is_none_or(|owner| is_of(part.segment, chunk, owner));
                let share = if is_owned { name.share } else { name.share * name.elsewhere };
                let known: &mut f32 = all.entry(Place { part: number, chunk }).or_default();
                *known = known.max(share);
            }
        }
    }
    all
}

/// Whether a chunk's symbol or path has a part of this name.
fn is_of(segment: &Segment, chunk: u32, owner: &str) -> bool {
    let found = segment.chunk(chunk);
    let has =
        |text: &str| text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|part| part.to_lowercase() == owner);
    found.symbol.is_some_and(has) || has(segment.path(found.file))
}

/// The chunks of files whose path ends as the question says.
fn of_paths(corpus: &Corpus<'_>, question: &Question) -> Vec<Place> {
    let mut all = vec![];
    if question.paths.is_empty() {
        return all;
    }
    for (number, part) in corpus.numbered() {
        for file in (0..part.segment.file_count()).filter(|file| part.wants(*file)) {
            if is_named(question, part.segment.path(file)) {
                all.extend(part.segment.chunks_of(file).map(|chunk| Place { part: number, chunk }));
            }
        }
    }
    all
}

/// Whether a path is one that the question names, or its end from a `/` on.
pub(super) fn is_named(question: &Question, path: &str) -> bool {
    let path = path.as_bytes();
    question.paths.iter().any(|end| {
        let Some((rest, last)) = path.len().checked_sub(end.len()).map(|at| path.split_at(at)) else { return false };
        last.eq_ignore_ascii_case(end.as_bytes()) && rest.last().is_none_or(|before| *before == b'/')
    })
}

/// All other places of the texts that were found: which of them is shown is decided by their paths.
fn copies(corpus: &Corpus<'_>, found: &BTreeSet<Place>) -> Vec<Place> {
    let keys: HashSet<_> = found.iter().map(|place| key(corpus, *place)).collect();
    // Most chunks are told apart by two bytes of their digest.
    let mut known = vec![false; 1 << 16];
    let short = |key: &TextKey| usize::from(u16::from_le_bytes([key.0.0[0], key.0.0[1]]));
    keys.iter().for_each(|key| known[short(key)] = true);
    let mut all = vec![];
    for (number, part) in corpus.numbered() {
        for chunk in part.wanted() {
            let key = part.segment.key(chunk);
            if known[short(&key)] && keys.contains(&key) {
                all.push(Place { part: number, chunk });
            }
        }
    }
    all
}

/// The best so far, one place for each text.
struct Best {
    limit: usize,
    kept: BTreeMap<Standing, TextKey>,
    texts: HashMap<TextKey, Standing>,
}

/// Scores are not negative, so their bits are in their order; of equal ones the first place is the better.
type Standing = (u32, Reverse<Place>);

impl Best {
    fn new(limit: usize) -> Self {
        Self { limit, kept: BTreeMap::new(), texts: HashMap::new() }
    }

    fn offer(&mut self, score: f32, place: Place, key: impl Fn() -> TextKey) {
        let this = (score.max(0.0).to_bits(), Reverse(place));
        if self.kept.len() >= self.limit && self.kept.first_key_value().is_some_and(|(worst, _)| this <= *worst) {
            return;
        }
        let text = key();
        if let Some(known) = self.texts.get(&text) {
            if this <= *known {
                return;
            }
            self.kept.remove(known);
        }
        self.kept.insert(this, text);
        self.texts.insert(text, this);
        if self.kept.len() > self.limit
            && let Some((_, worst)) = self.kept.pop_first()
        {
            self.texts.remove(&worst);
        }
    }

    /// The score of the last there is room for.
    fn last(&self) -> Option<f32> {
        let last = self.kept.first_key_value().map(|((bits, _), _)| f32::from_bits(*bits));
        last.filter(|_| self.kept.len() >= self.limit)
    }

    fn places(self) -> impl Iterator<Item = Place> {
        self.kept.into_keys().map(|(_, Reverse(place))| place)
    }
}

#[cfg(test)]
mod tests {
    use warmer_content::text_key;

    use super::*;

    #[test]
    fn where_no_thread_is_to_be_had_both_are_done_one_after_the_other() {
        let here = thread::current().id();
        let where_done = |thread: thread::Builder| both(thread, || 1, || thread::current().id());
        let (one, other) = where_done(thread::Builder::new());
        assert!(one == 1 && other != here);
        // No machine has room for such a stack.
        assert_eq!(where_done(thread::Builder::new().stack_size(1 << 60)), (1, here));
    }

    #[test]
    fn of_one_text_the_best_place_is_kept_and_of_equal_ones_the_first() {
        let mut best = Best::new(2);
        let place = |chunk| Place { part: 0, chunk };
        for (score, chunk, text) in [(0.5, 0, "a"), (0.9, 1, "b"), (0.7, 2, "a"), (0.7, 3, "c"), (0.7, 4, "a")] {
            best.offer(score, place(chunk), || text_key(text));
        }
        assert_eq!(best.places().collect::<Vec<_>>(), [place(2), place(1)]);
    }
}
