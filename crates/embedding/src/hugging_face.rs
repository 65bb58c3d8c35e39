//! The settings files beside a model in the Hugging Face layout. All are optional; what they ask for must be what we
//! do.

use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::ModelError;
use crate::pooling::Pooling;

/// `1_Pooling/config.json`, the pooling's settings file.
const POOLING: &str = "1_Pooling/config.json";

/// `modules.json`, one entry: a step from text to vector.
#[derive(Deserialize)]
struct Module {
    #[serde(rename = "type")]
    kind: String,
}

/// `sentence_bert_config.json`.
#[derive(Deserialize)]
struct Served {
    max_seq_length: Option<usize>,
}

/// `config.json`, as far as it tells how long a text may be.
#[derive(Deserialize)]
struct Trained {
    max_position_embeddings: Option<usize>,
    model_type: Option<String>,
    pad_token_id: Option<usize>,
}

impl Trained {
    /// Tokens the position table has room for. The RoBERTa family counts positions from behind the padding's id.
    fn positions(&self) -> Option<usize> {
        let kind = self.model_type.as_deref().unwrap_or_default();
        let shifted = kind.contains("roberta") || matches!(kind, "camembert" | "mpnet");
        let unused = if shifted { self.pad_token_id.unwrap_or(1) + 1 } else { 0 };
        self.max_position_embeddings.map(|positions| positions.saturating_sub(unused))
    }
}

/// The file parsed, `None` where there is none.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ModelError> {
    let bytes = match fs::read(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(ModelError::read(path))?,
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|why| unfit(path, format!("it is malformed ({why})")))
}

fn unfit(path: &Path, why: String) -> ModelError {
    ModelError::Settings { path: path.to_owned(), why }
}

/// Refuses a model with a step that is not done here, for example a dense layer: its vectors would be silently wrong.
pub(crate) fn check_modules(directory: &Path) -> Result<(), ModelError> {
    let path = directory.join("modules.json");
    let modules: Vec<Module> = read(&path)?.unwrap_or_default();
    let known = |kind: &str| matches!(kind.rsplit('.').next(), Some("Transformer" | "Pooling" | "Normalize"));
    match modules.iter().find(|module| !known(&module.kind)) {
        None => Ok(()),
        Some(module) => Err(unfit(&path, format!("it has a step `{}`, which this program cannot do", module.kind))),
    }
}

/// The pooling the model asks for; the mean where it does not say, as its own library does.
pub(crate) fn pooling(directory: &Path) -> Result<Pooling, ModelError> {
    let path = directory.join(POOLING);
    let Some(settings) = read::<Map<String, Value>>(&path)? else {
        return Ok(Pooling::Mean);
    };
    // Newer files name one mode, older ones have a flag for each.
    let modes: Vec<&str> = match settings.get("pooling_mode").and_then(Value::as_str) {
        Some(mode) => vec![mode],
        None => {
            let set = settings.iter().filter(|(_, value)| **value == Value::Bool(true));
            set.filter_map(|(key, _)| key.strip_prefix("pooling_mode_")).collect()
        }
    };
    match modes[..] {
        ["mean" | "mean_tokens"] => Ok(Pooling::Mean),
        ["cls" | "cls_token"] => Ok(Pooling::Cls),
        ["max" | "max_tokens"] => Ok(Pooling::Max),
        [] => Err(unfit(&path, "it names no pooling".to_owned())),
        _ => Err(unfit(
            &path,
            format!("its pooling is `{}`, and only one of mean, cls and max can be done", modes.join(" + ")),
        )),
    }
}

/// Tokens, special ones included, that are read at once: the smaller of what the model was served with, what its
/// position table has room for, and `wanted`.
pub(crate) fn length_max(directory: &Path, wanted: Option<usize>) -> Result<usize, ModelError> {
    let served = read::<Served>(&directory.join("sentence_bert_config.json"))?.and_then(|served| served.max_seq_length);
    let path = directory.join("config.json");
    let positions = read::<Trained>(&path)?.and_then(|trained| trained.positions());
    let limits = [served, positions, wanted];
    limits.into_iter().flatten().min().filter(|length| *length > 0).ok_or_else(|| {
        let why =
            "neither it nor sentence_bert_config.json says how many tokens a text may have, nor does the configuration";
        unfit(&path, why.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("1_Pooling")).unwrap();
        for (path, text) in files {
            fs::write(directory.path().join(path), text).unwrap();
        }
        directory
    }

    #[test]
    fn the_pooling_is_read_in_both_forms() {
        for (text, expected) in [
            (r#"{"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false}"#, Pooling::Mean),
            (r#"{"pooling_mode_cls_token": true, "word_embedding_dimension": 8}"#, Pooling::Cls),
            (r#"{"pooling_mode": "max"}"#, Pooling::Max),
        ] {
            assert_eq!(pooling(directory(&[(POOLING, text)]).path()).unwrap(), expected, "{text}");
        }
        assert_eq!(pooling(directory(&[]).path()).unwrap(), Pooling::Mean);
    }

    #[test]
    fn an_unknown_pooling_is_refused_by_name() {
        for (text, expected) in [
            (r#"{"pooling_mode_lasttoken": true}"#, "`lasttoken`"),
            (r#"{"pooling_mode_cls_token": true, "pooling_mode_max_tokens": true}"#, "`cls_token + max_tokens`"),
            ("{}", "it names no pooling"),
            ("{", "it is malformed (EOF while parsing"),
        ] {
            let error = pooling(directory(&[(POOLING, text)]).path()).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("1_Pooling/config.json"), "{error}");
        }
    }

    #[test]
    fn the_smallest_length_wins() {
        let served = ("sentence_bert_config.json", r#"{"max_seq_length": 256}"#);
        let trained = ("config.json", r#"{"max_position_embeddings": 512}"#);
        let roberta =
            ("config.json", r#"{"max_position_embeddings": 514, "model_type": "xlm-roberta", "pad_token_id": 1}"#);
        let null = ("sentence_bert_config.json", r#"{"max_seq_length": null}"#);
        for (files, wanted, expected) in [
            (&[served, trained][..], None, 256),
            (&[served, trained], Some(128), 128),
            (&[served, trained], Some(1024), 256),
            (&[trained], None, 512),
            (&[null, roberta], None, 512),
            (&[], Some(64), 64),
        ] {
            assert_eq!(length_max(directory(files).path(), wanted).unwrap(), expected, "{files:?} {wanted:?}");
        }
        let error = length_max(directory(&[]).path(), None).unwrap_err().to_string();
        assert!(error.contains("how many tokens a text may have"), "{error}");
    }

    #[test]
    fn a_step_that_cannot_be_done_is_refused() {
        let ok = r#"[{"type": "sentence_transformers.models.Transformer"},
            {"type": "sentence_transformers.models.Pooling"}]"#;
        check_modules(directory(&[("modules.json", ok)]).path()).unwrap();
        let dense = r#"[{"type": "sentence_transformers.models.Dense"}]"#;
        let error = check_modules(directory(&[("modules.json", dense)]).path()).unwrap_err().to_string();
        assert!(error.contains("`sentence_transformers.models.Dense`"), "{error}");
    }
}
