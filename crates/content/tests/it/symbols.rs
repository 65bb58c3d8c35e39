//! Symbols, headers and lines on a small real file of each language.

use warmer_content::{Chunk, ChunkLimits};

use crate::support::{check, cut, limits};

/// What the chunk that has a line says of itself: the line, the symbol, the header.
type Expected = (u32, Option<&'static str>, &'static str);

/// Small enough that items are chunks of their own.
fn small() -> ChunkLimits {
    ChunkLimits { size: 44, ..limits() }
}

fn assert_places(language: &str, text: &str, expected: &[Expected]) {
    let chunks = cut(text, language, small());
    check(text, &chunks, small());
    for (line, symbol, header) in expected {
        let has_line = |chunk: &&Chunk| (chunk.start_line..=chunk.end_line).contains(line);
        let chunk = chunks.iter().find(has_line).expect("a chunk for every line");
        let place = (chunk.symbol.as_deref(), chunk.header.as_str());
        assert_eq!(place, (*symbol, *header), "{language}, line {line}, {chunk:?}");
    }
}

#[test]
fn rust() {
    assert_places(
        "rust",
        include_str!("snippets/queue.rs"),
        &[
            (3, None, "rust"),
            (7, Some("Queue"), "rust"),
            (17, Some("Queue::claim"), "rust impl Queue<T> > fn claim"),
            (21, Some("Queue::put"), "rust impl Queue<T>"),
            (29, Some("Queue::fmt"), "rust impl std::fmt::Display for Queue<T> > fn fmt"),
            (34, Some("inner::Job"), "rust"),
            (36, Some("inner::Job::name"), "rust mod inner > trait Job"),
            (38, Some("inner::twice"), "rust mod inner"),
        ],
    );
}

#[test]
fn python() {
    assert_places(
        "python",
        include_str!("snippets/queue.py"),
        &[
            (2, None, "python"),
            (8, Some("Queue.__init__"), "python"),
            (12, Some("Queue.length"), "python class Queue"),
            (17, Some("Queue.Empty"), "python class Queue"),
            (21, Some("claim"), "python"),
            (25, Some("claim"), "python def claim"),
            (28, None, "python"),
        ],
    );
}

#[test]
fn javascript() {
    assert_places(
        "javascript",
        include_str!("snippets/queue.jsx"),
        &[
            (3, Some("JobRow"), "javascript"),
            (6, Some("JobRow"), "javascript const JobRow"),
            (9, Some("Queue"), "javascript"),
            (12, Some("Queue.claim"), "javascript class Queue"),
            (16, Some("Queue.render"), "javascript class Queue"),
            (21, Some("pages"), "javascript"),
        ],
    );
}

#[test]
fn typescript() {
    assert_places(
        "typescript",
        include_str!("snippets/queue.ts"),
        &[
            (1, Some("Job"), "typescript"),
            (7, Some("State"), "typescript"),
            (9, Some("Priority"), "typescript"),
            (12, Some("Store.Base"), "typescript"),
            (14, Some("Store.Base.onClaim"), "typescript namespace Store > class Base"),
            (17, Some("Store.Base.claim"), "typescript namespace Store > class Base"),
            (24, Some("open"), "typescript"),
        ],
    );
    assert_places(
        "tsx",
        include_str!("snippets/queue.tsx"),
        &[(1, Some("Props"), "tsx"), (4, Some("JobRow"), "tsx const JobRow"), (8, Some("Table"), "tsx function Table")],
    );
}

#[test]
fn go() {
    assert_places(
        "go",
        include_str!("snippets/queue.go"),
        &[
            (1, None, "go"),
            (9, Some("Queue"), "go"),
            (15, Some("Queue.Claim"), "go"),
            (20, Some("Queue.Claim"), "go func Queue.Claim"),
            (28, Some("New"), "go func New"),
        ],
    );
}

#[test]
fn java() {
    assert_places(
        "java",
        include_str!("snippets/queue.java"),
        &[
            (1, None, "java"),
            (6, Some("Queue"), "java"),
            (9, Some("Queue.Queue"), "java class Queue"),
            (14, Some("Queue.claim"), "java class Queue"),
            (17, Some("Queue.claim"), "java class Queue > method claim"),
            (20, Some("Queue.State"), "java class Queue"),
            (23, Some("Queue.Job.Job"), "java class Queue > record Job"),
            (27, Some("Store"), "java"),
        ],
    );
}

#[test]
fn c() {
    assert_places(
        "c",
        include_str!("snippets/queue.c"),
        &[
            (2, Some("MAX"), "c"),
            (5, Some("job"), "c"),
            (14, Some("queue_claim"), "c"),
            (18, Some("queue_claim"), "c function queue_claim"),
            (22, Some("handler"), "c"),
        ],
    );
}

#[test]
fn cpp() {
    assert_places(
        "cpp",
        include_str!("snippets/queue.cpp"),
        &[
            (1, Some("warm"), "cpp"),
            (7, Some("warm"), "cpp"),
            (10, Some("warm::Queue::front"), "cpp namespace warm > class Queue"),
            (18, Some("warm::Queue<T>::claim"), "cpp namespace warm"),
            (21, Some("warm::Queue<T>::claim"), "cpp namespace warm > function Queue<T>::claim"),
            (25, Some("warm::State"), "cpp namespace warm"),
        ],
    );
}

#[test]
fn markdown() {
    assert_places(
        "markdown",
        include_str!("snippets/queue.md"),
        &[
            (4, Some("The queue"), "markdown"),
            (8, Some("The queue > Claiming"), "markdown The queue"),
            (13, Some("The queue > Claiming"), "markdown The queue"),
            (17, Some("The queue > Claiming > Fences"), "markdown The queue > Claiming"),
            (21, Some("The queue > Appendix"), "markdown The queue"),
        ],
    );
}

#[test]
fn a_language_without_a_grammar_has_a_header_and_text_has_none() {
    assert_places("toml", "[package]\nname = \"a\"\n", &[(1, None, "toml")]);
    assert_places("text", "Words.\n", &[(1, None, "")]);
}

#[test]
fn a_comment_stays_with_what_it_is_about() {
    let item = |n: u32| {
        format!(
            "/// Says what item {n} is for.\n#[inline]\nfn item_{n}(a: u32, b: u32) -> u32 {{\n    a + b * {n}\n}}\n"
        )
    };
    let text: String = (0..40).map(item).collect();
    let chunks = cut(&text, "rust", limits());
    assert!(chunks.len() > 5, "{} chunks", chunks.len());
    for chunk in &chunks {
        let body = &text[chunk.start as usize..chunk.end as usize];
        assert!(body.starts_with("/// Says") && body.ends_with("}\n"), "{body}");
    }
}

#[test]
fn broken_code_keeps_what_symbols_it_has() {
    let text = "fn good() { call(1, 2) }\n\nfn broken( {\n\nstruct After { a: u32 }\n";
    let chunks = cut(text, "rust", small());
    check(text, &chunks, small());
    assert_eq!(chunks[0].symbol.as_deref(), Some("good"));
}
