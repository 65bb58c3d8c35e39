//! The runtime library and the model: found, whole, and able to embed a text.

use std::path::Path;
use std::time::Instant;

use warmer_content::EmbeddingId;
use warmer_embedding::lock::ModelLock;
use warmer_embedding::{Model, ModelError, ModelFiles, ModelSettings, Runtime, Terminator};
use warmer_setup::Manifest;
use warmer_store::Role;

use super::finding::Finding;
use crate::context::Context;
use crate::database;
use crate::paths::Paths;

/// The text of the test embedding.
const TEXT: &str = "fn answer() -> u32 { 42 }";

/// Checks both; the test embedding needs both.
pub(super) async fn check(context: &Context) -> Vec<Finding> {
    let recipe = match database::open(context, Role::Reader).await {
        Ok(store) => store.active_recipe().await.ok().flatten(),
        Err(_) => None,
    };
    let library = context.paths.library().map(Runtime::load);
    let (runtime, runtime_finding) = match library {
        Ok(Ok(runtime)) => {
            let detail = format!("{}, {}", runtime.library().display(), runtime.build());
            (Some(runtime), Finding::ok("runtime", detail))
        }
        Ok(Err(error)) => (None, Finding::fail("runtime", without(&error))),
        Err(sentence) => (None, Finding::fail("runtime", without(&sentence))),
    };
    let mut findings: Vec<_> = bundle(&context.paths).into_iter().collect();
    findings.push(runtime_finding);
    let files = match ModelFiles::locate(&context.paths.model, context.config.model.length_max()) {
        Ok(files) => files,
        Err(error) => {
            findings.push(Finding::fail("model", without(&error)));
            return findings;
        }
    };
    findings.push(model_files(&files));
    if let Some(runtime) = runtime {
        findings
            .push(embedding(&runtime, &files).unwrap_or_else(|error| Finding::fail("embedding", error.to_string())));
    }
    if let (Some(recipe), Ok(fingerprint)) = (recipe, files.fingerprint())
        && recipe.embedding != fingerprint
    {
        findings.push(before(&context.config.model, recipe.embedding));
    }
    findings
}

/// Searches use another model than the configured one: whether the one of before is it.
fn before(settings: &ModelSettings, embedding: EmbeddingId) -> Finding {
    const NAME: &str = "recipe";
    const UNTIL: &str = "until this one has made everything that is served";
    if settings.before_path.is_empty() {
        return Finding::warn(
            NAME,
            format!(
                "searches use the model of before; here they go by words alone {UNTIL}: name it by \
                 `[model] before_path`"
            ),
        );
    }
    let files = ModelFiles::locate(Path::new(&settings.before_path), settings.before_length_max());
    match files.and_then(|files| files.fingerprint()) {
        Ok(found) if found == embedding => {
            Finding::ok(NAME, format!("searches use the model that `[model] before_path` names, {UNTIL}"))
        }
        Ok(_) => Finding::warn(
            NAME,
            "searches use another model than `[model] path` and `before_path` name: here they go by words alone; is \
             `before_length_max` what it was?",
        ),
        Err(error) => {
            Finding::warn(NAME, format!("`[model] before_path`: {error}; searches here go by words alone {UNTIL}"))
        }
    }
}

/// What is missing, and what goes on all the same.
fn without(error: &dyn std::fmt::Display) -> String {
    format!("{error}; until then what is warmed here is found by its words alone, unless another instance embeds it")
}

/// Every file of the bundle that this program is part of, hashed and compared with its manifest: a start trusts the
/// sizes of the model's, and looks at no other.
fn bundle(paths: &Paths) -> Option<Finding> {
    const NAME: &str = "bundle";
    let bundle = paths.bundle.as_ref()?;
    let root = bundle.root().display();
    let manifest = match bundle.manifest() {
        Ok(manifest) => manifest,
        Err(error) => return Some(Finding::fail(NAME, format!("{error:#}: unpack the archive again"))),
    };
    let differences = manifest.differences(bundle.root());
    Some(if differences.is_empty() {
        let Manifest { release, target, files, .. } = manifest;
        Finding::ok(NAME, format!("{root}, {release} for {target}, {} files as in its manifest", files.len()))
    } else {
        Finding::fail(NAME, format!("{root}: {}: unpack the archive again", differences.join("; ")))
    })
}

/// Every file hashed again and compared with `model.lock`.
fn model_files(files: &ModelFiles) -> Finding {
    const NAME: &str = "model";
    let directory = files.directory.display();
    match ModelLock::read(&files.directory) {
        Ok(Some(lock)) => {
            let differences = lock.verify(&files.directory);
            if differences.is_empty() {
                return Finding::ok(NAME, format!("{directory}, {} files as in model.lock", lock.files.len()));
            }
            let differences: Vec<_> = differences.iter().map(ToString::to_string).collect();
            Finding::fail(
                NAME,
                format!(
                    "{directory}: {}: get the model again, the default one with `warmer setup`",
                    differences.join("; ")
                ),
            )
        }
        Ok(None) => Finding::ok(NAME, format!("{directory}, without a model.lock: hashed at every start")),
        Err(error) => Finding::fail(NAME, error.to_string()),
    }
}

/// One text, embedded.
fn embedding(runtime: &Runtime, files: &ModelFiles) -> Result<Finding, ModelError> {
    let started = Instant::now();
    let model = Model::new(files.clone(), files.fingerprint()?, runtime.library().to_path_buf(), 1);
    let mut session = model.open()?;
    let (dimensions, opened) = (session.dimensions(), started.elapsed());
    Ok(match session.embed(TEXT, &Terminator::default()) {
        Ok(_) => {
            let took = started.elapsed().saturating_sub(opened);
            let (opened, took) = (opened.as_millis(), took.as_millis());
            Finding::ok("embedding", format!("{dimensions} dimensions; loaded in {opened} ms, a text in {took} ms"))
        }
        Err(error) => Finding::fail("embedding", error.to_string()),
    })
}
