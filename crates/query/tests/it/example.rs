//! The example runs, and says why it finds nothing.

#![expect(clippy::disallowed_types, reason = "a test starts the program itself")]

use std::path::PathBuf;
use std::process::Command;

use crate::cache::Cache;

/// `examples/ask`, which cargo builds with the tests of a crate: beside the directory of this program.
fn ask() -> Command {
    let program = std::env::current_exe().unwrap();
    let built: PathBuf = program.ancestors().nth(2).unwrap().join("examples/ask");
    Command::new(built)
}

#[tokio::test]
async fn the_example_says_why_it_finds_nothing() {
    let cache = Cache::new().await;
    cache.follow("https://git.example.com/team/app").await;
    let said = ask().arg(cache.file()).args(["no-model", "no-runtime", "claim", "a", "job"]).output().unwrap();
    let stdout = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{said:?}");
    assert!(stdout.starts_with("nothing found; not searched: app (never warmed"), "{stdout}");
}
