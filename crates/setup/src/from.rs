//! The set-up from a bundle: an archive of Warmer, or a directory that one was unpacked into.
//!
//! Of the archive only the model and the runtime are taken, each file checked against the manifest, which comes first
//! in it. They are put into place as what pip fetches is: whole, or not at all.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use tar::{Archive, EntryType};

use crate::cache::{Cache, LIBRARY_NAME, MODEL_NAME};
use crate::console::say;
use crate::exclusive::Exclusive;
use crate::failure;
use crate::fetch::{Outcome, empty_incoming};
use crate::lock::Lock;
use crate::manifest::Manifest;
use crate::part::{MODEL_LOCK, RUNTIME_LOCK, point, replace};
use crate::wheel::store;

/// The most bytes of a manifest. One of 500 files has 80 KB.
const MANIFEST_MAX: u64 = 4 << 20;

/// Puts the model and the runtime of the bundle `from` into `cache`, in the place of what is there. `from` is an
/// archive (`.tar.zst`) or a directory.
///
/// # Errors
/// When it is no bundle for this machine, is damaged, or the cache cannot be written; the cache is then as it was.
pub fn setup_from(cache: &Cache, from: &Path) -> Result<Outcome> {
    let root = cache.root();
    fs::create_dir_all(root).map_err(|error| failure::writing(root, error))?;
    let _held = Exclusive::acquire(cache)?;
    let started = Instant::now();
    say(&format!("set-up: the model and ONNX Runtime of {} into {}", from.display(), root.display()));
    empty_incoming(cache)?;
    let result = take(from, &cache.incoming()).and_then(|()| place(cache));
    let swept = fs::remove_dir_all(cache.incoming());
    result.with_context(|| format!("cannot set up from {}", from.display()))?;
    swept.with_context(|| format!("cannot remove {}", cache.incoming().display()))?;
    say(&format!("set-up: done in {:.1} s", started.elapsed().as_secs_f32()));
    Ok(Outcome::Fetched)
}

/// Where a file of a bundle goes, below `incoming`; none where it is not wanted.
fn wanted(path: &str) -> Option<PathBuf> {
    let model = format!("model/{MODEL_NAME}/");
    let in_runtime = |name: &str| Some(Path::new("runtime").join(name));
    match path.strip_prefix("lib/") {
        Some(name) if name == LIBRARY_NAME || name == RUNTIME_LOCK => return in_runtime(name),
        _ => {}
    }
    if let Some(name) = path.strip_prefix("licenses/onnxruntime/") {
        return is_plain(name).then(|| in_runtime(name)).flatten();
    }
    let name = path.strip_prefix(&model)?;
    is_plain(name).then(|| Path::new("model").join(name))
}

/// Whether it stays below the directory that it is joined to.
fn is_plain(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Copies what is wanted of a bundle below `incoming`.
fn take(from: &Path, incoming: &Path) -> Result<()> {
    let found = fs::metadata(from).context("it cannot be read")?;
    if !found.is_dir() {
        return unpack(File::open(from)?, incoming);
    }
    let manifest = Manifest::read(from).context("it is no unpacked archive of Warmer")?;
    check_target(&manifest)?;
    for file in &manifest.files {
        if let Some(place) = wanted(&file.path) {
            let mut open = File::open(from.join(&file.path)).with_context(|| format!("it has no {}", file.path))?;
            store(&incoming.join(place), &file.checked(&mut open)?)?;
        }
    }
    Ok(())
}

/// Reads an archive to its end: all of it must be whole, not only what is taken.
fn unpack(archive: File, incoming: &Path) -> Result<()> {
    let damaged = "it is damaged, or no archive of Warmer (.tar.zst)";
    let decoder = zstd::Decoder::new(archive).context(damaged)?;
    let mut archive = Archive::new(decoder);
    let mut manifest: Option<Manifest> = None;
    let mut taken = 0;
    for entry in archive.entries().context(damaged)? {
        let mut entry = entry.context(damaged)?;
        let path = String::from_utf8(entry.path_bytes().into_owned()).context(damaged)?;
        let Some((_, path)) = path.split_once('/') else { continue };
        if entry.header().entry_type() != EntryType::Regular {
            continue;
        }
        let Some(manifest) = &manifest else {
            ensure!(path == Manifest::FILE, "its first file is {path}, and not {}", Manifest::FILE);
            let mut text = Vec::new();
            entry.take(MANIFEST_MAX).read_to_end(&mut text).context(damaged)?;
            let read = Manifest::parse(&text)?;
            check_target(&read)?;
            manifest = Some(read);
            continue;
        };
        let Some(place) = wanted(path) else { continue };
        let file = manifest.files.iter().find(|file| file.path == path);
        let file = file.with_context(|| format!("{path} is not in its manifest"))?;
        store(&incoming.join(place), &file.checked(&mut entry).context(damaged)?)?;
        taken += 1;
    }
    let manifest = manifest.context(damaged)?;
    let all = manifest.files.iter().filter(|file| wanted(&file.path).is_some()).count();
    ensure!(taken == all, "it has {taken} of the {all} files of the model and the runtime: it is damaged");
    Ok(())
}

/// A library of another machine would be found out by the loader, and with a worse sentence.
fn check_target(manifest: &Manifest) -> Result<()> {
    let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
    let system = if system == "macos" { "darwin" } else { system };
    let mut parts = manifest.target.split('-');
    let fits = parts.next() == Some(processor) && parts.any(|part| part == system);
    ensure!(fits, "it is made for {}, and this machine is {processor} with {system}", manifest.target);
    Ok(())
}

/// Writes the locks, with the times of now, and puts both directories into place.
fn place(cache: &Cache) -> Result<()> {
    let incoming = cache.incoming();
    let (model, runtime) = (incoming.join("model"), incoming.join("runtime"));
    let origin = lock(&runtime, RUNTIME_LOCK)?;
    lock(&model, MODEL_LOCK)?;
    let old = incoming.join("replaced");
    let put = |made: &Path, place: &Path| replace(made, place, &old).map_err(|error| failure::writing(place, error));
    put(&model, &cache.model_dir())?;
    // `onnxruntime==1.31.1 --hash=…`: the directory is named as the set-up through pip names it.
    let package = origin.first().and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    let name = package.replace("==", "-");
    if !is_plain(&name) || name.contains('/') {
        bail!("its {RUNTIME_LOCK} names no package");
    }
    put(&runtime, &cache.runtime_dir().join(&name))?;
    point(cache, &Path::new(&name).join(LIBRARY_NAME))
}

/// The lock of a bundle says which files there are; it becomes one of this machine. Returns its origin.
fn lock(directory: &Path, name: &str) -> Result<Vec<String>> {
    let file = directory.join(name);
    let lock = Lock::read(&file).with_context(|| format!("it has no {name}"))?;
    let renewed = lock.confirmed(directory).with_context(|| format!("its {name} does not agree with its files"))?;
    renewed.write(&file).map_err(|error| failure::writing(&file, error))?;
    Ok(renewed.origin)
}
