//! What a text defines and refers to, on a small real file of each language.

use warmer_content::{Language, ReferenceKind, Symbols, symbols_id};

use crate::support::{assert_defines, assert_uses, deadline, symbols};

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
fn a_constant_of_java_is_told_from_a_field_by_its_modifiers() {
    assert_defines(
        "java",
        "class A {\n  private static final int MAX = 3, MIN = 1;\n  final int size = 2;\n  static int open;\n}\n\
         interface L {\n  int LOW = 0;\n}\n",
        &[
            ("class", "A", 1, 5),
            ("constant", "A.MAX", 2, 2),
            ("constant", "A.MIN", 2, 2),
            ("field", "A.size", 3, 3),
            ("field", "A.open", 4, 4),
            ("interface", "L", 6, 8),
            ("constant", "L.LOW", 7, 7),
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

#[test]
fn the_signature_in_a_line_without_end_is_cut_between_letters() {
    let letters = "検".repeat(600);
    // What is looked at around a name begins and ends at each byte of a letter once.
    for blanks in ["", " ", "  "] {
        let text = format!("/*{letters}*/{blanks}fn claim() {{}}{blanks}/*{letters}*/ fn put() {{}}\n");
        let symbols = symbols("rust", &text);
        let found: Vec<_> = symbols.definitions.iter().map(|of| (of.name.as_str(), of.signature.len())).collect();
        assert_eq!(found, [("claim", 159), ("put", 159)], "letters of three bytes, of 160");
        assert!(symbols.definitions.iter().all(|of| of.signature.chars().all(|letter| letter == '検')));
    }
}
