//! A session of the runtime, which turns one text at a time into a vector.
//!
//! One text per run and no padding: a vector then depends on nothing but its text (W-13), and on a CPU it is also the
//! fastest way (50-53 chunks/s on two cores, against 13-25 in batches of 256 in order of arrival). A text that is
//! longer than the model reads is read in windows, a run for each.

use std::path::Path;

use ort::session::SessionInputValue;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::TensorRef;
use warmer_content::Vector;

use crate::error::{ModelError, one_line};
use crate::files::ModelFiles;
use crate::interface::{Input, Interface};
use crate::pooling::{Pooling, normalize};
use crate::provider::{EmbedError, Embedding};
use crate::runtime::Runtime;
use crate::terminator::Terminator;
use crate::tokenizer::{Tokenizer, Tokens, Windows};
use crate::weights::Weights;

/// One session; it is used by one thread at a time.
pub struct Session {
    graph: ort::session::Session,
    interface: Interface,
    tokenizer: Tokenizer,
    pooling: Pooling,
    length_max: usize,
    dimensions: usize,
}

impl Session {
    /// Loads the graph and embeds one word, which shows that it can and how many dimensions it has. `threads` work
    /// inside one run; one thread and a session per core is the fastest.
    ///
    /// # Errors
    /// When the graph cannot be loaded, is none of a text embedding model, or leaves no room for a text.
    pub fn open(
        runtime: &Runtime,
        model: &ModelFiles,
        tokenizer: &Tokenizer,
        threads: usize,
    ) -> Result<Self, ModelError> {
        Self::open_with(None, runtime, model, tokenizer, threads)
    }

    /// The same, with these weights instead of those in the model's files, which are the same.
    pub(crate) fn open_with(
        weights: Option<&Weights>,
        runtime: &Runtime,
        model: &ModelFiles,
        tokenizer: &Tokenizer,
        threads: usize,
    ) -> Result<Self, ModelError> {
        let path = &model.graph;
        let graph = load(runtime, path, threads, weights)
            .map_err(|why| ModelError::Graph { path: path.clone(), why: one_line(&why) })?;
        let mut session = Self::of(graph, 0, model, tokenizer)?;
        let probe = session.embed_f32("warm", &Terminator::default());
        let unfit = |why: EmbedError| ModelError::Interface { path: path.clone(), why: why.to_string() };
        session.dimensions = probe.map_err(unfit)?.len();
        Ok(session)
    }

    /// A session of a graph that is open, whose vectors have so many dimensions; 0: that is not known.
    pub(crate) fn of(
        graph: ort::session::Session,
        dimensions: usize,
        model: &ModelFiles,
        tokenizer: &Tokenizer,
    ) -> Result<Self, ModelError> {
        let unfit = |why| ModelError::Interface { path: model.graph.clone(), why };
        let (specials, length_max, pooling) = (tokenizer.specials(), model.length_max, model.pooling);
        if length_max <= specials {
            return Err(unfit(format!("a text may have {length_max} tokens, of which {specials} are special ones")));
        }
        let interface = Interface::of(&graph).map_err(unfit)?;
        Ok(Self { graph, interface, tokenizer: tokenizer.clone(), pooling, length_max, dimensions })
    }

    /// A session of another graph of the same model.
    pub(crate) fn of_another(&self, graph: ort::session::Session) -> Self {
        let Self { tokenizer, pooling, length_max, dimensions, .. } = self;
        let (tokenizer, interface) = (tokenizer.clone(), self.interface.clone());
        Self { graph, interface, tokenizer, pooling: *pooling, length_max: *length_max, dimensions: *dimensions }
    }

    /// Numbers in every vector.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The embedding of `text`, however long it is. Raising `stop` in another thread ends it at the next node of the
    /// graph: within a few milliseconds.
    ///
    /// # Errors
    /// When it was stopped, or the tokenizer or the runtime refuses the text.
    pub fn embed(&mut self, text: &str, stop: &Terminator) -> Result<Embedding, EmbedError> {
        let (values, tokens) = self.read(text, stop)?;
        Ok(Embedding { vector: Vector::normalized(&values), tokens })
    }

    /// The vector of [`Session::embed`], before its numbers are rounded to 16 bits; of length 1.
    ///
    /// # Errors
    /// As [`Session::embed`].
    pub fn embed_f32(&mut self, text: &str, stop: &Terminator) -> Result<Vec<f32>, EmbedError> {
        self.read(text, stop).map(|(values, _)| values)
    }

    /// The vector of `text`, and its tokens.
    fn read(&mut self, text: &str, stop: &Terminator) -> Result<(Vec<f32>, u64), EmbedError> {
        let Windows { tokens, windows } = self.tokenizer.windows(text, self.length_max).map_err(|why| failed(&why))?;
        let mut rows = Vec::with_capacity(windows.len());
        for window in windows {
            if window.ids.is_empty() {
                return Err(EmbedError::Text("it has no tokens".to_owned()));
            }
            let run = stop.start()?;
            let row = self.run(&window, &run.options);
            rows.push((row.map_err(|why| if stop.raised() { EmbedError::Stopped } else { why })?, window.ids.len()));
        }
        let mut values = self.pooling.join(rows);
        normalize(&mut values);
        // A vector like this would be found by no search, and kept for ever.
        if !values.iter().all(|value| value.is_finite()) {
            return Err(EmbedError::Text("the model gave values that are no numbers".to_owned()));
        }
        Ok((values, tokens as u64))
    }

    fn run(&mut self, tokens: &Tokens, options: &ort::session::RunOptions) -> Result<Vec<f32>, EmbedError> {
        let count = tokens.ids.len();
        let positions: Vec<i64> = (0..count as i64).collect();
        let value = |input: &Input| {
            let numbers = match input {
                Input::Ids => &tokens.ids,
                Input::Mask => &tokens.mask,
                Input::Types => &tokens.types,
                Input::Positions => &positions,
            };
            let tensor = TensorRef::from_array_view(([1, count], &numbers[..]))?;
            Ok((input.name(), SessionInputValue::from(tensor)))
        };
        let inputs = self.interface.inputs.iter().map(value).collect::<ort::Result<Vec<_>>>();
        let inputs = inputs.map_err(|why| failed(&why))?;
        let outputs = self.graph.run_with_options(inputs, options).map_err(|why| failed(&why))?;
        let output = outputs[self.interface.output.as_str()].try_extract_tensor::<f32>();
        let (shape, numbers) = output.map_err(|why| failed(&why))?;
        let width = match shape[..] {
            [1, rows, width] if rows == count as i64 => width,
            [1, width] => width,
            _ => 0,
        };
        match usize::try_from(width) {
            Ok(width) if width > 0 && (self.dimensions == 0 || self.dimensions == width) => {
                Ok(self.pooling.pool(numbers, width))
            }
            _ => Err(EmbedError::Text(format!("the model made {shape} of {count} tokens"))),
        }
    }
}

/// A session on the CPU, with everything optimised that leaves the numbers as they are.
fn load(
    runtime: &Runtime,
    graph: &Path,
    threads: usize,
    weights: Option<&Weights>,
) -> ort::Result<ort::session::Session> {
    let builder = builder(runtime, threads)?.with_optimization_level(GraphOptimizationLevel::All)?;
    match weights {
        Some(weights) => weights.give(builder)?,
        None => builder,
    }
    .commit_from_file(graph)
}

/// What all sessions have in common.
pub(crate) fn builder(runtime: &Runtime, threads: usize) -> ort::Result<SessionBuilder> {
    let builder = ort::session::Session::builder(&runtime.environment)?
        .with_intra_threads(threads.max(1))?
        // A thread that spins takes the core from the other stages.
        .with_intra_op_spinning(false)?
        // Every text has another length: a plan of the memory would be kept for each.
        .with_memory_pattern(false)?;
    Ok(builder)
}

fn failed(why: &dyn std::fmt::Display) -> EmbedError {
    EmbedError::Text(one_line(why))
}
