//! The ranges of a file that a hit shows: its chunks in the order of the file, what touches as one.

use warmer_content::Artifact;

/// A range of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// First byte.
    pub(super) start: usize,
    /// Behind the last byte.
    pub(super) end: usize,
    /// First line, counted from 1.
    pub(super) start_line: u32,
    /// Last line, inclusive.
    pub(super) end_line: u32,
    /// Chunks whose places in the artifact these are, in its order.
    pub(super) chunks: Vec<u32>,
}

/// Chunks of an artifact with `context` lines around each, in the order of the text. Those that touch or overlap are
/// one. Chunks that the artifact does not have are left out.
pub(super) fn spans(artifact: &Artifact, chunks: &[u32], context: u32) -> Vec<Span> {
    let mut numbers = chunks.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    let mut all: Vec<Span> = vec![];
    for span in numbers.into_iter().filter_map(|number| span(artifact, number, context)) {
        match all.last_mut() {
            Some(before) if span.start_line <= before.end_line.saturating_add(1) => {
                before.end = before.end.max(span.end);
                before.end_line = before.end_line.max(span.end_line);
                before.chunks.extend(span.chunks);
            }
            _ => all.push(span),
        }
    }
    all
}

fn span(artifact: &Artifact, number: u32, context: u32) -> Option<Span> {
    let chunk = artifact.chunks.get(number as usize)?;
    let text = artifact.text.as_bytes();
    let (mut start, mut end) = (chunk.start as usize, chunk.end as usize);
    artifact.text.get(start..end)?;
    let (mut start_line, mut end_line) = (chunk.start_line, chunk.end_line);
    if context > 0 {
        start = line_start(text, start);
        end = line_end(text, end);
    }
    for _ in 0..context {
        if start > 0 {
            start = line_start(text, start - 1);
            start_line -= 1;
        }
        if end < text.len() {
            end = line_end(text, end + 1);
            end_line += 1;
        }
    }
    Some(Span { start, end, start_line, end_line, chunks: vec![number] })
}

/// The first byte of the line that has this one.
fn line_start(text: &[u8], at: usize) -> usize {
    text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |before| before + 1)
}

/// Behind the line that ends at or behind this byte, which is behind the last that is shown.
fn line_end(text: &[u8], end: usize) -> usize {
    if end > 0 && text[end - 1] == b'\n' {
        return end;
    }
    text[end..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |length| end + length + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use warmer_content::{Chunk, text_key};

    use super::*;

    /// An artifact of this text, cut at these bytes.
    fn artifact(text: &str, cuts: &[usize]) -> Artifact {
        let mut ends: Vec<_> = cuts.iter().map(|cut| text.floor_char_boundary(cut % (text.len() + 1))).collect();
        ends.push(text.len());
        ends.sort_unstable();
        ends.dedup();
        let line = |at: usize| text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() as u32 + 1;
        let (mut chunks, mut start) = (vec![], 0);
        for end in ends.into_iter().filter(|end| *end > 0) {
            chunks.push(Chunk {
                start: start as u32,
                end: end as u32,
                start_line: line(start),
                end_line: line(end - 1),
                symbol: None,
                header: String::new(),
                size: 1,
                key: text_key(&text[start..end]),
            });
            start = end;
        }
        Artifact { language: "text".to_owned(), encoding: None, masked: 0, text: text.to_owned(), chunks }
    }

    #[test]
    fn what_touches_is_one_range_and_what_does_not_is_another() {
        let artifact = artifact("a\nb\nc\nd\ne\n", &[2, 4, 6, 8]);
        let shown = |chunks: &[u32], context| {
            let spans = spans(&artifact, chunks, context);
            spans.iter().map(|span| (span.start_line, span.end_line)).collect::<Vec<_>>()
        };
        assert_eq!(shown(&[1, 0, 3], 0), [(1, 2), (4, 4)]);
        assert_eq!(shown(&[0, 3], 1), [(1, 5)]);
        assert_eq!(shown(&[0, 4], 1), [(1, 2), (4, 5)]);
        assert_eq!(shown(&[2], 99), [(1, 5)]);
        assert_eq!(shown(&[7], 0), [], "the artifact has no such chunk");
    }

    proptest! {
        #[test]
        fn merging_never_loses_or_invents_a_line(
            text in "([a-c]{0,4}\n){0,9}[a-c\u{e9}]{0,3}",
            cuts in prop::collection::vec(0_usize..60, 0..9),
            wanted in prop::collection::vec(0_u32..9, 0..6),
            context in 0_u32..4,
        ) {
            let artifact = artifact(&text, &cuts);
            let spans = spans(&artifact, &wanted, context);
            let lines: Vec<_> = text.split_inclusive('\n').collect();
            let mut shown = std::collections::BTreeSet::new();
            let mut last = 0;
            for span in &spans {
                prop_assert!(span.start_line > last + 1 || last == 0, "{spans:?}");
                let whole = lines[span.start_line as usize - 1..span.end_line as usize].concat();
                prop_assert!(whole.contains(&text[span.start..span.end]));
                prop_assert!(context == 0 || whole == text[span.start..span.end], "{whole:?} {span:?}");
                shown.extend(span.start_line..=span.end_line);
                last = span.end_line;
            }
            let mut expected = std::collections::BTreeSet::new();
            for chunk in wanted.iter().filter_map(|number| artifact.chunks.get(*number as usize)) {
                let end = (chunk.end_line + context).min(lines.len() as u32);
                expected.extend(chunk.start_line.saturating_sub(context).max(1)..=end);
                let (start, end) = (chunk.start as usize, chunk.end as usize);
                prop_assert!(spans.iter().any(|span| span.start <= start && end <= span.end));
            }
            prop_assert_eq!(shown, expected);
        }
    }
}
