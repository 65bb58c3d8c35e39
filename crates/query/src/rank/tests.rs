use std::sync::Arc;

use proptest::prelude::*;
use warmer_content::{ArtifactKey, Digest, Vector, text_key};
use warmer_store::RepositoryId;

use super::corpus::Wants;
use super::*;
use crate::segment::{NewChunk, NewFile, Segment, SegmentWriter, Snapshot};

/// A file of chunks: the symbol of each, which begins there, and its text.
#[derive(Clone, Debug)]
struct File {
    path: String,
    language: &'static str,
    chunks: Vec<(Option<&'static str>, String)>,
}

fn file(path: &str, chunks: &[&str]) -> File {
    let language = if path.ends_with(".md") { "markdown" } else { "rust" };
    File { path: path.to_owned(), language, chunks: chunks.iter().map(|text| (None, (*text).to_owned())).collect() }
}

fn defining(path: &str, name: &'static str, text: &str) -> File {
    File { chunks: vec![(Some(name), text.to_owned())], ..file(path, &[]) }
}

/// Texts with the same letters are near.
fn letters(text: &str) -> Vector {
    let mut counts = [0.0_f32; 26];
    text.bytes().filter(u8::is_ascii_lowercase).for_each(|letter| counts[usize::from(letter - b'a')] += 1.0);
    Vector::normalized(&counts)
}

fn segment(files: &[&File]) -> Segment {
    let mut files = files.to_vec();
    files.sort_by_key(|file| &file.path);
    let mut writer = SegmentWriter::new();
    for File { path, language, chunks } in files {
        let vectors: Vec<_> = chunks.iter().map(|(_, text)| letters(text)).collect();
        let chunks = chunks.iter().zip(&vectors).zip(1..).map(|(((defines, text), vector), line)| NewChunk {
            text,
            header: language,
            symbol: *defines,
            start_line: line,
            end_line: line,
            key: text_key(text),
            vector: Some(vector),
            defines: defines.iter().filter_map(|symbol| symbol.rsplit("::").next()).collect(),
        });
        let artifact = ArtifactKey(Digest::of(path.as_bytes()));
        writer.add(&NewFile { path, artifact, language, chunks: chunks.collect() });
    }
    Segment::from_bytes(writer.finish()).unwrap()
}

fn snapshot(repository: i64, parts: &[Vec<&File>]) -> Snapshot {
    let segments = parts.iter().map(|files| Arc::new(segment(files)));
    Snapshot::of(RepositoryId(repository), segments.collect())
}

/// Path and position of each answer, with its score.
fn ranked(snapshots: &[Snapshot], query: &str, signals: Signals, wants: Option<Wants<'_>>) -> Vec<(String, f32)> {
    let corpus = Corpus::new(snapshots, wants);
    let vector = letters(query);
    let question = Question::of(query, true, Sides::default());
    let all = rank(&corpus, &question, Some(&Probe::new(&vector)), &signals, 50);
    let name = |ranked: &Ranked| format!("{}#{}", corpus.file_of(ranked.place).1, corpus.number(ranked.place));
    all.iter().map(|ranked| (name(ranked), ranked.score)).collect()
}

/// The paths in their order.
fn order(files: &[File], query: &str, signals: Signals) -> Vec<String> {
    let all = [snapshot(1, &[files.iter().collect()])];
    ranked(&all, query, signals, None).into_iter().map(|(name, _)| name).collect()
}

/// Fails unless `first` is the best answer, and is not without this signal.
fn assert_puts_first(files: &[File], query: &str, first: &str, without: Signals) {
    let (all, less) = (order(files, query, Signals::ALL), order(files, query, without));
    assert_eq!(all[0], first, "{all:?}");
    assert_ne!(less[0], first, "without it: {less:?}");
}

const ALL: Signals = Signals::ALL;

#[test]
fn what_has_the_words_stands_above_what_is_only_near() {
    let files = [file("a.rs", &["retry delay"]), file("b.rs", &["yaled yrter yaled yrter"])];
    let without = Signals { words: false, ..ALL };
    assert_eq!(order(&files, "retry delay", ALL)[0], "a.rs#0");
    let scores = |signals| ranked(&[snapshot(1, &[files.iter().collect()])], "retry delay", signals, None);
    let (with, without) = (scores(ALL), scores(without));
    assert!(with[0].1 > 1.5 * with[1].1 && without[0].1 < 1.01 * without[1].1, "{with:?} {without:?}");
}

#[test]
fn what_is_near_stands_above_what_has_a_word_by_chance() {
    let chance = format!("delay delay delay {}", "z".repeat(40));
    let files = [file("a.rs", &[&chance]), file("b.rs", &["delay yrter gnitiaw"])];
    assert_puts_first(&files, "retry delay waiting", "b.rs#0", Signals { meaning: false, ..ALL });
}

#[test]
fn the_definition_of_a_name_stands_above_its_uses() {
    let uses = "claim claim claim claim";
    let files = [file("a.rs", &[uses]), defining("b.rs", "claim", "fn claim() { the body of it is long and odd }")];
    assert_puts_first(&files, "claim", "b.rs#0", Signals { definition: false, ..ALL });
}

#[test]
fn the_definition_that_belongs_to_the_owner_in_the_question_stands_above_others() {
    let other = "claim claim Queue claim Queue";
    let files =
        [defining("a.rs", "Stack::claim", other), defining("b.rs", "Queue::claim", "fn claim() { long and odd }")];
    assert_eq!(order(&files, "Queue::claim", ALL)[0], "b.rs#0");
    assert_eq!(order(&files, "claim", ALL)[0], "a.rs#0", "without an owner both are meant");
}

#[test]
fn the_file_that_is_called_like_the_question_stands_above_others() {
    let files = [file("src/a.rs", &["retry retry"]), file("src/retry.rs", &["how long to wait"])];
    assert_puts_first(&files, "retry", "src/retry.rs#0", Signals { file_name: false, ..ALL });
    let files = [file("lib/other.rs", &["mime mime types"]), file("lib/utils.rs", &["some code"])];
    assert_eq!(order(&files, "lib/utils.rs", ALL)[0], "lib/utils.rs#0", "a path names its file");
}

#[test]
fn a_file_is_called_by_another_form_of_a_word_or_by_its_beginning_but_not_by_another_word() {
    let words = |text: &str| crate::words::all_words(text);
    for (question, name) in [
        ("parse", "parser"),
        ("parsing", "parsers"),
        ("validate", "validation"),
        ("serializer", "serialize"),
        ("authentication", "auth"),
        ("configuration", "config"),
        ("parameters", "param"),
        ("spec", "specification"),
        ("retries", "retry"),
    ] {
        assert!(is_said(&words(question)[0], &words(name)[0]), "{question} {name}");
    }
    for (question, name) in
        [("command", "comma"), ("format", "form"), ("listen", "list"), ("portable", "por"), ("hashing", "has")]
    {
        assert!(!is_said(&words(question)[0], &words(name)[0]), "{question} {name}");
    }
    let share = |path| {
        let question = Question::of("run a command", false, Sides::default());
        let telling = vec![1.0; question.words.len()];
        FileNames { question: &question, telling: &telling, known: HashMap::new() }.share((0, 0), path)
    };
    assert_eq!((share("src/comma.rs"), share("src/command.rs")), (0.0, 0.5));
}

#[test]
fn code_stands_above_documents_and_data_unless_they_are_asked_for() {
    let files =
        [file("guide.md", &["retry delay retry delay doc"]), file("x.rs", &["retry delay and other things here"])];
    assert_puts_first(&files, "retry delay", "x.rs#0", Signals { prose: false, ..ALL });
    assert_eq!(order(&files, "doc of the retry delay", ALL)[0], "guide.md#0");
}

#[test]
fn code_stands_above_its_tests_and_examples_unless_they_are_asked_for() {
    for (path, asking) in [("tests/a.rs", "test of the retry delay"), ("examples/a.rs", "example of the retry delay")] {
        let files = [file(path, &["retry delay retry delay"]), file("x.rs", &["retry delay and other things here"])];
        assert_puts_first(&files, "retry delay", "x.rs#0", Signals { aside: false, ..ALL });
        assert_eq!(order(&files, asking, ALL)[0], format!("{path}#0"));
    }
}

#[test]
fn the_file_with_other_good_chunks_stands_above_one_without() {
    let one = ["retry delay one", "retry delay two", "retry delay six"];
    let files = [file("a.rs", &["retry delay"]), file("b.rs", &one)];
    assert_puts_first(&files, "retry delay", "b.rs#0", Signals { company: false, ..ALL });
}

#[test]
fn one_word_of_many_counts_as_little_as_it_says() {
    let files = [file("a.rs", &["claim xxxxx"]), file("b.rs", &["yrter yaled gnitiaw eueuq mialc"])];
    assert_eq!(order(&files, "retry delay waiting queue claim", ALL)[0], "b.rs#0", "all but the order of its letters");
    assert_eq!(order(&files, "claim", ALL)[0], "a.rs#0", "where it is all of the question");
}

#[test]
fn a_word_that_stands_nowhere_is_a_part_of_the_question_too() {
    let (corpus, asked) = (snapshot(1, &[vec![&file("a.rs", &["retry"])]]), ["retri", "nowher"].map(str::to_owned));
    let corpus = [corpus];
    let corpus = Corpus::new(&corpus, None);
    let worth = |words: &[String]| WordScores::of(&corpus, words).get(Place { part: 0, chunk: 0 });
    assert!(worth(&asked) < worth(&asked[..1]) / 2.0, "what nobody has tells the most");
    assert_eq!(worth(&asked[1..]), 0.0);
}

#[test]
fn a_cosine_counts_by_where_it_stands_between_the_last_candidate_and_the_nearest() {
    for (it, expected) in [(0.55, 1.0), (0.5, 0.5), (0.45, 0.0), (0.2, 0.0), (-0.1, 0.0)] {
        assert!((between(0.45, it, 0.55) - expected).abs() < 1e-5, "{it}");
    }
    assert_eq!(between(0.5, 0.5, 0.5), 1.0, "the only one");
    let files = [file("a.rs", &["aaa b"]), file("b.rs", &["aab accc"]), file("c.rs", &["a bbbbbb"])];
    let (all, vector) = ([snapshot(1, &[files.iter().collect()])], letters("aaab"));
    let (corpus, question) = (Corpus::new(&all, None), Question::of("aaab", true, Sides::default()));
    let scores = |limit| {
        let found = rank(&corpus, &question, Some(&Probe::new(&vector)), &Signals { company: false, ..ALL }, limit);
        found.iter().map(|ranked| (corpus.file_of(ranked.place).1, (100.0 * ranked.score).round())).collect::<Vec<_>>()
    };
    assert_eq!(scores(2), [("a.rs", 50.0), ("b.rs", 0.0)], "half for the nearest, which has no word");
    assert_eq!(scores(3)[1..], [("b.rs", 24.0), ("c.rs", 0.0)]);
    assert_eq!(scores(4)[1..], [("b.rs", 36.0), ("c.rs", 23.0)], "of so few none is far away");
}

#[test]
fn a_text_that_stands_in_several_places_is_one_answer_at_the_best_of_them() {
    let files = [file("tests/a.rs", &["retry delay"]), file("z.rs", &["retry delay"]), file("y.rs", &["retry"])];
    let all = [snapshot(1, &[files.iter().collect()]), snapshot(2, &[files.iter().collect()])];
    let corpus = Corpus::new(&all, None);
    let question = Question::of("retry delay", false, Sides::default());
    let found = rank(&corpus, &question, None, &ALL, 50);
    let first = &found[0];
    assert_eq!((corpus.file_of(first.place), found.len()), ((RepositoryId(1), "z.rs"), 2));
    let copies: Vec<_> = first.copies.iter().map(|place| corpus.file_of(*place)).collect();
    let expected = [(1, "tests/a.rs"), (2, "tests/a.rs"), (2, "z.rs")];
    assert_eq!(copies, expected.map(|(id, path)| (RepositoryId(id), path)));
}

#[test]
fn without_a_vector_a_text_is_found_by_its_words_and_without_a_model_all_are() {
    let files = [file("a.rs", &["retry delay"]), file("b.rs", &["something else"])];
    let all = [snapshot(1, &[files.iter().collect()])];
    let corpus = Corpus::new(&all, None);
    let found = rank(&corpus, &Question::of("delay", false, Sides::default()), None, &ALL, 50);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].similarity, &*found[0].reasons), (None, &[Reason::Words][..]));
}

fn files() -> impl Strategy<Value = Vec<File>> {
    let word = prop::sample::select(vec!["retry", "delay", "queue", "parseDate", "the", "claim", "Job", "http"]);
    let text = prop::collection::vec(word, 1..9).prop_map(|words| words.join(" "));
    let name = prop::sample::select(vec![None, None, Some("claim"), Some("parseDate"), Some("retry")]);
    let paths =
        vec!["src/retry.rs", "src/queue.rs", "tests/queue.rs", "README.md", "docs/a.md", "lib/http/date.rs", "a.rs"];
    let file = |path: &'static str, chunks| File { chunks, ..file(path, &[]) };
    let paths = prop::sample::subsequence(paths, 1..7);
    paths.prop_flat_map(move |paths| {
        let (text, name) = (text.clone(), name.clone());
        let chunks = prop::collection::vec((name, text), 1..4);
        paths.into_iter().map(move |path| chunks.clone().prop_map(move |chunks| file(path, chunks))).collect::<Vec<_>>()
    })
}

fn query() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "retry delay",
        "parseDate",
        "how is a job claimed",
        "src/queue.rs",
        "http",
        "tests of the queue",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_same_files_have_the_same_order_whatever_segments_they_lie_in(
        files in files(),
        query in query(),
        parts in prop::collection::vec(0_usize..3, 7),
    ) {
        let one = [snapshot(1, &[files.iter().collect()])];
        let in_part = |number| files.iter().zip(&parts).filter(move |(_, part)| **part == number);
        let part = |number| in_part(number).map(|(file, _)| file).collect();
        let several = [snapshot(1, &[part(0), part(1), part(2)])];
        let of_one = ranked(&one, query, ALL, None);
        prop_assert_eq!(&of_one, &ranked(&several, query, ALL, None));
        prop_assert_eq!(of_one, ranked(&one, query, ALL, None));
    }

    #[test]
    fn a_filter_holds(
        files in files(),
        query in query(),
        wanted in prop::collection::vec(any::<bool>(), 3),
    ) {
        let all = [snapshot(1, &[files.iter().collect()])];
        let wants = |path: &str, _: &str| wanted[path.len() % 3];
        for (name, _) in ranked(&all, query, ALL, Some(&wants)) {
            let path = name.split('#').next().unwrap_or_default();
            prop_assert!(wanted[path.len() % 3], "{}", path);
        }
    }

    #[test]
    fn scores_fall_and_each_text_is_there_once(files in files(), query in query()) {
        let all = [snapshot(1, &[files.iter().collect()]), snapshot(2, &[files.iter().collect()])];
        let corpus = Corpus::new(&all, None);
        let vector = letters(query);
        let found = rank(&corpus, &Question::of(query, true, Sides::default()), Some(&Probe::new(&vector)), &ALL, 50);
        prop_assert!(found.is_sorted_by(|one, other| one.score >= other.score));
        let mut texts: Vec<_> = found.iter().map(|ranked| candidates::key(&corpus, ranked.place)).collect();
        texts.sort();
        texts.dedup();
        prop_assert_eq!(texts.len(), found.len());
        let places: usize = found.iter().map(|ranked| 1 + ranked.copies.len()).sum();
        prop_assert_eq!(places, 2 * files.iter().map(|file| file.chunks.len()).sum::<usize>());
    }
}
