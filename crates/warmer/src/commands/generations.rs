//! `warmer generations list|switch|rollback|drop`: which models vectors are made by, and which one searches use.

use anyhow::bail;
use warmer_content::EmbeddingId;
use warmer_embedding::ModelFiles;
use warmer_query::{Generation, Generations};
use warmer_store::{Dropped, GenerationState, Role, Store};

use crate::args;
use crate::commands::reading::{self, ALL, failed};
use crate::context::Context;
use crate::database;
use crate::exit::Exit;
use crate::output::{self, Cell, Colour, Column, Style, Table, ago, counted};

/// Repositories that are counted; of more than that it is not told how many there are.
const COUNTED_MAX: u32 = 1000;

/// Runs the command.
pub(crate) async fn run(context: &Context, command: args::Generations) -> anyhow::Result<Exit> {
    if let args::Generations::List { json } = command {
        let store = reading::open(context).await?;
        return list(context, &*store, json).await;
    }
    let store = database::open_existing(context, Role::Writer).await?;
    let (sentence, json) = match &command {
        args::Generations::List { json } => (String::new(), *json),
        args::Generations::Switch(to) => (switch(context, &*store, to).await?, to.json),
        args::Generations::Rollback { json } => (roll_back(context, &*store).await?, *json),
        args::Generations::Drop { id, json } => (drop_one(context, &*store, id).await?, *json),
    };
    if json {
        list(context, &*store, json).await?;
    } else {
        output::print(&sentence)?;
    }
    store.close().await;
    Ok(Exit::Done)
}

async fn list(context: &Context, store: &dyn Store, json: bool) -> anyhow::Result<Exit> {
    let generations = all(context, store).await?;
    if json {
        output::print_json(&generations)?;
    } else if generations.0.is_empty() {
        output::print("there is no generation yet: the first publication makes one\n")?;
    } else {
        output::print(&text(&generations, Style::of_stdout(&context.environment)))?;
    }
    Ok(Exit::Done)
}

async fn all(context: &Context, store: &dyn Store) -> anyhow::Result<Generations> {
    Generations::of(store, ALL, here(context).as_ref()).await.map_err(failed)
}

/// The model of this machine, by the name of its directory; `None` where there is none.
fn here(context: &Context) -> Option<(EmbeddingId, String)> {
    let directory = &context.paths.model;
    let files = ModelFiles::locate(directory, context.config.model.length_max()).ok()?;
    let name = directory.file_name()?.to_string_lossy().into_owned();
    Some((files.fingerprint().ok()?, name))
}

async fn switch(context: &Context, store: &dyn Store, to: &args::Switch) -> anyhow::Result<String> {
    let generations = all(context, store).await?;
    let wanted = generations.find(&to.id).map_err(failed)?;
    if wanted.recipe.embedding == EmbeddingId::NONE {
        bail!("{} has no model: no vector is ever made for it", wanted.id);
    }
    if wanted.state == GenerationState::Active {
        return Ok(format!("searches use {} already\n", wanted.id));
    }
    // How texts are cut is no matter to a search: nothing is found no more by that.
    let is_same_model = generations.active().is_some_and(|active| active.recipe.embedding == wanted.recipe.embedding);
    if !to.now && !is_same_model {
        let left = store.uncovered(wanted.recipe, COUNTED_MAX).await?.len();
        if left > 0 {
            let most = if left == COUNTED_MAX as usize { "at least " } else { "" };
            let repositories = counted(left as u64, "repository");
            bail!(
                "{} lacks vectors of {most}{repositories}: wait until these are made, or switch at once with --now",
                wanted.id
            );
        }
    }
    activate(store, wanted).await?;
    tell_who_makes_it(&generations, wanted);
    Ok(format!("searches use {} now\n", wanted.id))
}

async fn roll_back(context: &Context, store: &dyn Store) -> anyhow::Result<String> {
    let generations = all(context, store).await?;
    let Some(before) = generations.before() else {
        bail!("there is nothing to roll back to: no other model was used by searches, or it was dropped since");
    };
    activate(store, before).await?;
    tell_who_makes_it(&generations, before);
    Ok(format!("searches use {} again\n", before.id))
}

async fn activate(store: &dyn Store, wanted: &Generation) -> anyhow::Result<()> {
    if !store.activate(wanted.recipe).await? {
        bail!("{} was dropped meanwhile", wanted.id);
    }
    Ok(())
}

/// Who makes the vectors of what changes from now on, and what searches use next.
fn tell_who_makes_it(generations: &Generations, active: &Generation) {
    let fleet = generations.0.iter().find(|one| one.made_by_fleet);
    let other = fleet.filter(|made| made.recipe.embedding != active.recipe.embedding);
    if let Some(made) = other {
        let next = match made.state {
            GenerationState::Building => ", and searches use it once it covers all that is served",
            GenerationState::Active | GenerationState::Retired => "",
        };
        output::note(&format!(
            "the fleet makes {}{next}: what changes is found by its words alone until an instance makes vectors of {}",
            made.id, active.id
        ));
    }
}

async fn drop_one(context: &Context, store: &dyn Store, id: &str) -> anyhow::Result<String> {
    let generations = all(context, store).await?;
    let id = &generations.find(id).map_err(failed)?.id;
    let recipe = generations.find(id).map_err(failed)?.recipe;
    match store.drop_generation(recipe).await? {
        Dropped::Done => Ok(format!("dropped {id}; `warmer gc` removes its vectors\n")),
        Dropped::Unknown => bail!("{id} was dropped meanwhile"),
        Dropped::Active => bail!("searches use {id}: switch to another generation first"),
        Dropped::Made => bail!("the fleet makes {id}: give its instances another configuration first"),
        Dropped::Shown(repositories) => {
            let repositories = counted(repositories, "repository");
            bail!("what {id} made is shown of {repositories}: warm or remove these first")
        }
    }
}

fn text(generations: &Generations, style: Style) -> String {
    let columns = [
        Column::left("ID"),
        Column::left("STATE"),
        Column::left("SINCE"),
        Column::right("COVERED"),
        Column::right("MISSING"),
        Column::name("MODEL"),
    ];
    let mut table = Table::new(style, columns);
    for one in &generations.0 {
        let figure = |figure: Option<u64>| figure.map_or_else(|| "-".to_owned(), |figure| figure.to_string());
        let cells = [
            one.id.clone().into(),
            Cell::new(one.state.as_str(), colour(one.state)),
            ago(one.since).into(),
            format!("{}/{}", figure(one.covered), one.served).into(),
            if is_counted(one) { figure(one.missing) } else { "?".to_owned() }.into(),
            model(one).into(),
        ];
        table.row(cells, below(one, generations.active()));
    }
    table.text()
}

/// What a repository lacks is known once the generation covers it.
fn is_counted(one: &Generation) -> bool {
    one.missing != Some(0) || one.covered.is_none_or(|covered| covered >= one.served)
}

fn model(one: &Generation) -> String {
    let none = if one.recipe.embedding == EmbeddingId::NONE { "none" } else { "-" };
    one.model.clone().unwrap_or_else(|| none.to_owned())
}

fn colour(state: GenerationState) -> Colour {
    match state {
        GenerationState::Active => Colour::Green,
        GenerationState::Building => Colour::Yellow,
        GenerationState::Retired => Colour::Plain,
    }
}

/// What becomes of one that the fleet makes and searches do not use, and what one is for that nobody makes.
fn below(one: &Generation, active: Option<&Generation>) -> Option<String> {
    let is_for_pushes = active.is_some_and(|active| active.recipe.embedding == one.recipe.embedding);
    match one.state {
        GenerationState::Building if one.made_by_fleet => {
            Some("the fleet makes it; searches use it once it covers all that is served".to_owned())
        }
        GenerationState::Retired if one.made_by_fleet => {
            Some("the fleet makes it; a command has searches use another".to_owned())
        }
        GenerationState::Retired if is_for_pushes => {
            Some("what was pushed since the chunking changed is found by it".to_owned())
        }
        _ => None,
    }
}
