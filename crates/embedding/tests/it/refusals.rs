//! Each thing that can be wrong with a model is refused in a sentence of its own.

use std::fs;
use std::path::Path;

use warmer_embedding::{ModelError, ModelFiles, Runtime, Terminator, Tokenizer};

use crate::onnx::{self, FLOAT, Graph, INT64};
use crate::{kit, toy};

/// One sentence: it names `place`, says `why`, and is neither empty of a way out nor of several lines.
fn assert_sentence(error: &ModelError, place: &Path, why: &str) {
    let text = error.to_string();
    assert!(text.contains(&place.display().to_string()) && text.contains(why), "{text}");
    assert!(!text.contains('\n') && !text.ends_with('.') && (text.contains(": ") || text.contains("; ")), "{text}");
}

#[test]
fn a_missing_directory_is_named() {
    let missing = Path::new("no/such/model");
    assert_sentence(&ModelFiles::locate(missing, None).unwrap_err(), missing, "is not there: get the default model");
}

#[test]
fn a_directory_that_cannot_be_looked_at_is_not_told_as_missing() {
    let unspeakable = "x".repeat(300);
    let place = Path::new(&unspeakable);
    assert_sentence(&ModelFiles::locate(place, None).unwrap_err(), place, "cannot read");
}

#[test]
fn a_missing_graph_or_tokenizer_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = |directory: &Path| ModelFiles::locate(directory, None).unwrap_err();
    assert_sentence(&error(directory.path()), directory.path(), "has no onnx/model.onnx or model.onnx");
    fs::write(directory.path().join("model.onnx"), "").unwrap();
    assert_sentence(&error(directory.path()), directory.path(), "has no tokenizer.json");
}

#[test]
fn a_damaged_tokenizer_is_named() {
    let directory = toy::directory(&toy::plain());
    fs::write(directory.path().join("tokenizer.json"), "{\"version\": ").unwrap();
    let model = ModelFiles::locate(directory.path(), Some(8)).unwrap();
    let error = Tokenizer::load(&model).err().unwrap();
    assert_sentence(&error, &model.tokenizer, "cannot be loaded");
}

#[test]
fn a_truncated_or_foreign_graph_is_refused() {
    let whole = toy::plain();
    for graph in [&whole[..whole.len() / 2], b"not a graph", b""] {
        let directory = toy::directory(graph);
        let Some(session) = toy::open(directory.path()) else { return };
        assert_sentence(&session.err().unwrap(), &directory.path().join("model.onnx"), "cannot be loaded");
    }
}

#[test]
fn a_graph_that_is_no_embedding_model_is_refused_with_what_it_has() {
    let tokens = ["batch", "tokens", "4"];
    let end = |graph: Graph| graph.node("Identity", &["hidden"], "out", &[]).output("out", FLOAT, &tokens);
    let table = toy::lookup(toy::axis);
    let no_ids = Graph::new()
        .input("attention_mask", INT64, &["batch", "tokens"])
        .node("Cast", &["attention_mask"], "out", &[onnx::integer("to", FLOAT)])
        .output("out", FLOAT, &["batch", "tokens"]);
    let flat = table.clone().constant("all", INT64, &[1], &(-1_i64).to_le_bytes());
    let flat = flat.node("Reshape", &["hidden", "all"], "out", &[]).output("out", FLOAT, &["numbers"]);
    let wrong_size = table.clone().node("Transpose", &["hidden"], "out", &[onnx::integers("perm", &[0, 2, 1])]);
    for (graph, why) in [
        (end(table.clone().input("pixel_values", FLOAT, &tokens)), "it wants an input `pixel_values`"),
        (end(table.input("position_ids", FLOAT, &tokens)), "`position_ids` is not a tensor of 64-bit integers"),
        (no_ids, "it has no input `input_ids`"),
        (flat, "it must give 32-bit floats as [batch, tokens, dimensions] or [batch, dimensions], and gives `out`"),
        (wrong_size.output("out", FLOAT, &["batch", "4", "tokens"]), "the model made [1, 4, 1] of 1 tokens"),
        (toy::lookup(|_| [f32::NAN; 4]).output("hidden", FLOAT, &tokens), "the model gave values that are no numbers"),
    ] {
        let directory = toy::directory(&onnx::model(&graph));
        let Some(session) = toy::open(directory.path()) else { return };
        assert_sentence(&session.err().unwrap(), &directory.path().join("model.onnx"), why);
    }
}

#[test]
fn a_text_that_the_graph_cannot_take_costs_that_text_only() {
    let Some(runtime) = kit::runtime() else { return };
    let directory = toy::directory(&toy::plain());
    let path = directory.path().join("tokenizer.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"three\": 3", "\"three\": 3000")).unwrap();
    let model = ModelFiles::locate(directory.path(), Some(8)).unwrap();
    let tokenizer = Tokenizer::load(&model).unwrap();
    let mut session = warmer_embedding::Session::open(&runtime, &model, &tokenizer, 1).unwrap();
    let error = session.embed("three", &Terminator::default()).unwrap_err().to_string();
    assert!(error.starts_with("the text cannot be embedded: ") && !error.contains('\n'), "{error}");
    assert_eq!(kit::embed(&mut session, "one"), [0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn a_process_keeps_the_runtime_it_has() {
    let Some(runtime) = kit::runtime() else { return };
    assert_eq!(Runtime::load(runtime.library()).unwrap().library(), runtime.library());
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("libonnxruntime.so");
    fs::write(&copy, "another").unwrap();
    let error = Runtime::load(&copy).err().unwrap();
    assert_sentence(&error, &copy, "already uses");
    assert_sentence(&error, runtime.library(), "restart it");
}
