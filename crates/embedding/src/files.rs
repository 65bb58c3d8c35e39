//! Where a model's files are, and what they say of how texts become vectors. Loads neither the graph nor the runtime.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::error::ModelError;
use crate::hugging_face;
use crate::pooling::Pooling;

/// Where the graph may be, best first, relative to the model directory.
const GRAPHS: [&str; 2] = ["onnx/model.onnx", "model.onnx"];

/// A model in the Hugging Face layout: a graph, `tokenizer.json`, and optionally `config.json`, `modules.json`,
/// `1_Pooling/config.json` and `sentence_bert_config.json`.
#[derive(Clone, Debug)]
pub struct ModelFiles {
    /// What all other paths begin with.
    pub directory: PathBuf,
    /// `onnx/model.onnx`, else `model.onnx`.
    pub graph: PathBuf,
    /// `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// How the tokens' vectors become the text's.
    pub pooling: Pooling,
    /// Tokens, special ones included, beyond which a text is read in windows.
    pub length_max: usize,
}

impl ModelFiles {
    /// Finds the files and reads the settings. `length_max` can lower the model's own limit, not raise it.
    ///
    /// # Errors
    /// When the directory, the graph or the tokenizer is missing or may not be read, or a settings file is malformed or
    /// asks for what is not done here.
    pub fn locate(directory: &Path, length_max: Option<usize>) -> Result<Self, ModelError> {
        match fs::metadata(directory) {
            Ok(found) if found.is_dir() => {}
            Err(why) if !matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(ModelError::read(directory)(why));
            }
            _ => return Err(ModelError::DirectoryMissing { directory: directory.to_owned() }),
        }
        let find = |names: &[&str], file| {
            let mut paths = names.iter().map(|name| directory.join(name));
            paths.find(|path| path.is_file()).ok_or(ModelError::FileMissing { directory: directory.to_owned(), file })
        };
        hugging_face::check_modules(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
            graph: find(&GRAPHS, "onnx/model.onnx or model.onnx")?,
            tokenizer: find(&["tokenizer.json"], "tokenizer.json")?,
            pooling: hugging_face::pooling(directory)?,
            length_max: hugging_face::length_max(directory, length_max)?,
        })
    }
}
