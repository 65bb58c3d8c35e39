//! What scales a fleet asks the database itself: the queries in the files for deploying, word for word. What a demand
//! needs is told from what is given, and from the history.

use std::path::Path;

use serde_json::Value;
use warmer_tests::{GIT, Need, Postgres, Repo, Warmer, needs};

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
    warmer.run(["capacity"]).exits(0).says("repositories 1 (measured)").says("24 are in force, which is enough");
}
