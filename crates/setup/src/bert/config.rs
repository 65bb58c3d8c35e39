//! The shape of the network, as `config.json` states it.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The keys of `config.json` that decide what the graph computes; all others are about training.
#[derive(Clone, Debug, Deserialize)]
pub struct BertConfig {
    /// `bert`.
    pub model_type: String,
    /// Width of a token's vector.
    pub hidden_size: usize,
    /// Heads of each layer, which share the width.
    pub num_attention_heads: usize,
    /// Layers of the encoder.
    pub num_hidden_layers: usize,
    /// Width between the two matrices of a feed-forward block.
    pub intermediate_size: usize,
    /// Added to a variance before its root is taken.
    pub layer_norm_eps: f32,
    /// The activation of the feed-forward blocks: `gelu`.
    pub hidden_act: String,
    #[serde(default = "absolute")]
    /// How positions are encoded: `absolute`.
    pub position_embedding_type: String,
    /// Rows of the table of tokens.
    pub vocab_size: usize,
    /// Rows of the table of positions: the most tokens of a text.
    pub max_position_embeddings: usize,
    /// Rows of the table of segments.
    pub type_vocab_size: usize,
}

fn absolute() -> String {
    "absolute".into()
}

impl BertConfig {
    /// Reads the text of a `config.json` and refuses what the graph writer would get wrong.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let config: Self = serde_json::from_slice(json).context("config.json is not that of a BERT-type model")?;
        ensure!(config.model_type == "bert", "model_type `{}` cannot be exported, only `bert` can", config.model_type);
        ensure!(config.hidden_act == "gelu", "hidden_act `{}` cannot be exported, only `gelu` can", config.hidden_act);
        ensure!(
            config.position_embedding_type == "absolute",
            "position_embedding_type `{}` cannot be exported, only `absolute` can",
            config.position_embedding_type
        );
        ensure!(
            config.num_attention_heads > 0 && config.hidden_size.is_multiple_of(config.num_attention_heads),
            "hidden_size {} is not a multiple of num_attention_heads {}",
            config.hidden_size,
            config.num_attention_heads
        );
        Ok(config)
    }

    /// The width of one attention head.
    pub fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(change: (&str, serde_json::Value)) -> Vec<u8> {
        let mut value = serde_json::json!({
            "model_type": "bert", "hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1,
            "intermediate_size": 16, "layer_norm_eps": 1e-12, "hidden_act": "gelu", "vocab_size": 10,
            "max_position_embeddings": 4, "type_vocab_size": 2,
        });
        value[change.0] = change.1;
        value.to_string().into_bytes()
    }

    fn error(change: (&str, serde_json::Value)) -> String {
        BertConfig::parse(&json(change)).expect_err("must be refused").to_string()
    }

    #[test]
    fn another_architecture_is_refused_by_name() {
        assert_eq!(error(("model_type", "roberta".into())), "model_type `roberta` cannot be exported, only `bert` can");
        assert!(error(("hidden_act", "relu".into())).contains("`relu`"));
        assert!(error(("position_embedding_type", "relative_key".into())).contains("`relative_key`"));
        assert!(error(("num_attention_heads", 3.into())).contains("hidden_size 8"));
        assert!(error(("num_attention_heads", 0.into())).contains("hidden_size 8"));
    }

    #[test]
    fn position_embeddings_are_absolute_unless_said_otherwise() {
        let config = BertConfig::parse(&json(("vocab_size", 11.into()))).unwrap();
        assert_eq!(config.position_embedding_type, "absolute");
        assert_eq!(config.head_size(), 4);
    }
}
