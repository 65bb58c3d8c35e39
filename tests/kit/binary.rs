//! Where the binary under test is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The `warmer` beside the test executable, brought up to date once per test process.
///
/// Cargo does not build another package's binary for a test, so cargo is asked for it here; it has released the build
/// directory by the time tests run. The whole workspace is named so that its features are those of
/// `cargo test --workspace`: nothing is compiled a second time. `WARMER_TEST_BINARY` names another binary instead.
///
/// # Panics
/// When it does not compile.
pub(crate) fn binary() -> PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let place = Place::of_this_program();
        place.build(&place.target, &[])
    };
    BINARY.get_or_init(|| std::env::var_os("WARMER_TEST_BINARY").map_or_else(build, PathBuf::from)).clone()
}

/// The same with the fault injection of the chaos suite, in a directory of its own: the product's stays as it is. What
/// both are made of is compiled once. `WARMER_TEST_CHAOS_BINARY` names another binary instead.
///
/// # Panics
/// When it does not compile.
pub(crate) fn with_chaos_door() -> PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let place = Place::of_this_program();
        let shared = format!("build.build-dir='{}'", place.target.display());
        place.build(&place.target.join("chaos"), &["--features", "warmer/chaos", "--config", &shared])
    };
    BINARY.get_or_init(|| std::env::var_os("WARMER_TEST_CHAOS_BINARY").map_or_else(build, PathBuf::from)).clone()
}

/// Where cargo put this program.
struct Place {
    target: PathBuf,
    /// The profile's directory in it.
    directory: String,
}

impl Place {
    /// Tests lie in TARGET/PROFILE/deps, programs in TARGET/PROFILE.
    fn of_this_program() -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let beside = program.parent().expect("a program lies in a directory");
        let directory = if beside.ends_with("deps") { beside.parent().expect("TARGET/PROFILE") } else { beside };
        let target = directory.parent().expect("TARGET").to_owned();
        let directory = directory.file_name().and_then(|name| name.to_str()).expect("PROFILE").to_owned();
        Self { target, directory }
    }

    fn build(&self, target: &Path, arguments: &[&str]) -> PathBuf {
        let binary = target.join(&self.directory).join("warmer");
        let Some(cargo) = std::env::var_os("CARGO") else {
            assert!(binary.is_file(), "{} is missing: run this by cargo", binary.display());
            return binary;
        };
        let profile = if self.directory == "debug" { "dev" } else { &self.directory };
        let mut command = Command::new(cargo);
        command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--workspace", "--bin", "warmer"]);
        command.args(["--profile", profile]).arg("--target-dir").arg(target).args(arguments);
        let output = command.output().expect("the cargo that runs this starts");
        assert!(output.status.success(), "warmer does not compile:\n{}", String::from_utf8_lossy(&output.stderr));
        binary
    }
}
