//! Where the real model and runtime are, and what is common to the tests.

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use warmer_embedding::{Model, ModelFiles, Runtime, Session, Terminator, Tokenizer};

/// The model and the runtime of the set-up; `None`, said aloud, where there are none.
pub(crate) struct Real {
    pub(crate) runtime: Runtime,
    pub(crate) model: ModelFiles,
    pub(crate) tokenizer: Tokenizer,
}

impl Real {
    pub(crate) fn find() -> Option<Self> {
        let (runtime, model) = (runtime()?, model()?);
        let tokenizer = Tokenizer::load(&model).unwrap();
        Some(Self { runtime, model, tokenizer })
    }

    pub(crate) fn session(&self, threads: usize) -> Session {
        Session::open(&self.runtime, &self.model, &self.tokenizer, threads).unwrap()
    }

    /// Two of several sessions that share their weights.
    pub(crate) fn sharing_sessions(&self) -> [Session; 2] {
        let (files, library) = (self.model.clone(), self.runtime.library().to_owned());
        let fingerprint = files.fingerprint().unwrap();
        let model = Model::new(files, fingerprint, library, 1).for_sessions(8);
        [model.open().unwrap(), model.open().unwrap()]
    }
}

/// The default model's files.
pub(crate) fn model() -> Option<ModelFiles> {
    let directory = found("model", "WARMER_TEST_MODEL", "model/all-MiniLM-L6-v2")?;
    Some(ModelFiles::locate(&directory, Some(256)).unwrap())
}

/// The runtime; one for the whole test program.
pub(crate) fn runtime() -> Option<Runtime> {
    let library = found("runtime", "WARMER_TEST_RUNTIME", "runtime/libonnxruntime.so")?;
    Some(Runtime::load(&library).unwrap())
}

/// What `variable` names, else what the set-up left in the cache directory.
fn found(what: &str, variable: &str, default: &str) -> Option<PathBuf> {
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from).or_else(home);
    let path = env::var_os(variable).map(PathBuf::from).or_else(|| Some(cache?.join("warmer").join(default)));
    let path = path.filter(|path| path.exists());
    if path.is_none() {
        say(&format!("not run: {what} missing"));
        assert!(env::var_os("WARMER_TEST_REQUIRE").is_none_or(|all| all != "all"), "the {what} is required");
    }
    path
}

/// Prints past the test harness, which keeps the output of tests that pass to itself.
pub(crate) fn say(line: &str) {
    io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// The vector of `text`, nothing stopping it.
pub(crate) fn embed(session: &mut Session, text: &str) -> Vec<f32> {
    session.embed_f32(text, &Terminator::default()).unwrap()
}

/// The cosine of the angle between two vectors, in double precision.
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Pieces of this crate's own code, of 40 to 1,200 bytes.
pub(crate) fn code() -> Vec<String> {
    let source = concat!(include_str!("../../src/lock.rs"), include_str!("../../src/session.rs"));
    let lines: Vec<_> = source.lines().collect();
    (1..=24).map(|n| lines[n * 7..n * 7 + n].join("\n")).filter(|text| text.len() >= 40).collect()
}
