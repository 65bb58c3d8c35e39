//! A BERT-type checkpoint in the Hugging Face layout (`config.json`, `model.safetensors`) written as an ONNX graph.

mod config;
mod graph;
mod weights;

pub use config::BertConfig;
pub use graph::write_graph;
pub use weights::{Matrix, Weights};
