//! Two validators from the Python registry, pinned with all they need, in a directory of the set-up.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::console::say;
use crate::paths::cache_dir;

/// The oldest Python that check-jsonschema runs on.
pub(super) const PYTHON_MIN: &str = "3.11";

const PYTHON: &str = "python3";
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// A Python that finds the validators.
pub(super) struct Validators {
    directory: PathBuf,
}

impl Validators {
    /// Those of the set-up's directory; fetched the first time.
    pub(super) fn of_this_machine() -> Result<Self> {
        let version = python(&["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])?;
        let old = || format!("{PYTHON} is {version}, and {PYTHON_MIN} or newer is needed");
        ensure!(numbers(&version) >= numbers(PYTHON_MIN), old());
        // Some of the packages are built for one version of Python; others go with another list.
        let digest = blake3::hash(REQUIREMENTS.as_bytes()).to_hex();
        let name = format!("validators-{}-python{version}", &digest[..16]);
        let directory = cache_dir().join("programs").join(name);
        if !directory.is_dir() {
            install(&directory)?;
        }
        Ok(Self { directory })
    }

    /// One of the validators, by the name of its module.
    pub(super) fn command(&self, module: &str) -> Command {
        let mut command = Command::new(PYTHON);
        command.env("PYTHONPATH", &self.directory).env("PYTHONDONTWRITEBYTECODE", "1").args(["-m", module]);
        command
    }
}

/// pip refuses every wheel whose digest is not in the list. The directory has its name only when it is whole.
fn install(directory: &Path) -> Result<()> {
    let scratch = directory.with_extension(std::process::id().to_string());
    say(&format!("set-up: kubernetes-validate and check-jsonschema into {}", directory.display()));
    fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
    let installed = || -> Result<()> {
        let list = scratch.join("requirements.txt");
        fs::write(&list, REQUIREMENTS).with_context(|| format!("cannot write {}", list.display()))?;
        let mut pip = Command::new(PYTHON);
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-compile"]);
        pip.args(["--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement"]).arg(list);
        pip.arg("--target").arg(&scratch);
        // Nothing is installed into the system, so a pip that is told to work in virtual environments only may do this.
        pip.env("PIP_REQUIRE_VIRTUALENV", "0")
            .env("PIP_ROOT_USER_ACTION", "ignore")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let ended = pip.status().context("pip cannot be started")?;
        ensure!(ended.success(), "pip cannot install what the files are checked with: see above");
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
