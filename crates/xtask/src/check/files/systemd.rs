//! config/systemd/warmer.service: systemd's own programs on a tree that has it installed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::verdict::{Verdict, ask, counted};
use crate::check::counts::Counts;
use crate::check::missing::lacking;
use crate::workspace;

const PROGRAM: &str = "systemd-analyze";
const UNIT: &str = "warmer.service";
/// The most exposure that is let through, in tenths of systemd's scale from 0 to 10.
const THRESHOLD: &str = "--threshold=20";
/// What the unit starts; in the tree they are files that may be run.
const PROGRAMS: [&str; 2] = ["usr/bin/warmer", "bin/kill"];
/// What every unit depends on.
const TARGETS: [&str; 4] = ["basic", "network-online", "shutdown", "sysinit"];

pub(super) fn check() -> Counts {
    let asked = Command::new(PROGRAM).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).status();
    if !asked.is_ok_and(|status| status.success()) {
        return lacking(PROGRAM);
    }
    counted("systemd", "systemd-analyze verify; systemd-analyze security --offline=true --threshold=20", || {
        let text = fs::read_to_string(workspace::root().join("config/systemd").join(UNIT))?;
        verify(&text)?;
        let misspelt = text.replacen("WatchdogSec=", "WatchdogSecs=", 1);
        ensure!(misspelt != text, "{UNIT} has no `WatchdogSec` to misspell");
        ensure!(verify(&misspelt).is_err(), "a misspelt `WatchdogSecs` is not refused");
        let verdict = expose(&text)?;
        ensure!(verdict.good, "{UNIT} is exposed to more than {THRESHOLD} allows:\n{}", verdict.said);
        let open = text.replacen("CapabilityBoundingSet=\n", "", 1).replacen("User=warmer\n", "", 1);
        ensure!(!expose(&open)?.good, "a unit that runs as root with all capabilities is not refused");
        Ok(())
    })
}

/// Finds no fault with the unit. One that systemd would ignore is told on stderr alone, and is a fault here.
fn verify(unit: &str) -> Result<()> {
    let tree = Tree::new(unit)?;
    let verdict = ask(Command::new(PROGRAM).arg("verify").arg(tree.root_argument()).arg(UNIT), "")?;
    ensure!(verdict.good && verdict.said.is_empty(), "{UNIT}: {}", verdict.said);
    Ok(())
}

fn expose(unit: &str) -> Result<Verdict> {
    let tree = Tree::new(unit)?;
    let mut command = Command::new(PROGRAM);
    command.args(["security", "--offline=true", "--no-pager", THRESHOLD]).arg(tree.root_argument());
    ask(command.arg(UNIT), "")
}

/// A root directory with the unit installed, and nothing else of a system; gone when dropped.
struct Tree {
    root: PathBuf,
}

impl Tree {
    fn new(unit: &str) -> Result<Self> {
        let tree = Self { root: std::env::temp_dir().join(format!("warmer-unit-{}", std::process::id())) };
        let units = Path::new("usr/lib/systemd/system");
        tree.write(&units.join(UNIT), unit)?;
        for target in TARGETS {
            tree.write(&units.join(format!("{target}.target")), "[Unit]\n")?;
        }
        for program in PROGRAMS {
            tree.write(Path::new(program), "")?;
            fs::set_permissions(tree.root.join(program), fs::Permissions::from_mode(0o755))?;
        }
        Ok(tree)
    }

    fn write(&self, name: &Path, text: &str) -> Result<()> {
        let file = self.root.join(name);
        let directory = file.parent().unwrap_or(&self.root);
        let written = fs::create_dir_all(directory).and_then(|()| fs::write(&file, text));
        written.with_context(|| format!("cannot write {}", file.display()))
    }

    fn root_argument(&self) -> String {
        format!("--root={}", self.root.display())
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // Below the system's directory for what may be lost.
        let _ = fs::remove_dir_all(&self.root);
    }
}
