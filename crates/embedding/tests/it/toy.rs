//! Toy models: a table of vectors, and what a graph can do with it.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use warmer_embedding::{ModelError, ModelFiles, Session, Terminator, Tokenizer};

use crate::kit;
use crate::onnx::{self, BOOL, FLOAT, Graph, INT64};

/// Numbers in a toy vector.
const WIDTH: usize = 4;

/// A word a token, `[UNK]` for the unknown, no special tokens.
const TOKENIZER: &str = r#"{
    "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
    "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
    "model": {"type": "WordLevel", "unk_token": "[UNK]",
              "vocab": {"[UNK]": 0, "one": 1, "two": 2, "three": 3, "warm": 4}}
}"#;

/// A model directory with this graph.
pub(crate) fn directory(graph: &[u8]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("model.onnx"), graph).unwrap();
    fs::write(directory.path().join("tokenizer.json"), TOKENIZER).unwrap();
    directory
}

/// A session of this graph, or why there is none; `None` when there is no runtime.
pub(crate) fn open(directory: &Path) -> Option<Result<Session, ModelError>> {
    let runtime = kit::runtime()?;
    let model = ModelFiles::locate(directory, Some(8)).unwrap();
    let tokenizer = Tokenizer::load(&model).unwrap();
    Some(Session::open(&runtime, &model, &tokenizer, 1))
}

/// `input_ids` looked up in a table whose row `n` is `value(n)`: `hidden`, `[1, tokens, 4]`.
pub(crate) fn lookup(value: impl Fn(usize) -> [f32; WIDTH]) -> Graph {
    let rows: Vec<u8> = (0..8).flat_map(value).flat_map(f32::to_le_bytes).collect();
    Graph::new()
        .input("input_ids", INT64, &["batch", "tokens"])
        .constant("table", FLOAT, &[8, WIDTH as u64], &rows)
        .node("Gather", &["table", "input_ids"], "hidden", &[])
}

/// Row `n` points along axis `n % 4`.
pub(crate) fn axis(n: usize) -> [f32; WIDTH] {
    std::array::from_fn(|axis| if axis == n % WIDTH { 2.0 } else { 0.0 })
}

/// The plain graph: it gives what it looked up.
pub(crate) fn plain() -> Vec<u8> {
    onnx::model(&lookup(axis).node("Identity", &["hidden"], "last_hidden_state", &[]).output(
        "last_hidden_state",
        FLOAT,
        &["batch", "tokens", "4"],
    ))
}

/// A graph that turns its vectors round: twice for a text of the one word `row`, for ever for any other.
pub(crate) fn endless_unless(row: i64) -> Vec<u8> {
    let shape = ["batch", "tokens", "4"];
    let turn = Graph::new()
        .input("turn", INT64, &[])
        .input("go", BOOL, &[])
        .input("before", FLOAT, &shape)
        .node("Less", &["turn", "turns_less_one"], "go_on", &[])
        .node("Neg", &["before"], "after", &[])
        .output("go_on", BOOL, &[])
        .output("after", FLOAT, &shape);
    let scalar = |graph: Graph, name, value: i64| graph.constant(name, INT64, &[], &value.to_le_bytes());
    let graph = [("row", row), ("one", 1), ("many", i64::MAX)]
        .into_iter()
        .fold(lookup(axis), |graph, (name, value)| scalar(graph, name, value))
        .constant("go_first", BOOL, &[], &[1])
        .node("ReduceMax", &["input_ids"], "largest", &[onnx::integer("keepdims", 0)])
        .node("Equal", &["largest", "row"], "ends", &[])
        .node("Where", &["ends", "one", "many"], "turns_less_one", &[])
        .node("Loop", &["many", "go_first", "hidden"], "last_hidden_state", &[onnx::body("body", &turn)])
        .output("last_hidden_state", FLOAT, &shape);
    onnx::model(&graph)
}

#[test]
fn words_are_looked_up_pooled_and_normalized() {
    let directory = directory(&plain());
    let Some(session) = open(directory.path()) else { return };
    let mut session = session.unwrap();
    assert_eq!(session.dimensions(), 4);
    assert_eq!(kit::embed(&mut session, "one"), [0.0, 1.0, 0.0, 0.0]);
    let half = 0.5_f32.sqrt();
    let both = kit::embed(&mut session, "one two");
    assert!(both.iter().zip([0.0, half, half, 0.0]).all(|(found, wanted)| (found - wanted).abs() < 1e-6), "{both:?}");
    let stored = session.embed("one two", &Terminator::default()).unwrap().vector;
    assert!((f64::from(stored.to_f32()[1]) - f64::from(half)).abs() < 1e-3);
}

#[test]
fn a_text_without_tokens_has_no_vector() {
    let directory = directory(&plain());
    let Some(session) = open(directory.path()) else { return };
    let error = session.unwrap().embed("", &Terminator::default()).unwrap_err();
    assert_eq!(error.to_string(), "the text cannot be embedded: it has no tokens");
}

#[test]
fn a_text_of_several_windows_is_the_mean_of_all_its_tokens() {
    let directory = directory(&plain());
    let Some(session) = open(directory.path()) else { return };
    let mut session = session.unwrap();
    // Windows of seven, seven and six: the tokens are twelve and eight.
    let found = kit::embed(&mut session, &format!("{}{}", "one ".repeat(12), "two ".repeat(8)));
    let wanted = [0.0, 12.0, 8.0, 0.0].map(|value| value / 208.0_f32.sqrt());
    assert!(found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-6), "{found:?}");
}

#[test]
fn a_graph_that_pools_itself_is_read_as_it_is() {
    let mean = [onnx::integers("axes", &[1]), onnx::integer("keepdims", 0)];
    let graph = lookup(axis).node("ReduceMean", &["hidden"], "sentence_embedding", &mean);
    let directory = directory(&onnx::model(&graph.output("sentence_embedding", FLOAT, &["batch", "4"])));
    let Some(session) = open(directory.path()) else { return };
    assert_eq!(kit::embed(&mut session.unwrap(), "three three"), [0.0, 0.0, 0.0, 1.0]);
}

#[test]
fn every_known_input_is_fed() {
    let graph = lookup(axis)
        .input("attention_mask", INT64, &["batch", "tokens"])
        .input("token_type_ids", INT64, &["batch", "tokens"])
        .input("position_ids", INT64, &["batch", "tokens"])
        .node("Mul", &["position_ids", "attention_mask"], "places", &[])
        .node("Add", &["places", "token_type_ids"], "row", &[])
        .node("Gather", &["table", "row"], "last_hidden_state", &[])
        .output("last_hidden_state", FLOAT, &["batch", "tokens", "4"]);
    let directory = directory(&onnx::model(&graph));
    let Some(session) = open(directory.path()) else { return };
    let values = kit::embed(&mut session.unwrap(), "three three three three");
    assert!(values.iter().all(|value| (value - 0.5).abs() < 1e-6), "positions 0 to 3 are looked up: {values:?}");
}
