//! Texts that break parsers: nothing overflows, nothing runs away, and every failure is a value.

use std::sync::atomic::Ordering;
use std::time::Duration;

use warmer_content::{ChunkError, ChunkLimits, Chunker, Language, Symbols};

use crate::support::{check_symbols, chunks, deadline, limits};

const GRAMMARS: [&str; 9] = ["rust", "python", "javascript", "typescript", "tsx", "go", "java", "c", "cpp"];
/// Those that are used for symbols alone, each with the texts of its tests and what its scanner keeps a state of.
const UNCUT: [(&str, &str, &[&str]); 3] = [
    ("c_sharp", include_str!("snippets/queue.cs"), &["$\"{", "$@\"{\"\"", "$$\"\"\"{{", "#if A\n", "namespace A;\n"]),
    ("php", include_str!("snippets/queue.php"), &["<?php\n", "<<<A\n", "\"{$a[", "<?php ?>", "namespace A;\n"]),
    (
        "ruby",
        include_str!("snippets/queue.rb"),
        &["<<~A + <<-B\n", "%w(", "\"#{", "%Q{#{", ":\"#{", "/#{", "__END__\n"],
    ),
];

/// The symbols of a text, checked.
fn symbols(language: &str, text: &str) -> Symbols {
    let language = Language::by_name(language).expect("a language of the table");
    let symbols = Symbols::of(text, language, &deadline()).expect("read in time");
    check_symbols(text, &symbols);
    symbols
}

/// As much as `size` bytes of each.
fn cases(size: usize) -> Vec<String> {
    let noise = |(mut x, mut text): (u64, String), _| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        text.push(char::from(32 + (x % 95) as u8));
        (x, text)
    };
    vec![
        "(".repeat(size),
        format!("fn f() {{ {}1{}; }}", "(".repeat(size / 2), ")".repeat(size / 2)),
        "{[(".repeat(size / 3),
        "mod a {\n".repeat(size / 8),
        "class A:\n ".repeat(size / 10),
        "\"'".repeat(size / 2),
        "a".repeat(size),
        "a+".repeat(size / 2),
        "\0".repeat(size),
        "(\n".repeat(size / 2),
        "好".repeat(size / 3),
        (0..size).fold((88_172_645_463_325_252, String::new()), noise).1,
    ]
}

/// A thread of the pipeline has a stack of 2 MiB; here a frame for each of 10,000 levels would overflow.
fn on_a_small_stack(work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 10).spawn_scoped(scope, work);
        thread.expect("a thread").join().expect("no overflow and no panic");
    });
}

#[test]
fn deep_and_broken_texts_do_not_overflow_the_stack() {
    on_a_small_stack(|| {
        for language in GRAMMARS.into_iter().chain(["markdown", "text", "json"]) {
            for text in cases(10_000) {
                assert!(!chunks(&text, language).is_empty());
            }
        }
    });
}

#[test]
fn deep_and_broken_texts_have_what_symbols_they_have() {
    on_a_small_stack(|| {
        for language in GRAMMARS.into_iter().chain(UNCUT.map(|(language, ..)| language)) {
            cases(10_000).iter().for_each(|text| drop(symbols(language, text)));
        }
        for (language, _, parts) in UNCUT {
            parts.iter().for_each(|part| drop(symbols(language, &part.repeat(3_000))));
        }
    });
}

#[test]
fn a_text_that_is_cut_off_or_has_another_in_its_midst_has_what_symbols_it_has() {
    for (language, text, parts) in UNCUT {
        for at in (0..text.len()).step_by(7).filter(|at| text.is_char_boundary(*at)) {
            let (before, behind) = text.split_at(at);
            drop(symbols(language, before));
            let part = parts[at % parts.len()];
            drop(symbols(language, &format!("{before}{part}{behind}")));
        }
    }
}

#[test]
fn a_hundred_thousand_levels_do_not_overflow_the_stack() {
    on_a_small_stack(|| {
        let text = format!("fn f() {{ {}1{}; }}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(!chunks(&text, "rust").is_empty());
    });
}

/// The parser's own recursion: it died here on a stack of 2 MiB, also when it was stopped half-way.
#[test]
fn a_parser_that_gives_up_on_a_deep_text_does_not_overflow_the_stack() {
    on_a_small_stack(|| {
        let text = "{[(".repeat(150_000);
        let java = Language::by_name("java").expect("a language");
        let outcome = Chunker::new(limits()).chunk(&text, java, &deadline());
        assert!(outcome.is_ok(), "{outcome:?}");
    });
}

/// Work is counted, not time: however busy the machine is, the chunks are the same.
#[test]
fn a_text_that_takes_too_many_steps_to_parse_is_cut_as_one_without_structure() {
    let method = "class A { int size() { return 1; } }\n";
    let text = method.to_owned() + &"{[(\n".repeat(30_000);
    let hard = chunks(&text, "java");
    assert!(hard.iter().all(|chunk| chunk.symbol.is_none()), "{:?}", hard[0]);
    let easy = chunks(&(method.to_owned() + &"class B { int b; }\n".repeat(5_000)), "java");
    assert_eq!(easy[0].symbol.as_deref(), Some("A"));
}

#[test]
fn a_word_of_a_megabyte_is_cut_within_the_limit() {
    let chunks = chunks(&"a".repeat(1_000_000), "text");
    assert!(chunks.iter().all(|chunk| chunk.end - chunk.start <= 6 * 250), "six letters are one of its size");
}

#[test]
fn a_raised_flag_stops_it_and_a_passed_deadline_is_too_slow() {
    let rust = Language::by_name("rust").expect("a language");
    let text = "fn a() { b(c) }\n".repeat(10_000);
    let cancelled = deadline();
    cancelled.cancelled.store(true, Ordering::Relaxed);
    let chunker = Chunker::new(limits());
    assert_eq!(chunker.chunk(&text, rust, &cancelled), Err(ChunkError::Stopped));
    let late = Chunker::new(ChunkLimits { parse_deadline: Duration::ZERO, ..limits() });
    assert_eq!(late.chunk(&text, rust, &deadline()), Err(ChunkError::TooSlow));
    let mut spent = deadline();
    spent.until = std::time::Instant::now();
    assert_eq!(chunker.chunk(&text, Language::text(), &spent), Err(ChunkError::TooSlow));
    assert!(chunker.chunk(&text, rust, &deadline()).is_ok(), "the next text is not harmed");
}
