//! Asks a cache that `warmer warm` made, without the program: which code means this, and how old is it?
//!
//! `cargo run --package warmer-query --example ask -- CACHE.sqlite MODEL_DIRECTORY RUNTIME_LIBRARY QUERY`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use warmer_query::{ModelPath, QuerySession, Scope, Search, Snapshots, search};
use warmer_store::{Role, Sqlite};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example shows what came of it")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let mut path = || arguments.next().map(PathBuf::from);
    let (Some(cache), Some(directory), Some(library)) = (path(), path(), path()) else {
        anyhow::bail!("expected: CACHE.sqlite MODEL_DIRECTORY RUNTIME_LIBRARY QUERY");
    };
    let query: Vec<_> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
    let model = ModelPath { directory, length_max: None, runtime: Ok(library), graphs: None };
    print!("{}", ask(&cache, model, &query.join(" ")).await?);
    Ok(())
}

/// The answers, a line each with its age below, or why there are none.
async fn ask(cache: &Path, model: ModelPath, query: &str) -> anyhow::Result<String> {
    let store = Sqlite::open(cache, Role::Reader).await?;
    // For one query or many: the model and the index are opened once.
    let (session, snapshots) = (QuerySession::new(model), Snapshots::default());
    let report = search(&store, &Scope::All, &snapshots, &session, &Search::of(query)).await?;
    let mut text = report.why.as_ref().map(|why| format!("{why}\n")).unwrap_or_default();
    for hit in &report.hits {
        for range in &hit.ranges {
            writeln!(text, "{}:{}-{}", hit.path, range.start_line, range.end_line)?;
        }
        if let Some(repository) = report.searched(hit.id) {
            writeln!(text, "       {}", repository.freshness())?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use warmer_store::Catalogue as _;

    use super::*;

    #[tokio::test]
    async fn a_cache_in_which_nothing_was_warmed_says_so() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let cache = directory.path().join("warmer.sqlite");
        let store = Sqlite::open(&cache, Role::Pipeline).await.expect("an empty directory");
        store.add_repository("https://git.example.com/team/app", None).await.expect("it is open");
        let model =
            ModelPath { directory: "none".into(), length_max: None, runtime: Err("none".to_owned()), graphs: None };
        let text = ask(&cache, model, "claim a job").await.expect("no model is needed");
        assert!(text.starts_with("nothing found; not searched: app (never warmed"), "{text}");
    }
}
