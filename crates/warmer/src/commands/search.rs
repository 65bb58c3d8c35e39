//! `warmer search`: embeds the query with the model of the active recipe and prints the nearest chunks.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{anyhow, bail};
use serde::Serialize;
use warmer_content::{Artifact, ArtifactKey, Chunk, EmbeddingId, Language, Vector};
use warmer_embedding::{Embedder, ModelFiles, Runtime, Terminator, Tokenizer};
use warmer_store::{Repository, RepositoryId, SearchFilter, Store};

use super::reading;
use crate::args::Search;
use crate::context::Context;
use crate::exit::{Exit, Unavailable};
use crate::output::{self, plain};
use crate::search::{Best, Found};

/// Lines of a chunk that are shown to people.
const LINES_SHOWN: usize = 12;

/// Characters of a line that are shown to people.
const WIDTH_SHOWN: usize = 160;

/// Further places of the same text that are told; a vendored file may be in hundreds.
const PLACES_SHOWN: usize = 5;

/// Runs the command.
pub(crate) async fn run(context: &Context, search: Search) -> anyhow::Result<Exit> {
    let store = reading::open(context).await?;
    let recipe = store.active_recipe().await?.ok_or_else(|| anyhow!(reading::NOTHING_YET))?;
    let filter = filter(&*store, &search).await?;
    let query = embed(context, recipe.embedding, search.query.clone()).await?;

    let started = Instant::now();
    let mut best = Best::new(&query, search.path.as_deref(), search.limit.into())?;
    store.search_rows(recipe.embedding, &filter, &mut |rows| best.take(rows)).await?;
    tracing::debug!(chunks = best.scanned(), seconds = started.elapsed().as_secs_f64(), "scanned");

    let repositories = store.repositories().await?.into_iter().map(|repository| (repository.id, repository)).collect();
    let answers = Answers::load(&*store, best.answers(), &repositories).await?;
    if search.json {
        output::print_json(&answers.0)?;
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
        bail!("there is no language {}; it is one of {}", plain(name), known.join(", "));
    };
    Ok(language.name.to_owned())
}

/// The query's vector, by the model that made the cache.
async fn embed(context: &Context, expected: EmbeddingId, query: String) -> anyhow::Result<Vector> {
    let directory = context.paths.model.clone();
    let length_max = context.config.length_max();
    let library = context.paths.library().map(std::path::Path::to_path_buf).map_err(Unavailable);
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

/// The answers as the contract has them; keys are only ever added.
#[derive(Serialize)]
struct Answer {
    repository: String,
    path: String,
    start_line: u32,
    end_line: u32,
    symbol: Option<String>,
    language: String,
    score: f32,
    text: String,
    commit: Option<String>,
    served_at: Option<String>,
    also_in: Vec<Place>,
    #[serde(skip)]
    id: RepositoryId,
}

/// Another place of the same text.
#[derive(Serialize)]
struct Place {
    repository: String,
    path: String,
    start_line: u32,
    end_line: u32,
    #[serde(skip)]
    id: RepositoryId,
}

struct Answers(Vec<Answer>);

type Repositories = HashMap<RepositoryId, Repository>;

impl Answers {
    /// Loads what was found. What a warm replaced meanwhile is left out.
    async fn load(
        store: &dyn Store,
        found: Vec<(f32, Vec<Found>)>,
        repositories: &Repositories,
    ) -> anyhow::Result<Self> {
        let mut artifacts = HashMap::new();
        let mut answers = Vec::with_capacity(found.len());
        for (score, places) in found {
            let mut answer: Option<Answer> = None;
            for place in places {
                let Some(repository) = repositories.get(&place.repository) else { continue };
                let Some((artifact, chunk)) = chunk(store, &mut artifacts, &place).await? else { continue };
                let other = Place {
                    repository: repository.remote.clone(),
                    path: place.path.to_string(),
                    start_line: chunk.start_line,
                    end_line: chunk.end_line,
                    id: repository.id,
                };
                match &mut answer {
                    Some(answer) => answer.also_in.push(other),
                    None => answer = Some(Answer::new(repository, other, artifact, chunk, score)),
                }
            }
            answers.extend(answer);
        }
        Ok(Self(answers))
    }

    fn text(&self, repositories: &Repositories) -> String {
        if self.0.is_empty() {
            return "nothing found\n".to_owned();
        }
        let mut text = String::new();
        for (index, answer) in self.0.iter().enumerate() {
            answer.write(&mut text, repositories);
            // How old an answer is stands once below all answers of a repository that follow each other.
            if self.0.get(index + 1).is_none_or(|next| next.id != answer.id)
                && let Some(repository) = repositories.get(&answer.id)
            {
                let _ = writeln!(text, "{}\n", plain(&reading::age(repository)));
            }
        }
        text
    }
}

async fn chunk<'a>(
    store: &dyn Store,
    artifacts: &'a mut HashMap<ArtifactKey, Option<Artifact>>,
    place: &Found,
) -> anyhow::Result<Option<(&'a Artifact, &'a Chunk)>> {
    let artifact = match artifacts.entry(place.artifact) {
        MapEntry::Occupied(known) => known.into_mut(),
        MapEntry::Vacant(new) => new.insert(store.artifact(place.artifact).await?),
    };
    Ok(artifact.as_ref().and_then(|artifact| Some((artifact, artifact.chunks.get(place.chunk as usize)?))))
}

impl Answer {
    fn new(repository: &Repository, place: Place, artifact: &Artifact, chunk: &Chunk, score: f32) -> Self {
        Self {
            repository: place.repository,
            path: place.path,
            start_line: place.start_line,
            end_line: place.end_line,
            symbol: chunk.symbol.clone(),
            language: artifact.language.clone(),
            score,
            text: artifact.chunk_text(chunk).to_owned(),
            commit: repository.served.as_ref().map(|served| served.commit.clone()),
            served_at: reading::timestamp(repository.served_at),
            also_in: Vec::new(),
            id: place.id,
        }
    }

    fn write(&self, text: &mut String, repositories: &Repositories) {
        let symbol = self.symbol.as_deref().unwrap_or("-");
        let (path, start, end) = (plain(&self.path), self.start_line, self.end_line);
        let _ = writeln!(text, "{path}:{start}-{end}  {}  {:.3}", plain(symbol), self.score);
        let mut lines = self.text.trim_end().lines();
        for line in lines.by_ref().take(LINES_SHOWN) {
            let _ = writeln!(text, "    {}", cut(&plain(line)));
        }
        let more = lines.count();
        if more > 0 {
            let _ = writeln!(text, "    … {}", output::counted(more as u64, "more line"));
        }
        for place in self.also_in.iter().take(PLACES_SHOWN) {
            let Place { path, start_line, end_line, .. } = place;
            let _ = write!(text, "  also in {}:{start_line}-{end_line}", plain(path));
            match repositories.get(&place.id).filter(|repository| repository.id != self.id) {
                Some(repository) => drop(writeln!(text, "  {}", plain(&reading::age(repository)))),
                None => text.push('\n'),
            }
        }
        if let Some(more) = self.also_in.len().checked_sub(PLACES_SHOWN).filter(|more| *more > 0) {
            let _ = writeln!(text, "  and in {}", output::counted(more as u64, "more place"));
        }
        text.push('\n');
    }
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(WIDTH_SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
