//! A repository becomes rows; the next warm costs only what changed.

use std::fs::File;

use serde_json::Value;
use warmer_tests::process::quoted;
use warmer_tests::server::{Ask, Asked, Fault};
use warmer_tests::sources::{Random, rust, rust_function};
use warmer_tests::{Engine, GIT, Need, Repo, Server, Warmed, Warmer, needs};

/// A Rust file in which one function in the middle can be another one.
fn long_file(middle: u64) -> String {
    let function = rust_function(&mut Random::new(middle));
    format!("{}{function}{}", rust(1, 30_000), rust(2, 30_000))
}

#[test]
fn a_first_warm_makes_every_file_readable() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (Repo::generated(40, 1_500, 1), Warmer::toy());
    let warmed = warmer.warm([repo.path()]);
    warmed.ran.exits(0);
    let summary = warmed.one();
    assert_eq!((summary.verdict(), summary.commit()), ("warmed", repo.tip()));
    assert_eq!((summary.files("indexed"), summary.files("removed")), (40, 0));
    let counts = warmer.database().counts();
    assert_eq!((counts.entries, counts.artifacts, counts.staged, counts.jobs), (40, 40, 0, 0));
    assert_eq!(i64::try_from(summary.chunks()), Ok(counts.chunks));
    assert_eq!(i64::try_from(summary.embedded()), Ok(counts.vectors));
    assert!(counts.chunks >= 80, "{counts:?}");
    warmer.database().assert_whole();
}

#[test]
fn a_warm_with_nothing_new_is_one_round_trip() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(3, 500, 1);
    let server = Server::serve(repo.path());
    let mut warmer = Warmer::toy();
    warmer.set("git.protocols", r#"["http"]"#);
    assert_eq!(warmer.warm([server.url()]).one().verdict(), "warmed");
    assert_eq!(server.asked().objects, 1);
    let before = warmer.database().dump();
    let again = warmer.warm([server.url()]);
    again.ran.exits(0);
    assert_eq!((again.one().verdict(), again.one().commit()), ("fresh", repo.tip()));
    assert_eq!(server.asked(), Asked { capabilities: 1, refs: 1, ..Asked::default() });
    assert_eq!(warmer.database().dump(), before);
}

/// The graph is replaced by rubbish of the same size and time, the library by an empty file: who loads them fails. What
/// is new is served all the same.
#[test]
fn a_warm_with_nothing_new_loads_neither_model_nor_runtime() {
    needs!(GIT, Need::Runtime);
    let (mut repo, mut warmer) = (Repo::generated(3, 500, 1), Warmer::toy());
    assert_eq!(warmer.warm([repo.path()]).one().verdict(), "warmed");
    let graph = warmer.model().join("onnx/model.onnx");
    let facts = graph.metadata().expect("the toy model has a graph");
    std::fs::write(&graph, vec![0; facts.len().try_into().expect("a small file")]).expect("a writable file");
    let file = File::options().write(true).open(&graph).expect("a writable file");
    file.set_modified(facts.modified().expect("a time")).expect("a writable file");
    let library = warmer.home().join("libonnxruntime.so");
    File::create(&library).expect("a writable home");
    warmer.set("runtime.library", quoted(&library));
    let nothing = warmer.warm([repo.path()]);
    nothing.ran.exits(0);
    assert_eq!((nothing.one().verdict(), nothing.one().number("/coverage/missing")), ("fresh", 0));
    let commit = repo.write("new.rs", "fn new() {}").commit("now there is something to embed");
    let new = warmer.warm([repo.path()]);
    new.ran.exits(69);
    assert_eq!((new.one().verdict(), new.one().commit()), ("warmed", commit.as_str()));
    assert_eq!((new.one().number("/coverage/missing"), new.one().embedded()), (1, 0), "{:?}", new.ran);
    let why = new.one().0["coverage"]["error"].as_str().unwrap_or_default();
    assert!(why.contains("libonnxruntime.so"), "{:?}", new.ran);
}

#[test]
fn an_edited_function_costs_its_chunks_only() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::new(), Warmer::toy());
    repo.write("src/long.rs", long_file(10)).write("src/other.rs", rust(3, 5_000)).commit("one");
    let first = warmer.warm([repo.path()]);
    assert!(first.one().embedded() > 50, "{:?}", first.ran);
    repo.write("src/long.rs", long_file(11)).commit("two");
    let second = warmer.warm([repo.path()]);
    let summary = second.one();
    assert_eq!((summary.verdict(), summary.files("indexed"), summary.files("unchanged")), ("warmed", 1, 1));
    assert!((1..=4).contains(&summary.embedded()), "{:?}", second.ran);
    assert!(summary.reused() > 50, "the other chunks of the file: {:?}", second.ran);
    warmer.database().assert_whole();
}

#[test]
fn a_removed_file_is_no_longer_served() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::generated(5, 500, 1), Warmer::toy());
    warmer.warm([repo.path()]).ran.exits(0);
    repo.remove("src/0/file_0.rs").commit("gone");
    let second = warmer.warm([repo.path()]);
    assert_eq!((second.one().files("removed"), second.one().embedded()), (1, 0));
    assert!(!warmer.database().entries().contains("file_0.rs"));
}

#[test]
fn an_empty_commit_moves_the_served_commit() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
    warmer.warm([repo.path()]).ran.exits(0);
    let commit = repo.commit("nothing");
    let second = warmer.warm([repo.path()]);
    assert_eq!((second.one().verdict(), second.one().commit()), ("warmed", commit.as_str()));
    assert_eq!(warmer.database().query("select served_commit from repository_served"), [commit]);
}

#[test]
fn branches_and_tags_can_be_followed() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
    let main = repo.tip().to_owned();
    let side = repo.branch("side").write("side.rs", rust(9, 500)).tag("v1").commit("beside");
    repo.tag("v2");
    let target = repo.path().display().to_string();
    for (reference, commit) in [("side", &side), ("v1", &main), ("v2", &side), ("refs/heads/main", &main)] {
        let warmed = warmer.warm([target.as_str(), "--ref", reference]);
        assert_eq!(warmed.one().commit(), commit, "{reference}");
    }
    assert_eq!(warmer.database().counts().repositories, 4);
    assert_eq!(std::fs::read_dir(warmer.data().join("mirrors")).expect("mirrors").count(), 1, "one mirror for all");
}

#[test]
fn several_repositories_are_warmed_at_once() {
    needs!(GIT, Need::Runtime);
    let (repos, warmer) = ([1, 2, 3, 4, 5, 6].map(|seed| Repo::generated(5, 500, seed)), Warmer::toy());
    let warmed = warmer.warm(repos.iter().map(Repo::path));
    warmed.ran.exits(0);
    let commits: Vec<_> = warmed.all().iter().map(|summary| summary.commit().to_owned()).collect();
    assert_eq!(commits, repos.each_ref().map(Repo::tip));
    assert_eq!(warmer.database().counts().entries, 30);
}

/// Its remote answers when the vectors of the other are there.
#[test]
fn vectors_of_a_repository_do_not_wait_until_another_is_fetched() {
    needs!(GIT, Need::Runtime);
    const COMPLETE: &str = "SELECT 'complete' FROM coverage WHERE EXISTS (SELECT 1 FROM vector)
        AND NOT EXISTS (SELECT 1 FROM lack WHERE lack.repository = coverage.repository)";
    for engine in Engine::all() {
        let (late, quick, warmer) = (Repo::generated(3, 500, 1), Repo::generated(3, 500, 2), engine.warmer());
        let server = Server::serve(late.path());
        let (let_go, held) = std::sync::mpsc::channel();
        server.fault(Ask::Objects, Fault::Meanwhile(Box::new(move || held.recv().expect("it is let go"))));
        let quick = quick.path().display().to_string();
        let mut warming = warmer.spawn(["warm", "--json", &server.url(), &quick]);
        server.wait_for(Ask::Objects);
        engine.wait_for(&warmer, COMPLETE);
        warming.wait_for(": served after ");
        let_go.send(()).expect("the server holds it");
        let warmed = Warmed::of(warming.finish());
        warmed.ran.exits(0);
        for told in [": served after ", ": vectors complete after "] {
            assert_eq!(warmed.ran.stderr.matches(told).count(), 2, "each once: {:?}", warmed.ran);
        }
        for summary in warmed.all() {
            assert_eq!((summary.verdict(), summary.number("/coverage/missing")), ("warmed", 0), "{:?}", warmed.ran);
            assert!(summary.embedded() > 0, "{:?}", warmed.ran);
            let (served, all) = (&summary.0["seconds"], &summary.0["coverage"]["seconds"]);
            assert!(all.as_f64() >= served.as_f64() && all.is_f64(), "{:?}", warmed.ran);
        }
    }
}

#[test]
fn a_full_warm_mends_what_is_damaged() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (Repo::generated(6, 1_500, 1), Warmer::toy());
    warmer.warm([repo.path()]).ran.exits(0);
    let (database, before) = (warmer.database(), warmer.database().dump_served());
    let lost = database.change("delete from vector where id % 2 = 0");
    database.change("update artifact set envelope = x'00' where id = (select min(id) from artifact)");
    assert_ne!(database.dump_served(), before);
    assert_eq!(warmer.warm([repo.path()]).one().verdict(), "fresh", "only --full looks again");
    let path = repo.path().display().to_string();
    let mended = warmer.warm(["--full", &path]);
    assert_eq!((mended.one().verdict(), mended.one().embedded()), ("warmed", lost));
    assert_eq!(database.dump_served(), before);
}

#[test]
fn the_summary_for_people_says_what_was_done() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::generated(4, 1_500, 1), Warmer::toy());
    repo.write("photo.png", b"\x89PNG\0\0").commit("a picture");
    let ran = warmer.run(["warm".as_ref(), repo.path().as_os_str()]);
    ran.exits(0).says(&repo.tip()[..7]).says("binary").says("embedded").says("fetcher").says("peak");
}

#[test]
fn the_summary_for_machines_keeps_its_keys() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (Repo::generated(4, 1_500, 1), Warmer::toy());
    let warmed = warmer.warm([repo.path()]);
    let repository = warmed.one().0;
    for (pointer, is_right) in [
        ("/repository", Value::is_string as fn(&Value) -> bool),
        ("/ref", Value::is_string),
        ("/commit", Value::is_string),
        ("/verdict", Value::is_string),
        ("/files/indexed", Value::is_u64),
        ("/files/unchanged", Value::is_u64),
        ("/files/removed", Value::is_u64),
        ("/files/skipped", Value::is_object),
        ("/chunks", Value::is_u64),
        ("/vectors/embedded", Value::is_u64),
        ("/vectors/reused", Value::is_u64),
        ("/coverage/chunks", Value::is_u64),
        ("/coverage/missing", Value::is_u64),
        ("/coverage/failed", Value::is_u64),
        ("/coverage/complete", Value::is_boolean),
        ("/coverage/error", Value::is_null),
        ("/tokens", Value::is_u64),
        ("/bytes", Value::is_u64),
        ("/seconds", Value::is_f64),
        ("/error", Value::is_null),
    ] {
        assert!(repository.pointer(pointer).is_some_and(is_right), "{pointer} in {repository}");
    }
    for stage in ["fetcher", "hasher", "filler", "embedder", "storer"] {
        for figure in ["work_seconds", "wait_seconds"] {
            assert!(repository["stages"][stage][figure].is_f64(), "{stage} {figure} in {repository}");
        }
    }
    assert!(warmed.json["peak_memory_bytes"].is_u64(), "{}", warmed.json);
}

#[test]
fn a_full_warm_tries_again_what_could_not_be_embedded() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (Repo::generated(4, 600, 1), Warmer::toy());
    warmer.warm([repo.path()]).ran.exits(0);
    let of_vector = "FROM vector WHERE id = (SELECT min(id) FROM vector)";
    for change in [
        "INSERT INTO failed_text (embedding, text, reason, tries, at) SELECT embedding, text, 'crashed', 9, 0",
        "DELETE",
    ] {
        assert_eq!(warmer.database().change(&format!("{change} {of_vector}")), 1);
    }
    let told = "1 text that cannot be embedded: `warmer warm --full` tries again";
    warmer.run(["repos", "list"]).exits(0).says(told);

    let figures = |warmed: &Warmed| {
        let one = warmed.one();
        (one.embedded(), one.number("/coverage/failed"))
    };
    let without = warmer.warm([repo.path()]);
    without.ran.exits(0);
    assert_eq!(figures(&without), (0, 1), "{:?}", without.ran);
    let again = warmer.warm(["--full".as_ref(), repo.path()]);
    again.ran.exits(0);
    assert_eq!(figures(&again), (1, 0), "{:?}", again.ran);
    warmer.run(["repos", "list"]).exits(0).never_says("cannot be embedded");
    warmer.database().assert_whole();
}
