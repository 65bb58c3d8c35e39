//! Asks a cache that `warmer warm` made, without the program: which code means this, and how old is it?
//!
//! `cargo run -p warmer-query --example ask -- CACHE.sqlite MODEL_DIRECTORY RUNTIME_LIBRARY QUERY`

use std::io::Write as _;
use std::path::PathBuf;

use warmer_query::{ModelPath, QuerySession, Scope, Search, search};
use warmer_store::{Role, Sqlite};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let mut path = || arguments.next().map(PathBuf::from);
    let (Some(cache), Some(directory), Some(library)) = (path(), path(), path()) else {
        anyhow::bail!("expected: CACHE.sqlite MODEL_DIRECTORY RUNTIME_LIBRARY QUERY");
    };
    let query: Vec<_> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
    let store = Sqlite::open(&cache, Role::Reader).await?;
    let session = QuerySession::new(ModelPath { directory, length_max: None, runtime: Ok(library) });
    let report = search(&store, &Scope::All, &session, &Search::of(query.join(" "))).await?;
    let mut stdout = std::io::stdout().lock();
    if let Some(why) = &report.why {
        writeln!(stdout, "{why}")?;
    }
    for answer in &report.answers {
        writeln!(stdout, "{:.3}  {}:{}-{}", answer.score, answer.path, answer.start_line, answer.end_line)?;
        if let Some(repository) = report.searched(answer.id) {
            writeln!(stdout, "       {}", repository.freshness())?;
        }
    }
    Ok(())
}
