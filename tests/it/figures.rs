//! What scales a fleet asks the database itself: the queries in the files for deploying, word for word.

use std::path::Path;

use warmer_tests::{Need, Postgres, Warmer, needs};

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
    let exporter = query_of("prometheus/sql_exporter.yml");
    let columns = "concat_ws(' ', pending, running, oldest_seconds >= 0)";
    assert_eq!(server.query(&format!("SELECT {columns} FROM ({exporter}) AS figures")), ["2 0 t"]);
}
