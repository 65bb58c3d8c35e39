//! `warmer job-child`: runs one job for the pipeline that started it. Not for people: what it is to do comes by stdin.

use std::io;
use std::sync::Arc;

use anyhow::Context as _;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use warmer_pipeline::child::{self, Parent};
use warmer_pipeline::{Ending, Identity, Order, Settings, Tools};
use warmer_store::{InstanceId, Role};
use warmer_supervision::inside;

use crate::context::Context;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::metrics::Metrics;
use crate::paths::Paths;
use crate::telemetry::{self, Console, Export};
use crate::threads::Threads;
use crate::{assemble, config, database, machine};

/// Sessions of the model, at most: each takes memory, of which this process has little, and its job has killed others.
const EMBEDDERS_MAX: usize = 4;

/// Runs the job. What it cannot even begin is told as an ending too: only a death of this process counts as one.
pub(crate) fn run(environment: Environment) -> anyhow::Result<Exit> {
    let order = Parent::order().context("no job")?;
    limit(&order).context("this process cannot be limited")?;
    let parent = Parent::hear().context("the parent cannot be heard")?;
    let ready = Threads::start().and_then(|threads| Ok((context(&order, environment, &threads)?, threads)));
    let ((context, export), threads) = match ready {
        Ok(ready) => ready,
        Err(error) => {
            parent.tell_end(None, unfit(&error))?;
            return Ok(Exit::Done);
        }
    };
    let worked = threads.run(async {
        match tools(&context, &order).await {
            Ok(tools) => child::work(&order, tools, settings(&context), parent).await,
            Err(error) => parent.tell_end(None, unfit(&error)),
        }
    });
    threads.end();
    export.finish();
    worked.context("the parent does not hear any more").map(|()| Exit::Done)
}

/// Neither the machine's memory nor the parent's other jobs pay for this one.
fn limit(order: &Order) -> io::Result<()> {
    inside::die_first();
    #[cfg(target_os = "linux")]
    inside::die_with_parent(order.parent)?;
    inside::limit_memory(order.memory_max)
}

fn unfit(error: &anyhow::Error) -> Ending {
    Ending::Unfit(format!("the job's own process cannot begin: {error:#}"))
}

/// The parent's configuration; its log goes through the parent.
fn context(order: &Order, environment: Environment, threads: &Threads) -> anyhow::Result<(Context, Export)> {
    let config = config::of_text(&order.configuration)?;
    let console = Console::default();
    let writer = BoxMakeWriter::new(console.clone());
    let variables = telemetry::Variables::read(&environment).map_err(config::Problems::of_variables)?;
    // What this one does its parent does, to whoever reads logs and traces.
    let parent = Identity::of(InstanceId(order.instance));
    let export = telemetry::init(&config.telemetry, (&environment, &variables), &parent, writer)
        .context("cannot start telemetry")?;
    let paths = Paths::new(&config, &environment)?;
    let (in_force, machine) = (order.configuration.clone(), machine::here(&config, &paths));
    let (given, identity) = (config::Given::default(), Identity::random());
    let warnings = vec![];
    // What it does counts in the process that started it.
    let metrics = Metrics::default();
    let background = threads.background();
    let context = Context {
        config,
        in_force,
        given,
        warnings,
        environment,
        paths,
        machine,
        identity,
        console,
        metrics,
        background,
    };
    Ok((context, export))
}

async fn tools(context: &Context, order: &Order) -> anyhow::Result<Tools> {
    let store = database::open(context, Role::Child).await?;
    let mirrors = assemble::mirrors(context)?;
    assemble::child_tools(context, store, mirrors, Arc::new(telemetry::Continued(order.traceparent.clone()))).await
}

fn settings(context: &Context) -> Settings {
    let mut settings = context.settings();
    settings.embedder.workers = settings.embedder.workers.min(EMBEDDERS_MAX);
    #[cfg(feature = "chaos")]
    let settings = crate::chaos::settings(settings, &context.environment);
    settings
}
