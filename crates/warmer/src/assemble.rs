//! Puts the pipeline's tools together from the configuration.

use std::sync::Arc;

use warmer_content::{Chunker, Recipe, Rules};
use warmer_embedding::{Fingerprint, ModelFiles};
use warmer_git::Mirrors;
use warmer_pipeline::{Identity, Model, NoFaults, Tools};
use warmer_store::Store;

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
    Ok(Arc::new(Mirrors::new(context.paths.mirrors.clone(), context.config.git.mirrors_size_max.0, options)))
}

/// Everything the stages work with. Reads the model's fingerprint; loads neither model nor runtime.
///
/// # Errors
/// When the model is not there, or a pattern does not read.
pub(crate) fn tools(context: &Context, store: Arc<dyn Store>, mirrors: Arc<Mirrors>) -> anyhow::Result<Tools> {
    let (files, fingerprint) = model(context)?;
    let library = context.paths.library().map_err(Unavailable)?.to_path_buf();
    let tokens_max = files.length_max.saturating_sub(SPECIAL_TOKENS).try_into().unwrap_or(u32::MAX);
    let chunker = Chunker::new(context.config.chunk_limits(tokens_max));
    let recipe = Recipe { embedding: fingerprint.embedding, chunking: chunker.id(&fingerprint.tokenizer) };
    let threads = context.config.embedder.threads.get();
    let tools = Tools {
        store,
        mirrors,
        rules: Arc::new(Rules::new(&context.config.rules())?),
        chunker: Arc::new(chunker),
        model: Arc::new(Model::new(files, library, threads, fingerprint.embedding)),
        recipe,
        identity: Identity::random(),
        faults: Arc::new(NoFaults),
        tracer: Arc::new(Spans),
    };
    #[cfg(feature = "chaos")]
    let tools = crate::chaos::open(tools, &context.environment)?;
    Ok(tools)
}

/// The model's files and what they are.
///
/// # Errors
/// When they are not there or not whole.
pub(crate) fn model(context: &Context) -> anyhow::Result<(ModelFiles, Fingerprint)> {
    let unavailable = |error: warmer_embedding::ModelError| Unavailable(error.to_string());
    let files = ModelFiles::locate(&context.paths.model, context.config.length_max()).map_err(unavailable)?;
    let fingerprint = files.fingerprint().map_err(unavailable)?;
    Ok((files, fingerprint))
}
