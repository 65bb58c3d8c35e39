//! The program in a bundle: with its model and runtime beside it, it needs no home, and writes nothing there.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use warmer_dist::{self as dist, Node, Parts, Tree};
use warmer_tests::{GIT, Need, Ran, Repo, Running, Warmer, model, needs};

/// An unpacked archive of the program under test and the toy model, and a data directory.
struct Unpacked {
    root: PathBuf,
    data: PathBuf,
    warmer: Warmer,
    _directory: TempDir,
}

impl Unpacked {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (root, data) = (directory.path().join("bundle"), directory.path().join("data"));
        let parts = parts(Warmer::empty().command().get_program().into(), directory.path());
        write(&parts.bundle().expect("all parts are there"), &root);
        let warmer = Warmer::empty().with_program(root.join("bin/warmer"));
        Self { root, data, warmer, _directory: directory }
    }

    /// Runs `warmer ARGUMENTS` with no variable but PATH and the data directory.
    fn run<I: IntoIterator<Item: AsRef<OsStr>>>(&self, arguments: I) -> Ran {
        let mut command = self.warmer.command();
        for home in ["HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"] {
            command.env_remove(home);
        }
        command.env("WARMER__DATABASE__DATA_DIR", &self.data).args(arguments);
        Running::start(&mut command).finish()
    }

    fn graph(&self) -> PathBuf {
        self.root.join("model/all-MiniLM-L6-v2/onnx/model.onnx")
    }

    /// Every path below the bundle with its time.
    fn times(&self) -> Vec<(PathBuf, SystemTime)> {
        let (mut found, mut open) = (vec![], vec![self.root.clone()]);
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(fs::read_dir(&path).expect("readable").map(|entry| entry.expect("readable").path()));
            }
            let facts = path.symlink_metadata().expect("it is there");
            found.push((path, facts.modified().expect("a time")));
        }
        found.sort();
        found
    }
}

/// A bundle of this program, of the toy model, which is made in `directory`, and of the real runtime.
fn parts(program: PathBuf, directory: &Path) -> Parts {
    let model = directory.join("toy");
    model::write_toy(&model, 1);
    let library = fs::canonicalize(model::runtime_library()).expect("the runtime is there");
    let system = if cfg!(target_os = "macos") { "apple-darwin" } else { "unknown-linux-gnu" };
    Parts {
        program,
        model,
        runtime: library.parent().expect("a library lies in a directory").to_owned(),
        sources: xtask::workspace::root().to_owned(),
        notices: Tree::default(),
        release: env!("CARGO_PKG_VERSION").to_owned(),
        target: format!("{}-{system}", std::env::consts::ARCH),
    }
}

/// Puts a tree on the disk.
fn write(tree: &Tree, root: &Path) {
    for (path, node) in tree.nodes() {
        let file = root.join(path);
        fs::create_dir_all(file.parent().expect("below the root")).expect("a directory");
        match node {
            Node::File { content, executable } => {
                fs::write(&file, content).expect("a file");
                let mode = if *executable { 0o755 } else { 0o644 };
                fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
            }
            Node::Link(target) => symlink(target, &file).expect("a link"),
        }
    }
}

#[test]
fn a_bundle_warms_and_searches_without_a_home_and_writes_nothing_beside_itself() {
    needs!(GIT, Need::Runtime);
    let (unpacked, repo) = (Unpacked::new(), Repo::generated(3, 500, 1));
    let before = unpacked.times();
    unpacked.run(["doctor"]).exits(0).says("bundle").says("files as in its manifest");
    unpacked.run([OsStr::new("warm"), repo.path().as_os_str()]).exits(0);
    unpacked.run(["search", "the first one"]).exits(0).says(".rs");
    assert_eq!(unpacked.times(), before);
}

#[test]
fn a_start_from_a_bundle_reads_no_model_whatever_its_times_and_doctor_does() {
    needs!(GIT, Need::Runtime);
    let (unpacked, repo) = (Unpacked::new(), Repo::generated(3, 500, 1));
    let warm = || unpacked.run([OsStr::new("warm"), OsStr::new("--json"), repo.path().as_os_str()]);
    let verdict = |ran: &Ran| ran.exits(0).json()["repositories"][0]["verdict"].clone();
    assert_eq!(verdict(&warm()), "warmed");
    // Another content of the same size and of another time: who hashes it has another model, and warms again.
    let mut bytes = fs::read(unpacked.graph()).expect("the model has a graph");
    *bytes.last_mut().expect("not empty") ^= 1;
    fs::write(unpacked.graph(), bytes).expect("a writable file");
    let later = SystemTime::now() + Duration::from_secs(3600);
    File::options().write(true).open(unpacked.graph()).and_then(|file| file.set_modified(later)).expect("writable");
    assert_eq!(verdict(&warm()), "fresh");
    unpacked.run(["doctor"]).exits(1).says("model/all-MiniLM-L6-v2/onnx/model.onnx has another content");
}

#[test]
fn a_bundle_is_found_through_a_link_to_its_program() {
    needs!(Need::Runtime);
    let mut unpacked = Unpacked::new();
    let link = unpacked.data.with_file_name("warmer");
    symlink(unpacked.root.join("bin/warmer"), &link).expect("a link");
    unpacked.warmer = Warmer::empty().with_program(link);
    unpacked.run(["doctor"]).says(&unpacked.root.display().to_string()).says("files as in its manifest");
    unpacked.run(["setup"]).exits(0).says("is part of the bundle");
    unpacked.run(["setup", "--from", "/nowhere"]).exits(1).says("nothing was set up");
}

#[test]
fn a_program_that_came_alone_sets_up_from_an_archive_of_the_digest_that_it_is_told() {
    needs!(Need::Runtime);
    let directory = tempfile::tempdir().expect("a temporary directory");
    // Its program is not looked at: a small one is packed sooner.
    let program = directory.path().join("program");
    fs::write(&program, "a program").expect("a file");
    let made = dist::write(&parts(program, directory.path()), 1_700_000_000, false, directory.path());
    let archive = made.expect("all parts are there").remove(0).display().to_string();
    let told = fs::read_to_string(format!("{archive}.sha256")).expect("it lies beside the archive");
    let digest = told.split_whitespace().next().expect("a digest");
    let warmer = Warmer::empty();
    warmer.run(["setup", "--from", &archive, "--sha256", "abc"]).exits(2).says("expected 64 hex digits");
    warmer.run(["setup", "--from", &archive, "--sha256", &"0".repeat(64)]).exits(1).says(digest);
    warmer.run(["doctor"]).exits(1).says("warmer setup");
    warmer.run(["setup", "--from", &archive, "--sha256", digest]).exits(0);
    warmer.run(["doctor"]).exits(0).says("5 files as in model.lock").says("32 dimensions");
}

#[test]
fn without_a_home_and_a_data_directory_the_sentence_names_the_key() {
    let warmer = Warmer::empty();
    let mut command = warmer.command();
    for home in ["HOME", "XDG_DATA_HOME"] {
        command.env_remove(home);
    }
    Running::start(command.arg("status")).finish().says("set database.data_dir to say where the data is kept");
}

#[test]
fn the_configuration_of_a_bundle_changes_nothing_until_it_is_edited() {
    needs!(Need::Runtime);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (program, file, warmer) =
        (directory.path().join("program"), directory.path().join("warmer.toml"), Warmer::empty());
    fs::write(&program, "a program").expect("a file");
    let bundle = parts(program, directory.path()).bundle().expect("all parts are there");
    fs::write(&file, bundle.content("etc/warmer.toml").expect("it has one")).expect("a file");
    let show = |arguments: &[&str]| warmer.run([&["config", "show", "--json"], arguments].concat()).exits(0).json();
    let file_name = file.display().to_string();
    assert_eq!(show(&["--config", &file_name]), show(&[]));
    // Every key is there to be uncommented: then the file is the manual, which is valid.
    let example = fs::read_to_string(&file).expect("a file");
    let uncommented: String =
        example.lines().map(|line| format!("{}\n", line.strip_prefix('#').filter(is_value).unwrap_or(line))).collect();
    fs::write(&file, uncommented).expect("a writable file");
    warmer.run(["config", "check", &file_name]).exits(0);
    let all = show(&["--config", &file_name]);
    assert!(all["origins"].as_object().is_some_and(|origins| !origins.is_empty()), "{all}");
}

/// Comments have a blank behind the `#`, or nothing.
fn is_value(rest: &&str) -> bool {
    !rest.is_empty() && !rest.starts_with(' ')
}
