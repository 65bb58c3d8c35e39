//! What a search says when it finds nothing, and of what it found: only what is true, for people and for machines.

use warmer_tests::server::Ask;
use warmer_tests::{Engine, GIT, Need, Repo, Server, Warmer, model, needs};

const QUERY: &str = "claim the oldest job";

/// Fails unless a search finds nothing for this reason, told on stdout and in `--json`.
fn assert_nothing(warmer: &Warmer, arguments: &[&str], state: &str, words: &str) {
    let search = |more: &[&str]| warmer.run(["search", QUERY].iter().chain(arguments).chain(more));
    let text = search(&[]);
    text.exits(0);
    assert!(text.stdout.starts_with("nothing found") && text.stdout.contains(words), "{arguments:?}: {text:?}");
    let report = search(&["--json"]).exits(0).json();
    assert_eq!((&report["state"], &report["hits"]), (&state.into(), &serde_json::json!([])), "{report}");
    assert!(report["why"].as_str().is_some_and(|why| why.contains(words)), "{report}");
}

#[test]
fn that_nothing_is_found_is_told_with_its_reason() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (mut one, mut empty, warmer) = (Repo::new(), Repo::new(), engine.warmer());
        one.write("src/queue.rs", "fn claim() {}\n").commit("one");
        empty.write("blob.bin", b"\0\0").commit("empty");
        warmer.warm([one.path(), empty.path()]).ran.exits(0);
        let (one, empty) = (one.url(), empty.url());
        assert_nothing(&warmer, &["--repo", &empty], "nothing", "there is no text in");
        assert_nothing(
            &warmer,
            &["--repo", &one, "--path", "*.py"],
            "no_file_matches",
            "no indexed file matches --path *.py",
        );
        assert_nothing(&warmer, &["--path", "src"], "no_file_matches", "(a directory's files are 'src/**')");
        assert_nothing(&warmer, &["--language", "go"], "no_file_matches", "--language go");
        let new = Server::serve(std::path::Path::new("/nonexistent"));
        new.refuse(Ask::Capabilities, 500);
        warmer.run(["repos", "add", &new.url(), "--refresh", "never"]).exits(0);
        assert_nothing(&warmer, &["--repo", &new.url()], "never_warmed", "(never warmed: ");
        let found = warmer.run(["search", QUERY]);
        found.exits(0).says("src/queue.rs").says("not searched: ");
        warmer.run(["enqueue", &new.url()]).exits(0);
        assert_nothing(&warmer, &["--repo", &new.url()], "being_warmed", "being warmed for the first time");
        warmer.warm([new.url()]).ran.exits(75);
        assert_nothing(&warmer, &["--repo", &new.url()], "checks_fail", "its checks have failed since 2");
    }
}

#[test]
fn an_answer_from_a_repository_whose_checks_fail_says_since_when_and_why() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, warmer) = (Repo::generated(2, 300, 1), engine.warmer());
        let server = Server::serve(repo.path());
        warmer.warm([server.url()]).ran.exits(0);
        let answer = || warmer.run(["search", QUERY, "--json"]).exits(0).json()["hits"][0].clone();
        assert_eq!(
            (&answer()["failing_since"], &answer()["last_error"]),
            (&serde_json::Value::Null, &serde_json::Value::Null)
        );
        server.refuse(Ask::Capabilities, 500);
        warmer.warm([server.url()]).ran.exits(75);
        let first = answer();
        assert!(
            first["failing_since"].is_string() && first["last_error"].as_str().is_some_and(|why| why.contains("500")),
            "{first}"
        );
        warmer.run(["search", QUERY]).exits(0).says("its checks have failed since 2").says("500");
        warmer.warm([server.url()]).ran.exits(75);
        assert_eq!(answer()["failing_since"], first["failing_since"], "since the first of them");
        server.heal();
        warmer.warm([server.url()]).ran.exits(0);
        assert!(answer()["failing_since"].is_null() && answer()["last_error"].is_null());
        warmer.run(["search", QUERY]).exits(0).never_says("checks have failed");
    }
}

#[test]
fn a_path_is_a_filter_as_it_was_printed() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::new(), Warmer::toy());
    repo.write("app/[id]/page.py", "def page(): pass\n").write("app/i/page.py", "def other(): pass\n").commit("one");
    warmer.warm([repo.path()]).ran.exits(0);
    let found = warmer.run(["search", QUERY, "--path", "app/[id]/page.py", "--json"]).exits(0).json();
    assert_eq!(found["hits"].as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(found["hits"][0]["path"], "app/[id]/page.py");
}

#[test]
fn a_query_longer_than_the_model_reads_at_once_counts_to_its_end() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::new(), Warmer::toy());
    repo.write("a.py", "def page(): pass\n").commit("one");
    warmer.warm([repo.path()]).ran.exits(0);
    let similarity = |end: &str| {
        let long = format!("{} {end}", "a log line ".repeat(400));
        let report = warmer.run(["search", &long, "--json"]).exits(0).json();
        assert!(
            report["query"]["tokens"].as_u64() > Some(1_200) && report["notes"] == serde_json::json!([]),
            "{report}"
        );
        report["hits"][0]["similarity"].as_f64().expect("a hit by meaning")
    };
    assert!(similarity(&"where is the page ".repeat(20)) > similarity(&"another log line ".repeat(20)));
}

#[test]
fn also_in_names_places_of_just_the_same_text() {
    needs!(GIT, Need::Runtime, Need::Model);
    let (mut repo, warmer) = (Repo::new(), Warmer::real());
    let texts = ["upper.py", "lower.py", "wide.py", "copy.py"].into_iter().zip([
        "def limit(x):\n    return MAX_SIZE if x else 0\n",
        "def limit(x):\n    return max_size if x else 0\n",
        "def limit(x):\n  return max_size if x else 0\n",
        "def limit(x):\n    return MAX_SIZE if x else 0\n",
    ]);
    for (path, text) in texts {
        repo.write(path, text);
    }
    repo.commit("twins");
    warmer.warm([repo.path()]).ran.exits(0);
    let found = warmer.run(["search", "limit of the size", "--json"]).exits(0).json();
    let places = |answer: &serde_json::Value| {
        let also = answer["also_in"].as_array().into_iter().flatten().map(|place| place["path"].clone());
        let mut all: Vec<_> = std::iter::once(answer["path"].clone()).chain(also).collect();
        all.sort_by_key(ToString::to_string);
        all
    };
    let mut all: Vec<_> = found["hits"].as_array().expect("a list").iter().map(places).collect();
    all.sort_by_key(|places| format!("{places:?}"));
    assert_eq!(serde_json::json!(all), serde_json::json!([["copy.py", "upper.py"], ["lower.py"], ["wide.py"]]));
}

#[test]
fn what_another_model_embedded_is_told_and_not_called_nothing() {
    needs!(GIT, Need::Runtime);
    let (mut one, mut two, mut warmer) = (Repo::new(), Repo::new(), Warmer::toy());
    one.write("a.py", "def page(): pass\n").commit("one");
    two.write("b.py", "def other(): pass\n").commit("two");
    warmer.warm([one.path(), two.path()]).ran.exits(0);
    // Searches do not wait for what is paused.
    warmer.run(["repos", "pause", &one.url()]).exits(0);
    model::write_toy(&warmer.model(), 2);
    warmer.set("content.chunk_size", "120");
    warmer.warm([two.path()]).ran.exits(0);
    warmer.run(["search", "page"]).exits(0).says("a.py").says("without a vector: 1 text");
    // As for a moment when a publication came while searches went over.
    warmer.database().change(
        "delete from coverage where generation = (select id from generation where state = 'retired' order by id desc)",
    );
    assert_nothing(&warmer, &["--repo", &one.url()], "other_model", "embedded by another model");
    warmer.run(["search", QUERY]).exits(0).says("b.py").says("not searched: ").never_says("a.py");
}

#[test]
fn what_lacks_the_vectors_that_searches_use_is_found_by_its_words_and_told_with_what_makes_them() {
    needs!(GIT, Need::Runtime);
    let (mut one, mut two, warmer) = (Repo::new(), Repo::new(), Warmer::toy());
    one.write("a.py", "def page(): pass\n").commit("one");
    two.write("b.py", "def other(): pass\n").commit("two");
    warmer.warm([one.path()]).ran.exits(0);
    model::write_toy(&warmer.model(), 2);
    warmer.warm([two.path()]).ran.exits(0);
    // Searches still use the model that made the first.
    model::write_toy(&warmer.model(), 1);
    let two_alone = ["--repo", &two.url()];
    assert_nothing(
        &warmer,
        &two_alone,
        "no_vectors",
        "lack their vectors (`warmer warm` or a `warmer run` makes them)",
    );
    warmer.run(["search", QUERY]).exits(0).says("a.py").never_says("b.py");
    let by_words = warmer.run(["search", "other", "--repo", &two.url()]);
    by_words.exits(0).says("b.py").says("by words alone, without a vector: 1 text; `warmer warm` or");
    let warmed = warmer.warm([two.path()]);
    warmed.ran.exits(0);
    assert_eq!((warmed.one().verdict(), warmed.one().embedded()), ("fresh", 1), "{:?}", warmed.ran);
    warmer.run(["search", QUERY, "--repo", &two.url()]).exits(0).says("b.py").never_says("without a vector");
}
