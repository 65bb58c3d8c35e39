//! `warmer run`: warms by itself, is told by signals, and hands back what it has.

use rustix::process::Signal;
use warmer_tests::proxy::Proxy;
use warmer_tests::server::{Ask, Fault};
use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Server, Warmer, needs};

/// A daemon in the middle of a fetch that never ends.
pub(crate) fn in_the_middle(engine: &Engine, repo: &Repo, grace: &str) -> (Warmer, Server, Daemon) {
    let mut warmer = engine.warmer();
    let server = Server::serve(repo.path());
    server.fault(Ask::Objects, Fault::Hang);
    warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
    warmer.run(["enqueue", "project"]).exits(0);
    warmer.set("shutdown.grace", format!("\"{grace}\""));
    let daemon = Daemon::start(&warmer);
    server.wait_for(Ask::Objects);
    (warmer, server, daemon)
}

#[test]
fn what_is_queued_is_warmed() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, warmer) = (Repo::generated(3, 300, 1), engine.warmer());
        let mut daemon = Daemon::start(&warmer);
        let path = repo.path().display().to_string();
        warmer.run(["repos", "add", &path, "--refresh", "never"]).exits(0);
        warmer.run(["enqueue", &path]).exits(0);
        daemon.wait_for("warmed");
        warmer.run(["status"]).exits(0).says("Active workers: 1 ").says("INSTANCE").says("0/4");
        let found = warmer.run(["search", "fn", "--json"]).exits(0).json();
        assert!(found["hits"].as_array().is_some_and(|found| !found.is_empty()), "{found}");
        daemon.stop().exits(0).says("stopped");
        warmer.run(["status"]).exits(0).says("Active workers: 0 ").never_says("INSTANCE");
    }
}

/// The names of the threads of a process that give way to others.
#[cfg(target_os = "linux")]
fn nice_threads(process: u32) -> Vec<String> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("it runs").flatten();
    let stats = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok());
    // proc_pid_stat(5): the name is in brackets; the niceness is the nineteenth field.
    let nice = |stat: String| {
        let (name, fields) = stat.split_once('(')?.1.rsplit_once(") ")?;
        (fields.split(' ').nth(16)? != "0").then(|| name.to_owned())
    };
    stats.filter_map(nice).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn the_model_gives_way_to_what_a_push_waits_for() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(3, 300, 1), Warmer::toy());
    warmer.set("claimer.start_delay", r#""0s""#).set("claimer.start_jitter", r#""0s""#);
    warmer.run(["repos", "add", &repo.url(), "--refresh", "never"]).exits(0);
    warmer.run(["enqueue", &repo.url()]).exits(0);
    let mut daemon = Daemon::start(&warmer);
    daemon.wait_for("filled");
    let nice = nice_threads(daemon.pid());
    assert!(!nice.is_empty() && nice.iter().all(|name| name == "background"), "{nice:?}");
    daemon.stop().exits(0);
}

#[test]
fn a_window_gives_the_fleet_another_number_of_slots_while_it_holds() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, mut warmer) = (Repo::generated(2, 300, 1), engine.warmer());
        warmer.set("windows", r#"[{ from = "00:00", to = "24:00", days = "SUN-SAT", slots = 3 }]"#);
        warmer.set("repositories", format!("[{{ url = '{}', refresh = 'cron:0 6 * * *' }}]", repo.path().display()));
        let mut daemon = Daemon::start(&warmer);
        daemon.wait_for("a window has begun: 3 slots from 00:00 to 24:00, SUN-SAT, UTC");
        daemon.wait_for("warmed");
        let status = warmer.run(["status", "--json"]).exits(0).json();
        assert_eq!((&status["slots"], &status["slots_in_force"]), (&24.into(), &3.into()));
        let listed = warmer.run(["repos", "list", "--json"]).exits(0).json();
        let next = listed[0]["next_check_at"].as_str().unwrap_or_default();
        assert!(next.ends_with("T06:00:00Z"), "{listed}");
        daemon.stop().exits(0);
    }
    let mut warmer = Warmer::toy();
    warmer.set("windows", r#"[{ from = "07:00", to = "19:00", slots = 0 }]"#);
    warmer.run(["config", "check"]).exits(78).says("windows.slots: ").says("expected a whole number above zero");
}

#[test]
fn what_the_configuration_names_is_followed_as_it_says_at_each_start() {
    needs!(Need::Runtime);
    for engine in Engine::all() {
        let mut warmer = engine.warmer();
        let only = |warmer: &Warmer| warmer.run(["repos", "list", "--json"]).exits(0).json()[0].clone();
        let entry = |refresh| format!(r#"[{{ url = "https://git.example.invalid/app.git", refresh = "{refresh}" }}]"#);
        warmer.set("repositories", entry("15m"));
        Daemon::start(&warmer).stop().exits(0).says("configured=1");
        assert_eq!((&only(&warmer)["refresh"], &only(&warmer)["configured"]), (&"15m".into(), &true.into()));
        warmer.run(["repos", "add", "https://git.example.invalid/app.git"]).exits(0).says("until the next start");
        warmer.set("repositories", entry("never"));
        Daemon::start(&warmer).stop().exits(0).never_says("no longer names");
        assert_eq!(only(&warmer)["refresh"], "never");
        warmer.set("repositories", "[]");
        let ran = Daemon::start(&warmer).stop();
        ran.exits(0).says("no longer names https://git.example.invalid/app.git HEAD").says("warmer repos remove");
        warmer.run(["repos", "remove", "app"]).exits(0).says("comes back at the next start");
    }
}

#[test]
fn a_configured_repository_is_warmed_by_itself_again_and_again() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (mut repo, mut warmer) = (Repo::generated(3, 300, 1), engine.warmer());
        let path = repo.path().display();
        warmer.set("repositories", format!(r#"[{{ url = '{path}', refresh = "10s", exclude = ["**/*.md"] }}]"#));
        warmer.set("scheduler.every", r#""100ms""#);
        let mut daemon = Daemon::start(&warmer);
        daemon.wait_for("warmed");
        repo.write("new.rs", "fn new() {}\n").write("new.md", "# New\n").commit("two");
        daemon.wait_for("warmed");
        warmer
            .run(["show", &repo.path().display().to_string()])
            .exits(0)
            .says("new.rs")
            .says(repo.tip().get(..12).unwrap_or_default());
        daemon.stop().exits(0);
    }
}
#[test]
fn without_a_repository_it_runs_and_says_so() {
    needs!(Need::Runtime);
    for engine in Engine::all() {
        let warmer = engine.warmer();
        let mut daemon = Daemon::start(&warmer);
        daemon.wait_for("no repository is followed yet");
        daemon.stop().exits(0);
    }
}

/// As where a release's folder is replaced by the next one's. It was started with paths that count from there.
#[test]
fn a_daemon_whose_directory_is_deleted_goes_on() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, mut warmer) = (Repo::generated(3, 300, 1), engine.warmer());
        let directory = warmer.home().join("deployed");
        std::fs::create_dir(&directory).unwrap();
        let path = repo.path().display().to_string();
        warmer.run(["repos", "add", &path, "--refresh", "never"]).exits(0);
        let mut command = warmer.command();
        command.env("WARMER__DATABASE__DATA_DIR", "../data/warmer").current_dir(&directory);
        let mut daemon = Daemon::of(command.args(["--config", "../config/warmer/warmer.toml", "run"]));
        daemon.wait_for("started instance=");
        std::fs::remove_dir(&directory).unwrap();
        warmer.run(["enqueue", &path]).exits(0);
        daemon.wait_for("outcome=\"warmed\"");
        warmer.set("claimer.concurrency", "7");
        daemon.hang_up();
        daemon.wait_for("claimer.concurrency has changed from 4 to 7");
        daemon.stop().exits(0).says("is gone: it goes on in /");
        warmer.run(["search", "fn"]).exits(0);
    }
}

#[test]
fn sigterm_hands_back_what_does_not_end_in_time() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let repo = Repo::generated(3, 300, 1);
        let (warmer, server, daemon) = in_the_middle(&engine, &repo, "0s");
        daemon.stop().exits(0);
        let list = warmer.run(["jobs", "list", "--json"]).exits(0).json();
        let job = &list["jobs"][0];
        assert_eq!(
            (&job["state"], &job["attempt"], &job["crashes"]),
            (&"queued".into(), &0.into(), &0.into()),
            "{list}"
        );
        server.heal();
        let mut daemon = Daemon::start(&warmer);
        daemon.wait_for("warmed");
        daemon.stop().exits(0);
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(3, 300, 1);
    let (_warmer, _server, mut daemon) = in_the_middle(&Engine::Sqlite, &repo, "1h");
    daemon.terminate();
    daemon.wait_for("stopping");
    daemon.terminate();
    daemon.finish().exits(143).never_says("stopped");
}

#[test]
fn a_job_that_runs_is_cancelled() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let repo = Repo::generated(3, 300, 1);
        let (warmer, _server, mut daemon) = in_the_middle(&engine, &repo, "0s");
        let list = warmer.run(["jobs", "list", "--json"]).exits(0).json();
        warmer.run(["jobs", "cancel", &list["jobs"][0]["id"].to_string()]).exits(0).says("cancelling job ");
        daemon.wait_for("job ended");
        let list = warmer.run(["jobs", "list", "--json"]).exits(0).json();
        assert_eq!(list["attempts"][0]["outcome"], "cancelled", "{list}");
        daemon.stop().exits(0);
    }
}

#[test]
fn a_second_pipeline_on_one_file_is_refused() {
    needs!(Need::Runtime);
    let warmer = Engine::Sqlite.warmer();
    let daemon = Daemon::start(&warmer);
    warmer.run(["run"]).exits(75).says("another");
    daemon.stop().exits(0);
}

#[test]
fn a_database_that_is_down_at_the_start_is_waited_for_and_a_signal_ends_the_wait() {
    needs!(Need::Runtime);
    let Some(engine) = Engine::all().find(|engine| matches!(engine, Engine::Postgres(_))) else { return };
    let mut warmer = engine.warmer();
    let Engine::Postgres(postgres) = engine else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = postgres.url().split(['@', '/']).find(|part| part.contains(':') && !part.ends_with(':'));
    let server = server.expect("a URL names its server").to_owned();
    let way = Proxy::start(runtime.handle(), server.clone()).expect("a port");
    let (url, address) = (way.url(postgres.url(), &server), way.address());
    // Nobody listens there from now on.
    drop((way, runtime));
    warmer.env("DATABASE_URL", url);
    let mut tired = warmer.spawn(["run"]);
    let mut daemon = warmer.spawn(["run"]);
    tired.wait_for("cannot use the database: ");
    tired.signal(Signal::TERM);
    tired.finish().exits(0);
    daemon.wait_for("cannot use the database: ");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _way = Proxy::start_at(runtime.handle(), address, server).expect("its port is free");
    daemon.wait_for("started instance=");
    daemon.signal(Signal::TERM);
    daemon.finish().exits(0);
}

#[test]
fn who_waits_for_heavy_work_is_told_which_limit_holds_him_and_for_how_long() {
    needs!(GIT, Need::Runtime);
    for (key, says) in [
        ("claimer.slots", "all slots are taken (claimer.slots, [[windows]])"),
        ("claimer.concurrency", "this instance runs as many heavy jobs as it may"),
    ] {
        let (first, second) = (Repo::generated(3, 300, 1), Repo::generated(3, 300, 2));
        let (first, second) = (Server::serve(first.path()), Server::serve(second.path()));
        first.fault(Ask::Objects, Fault::Hang);
        second.fault(Ask::Objects, Fault::Hang);
        let mut warmer = Engine::Sqlite.warmer();
        warmer.set(key, if key == "claimer.slots" { "1" } else { "2" }).set("claimer.slot_wait_max", r#""1s""#);
        for server in [&first, &second] {
            warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
            warmer.run(["enqueue", &server.url()]).exits(0);
        }
        let mut daemon = Daemon::start(&warmer);
        let waited = |line: &str| {
            let waited = line.split("waited_seconds=").nth(1).and_then(|rest| rest.split_whitespace().next());
            waited.and_then(|seconds| seconds.parse::<u64>().ok()).unwrap_or_else(|| panic!("{line}"))
        };
        let once = waited(&daemon.wait_for(says));
        let again = waited(&daemon.wait_for(says));
        assert!(once >= 1 && again > once, "the time since the first wait, each time: {once} s, {again} s");
        warmer.run(["jobs", "list"]).exits(0).says("waits for a slot");
        let list = warmer.run(["jobs", "list"]);
        let lines: Vec<_> = list.stdout.lines().collect();
        let both = lines.windows(2).any(|two| two[0].contains("running") && two[1].contains("waits for"));
        assert!(!both, "{list:?}");
        daemon.terminate();
        drop(daemon);
    }
}
