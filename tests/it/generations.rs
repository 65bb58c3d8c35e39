//! A changed model loses no answer: searches use the model of before until the new one has made all that is served.

use warmer_tests::{Engine, GIT, Need, Ran, Repo, Server, Warmer, model, needs};

const QUERY: &str = "claim the oldest job";

/// The paths that a search finds.
fn found(warmer: &Warmer) -> Vec<String> {
    let answers = warmer.run(["search", QUERY, "--json"]).exits(0).json();
    let path = |answer: &serde_json::Value| answer["path"].as_str().expect("a path").to_owned();
    let mut paths: Vec<_> = answers["hits"].as_array().expect("a list").iter().map(path).collect();
    paths.sort();
    paths
}

fn warm(warmer: &Warmer, servers: &[&Server]) -> Ran {
    warmer.warm(servers.iter().map(|server| server.url())).ran
}

#[test]
fn a_changed_model_loses_no_answer() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (mut one, mut two, warmer) = (Repo::new(), Repo::new(), engine.warmer());
        one.write("a.py", "def claim(job): pass\n").commit("one");
        two.write("b.py", "def oldest(job): return job\n").commit("two");
        let (one, two) = (Server::serve(one.path()), Server::serve(two.path()));
        warm(&warmer, &[&one, &two]).exits(0).never_says("model of before");
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

#[test]
fn a_paused_repository_does_not_keep_searches_at_the_model_of_before() {
    needs!(GIT, Need::Runtime);
    let (mut one, mut two, warmer) = (Repo::new(), Repo::new(), Warmer::toy());
    one.write("a.py", "def claim(job): pass\n").commit("one");
    two.write("b.py", "def oldest(job): return job\n").commit("two");
    warmer.warm([one.path(), two.path()]).ran.exits(0);
    warmer.run(["repos", "pause", &two.url()]).exits(0);
    model::write_toy(&warmer.model(), 2);
    warmer.warm([one.path()]).ran.exits(0).never_says("model of before");
    assert_eq!(found(&warmer), ["a.py"]);
    warmer.run(["search", QUERY]).exits(0).says("not searched").says("embedded by another model");
}
