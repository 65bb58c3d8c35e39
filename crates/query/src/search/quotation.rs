//! Questions that quote: the text of an error, a line of a log, a line of code.
//!
//! The words of a quotation are in many texts, and all of them in their order in the one that it is from. The index has
//! no order of words, but the texts of the hits are at hand when they are shown.

use std::ops::Range;

use warmer_content::Artifact;

use super::found::{CHUNKS_SHOWN, FoundHit};

/// Fewer words stand beside each other in many texts that say something else.
const WORDS_MIN: usize = 4;

/// The hits whose texts are looked at, shown or not: so the first hit is the same however many are asked for.
pub(super) const HITS_READ: usize = 10;

/// As much as a text gets that has all words of the question and is the nearest of all.
const QUOTED: f32 = 1.0;

/// What is in front of a message ends so (`error: `, `TypeError: `), and so may the message's own beginning.
const INTRODUCTION: &str = ": ";
/// A line of a log has no more of these that matter.
const INTRODUCTIONS_MAX: usize = 4;

/// A question that may be a quotation.
pub(super) struct Quotation<'q> {
    /// All of it, and what is behind each introduction.
    runs: Vec<Run<'q>>,
}

/// Words that stand one behind the other.
struct Run<'q> {
    words: Vec<&'q str>,
    longest: &'q str,
}

impl<'q> Quotation<'q> {
    /// `None` where the question is too short to quote anything.
    pub(super) fn of(question: &'q str) -> Option<Self> {
        let behind = question.match_indices(INTRODUCTION).map(|(at, _)| at + INTRODUCTION.len());
        let starts = [0].into_iter().chain(behind.take(INTRODUCTIONS_MAX));
        let runs: Vec<_> = starts.filter_map(|start| Run::of(&question[start..])).collect();
        (!runs.is_empty()).then_some(Self { runs })
    }

    /// Gives a hit what it is worth that its file says just this. Where that is said is shown first; a hit that is one
    /// chunk has to say it there.
    pub(super) fn credit(&self, hit: &mut FoundHit, artifact: &Artifact, is_chunk: bool) {
        let Some(at) = self.runs.iter().find_map(|run| run.place_in(&artifact.text)) else { return };
        let mut chunks = (0..).zip(&artifact.chunks);
        let has_it = |chunk: &warmer_content::Chunk| (chunk.start as usize..chunk.end as usize).contains(&at);
        let Some((number, _)) = chunks.find(|(_, chunk)| has_it(chunk)) else { return };
        if is_chunk && !hit.chunks.contains(&number) {
            return;
        }
        hit.score += QUOTED * hit.behind;
        hit.chunks.retain(|known| *known != number);
        hit.chunks.insert(0, number);
        hit.chunks.truncate(CHUNKS_SHOWN);
    }
}

impl<'q> Run<'q> {
    fn of(text: &'q str) -> Option<Self> {
        let words: Vec<_> = words(text).map(|at| &text[at]).collect();
        let longest = words.iter().copied().max_by_key(|word| word.len())?;
        (words.len() >= WORDS_MIN).then_some(Self { words, longest })
    }

    /// Where the words stand one behind the other, whatever stands between them that is no word.
    fn place_in(&self, text: &str) -> Option<usize> {
        // Most files lack one of them, which is known 20 times sooner than their words are told apart.
        if !text.contains(self.longest) {
            return None;
        }
        let all: Vec<_> = words(text).collect();
        let is_it = |run: &&[Range<usize>]| run.iter().zip(&self.words).all(|(at, word)| text[at.clone()] == **word);
        all.windows(self.words.len()).find(is_it).map(|run| run[0].start)
    }
}

/// Places of runs of letters, digits and underscores.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text[from..].find(is_part)?;
        from = text[start..].find(|character| !is_part(character)).map_or(text.len(), |length| start + length);
        Some(start..from)
    })
}

#[cfg(test)]
mod tests {
    use warmer_content::{ArtifactKey, Chunk, Digest, text_key};
    use warmer_store::RepositoryId;

    use super::*;

    #[test]
    fn what_is_put_behind_gains_half_by_a_quotation_and_shows_where_it_is() {
        let lines = ["one of them\n", "two of them\n", "no usable suites at all\n"];
        let chunks = lines.iter().zip([0, 12, 24]).map(|(line, start)| Chunk {
            start,
            end: start + line.len() as u32,
            start_line: start / 12 + 1,
            end_line: start / 12 + 1,
            symbol: None,
            header: String::new(),
            size: 1,
            key: text_key(line),
        });
        let (language, text, chunks) = ("text".to_owned(), lines.concat(), chunks.collect());
        let artifact = Artifact { language, encoding: None, masked: 0, text, chunks };
        let credited = |question: &str, behind, is_chunk| {
            let mut hit = FoundHit {
                repository: RepositoryId(1),
                path: "a".to_owned(),
                artifact: ArtifactKey(Digest::of(b"a")),
                chunks: vec![0, 1],
                score: 1.0,
                behind,
                similarity: None,
                reasons: vec![],
                copies: vec![],
                more_places: 0,
            };
            Quotation::of(question).unwrap().credit(&mut hit, &artifact, is_chunk);
            (hit.score, hit.chunks)
        };
        let quoted = "no usable suites at all";
        assert_eq!(credited(quoted, 1.0, false), (2.0, vec![2, 0, 1]));
        assert_eq!(credited(quoted, 0.5, false), (1.5, vec![2, 0, 1]));
        assert_eq!(credited(quoted, 1.0, true), (1.0, vec![0, 1]), "another chunk says it");
        assert_eq!(credited("no usable suites at last", 1.0, false), (1.0, vec![0, 1]));
    }

    #[test]
    fn a_quotation_is_found_by_its_words_whatever_stands_between_them() {
        let run = Run::of("unexpected message: got when expecting").unwrap();
        let text = "/// No unexpected message.\nwrite!(f, \"an unexpected message: got {:?} when expecting {}\")";
        let at = run.place_in(text).unwrap();
        assert!(text[at..].starts_with("unexpected message: got {"), "{}", &text[at..]);
        assert_eq!(run.place_in("message: got when expecting an unexpected one"), None, "in another order");
        assert_eq!(run.place_in(""), None);
    }

    #[test]
    fn a_few_words_quote_nothing() {
        assert!(Quotation::of("unexpected message received").is_none());
        assert!(Quotation::of(" -> :: {} ").is_none());
        assert_eq!(Quotation::of("die größte Zahl überhaupt").unwrap().runs.len(), 1);
        assert_eq!(Quotation::of("Error: unexpected message: got when expecting it").unwrap().runs.len(), 3);
        assert_eq!(Quotation::of(&"a: b: c: d: e".repeat(900)).unwrap().runs.len(), 1 + INTRODUCTIONS_MAX);
    }
}
