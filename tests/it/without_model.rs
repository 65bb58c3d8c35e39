//! Without model and runtime everything goes on but the vectors, and those come from wherever there is a model.

use warmer_tests::process::quoted;
use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Server, Warmer, model, needs};

/// Neither a model nor a runtime.
fn bare(engine: &Engine) -> Warmer {
    let mut warmer = engine.warmer();
    warmer.set("model.path", "'/nowhere/model'").set("runtime.library", "'/nowhere/libonnxruntime.so'");
    warmer
}

/// The one database that several processes may work on.
fn postgres() -> Option<Engine> {
    Engine::all().find(|engine| matches!(engine, Engine::Postgres(_)))
}

#[test]
fn all_is_served_and_found_by_words_and_vectors_come_with_the_model() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (mut repo, mut warmer) = (Repo::generated(5, 500, 1), bare(&engine));
        let target = repo.path().display().to_string();
        repo.write("src/pushed.rs", "fn ostrich() {}\n").commit("one");
        warmer.run(["warm", "--no-fill", &target]).exits(0).says("warmed").never_says("nowhere");
        warmer.run(["search", "ostrich"]).exits(0).says("src/pushed.rs");
        let warmed = warmer.warm([&target]);
        warmed.ran.exits(69).says("without a vector: ").says("/nowhere/libonnxruntime.so").says("warmer setup");
        assert_eq!((warmed.one().verdict(), warmed.one().commit()), ("fresh", repo.tip()));
        assert!(warmed.one().number("/coverage/missing") > 0, "{:?}", warmed.ran);

        warmer.run(["repos", "add", &target, "--refresh", "never"]).exits(0);
        let mut daemon = Daemon::begin(&warmer);
        daemon.wait_for("this instance makes no vectors");
        repo.write("src/pushed.rs", "fn flamingo() {}\n").commit("a push");
        warmer.run(["enqueue", &target]).exits(0);
        daemon.wait_for("outcome=\"warmed\"");
        warmer.run(["search", "flamingo"]).exits(0).says("src/pushed.rs");
        warmer.run(["status"]).exits(0).says("has no model").never_says("differs from the fleet");
        daemon.stop().exits(0).never_says("outcome=\"unfit\"").never_says("another configuration");
        warmer.run(["doctor"]).exits(1).says("found by its words alone");

        let path = warmer.model();
        warmer.set("model.path", quoted(&path)).set("runtime.library", quoted(&model::runtime_library()));
        let embedded = warmer.warm([&target]);
        embedded.ran.exits(0);
        assert_eq!((embedded.one().number("/coverage/missing"), embedded.one().commit()), (0, repo.tip()));
        assert!(embedded.one().embedded() > 0, "{:?}", embedded.ran);
        warmer.run(["search", "flamingo"]).exits(0).says("src/pushed.rs").never_says("words alone");
    }
}

#[test]
fn a_first_model_that_cannot_be_loaded_holds_nothing_up_once_it_is_repaired() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (mut one, mut two, mut warmer) = (Repo::new(), Repo::new(), bare(&engine));
        one.write("a.py", "def claim(job): pass\n").commit("one");
        two.write("b.py", "def oldest(job): return job\n").commit("two");
        warmer.warm([one.path(), two.path()]).ran.exits(69);
        let graph = warmer.model().join("onnx/model.onnx");
        let whole = std::fs::read(&graph).expect("the toy model");
        std::fs::write(&graph, &whole[..whole.len() / 2]).expect("a writable home");
        warmer.set("model.path", quoted(&warmer.model()));
        warmer.set("runtime.library", quoted(&model::runtime_library()));
        warmer.warm([one.path()]).ran.exits(69);
        std::fs::write(&graph, &whole).expect("a writable home");
        warmer.warm([one.path()]).ran.exits(0).never_says("model of before");
        let search = warmer.run(["search", "claim the oldest job", "--json"]);
        assert_eq!(search.exits(0).json()["hits"][0]["path"], "a.py");
        assert!(search.json()["hits"][0]["similarity"].is_number(), "it is found by its meaning: {search:?}");
        warmer.run(["search", "oldest"]).exits(0).says("b.py").never_says("by their words alone");
        warmer.run(["generations", "rollback"]).exits(1).says("there is nothing to roll back to");
    }
}

#[test]
fn who_has_no_model_goes_by_the_one_that_is_known_and_changes_nothing_of_it() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (mut repo, mut warmer) = (Repo::generated(5, 500, 1), engine.warmer());
        let target = repo.path().display().to_string();
        warmer.warm([&target]).ran.exits(0);
        let path = warmer.model();
        warmer.set("model.path", "'/nowhere/model'");
        let nothing = warmer.warm([&target]);
        nothing.ran.exits(0);
        assert_eq!((nothing.one().verdict(), nothing.one().number("/coverage/missing")), ("fresh", 0));
        repo.write("src/pushed.rs", "fn flamingo() {}\n").commit("a push");
        let warmed = warmer.warm([&target]);
        warmed.ran.exits(69).says("/nowhere/model").never_says("another configuration");
        assert_eq!((warmed.one().verdict(), warmed.one().number("/coverage/missing")), ("warmed", 1));
        warmer.set("model.path", quoted(&path));
        let embedded = warmer.warm([&target]);
        embedded.ran.exits(0);
        assert_eq!((embedded.one().verdict(), embedded.one().embedded()), ("fresh", 1), "{:?}", embedded.ran);
    }
}

/// Whether it has none, and no other is known or one is, or one that cannot be loaded.
#[test]
fn a_warm_makes_the_vectors_that_the_daemon_beside_it_cannot() {
    needs!(GIT, Need::Runtime);
    for (is_there, is_known) in [(false, false), (false, true), (true, false)] {
        let Some(engine) = postgres() else { return };
        let mut owner = if is_there { engine.warmer() } else { bare(&engine) };
        if is_there {
            let library = owner.home().join("libonnxruntime.so");
            std::fs::write(&library, "no library").expect("a writable home");
            owner.set("runtime.library", quoted(&library));
        }
        let (repo, known, warmer) = (Repo::generated(5, 500, 1), Repo::generated(1, 100, 2), engine.warmer());
        if is_known {
            warmer.warm([known.path()]).ran.exits(0);
        }
        let (server, mut daemon) = (Server::serve(repo.path()), Daemon::start(&owner));
        warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
        warmer.run(["enqueue", &server.url()]).exits(0);
        daemon.wait_for("outcome=\"warmed\"");
        if is_there {
            daemon.wait_for("outcome=\"unfit\"");
            warmer.run(["repos", "list"]).exits(0).says("without a vector yet").says("; tried again in ");
            warmer.run(["status"]).exits(0).says("; tried again in ");
        }
        let warmed = warmer.warm([server.url()]);
        warmed.ran.exits(0);
        assert_eq!(warmed.one().number("/coverage/missing"), 0, "{:?}", warmed.ran);
        assert!(warmed.one().embedded() > 0, "{:?}", warmed.ran);
        daemon.stop().exits(0);
    }
}

#[test]
fn a_warm_without_a_model_waits_for_the_daemon_that_has_one() {
    needs!(GIT, Need::Runtime);
    let Some(engine) = postgres() else { return };
    let (repo, warmer, owner) = (Repo::generated(5, 500, 1), bare(&engine), engine.warmer());
    let (server, daemon) = (Server::serve(repo.path()), Daemon::start(&owner));
    let warmed = warmer.warm([server.url()]);
    warmed.ran.exits(0);
    assert_eq!((warmed.one().number("/coverage/missing"), warmed.one().embedded()), (0, 0), "{:?}", warmed.ran);
    daemon.stop().exits(0);
}

/// With SQLite there is none beside a warm.
#[test]
fn a_warm_that_wants_no_fills_puts_one_in_the_queue_for_a_daemon_alone() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (mut repo, warmer) = (Repo::generated(5, 500, 1), engine.warmer());
        let server = Server::serve(repo.path());
        let queued = || warmer.run(["jobs", "list", "--json"]).exits(0).json()["jobs"].clone();
        warmer.run(["warm", "--no-fill", &server.url()]).exits(0).says("warmed");
        assert_eq!(queued(), serde_json::json!([]));
        if matches!(engine, Engine::Postgres(_)) {
            let owner = bare(&engine);
            let mut daemon = Daemon::begin(&owner);
            daemon.wait_for("this instance makes no vectors");
            repo.write("src/pushed.rs", "fn ostrich() {}\n").commit("a push");
            warmer.run(["warm", "--no-fill", &server.url()]).exits(0).says("warmed");
            assert_eq!(queued()[0]["kind"], "fill", "{}", queued());
            daemon.stop().exits(0);
        }
        let warmed = warmer.warm([server.url()]);
        warmed.ran.exits(0);
        assert!(warmed.one().embedded() > 0 && warmed.one().number("/coverage/missing") == 0, "{:?}", warmed.ran);
    }
}
