//! What the tests share: ways to cut a text, and what holds for all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use warmer_content::{
    Chunk, ChunkLimits, Chunker, Deadline, Definition, Language, ReferenceKind, Symbols, embedded_text, size,
};

/// A deadline that nobody pulls.
pub(crate) fn deadline() -> Deadline {
    Deadline { until: Instant::now() + Duration::from_secs(3600), cancelled: Arc::default() }
}

/// Generous in time: the machine may be busy.
pub(crate) fn limits() -> ChunkLimits {
    ChunkLimits { parse_deadline: Duration::from_secs(600), ..ChunkLimits::default() }
}

/// The chunks under the default limits, checked.
pub(crate) fn chunks(text: &str, language: &str) -> Vec<Chunk> {
    let chunks = cut(text, language, limits());
    check(text, &chunks, limits());
    chunks
}

/// The chunks under these limits.
pub(crate) fn cut(text: &str, language: &str, limits: ChunkLimits) -> Vec<Chunk> {
    let language = Language::by_name(language).expect("a language of the table");
    Chunker::new(limits).chunk(text, language, &deadline()).expect("cut")
}

/// What holds for all chunks of all texts.
pub(crate) fn check(text: &str, chunks: &[Chunk], limits: ChunkLimits) {
    if text.trim().is_empty() {
        assert!(chunks.is_empty(), "{chunks:?}");
        return;
    }
    let mut end = 0;
    for chunk in chunks {
        assert_eq!(chunk.start, end, "a gap or an overlap before {chunk:?}");
        end = chunk.end;
        let body = &text[chunk.start as usize..chunk.end as usize];
        assert!(!body.trim().is_empty(), "white space alone: {chunk:?}");
        let embedded = embedded_text(&chunk.header, body);
        assert_eq!(chunk.size, size(&embedded), "{chunk:?}");
        assert!(chunk.size <= limits.size + limits.size / 4, "{chunk:?}");
        let line = |at: usize| 1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(chunk.start_line as usize, line(chunk.start as usize), "{chunk:?}");
        assert_eq!(chunk.end_line as usize, line(chunk.end as usize - 1), "{chunk:?}");
        assert_eq!(chunk.key, warmer_content::text_key(&embedded), "{chunk:?}");
    }
    assert_eq!(end as usize, text.len(), "the end of the text is in no chunk");
}

/// The symbols of a text, checked.
pub(crate) fn symbols(language: &str, text: &str) -> Symbols {
    let language = Language::by_name(language).expect("a language of the table");
    let symbols = Symbols::of(text, language, &deadline()).expect("read in time");
    let cut = Chunker::new(limits()).digest(text, language, &deadline()).expect("cut");
    assert_eq!(cut.1.as_ref(), Some(&symbols), "with the chunker's tree they are the same");
    check_symbols(text, &symbols);
    symbols
}

/// What holds for the definitions of all texts.
pub(crate) fn check_symbols(text: &str, symbols: &Symbols) {
    let line = |at: u32| 1 + text.as_bytes()[..at as usize].iter().filter(|byte| **byte == b'\n').count();
    for (index, definition) in symbols.definitions.iter().enumerate() {
        let Definition { start, end, start_line, end_line, parent, .. } = definition;
        assert!(start < end && (*end as usize) <= text.len(), "{definition:?}");
        assert_eq!((line(*start), line(*end - 1)), (*start_line as usize, *end_line as usize), "{definition:?}");
        let outer = parent.map(|parent| &symbols.definitions[parent as usize]);
        assert!(parent.is_none_or(|parent| (parent as usize) < index), "{definition:?}");
        assert!(outer.is_none_or(|outer| outer.start <= *start && *end <= outer.end), "{definition:?} in {outer:?}");
        // Of a long line there are the first 160 bytes.
        let is_cut = definition.signature.len() > 156;
        let is_shown = is_cut || definition.signature.contains(&definition.name);
        assert!(is_shown || definition.kind.as_str() == "impl", "{definition:?}");
    }
    assert!(symbols.definitions.is_sorted_by_key(|definition| definition.start));
}

/// Kind, qualified name and lines of all definitions.
pub(crate) fn assert_defines(language: &str, text: &str, expected: &[(&str, &str, u32, u32)]) {
    let symbols = symbols(language, text);
    let all = symbols.definitions.iter();
    let found: Vec<_> = all.map(|of| (of.kind.as_str(), of.qualified.as_str(), of.start_line, of.end_line)).collect();
    assert_eq!(found, expected, "{language}");
}

/// The names that are used in one way, with their lines.
pub(crate) fn assert_uses(language: &str, text: &str, kind: ReferenceKind, expected: &[(&str, &[u32])]) {
    let symbols = symbols(language, text);
    let all = symbols.references.iter().filter(|reference| reference.kind == kind);
    let found: Vec<_> = all.map(|of| (of.name.as_str(), &*of.lines)).collect();
    assert_eq!(found, expected, "{language}");
}
