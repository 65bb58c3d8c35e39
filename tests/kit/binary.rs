//! Where the binary under test is.

use std::path::PathBuf;
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
    BINARY.get_or_init(|| std::env::var_os("WARMER_TEST_BINARY").map_or_else(build, PathBuf::from)).clone()
}

fn build() -> PathBuf {
    let test = std::env::current_exe().expect("the test executable has a path");
    let directory = test.ancestors().nth(2).expect("tests lie in TARGET/PROFILE/deps").to_owned();
    let binary = directory.join("warmer");
    let Some(cargo) = std::env::var_os("CARGO") else {
        assert!(binary.is_file(), "{} is missing: run the tests by `cargo test`", binary.display());
        return binary;
    };
    let profile = match directory.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let mut command = Command::new(cargo);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--workspace", "--bin", "warmer"]);
    command.args(["--profile", profile]).arg("--target-dir").arg(directory.parent().expect("TARGET"));
    let output = command.output().expect("the cargo that runs the tests starts");
    assert!(output.status.success(), "warmer does not compile:\n{}", String::from_utf8_lossy(&output.stderr));
    binary
}
