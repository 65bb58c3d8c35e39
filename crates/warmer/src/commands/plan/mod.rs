//! `warmer plan`: what a warm of these repositories would cost, before it is done.

mod embedder;
mod text;
mod view;

use std::sync::Arc;

use anyhow::Context as _;
use warmer_content::Recipe;
use warmer_git::Remote;
use warmer_pipeline::{Ending, Planned, Planner, Tools};
use warmer_store::{Repository, Role, Store, StoreError, StoreErrorKind};

use self::embedder::Embedder;
use self::view::{PlannedRepository, View};
use super::reading;
use super::warm::progress::Progress;
use super::warm::vectors::Fillings;
use crate::args::Plan;
use crate::assemble;
use crate::context::Context;
use crate::database;
use crate::exit::Exit;
use crate::output::{self, Style};

/// Counts, and tells; the repositories that cannot be counted are told too.
pub(crate) async fn run(context: &Context, arguments: Plan) -> anyhow::Result<Exit> {
    let asked = asked(&arguments.repositories)?;
    let mirrors = assemble::mirrors(context)?;
    let store = open(context).await?;
    let mut tools = assemble::tools(context, store.clone(), mirrors).await?;
    let embedder = Embedder::of(context);
    if let Ok(model) = &embedder {
        tools.recipe = Recipe { embedding: model.embedding, ..tools.recipe };
    }
    if let Some(note) = other_fleet(store.as_ref(), &tools).await? {
        output::note(note);
    }
    let (view, exit) = planned(context, &tools, embedder, (asked, arguments.reference.as_deref())).await?;
    store.close().await;
    if arguments.json {
        output::print_json(&view)?;
    } else {
        output::print(&text::text(&view, Style::of_stdout(&context.environment)))?;
    }
    Ok(exit)
}

/// A repository, or why the argument is none.
type Asked = Result<Remote, String>;

/// Reads the arguments; a repository that is named twice is counted once.
fn asked(arguments: &[String]) -> anyhow::Result<Vec<Asked>> {
    let here = std::env::current_dir().context("the current directory cannot be read: go to one that is there")?;
    let mut asked: Vec<Asked> = vec![];
    for argument in arguments {
        let remote = Remote::parse(argument, &here).map_err(|error| error.to_string());
        let is_known = |known: &&Asked| match (known, &remote) {
            (Ok(known), Ok(remote)) => known.location() == remote.location(),
            _ => false,
        };
        if asked.iter().find(is_known).is_none() {
            asked.push(remote);
        }
    }
    Ok(asked)
}

/// Opens the store for reading, beside whoever warms; where there is none yet, an empty one is made.
async fn open(context: &Context) -> anyhow::Result<Arc<dyn Store>> {
    match database::open(context, Role::Reader).await {
        Err(error) if error.downcast_ref().is_some_and(|error: &StoreError| error.kind() == StoreErrorKind::Empty) => {
            database::open(context, Role::Writer).await
        }
        opened => opened,
    }
}

/// What to say where the live instances would make something else of the repositories than this one.
async fn other_fleet(store: &dyn Store, tools: &Tools) -> Result<Option<&'static str>, StoreError> {
    if !store.is_shared() || store.status().await?.daemons == 0 {
        return Ok(None);
    }
    let fleet = store.fleet().await?.map(|fleet| fleet.configuration);
    let differs = fleet.is_some_and(|fleet| fleet.recipe != tools.recipe || fleet.rules != tools.rules.digest());
    Ok(differs
        .then_some("the instances that run have another model or [content] than this one, by which is counted here"))
}

/// Counts one after the other, then looks how fast it would go.
async fn planned(
    context: &Context,
    tools: &Tools,
    embedder: Result<Embedder, String>,
    (asked, reference): (Vec<Asked>, Option<&str>),
) -> anyhow::Result<(View, Exit)> {
    let settings = context.settings();
    let tokenizer = embedder.as_ref().ok().map(|embedder| embedder.tokenizer.clone());
    let planner = Planner::start(tools.clone(), &settings, tokenizer).await;
    let mut planner = planner.context("cannot start the stages that count for the plan")?;
    let quiet = context.config.telemetry.format.is_for_machines();
    let progress = Progress::start(&context.console, planner.ledger(), Fillings::default(), quiet);
    let (mut repositories, mut endings) = (vec![], vec![]);
    for asked in asked {
        let (row, ending) = one(tools.store.as_ref(), &mut planner, asked, reference).await?;
        repositories.push(row);
        endings.extend(ending);
    }
    progress.finish();
    let (total, sample) = (planner.total(), planner.sample());
    planner.stop().await;
    let speed = match &embedder {
        Ok(_) => embedder::speed(tools, &settings.embedder, &sample).await?,
        Err(why) => embedder::Found::nothing(why.clone()),
    };
    let counts_tokens = embedder.is_ok();
    let price = settings.embedder.price_per_million_tokens;
    Ok((View::of(repositories, total, (speed, counts_tokens), price), worst(&endings)))
}

/// Counts one; its row in the answer, and how it ended where it could not be counted.
async fn one(
    store: &dyn Store,
    planner: &mut Planner,
    asked: Asked,
    reference: Option<&str>,
) -> Result<(PlannedRepository, Option<Ending>), StoreError> {
    let remote = match asked {
        Ok(remote) => remote,
        Err(why) => return Ok((PlannedRepository::failed(None, reference, &why), Some(Ending::Dead(why)))),
    };
    let known = reading::at_location(store, &remote, None).await?;
    let known = known.into_iter().find(|known: &Repository| known.reference.as_deref() == reference);
    let served = known.as_ref().and_then(|known| known.served.clone());
    Ok(match planner.plan(&remote, reference, known).await {
        Ok(planned) => (found(&remote, served.map(|served| served.commit), planned), None),
        Err(ending) => {
            let why = ending.why().unwrap_or("it could not be counted").to_owned();
            (PlannedRepository::failed(Some(remote.url()), reference, &why), Some(ending))
        }
    })
}

fn found(remote: &Remote, served: Option<String>, planned: Planned) -> PlannedRepository {
    let is_same = served.as_ref() == Some(&planned.commit) && planned.files.indexed + planned.files.removed == 0;
    let state = match (served.is_some(), is_same) {
        (false, _) => "new",
        (true, false) => "changed",
        (true, true) => "current",
    };
    PlannedRepository::found(remote.url(), state, planned)
}

/// The worst decides, as of a warm: what this machine lacks, then what can never succeed, then what may later.
fn worst(endings: &[Ending]) -> Exit {
    let exits: Vec<_> = endings.iter().map(exit).collect();
    let worst = [Exit::Unavailable, Exit::Failed, Exit::Temporary].into_iter().find(|exit| exits.contains(exit));
    worst.unwrap_or(Exit::Done)
}

fn exit(ending: &Ending) -> Exit {
    match ending {
        Ending::Refused(otherwise) => exit(otherwise),
        Ending::Unfit(_) => Exit::Unavailable,
        Ending::Dead(_) | Ending::Gone(_) => Exit::Failed,
        _ => Exit::Temporary,
    }
}
