//! `warmer repos list`: every repository, how it is kept warm, and how old its answers are.

use std::time::Duration;

use warmer_query::{Repositories, RepositoriesRequest, Repository, Sort, label};
use warmer_store::RepositoryState;

use crate::args::{ReposList, ReposSort, ReposState};
use crate::commands::reading::{self, ALL};
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, Cell, Colour, Column, Style, Table, ago, counted, duration, printable_line, until};

/// Runs the command.
pub(super) async fn run(context: &Context, list: ReposList) -> anyhow::Result<Exit> {
    let store = reading::open(context).await?;
    let request = RepositoriesRequest { state: list.state.map(state), overdue: list.overdue, sort: sort(list.sort) };
    let repositories = Repositories::list(&*store, ALL, request).await.map_err(reading::failed)?;
    if list.json {
        output::print_json(&repositories)?;
    } else if repositories.0.is_empty() {
        output::print(none(request))?;
    } else {
        output::print(&text(&repositories, Style::of_stdout(&context.environment)))?;
    }
    Ok(Exit::Done)
}

fn state(state: ReposState) -> RepositoryState {
    match state {
        ReposState::Active => RepositoryState::Active,
        ReposState::Paused => RepositoryState::Paused,
        ReposState::Dead => RepositoryState::Dead,
        ReposState::Quarantined => RepositoryState::Quarantined,
    }
}

fn sort(sort: ReposSort) -> Sort {
    match sort {
        ReposSort::Name => Sort::Name,
        ReposSort::State => Sort::State,
        ReposSort::Age => Sort::Age,
        ReposSort::Overdue => Sort::Overdue,
        ReposSort::Next => Sort::Next,
    }
}

fn none(request: RepositoriesRequest) -> &'static str {
    if request.state.is_some() || request.overdue {
        return "no followed repository matches\n";
    }
    "no repository is followed: `warmer repos add URL` follows one\n"
}

fn text(repositories: &Repositories, style: Style) -> String {
    let columns = [
        Column::left("STATE"),
        Column::left("REFRESH"),
        Column::right("PRIORITY"),
        Column::left("BY"),
        Column::left("CHECKED"),
        Column::left("NEXT"),
        Column::left("LAST"),
        Column::name("REPOSITORY"),
    ];
    let mut table = Table::new(style, columns);
    for repository in &repositories.0 {
        let by = if repository.configured { "file" } else { "command" };
        let cells = [
            Cell::new(repository.state.as_str(), colour(repository.state)),
            repository.refresh.to_string().into(),
            repository.priority.to_string().into(),
            by.into(),
            repository.served_at.map_or_else(|| "never".to_owned(), ago).into(),
            repository.next_check_at.map_or_else(|| "-".to_owned(), until).into(),
            repository.last_seconds.map_or_else(|| "-".to_owned(), |took| duration(seconds(took))).into(),
            label(&repository.repository, repository.reference.as_deref()).into(),
        ];
        table.row(cells, below(repository));
    }
    table.text()
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn colour(state: RepositoryState) -> Colour {
    match state {
        RepositoryState::Active => Colour::Green,
        RepositoryState::Paused => Colour::Yellow,
        RepositoryState::Dead | RepositoryState::Quarantined => Colour::Red,
    }
}

/// What there is to say of one that is not as it should be.
fn below(repository: &Repository) -> impl Iterator<Item = String> {
    let overdue = repository.overdue.map(|age| format!("overdue for {}", duration(age)));
    let stale = repository.stale_since.map(|since| format!("stale for {}", duration(since.age())));
    let failing = repository.last_error.as_deref().map(|error| {
        let failed = match repository.failures {
            0 => "the last attempt failed".to_owned(),
            failures => format!("{} in a row, the last", counted(failures.into(), "failed job")),
        };
        let since = repository.failing_since.map(|since| format!("failing since {since}; "));
        format!("{}{failed}: {}", since.unwrap_or_default(), printable_line(error))
    });
    let vectors = repository.coverage.as_ref().filter(|coverage| !coverage.complete).map(|coverage| {
        let texts = counted(coverage.missing, "text");
        if repository.state == RepositoryState::Paused {
            return format!("{texts} without a vector: none is made while it is paused (`warmer repos resume`)");
        }
        if coverage.left {
            return format!(
                "{texts} without a vector: none is made until a refresh has cut it as texts are cut now (`warmer \
                 enqueue`)"
            );
        }
        let why = coverage.last_error.as_deref().map(|why| format!(": {}", printable_line(why)));
        let hold = coverage.hold_until.map(|moment| format!("; tried again {}", until(moment))).unwrap_or_default();
        format!("{texts} without a vector yet{}{hold}", why.unwrap_or_default())
    });
    let failed = repository.coverage.as_ref().filter(|coverage| coverage.failed > 0).map(|coverage| {
        let texts = counted(coverage.failed, "text");
        format!("{texts} that cannot be embedded: `warmer warm --full` tries again")
    });
    overdue.into_iter().chain(stale).chain(vectors).chain(failed).chain(failing)
}
