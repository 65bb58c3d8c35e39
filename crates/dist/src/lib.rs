//! `cargo xtask dist`: what users get. One archive with the program, the runtime and the model, and a Debian package of
//! the same.
//!
//! The same tree gives the same bytes: files are in order, of the time of the last commit, of nobody, and the program
//! does not know where it was built.
//!
//! A package of its own, so that who only builds or tests does not compile archives.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it starts programs, and its environment configures it"
)]

mod archive;
mod bundle;
mod debian;
mod example;
mod linked;
mod needs;
mod notices;
mod operations;
mod program;
mod tree;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail, ensure};
use warmer_setup::{Digest, Manifest};
use xtask::console::{print, say};
use xtask::{paths, workspace};

pub use bundle::Parts;
pub use linked::{Package, packages};
pub use notices::of as notices;
pub use tree::{Node, Tree};

const USAGE: &str = "\
usage: cargo xtask dist [OPTION]...

Makes target/dist/warmer-VERSION-TARGET.tar.zst, and its SHA-256 digest beside it.

  --deb             the Debian package too
  --binary PATH     this `warmer` instead of one that is built now
  --output DIR      there instead of target/dist

SOURCE_DATE_EPOCH (seconds since 1970) is the time of all files; it is that of the last commit where it is not set";

/// What the command line asks for.
struct Options {
    deb: bool,
    binary: Option<PathBuf>,
    output: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &[OsString]) -> ExitCode {
    let options = match Options::parse(arguments) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print(USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            say(&format!("error: {error:#}\n\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    match make(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

impl Options {
    /// None where help is asked for.
    fn parse(arguments: &[OsString]) -> Result<Option<Self>> {
        let mut options = Self { deb: false, binary: None, output: workspace::root().join("target/dist") };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut path = || arguments.next().map(PathBuf::from).context("an option lacks its path");
            match &*argument.to_string_lossy() {
                "--deb" => options.deb = true,
                "--binary" => options.binary = Some(path()?),
                "--output" => options.output = path()?,
                "--help" | "-h" => return Ok(None),
                other => bail!("there is no option {other}"),
            }
        }
        Ok(Some(options))
    }
}

fn make(options: &Options) -> Result<()> {
    let cache = paths::cache();
    warmer_setup::setup(&cache)?;
    let target = program::target()?;
    let library = fs::canonicalize(cache.runtime_library()).context("the set-up left no runtime")?;
    let program = match &options.binary {
        Some(program) => program.clone(),
        None => program::build(&options.output.join("build"))?,
    };
    let parts = Parts {
        program,
        model: cache.model_dir(),
        runtime: library.parent().context("the runtime has no directory")?.to_owned(),
        sources: workspace::root().to_owned(),
        notices: notices(&packages(&target)?)?,
        release: env!("CARGO_PKG_VERSION").to_owned(),
        target,
    };
    for path in parts.left_out()? {
        say(&format!("left out, for it is none of the files for operations: {path}"));
    }
    for file in write(&parts, epoch()?, options.deb, &options.output)? {
        let (digest, bytes) = (Digest::of_file(&file)?, fs::metadata(&file)?.len());
        print(&format!("{digest}  {}  {:.1} MB", file.display(), bytes as f64 / 1e6));
    }
    Ok(())
}

/// Makes the archive of these parts, and the Debian package where it is wanted, in a directory; what it made.
///
/// # Errors
/// When a part is missing, or the directory cannot be written.
pub fn write(parts: &Parts, epoch: u64, deb: bool, directory: &Path) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let tree = parts.bundle()?;
    let name = parts.name();
    let file = directory.join(format!("{name}.tar.zst"));
    let written = || -> std::io::Result<()> {
        let to = BufWriter::new(File::create(&file)?);
        archive::write(&tree, &format!("{name}/"), Some(Manifest::FILE), epoch, to)
    };
    written().with_context(|| format!("cannot write {}", file.display()))?;
    let mut made = vec![file];
    if deb {
        let (name, bytes) = debian::package(parts, &tree, epoch)?;
        let file = directory.join(name);
        fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
        made.push(file);
    }
    made.iter().try_for_each(|file| seal(file))?;
    Ok(made)
}

/// Writes the digest of a file beside it, as `sha256sum --check` reads it.
fn seal(file: &Path) -> Result<()> {
    let digest = Digest::of_file(file).with_context(|| format!("cannot read {}", file.display()))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = file.with_file_name(format!("{name}.sha256"));
    fs::write(&beside, format!("{digest}  {name}\n")).with_context(|| format!("cannot write {}", beside.display()))
}

/// The time of all files, in seconds since 1970.
fn epoch() -> Result<u64> {
    if let Some(given) = std::env::var_os("SOURCE_DATE_EPOCH") {
        return given.to_string_lossy().parse().context("SOURCE_DATE_EPOCH is no number of seconds");
    }
    let mut git = Command::new("git");
    git.args(["log", "-1", "--format=%ct"]).current_dir(workspace::root());
    let output = git.output().context("git cannot be started: set SOURCE_DATE_EPOCH")?;
    ensure!(output.status.success(), "this tree is no git repository: set SOURCE_DATE_EPOCH");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.trim().parse().context("git does not tell the time of the last commit: set SOURCE_DATE_EPOCH")
}
