//! `warmer search`: the hits for people, or as JSON.

mod text;

use std::path::Path;

use anyhow::bail;
use warmer_query::{FilterNames, ModelPath, QuerySession, Report, Sides, Signals};
use warmer_settings::absolute;

use super::reading;
use crate::args::Search;
use crate::context::Context;
use crate::database;
use crate::exit::Exit;
use crate::indexing;
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
        sides: Sides { code: search.code, docs: search.docs, tests: search.tests },
        limit: search.limit.into(),
        context: search.context.into(),
        all_chunks: search.all_chunks,
        signals: Signals::ALL,
        names: FilterNames { path: "--path", language: "--language", sides: ["--code", "--docs", "--tests"] },
    };
    let snapshots = indexing::snapshots(context);
    let report = warmer_query::search(&*store, reading::ALL, &snapshots, &session(context), &asked)
        .await
        .map_err(reading::failed)?;
    if report.repositories.is_empty() {
        bail!(database::NOTHING_YET);
    }
    let style = Style::of_stdout(&context.environment);
    if search.json {
        output::print_json(&report)?;
    } else {
        print(&report, search.context.into(), style)?;
    }
    Ok(Exit::Done)
}

/// The model of the configuration, and that of before; one is opened where something is searched.
pub(super) fn session(context: &Context) -> QuerySession {
    let model = &context.config.model;
    let at = |directory, length_max| ModelPath {
        directory,
        length_max,
        runtime: context.paths.library().map(Path::to_path_buf),
        graphs: Some(context.paths.graphs.clone()),
    };
    let session = QuerySession::new(at(context.paths.model.clone(), model.length_max()));
    match &*model.before_path {
        "" => session,
        before => session.or(at(absolute(before), model.before_length_max())),
    }
}

/// What the hits cannot say goes to stderr beside them.
fn print(report: &Report, context: usize, style: Style) -> anyhow::Result<()> {
    match &report.why {
        Some(why) => output::print(&format!("{why}\n"))?,
        None => output::print(&text::text(report, context, style))?,
    }
    report.notes.iter().for_each(|note| output::note(note));
    Ok(())
}
