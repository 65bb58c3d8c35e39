//! The network itself, operator by operator.
//!
//! Attention and GELU are spelled out in the form that ONNX Runtime's optimiser knows: out of all-MiniLM-L6-v2, 1.31.1
//! makes 6 `BiasGelu` and 6 `FusedMatMul`. It does not make `SkipLayerNormalization` of a residual and its
//! normalisation, which is as well: that kernel is the slower one in 1.31. Inputs are `input_ids`, `attention_mask` and
//! `token_type_ids` [batch, sequence]; the output is `last_hidden_state` [batch, sequence, hidden].

use anyhow::Result;

use super::config::BertConfig;
use super::weights::Weights;
use crate::onnx::{Attribute, Dimension, ElementType, GraphBuilder, Model};

/// Added to the attention score of a padded position: after the softmax nothing of it is left.
const MASKED: f32 = -10_000.0;

/// Writes the checkpoint as a graph; fails with the name of the tensor that is missing or misshapen.
pub fn write_graph(config: &BertConfig, weights: &Weights<'_>) -> Result<Model> {
    let mut writer = Writer { config, weights, graph: GraphBuilder::new("bert") };
    let axes = [Dimension::named("batch"), Dimension::named("sequence")];
    for name in ["input_ids", "attention_mask", "token_type_ids"] {
        writer.graph.input(name, ElementType::Int64, &axes);
    }
    let [batch, sequence] = axes;
    let hidden = Dimension::fixed(config.hidden_size);
    writer.graph.output("last_hidden_state", ElementType::Float32, &[batch, sequence, hidden]);

    let mut state = writer.embeddings()?;
    let shared = writer.shared();
    for layer in 0..config.num_hidden_layers {
        state = writer.attention(layer, &state, &shared)?;
        state = writer.feed_forward(layer, &state)?;
    }
    writer.graph.node("Identity", &[&state], "last_hidden_state");
    Ok(writer.graph.finish())
}

/// Values that every layer uses.
struct Shared {
    mask: String,
    /// [batch, sequence, heads, head size]; 0 keeps the axis as it is.
    heads: String,
    /// [batch, sequence, hidden].
    joined: String,
}

struct Writer<'a> {
    config: &'a BertConfig,
    weights: &'a Weights<'a>,
    graph: GraphBuilder,
}

impl Writer<'_> {
    /// Word, type and position embedding of each token, summed and normalised.
    fn embeddings(&mut self) -> Result<String> {
        let words = self.table("word_embeddings", self.config.vocab_size)?;
        let types = self.table("token_type_embeddings", self.config.type_vocab_size)?;
        let positions = self.table("position_embeddings", self.config.max_position_embeddings)?;
        let words = self.graph.node("Gather", &[&words, "input_ids"], "words");
        let types = self.graph.node("Gather", &[&types, "token_type_ids"], "types");
        let second_axis = vec![Attribute::of_integer("start", 1), Attribute::of_integer("end", 2)];
        let length = self.graph.node_with("Shape", &["input_ids"], "length", second_axis);
        let zero = self.graph.integers("zero", &[0]);
        let first_axis = self.graph.integers("first_axis", &[0]);
        let positions = self.graph.node("Slice", &[&positions, &zero, &length, &first_axis], "positions");
        let sum = self.graph.node("Add", &[&words, &types], "words_types");
        let sum = self.graph.node("Add", &[&sum, &positions], "words_types_positions");
        self.normalised(&sum, "embeddings.LayerNorm", "embedded")
    }

    fn shared(&mut self) -> Shared {
        let float = vec![Attribute::of_integer("to", ElementType::Float32 as i64)];
        let mask = self.graph.node_with("Cast", &["attention_mask"], "mask_float", float);
        let axes = self.graph.integers("mask_axes", &[1, 2]);
        let mask = self.graph.node("Unsqueeze", &[&mask, &axes], "mask_broadcast");
        let one = self.graph.float("mask_one", 1.0);
        let mask = self.graph.node("Sub", &[&one, &mask], "mask_inverted");
        let masked = self.graph.float("mask_value", MASKED);
        let mask = self.graph.node("Mul", &[&mask, &masked], "mask");
        let (heads, size) = (self.config.num_attention_heads as i64, self.config.head_size() as i64);
        let heads = self.graph.integers("heads_shape", &[0, 0, heads, size]);
        let joined = self.graph.integers("joined_shape", &[0, 0, self.config.hidden_size as i64]);
        Shared { mask, heads, joined }
    }

    /// Self-attention over all heads, its output layer, the residual and the normalisation.
    fn attention(&mut self, layer: usize, state: &str, shared: &Shared) -> Result<String> {
        let prefix = format!("encoder.layer.{layer}.attention");
        let query = self.heads(layer, "query", state, shared, &[0, 2, 1, 3])?;
        let key = self.heads(layer, "key", state, shared, &[0, 2, 3, 1])?;
        let value = self.heads(layer, "value", state, shared, &[0, 2, 1, 3])?;
        let scores = self.graph.node("MatMul", &[&query, &key], &format!("scores{layer}"));
        let scale = self.graph.float(&format!("scale{layer}"), (self.config.head_size() as f32).sqrt());
        let scores = self.graph.node("Div", &[&scores, &scale], &format!("scores{layer}_scaled"));
        let scores = self.graph.node("Add", &[&scores, &shared.mask], &format!("scores{layer}_masked"));
        let last_axis = vec![Attribute::of_integer("axis", -1)];
        let shares = self.graph.node_with("Softmax", &[&scores], &format!("shares{layer}"), last_axis);
        let context = self.graph.node("MatMul", &[&shares, &value], &format!("context{layer}"));
        let order = vec![Attribute::of_integers("perm", &[0, 2, 1, 3])];
        let context = self.graph.node_with("Transpose", &[&context], &format!("context{layer}_transposed"), order);
        let context = self.graph.node("Reshape", &[&context, &shared.joined], &format!("context{layer}_joined"));
        let hidden = self.config.hidden_size;
        let output = format!("attention{layer}");
        let dense = self.linear(&context, &format!("{prefix}.output.dense"), [hidden, hidden], &output)?;
        let sum = self.graph.node("Add", &[&dense, state], &format!("attention{layer}_residual"));
        self.normalised(&sum, &format!("{prefix}.output.LayerNorm"), &format!("attended{layer}"))
    }

    /// The layer's query, key or value, split into heads.
    fn heads(&mut self, layer: usize, role: &str, state: &str, shared: &Shared, order: &[i64]) -> Result<String> {
        let hidden = self.config.hidden_size;
        let weights = format!("encoder.layer.{layer}.attention.self.{role}");
        let flat = self.linear(state, &weights, [hidden, hidden], &format!("{role}{layer}"))?;
        let split = self.graph.node("Reshape", &[&flat, &shared.heads], &format!("{role}{layer}_split"));
        let order = vec![Attribute::of_integers("perm", order)];
        Ok(self.graph.node_with("Transpose", &[&split], &format!("{role}{layer}_transposed"), order))
    }

    /// The two dense layers with GELU between them, the residual and the normalisation.
    fn feed_forward(&mut self, layer: usize, state: &str) -> Result<String> {
        let (hidden, inner) = (self.config.hidden_size, self.config.intermediate_size);
        let prefix = format!("encoder.layer.{layer}");
        let wide =
            self.linear(state, &format!("{prefix}.intermediate.dense"), [inner, hidden], &format!("wide{layer}"))?;
        let active = self.gelu(&wide, &format!("gelu{layer}"));
        let narrow =
            self.linear(&active, &format!("{prefix}.output.dense"), [hidden, inner], &format!("narrow{layer}"))?;
        let sum = self.graph.node("Add", &[&narrow, state], &format!("narrow{layer}_residual"));
        self.normalised(&sum, &format!("{prefix}.output.LayerNorm"), &format!("layer{layer}"))
    }

    /// x * (1 + erf(x / sqrt 2)) / 2.
    fn gelu(&mut self, input: &str, name: &str) -> String {
        let root = self.graph.float(&format!("{name}_root"), std::f32::consts::SQRT_2);
        let one = self.graph.float(&format!("{name}_one"), 1.0);
        let half = self.graph.float(&format!("{name}_half"), 0.5);
        let value = self.graph.node("Div", &[input, &root], &format!("{name}_scaled"));
        let value = self.graph.node("Erf", &[&value], &format!("{name}_erf"));
        let value = self.graph.node("Add", &[&value, &one], &format!("{name}_raised"));
        let value = self.graph.node("Mul", &[input, &value], &format!("{name}_product"));
        self.graph.node("Mul", &[&value, &half], name)
    }

    /// input x weight + bias; `shape` is [out, in] as the checkpoint has it.
    fn linear(&mut self, input: &str, weights: &str, shape: [usize; 2], name: &str) -> Result<String> {
        let matrix = self.weights.matrix(&format!("{weights}.weight"), &shape)?.transposed();
        let matrix = self.graph.float_bytes(&format!("{weights}.weight_transposed"), &matrix.dimensions, matrix.data);
        let product = self.graph.node("MatMul", &[input, &matrix], &format!("{name}_product"));
        let bias = self.constant(&format!("{weights}.bias"), &shape[..1])?;
        Ok(self.graph.node("Add", &[&product, &bias], name))
    }

    fn normalised(&mut self, input: &str, weights: &str, name: &str) -> Result<String> {
        let scale = self.constant(&format!("{weights}.weight"), &[self.config.hidden_size])?;
        let bias = self.constant(&format!("{weights}.bias"), &[self.config.hidden_size])?;
        let attributes =
            vec![Attribute::of_integer("axis", -1), Attribute::of_float("epsilon", self.config.layer_norm_eps)];
        Ok(self.graph.node_with("LayerNormalization", &[input, &scale, &bias], name, attributes))
    }

    /// An embedding table with one row of the hidden size for each of `rows` ids.
    fn table(&mut self, name: &str, rows: usize) -> Result<String> {
        self.constant(&format!("embeddings.{name}.weight"), &[rows, self.config.hidden_size])
    }

    fn constant(&mut self, name: &str, dimensions: &[usize]) -> Result<String> {
        let matrix = self.weights.matrix(name, dimensions)?;
        Ok(self.graph.float_bytes(name, &matrix.dimensions, matrix.data))
    }
}
