//! Python, used for two things: its pip downloads wheels of pinned digests with the user's own proxy and mirror
//! settings, and its standard library unpacks them.

#![expect(clippy::disallowed_types, reason = "pip is started and waited for by a person's command, on a terminal")]

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};

use crate::catalogue::Package;
use crate::console::say;
use crate::failure;

/// The oldest Python that is used: the packages' wheels need none, but its pip must know hashes and platform tags.
const PYTHON_MIN: (u32, u32) = (3, 9);

/// A Python with pip.
#[derive(Clone, Debug)]
pub struct Pip {
    program: String,
    variables: Vec<(OsString, OsString)>,
}

impl Pip {
    /// `python3`, else `python`, from PATH.
    pub fn find() -> Result<Self> {
        Self::find_among(&["python3", "python"])
    }

    /// The first of these programs that is a recent Python with pip; if none is, what the first one lacks.
    pub fn find_among(programs: &[&str]) -> Result<Self> {
        let mut lacking = None;
        for &program in programs {
            match check(program) {
                Ok(()) => return Ok(Self { program: program.into(), variables: Vec::new() }),
                Err(None) => {}
                Err(Some(error)) => lacking = lacking.or(Some(error)),
            }
        }
        let (major, minor) = PYTHON_MIN;
        Err(lacking.unwrap_or_else(|| {
            anyhow!(
                "no Python was found: install Python {major}.{minor} or newer with pip \
                 (Debian and Ubuntu: `apt install python3-pip`); it is used only to download and unpack. \
                 Or take both from an archive of Warmer: `warmer setup --from PATH|URL`"
            )
        }))
    }

    /// The same with a variable set for pip, such as `PIP_FIND_LINKS`.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Downloads the wheels of `packages` into `wheels`. Scratch files go below `incoming`, which is on the same disk.
    pub(crate) fn download(&self, packages: &[&Package], platform: &str, incoming: &Path, wheels: &Path) -> Result<()> {
        let requirements = incoming.join("requirements.txt");
        let lines: String = packages.iter().map(|package| package.requirement() + "\n").collect();
        fs::write(&requirements, lines).map_err(|error| failure::writing(&requirements, error))?;
        let mut command = Command::new(&self.program);
        command.args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"]);
        command.args(["--no-input", "--disable-pip-version-check", "--python-version", "3.12"]);
        command.args(["--implementation", "cp", "--abi", "cp312", "--platform", platform]);
        command.arg("--requirement").arg(&requirements).arg("--dest").arg(wheels);
        // Nothing is installed, so a pip that is told to work in virtual environments only may do this.
        command.env("PIP_REQUIRE_VIRTUALENV", "0").env("TMPDIR", incoming);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        run(&mut command)
    }

    /// Unpacks a wheel below `directory`; its checksums are verified, and what may be run is not kept.
    pub fn unpack(&self, wheel: &Path, directory: &Path) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args(["-m", "zipfile", "-e"]).arg(wheel).arg(directory).stdin(Stdio::null());
        let output = command.output().with_context(|| format!("`{}` cannot be started", self.program))?;
        if !output.status.success() {
            bail!(failure::unpacking(wheel, &String::from_utf8_lossy(&output.stderr)));
        }
        Ok(())
    }
}

/// None in the error: there is no such program.
fn check(program: &str) -> Result<(), Option<anyhow::Error>> {
    let question = "import sys; print(*sys.version_info[:2])";
    let answer = Command::new(program).args(["-c", question]).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let answer = answer.map_err(|_| None)?;
    let text = String::from_utf8_lossy(&answer.stdout);
    let mut numbers = text.split_whitespace().map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        // Such as the placeholder that some systems have in place of a Python that is not installed.
        return Err(None);
    };
    if (major, minor) < PYTHON_MIN {
        let needed = format!("{}.{}", PYTHON_MIN.0, PYTHON_MIN.1);
        return Err(Some(anyhow!("`{program}` is Python {major}.{minor}, and {needed} or newer is needed")));
    }
    let pip = Command::new(program).args(["-m", "pip", "--version"]).stdin(Stdio::null()).output();
    match pip {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(Some(failure::no_pip(program))),
    }
}

/// Runs pip with its progress on the terminal, and turns its failure into one sentence.
fn run(command: &mut Command) -> Result<()> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::from(io::stderr())).stderr(Stdio::piped()).spawn();
    let mut child = child.context("pip cannot be started")?;
    let mut said = String::new();
    if let Some(errors) = child.stderr.take() {
        for line in BufReader::new(errors).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            // Retries are worth seeing while they happen; a traceback is not.
            if line.starts_with("WARNING: ") {
                say(&line);
            }
            said.push_str(&line);
            said.push('\n');
        }
    }
    if !child.wait()?.success() {
        bail!(failure::pip(&said));
    }
    Ok(())
}
