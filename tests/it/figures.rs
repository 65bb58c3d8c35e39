//! What scales a fleet asks the database itself: the queries in the files for deploying, word for word. What a demand
//! needs is told from what is given, and from the history.

use std::path::Path;

use serde_json::Value;
use warmer_tests::{Daemon, Engine, GIT, Need, Postgres, Repo, Warmer, needs};

/// What stands behind the first `query:` of a file below `config`.
fn query_of(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix("query:"));
    line.unwrap_or_else(|| panic!("{} asks nothing", path.display())).trim().to_owned()
}

#[test]
fn the_queries_that_scale_a_fleet_count_what_waits() {
    needs!(Need::Runtime);
    let Some(server) = Postgres::new() else { return };
    let mut warmer = Warmer::toy();
    warmer.env("DATABASE_URL", server.url());
    for name in ["one", "two"] {
        let url = format!("https://git.example.invalid/{name}.git");
        warmer.run(["repos", "add", &url, "--refresh", "never"]).exits(0);
        warmer.run(["enqueue", name]).exits(0);
    }
    let keda = query_of("kubernetes/overlays/keda/scaledobject.yaml");
    assert_eq!(server.query(&format!("SELECT pending::text FROM ({keda}) AS figures")), ["2"]);
}

#[test]
fn a_demand_is_counted_from_what_is_given_else_from_the_history_else_from_the_guide() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::generated(2, 300, 1), Warmer::toy());
    let source = |of: &Value, name: &str| {
        let assumed = of["assumed"].as_array().expect("a list");
        assumed.iter().find(|figure| figure["name"] == name).expect("it is assumed")["source"].clone()
    };
    let guide = warmer.run(["capacity", "--json"]).exits(0).json();
    assert_eq!(
        (&source(&guide, "repositories"), guide["busy_slots"].as_f64()),
        (&"default".into(), Some(2000.0 / 30.0))
    );
    for number in 0..5 {
        repo.write("more.rs", format!("fn more_{number}() {{}}\n")).commit("more");
        warmer.warm([repo.path()]).ran.exits(0);
    }
    let told = warmer.run(["capacity", "--refresh", "15m", "--json"]).exits(0).json();
    let sources = ["repositories", "refresh_seconds", "job_seconds", "check_seconds"].map(|name| source(&told, name));
    assert_eq!(sources, ["measured", "given", "measured", "default"], "{told}");
    let busy = told["busy_slots"].as_f64().expect("a number");
    assert!(busy > 0.0 && busy < 0.1, "one small repository, four times an hour: {busy}");
    warmer
        .run(["capacity"])
        .exits(0)
        .says("1 repository (measured), each checked every 15m (default)")
        .says("24 are in force, which is enough");
}

#[test]
fn how_often_repositories_are_checked_is_told_by_their_own_intervals_and_not_by_a_history_that_just_began() {
    needs!(GIT, Need::Runtime);
    let warmer = Warmer::toy();
    let mut repos: Vec<_> = (0..3).map(|seed| Repo::generated(1, 100, seed)).collect();
    for repo in &repos {
        warmer.run(["repos", "add", &repo.path().display().to_string(), "--refresh", "1m"]).exits(0);
    }
    for number in 0..2 {
        for repo in &mut repos {
            repo.write("more.rs", format!("fn more_{number}() {{}}\n")).commit("more");
            warmer.warm([repo.path()]).ran.exits(0);
        }
    }
    let told = warmer.run(["capacity", "--json"]).exits(0).json();
    let assumed = told["assumed"].as_array().expect("a list");
    let refresh = assumed.iter().find(|figure| figure["name"] == "refresh_seconds").expect("it is assumed");
    assert_eq!((&refresh["source"], refresh["value"].as_f64()), (&"configured".into(), Some(60.0)), "{told}");
    assert_eq!(told["jobs_per_hour"].as_f64(), Some(180.0), "three, sixty times an hour: {told}");
    warmer.run(["capacity"]).exits(0).says("3 repositories (measured), each checked every 1m (configured)");
}

#[test]
fn the_memory_that_was_measured_is_an_instances_own_figure_and_what_a_formula_gives_is_called_estimated() {
    needs!(Need::Runtime);
    let warmer = Engine::Sqlite.warmer();
    let memory = || {
        let each = warmer.run(["capacity", "--json"]).exits(0).json()["per_instance"].clone();
        ["memory_estimated_bytes", "memory_measured_bytes"].map(|name| each[name].as_u64())
    };
    let [estimated, measured] = memory();
    assert!(estimated > Some(0) && measured.is_none(), "nothing runs: {estimated:?}, {measured:?}");
    let daemon = Daemon::start(&warmer);
    Engine::Sqlite.wait_for(&warmer, "SELECT figures FROM instance_figures");
    let [still, measured] = memory();
    assert!(still == estimated && measured > Some(0) && measured != estimated, "{still:?}, {measured:?}");
    let told = warmer.run(["capacity"]);
    told.exits(0).says("estimated by the size of the model here").says("as measured, in the largest instance now");
    daemon.stop().exits(0);
}

#[test]
fn a_database_that_was_named_and_cannot_be_asked_is_told_and_the_figures_are_the_guides() {
    let mut warmer = Warmer::toy();
    let unknown = "the database cannot be asked, so nothing is measured, and the figures are the guide's: ";
    warmer.run(["capacity"]).exits(0).never_says(unknown);
    let file = warmer.home().join("no.db");
    std::fs::write(&file, "this is no database").expect("a writable home");
    for (url, why) in [
        (format!("sqlite:{}", file.display()), "is damaged"),
        (format!("sqlite:{}", warmer.home().join("nowhere.db").display()), "nothing has been warmed yet"),
        ("postgres://ann:hunter2@127.0.0.1:1/d".to_owned(), "the database d at 127.0.0.1:1"),
    ] {
        warmer.env("DATABASE_URL", url);
        let told = warmer.run(["capacity", "--json"]);
        told.exits(0).says(unknown).says(why).never_says("hunter2");
        assert_eq!(told.json()["assumed"][0]["source"], "default");
    }
}
