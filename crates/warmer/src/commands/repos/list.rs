//! `warmer repos list`: every repository, how it is kept warm, and how old its answers are.

use std::fmt::Write as _;

use serde_json::{Value, json};
use warmer_store::Repository;

use crate::commands::reading::{self, label};
use crate::config::Refresh;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, printable_line};

/// Runs the command.
pub(super) async fn run(context: &Context, json: bool) -> anyhow::Result<Exit> {
    let repositories = reading::open(context).await?.repositories().await?;
    if json {
        output::print_json(&repositories.iter().map(machine).collect::<Vec<_>>())?;
    } else {
        output::print(&text(&repositories))?;
    }
    Ok(Exit::Done)
}

fn text(repositories: &[Repository]) -> String {
    if repositories.is_empty() {
        return "no repository is followed: `warmer repos add URL` follows one\n".to_owned();
    }
    let mut text = String::new();
    for repository in repositories {
        let (state, refresh) = (repository.state, Refresh::of(repository.policy.refresh));
        let _ = write!(text, "{}\n  {state}, refresh {refresh}", label(repository));
        if repository.policy.rank != 0 {
            let _ = write!(text, ", priority {}", -repository.policy.rank);
        }
        let source = if repository.policy.configured { "configuration" } else { "command" };
        let _ = writeln!(text, ", by {source}; {}", served(repository));
        if let Some(error) = &repository.last_error {
            let failed = match repository.failures {
                0 => "the last attempt failed".to_owned(),
                failures => format!("{} in a row, the last", output::counted(failures.into(), "failed job")),
            };
            let since = repository.failing_since.map(|since| format!("failing since {}; ", output::timestamp(since)));
            let _ = writeln!(text, "  {}{failed}: {}", since.unwrap_or_default(), printable_line(error));
        }
    }
    text
}

fn served(repository: &Repository) -> String {
    let (Some(served), Some(at)) = (&repository.served, repository.served_at) else { return "never served".to_owned() };
    let commit = served.commit.get(..12).unwrap_or(&served.commit);
    let stale = repository.stale_since.map(|since| format!(", stale for {}", output::ago(since).replace(" ago", "")));
    format!("{commit} served {}{}", output::ago(at), stale.unwrap_or_default())
}

fn machine(repository: &Repository) -> Value {
    let (served, policy) = (repository.served.as_ref(), &repository.policy);
    json!({
        "repository": repository.remote,
        "ref": repository.reference,
        "state": repository.state.as_str(),
        "refresh": Refresh::of(policy.refresh).to_string(),
        "priority": -policy.rank,
        "include": policy.include,
        "exclude": policy.exclude,
        "configured": policy.configured,
        "commit": served.map(|served| &served.commit),
        "served_ref": served.map(|served| &served.reference),
        "served_at": reading::timestamp(repository.served_at),
        "committed_at": reading::timestamp(repository.committed_at),
        "stale_since": reading::timestamp(repository.stale_since),
        "failures": repository.failures,
        "failing_since": reading::timestamp(repository.failing_since),
        "last_error": repository.last_error,
    })
}
