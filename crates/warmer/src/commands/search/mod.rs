//! `warmer search`: embeds the query with the model of the active recipe and prints the nearest chunks.

mod answers;

use std::path::Path;
use std::time::Instant;

use anyhow::{anyhow, bail};
use warmer_content::{EmbeddingId, Language, Vector};
use warmer_embedding::{Embedder, ModelFiles, Runtime, Terminator, Tokenizer};
use warmer_store::{SearchFilter, Store};

use super::reading;
use crate::args::Search;
use crate::context::Context;
use crate::database;
use crate::exit::{Exit, Unavailable};
use crate::output::{self, printable};
use crate::search::Best;
use answers::Answers;

/// Runs the command.
pub(crate) async fn run(context: &Context, search: Search) -> anyhow::Result<Exit> {
    let store = reading::open(context).await?;
    let recipe = store.active_recipe().await?.ok_or_else(|| anyhow!(database::NOTHING_YET))?;
    let filter = filter(&*store, &search).await?;
    let query = embed(context, recipe.embedding, search.query.clone()).await?;

    let started = Instant::now();
    let mut best = Best::new(&query, search.path.as_deref(), search.limit.into())?;
    store.search_rows(recipe.embedding, &filter, &mut |rows| best.take(rows)).await?;
    tracing::debug!(chunks = best.scanned(), seconds = started.elapsed().as_secs_f64(), "scanned");

    let repositories = store.repositories().await?.into_iter().map(|repository| (repository.id, repository)).collect();
    let answers = Answers::load(&*store, best.answers(), &repositories).await?;
    if search.json {
        output::print_json(&answers)?;
    } else {
        output::print(&answers.text(&repositories))?;
    }
    Ok(Exit::Done)
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

/// The query's vector, by the model that made the cache.
async fn embed(context: &Context, expected: EmbeddingId, query: String) -> anyhow::Result<Vector> {
    let directory = context.paths.model.clone();
    let length_max = context.config.length_max();
    let library = context.paths.library().map(Path::to_path_buf).map_err(Unavailable);
    let embed = move || {
        let files = ModelFiles::locate(&directory, length_max)?;
        if files.fingerprint()?.embedding != expected {
            let directory = directory.display();
            return Err(anyhow!(Unavailable(format!(
                "the model in {directory} is not the one that made the cache: name that one by `[model] path` (and its \
                 `length_max`), or warm again with this one"
            ))));
        }
        let runtime = Runtime::load(&library?)?;
        let tokenizer = Tokenizer::load(&files)?;
        // One short text: a second thread would take longer to start than it saves.
        Ok(Embedder::open(&runtime, &files, &tokenizer, 1)?.embed(&query, &Terminator::default())?)
    };
    tokio::task::spawn_blocking(embed).await?
}
