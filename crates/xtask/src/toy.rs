//! A model that costs nothing, for tests of everything around the model: one `Gather` over a small random table.
//!
//! The vector of a text is the mean of its tokens' rows, so texts that share words are near each other and texts that
//! do not are not. Tokens are bytes, and pairs of letters or of digits as one: about 1.4 bytes of code each. No text
//! is unknown to the tokenizer, whatever its script. It lowercases, splits at white space and punctuation, and puts
//! `[CLS]` and `[SEP]` around, as the default model's does. The whole directory is 160 KB, loaded in 5 ms.

use std::path::Path;

use anyhow::{Context, Result};
use prost::Message;
use serde_json::{Map, Value, json};
use warmer_setup::lock::Lock;
use warmer_setup::onnx::{Dimension, ElementType, GraphBuilder, Model};

/// Width of the vectors.
pub const DIMENSIONS: usize = 32;

/// `max_seq_length` in tokens, as of the default model.
pub const LENGTH_MAX: usize = 256;

/// The first ids; rows of these are near zero, or every text would be like every other.
const SPECIAL: [&str; 4] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];

/// Writes a Hugging Face layout directory with its `model.lock`. Each `seed` gives another table, hence another model;
/// the same seed always gives the same bytes.
pub fn write_toy_model(directory: &Path, seed: u64) -> Result<()> {
    let vocabulary = vocabulary();
    let config = json!({"model_type": "toy", "hidden_size": DIMENSIONS, "vocab_size": vocabulary.len()});
    let pooling = json!({"word_embedding_dimension": DIMENSIONS, "pooling_mode_mean_tokens": true});
    let length = json!({"max_seq_length": LENGTH_MAX, "do_lower_case": false});
    let files = [
        ("onnx/model.onnx", graph(vocabulary.len(), seed).encode_to_vec()),
        ("tokenizer.json", tokenizer(&vocabulary).to_string().into_bytes()),
        ("config.json", config.to_string().into_bytes()),
        ("1_Pooling/config.json", pooling.to_string().into_bytes()),
        ("sentence_bert_config.json", length.to_string().into_bytes()),
    ];
    let write = || {
        for (path, bytes) in &files {
            let file = directory.join(path);
            std::fs::create_dir_all(file.parent().unwrap_or(directory))?;
            std::fs::write(file, bytes)?;
        }
        let paths = files.each_ref().map(|(path, _)| *path);
        Lock::of(directory, &paths, vec![format!("toy model, seed {seed}")])?.write(&directory.join("model.lock"))
    };
    write().with_context(|| format!("cannot write the toy model to {}", directory.display()))
}

/// `last_hidden_state` = rows of the table; the mask is an input because every text encoder has one.
fn graph(rows: usize, seed: u64) -> Model {
    let mut graph = GraphBuilder::new("toy");
    let axes = [Dimension::named("batch"), Dimension::named("sequence")];
    graph.input("input_ids", ElementType::Int64, &axes);
    graph.input("attention_mask", ElementType::Int64, &axes);
    let table = graph.float_bytes("table", &[rows, DIMENSIONS], table(rows, seed));
    graph.node("Gather", &[&table, "input_ids"], "last_hidden_state");
    let [batch, sequence] = axes;
    graph.output("last_hidden_state", ElementType::Float32, &[batch, sequence, Dimension::fixed(DIMENSIONS)]);
    graph.finish()
}

fn table(rows: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut data = Vec::with_capacity(rows * DIMENSIONS * size_of::<f32>());
    for row in 0..rows {
        let scale = if row < SPECIAL.len() { 0.001 } else { 1.0 };
        for _ in 0..DIMENSIONS {
            data.extend_from_slice(&(scale * random(&mut state)).to_le_bytes());
        }
    }
    data
}

/// The next number in [-1, 1): SplitMix64, the same on every machine and for ever.
fn random(state: &mut u64) -> f32 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    (bits >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// Specials, the 256 bytes, pairs of letters, pairs of digits.
fn vocabulary() -> Vec<String> {
    let specials = SPECIAL.iter().map(|&name| name.to_owned());
    let bytes = (0..=u8::MAX).map(|byte| visible(byte).to_string());
    let pairs = pairs().map(|(first, second)| format!("{first}{second}"));
    specials.chain(bytes).chain(pairs).collect()
}

fn pairs() -> impl Iterator<Item = (char, char)> {
    let of = |alphabet: std::ops::RangeInclusive<char>| {
        alphabet.clone().flat_map(move |first| alphabet.clone().map(move |second| (first, second)))
    };
    of('a'..='z').chain(of('0'..='9'))
}

/// The character that byte-level tokenizers write for a byte: itself where it is printable, else the next free one from
/// U+0100 on. The same table in every such tokenizer since GPT-2.
fn visible(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if printable(byte) {
        return char::from(byte);
    }
    let position = (0..byte).filter(|&before| !printable(before)).count();
    char::from_u32(0x100 + position as u32).expect("U+0100 to U+0143 are characters")
}

fn tokenizer(vocabulary: &[String]) -> Value {
    let ids: Map<String, Value> = vocabulary.iter().enumerate().map(|(id, token)| (token.clone(), id.into())).collect();
    let merges: Vec<_> = pairs().map(|(first, second)| [first.to_string(), second.to_string()]).collect();
    let added: Vec<_> = SPECIAL.iter().enumerate().map(|(id, name)| added_token(id, name)).collect();
    let special = |name: &str| json!({"id": name, "ids": [ids[name]], "tokens": [name]});
    let around = json!([
        {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
    ]);
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "BertPreTokenizer"},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
        ]},
        "post_processor": {
            "type": "TemplateProcessing", "single": around, "pair": around,
            "special_tokens": {"[CLS]": special("[CLS]"), "[SEP]": special("[SEP]")},
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": ids, "merges": merges,
        },
    })
}

fn added_token(id: usize, name: &str) -> Value {
    json!({
        "id": id, "content": name, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        "special": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::fs;

    #[test]
    fn the_graph_survives_a_round_trip() {
        let graph = graph(10, 1);
        assert_eq!(Model::decode(&graph.encode_to_vec()[..]).unwrap(), graph);
        let inside = graph.graph.unwrap();
        assert_eq!(inside.constants[0].dimensions, [10, DIMENSIONS as i64]);
        assert_eq!(inside.nodes[0].outputs, [inside.outputs[0].name.clone().unwrap()]);
    }

    #[test]
    fn the_vocabulary_has_every_byte_once() {
        let vocabulary = vocabulary();
        let distinct: HashSet<_> = vocabulary.iter().collect();
        assert_eq!(distinct.len(), vocabulary.len());
        assert_eq!(vocabulary.len(), 4 + 256 + 26 * 26 + 10 * 10);
        assert_eq!([visible(b'a'), visible(b' '), visible(b'\n'), visible(0)], ['a', 'Ġ', 'Ċ', 'Ā']);
    }

    #[test]
    fn the_seed_alone_decides_the_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let written = |name: &str, seed| {
            write_toy_model(&directory.path().join(name), seed).unwrap();
            fs::read(directory.path().join(name).join("onnx/model.onnx")).unwrap()
        };
        assert_eq!(written("a", 7), written("b", 7));
        assert_ne!(written("a", 7), written("c", 8));
    }

    #[test]
    fn its_lock_agrees_with_its_files() {
        let directory = tempfile::tempdir().unwrap();
        write_toy_model(directory.path(), 7).unwrap();
        let lock = Lock::read(&directory.path().join("model.lock")).unwrap();
        assert!(lock.unchanged(directory.path()));
        assert_eq!(lock.files.len(), 5);
    }
}
