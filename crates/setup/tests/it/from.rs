//! The set-up from an archive and from a directory.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use warmer_dist::{self as dist, Node, Parts, Tree};
use warmer_setup::lock::Lock;
use warmer_setup::{Cache, Digest, LIBRARY_NAME, MODEL_LOCK, Manifest, RUNTIME_LOCK, setup_from};
use xtask::workspace;

/// This machine, as Rust names it, or one like it.
const TARGET: &str = if cfg!(target_os = "macos") {
    "aarch64-apple-darwin"
} else if cfg!(target_arch = "aarch64") {
    "aarch64-unknown-linux-gnu"
} else {
    "x86_64-unknown-linux-gnu"
};

/// A cache that is not there yet, and an archive for it.
struct Scene {
    cache: Cache,
    directory: TempDir,
    parts: Parts,
}

impl Scene {
    fn new() -> Self {
        Self::of_target(TARGET)
    }

    fn of_target(target: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        xtask::write_toy_model(&path("model"), 1).unwrap();
        fs::create_dir(path("runtime")).unwrap();
        for (file, content) in [("lib.so.1", "a library"), ("LICENSE", "MIT"), ("ThirdPartyNotices.txt", "others")] {
            fs::write(path("runtime").join(file), content).unwrap();
        }
        let origin = vec!["onnxruntime==1.31.1 --hash=sha256:00".to_owned()];
        Lock::of(&path("runtime"), &["lib.so.1"], origin).unwrap().write(&path("runtime").join(RUNTIME_LOCK)).unwrap();
        fs::write(path("program"), "a program").unwrap();
        let parts = Parts {
            program: path("program"),
            model: path("model"),
            runtime: path("runtime"),
            sources: workspace::root().to_owned(),
            notices: Tree::default(),
            release: "0.1.0".to_owned(),
            target: target.to_owned(),
        };
        Self { cache: Cache::at(path("cache")), parts, directory }
    }

    fn archive(&self) -> PathBuf {
        dist::write(&self.parts, 1_700_000_000, false, self.directory.path()).unwrap();
        self.directory.path().join(format!("{}.tar.zst", self.parts.name()))
    }

    /// The archive as it would be unpacked.
    fn unpacked(&self) -> PathBuf {
        let root = self.directory.path().join("unpacked");
        for (path, node) in self.parts.bundle().unwrap().nodes() {
            let Node::File { content, .. } = node else { continue };
            let file = root.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        root
    }

    fn refused(&self, from: &Path, why: &str) {
        let error = format!("{:#}", setup_from(&self.cache, from).unwrap_err());
        assert!(error.contains(why) && error.contains(&from.display().to_string()), "{error}");
        assert!(!error.contains('\n'), "{error}");
        assert_eq!(names(self.cache.root()), ["setup.lock"], "nothing half-done stays");
    }

    #[track_caller]
    fn is_set_up(&self) {
        assert_eq!(names(self.cache.root()), ["model", "runtime", "setup.lock"]);
        assert_eq!(fs::read(self.cache.runtime_library()).unwrap(), b"a library");
        let model = self.cache.model_dir();
        let lock = Lock::read(&model.join(MODEL_LOCK)).unwrap();
        assert!(lock.unchanged(&model) && lock.confirmed(&model).is_some());
        assert!(lock.files.iter().all(|file| file.modified_unix_nanos.is_some()), "a directory that can be written");
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_archive_and_what_it_unpacks_to_set_up_the_same() {
    let scene = Scene::new();
    setup_from(&scene.cache, &scene.archive()).unwrap();
    scene.is_set_up();
    assert_eq!(names(&scene.cache.runtime_dir()), [LIBRARY_NAME, "onnxruntime-1.31.1"]);
    let version = scene.cache.runtime_dir().join("onnxruntime-1.31.1");
    assert_eq!(names(&version), ["LICENSE", "ThirdPartyNotices.txt", LIBRARY_NAME, RUNTIME_LOCK]);
    fs::remove_dir_all(scene.cache.root()).unwrap();
    setup_from(&scene.cache, &scene.unpacked()).unwrap();
    scene.is_set_up();
}

#[test]
fn a_second_set_up_takes_the_place_of_the_first() {
    let scene = Scene::new();
    let archive = scene.archive();
    setup_from(&scene.cache, &archive).unwrap();
    fs::write(scene.cache.model_dir().join("tokenizer.json"), "damaged").unwrap();
    setup_from(&scene.cache, &archive).unwrap();
    scene.is_set_up();
}

#[test]
fn a_truncated_archive_changes_nothing() {
    let scene = Scene::new();
    let archive = scene.archive();
    let bytes = fs::read(&archive).unwrap();
    fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
    scene.refused(&archive, "it is damaged");
    fs::write(&archive, "no archive at all").unwrap();
    scene.refused(&archive, "it is damaged, or no archive of Warmer");
}

#[test]
fn a_file_that_is_not_what_the_manifest_says_changes_nothing() {
    let scene = Scene::new();
    let root = scene.unpacked();
    let file = root.join("model/all-MiniLM-L6-v2/tokenizer.json");
    let mut text = fs::read(&file).unwrap();
    text[0] ^= 1;
    fs::write(&file, text).unwrap();
    scene.refused(&root, "tokenizer.json is not the file of the manifest");
    fs::remove_file(&file).unwrap();
    scene.refused(&root, "it has no model/all-MiniLM-L6-v2/tokenizer.json");
}

#[test]
fn a_bundle_for_another_machine_is_refused_with_its_name() {
    let other = if TARGET.starts_with("aarch64") { "x86_64-unknown-linux-gnu" } else { "aarch64-unknown-linux-gnu" };
    let scene = Scene::of_target(other);
    scene.refused(&scene.archive(), &format!("it is made for {other}"));
}

#[test]
fn what_is_no_bundle_or_not_there_is_one_sentence() {
    let scene = Scene::new();
    scene.refused(&scene.directory.path().join("nowhere"), "it cannot be read");
    let empty = scene.directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    scene.refused(&empty, Manifest::FILE);
}

#[test]
fn a_manifest_that_leads_out_of_its_place_is_not_followed() {
    let scene = Scene::new();
    let root = scene.unpacked();
    let mut manifest = Manifest::read(&root).unwrap();
    let mut leads_out = manifest.files[0].clone();
    leads_out.path = "model/all-MiniLM-L6-v2/../../../outside".to_owned();
    leads_out.bytes = 1;
    leads_out.sha256 = Digest::of(b"x");
    manifest.files.push(leads_out);
    fs::write(root.join("outside"), "x").unwrap();
    fs::write(root.join(Manifest::FILE), manifest.to_text().unwrap()).unwrap();
    setup_from(&scene.cache, &root).unwrap();
    scene.is_set_up();
    assert_eq!(names(&scene.cache.root().join("model")), ["all-MiniLM-L6-v2"]);
}
