//! A plan says what the warm that follows costs, exactly, and leaves nothing behind.

use serde_json::Value;
use warmer_tests::process::quoted;
use warmer_tests::server::{Ask, Fault};
use warmer_tests::sources::{Random, python, rust, rust_function};
use warmer_tests::{Daemon, Engine, GIT, Need, Ran, Repo, Server, Warmed, Warmer, model, needs};

/// What `plan --json` says of these.
fn plan(warmer: &Warmer, targets: &[&str]) -> (Ran, Value) {
    let ran = warmer.run(["plan", "--json"].iter().chain(targets));
    let json = ran.json();
    (ran, json)
}

fn number(json: &Value, pointer: &str) -> u64 {
    json.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("no number at {pointer}: {json}"))
}

fn path(repo: &Repo) -> String {
    repo.path().display().to_string()
}

/// What was planned is what the warm then did, of each repository and in sum; the texts that were embedded.
fn assert_agree(plan: &Value, warmed: &Warmed) -> u64 {
    warmed.ran.exits(0);
    let (mut embedded, mut tokens) = (0, 0);
    for (planned, done) in plan["repositories"].as_array().expect("a list").iter().zip(warmed.all()) {
        let what = format!("{planned}\n{}", done.0);
        assert_eq!(planned["commit"], done.0["commit"], "{what}");
        assert_eq!(planned["ref"], done.0["ref"], "{what}");
        assert_eq!(planned["files"], done.0["files"], "{what}");
        assert_eq!(planned["chunks"], done.0["chunks"], "{what}");
        assert_eq!(done.0["coverage"]["missing"], 0, "{what}");
        embedded += done.embedded();
        tokens += done.number("/tokens");
    }
    let total = [number(plan, "/total/texts/missing"), number(plan, "/total/tokens")];
    assert_eq!(total, [embedded, tokens], "texts and tokens: {plan}\n{:?}", warmed.ran);
    embedded
}

/// Everything that counts in its own way: a long file, one that is there twice, one text beyond what the model reads
/// at once, other languages, and files that are skipped.
fn source() -> Repo {
    let mut repo = Repo::new();
    repo.write("src/long.rs", long_file(10))
        .write("src/again.rs", long_file(10))
        .write("tools/run.py", python(3, 3_000));
    repo.write("data.txt", "0123456789abcdef ".repeat(200)).write("README.md", "# Guide\n\n## Dates\n\nAs written.\n");
    repo.write("photo.png", b"\x89PNG\0\0").write("Cargo.lock", "# locked\n").write("empty.rs", "");
    repo.commit("one");
    repo
}

/// A file in which one function can be another one.
fn long_file(middle: u64) -> String {
    format!("{}{}{}", rust(1, 6_000), rust_function(&mut Random::new(middle)), rust(2, 3_000))
}

#[test]
fn a_plan_is_what_the_warm_then_costs() {
    needs!(GIT, Need::Runtime, Need::Model);
    for engine in Engine::all() {
        let (mut repo, mut warmer) = (source(), engine.warmer());
        warmer.set("model.path", quoted(&model::real_model()));
        let (ran, cold) = plan(&warmer, &[&path(&repo)]);
        ran.exits(0);
        assert_eq!((&cold["repositories"][0]["state"], number(&cold, "/total/texts/reused")), (&"new".into(), 0));
        assert!(number(&cold, "/total/tokens") > 2_000 && number(&cold, "/total/texts/missing") > 20, "{cold}");
        assert_eq!(cold["embedder"]["measured_by"], "sample", "{cold}");
        assert!(number(&cold, "/embedder/texts") >= 8 && cold["total"]["seconds"].as_f64() > Some(0.0), "{cold}");
        assert_agree(&cold, &warmer.warm([repo.path()]));

        repo.write("src/long.rs", long_file(11)).remove("tools/run.py").write("new.md", "# New\n").commit("two");
        let (_, pushed) = plan(&warmer, &[&path(&repo)]);
        assert_eq!(pushed["repositories"][0]["state"], "changed", "{pushed}");
        assert_eq!(pushed["embedder"]["measured_by"], "sample", "so small a fill says nothing: {pushed}");
        let embedded = assert_agree(&pushed, &warmer.warm([repo.path()]));
        assert!((1..=6).contains(&embedded), "only what changed: {pushed}");

        let (_, warm) = plan(&warmer, &[&path(&repo)]);
        assert_eq!((&warm["repositories"][0]["state"], &warm["total"]["seconds"]), (&"current".into(), &0.0.into()));
        assert_eq!([number(&warm, "/total/texts/missing"), number(&warm, "/total/tokens")], [0, 0], "{warm}");
        assert_eq!(number(&warm, "/total/texts/reused"), number(&warm, "/total/texts/distinct"), "{warm}");
    }
}

#[test]
fn a_text_of_two_forks_costs_once() {
    needs!(GIT, Need::Runtime, Need::Model);
    for engine in Engine::all() {
        let (one, mut warmer) = (source(), engine.warmer());
        warmer.set("model.path", quoted(&model::real_model()));
        let mut other = one.cloned();
        other.write("FORK.md", "# A fork\n").commit("forked");
        let targets = [path(&one), path(&other)];
        let (_, forks) = plan(&warmer, &targets.each_ref().map(String::as_str));
        let missing = [0, 1].map(|index| number(&forks, &format!("/repositories/{index}/texts/missing")));
        assert_eq!((missing[1], number(&forks, "/total/texts/missing")), (missing[0] + 1, missing[1]), "{forks}");
        assert_agree(&forks, &warmer.warm(&targets));
    }
}

/// Neither the repository nor a job of it, nor anything of its files.
#[test]
fn a_plan_leaves_nothing_behind_and_knows_what_lacks() {
    needs!(GIT, Need::Runtime);
    const ROWS: &str = "SELECT 'row' FROM repository UNION ALL SELECT 'row' FROM job UNION ALL SELECT 'row' FROM entry
        UNION ALL SELECT 'row' FROM artifact UNION ALL SELECT 'row' FROM vector UNION ALL SELECT 'row' FROM lack
        UNION ALL SELECT 'row' FROM attempt UNION ALL SELECT 'row' FROM instance UNION ALL SELECT 'row' FROM known_blob
        UNION ALL SELECT 'row' FROM staged_entry UNION ALL SELECT 'row' FROM generation";
    for engine in Engine::all() {
        let (repo, mut warmer) = (Repo::generated(9, 1_500, 1), engine.warmer());
        warmer.set("embedder.price_per_million_tokens", "2");
        let (ran, cold) = plan(&warmer, &[&path(&repo)]);
        ran.exits(0);
        assert_eq!(engine.query(&warmer, ROWS), Vec::<String>::new(), "{cold}");
        let tokens = number(&cold, "/total/tokens");
        assert_eq!(cold["total"]["price"], tokens as f64 * 2.0 / 1e6, "{cold}");
        assert_agree(&cold, &{
            let target = path(&repo);
            warmer.warm(["--no-fill", &target]).ran.exits(0);
            let (_, served) = plan(&warmer, &[&target]);
            assert_eq!(served["repositories"][0]["state"], "current", "{served}");
            assert_eq!(
                [number(&served, "/total/texts/missing"), number(&served, "/total/tokens")],
                [number(&cold, "/total/texts/missing"), tokens],
                "what is served lacks its vectors still"
            );
            let mut filled = warmer.warm([&target]);
            // Nothing of it was indexed by this warm, but by the one before.
            filled.json["repositories"][0]["files"] = cold["repositories"][0]["files"].clone();
            filled
        });
    }
}

/// All but tokens, time and price is counted, under the embedding that searches use.
#[test]
fn without_its_model_a_plan_says_what_it_cannot_tell() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (mut repo, mut warmer) = (Repo::generated(6, 1_500, 1), engine.warmer());
        warmer.set("embedder.price_per_million_tokens", "2");
        let target = path(&repo);
        let (_, whole) = plan(&warmer, &[&target]);
        warmer.set("model.path", "'/nowhere/model'");
        let (ran, cold) = plan(&warmer, &[&target]);
        ran.exits(0);
        assert_eq!(
            (&cold["total"]["texts"], &cold["total"]["chunks"]),
            (&whole["total"]["texts"], &whole["total"]["chunks"])
        );
        for unknown in ["tokens", "seconds", "price"] {
            assert!(
                cold["total"][unknown].is_null() && cold["repositories"][0][unknown].is_null(),
                "{unknown}: {cold}"
            );
        }
        assert!(cold["embedder"]["error"].as_str().is_some_and(|why| why.contains("/nowhere/model")), "{cold}");
        warmer.run(["plan", &target]).exits(0).says("speed not known: ").says("to embed").never_says("tokens  ");

        warmer.set("model.path", quoted(&warmer.model())).set("runtime.library", "'/nowhere/library.so'");
        let (_, counted) = plan(&warmer, &[&target]);
        assert_eq!(counted["total"]["tokens"], whole["total"]["tokens"], "the tokenizer needs no runtime: {counted}");
        assert!(counted["total"]["seconds"].is_null() && counted["total"]["price"].is_f64(), "{counted}");
        assert!(counted["embedder"]["error"].as_str().is_some_and(|why| why.contains("library.so")), "{counted}");

        warmer.set("runtime.library", quoted(&model::runtime_library()));
        warmer.warm([repo.path()]).ran.exits(0);
        repo.write("new.md", "# New\n").commit("two");
        warmer.set("model.path", "'/nowhere/model'");
        let (_, pushed) = plan(&warmer, &[&target]);
        let [missing, reused] = ["missing", "reused"].map(|what| number(&pushed, &format!("/total/texts/{what}")));
        assert_eq!((missing, reused), (1, number(&whole, "/total/texts/missing")), "{pushed}");
    }
}

#[test]
fn without_a_price_none_is_told_and_a_wrong_one_is_refused() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
    let (ran, free) = plan(&warmer, &[&path(&repo)]);
    ran.exits(0);
    assert!(free["total"]["price"].is_null() && free["price_per_million_tokens"].is_null(), "{free}");
    warmer.run(["plan", &path(&repo)]).exits(0).says("to embed").never_says("price");
    warmer.set("embedder.price_per_million_tokens", "-1");
    warmer.run(["plan", &path(&repo)]).exits(78).says("embedder.price_per_million_tokens").says("at least 0");
}

#[test]
fn what_cannot_be_planned_is_one_sentence_and_the_others_are_counted() {
    needs!(GIT, Need::Runtime);
    let (repo, empty, warmer) = (Repo::generated(2, 500, 1), Repo::new(), Warmer::toy());
    let plain = warmer.home().join("plain-directory");
    std::fs::create_dir(&plain).expect("a writable home");
    let (good, plain, empty) = (path(&repo), plain.display().to_string(), path(&empty));
    for (bad, words) in [
        (plain.as_str(), "is not a git repository"),
        ("/nowhere/at/all", "no file or folder"),
        ("ftp://127.0.0.1/x", "not a supported protocol"),
        (empty.as_str(), "no commit"),
    ] {
        let (ran, told) = plan(&warmer, &[bad, &good]);
        ran.exits(1);
        let why = told["repositories"][0]["error"].as_str().unwrap_or_default();
        assert!(why.contains(words) && why.lines().count() == 1, "{words}: {ran:?}");
        assert_eq!(told["repositories"][1]["commit"], repo.tip(), "{ran:?}");
        assert_eq!(told["total"]["texts"], told["repositories"][1]["texts"], "{ran:?}");
    }
    let (ran, missing) = plan(&warmer, &[&good, "--ref", "no-such-branch"]);
    ran.exits(1);
    assert!(missing["repositories"][0]["error"].as_str().is_some_and(|why| why.contains("no-such-branch")), "{ran:?}");
    warmer.run(["plan"]).exits(2);
}

#[test]
fn a_remote_that_is_down_is_told_as_that_which_may_pass() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
    warmer.set("git.protocols", r#"["http"]"#);
    let server = Server::serve(repo.path());
    server.fault(Ask::Capabilities, Fault::Status(503));
    let (ran, _) = plan(&warmer, &[&server.url()]);
    ran.exits(75).says("503");
}

/// One process has the file of SQLite to itself; who plans only reads.
#[test]
fn a_plan_is_made_beside_a_daemon() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, warmer) = (Repo::generated(3, 500, 1), engine.warmer());
        let daemon = Daemon::start(&warmer);
        let (ran, told) = plan(&warmer, &[&path(&repo)]);
        ran.exits(0).never_says("another model");
        assert!(number(&told, "/total/texts/missing") > 0, "{told}");
        daemon.stop().exits(0).never_says(repo.tip());
    }
}
