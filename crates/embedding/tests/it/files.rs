//! The fingerprint follows the model's bytes, and the lock saves reading them.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use warmer_content::{Digest, EmbeddingId};
use warmer_embedding::ModelFiles;
use warmer_embedding::lock::{Difference, FILE_NAME, ModelLock};

use crate::toy;

const FILES: [&str; 2] = ["model.onnx", "tokenizer.json"];

fn model() -> TempDir {
    toy::directory(&toy::plain())
}

fn fingerprint(directory: &Path) -> EmbeddingId {
    ModelFiles::locate(directory, Some(8)).unwrap().fingerprint().unwrap()
}

/// A lock that tells another digest of the tokenizer than it has.
fn lying(lock: &str) -> String {
    let truth = Digest::of(&fs::read(model().path().join("tokenizer.json")).unwrap()).to_string();
    assert!(lock.contains(&truth), "{lock}");
    lock.replace(&truth, &"7".repeat(64))
}

/// Changes one byte in the middle of a file and nothing else: neither its size nor its time.
fn damage(path: &Path) {
    let time = path.metadata().unwrap().modified().unwrap();
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
    set_time(path, time);
}

fn set_time(path: &Path, time: SystemTime) {
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn a_fingerprint_has_no_place_and_no_time() {
    let (one, two) = (model(), model());
    set_time(&two.path().join("model.onnx"), SystemTime::UNIX_EPOCH + Duration::from_secs(1));
    ModelLock::write(two.path(), &FILES, vec![]).unwrap();
    assert_eq!(fingerprint(one.path()), fingerprint(two.path()));
    fs::create_dir(two.path().join("onnx")).unwrap();
    fs::rename(two.path().join("model.onnx"), two.path().join("onnx/model.onnx")).unwrap();
    assert_eq!(fingerprint(one.path()), fingerprint(two.path()), "the other place for a graph");
}

#[test]
fn whatever_changes_a_vector_changes_the_fingerprint() {
    let before = fingerprint(model().path());
    let changed = |change: &dyn Fn(&Path)| {
        let directory = model();
        change(directory.path());
        fingerprint(directory.path())
    };
    let graph = changed(&|path| damage(&path.join("model.onnx")));
    let tokenizer = changed(&|path| damage(&path.join("tokenizer.json")));
    let pooling = changed(&|path| {
        fs::create_dir(path.join("1_Pooling")).unwrap();
        fs::write(path.join("1_Pooling/config.json"), r#"{"pooling_mode": "cls"}"#).unwrap();
    });
    let length =
        changed(&|path| fs::write(path.join("sentence_bert_config.json"), r#"{"max_seq_length": 4}"#).unwrap());
    let data = changed(&|path| fs::write(path.join("model.onnx_data"), "weights").unwrap());
    let other_data = changed(&|path| fs::write(path.join("model.onnx.data"), "other weights").unwrap());
    let all = [before, graph, tokenizer, pooling, length, data, other_data];
    let different: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len(), "{all:?}");
    let unrelated = changed(&|path| fs::write(path.join("model_quantized.onnx"), "other").unwrap());
    assert_eq!(unrelated, before);
}

#[test]
fn an_unchanged_file_is_not_read_again() {
    let directory = model();
    let truth = fingerprint(directory.path());
    ModelLock::write(directory.path(), &FILES, vec![]).unwrap();
    // A lock that lies about the content tells who reads it from who reads the files.
    let path = directory.path().join(FILE_NAME);
    fs::write(&path, lying(&fs::read_to_string(&path).unwrap())).unwrap();
    assert_ne!(fingerprint(directory.path()), truth, "the lock is believed");
    set_time(&directory.path().join("tokenizer.json"), SystemTime::UNIX_EPOCH + Duration::from_secs(9));
    assert_eq!(fingerprint(directory.path()), truth, "a touched file is read");
}

#[test]
fn a_file_of_a_bundle_is_not_read_whatever_its_time() {
    let directory = model();
    let truth = fingerprint(directory.path());
    let mut lock = ModelLock::write(directory.path(), &FILES, vec![]).unwrap();
    for file in &mut lock.files {
        file.modified_unix_nanos = None;
    }
    // As above: a digest that lies tells who reads it.
    let lie = lying(&serde_json::to_string(&lock).unwrap());
    assert!(!lie.contains("modified"), "{lie}");
    fs::write(directory.path().join(FILE_NAME), lie).unwrap();
    let tokenizer = directory.path().join("tokenizer.json");
    let believed = fingerprint(directory.path());
    assert_ne!(believed, truth, "the lock is believed");
    for seconds in [0, 9] {
        set_time(&tokenizer, SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(fingerprint(directory.path()), believed);
    }
    let longer = fs::read_to_string(&tokenizer).unwrap() + "\n";
    fs::write(&tokenizer, longer).unwrap();
    assert_ne!(fingerprint(directory.path()), believed, "of another size");
}

#[test]
fn a_truncated_file_is_read_again_and_reported() {
    let directory = model();
    let truth = fingerprint(directory.path());
    let lock = ModelLock::write(directory.path(), &FILES, vec![]).unwrap();
    assert!(lock.verify(directory.path()).is_empty());
    let graph = directory.path().join("model.onnx");
    let time = graph.metadata().unwrap().modified().unwrap();
    File::options().write(true).open(&graph).unwrap().set_len(10).unwrap();
    set_time(&graph, time);
    assert_ne!(fingerprint(directory.path()), truth);
    let found = lock.verify(directory.path());
    assert!(matches!(&found[..], [Difference::Size { path, found: 10, .. }] if path == "model.onnx"), "{found:?}");
}

#[test]
fn verifying_sees_what_size_and_time_hide() {
    let directory = model();
    let lock = ModelLock::write(directory.path(), &FILES, vec![]).unwrap();
    let trusted = fingerprint(directory.path());
    damage(&directory.path().join("model.onnx"));
    fs::remove_file(directory.path().join("tokenizer.json")).unwrap();
    let said: Vec<_> = lock.verify(directory.path()).iter().map(ToString::to_string).collect();
    assert_eq!(said, ["model.onnx has another content than when the model was set up", "tokenizer.json is missing"]);
    fs::copy(model().path().join("tokenizer.json"), directory.path().join("tokenizer.json")).unwrap();
    assert_eq!(fingerprint(directory.path()), trusted, "a start trusts them");
}

#[test]
fn a_lock_is_read_as_it_was_written() {
    let directory = model();
    assert_eq!(ModelLock::read(directory.path()).unwrap(), None);
    let origin = vec!["a toy, in the public domain".to_owned()];
    let written = ModelLock::write(directory.path(), &FILES, origin).unwrap();
    assert_eq!(ModelLock::read(directory.path()).unwrap(), Some(written));
}

#[test]
fn the_set_ups_lock_is_understood() {
    let directory = model();
    let text = format!(
        r#"{{"version":1,"files":[{{"path":"onnx/model.onnx","bytes":5,"modified_unix_nanos":6,"blake3":"{}"}}],
            "origin":["x"]}}"#,
        "0a".repeat(32)
    );
    fs::write(directory.path().join(FILE_NAME), text).unwrap();
    let lock = ModelLock::read(directory.path()).unwrap().unwrap();
    assert_eq!((lock.files[0].path.as_str(), lock.files[0].bytes), ("onnx/model.onnx", 5));
    assert_eq!(lock.files[0].blake3.0, [10; 32]);
}

#[test]
fn a_damaged_lock_is_an_error_to_readers_and_no_hindrance_to_a_start() {
    let directory = model();
    let truth = fingerprint(directory.path());
    for (text, why) in [("{", "it is malformed"), (r#"{"version": 2, "files": []}"#, "it is of version 2")] {
        fs::write(directory.path().join(FILE_NAME), text).unwrap();
        let error = ModelLock::read(directory.path()).unwrap_err().to_string();
        assert!(error.contains(why) && error.contains(FILE_NAME), "{error}");
        assert_eq!(fingerprint(directory.path()), truth);
    }
}
