//! What a plan counts with: the tools of a warm, or, where the model or the runtime is missing, as much as cuts files.

use std::sync::Arc;

use warmer_content::{ChunkLimits, Chunker, EmbeddingId, Recipe, Rules};
use warmer_embedding::Absent;
use warmer_git::Mirrors;
use warmer_pipeline::{Fleet, Identity, NoFaults, Tools, Untraced};
use warmer_store::Store;

use crate::assemble;
use crate::context::Context;
use crate::exit::Unavailable;

/// The tools. Without a model texts are looked up by the embedding that searches use.
pub(super) async fn tools(context: &Context, store: Arc<dyn Store>, mirrors: Arc<Mirrors>) -> anyhow::Result<Tools> {
    let missing = match assemble::tools(context, store.clone(), mirrors.clone()) {
        Err(error) => error.downcast::<Unavailable>()?,
        tools => return tools,
    };
    let content = &context.config.content;
    let (rules, chunker) = (Rules::new(content)?, Chunker::new(ChunkLimits::new(content)));
    let embedding = store.active_recipe().await?.map_or(EmbeddingId::NONE, |recipe| recipe.embedding);
    Ok(Tools {
        store,
        mirrors,
        git: assemble::git(context)?,
        rules: Arc::new(rules),
        recipe: Recipe { embedding, chunking: chunker.id() },
        chunker: Arc::new(chunker),
        provider: Arc::new(Absent::new(embedding, missing.to_string())),
        fleet: Fleet::default(),
        patience: 0,
        identity: Identity::random(),
        faults: Arc::new(NoFaults),
        tracer: Arc::new(Untraced),
        isolation: None,
    })
}
