//! The image's entry point, without an image: whatever a container is asked to run, the right program gets it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tempfile::TempDir;
use warmer_tests::{Engine, Need, Postgres, Warmer, needs};

/// The places of the image in which the entry point looks: `bin` is on the PATH, `app` is where the old program was.
struct Image {
    root: TempDir,
    warmer: Warmer,
}

impl Image {
    /// With a program that says how it was started, and ends with 75.
    fn with_echo() -> Self {
        Self::new(Warmer::empty(), |program| {
            fs::write(program, "#!/bin/sh\necho \"$0\"; for each; do echo \"<$each>\"; done; exit 75\n")
                .expect("a script");
            fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("it is ours");
        })
    }

    /// With the program, and a database.
    fn real(engine: &Engine) -> Self {
        let warmer = engine.warmer();
        let binary = PathBuf::from(warmer.command().get_program());
        Self::new(warmer, |program| symlink(&binary, program).expect("a link"))
    }

    fn new(warmer: Warmer, place: impl Fn(&Path)) -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        for directory in ["bin", "app"] {
            fs::create_dir(root.path().join(directory)).expect("a directory in it");
        }
        for program in ["bin/warmer", "bin/worker_cache_warmer", "app/worker_cache_warmer"] {
            place(&root.path().join(program));
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/docker/entrypoint.sh");
        let mut warmer = warmer.with_program(script);
        let path = std::env::var("PATH").unwrap_or_default();
        warmer.env("PATH", format!("{}:{path}", root.path().join("bin").display()));
        Self { root, warmer }
    }

    fn path(&self, name: &str) -> String {
        self.root.path().join(name).display().to_string()
    }
}

#[test]
fn a_command_of_the_program_goes_to_the_program() {
    let image = Image::with_echo();
    let said = |arguments: &[&str]| image.warmer.run(arguments).exits(75).stdout.clone();
    let warmer = image.path("bin/warmer");
    assert_eq!(said(&["doctor"]), format!("{warmer}\n<doctor>\n"));
    assert_eq!(said(&["search", "a b", "--path", "src/*"]), format!("{warmer}\n<search>\n<a b>\n<--path>\n<src/*>\n"));
    assert_eq!(said(&["--version"]), format!("{warmer}\n<--version>\n"));
    assert_eq!(said(&[]), format!("{warmer}\n"));
}

#[test]
fn a_program_that_is_named_is_run_as_it_stands() {
    let image = Image::with_echo();
    let said = |arguments: &[&str]| image.warmer.run(arguments).exits(75).stdout.clone();
    let old = image.path("app/worker_cache_warmer");
    assert_eq!(said(&[&old]), format!("{old}\n"));
    assert_eq!(said(&["worker_cache_warmer"]), format!("{}\n", image.path("bin/worker_cache_warmer")));
    assert_eq!(said(&["warmer", "status"]), format!("{}\n<status>\n", image.path("bin/warmer")));
    assert_eq!(image.warmer.run(["/bin/sh", "-c", "echo in"]).exits(0).stdout, "in\n");
}

#[test]
fn a_service_written_for_worker_cache_warmer_runs_unchanged() {
    needs!(Need::Runtime);
    let Some(server) = Postgres::new() else { return };
    let engine = Engine::Postgres(server);
    // All that such a service sets beside its command: DATABASE_URL, and this.
    let mut image = Image::real(&engine);
    image.warmer.env("KEEPTRUSTS_CACHE_WARMER_CONCURRENCY", "3");
    let mut service = image.warmer.spawn([image.path("app/worker_cache_warmer")]);
    service.wait_for("started instance=");
    let status = image.warmer.run(["status", "--json"]).exits(0).json();
    assert_eq!((&status["daemons"], &status["total_slots"]), (&1.into(), &3.into()), "{status}");
    service.signal(Signal::TERM);
    service.finish().exits(0);
}
