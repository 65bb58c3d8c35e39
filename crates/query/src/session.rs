//! The query session: the model, opened once, that turns queries into vectors.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use warmer_content::{EmbeddingId, Vector};
use warmer_embedding::{EmbedError, Embedding, Local, Model, ModelFiles, ask};

use crate::error::QueryError;

/// A query as the model read it.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryVector {
    /// Its vector.
    pub vector: Vector,
    /// How long it is, in tokens of the model, without special ones.
    pub tokens: u64,
}

/// Turns a query into a vector.
#[async_trait]
pub trait Embed: Send + Sync {
    /// The vector of a query under `embedding`.
    ///
    /// # Errors
    /// When it can make vectors of that embedding neither now nor later, or none of this query.
    async fn embed(&self, query: &str, embedding: EmbeddingId) -> Result<QueryVector, QueryError>;
}

/// Where the model and the runtime lie.
#[derive(Clone, Debug)]
pub struct ModelPath {
    /// A directory in the Hugging Face layout.
    pub directory: PathBuf,
    /// Lowers the tokens that the model reads at once.
    pub length_max: Option<usize>,
    /// The ONNX Runtime library, or the sentence that says why there is none.
    pub runtime: Result<PathBuf, String>,
    /// Where optimised graphs are kept, so that the next process opens one sooner; `None` keeps none.
    pub graphs: Option<PathBuf>,
}

/// One model for many queries. The first opens it, and it stays open: about 100 ms and 90 MB for the default model, and
/// the same for each query beside another. While searches use the model of before, that is opened, and it alone.
pub struct QuerySession {
    /// The best first.
    models: Vec<QueryModel>,
}

struct QueryModel {
    path: ModelPath,
    open: OnceCell<Open>,
}

struct Open {
    model: Arc<Model>,
    provider: Local,
}

impl QuerySession {
    /// Opens nothing yet.
    #[must_use]
    pub fn new(path: ModelPath) -> Self {
        Self { models: vec![QueryModel { path, open: OnceCell::new() }] }
    }

    /// Where searches use another model than that, this one is looked at, too.
    #[must_use]
    pub fn or(mut self, path: ModelPath) -> Self {
        self.models.push(QueryModel { path, open: OnceCell::new() });
        self
    }

    /// The model that makes vectors of this embedding. One that is open is found without a look at any file.
    async fn model(&self, embedding: EmbeddingId) -> Result<&Open, QueryError> {
        if let Some(open) = self.models.iter().find_map(|model| model.open_for(embedding)) {
            return Ok(open);
        }
        let mut why = None;
        for model in &self.models {
            match model.opened(embedding).await {
                Ok(open) => return Ok(open),
                // What is wrong with the one that would do says more than that another would not.
                Err(error @ QueryError::OtherModel { .. }) => drop(why.get_or_insert(error)),
                Err(error) => why = Some(error),
            }
        }
        Err(why.unwrap_or_else(|| QueryError::NoRuntime("no model is named".to_owned())))
    }
}

impl QueryModel {
    fn open_for(&self, embedding: EmbeddingId) -> Option<&Open> {
        self.open.get().filter(|open| open.model.id() == embedding)
    }

    async fn opened(&self, embedding: EmbeddingId) -> Result<&Open, QueryError> {
        let open = self.open.get_or_try_init(|| open(self.path.clone(), embedding)).await?;
        let (is, directory) = (open.model.id(), &self.path.directory);
        let other = || QueryError::OtherModel { directory: directory.clone(), embedding: is };
        Some(open).filter(|_| is == embedding).ok_or_else(other)
    }
}

#[async_trait]
impl Embed for QuerySession {
    /// Dropping the future ends the inference.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one query that its caller waits for; this crate stands beside supervision"
    )]
    async fn embed(&self, query: &str, embedding: EmbeddingId) -> Result<QueryVector, QueryError> {
        let Open { model, provider } = self.model(embedding).await?;
        // The tokenizer is loaded while the graph is opened. Why it cannot be, the embedding says, which waits for it.
        let model = Arc::clone(model);
        let tokenizer = spawn_blocking(move || model.tokenizer().map(drop));
        let made = ask(provider, vec![query.to_owned()], CancellationToken::new());
        let (_, mut made) = tokio::join!(tokenizer, made);
        let made = made.pop().unwrap_or_else(|| Err(EmbedError::Text("it has no vector".to_owned())));
        let Embedding { vector, tokens } = made?;
        Ok(QueryVector { vector, tokens })
    }
}

/// Looks at the files; loads neither the model nor the runtime.
#[expect(
    clippy::disallowed_methods,
    reason = "the one query that its caller waits for; this crate stands beside supervision"
)]
async fn open(path: ModelPath, embedding: EmbeddingId) -> Result<Open, QueryError> {
    let open = move || {
        let files = ModelFiles::locate(&path.directory, path.length_max)?;
        let fingerprint = files.fingerprint()?;
        if fingerprint != embedding {
            return Err(QueryError::OtherModel { directory: path.directory, embedding: fingerprint });
        }
        let library = path.runtime.map_err(QueryError::NoRuntime)?;
        // One short text: a second thread would take longer to start than it saves.
        let model = Arc::new(Model::new(files, fingerprint, library, 1).kept_in(path.graphs));
        Ok(Open { provider: Local::new(model.clone()), model })
    };
    spawn_blocking(open).await.map_err(panicked)?
}

fn panicked(error: tokio::task::JoinError) -> QueryError {
    QueryError::Panicked(error.to_string())
}
