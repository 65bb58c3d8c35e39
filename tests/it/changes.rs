//! Another model, another limit, another rule is noticed though no commit came, and what it does not touch is kept.

use warmer_tests::sources::rust;
use warmer_tests::{GIT, Need, Repo, Warmer, model, needs};

#[test]
fn another_model_embeds_everything_anew() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (Repo::generated(10, 1_000, 1), Warmer::toy());
    let first = warmer.warm([repo.path()]);
    model::write_toy(&warmer.model(), 2);
    let second = warmer.warm([repo.path()]);
    assert_eq!((second.one().verdict(), second.one().embedded()), ("fresh", first.one().embedded()));
    assert_eq!(second.one().number("/bytes"), 0, "of texts that are stored: {:?}", second.ran);
    warmer.database().assert_whole();
    model::write_toy(&warmer.model(), 1);
    let back = warmer.warm([repo.path()]);
    assert_eq!((back.one().verdict(), back.one().embedded()), ("fresh", 0));
}

#[test]
fn chunks_are_the_same_whatever_the_model_reads_at_once_and_counts_as_a_token() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(10, 4_000, 1), Warmer::toy());
    let first = warmer.warm([repo.path()]);
    let tokenizer = warmer.model().join("tokenizer.json");
    let lower = std::fs::read_to_string(&tokenizer).expect("the toy model has it");
    let cased = lower.replace(r#""normalizer":{"type":"Lowercase"}"#, r#""normalizer":null"#);
    assert_ne!(cased, lower);
    std::fs::write(&tokenizer, cased).expect("a writable file");
    warmer.set("model.length_max", "16");
    let second = warmer.warm([repo.path()]);
    let (before, after) = (first.one(), second.one());
    assert_eq!((after.verdict(), after.chunks(), after.embedded()), ("fresh", before.chunks(), before.embedded()));
    assert_eq!(after.number("/bytes"), 0, "no file was cut anew: {:?}", second.ran);
    assert!(after.number("/tokens") > before.number("/tokens"), "all is read, in more tokens: {:?}", second.ran);
    warmer.database().assert_whole();
}

#[test]
fn other_chunk_limits_cut_anew_and_keep_the_vectors_of_the_same_texts() {
    needs!(GIT, Need::Runtime);
    let (mut repo, mut warmer) = (Repo::new(), Warmer::toy());
    repo.write("small.rs", "/// Adds.\nfn add(a: u8, b: u8) -> u8 {\n    a + b\n}\n").write("long.rs", rust(1, 9_000));
    repo.commit("one");
    let first = warmer.warm([repo.path()]);
    warmer.set("content.chunk_size", "120");
    let second = warmer.warm([repo.path()]);
    let (before, after) = (first.one(), second.one());
    assert_eq!(after.verdict(), "warmed");
    assert!(after.chunks() > before.chunks() && after.embedded() > 0, "{:?}", second.ran);
    assert!(after.reused() >= 1, "small.rs is the same single chunk: {:?}", second.ran);
    warmer.database().assert_whole();
    assert_eq!(warmer.warm([repo.path()]).one().verdict(), "fresh");
}

#[test]
fn other_rules_change_what_is_served_and_embed_only_what_is_new() {
    needs!(GIT, Need::Runtime);
    let (mut repo, mut warmer) = (Repo::generated(6, 1_000, 1), Warmer::toy());
    repo.write("vendor/theirs.rs", rust(50, 1_000)).write("docs/a.md", "# A\n\nText.\n").commit("two");
    assert_eq!(warmer.warm([repo.path()]).one().skipped("vendored"), 1);
    warmer.set("content.exclude", r#"["docs"]"#);
    let fewer = warmer.warm([repo.path()]);
    assert_eq!((fewer.one().verdict(), fewer.one().embedded(), fewer.one().skipped("excluded")), ("warmed", 0, 1));
    warmer.set("content.exclude", "[]").set("content.vendored", "true");
    let more = warmer.warm([repo.path()]);
    assert_eq!((more.one().verdict(), more.one().skipped("vendored")), ("warmed", 0));
    let scratch = Warmer::toy();
    let new: u64 = {
        let mut other = Repo::new();
        other.write("a.rs", rust(50, 1_000)).commit("only theirs");
        scratch.warm([other.path()]).one().embedded()
    };
    assert_eq!(more.one().embedded(), new);
    warmer.database().assert_whole();
}
