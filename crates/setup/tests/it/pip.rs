//! The set-up with a real pip that finds its wheels in a directory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use warmer_setup::lock::Lock;
use warmer_setup::{Cache, Catalogue, Outcome, Pip, is_complete, setup_with};

use crate::samples::wheels;

/// A cache directory that is not there yet, wheels for it, and a pip that knows no others.
struct Scene {
    cache: Cache,
    catalogue: Catalogue,
    pip: Pip,
    directory: TempDir,
}

impl Scene {
    /// None where there is no Python with pip.
    fn new() -> Option<Self> {
        let Ok(pip) = Pip::find() else {
            xtask::not_run("python3");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        let shelf = directory.path().join("shelf");
        fs::create_dir(&shelf).unwrap();
        let catalogue = wheels(&shelf);
        let pip = pip
            .with_variable("PIP_NO_INDEX", "1")
            .with_variable("PIP_QUIET", "1")
            .with_variable("PIP_FIND_LINKS", shelf);
        Some(Self { cache: Cache::at(directory.path().join("cache")), catalogue, pip, directory })
    }

    fn set_up(&self) -> anyhow::Result<Outcome> {
        setup_with(&self.cache, &self.catalogue, &self.pip)
    }

    fn graph(&self) -> PathBuf {
        self.cache.model_dir().join("onnx/model.onnx")
    }

    /// From here on nothing can be fetched.
    fn empty_the_shelf(&self) {
        fs::remove_dir_all(self.directory.path().join("shelf")).unwrap();
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_set_up_is_whole_and_done_once() {
    let Some(scene) = Scene::new() else { return };
    assert_eq!(scene.set_up().unwrap(), Outcome::Fetched);
    assert_eq!(names(scene.cache.root()), ["model", "runtime", "setup.lock"]);
    assert_eq!(fs::read(scene.cache.runtime_library()).unwrap(), b"a library");
    let lock = Lock::read(&scene.cache.model_dir().join("model.lock")).unwrap();
    assert!(lock.unchanged(&scene.cache.model_dir()));
    assert_eq!(lock.files[0].path, "onnx/model.onnx");
    assert_eq!(lock.files.len(), 5);
    assert!(lock.origin.iter().any(|line| line.contains("apache-2.0")), "{:?}", lock.origin);

    scene.empty_the_shelf();
    assert_eq!(scene.set_up().unwrap(), Outcome::Nothing);
}

#[test]
fn a_wrong_digest_leaves_nothing_behind() {
    let Some(mut scene) = Scene::new() else { return };
    scene.catalogue.model.sha256 = vec!["0".repeat(64)];
    let error = scene.set_up().unwrap_err().to_string();
    assert!(error.contains("does not have the pinned SHA-256 digest"), "{error}");
    assert_eq!(names(scene.cache.root()), ["setup.lock"]);
    assert!(!is_complete(&scene.cache, &scene.catalogue));
}

#[test]
fn a_version_that_nobody_has_is_named() {
    let Some(mut scene) = Scene::new() else { return };
    scene.catalogue.runtime.version = "9.9.9".into();
    let error = scene.set_up().unwrap_err().to_string();
    assert!(error.contains("onnxruntime==9.9.9"), "{error}");
}

#[test]
fn a_damaged_file_is_fetched_again_and_the_rest_is_not() {
    let Some(scene) = Scene::new() else { return };
    scene.set_up().unwrap();
    let whole = fs::read(scene.graph()).unwrap();
    fs::write(scene.graph(), &whole[..100]).unwrap();
    fs::remove_file(scene.directory.path().join("shelf/onnxruntime-1.31.1-cp312-cp312-manylinux_2_28_x86_64.whl"))
        .unwrap();
    assert_eq!(scene.set_up().unwrap(), Outcome::Fetched);
    assert!(fs::read(scene.graph()).unwrap() == whole, "the graph is whole again");
}

#[test]
fn a_copy_with_other_times_is_trusted_after_a_look_at_its_content() {
    let Some(scene) = Scene::new() else { return };
    scene.set_up().unwrap();
    let later = SystemTime::now() + Duration::from_secs(3600);
    File::options().write(true).open(scene.graph()).unwrap().set_modified(later).unwrap();
    scene.empty_the_shelf();
    assert_eq!(scene.set_up().unwrap(), Outcome::Nothing);
    let lock = Lock::read(&scene.cache.model_dir().join("model.lock")).unwrap();
    assert!(lock.unchanged(&scene.cache.model_dir()), "the next look needs no content");
}

#[test]
fn what_a_killed_set_up_left_is_neither_trusted_nor_kept() {
    let Some(scene) = Scene::new() else { return };
    fs::create_dir_all(scene.cache.root().join("incoming/wheels")).unwrap();
    fs::write(scene.cache.root().join("incoming/wheels/onnxruntime-1.31.1-half.whl"), b"half").unwrap();
    fs::create_dir_all(scene.graph().parent().unwrap()).unwrap();
    fs::write(scene.graph(), b"half a graph").unwrap();
    assert_eq!(scene.set_up().unwrap(), Outcome::Fetched);
    assert!(fs::metadata(scene.graph()).unwrap().len() > 1000);
    assert_eq!(names(scene.cache.root()), ["model", "runtime", "setup.lock"]);
}

#[test]
fn a_lost_link_to_the_library_is_made_again() {
    let Some(scene) = Scene::new() else { return };
    scene.set_up().unwrap();
    fs::remove_file(scene.cache.runtime_library()).unwrap();
    assert_eq!(scene.set_up().unwrap(), Outcome::Fetched);
    assert_eq!(fs::read(scene.cache.runtime_library()).unwrap(), b"a library");
}

#[test]
fn of_two_set_ups_at_once_one_fetches() {
    let Some(scene) = Scene::new() else { return };
    let outcomes = std::thread::scope(|scope| {
        let other = scope.spawn(|| scene.set_up().unwrap());
        [scene.set_up().unwrap(), other.join().unwrap()]
    });
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Fetched).count(), 1, "{outcomes:?}");
}

#[test]
fn a_machine_without_python_is_told_what_to_install() {
    let error = Pip::find_among(&["no-such-python"]).unwrap_err().to_string();
    assert!(error.contains("Python 3.9 or newer"), "{error}");
}

#[test]
fn a_cache_directory_that_cannot_be_made_is_named() {
    let Some(scene) = Scene::new() else { return };
    let file = scene.directory.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = setup_with(&Cache::at(file.join("cache")), &scene.catalogue, &scene.pip).unwrap_err().to_string();
    assert!(error.contains("file/cache"), "{error}");
}
