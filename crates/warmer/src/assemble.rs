//! Puts the pipeline's tools together from the configuration.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use tracing_subscriber::fmt::MakeWriter as _;
use warmer_content::{ChunkLimits, Chunker, Recipe, Rules};
use warmer_embedding::{Fingerprint, Local, Model, ModelFiles};
use warmer_git::Mirrors;
use warmer_pipeline::{Fleet, GitHands, Identity, Isolation, NoFaults, Tools, Tracer};
use warmer_store::{Configuration, Store};
use warmer_supervision::child::Program;

use crate::context::Context;
use crate::exit::Unavailable;
use crate::telemetry::Spans;

/// The tokens that frame every text: `[CLS]` and `[SEP]`.
const SPECIAL_TOKENS: usize = 2;

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
pub(crate) fn git(context: &Context) -> anyhow::Result<Arc<GitHands>> {
    let memory = context.config.git.memory_max;
    // What is counted in the process ends an errand with a sentence; this ends the process, and so comes later.
    let last = memory.saturating_add(memory / 4);
    let program = Program::this(["git-worker", &last.to_string()]).context("this program cannot be found")?;
    Ok(Arc::new(GitHands::processes(program)))
}

/// Everything the stages work with. Reads the model's fingerprint; loads neither model nor runtime.
///
/// # Errors
/// When the model is not there, or a pattern does not read.
pub(crate) fn tools(context: &Context, store: Arc<dyn Store>, mirrors: Arc<Mirrors>) -> anyhow::Result<Tools> {
    let mut tools = bare(context, store, mirrors, Arc::new(Spans))?;
    tools.isolation = Some(Arc::new(isolation(context)?));
    #[cfg(feature = "chaos")]
    let tools = crate::chaos::open(tools, &context.environment)?;
    Ok(tools)
}

/// The same for a process that runs one job for another.
///
/// # Errors
/// As [`tools`].
pub(crate) fn child_tools(
    context: &Context,
    store: Arc<dyn Store>,
    mirrors: Arc<Mirrors>,
    tracer: Arc<dyn Tracer>,
) -> anyhow::Result<Tools> {
    let tools = bare(context, store, mirrors, tracer)?;
    #[cfg(feature = "chaos")]
    let tools = crate::chaos::open_in_child(tools, &context.environment)?;
    Ok(tools)
}

/// How a job gets a process of its own. What that logs goes where our own log goes.
fn isolation(context: &Context) -> anyhow::Result<Isolation> {
    let console = context.console.clone();
    Ok(Isolation {
        program: Program::this(["job-child"]).context("this program has no path")?,
        configuration: context.in_force.clone(),
        memory_max: context.config.claimer.child_memory_max,
        memory_key: "claimer.child_memory_max",
        heard: Arc::new(move |line| {
            // A log that cannot be written is no reason to stop.
            let _ = console.make_writer().write_all(format!("{line}\n").as_bytes());
        }),
    })
}

fn bare(
    context: &Context,
    store: Arc<dyn Store>,
    mirrors: Arc<Mirrors>,
    tracer: Arc<dyn Tracer>,
) -> anyhow::Result<Tools> {
    let (files, fingerprint) = model(context)?;
    let library = context.paths.library().map_err(Unavailable)?.to_path_buf();
    let tokens_max = files.length_max.saturating_sub(SPECIAL_TOKENS).try_into().unwrap_or(u32::MAX);
    let chunker = Chunker::new(ChunkLimits::new(&context.config.content, tokens_max));
    let recipe = Recipe { embedding: fingerprint.embedding, chunking: chunker.id(&fingerprint.tokenizer) };
    let threads = context.config.embedder.threads;
    let model = Arc::new(Model::new(files, fingerprint, library, threads));
    let rules = Rules::new(&context.config.content)?;
    let configuration = Configuration {
        recipe,
        rules: rules.digest(),
        slots: context.config.claimer.slots,
        keys: context.config.agreed_keys(recipe.embedding),
    };
    Ok(Tools {
        store,
        mirrors,
        git: git(context)?,
        rules: Arc::new(rules),
        chunker: Arc::new(chunker),
        provider: Arc::new(Local::new(model.clone())),
        model,
        recipe,
        fleet: Fleet::of(configuration),
        patience: context.config.patience(),
        identity: Identity::random(),
        faults: Arc::new(NoFaults),
        tracer,
        isolation: None,
    })
}

/// The model's files and what they are.
///
/// # Errors
/// When they are not there or not whole.
pub(crate) fn model(context: &Context) -> anyhow::Result<(ModelFiles, Fingerprint)> {
    let unavailable = |error: warmer_embedding::ModelError| Unavailable(error.to_string());
    let files = ModelFiles::locate(&context.paths.model, context.config.model.length_max()).map_err(unavailable)?;
    let fingerprint = files.fingerprint().map_err(unavailable)?;
    Ok((files, fingerprint))
}
