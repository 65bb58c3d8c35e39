//! What a text defines and refers to, on a small real file of each language.

use warmer_content::{Chunker, Definition, Language, ReferenceKind, Symbols, symbols_id};

use crate::support::{Parts, deadline, limits};

fn symbols(language: &str, text: &str) -> Symbols {
    let language = Language::by_name(language).expect("a language of the table");
    let symbols = Symbols::of(text, language, &deadline()).expect("read in time");
    let cut = Chunker::new(limits()).digest(text, language, &Parts, &deadline()).expect("cut");
    assert_eq!(cut.1.as_ref(), Some(&symbols), "with the chunker's tree they are the same");
    check(text, &symbols);
    symbols
}

/// What holds for the definitions of all texts.
fn check(text: &str, symbols: &Symbols) {
    let line = |at: u32| 1 + text.as_bytes()[..at as usize].iter().filter(|byte| **byte == b'\n').count();
    for (index, definition) in symbols.definitions.iter().enumerate() {
        let Definition { start, end, start_line, end_line, parent, .. } = definition;
        assert!(start < end && (*end as usize) <= text.len(), "{definition:?}");
        assert_eq!((line(*start), line(*end - 1)), (*start_line as usize, *end_line as usize), "{definition:?}");
        let outer = parent.map(|parent| &symbols.definitions[parent as usize]);
        assert!(parent.is_none_or(|parent| (parent as usize) < index), "{definition:?}");
        assert!(outer.is_none_or(|outer| outer.start <= *start && *end <= outer.end), "{definition:?} in {outer:?}");
        assert!(definition.signature.contains(&definition.name) || definition.kind.as_str() == "impl");
    }
    assert!(symbols.definitions.is_sorted_by_key(|definition| definition.start));
}

/// Kind, qualified name and lines of all definitions.
fn assert_defines(language: &str, text: &str, expected: &[(&str, &str, u32, u32)]) {
    let symbols = symbols(language, text);
    let all = symbols.definitions.iter();
    let found: Vec<_> = all.map(|of| (of.kind.as_str(), of.qualified.as_str(), of.start_line, of.end_line)).collect();
    assert_eq!(found, expected, "{language}");
}

/// The names that are used in one way, with their lines.
fn assert_uses(language: &str, text: &str, kind: ReferenceKind, expected: &[(&str, &[u32])]) {
    let symbols = symbols(language, text);
    let all = symbols.references.iter().filter(|reference| reference.kind == kind);
    let found: Vec<_> = all.map(|of| (of.name.as_str(), &*of.lines)).collect();
    assert_eq!(found, expected, "{language}");
}

const RUST: &str = include_str!("snippets/queue.rs");
const PYTHON: &str = include_str!("snippets/queue.py");
const GO: &str = include_str!("snippets/queue.go");

#[test]
fn rust() {
    assert_defines(
        "rust",
        RUST,
        &[
            ("struct", "Queue", 7, 10),
            ("field", "Queue::jobs", 8, 8),
            ("field", "Queue::claimed", 9, 9),
            ("impl", "Queue", 12, 25),
            ("method", "Queue::claim", 15, 19),
            ("method", "Queue::put", 21, 24),
            ("impl", "<Queue<T> as std::fmt::Display>", 27, 31),
            ("method", "<Queue<T> as std::fmt::Display>::fmt", 28, 30),
            ("module", "inner", 33, 39),
            ("trait", "inner::Job", 34, 37),
            ("method", "inner::Job::run", 35, 35),
            ("method", "inner::Job::name", 36, 36),
            ("macro", "inner::twice", 38, 38),
        ],
    );
    let calls: &[(&str, &[u32])] = &[
        ("Some", &[18]),
        ("clone", &[22]),
        ("len", &[]),
        ("make_contiguous", &[23]),
        ("pop_front", &[16]),
        ("push_back", &[22]),
        ("to_owned", &[36]),
        ("write", &[29]),
    ];
    let calls: Vec<_> = calls.iter().copied().filter(|(_, lines)| !lines.is_empty()).collect();
    assert_uses("rust", RUST, ReferenceKind::Call, &calls);
    assert_uses("rust", RUST, ReferenceKind::Import, &[("VecDeque", &[3])]);
}

#[test]
fn an_impl_for_a_foreign_or_generic_type_defines_its_methods_and_not_the_type() {
    let text = "impl FromHex for Vec<u8> {\n    fn from_hex() {}\n}\n\nimpl<T: Read> Load for T {\n    \
                const N: u8 = 1;\n    fn load(&self) {\n        const LOCAL: u8 = 2;\n    }\n}\n";
    assert_defines(
        "rust",
        text,
        &[
            ("impl", "<Vec<u8> as FromHex>", 1, 3),
            ("method", "<Vec<u8> as FromHex>::from_hex", 2, 2),
            ("impl", "<T as Load>", 5, 10),
            ("constant", "<T as Load>::N", 6, 6),
            ("method", "<T as Load>::load", 7, 9),
        ],
    );
    let symbols = symbols("rust", text);
    assert_eq!(symbols.defines(0..u32::MAX), ["from_hex", "N", "load"]);
    assert!(symbols.named("Vec").iter().all(|definition| !definition.kind.is_named()));
    assert_eq!(symbols.named("Vec::from_hex")[0].start_line, 2);
}

#[test]
fn python() {
    assert_defines(
        "python",
        &format!("{PYTHON}LIMIT: int = 3\nfirst, last = 1, 2\n"),
        &[
            ("class", "Queue", 5, 19),
            ("method", "Queue.__init__", 8, 10),
            ("method", "Queue.length", 13, 15),
            ("class", "Queue.Empty", 17, 19),
            ("method", "Queue.Empty.__str__", 18, 19),
            ("function", "claim", 23, 26),
            ("variable", "LIMIT", 30, 30),
        ],
    );
    assert_uses(
        "python",
        PYTHON,
        ReferenceKind::Import,
        &[("Optional", &[3]), ("collections", &[2]), ("typing", &[3])],
    );
    assert_uses("python", PYTHON, ReferenceKind::Type, &[("Optional", &[23]), ("float", &[23]), ("int", &[13])]);
}

#[test]
fn javascript_and_typescript() {
    let old = "exports.open = function (path) {};\nQueue.prototype.put = function () {};\n\
               const all = { claim: (id) => id };\n";
    assert_defines(
        "javascript",
        old,
        &[
            ("function", "open", 1, 1),
            ("function", "Queue.put", 2, 2),
            ("variable", "all", 3, 3),
            ("function", "all.claim", 3, 3),
        ],
    );
    assert_defines(
        "javascript",
        include_str!("snippets/queue.jsx"),
        &[
            ("function", "JobRow", 4, 7),
            ("class", "Queue", 9, 19),
            ("field", "Queue.state", 10, 10),
            ("method", "Queue.claim", 12, 14),
            ("method", "Queue.render", 16, 18),
            ("function", "pages", 21, 23),
        ],
    );
    assert_defines(
        "typescript",
        include_str!("snippets/queue.ts"),
        &[
            ("interface", "Job", 1, 5),
            ("field", "Job.id", 2, 2),
            ("field", "Job.payload", 3, 3),
            ("field", "Job.attempts", 4, 4),
            ("type", "State", 7, 7),
            ("enum", "Priority", 9, 9),
            ("variant", "Priority.Low", 9, 9),
            ("variant", "Priority.Normal", 9, 9),
            ("variant", "Priority.High", 9, 9),
            ("variant", "Priority.Urgent", 9, 9),
            ("module", "Store", 11, 22),
            ("class", "Store.Base", 12, 21),
            ("field", "Store.Base.jobs", 13, 13),
            ("method", "Store.Base.onClaim", 14, 14),
            ("method", "Store.Base.close", 15, 15),
            ("method", "Store.Base.claim", 16, 20),
            ("function", "open", 24, 26),
        ],
    );
}

#[test]
fn go() {
    assert_defines(
        "go",
        &format!(
            "{GO}\nconst a, b = 1, 2\n\ntype Store interface {{\n\tPut(name string)\n}}\n\nvar Default = New[int]()\n"
        ),
        &[
            ("struct", "Queue", 10, 13),
            ("field", "Queue.mu", 11, 11),
            ("field", "Queue.jobs", 12, 12),
            ("method", "Queue.Claim", 16, 25),
            ("function", "New", 27, 29),
            ("constant", "a", 31, 31),
            ("constant", "b", 31, 31),
            ("interface", "Store", 33, 35),
            ("method", "Store.Put", 34, 34),
            ("variable", "Default", 37, 37),
        ],
    );
    assert_uses("go", GO, ReferenceKind::Import, &[("errors", &[5]), ("sync", &[6])]);
}

#[test]
fn java() {
    assert_defines(
        "java",
        include_str!("snippets/queue.java"),
        &[
            ("class", "Queue", 6, 25),
            ("field", "Queue.jobs", 7, 7),
            ("constructor", "Queue.Queue", 9, 11),
            ("method", "Queue.claim", 14, 18),
            ("enum", "Queue.State", 20, 20),
            ("variant", "Queue.State.QUEUED", 20, 20),
            ("variant", "Queue.State.RUNNING", 20, 20),
            ("variant", "Queue.State.DONE", 20, 20),
            ("variant", "Queue.State.DEAD", 20, 20),
            ("variant", "Queue.State.CANCELLED", 20, 20),
            ("variant", "Queue.State.UNKNOWN", 20, 20),
            ("class", "Queue.Job", 22, 24),
            ("constructor", "Queue.Job.Job", 23, 23),
            ("interface", "Store", 27, 27),
            ("method", "Store.put", 27, 27),
            ("method", "Store.get", 27, 27),
        ],
    );
}

#[test]
fn c_and_cpp() {
    let text = "int open_queue(const char *path);\nextern int queues;\nstatic int limit = 3, (*handler)(int);\n\
                enum state { QUEUED, RUNNING };\nstruct job *first;\n";
    assert_defines(
        "c",
        text,
        &[
            ("declaration", "open_queue", 1, 1),
            ("declaration", "queues", 2, 2),
            ("variable", "limit", 3, 3),
            ("variable", "handler", 3, 3),
            ("enum", "state", 4, 4),
            ("variant", "state::QUEUED", 4, 4),
            ("variant", "state::RUNNING", 4, 4),
            ("variable", "first", 5, 5),
        ],
    );
    assert_defines(
        "c",
        include_str!("snippets/queue.c"),
        &[
            ("macro", "MAX", 2, 2),
            ("struct", "job", 5, 9),
            ("field", "job::next", 6, 6),
            ("field", "job::name", 7, 7),
            ("field", "job::attempts", 8, 8),
            ("type", "queue_t", 11, 11),
            ("field", "first", 11, 11),
            ("field", "last", 11, 11),
            ("function", "queue_claim", 14, 20),
            ("function", "handler", 22, 25),
        ],
    );
    assert_defines(
        "cpp",
        include_str!("snippets/queue.cpp"),
        &[
            ("module", "warm", 3, 27),
            ("class", "warm::Queue", 7, 15),
            ("method", "warm::Queue::Queue", 9, 9),
            ("method", "warm::Queue::front", 10, 10),
            ("declaration", "warm::Queue::claim", 11, 11),
            ("field", "warm::Queue::jobs_", 14, 14),
            ("method", "warm::Queue<T>::claim", 18, 23),
            ("enum", "warm::State", 25, 25),
            ("variant", "warm::State::queued", 25, 25),
            ("variant", "warm::State::running", 25, 25),
            ("variant", "warm::State::done", 25, 25),
            ("variant", "warm::State::dead", 25, 25),
            ("variant", "warm::State::cancelled", 25, 25),
            ("variant", "warm::State::unknown", 25, 25),
        ],
    );
    assert_eq!(symbols("cpp", include_str!("snippets/queue.cpp")).named("Queue::claim").len(), 2);
}

#[test]
fn markdown_and_a_language_without_a_grammar() {
    assert_defines(
        "markdown",
        include_str!("snippets/queue.md"),
        &[
            ("section", "The queue", 4, 24),
            ("section", "The queue > Claiming", 8, 20),
            ("section", "The queue > Claiming > Fences", 17, 20),
            ("section", "The queue > Appendix", 21, 24),
        ],
    );
    assert_defines(
        "toml",
        "[package]\nname = \"a\"\n\n[lints]\n",
        &[("section", "package", 1, 2), ("section", "lints", 4, 4)],
    );
    assert_defines("text", "def no\n", &[]);
}

#[test]
fn a_broken_text_and_one_that_is_too_deep_keep_what_symbols_they_have() {
    let text = "fn good() { call(1, 2) }\n\nfn broken( {\n\nstruct After { a: u32 }\n";
    assert!(symbols("rust", text).defines(0..u32::MAX).contains(&"good"));
    let deep = format!("{}{}", "mod a { ".repeat(3_000), "}".repeat(3_000));
    let rust = Language::by_name("rust").expect("known");
    let symbols = Symbols::of(&deep, rust, &deadline()).expect("read in time");
    assert_eq!(symbols.definitions.len(), 3_000);
    assert!(symbols.definitions.iter().all(|definition| definition.qualified.len() <= 240));
}

#[test]
fn symbols_are_bounded() {
    let many: String =
        (0..9_000).map(|n| format!("#define M{n} f{n}\nint g{n}(void) {{ return f{n}(); }}\n")).collect();
    let symbols = symbols("c", &many);
    assert_eq!((symbols.definitions.len(), symbols.references.len()), (4_000, 1_000));
    let often = "f();\n".repeat(100);
    let symbols = Symbols::of(&often, Language::by_name("javascript").expect("known"), &deadline()).expect("in time");
    assert_eq!(symbols.references[0].lines, (1..=16).collect::<Vec<u32>>());
}

#[test]
fn the_fingerprint_of_the_symbols_is_the_same_each_time() {
    assert_eq!(symbols_id(), symbols_id());
}
