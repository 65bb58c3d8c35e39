//! pgbench: statements, and as little around them as there can be.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use xtask::postgres::Programs;

use crate::field::Field;
use crate::places::EACH;
use crate::script::{RETIRE, Script, register};

/// What the store asks of its own connections.
const OPTIONS: &str = "-c search_path=warmer -c jit=off -c statement_timeout=60s -c lock_timeout=10s \
                       -c idle_in_transaction_session_timeout=60s";
/// As the store's side has it.
const THREADS: usize = 2;

pub(crate) struct Pgbench {
    program: PathBuf,
}

impl Pgbench {
    /// Beside the server's programs, or on the PATH.
    pub(crate) fn find() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let beside = Programs::installed().map(|programs| programs.path("pgbench"));
        let mut all = beside.into_iter().chain(std::env::split_paths(&path).map(|directory| directory.join("pgbench")));
        all.find(|program| program.is_file()).map(|program| Self { program })
    }

    /// Scripts per second by so many clients, all in all this often, connecting left out.
    pub(crate) fn rate(&self, field: &Field, script: &Script, clients: usize, times: usize) -> f64 {
        field.postgres.change(&register(clients.div_ceil(EACH)));
        let mut file = tempfile::NamedTempFile::new().expect("a temporary directory");
        file.write_all(script.0.as_bytes()).expect("a writable temporary directory");
        let mut command = Command::new(&self.program);
        command.args(["--no-vacuum", "--protocol=prepared", &format!("--client={clients}")]);
        command.args([format!("--jobs={}", clients.min(THREADS)), format!("--transactions={}", times / clients)]);
        command.arg("--file").arg(file.path()).arg(field.postgres.url()).env("PGOPTIONS", OPTIONS);
        let output = command.output().expect("pgbench starts");
        field.postgres.change(RETIRE);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.unwrap_or_else(|| panic!("pgbench names no rate:\n{said}"))
    }
}
