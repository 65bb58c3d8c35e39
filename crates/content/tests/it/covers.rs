//! Whatever the text: chunks cover it exactly, within the limits, and the same way each time.

use std::time::Duration;

use proptest::prelude::*;
use warmer_content::{Artifact, ChunkLimits, Chunker, Content, Language, artifact_key, text_key};

use crate::support::{check, cut, limits};

const CODE: [&str; 10] = ["fn f() {", "}", "class A:", "def g(self):", "# Title", "```", "impl B {", "//", "/*", "*/"];

/// Texts that look a little like code and prose, and a little like nothing at all.
fn texts() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        6 => "[a-z]{1,12}",
        2 => prop::sample::select(CODE.to_vec()).prop_map(str::to_owned),
        2 => prop::sample::select(vec!["\n", "\n\n", "\r\n", "    ", "\t", " "]).prop_map(str::to_owned),
        1 => "[(){};,.:<>\"'=-]{1,4}",
        1 => "\\PC{1,4}",
        1 => "[a-z]{200,900}",
    ];
    let gap = prop::sample::select(vec!["", " ", "\n", "\n    ", "\n\n"]);
    prop::collection::vec((word, gap), 0..400)
        .prop_map(|words| words.iter().flat_map(|(word, gap)| [word.as_str(), gap]).collect())
}

fn any_limits() -> impl Strategy<Value = ChunkLimits> {
    (32..250u32, prop_oneof![Just(0u64), Just(1 << 20)]).prop_map(|(size, structure_bytes)| ChunkLimits {
        size,
        structure_bytes,
        parse_deadline: Duration::from_secs(600),
    })
}

fn languages() -> impl Strategy<Value = &'static str> {
    prop::sample::select(Language::all().iter().map(|language| language.name).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chunks_cover_the_text_within_the_limits(text in texts(), language in languages(), limits in any_limits()) {
        let chunks = cut(&text, language, limits);
        check(&text, &chunks, limits);
        prop_assert_eq!(chunks, cut(&text, language, limits));
    }
}

#[test]
fn texts_of_white_space_have_no_chunks() {
    for text in ["", "\n", " \r\n\t\n", "\u{feff}\u{3000}"] {
        let chunks = cut(text, "rust", limits());
        assert_eq!(chunks.is_empty(), text.trim().is_empty(), "{text:?}");
    }
}

#[test]
fn blank_lines_around_and_between_make_no_chunk() {
    let blank = "\n".repeat(20_000);
    let text = format!("{blank}fn a() {{}}\n{blank}fn b() {{}}\n{blank}");
    for language in ["rust", "text", "markdown"] {
        let chunks = cut(&text, language, limits());
        check(&text, &chunks, limits());
        assert!(chunks.len() <= 2, "{language}: {}", chunks.len());
    }
}

#[test]
fn code_over_the_structure_limit_is_cut_as_text() {
    let text = "fn item() {\n    call(1, 2, 3);\n}\n\n".repeat(200);
    let limits = ChunkLimits { structure_bytes: text.len() as u64 - 1, ..limits() };
    let chunks = cut(&text, "rust", limits);
    check(&text, &chunks, limits);
    assert!(chunks.iter().all(|chunk| chunk.symbol.is_none() && chunk.header == "rust"));
}

#[test]
fn everything_that_decides_the_chunks_is_in_the_fingerprint() {
    let base = limits();
    let limits = [base, ChunkLimits { size: 100, ..base }, ChunkLimits { structure_bytes: 100, ..base }];
    let ids: std::collections::HashSet<_> = limits.map(|limits| Chunker::new(limits).id()).into_iter().collect();
    assert_eq!(ids.len(), limits.len());
    let patient = ChunkLimits { parse_deadline: Duration::from_secs(9), ..base };
    assert!(ids.contains(&Chunker::new(patient).id()), "a deadline decides no chunk");
}

#[test]
fn an_artifact_gives_back_what_was_embedded() {
    let text = include_str!("snippets/queue.rs");
    let rust = Language::by_name("rust").expect("a language");
    let chunking = Chunker::new(limits()).id();
    let content = Content::plain(text, rust);
    assert_ne!(artifact_key(chunking, &content), artifact_key(chunking, &Content::plain(text, Language::text())));
    let artifact = Artifact::of(content, cut(text, "rust", limits()));
    assert!(artifact.chunks.iter().all(|chunk| text_key(&artifact.embedded_text(chunk)) == chunk.key));
    assert_eq!(artifact.chunks.iter().map(|chunk| artifact.chunk_text(chunk)).collect::<String>(), text);
}
