//! A changed model loses no answer: searches use the model of before until the new one has made all that is served,
//! from what is stored. A person may switch, roll back and drop.

use serde_json::Value;
use warmer_tests::{Daemon, Engine, GIT, Need, Ran, Repo, Server, Warmer, model, needs};

const QUERY: &str = "claim the oldest job";

/// The paths that a search finds.
fn found(warmer: &Warmer) -> Vec<String> {
    let answers = warmer.run(["search", QUERY, "--json"]).exits(0).json();
    let path = |answer: &Value| answer["path"].as_str().expect("a path").to_owned();
    let mut paths: Vec<_> = answers["hits"].as_array().expect("a list").iter().map(path).collect();
    paths.sort();
    paths
}

fn warm(warmer: &Warmer, servers: &[&Server]) -> Ran {
    warmer.warm(servers.iter().map(|server| server.url())).ran
}

/// Two repositories that are served by the first model, and where they lie.
fn two(warmer: &Warmer) -> ([Server; 2], [Repo; 2]) {
    let (mut one, mut two) = (Repo::new(), Repo::new());
    one.write("a.py", "def claim(job): pass\n").commit("one");
    two.write("b.py", "def oldest(job): return job\n").commit("two");
    let servers = [Server::serve(one.path()), Server::serve(two.path())];
    warm(warmer, &[&servers[0], &servers[1]]).exits(0).never_says("model of before");
    assert_eq!(servers.each_ref().map(|server| server.asked().objects), [1, 1], "each was fetched once");
    (servers, [one, two])
}

/// All generations, the one that changed last first: state, repositories covered, texts missing.
fn listed(warmer: &Warmer) -> Vec<(String, u64, u64)> {
    let all = warmer.run(["generations", "list", "--json"]).exits(0).json();
    let number = |one: &Value, key: &str| one[key].as_u64().expect("a number");
    let state = |one: &Value| one["state"].as_str().expect("a state").to_owned();
    let one = |one: &Value| (state(one), number(one, "covered"), number(one, "missing"));
    all.as_array().expect("a list").iter().map(one).collect()
}

/// The ID of the first that is in this state.
fn id_of(warmer: &Warmer, state: &str) -> String {
    let all = warmer.run(["generations", "list", "--json"]).exits(0).json();
    let found = all.as_array().expect("a list").iter().find(|one| one["state"] == state);
    found.unwrap_or_else(|| panic!("none is {state}: {all}"))["id"].as_str().expect("an ID").to_owned()
}

#[test]
fn a_changed_model_loses_no_answer() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let warmer = engine.warmer();
        let ([one, two], _repos) = two(&warmer);
        assert_eq!(found(&warmer), ["a.py", "b.py"]);

        model::write_toy(&warmer.model(), 2);
        warm(&warmer, &[&one]).exits(0).says("searches use the model of before").says(&two.url());
        warmer.run(["search", QUERY]).exits(0).says("by their words alone").says("model");
        warmer.run(["doctor"]).exits(0).says("searches use the model of before");
        // Whoever still has the model of before finds all there was.
        model::write_toy(&warmer.model(), 1);
        assert_eq!(found(&warmer), ["a.py", "b.py"]);
        warmer.run(["search", QUERY]).exits(0).never_says("not searched");

        model::write_toy(&warmer.model(), 2);
        warm(&warmer, &[&two]).exits(0).never_says("model of before");
        assert_eq!(found(&warmer), ["a.py", "b.py"]);
        warmer.run(["doctor"]).exits(0).never_says("model of before");
    }
}

/// By meaning: each answer that has a similarity.
fn found_by_meaning(warmer: &Warmer) -> usize {
    let answers = warmer.run(["search", QUERY, "--json"]).exits(0).json();
    answers["hits"].as_array().expect("a list").iter().filter(|answer| answer["similarity"].is_number()).count()
}

#[test]
fn who_names_the_model_of_before_is_answered_by_it_until_the_new_one_has_all_and_after_a_roll_back() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let mut warmer = engine.warmer();
        let ([one, two], _repos) = two(&warmer);
        let before = warmer.home().join("before");
        model::write_toy(&before, 1);
        model::write_toy(&warmer.model(), 2);
        warm(&warmer, &[&one]).exits(0);
        assert_eq!(found_by_meaning(&warmer), 0, "it is not named");
        warmer.set("model.before_path", format!("{:?}", before.display().to_string()));
        assert_eq!(found_by_meaning(&warmer), 2);
        warmer.run(["search", QUERY]).exits(0).never_says("by their words alone");
        warmer.run(["doctor"]).exits(0).says("before_path");
        warm(&warmer, &[&two]).exits(0);
        assert_eq!(found_by_meaning(&warmer), 2, "by the new one");
        warmer.run(["generations", "rollback"]).exits(0);
        assert_eq!(found_by_meaning(&warmer), 2, "by the one of before");
    }
}

#[test]
fn a_changed_model_lists_no_repository_and_reads_no_blob() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let warmer = engine.warmer();
        let (servers, _repos) = two(&warmer);
        model::write_toy(&warmer.model(), 2);
        let warmed = warmer.warm(servers.iter().map(Server::url));
        warmed.ran.exits(0);
        for repository in warmed.all() {
            assert_eq!((repository.verdict(), repository.embedded()), ("fresh", 1), "{:?}", warmed.ran);
            let counts = ["/blobs_read", "/bytes", "/pack_bytes", "/coverage/missing"];
            assert_eq!(counts.map(|count| repository.number(count)), [0; 4], "{:?}", warmed.ran);
        }
        assert_eq!(servers.map(|server| server.asked().objects), [0, 0]);
        let history = warmer.run(["jobs", "list", "--all", "--json"]).exits(0).json();
        let checks = history["attempts"].as_array().expect("a list").iter();
        let listed: Vec<_> = checks.filter(|attempt| attempt["outcome"] == "fresh").collect();
        assert_eq!(listed.len(), 2, "{history}");
        assert!(listed.iter().all(|attempt| attempt["summary"]["files_listed"] == 0), "{history}");
        assert_eq!(found(&warmer), ["a.py", "b.py"]);
        assert_eq!(id_of(&warmer, "active").len(), "0123456789ab/012345".len());
    }
}

#[test]
fn a_daemon_with_another_model_goes_over_to_it_by_itself_and_back_only_by_command() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let mut warmer = engine.warmer();
        warmer.set("scheduler.every", r#""1s""#);
        let (servers, _repos) = two(&warmer);
        let first = id_of(&warmer, "active");
        model::write_toy(&warmer.model(), 2);
        let mut daemon = Daemon::start(&warmer);
        daemon.wait_for("searches use the model of this instance");
        assert_eq!(listed(&warmer), [("active".to_owned(), 2, 0), ("retired".to_owned(), 2, 0)]);
        assert_eq!(servers.map(|server| server.asked().objects), [0, 0]);
        assert_eq!(found(&warmer), ["a.py", "b.py"]);
        warmer.run(["generations", "rollback"]).exits(0);
        daemon.wait_for("a command has searches use another model");
        assert_eq!(id_of(&warmer, "active"), first);
        daemon.stop().exits(0);
    }
}

#[test]
fn a_push_is_found_at_once_though_model_and_chunking_change_at_once() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let mut warmer = engine.warmer();
        let ([one, two], [mut repo, _repo]) = two(&warmer);
        model::write_toy(&warmer.model(), 2);
        warmer.set("content.chunk_size", "120");
        repo.write("c.py", "def youngest(job): return job\n").commit("three");
        warm(&warmer, &[&one]).exits(0).says("searches use the model of before").says(&two.url());
        assert_eq!(found(&warmer), ["a.py", "b.py", "c.py"]);
        // By the model that searches use.
        model::write_toy(&warmer.model(), 1);
        warmer.run(["search", QUERY]).exits(0).says("without a vector: 1 text").never_says("not searched");
        warmer.run(["generations", "list"]).exits(0).says("what was pushed since the chunking changed is found by it");

        model::write_toy(&warmer.model(), 2);
        warm(&warmer, &[&two]).exits(0).never_says("model of before");
        assert_eq!(found(&warmer), ["a.py", "b.py", "c.py"]);
        warmer.run(["search", QUERY]).exits(0).never_says("without a vector").never_says("not searched");
        warmer.run(["generations", "rollback"]).exits(0);
        assert_eq!(found(&warmer), ["a.py", "b.py", "c.py"], "what was pushed meanwhile");
    }
}

#[test]
fn a_roll_back_leaves_what_is_building_to_come_when_it_covers_all() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let warmer = engine.warmer();
        let ([one, two], _repos) = two(&warmer);
        let first = id_of(&warmer, "active");
        model::write_toy(&warmer.model(), 2);
        warm(&warmer, &[&one, &two]).exits(0).never_says("model of before");
        model::write_toy(&warmer.model(), 3);
        warm(&warmer, &[&one]).exits(0).says("searches use the model of before");
        let third = id_of(&warmer, "building");
        let back = warmer.run(["generations", "rollback"]);
        back.exits(0).says(&format!("searches use {first} again"));
        back.says(&format!("the fleet makes {third}, and searches use it once it covers all that is served"));
        assert_eq!((id_of(&warmer, "active"), id_of(&warmer, "building")), (first, third.clone()));
        warm(&warmer, &[&one]).exits(0).says("searches use the model of before").says(&two.url());
        warm(&warmer, &[&two]).exits(0).never_says("model of before");
        assert_eq!(id_of(&warmer, "active"), third);
        assert_eq!(found(&warmer), ["a.py", "b.py"]);
    }
}

#[test]
fn what_is_paused_when_the_model_changes_is_found_by_its_words() {
    needs!(GIT, Need::Runtime);
    let (mut one, mut two, warmer) = (Repo::new(), Repo::new(), Warmer::toy());
    one.write("a.py", "def claim(job): pass\n").commit("one");
    two.write("b.py", "def oldest(job): return job\n").commit("two");
    warmer.warm([one.path(), two.path()]).ran.exits(0);
    warmer.run(["repos", "pause", &two.url()]).exits(0);
    model::write_toy(&warmer.model(), 2);
    warmer.warm([one.path()]).ran.exits(0).never_says("model of before");
    assert_eq!(found(&warmer), ["a.py", "b.py"]);
    warmer.run(["search", QUERY]).exits(0).says("without a vector: 1 text").never_says("not searched");
}

#[test]
fn a_person_switches_rolls_back_and_drops() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let warmer = engine.warmer();
        let ([one, two], _repos) = two(&warmer);
        let text = warmer.run(["generations", "list"]);
        text.exits(0).says("ID").says("active").says("2/2").says("model");
        assert!(text.stdout.lines().all(|line| line.chars().count() <= 80), "{text:?}");
        warmer.run(["generations", "rollback"]).exits(1).says("there is nothing to roll back to");

        model::write_toy(&warmer.model(), 2);
        warm(&warmer, &[&one]).exits(0);
        assert_eq!(listed(&warmer), [("building".to_owned(), 1, 0), ("active".to_owned(), 2, 0)]);
        warmer.run(["generations", "list"]).exits(0).says("1/2").says("the fleet makes it");
        let (first, second) = (id_of(&warmer, "active"), id_of(&warmer, "building"));
        warmer.run(["generations", "switch", &second]).exits(1).says("vectors of 1 repository").says("--now");
        warmer.run(["generations", "switch", &first]).exits(0).says("already");
        for (command, empty) in [("switch", ""), ("switch", " "), ("drop", ""), ("drop", "/")] {
            warmer.run(["generations", command, empty]).exits(1).says("the ID of a generation is empty");
        }
        warmer.run(["generations", "switch", "no"]).exits(1).says("there is no generation no; there are");
        warmer.run(["generations", "drop", &first]).exits(1).says("searches use");
        warmer.run(["generations", "drop", &second]).exits(1).says("the fleet makes");

        warmer.run(["generations", "switch", &second, "--now"]).exits(0).says(&format!("searches use {second} now"));
        assert_eq!(listed(&warmer), [("active".to_owned(), 1, 1), ("retired".to_owned(), 2, 0)]);
        assert_eq!(found(&warmer), ["a.py", "b.py"], "one of them by its words");
        let back = warmer.run(["generations", "rollback", "--json"]);
        back.exits(0).says(&format!("the fleet makes {second}"));
        assert_eq!(back.json()[0]["id"], *first);
        warm(&warmer, &[&one, &two]).exits(0).says("a command has searches use another model");
        assert_eq!(id_of(&warmer, "active"), first, "nothing comes back by itself");

        model::write_toy(&warmer.model(), 1);
        warm(&warmer, &[&one, &two]).exits(0).never_says("another model");
        assert_eq!(found(&warmer), ["a.py", "b.py"]);
        warmer.run(["generations", "drop", second.split('/').next().expect("digits")]).exits(0).says("dropped");
        assert_eq!(listed(&warmer), [("active".to_owned(), 2, 0)]);
        assert_eq!(found(&warmer), ["a.py", "b.py"]);
    }
}
