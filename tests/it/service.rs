//! The daemon under a service manager, and under another name.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Warmer, needs};

/// Longer than anything that is waited for takes.
const HANG: Duration = Duration::from_secs(60);

/// The socket of a service manager.
struct Manager(UnixDatagram);

impl Manager {
    fn of(warmer: &mut Warmer) -> Self {
        let path = warmer.home().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket in a writable home");
        socket.set_read_timeout(Some(HANG)).expect("a socket takes that");
        warmer.env("NOTIFY_SOCKET", path.display().to_string());
        Self(socket)
    }

    /// Reads on until a message contains this; all that came before it.
    fn hears(&self, text: &str) -> Vec<String> {
        let (mut heard, until) = (vec![], Instant::now() + HANG);
        loop {
            // Signs of life go on and on.
            assert!(Instant::now() < until, "no {text:?}: {heard:?}");
            let mut bytes = [0; 1024];
            let length = self.0.recv(&mut bytes).unwrap_or_else(|error| panic!("no {text:?}: {error} {heard:?}"));
            let message = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if message.contains(text) {
                return heard;
            }
            heard.push(message);
        }
    }
}

#[test]
fn a_service_manager_is_told_of_start_reload_and_end_and_that_it_lives() {
    needs!(Need::Runtime);
    let mut warmer = Engine::Sqlite.warmer();
    let manager = Manager::of(&mut warmer);
    warmer.env("WATCHDOG_USEC", "100000");
    let mut daemon = Daemon::begin(&warmer);
    assert_eq!(manager.hears("READY=1"), Vec::<String>::new(), "it is the first word");
    manager.hears("WATCHDOG=1");
    manager.hears("STATUS=keeping 0 repositories warm");
    daemon.wait_for("started instance=");
    daemon.hang_up();
    manager.hears("RELOADING=1\nMONOTONIC_USEC=");
    manager.hears("READY=1");
    manager.hears("WATCHDOG=1");
    daemon.terminate();
    manager.hears("STOPPING=1");
    daemon.finish().exits(0);
}

#[test]
fn started_under_the_name_of_the_worker_it_is_run_and_its_children_are_what_they_are() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(3, 300, 1);
    let link = |from: &Path, to: &Path| std::os::unix::fs::symlink(from, to).expect("a writable home");
    let copy = |from: &Path, to: &Path| {
        let linked = std::fs::hard_link(from, to);
        linked.or_else(|_| std::fs::copy(from, to).map(drop)).expect("a writable home");
    };
    for (number, place) in [&link as &dyn Fn(&Path, &Path), &copy].into_iter().enumerate() {
        let mut warmer = Engine::Sqlite.warmer();
        let path = repo.path().display().to_string();
        warmer.run(["repos", "add", &path, "--refresh", "never"]).exits(0);
        warmer.run(["enqueue", &path]).exits(0);
        let worker = warmer.home().join("worker_cache_warmer");
        place(Path::new(warmer.command().get_program()), &worker);
        // As the guide names it, beside the variables that it names.
        warmer.env("KEEPTRUSTS_CACHE_WARMER_CONCURRENCY", "3");
        let warmer = warmer.with_program(worker);
        let arguments = ["--set", "claimer.start_jitter=0s"];
        let mut daemon = warmer.spawn(&arguments[..number * 2]);
        assert!(daemon.wait_for("started instance=").contains("concurrency=3"));
        daemon.wait_for("outcome=\"warmed\"");
        daemon.interrupt();
        daemon.finish().exits(0);
    }
}
