//! The archive and the package of made-up parts: reproducible, whole, and known to dpkg.

#![expect(clippy::disallowed_types, reason = "tests start dpkg")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use tar::{Archive, EntryType};
use warmer_dist::{self as dist, Parts, Tree};
use warmer_setup::lock::Lock;
use warmer_setup::{Digest, LIBRARY_NAME, MODEL_LOCK, Manifest, RUNTIME_LOCK};
use xtask::workspace;

const EPOCH: u64 = 1_700_000_000;

/// Parts in a directory, of which the times are those of now.
fn parts(directory: &Path) -> Parts {
    let (model, runtime, program) = (directory.join("m"), directory.join("r"), directory.join("p"));
    xtask::write_toy_model(&model, 1).unwrap();
    fs::create_dir(&runtime).unwrap();
    for (file, content) in
        [("lib.so.1", "\0GLIBC_2.28\0GLIBCXX_3.4.25\0"), ("LICENSE", "MIT"), ("ThirdPartyNotices.txt", "")]
    {
        fs::write(runtime.join(file), content).unwrap();
    }
    let lock = Lock::of(&runtime, &["lib.so.1"], vec!["onnxruntime==1.31.1".to_owned()]).unwrap();
    lock.write(&runtime.join(RUNTIME_LOCK)).unwrap();
    fs::write(&program, "\0GLIBC_2.34\0").unwrap();
    let mut notices = Tree::default();
    notices.add("licenses/THIRD-PARTY.txt", "others");
    Parts {
        program,
        model,
        runtime,
        sources: workspace::root().to_owned(),
        notices,
        release: "0.1.0".to_owned(),
        target: "x86_64-unknown-linux-gnu".to_owned(),
    }
}

const NAME: &str = "warmer-0.1.0-x86_64-unknown-linux-gnu";
const PACKAGE: &str = "warmer_0.1.0_amd64.deb";

/// Archive and package of parts in a directory of their own.
fn made() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("parts")).unwrap();
    dist::write(&parts(&directory.path().join("parts")), EPOCH, true, &directory.path().join("dist")).unwrap();
    directory
}

fn archive(directory: &Path) -> Archive<impl std::io::Read> {
    let file = File::open(directory.join("dist").join(format!("{NAME}.tar.zst"))).unwrap();
    Archive::new(zstd::Decoder::new(file).unwrap())
}

/// The archive, unpacked.
fn unpacked(directory: &Path) -> std::path::PathBuf {
    archive(directory).unpack(directory).unwrap();
    directory.join(NAME)
}

#[test]
fn the_same_parts_make_the_same_bytes() {
    let (one, other) = (made(), tempfile::tempdir().unwrap());
    let place = other.path().join("a longer name");
    fs::create_dir(&place).unwrap();
    let parts = parts(&place);
    let before = SystemTime::now() - Duration::from_secs(86_400);
    for file in [&parts.program, &parts.runtime.join("lib.so.1"), &parts.model.join("tokenizer.json")] {
        File::options().write(true).open(file).unwrap().set_modified(before).unwrap();
    }
    dist::write(&parts, EPOCH, true, &other.path().join("dist")).unwrap();
    for file in [format!("{NAME}.tar.zst"), PACKAGE.to_owned(), format!("{PACKAGE}.sha256")] {
        let read = |directory: &Path| fs::read(directory.join("dist").join(&file)).unwrap();
        assert!(read(one.path()) == read(other.path()), "{file} differs");
    }
}

#[test]
fn an_archive_begins_with_its_manifest_and_tells_neither_who_nor_when() {
    let directory = made();
    let mut archive = archive(directory.path());
    let entries: Vec<_> = archive.entries().unwrap().map(|entry| entry.unwrap().header().clone()).collect();
    let first = entries.iter().find(|header| header.entry_type() == EntryType::Regular).unwrap();
    assert_eq!(first.path().unwrap(), Path::new(NAME).join(Manifest::FILE));
    for header in entries {
        assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (EPOCH, 0, 0));
    }
}

#[test]
fn an_unpacked_archive_agrees_with_its_manifest_and_its_checksums() {
    let directory = made();
    let root = unpacked(directory.path());
    let manifest = Manifest::read(&root).unwrap();
    assert_eq!(manifest.differences(&root), [""; 0]);
    let named: BTreeMap<_, _> = manifest.files.iter().map(|file| (file.path.as_str(), file.bytes)).collect();
    for path in ["bin/warmer", "model/all-MiniLM-L6-v2/onnx/model.onnx", "etc/warmer.toml", "licenses/LICENSE-MIT"] {
        assert!(named.contains_key(path), "{named:?}");
    }
    let sums = fs::read_to_string(root.join("SHA256SUMS")).unwrap();
    for line in sums.lines() {
        let (digest, path) = line.split_once("  ").unwrap();
        assert_eq!(Digest::of_file(&root.join(path)).unwrap().to_string(), digest, "{path}");
    }
    assert_eq!(sums.lines().count(), named.len() + 1, "the manifest too");
    assert_eq!(fs::read_link(root.join("bin/worker_cache_warmer")).unwrap(), Path::new("warmer"));
}

#[test]
fn the_locks_of_a_bundle_have_no_times_and_their_files_the_names_that_are_looked_for() {
    let directory = made();
    let root = unpacked(directory.path());
    let model = root.join("model/all-MiniLM-L6-v2");
    for (directory, name) in [(model, MODEL_LOCK), (root.join("lib"), RUNTIME_LOCK)] {
        let lock = Lock::read(&directory.join(name)).unwrap();
        assert!(lock.files.iter().all(|file| file.modified_unix_nanos.is_none()), "{lock:?}");
        assert!(lock.confirmed(&directory).is_some());
    }
    assert!(root.join("lib").join(LIBRARY_NAME).is_file());
}

#[test]
fn a_model_that_is_not_what_its_lock_says_is_not_given_away() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(directory.path());
    fs::write(parts.model.join("tokenizer.json"), "{}").unwrap();
    let error = dist::write(&parts, EPOCH, false, &directory.path().join("dist")).unwrap_err().to_string();
    assert!(error.contains("are not those of model.lock"), "{error}");
}

#[test]
fn every_package_that_is_linked_comes_with_a_text() {
    let target = "x86_64-unknown-linux-gnu";
    let packages = dist::packages(target).unwrap();
    let names: Vec<_> = packages.iter().map(|package| package.name.as_str()).collect();
    assert!(
        ["gix", "libsqlite3-sys", "ring", "sqlx", "tokio", "zstd-sys"].iter().all(|name| names.contains(name)),
        "{names:?}"
    );
    assert!(!["cc", "syn", "warmer-store"].iter().any(|name| names.contains(name)), "{names:?}");
    let notices = dist::notices(&packages).unwrap();
    let text = String::from_utf8(notices.content("licenses/THIRD-PARTY.txt").unwrap().to_vec()).unwrap();
    assert!(names.iter().all(|name| text.contains(&format!("  {name} "))));
}

#[test]
fn of_the_files_for_operations_those_of_the_tree_are_given_away_and_others_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let sources = directory.path().join("sources");
    fs::create_dir(&sources).unwrap();
    for part in ["config", "LICENSE-MIT", "LICENSE-APACHE", "CHANGELOG.md", "SECURITY.md"] {
        let mut copy = Command::new("cp");
        assert!(copy.arg("-R").arg(workspace::root().join(part)).arg(&sources).status().unwrap().success());
    }
    let strays = ["config/kubernetes/base/secret.yaml", "config/notes.txt"];
    for stray in strays {
        fs::write(sources.join(stray), "mine").unwrap();
    }
    let parts = Parts { sources, ..parts(directory.path()) };
    assert_eq!(parts.left_out().unwrap(), strays);
    let tree = parts.bundle().unwrap();
    assert!(tree.content("share/warmer/kubernetes/base/deployment.yaml").is_some());
    assert!(strays.iter().all(|stray| tree.content(&stray.replace("config/", "share/warmer/")).is_none()));
}

#[test]
fn no_file_for_operations_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let left_out = parts(directory.path()).left_out().unwrap();
    let mut git = Command::new("git");
    git.args(["ls-files", "config"]).current_dir(workspace::root());
    let Ok(output) = git.output() else { return xtask::not_run("git") };
    let tracked = String::from_utf8(output.stdout).unwrap();
    let forgotten: Vec<_> = tracked.lines().filter(|file| left_out.iter().any(|other| other == file)).collect();
    assert_eq!(forgotten, [""; 0], "name them in crates/dist/src/operations.rs");
}

/// What dpkg says; none where there is no dpkg.
fn dpkg(arguments: &[&str], file: &Path) -> Option<String> {
    let Ok(output) = Command::new("dpkg-deb").args(arguments).arg(file).output() else {
        xtask::not_run("dpkg-deb");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn dpkg_knows_what_the_package_needs_and_where_its_files_go() {
    let directory = made();
    let file = directory.path().join("dist").join(PACKAGE);
    let Some(fields) = dpkg(&["--field"], &file) else { return };
    let depends = "Depends: libc6 (>= 2.34), libgcc-s1, libstdc++6 (>= 8), adduser, ca-certificates";
    for line in ["Package: warmer", "Version: 0.1.0", "Architecture: amd64", depends] {
        assert!(fields.lines().any(|found| found == line), "{fields}");
    }
    let listed = dpkg(&["--contents"], &file).unwrap_or_default();
    for path in [
        " usr/bin/warmer",
        " etc/warmer/warmer.toml",
        " usr/lib/warmer/libonnxruntime.so",
        " usr/lib/systemd/system/warmer.service",
    ] {
        assert!(listed.lines().any(|line| line.ends_with(path)), "{listed}");
    }
    assert!(listed.lines().all(|line| line.contains(" root/root ") || line.contains(" 0/0 ")), "{listed}");
}

#[test]
fn an_installed_package_is_a_bundle_whose_manifest_agrees() {
    let directory = made();
    let root = directory.path().join("root");
    fs::create_dir(&root).unwrap();
    let mut extract = Command::new("dpkg-deb");
    extract.arg("--extract").arg(directory.path().join("dist").join(PACKAGE)).arg(&root);
    let Ok(output) = extract.output() else { return xtask::not_run("dpkg-deb") };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bundle = warmer_setup::Bundle::of_program(&root.join("usr/bin/warmer")).unwrap();
    assert_eq!(bundle.root(), root.join("usr/lib/warmer"));
    assert!(bundle.library().is_file());
    assert_eq!(bundle.manifest().unwrap().differences(bundle.root()), [""; 0]);
}

#[test]
fn the_scripts_of_the_package_are_whole_and_start_nothing() {
    for script in ["postinst", "prerm", "postrm"] {
        let file = workspace::root().join("config/debian").join(script);
        assert!(Command::new("sh").arg("-n").arg(&file).status().unwrap().success(), "{script}");
        let mut text = String::new();
        File::open(file).unwrap().read_to_string(&mut text).unwrap();
        let starts = |word: &str| text.split_whitespace().any(|found| found == word);
        assert!(!["start", "restart", "enable"].into_iter().any(starts), "{text}");
    }
}
