//! `warmer warm`: brings repositories into the cache, or up to date, and says what it did.

mod answers;
mod elsewhere;
mod end;
mod generation;
mod jobs;
mod made;
mod pace;
pub(super) mod progress;
mod summary;
mod takeover;
pub(super) mod vectors;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use warmer_pipeline::{Listener, Observer, Registered, Selection, Settings, Tools, job_events};
use warmer_store::{InstanceId, Membership, Role, Store, StoreError, Takes};

use crate::args::Warm;
use crate::assemble;
use crate::commands::warm::answers::Answers;
use crate::commands::warm::end::Ended;
use crate::commands::warm::progress::Progress;
use crate::commands::warm::vectors::{Fillings, Vectors};
use crate::commands::warm::waiting::Waiting;
use crate::context::Context;
use crate::database;
use crate::exit::Exit;
use crate::indexing;
use crate::memory;
use crate::output;
use crate::reporting;
use crate::signals::Signals;
use crate::telemetry::{AttemptSpans, Attempts};

/// How long open jobs may go on after an interruption: what was stored stays, and the rest is little.
const INTERRUPT_GRACE: Duration = Duration::ZERO;

/// Warms the repositories; ends when all their jobs are settled.
pub(crate) async fn run(context: &Context, arguments: Warm) -> anyhow::Result<Exit> {
    let mut answers = jobs::parse(&arguments.repositories, arguments.reference.as_deref())?;
    let mirrors = assemble::mirrors(context)?;
    let git = assemble::git(context)?;
    jobs::prefetch(&git, &mirrors, &answers, context.config.claimer.concurrency);
    let store = database::open(context, Role::Pipeline).await?;
    let fills = !arguments.no_fill;
    let tools = Tools { git, fills, ..assemble::tools(context, store.clone(), mirrors).await? };
    if arguments.full {
        mend(store.as_ref()).await?;
    }
    let settings = context.settings();
    let mut registered = enter(context, &tools).await?;
    let enqueuing = jobs::enqueue(store.as_ref(), &mut answers, arguments.full, shared(&tools));
    let scope = registered.beside(enqueuing).await?;
    let worked = async {
        let ended = work(context, &arguments, tools.clone(), (registered, settings, scope), &mut answers).await?;
        if answers.any_served() && tools.fleet.makes_ours() {
            generation::switch(store.as_ref(), tools.recipe).await?;
        }
        anyhow::Ok((
            ended,
            summary::Summary::of(store.as_ref(), &answers, (tools.recipe.embedding, memory::peak())).await?,
        ))
    };
    let worked = worked.await;
    database::leave(store.as_ref(), tools.identity.get()).await;
    let (ended, summary) = worked?;
    if arguments.json {
        output::print_json(&summary)?;
    } else {
        output::print(&summary.to_string())?;
    }
    Ok(match ended {
        Ended::Settled => answers.exit(),
        Ended::Early(exit) => exit,
    })
}

/// This instance, where others may share its queue.
fn shared(tools: &Tools) -> Option<InstanceId> {
    tools.store.is_shared().then(|| tools.identity.get())
}

/// Makes this process known, and hears what the fleet runs by. Where daemons share the queue theirs counts: who warms
/// one path from a laptop does not mean to decide for all of them.
async fn enter(context: &Context, tools: &Tools) -> Result<Registered, StoreError> {
    let capacity = u32::try_from(context.config.claimer.concurrency).unwrap_or(u32::MAX);
    let registered = Registered::new(tools, capacity, Takes::Own).await?;
    let membership = if shared(tools).is_some() { Membership::Visits } else { Membership::Joins };
    tools.fleet.enter(tools.store.as_ref(), tools.identity.get(), membership).await?;
    Ok(registered)
}

/// Runs the pipeline until every job has an answer, or somebody interrupts.
async fn work(
    context: &Context,
    arguments: &Warm,
    tools: Tools,
    (registered, settings, scope): (Registered, Settings, Selection),
    answers: &mut Answers,
) -> anyhow::Result<Ended> {
    if answers.all_answered() {
        return Ok(Ended::Settled);
    }
    let (listener, mut events) = job_events();
    let (store, ours, recipe) = (tools.store.clone(), tools.identity.get(), tools.recipe);
    let identity = tools.identity.clone();
    let missing = tools.provider.missing().map(str::to_owned);
    let (published, indexing) = indexing::begin(context, store.clone());
    let mut listening: Vec<Arc<dyn Listener>> =
        vec![listener, published, Arc::new(Attempts), AttemptSpans::of(context)];
    listening.extend(context.metrics.measure(&context.config, &context.paths));
    let observer = Observer::of(listening);
    let running = warmer_pipeline::start(registered, tools, settings, scope.clone(), observer.clone())
        .await
        .context("the pipeline cannot be started")?;
    let _reporting = reporting::begin((store.clone(), observer), identity, running.sampler(), context.machine, false);
    let _measured = context.metrics.runs(running.measuring());
    let fillings = Fillings::default();
    let quiet = arguments.quiet || context.config.telemetry.format.is_for_machines();
    let progress = Progress::start(&context.console, running.ledger.clone(), fillings.clone(), quiet);
    let vectors = Vectors { store: store.as_ref(), fills: store.as_ref(), recipe, fillings: &fillings, missing };
    let waiting = Waiting {
        running: &running,
        store: store.as_ref(),
        ours,
        scope: &scope,
        full: arguments.full,
        vectors: (!arguments.no_fill).then_some(vectors),
        told: (!quiet).then_some(&progress),
    };
    let ended = waiting.until_done(&mut events, answers).await;
    running.stop(INTERRUPT_GRACE).await;
    progress.finish();
    if matches!(ended, Ok(Ended::Settled)) {
        // Who does not want to wait leaves it to the next search.
        Signals::listen()?.unless_signalled(indexing.done()).await;
    }
    ended
}

/// Finds and removes what is damaged, so that the full check and the fills make it again. That some vectors are missing
/// is no damage: they may be on their way.
async fn mend(store: &dyn Store) -> anyhow::Result<()> {
    let found = store.verify(true).await?;
    if found.artifacts_damaged + found.vectors_damaged + found.entries_broken > 0 {
        tracing::warn!(
            artifacts_damaged = found.artifacts_damaged,
            vectors_damaged = found.vectors_damaged,
            vectors_missing = found.vectors_missing,
            entries_broken = found.entries_broken,
            "the cache is damaged; what is damaged is removed: fills make the vectors again, and a full warm of each \
             repository that has them the artifacts"
        );
    }
    Ok(())
}
