//! Packages of the Python registry that something is checked with: pinned with all they need, in a directory of the
//! set-up.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::console::say;
use crate::paths::cache_dir;

const PYTHON: &str = "python3";

/// A Python that finds the packages of a list.
pub struct Wheels {
    directory: PathBuf,
}

impl Wheels {
    /// Those of a list, as pip reads it, with a digest for every wheel; fetched the first time. `name` is that of their
    /// directory, `python_min` the oldest Python that all of them run on.
    ///
    /// # Errors
    /// When Python is too old, or the registry cannot be reached.
    pub fn of(name: &str, python_min: &str, list: &str) -> Result<Self> {
        let version = python(&["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])?;
        let old = || format!("{PYTHON} is {version}, and {python_min} or newer is needed");
        ensure!(numbers(&version) >= numbers(python_min), old());
        // Some of the packages are built for one version of Python; others go with another list.
        let digest = blake3::hash(list.as_bytes()).to_hex();
        let directory = cache_dir().join("programs").join(format!("{name}-{}-python{version}", &digest[..16]));
        if !directory.is_dir() {
            say(&format!("set-up: {name} into {}", directory.display()));
            install(&directory, list)?;
        }
        Ok(Self { directory })
    }

    /// Python, with them on its path.
    pub fn command(&self) -> Command {
        let mut command = Command::new(PYTHON);
        command.env("PYTHONPATH", &self.directory).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

/// pip refuses every wheel whose digest is not in the list. The directory has its name only when it is whole.
fn install(directory: &Path, list: &str) -> Result<()> {
    let scratch = directory.with_extension(std::process::id().to_string());
    fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
    let installed = || -> Result<()> {
        let file = scratch.join("requirements.txt");
        fs::write(&file, list).with_context(|| format!("cannot write {}", file.display()))?;
        let mut pip = Command::new(PYTHON);
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-compile"]);
        pip.args(["--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement"]).arg(file);
        pip.arg("--target").arg(&scratch);
        // Nothing is installed into the system, so a pip that is told to work in virtual environments only may do this.
        pip.env("PIP_REQUIRE_VIRTUALENV", "0")
            .env("PIP_ROOT_USER_ACTION", "ignore")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let ended = pip.status().context("pip cannot be started")?;
        ensure!(ended.success(), "pip cannot install what is checked with: see above");
        match fs::rename(&scratch, directory) {
            // Another process was first, with the same.
            Err(_) if directory.is_dir() => Ok(()),
            renamed => renamed.with_context(|| format!("cannot make {}", directory.display())),
        }
    };
    let result = installed();
    if scratch.is_dir() {
        // What stays is in nobody's way.
        let _ = fs::remove_dir_all(&scratch);
    }
    result
}

/// What Python prints.
fn python(arguments: &[&str]) -> Result<String> {
    let output = Command::new(PYTHON).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let output = output.with_context(|| format!("{PYTHON} cannot be started"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').filter_map(|part| part.parse().ok()).collect()
}
