//! The pipeline's tools, by the configuration of this process.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use tracing_subscriber::fmt::MakeWriter as _;
use warmer_git::Mirrors;
use warmer_pipeline::{Assembly, GitWorkers, Isolation, Live, Tools, Tracer};
use warmer_store::Store;
use warmer_supervision::child::Program;

use crate::context::Context;
use crate::telemetry::Spans;

/// What this program is called where it starts itself: under another of its names it takes its arguments otherwise.
const NAME: &str = "warmer";

/// Our copies of the remotes.
///
/// # Errors
/// When a credential's token is missing.
pub(crate) fn mirrors(context: &Context) -> anyhow::Result<Arc<Mirrors>> {
    let options = context.config.git_options(&context.environment)?;
    Ok(Arc::new(Mirrors::new(context.paths.mirrors.clone(), context.config.git.mirrors_size_max, options)))
}

/// Who does git's work: processes of this program.
///
/// # Errors
/// When the system does not tell where this program is.
pub(crate) fn git(context: &Context) -> anyhow::Result<Arc<GitWorkers>> {
    let memory = context.config.git.memory_max;
    // What is counted in the process ends an errand with a sentence; this ends the process, and so comes later.
    let last = memory.saturating_add(memory / 4);
    let program = Program::this(["git-worker", &last.to_string()]).context("this program cannot be found")?;
    Ok(Arc::new(GitWorkers::processes(program.called(NAME))))
}

/// Everything the stages work with. Reads the model's fingerprint; loads neither model nor runtime, and needs neither.
///
/// # Errors
/// When a pattern does not read, or, without a model, the database does not answer.
pub(crate) async fn tools(context: &Context, store: Arc<dyn Store>, mirrors: Arc<Mirrors>) -> anyhow::Result<Tools> {
    let mut tools = bare(context, store, mirrors).await?;
    let system = if tools.store.is_shared() { "postgresql" } else { "sqlite" };
    tools.tracer = Arc::new(Spans { system, identity: context.identity.clone() });
    tools.isolation = Some(Arc::new(isolation(context)?));
    #[cfg(feature = "chaos")]
    let tools = crate::chaos::open(tools, &context.environment)?;
    Ok(tools)
}

/// The same for a process that runs one job for another.
///
/// # Errors
/// As [`tools`].
pub(crate) async fn child_tools(
    context: &Context,
    store: Arc<dyn Store>,
    mirrors: Arc<Mirrors>,
    tracer: Arc<dyn Tracer>,
) -> anyhow::Result<Tools> {
    let tools = Tools { tracer, ..bare(context, store, mirrors).await? };
    #[cfg(feature = "chaos")]
    let tools = crate::chaos::open_in_child(tools, &context.environment)?;
    Ok(tools)
}

/// How a job gets a process of its own. What that logs goes where our own log goes.
fn isolation(context: &Context) -> anyhow::Result<Isolation> {
    let console = context.console.clone();
    Ok(Isolation {
        program: Program::this(["job-child"]).context("this program has no path")?.called(NAME),
        configuration: Live::new(context.in_force.clone()),
        identity: context.identity.clone(),
        memory_max: Live::new(context.config.claimer.child_memory_max),
        memory_key: "claimer.child_memory_max",
        heard: Arc::new(move |line| {
            // A log that cannot be written is no reason to stop.
            let _ = console.make_writer().write_all(format!("{line}\n").as_bytes());
        }),
    })
}

async fn bare(context: &Context, store: Arc<dyn Store>, mirrors: Arc<Mirrors>) -> anyhow::Result<Tools> {
    let config = &context.config;
    let assembly = Assembly {
        store,
        mirrors,
        git: git(context)?,
        content: &config.content,
        model: &config.model,
        model_directory: &context.paths.model,
        library: context.paths.library().map(Path::to_path_buf),
        settings: &context.settings(),
        version: env!("CARGO_PKG_VERSION"),
        identity: context.identity.clone(),
        background: context.background.clone(),
    };
    Ok(Tools { kept: config.telemetry.kept(), ..assembly.tools().await? })
}
