//! What texts define and refer to in the languages whose grammar is used for that alone, and that they are cut as
//! before they had it.

use warmer_content::{Chunk, ChunkLimits, ReferenceKind, embedded_text, text_key};

use crate::support::{assert_defines, assert_uses, cut, limits};

const PHP: &str = include_str!("snippets/queue.php");
const RUBY: &str = include_str!("snippets/queue.rb");
const C_SHARP: &str = include_str!("snippets/queue.cs");

#[test]
fn a_language_with_a_grammar_for_its_symbols_alone_is_cut_as_text_without_one() {
    let small = ChunkLimits { size: 48, ..limits() };
    let ranges = |chunks: &[Chunk]| chunks.iter().map(|chunk| (chunk.start, chunk.end)).collect::<Vec<_>>();
    for (language, text) in [("c_sharp", C_SHARP), ("php", PHP), ("ruby", RUBY)] {
        let chunks = cut(text, language, small);
        assert!(chunks.len() > 2, "{language}: {chunks:?}");
        // Dart has no grammar.
        assert_eq!(ranges(&chunks), ranges(&cut(text, "dart", small)), "{language}");
        for chunk in chunks {
            assert_eq!((chunk.symbol.as_deref(), chunk.header.as_str()), (None, language));
            let body = &text[chunk.start as usize..chunk.end as usize];
            assert_eq!(chunk.key, text_key(&embedded_text(language, body)), "{language}");
        }
    }
}

#[test]
fn php() {
    assert_defines(
        "php",
        PHP,
        &[
            ("module", r"App\Queue", 3, 47),
            ("constant", r"App\Queue\QUEUE_LIMIT", 8, 8),
            ("constant", r"App\Queue\RETRIES", 9, 9),
            ("interface", r"App\Queue\Store", 11, 14),
            ("method", r"App\Queue\Store::put", 13, 13),
            ("enum", r"App\Queue\State", 16, 20),
            ("variant", r"App\Queue\State::Queued", 18, 18),
            ("variant", r"App\Queue\State::Done", 19, 19),
            ("class", r"App\Queue\Queue", 22, 42),
            ("constant", r"App\Queue\Queue::LIMIT", 26, 26),
            ("field", r"App\Queue\Queue::jobs", 27, 27),
            ("field", r"App\Queue\Queue::claimed", 27, 27),
            ("method", r"App\Queue\Queue::__construct", 29, 32),
            ("field", r"App\Queue\Queue::logger", 29, 29),
            ("method", r"App\Queue\Queue::claim", 35, 41),
            ("trait", r"App\Queue\Notifies", 44, 47),
            ("method", r"App\Queue\Notifies::notify", 46, 46),
            ("module", r"App\Tools", 49, 56),
            ("function", r"App\Tools\helper", 51, 54),
        ],
    );
    assert_defines("php", "<?php\nnamespace A { class B {} }\n", &[("module", "A", 2, 2), ("class", r"A\B", 2, 2)]);
    assert_defines(
        "php",
        "<?php\nclass A { function b() {\n  namespace C;\n  class D {}\n} }\nclass E {}\n",
        &[
            ("class", "A", 2, 5),
            ("method", "A::b", 2, 5),
            ("module", r"A::b::C", 3, 3),
            ("class", "A::b::D", 4, 4),
            ("class", "E", 6, 6),
        ],
    );
    let calls: &[(&str, &[u32])] = &[
        ("Job", &[31]),
        ("array_filter", &[37]),
        ("define", &[8]),
        ("fits", &[38]),
        ("open", &[40]),
        ("strtolower", &[53]),
        ("take", &[40]),
    ];
    assert_uses("php", PHP, ReferenceKind::Call, calls);
    let imports: &[(&str, &[u32])] = &[("Hand", &[5]), ("Job", &[5]), ("LoggerInterface", &[6]), ("Worker", &[5])];
    assert_uses("php", PHP, ReferenceKind::Import, imports);
    let types: &[(&str, &[u32])] = &[
        ("Base", &[22]),
        ("Countable", &[11]),
        ("Job", &[13, 35]),
        ("LoggerInterface", &[29]),
        ("Notifies", &[24]),
        ("Store", &[22]),
    ];
    assert_uses("php", PHP, ReferenceKind::Type, types);
}

#[test]
fn ruby() {
    assert_defines(
        "ruby",
        RUBY,
        &[
            ("module", "Warm", 3, 47),
            ("constant", "Warm::LIMIT", 4, 4),
            ("class", "Warm::Queue", 8, 46),
            ("field", "Warm::Queue::size", 10, 10),
            ("field", "Warm::Queue::name", 10, 10),
            ("field", "Warm::Queue::jobs", 11, 11),
            ("constant", "Warm::Queue::STATES", 13, 13),
            ("method", "Warm::Queue::open", 15, 17),
            ("method", "Warm::Queue::claim", 19, 22),
            ("method", "Warm::Queue::size=", 24, 26),
            ("method", "Warm::Queue::==", 28, 28),
            ("method", "Warm::Queue::empty?", 30, 30),
            ("method", "Warm::Queue::blank?", 32, 32),
            ("method", "Warm::Queue::take", 33, 33),
            ("method", "Warm::Queue::close", 35, 37),
            ("class", "Warm::Queue::Empty", 39, 39),
            ("method", "Warm::Queue::log", 43, 45),
            ("class", "Warm::Worker", 49, 51),
            ("method", "Warm::Worker::run", 50, 50),
            ("constant", "Point", 53, 53),
            ("function", "helper", 55, 57),
        ],
    );
    let types: &[(&str, &[u32])] = &[
        ("Base", &[8]),
        ("Comparable", &[9]),
        ("Logger", &[44]),
        ("Queue", &[56]),
        ("StandardError", &[39]),
        ("Store", &[8]),
        ("Struct", &[53]),
        ("Warm", &[49, 56]),
    ];
    assert_uses("ruby", RUBY, ReferenceKind::Type, types);
}

#[test]
fn c_sharp() {
    assert_defines(
        "c_sharp",
        C_SHARP,
        &[
            ("module", "Warm.Queues", 4, 46),
            ("type", "Warm.Queues.Claimed", 6, 6),
            ("enum", "Warm.Queues.State", 8, 8),
            ("variant", "Warm.Queues.State.Queued", 8, 8),
            ("variant", "Warm.Queues.State.Done", 8, 8),
            ("interface", "Warm.Queues.IQueue", 10, 14),
            ("method", "Warm.Queues.IQueue.Claim", 12, 12),
            ("field", "Warm.Queues.IQueue.Count", 13, 13),
            ("class", "Warm.Queues.Queue", 16, 44),
            ("constant", "Warm.Queues.Queue.Limit", 19, 19),
            ("constant", "Warm.Queues.Queue.Gate", 20, 20),
            ("constant", "Warm.Queues.Queue.Lock", 20, 20),
            ("field", "Warm.Queues.Queue.size", 21, 21),
            ("field", "Warm.Queues.Queue.taken", 21, 21),
            ("field", "Warm.Queues.Queue.Opened", 22, 22),
            ("constructor", "Warm.Queues.Queue.Queue", 24, 27),
            ("field", "Warm.Queues.Queue.Count", 29, 29),
            ("method", "Warm.Queues.Queue.Claim", 32, 36),
            ("function", "Warm.Queues.Queue.Claim.Fits", 34, 34),
            ("method", "Warm.Queues.Queue.Dispose", 38, 38),
            ("struct", "Warm.Queues.Queue.Slot", 40, 43),
            ("field", "Warm.Queues.Queue.Slot.At", 42, 42),
            ("class", "Warm.Queues.Worker", 46, 46),
        ],
    );
    let calls: &[(&str, &[u32])] = &[("First", &[35]), ("Open", &[35])];
    assert_uses("c_sharp", C_SHARP, ReferenceKind::Call, calls);
    assert_uses("c_sharp", C_SHARP, ReferenceKind::Import, &[("Jobs", &[2]), ("List", &[2]), ("System", &[1])]);
    let types: &[(&str, &[u32])] = &[
        ("Base", &[17]),
        ("EventHandler", &[22]),
        ("IDisposable", &[10]),
        ("IQueue", &[17]),
        ("Job", &[22, 34]),
        ("Serializable", &[16]),
        ("T", &[12, 17, 32, 35]),
    ];
    assert_uses("c_sharp", C_SHARP, ReferenceKind::Type, types);
}
