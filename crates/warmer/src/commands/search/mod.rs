//! `warmer search`: embeds the query with the model of the active recipe and prints the nearest chunks.

mod answers;
mod standing;

use std::path::Path;
use std::time::Instant;

use anyhow::{anyhow, bail};
use serde_json::json;
use warmer_content::{EmbeddingId, Language, Vector};
use warmer_embedding::{Model, ModelFiles, Terminator, TextLength};
use warmer_store::{SearchFilter, Store};

use super::reading;
use crate::args::{Search, SearchJson};
use crate::context::Context;
use crate::database;
use crate::exit::{Exit, Unavailable};
use crate::output::{self, counted, printable};
use crate::search::{Best, Places};
use answers::{Answers, Repositories};
use standing::{Scope, State};

/// Runs the command.
pub(crate) async fn run(context: &Context, search: Search) -> anyhow::Result<Exit> {
    let store = reading::open(context).await?;
    let repositories: Repositories =
        store.repositories().await?.into_iter().map(|repository| (repository.id, repository)).collect();
    if repositories.is_empty() {
        bail!(database::NOTHING_YET);
    }
    let recipe = store.active_recipe().await?;
    let filter = filter(&*store, &search).await?;
    let in_scope = |id| filter.repositories.as_ref().is_none_or(|ids| ids.contains(id));
    let mut of_scope: Vec<_> = repositories.values().filter(|repository| in_scope(&repository.id)).collect();
    of_scope.sort_by_key(|repository| repository.id);
    let scope = Scope::of(&*store, of_scope, recipe.map(|recipe| recipe.embedding)).await?;
    let looked = match recipe {
        Some(recipe) if scope.any_served() => look(context, &*store, &search, &filter, recipe.embedding).await?,
        _ => Looked::default(),
    };
    let answers = Answers::load(&*store, looked.found, &repositories).await?;
    let state = if answers.is_empty() {
        scope.why_nothing(&*store, search.path.is_some() || search.language.is_some()).await?
    } else {
        State::Found
    };
    let told = Told { search: &search, state, scope, answers, query: looked.query };
    told.print(&repositories)?;
    Ok(Exit::Done)
}

/// What the scan brought.
#[derive(Default)]
struct Looked {
    found: Vec<(f32, Places)>,
    query: Option<TextLength>,
}

async fn look(
    context: &Context,
    store: &dyn Store,
    search: &Search,
    filter: &SearchFilter,
    embedding: EmbeddingId,
) -> anyhow::Result<Looked> {
    let (query, length) = embed(context, embedding, search.query.clone()).await?;
    let started = Instant::now();
    let mut best = Best::new(&query, search.path.as_deref(), search.limit.into());
    store.search_rows(embedding, filter, &mut |rows| best.take(rows)).await?;
    tracing::debug!(chunks = best.scanned(), seconds = started.elapsed().as_secs_f64(), "scanned");
    Ok(Looked { found: best.answers()?, query: Some(length) })
}

/// All that is to be said.
struct Told<'a> {
    search: &'a Search,
    state: State,
    scope: Scope<'a>,
    answers: Answers,
    query: Option<TextLength>,
}

impl Told<'_> {
    fn print(&self, repositories: &Repositories) -> anyhow::Result<()> {
        match self.search.json {
            None if self.state == State::Found => output::print(&self.answers.text(repositories))?,
            None => output::print(&self.why())?,
            Some(SearchJson::Answers) => output::print_json(&self.answers)?,
            Some(SearchJson::Report) => return output::print_json(&self.report()),
        }
        if self.search.json.is_some() && self.state != State::Found {
            output::note(self.why().trim_end());
        }
        self.notes().iter().for_each(|note| output::note(note));
        Ok(())
    }

    fn why(&self) -> String {
        let filters = standing::filters(self.search.path.as_deref(), self.search.language.as_deref());
        self.scope.sentence(self.state, &filters)
    }

    /// What the answers lack, if there are some: a line each.
    fn notes(&self) -> Vec<String> {
        let cut = self.query.filter(|query| query.read < query.tokens).map(|TextLength { tokens, read }| {
            format!(
                "the query has {}, and the model reads the first {read}: the rest did not count",
                counted(tokens as u64, "token")
            )
        });
        let missing = if self.state == State::Found { self.scope.missing() } else { vec![] };
        cut.into_iter().chain(missing).collect()
    }

    fn report(&self) -> serde_json::Value {
        let why = (self.state != State::Found).then(|| self.why().trim_end().to_owned());
        json!({
            "state": self.state.as_str(),
            "why": why,
            "query": self.query.map(|query| json!({ "tokens": query.tokens, "tokens_read": query.read })),
            "notes": self.notes(),
            "answers": self.answers,
            "repositories": self.scope.json(),
        })
    }
}

/// What the scan is narrowed to.
async fn filter(store: &dyn Store, search: &Search) -> anyhow::Result<SearchFilter> {
    let repositories = match &search.repo {
        Some(text) => {
            let found = reading::named(store, text, None).await?;
            Some(found.into_iter().map(|repository| repository.id).collect())
        }
        None => None,
    };
    let language = match &search.language {
        Some(name) => Some(language(name)?),
        None => None,
    };
    Ok(SearchFilter { repositories, language })
}

fn language(name: &str) -> anyhow::Result<String> {
    let Some(language) = Language::by_name(name) else {
        let known: Vec<_> = Language::all().iter().map(|language| language.name).collect();
        bail!("there is no language {}; it is one of {}", printable(name), known.join(", "));
    };
    Ok(language.name.to_owned())
}

/// The query's vector, by the model that made the cache, and how much of the query is in it.
async fn embed(context: &Context, expected: EmbeddingId, query: String) -> anyhow::Result<(Vector, TextLength)> {
    let directory = context.paths.model.clone();
    let length_max = context.config.model.length_max();
    let library = context.paths.library().map(Path::to_path_buf).map_err(Unavailable);
    let embed = move || {
        let files = ModelFiles::locate(&directory, length_max)?;
        let fingerprint = files.fingerprint()?;
        if fingerprint.embedding != expected {
            let directory = directory.display();
            return Err(anyhow!(Unavailable(format!(
                "the model in {directory} is not the one that made the cache: name that one by `[model] path` (and its \
                 `length_max`), or warm again with this one"
            ))));
        }
        // One short text: a second thread would take longer to start than it saves.
        let model = Model::new(files, fingerprint, library?, 1);
        let length = model.length(&query)?;
        Ok((model.open()?.embed(&query, &Terminator::default())?, length))
    };
    tokio::task::spawn_blocking(embed).await?
}
