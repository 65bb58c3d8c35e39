//! The index that a search looks in: the same from every database, the same however it came about, and never missed.

use std::fs;
use std::path::PathBuf;
use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};
use warmer_tests::sources::{python, rust};
use warmer_tests::{Engine, GIT, Need, Repo, Warmer, needs};

const QUERIES: [&str; 4] = ["claim the oldest job", "merge_account", "src/0/file_1.rs", "new.py score window"];

/// Processes that search at once.
const AT_ONCE: usize = 4;

/// The files of all segments, by name.
fn segments(warmer: &Warmer) -> Vec<PathBuf> {
    let directories = fs::read_dir(warmer.data().join("segments")).into_iter().flatten().flatten();
    let files = directories.flat_map(|directory| fs::read_dir(directory.path()).into_iter().flatten().flatten());
    let mut all: Vec<_> = files.map(|file| file.path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "segment"));
    all.sort();
    all
}

fn found(warmer: &Warmer) -> Vec<Value> {
    QUERIES.iter().map(|query| warmer.run(["search", query, "--limit", "20", "--json"]).exits(0).json()).collect()
}

/// The hits alone: a warm changes how fresh they are.
fn hits(found: &[Value]) -> Vec<Value> {
    let plain = |hit: &Value| json!([hit["path"], hit["ranges"], hit["score"], hit["similarity"]]);
    found.iter().map(|report| report["hits"].as_array().into_iter().flatten().map(plain).collect()).collect()
}

/// What a search finds whose index is made anew, though another is kept.
fn found_anew(warmer: &Warmer) -> Vec<Value> {
    let (segments, aside) = (warmer.data().join("segments"), warmer.data().join("aside"));
    fs::rename(&segments, &aside).expect("a warm made it");
    let found = found(warmer);
    fs::remove_dir_all(&segments).expect("the search made it");
    fs::rename(&aside, &segments).expect("it was there");
    found
}

#[test]
fn the_same_repository_has_the_same_index_in_every_database() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(12, 1_000, 1);
    let indexes: Vec<_> = Engine::all()
        .map(|engine| {
            let warmer = engine.warmer();
            warmer.warm([repo.path()]).ran.exits(0);
            let files = segments(&warmer);
            assert_eq!(files.len(), 1, "a warm leaves an index: {files:?}");
            fs::read(&files[0]).expect("it is there")
        })
        .collect();
    assert!(indexes.windows(2).all(|pair| pair[0] == pair[1]), "the bytes differ");
}

#[test]
fn an_index_that_followed_every_kind_of_change_finds_what_one_made_anew_finds() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (mut repo, warmer) = (Repo::generated(30, 1_000, 1), engine.warmer());
        let check = |repo: &Repo, what: &str| {
            warmer.warm([repo.path()]).ran.exits(0);
            assert_eq!(found(&warmer), found_anew(&warmer), "{what}");
        };
        check(&repo, "the first commit");
        let first = segments(&warmer);
        repo.write("src/0/file_0.rs", rust(99, 1_000)).write("new.py", python(98, 800)).commit("edit and add");
        check(&repo, "edited and added");
        let second = segments(&warmer);
        assert_eq!((second.len(), second.contains(&first[0])), (2, true), "what did not change stays as it is");
        let bytes = |path: &PathBuf| fs::metadata(path).map_or(0, |found| found.len());
        let change = second.iter().find(|path| !first.contains(path)).expect("there are two");
        assert!(bytes(change) < bytes(&first[0]) / 4, "{} of {}", bytes(change), bytes(&first[0]));
        repo.remove("new.py").commit("remove");
        check(&repo, "removed");
        repo.rename("src/0/file_1.rs", "src/0/file_1.txt").commit("another language");
        check(&repo, "renamed");
        repo.write(".gitattributes", "src/0/file_2.rs linguist-generated\n").commit("skipped from now on");
        check(&repo, "skipped");
        for seed in 0..10 {
            repo.write("src/0/file_3.rs", rust(200 + seed, 1_000)).commit("again");
            warmer.warm([repo.path()]).ran.exits(0);
        }
        check(&repo, "merged");
    }
}

#[test]
fn a_vector_that_is_made_later_comes_into_the_index() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, warmer) = (Repo::generated(4, 1_000, 1), engine.warmer());
        warmer.warm([repo.path()]).ran.exits(0);
        let whole = found(&warmer);
        match &engine {
            Engine::Sqlite => warmer.database().change("DELETE FROM vector"),
            Engine::Postgres(postgres) => postgres.change("DELETE FROM vector"),
        };
        fs::remove_dir_all(warmer.data().join("segments")).expect("a warm made it");
        let by_words = found(&warmer);
        assert!(by_words[0]["hits"][0]["similarity"].is_null(), "{}", by_words[0]);
        let lacking = segments(&warmer);
        warmer.warm(["--full", &repo.url()]).ran.exits(0);
        let filled = segments(&warmer);
        assert_eq!(hits(&found(&warmer)), hits(&whole), "as if they had always been there");
        assert_ne!(filled, lacking, "the warm brought the index up to date");
        assert_eq!(found(&warmer), found_anew(&warmer));
    }
}

#[test]
fn processes_that_make_one_index_at_once_all_answer_right_and_leave_one_that_does() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, warmer) = (Repo::generated(20, 1_000, 1), engine.warmer());
        warmer.warm([repo.path()]).ran.exits(0);
        let expected = found(&warmer);
        fs::remove_dir_all(warmer.data().join("segments")).expect("a warm made it");
        let begin = Barrier::new(AT_ONCE);
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    begin.wait();
                    assert_eq!(found(&warmer), expected);
                });
            }
        });
        let left = segments(&warmer);
        assert_eq!(left.len(), 1, "one of them kept it: {left:?}");
        assert_eq!(found(&warmer), expected);
        assert_eq!(segments(&warmer), left, "it was looked in");
    }
}

#[test]
fn an_index_that_is_gone_damaged_or_cannot_be_kept_costs_no_answer() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (Repo::generated(4, 1_000, 1), Warmer::toy());
    warmer.warm([repo.path()]).ran.exits(0);
    let expected = found(&warmer);
    for segment in segments(&warmer) {
        fs::write(segment, b"no segment").expect("it is ours");
    }
    assert_eq!(found(&warmer), expected, "damaged");
    let directory = warmer.data().join("segments");
    fs::remove_dir_all(&directory).expect("it is there");
    assert_eq!(found(&warmer), expected, "gone");
    assert_eq!(segments(&warmer).len(), 1, "the search left one for the next");
    fs::remove_dir_all(&directory).expect("it is there");
    fs::write(&directory, b"no directory").expect("nothing is there");
    assert_eq!(found(&warmer), expected, "it cannot be kept");
    let none = warmer.run(["search", QUERIES[0], "--json", "--limit", "20", "--set", "search.keep_segments=false"]);
    assert_eq!(none.exits(0).json(), expected[0], "it is not to be kept");
}
