//! `warmer search`: the answers for people, or as JSON.

mod text;

use std::path::Path;

use anyhow::bail;
use warmer_query::{FilterNames, ModelPath, QuerySession, Report};

use super::reading;
use crate::args::{Search, SearchJson};
use crate::context::Context;
use crate::database;
use crate::exit::Exit;
use crate::output::{self, Style};

/// Runs the command.
pub(crate) async fn run(context: &Context, search: Search) -> anyhow::Result<Exit> {
    let store = reading::open(context).await?;
    let repositories = match &search.repo {
        Some(text) => {
            let found = reading::named(&*store, text, None).await?;
            Some(found.into_iter().map(|repository| repository.id).collect())
        }
        None => None,
    };
    let asked = warmer_query::Search {
        query: search.query,
        repositories,
        path: search.path,
        language: search.language,
        limit: search.limit.into(),
        names: FilterNames { path: "--path", language: "--language" },
    };
    let report =
        warmer_query::search(&*store, reading::ALL, &session(context), &asked).await.map_err(reading::failed)?;
    if report.repositories.is_empty() {
        bail!(database::NOTHING_YET);
    }
    print(&report, search.json, Style::of_stdout(&context.environment))?;
    Ok(Exit::Done)
}

/// The model of the configuration; it is opened where something is searched.
fn session(context: &Context) -> QuerySession {
    QuerySession::new(ModelPath {
        directory: context.paths.model.clone(),
        length_max: context.config.model.length_max(),
        runtime: context.paths.library().map(Path::to_path_buf),
        graphs: Some(context.paths.graphs.clone()),
    })
}

/// What a list of answers cannot say goes to stderr beside it.
fn print(report: &Report, json: Option<SearchJson>, style: Style) -> anyhow::Result<()> {
    match (json, &report.why) {
        (Some(SearchJson::Report), _) => return output::print_json(report),
        (Some(SearchJson::Answers), why) => {
            output::print_json(&report.answers)?;
            why.iter().for_each(|why| output::note(why));
        }
        (None, Some(why)) => output::print(&format!("{why}\n"))?,
        (None, None) => output::print(&text::text(report, style))?,
    }
    report.notes.iter().for_each(|note| output::note(note));
    Ok(())
}
