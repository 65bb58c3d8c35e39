//! The cut: which of the borders of a range become the ends of its pieces.
//!
//! *Atoms* first: a border stands when what it divides, up to the next borders of a lower level on both sides, is too
//! large for one piece; so whatever fits stays whole. Then the atoms are *grouped* from the top: a range that is too
//! large is divided at the standing border of the lowest level that leaves neither side short, and among equals at the
//! one whose next bytes have the lowest hash. As in a treap, the borders then depend on the content around them and not
//! on what was cut before, so that an edit moves few. What fits is divided too where an item begins, unless a side is
//! short. Leftovers join a neighbour where they fit.

use std::ops::Range;

use crate::chunk_error::{ChunkError, check};
use crate::chunker::border::Border;
use crate::chunker::inline;
use crate::deadline::Deadline;
use crate::size::size;

/// A border is good where both sides have at least so much, in thousandths of the budget.
///
/// Measured on 13 MB of Rust with edits of 1 to 6 lines and a budget of 226 tokens: 2.0 new chunks for each edit, 7 %
/// of a file's, and chunks of 145 tokens on average. With 400 it would be 151 tokens, and an edit would embed 3 % more.
const SIDE: u64 = 333;
/// A smaller piece joins a neighbour, in thousandths of the budget.
const SMALL: u64 = 250;
/// Of the bytes behind a border so many are hashed: two or three lines, for one line may be a mere bracket.
const HASHED_BYTES: usize = 64;

/// The pieces of `range`, in order, each of a size within the budget, which is at least 1.
pub(super) fn pieces(
    text: &str,
    range: Range<u32>,
    borders: &[Border],
    budget: u32,
    deadline: &Deadline,
) -> Result<Vec<Range<u32>>, ChunkError> {
    let mut atoms = weigh(text, &range, inside(text, &range, borders));
    if atoms.windows(2).any(|pair| share(&pair[0], &pair[1], budget) > 1_000) {
        let finer: Vec<Border> = atoms.windows(2).flat_map(|pair| finer(text, &pair[0], &pair[1], budget)).collect();
        atoms = weigh(text, &range, &finer[1..]);
    }
    let atoms = standing(atoms, budget);
    let cuts = join(&atoms, &group(text, &atoms, budget, deadline)?, budget);
    Ok(cuts.windows(2).map(|pair| atoms[pair[0]].border.at..atoms[pair[1]].border.at).collect())
}

/// The borders inside of the range that have more than white space before them.
fn inside<'a>(text: &str, range: &Range<u32>, borders: &'a [Border]) -> &'a [Border] {
    let whole = &text[range.start as usize..range.end as usize];
    let blank = u32::try_from(whole.len() - whole.trim_start().len()).unwrap_or(0);
    let from = borders.partition_point(|border| border.at <= range.start + blank);
    let to = borders.partition_point(|border| border.at < range.end);
    &borders[from..to.max(from)]
}

/// A border, and the size of what is before it in the range. The last one of a list is the range's end.
#[derive(Clone, Copy, Debug)]
struct Atom {
    border: Border,
    size: u32,
}

/// What is between two borders, in thousandths of the budget.
fn share(from: &Atom, to: &Atom, budget: u32) -> u64 {
    (u64::from(to.size - from.size) * 1_000).div_ceil(u64::from(budget))
}

/// The range's start, the borders and the range's end, with the size of what is before them. A unit of size begins at
/// each border that has no white space behind it, so sizes add up.
fn weigh(text: &str, range: &Range<u32>, borders: &[Border]) -> Vec<Atom> {
    let edge = |at| Border { at, level: 0, item: false };
    let all = std::iter::once(edge(range.start)).chain(borders.iter().copied()).chain([edge(range.end)]);
    let (mut at, mut before) = (range.start, 0);
    all.map(|border| {
        before += size(&text[at as usize..border.at as usize]);
        at = border.at;
        Atom { border, size: before }
    })
    .collect()
}

/// The first border, and those inside of its line if the line is too large.
fn finer(text: &str, from: &Atom, to: &Atom, budget: u32) -> Vec<Border> {
    let mut borders = vec![from.border];
    if share(from, to, budget) > 1_000 {
        let line = from.border.at..to.border.at;
        let atoms = weigh(text, &line, &inline::words(text, &line));
        for pair in atoms.windows(2) {
            borders.extend((pair[0].border.at > line.start).then_some(pair[0].border));
            if share(&pair[0], &pair[1], budget) > 1_000 {
                borders.extend(inline::forced(text, &(pair[0].border.at..pair[1].border.at)));
            }
        }
    }
    borders
}

/// The borders that stand, between the first and the last of the list.
fn standing(atoms: Vec<Atom>, budget: u32) -> Vec<Atom> {
    let end = atoms.len() - 1;
    let level = |index: usize| atoms[index].border.level;
    // The nearest border of a lower level to the left of each border that still waits for the one to its right.
    let mut open: Vec<(usize, usize)> = vec![];
    let mut stands = vec![false; atoms.len()];
    for index in 1..=end {
        while let Some((waiting, left)) = open.pop_if(|(waiting, _)| index == end || level(*waiting) > level(index)) {
            // At the top a file is no item: its items stand.
            let top = left == 0 && index == end && atoms[waiting].border.item;
            stands[waiting] = top || share(&atoms[left], &atoms[index], budget) > 1_000;
        }
        let left = match open.last() {
            Some((equal, left)) if level(*equal) == level(index) => *left,
            Some((lower, _)) => *lower,
            None => 0,
        };
        open.push((index, left));
    }
    let keep = |(index, atom): (usize, Atom)| (index == 0 || index == end || stands[index]).then_some(atom);
    atoms.into_iter().enumerate().filter_map(keep).collect()
}

/// The indices of the borders to cut at, first and last included.
fn group(text: &str, atoms: &[Atom], budget: u32, deadline: &Deadline) -> Result<Vec<usize>, ChunkError> {
    let hashes: Vec<u32> = atoms.iter().map(|atom| hash(text, atom.border.at)).collect();
    let mut cuts = vec![0];
    let mut open = vec![(0, atoms.len() - 1)];
    while let Some((from, to)) = open.pop() {
        check(deadline)?;
        match divide(atoms, &hashes, from, to, budget) {
            Some(cut) => open.extend([(cut, to), (from, cut)]),
            None => cuts.push(to),
        }
    }
    Ok(cuts)
}

/// The best border to divide the atoms between these two at; none where they are one piece.
fn divide(atoms: &[Atom], hashes: &[u32], from: usize, to: usize, budget: u32) -> Option<usize> {
    let sides = |cut: usize| (share(&atoms[from], &atoms[cut], budget), share(&atoms[cut], &atoms[to], budget));
    let rank = |cut: &usize| {
        let (left, right) = sides(*cut);
        (atoms[*cut].border.level, hashes[*cut], left.abs_diff(right))
    };
    let fits = share(&atoms[from], &atoms[to], budget) <= 1_000;
    let balanced = |cut: &usize| {
        let (left, right) = sides(*cut);
        left.min(right) >= SIDE && (!fits || atoms[*cut].border.item)
    };
    let best = (from + 1..to).filter(balanced).min_by_key(rank);
    best.or_else(|| (from + 1..to).min_by_key(rank).filter(|_| !fits))
}

/// Small pieces, left over where a large atom filled its piece, join a neighbour where the two fit.
fn join(atoms: &[Atom], cuts: &[usize], budget: u32) -> Vec<usize> {
    let share = |from: usize, to: usize| share(&atoms[from], &atoms[to], budget);
    let mut kept = vec![cuts[0]];
    for pair in cuts.windows(2) {
        let [from, to] = [pair[0], pair[1]];
        if let [.., before, _] = kept[..] {
            let small = share(before, from) < SMALL || share(from, to) < SMALL;
            if small && share(before, to) <= 1_000 {
                kept.pop();
            }
        }
        kept.push(to);
    }
    kept
}

/// What decides among borders of one level: the content behind it.
fn hash(text: &str, at: u32) -> u32 {
    let behind = &text.as_bytes()[at as usize..];
    let digest = blake3::hash(&behind[..behind.len().min(HASHED_BYTES)]);
    let [a, b, c, d, ..] = digest.as_bytes();
    u32::from_le_bytes([*a, *b, *c, *d])
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// The pieces of lines of words; a line's level is its indentation, and an item begins with `+`.
    fn cut(lines: &[&str], budget: u32) -> Vec<String> {
        let text = lines.iter().flat_map(|line| [line, "\n"]).collect::<String>();
        let line = |line: crate::chunker::border::Line<'_>| line.border(line.indent(), line.text.starts_with('+'));
        let borders: Vec<_> = crate::chunker::border::lines(&text).map(line).collect();
        let all = 0..u32::try_from(text.len()).expect("a short text");
        let patient = Deadline { until: Instant::now() + Duration::from_secs(3600), cancelled: Default::default() };
        let pieces = pieces(&text, all, &borders, budget, &patient).expect("cut");
        pieces.iter().map(|piece| text[piece.start as usize..piece.end as usize].replace('\n', "|")).collect()
    }

    #[test]
    fn what_fits_stays_whole() {
        assert_eq!(cut(&["a b c", "d e f"], 6), ["a b c|d e f|"]);
        assert_eq!(cut(&["a b", " c d", " e f", "g h", " i j", " k l"], 6), ["a b| c d| e f|", "g h| i j| k l|"]);
    }

    #[test]
    fn what_does_not_fit_is_cut_at_the_lowest_level_that_leaves_no_short_side() {
        assert_eq!(cut(&["a b c", "  d e f", " g h i", "  j k l"], 6), ["a b c|  d e f|", " g h i|  j k l|"]);
        assert_eq!(cut(&["a", " b c d e", " f g h i"], 5), ["a| b c d e|", " f g h i|"]);
    }

    #[test]
    fn items_are_apart_unless_they_are_short() {
        assert_eq!(cut(&["+ a b c d", "+ e f g h"], 12), ["+ a b c d|", "+ e f g h|"]);
        assert_eq!(cut(&["+ a b c d", "+ e"], 12), ["+ a b c d|+ e|"]);
        assert_eq!(cut(&["a b c d e", "f g h i j"], 12), ["a b c d e|f g h i j|"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_behind_sentences_then_words() {
        assert_eq!(cut(&["a b c. d e f. g h i."], 4), ["a b c. ", "d e f. ", "g h i.|"]);
        assert_eq!(cut(&["a b c d"], 1), ["a ", "b ", "c ", "d|"]);
    }

    #[test]
    fn a_small_piece_joins_a_neighbour() {
        let lines = ["a b c d e", "x", " f g h i j k l m", "  y"];
        assert_eq!(cut(&lines, 9), ["a b c d e|x|", " f g h i j k l m|  y|"]);
    }
}
