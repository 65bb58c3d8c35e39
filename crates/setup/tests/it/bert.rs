//! The graph of a small checkpoint, looked at as any other reader of the file would.

use std::collections::{HashMap, HashSet};

use prost::Message;
use warmer_setup::bert::{BertConfig, Weights, write_graph};
use warmer_setup::onnx::{Graph, Model};

use crate::samples::{HIDDEN, LAYERS, checkpoint, config};

fn graph() -> Graph {
    let checkpoint = checkpoint();
    let model = write_graph(&BertConfig::parse(&config()).unwrap(), &Weights::parse(&checkpoint).unwrap()).unwrap();
    let read = Model::decode(&model.encode_to_vec()[..]).unwrap();
    assert_eq!(read, model, "the file says what was written");
    assert_eq!(read.operator_sets[0].version, Some(17));
    read.graph.unwrap()
}

#[test]
fn every_value_is_made_once_and_before_it_is_used() {
    let graph = graph();
    let constants = graph.constants.iter().map(|constant| constant.name.clone().unwrap());
    let inputs = graph.inputs.iter().map(|input| input.name.clone().unwrap());
    let mut known = HashSet::new();
    for name in constants.chain(inputs) {
        assert!(known.insert(name.clone()), "{name} is there twice");
    }
    for node in &graph.nodes {
        for input in &node.inputs {
            assert!(known.contains(input), "{input} is used by {:?} before it is made", node.name);
        }
        for output in &node.outputs {
            assert!(known.insert(output.clone()), "{output} is made twice");
        }
    }
    assert!(known.contains(graph.outputs[0].name.as_ref().unwrap()));
}

#[test]
fn every_constant_and_every_value_is_used() {
    let graph = graph();
    let used: HashSet<_> = graph.nodes.iter().flat_map(|node| &node.inputs).collect();
    let made = graph.nodes.iter().flat_map(|node| &node.outputs);
    let unused: Vec<_> = graph.constants.iter().filter_map(|constant| constant.name.as_ref()).chain(made).collect();
    let unused: Vec<_> = unused.into_iter().filter(|name| !used.contains(name)).collect();
    assert_eq!(unused, ["last_hidden_state"]);
}

#[test]
fn each_layer_has_its_operators() {
    let mut counts = HashMap::new();
    let graph = graph();
    for node in &graph.nodes {
        *counts.entry(node.operator.as_deref().unwrap()).or_insert(0) += 1;
    }
    let count = |operator: &str| counts[operator];
    assert_eq!(count("LayerNormalization"), 1 + 2 * LAYERS);
    assert_eq!(count("Softmax"), LAYERS);
    assert_eq!(count("Erf"), LAYERS);
    // query, key, value, scores, context, output, wide, narrow
    assert_eq!(count("MatMul"), 8 * LAYERS);
}

#[test]
fn a_linear_layer_is_transposed() {
    let graph = graph();
    let named = |name: &str| graph.constants.iter().find(|constant| constant.name.as_deref() == Some(name)).unwrap();
    let weight = named("encoder.layer.1.intermediate.dense.weight_transposed");
    assert_eq!(weight.dimensions, [HIDDEN as i64, 16]);
    let second = f32::from_le_bytes(weight.data.as_ref().unwrap()[4..8].try_into().unwrap());
    // In the checkpoint element (1, 0) of a [16, 8] matrix is number 8.
    assert_eq!(second, 0.08);
}

#[test]
fn a_tensor_of_another_shape_is_refused_by_name() {
    let mut config: serde_json::Value = serde_json::from_slice(&config()).unwrap();
    config["vocab_size"] = 21.into();
    let config = BertConfig::parse(config.to_string().as_bytes()).unwrap();
    let checkpoint = checkpoint();
    let error = write_graph(&config, &Weights::parse(&checkpoint).unwrap()).unwrap_err().to_string();
    assert!(error.contains("`embeddings.word_embeddings.weight`") && error.contains("[21, 8]"), "{error}");
}
