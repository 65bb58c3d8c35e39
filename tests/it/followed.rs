//! `repos`, `enqueue`, `jobs retry` and `jobs cancel`: what a person says about repositories and jobs.

use serde_json::Value;
use warmer_tests::server::Ask;
use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Server, Warmer, needs};

/// The only repository, as `repos list` has it.
fn only(warmer: &Warmer) -> Value {
    let list = warmer.run(["repos", "list", "--json"]).exits(0).json();
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    list[0].clone()
}

fn jobs(warmer: &Warmer) -> Vec<Value> {
    let list = warmer.run(["jobs", "list", "--json"]).exits(0).json();
    list["jobs"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_repository_is_followed_otherwise_and_no_longer() {
    for engine in Engine::all() {
        let warmer = engine.warmer();
        let url = "https://git.example.com/team/app.git";
        warmer.run(["repos", "add", url, "--refresh", "15m", "--priority", "-3"]).exits(0).says("is followed");
        let listed = only(&warmer);
        assert_eq!(
            (&listed["repository"], &listed["refresh"], &listed["priority"]),
            (&url.into(), &"15m".into(), &(-3).into())
        );
        assert_eq!((&listed["state"], &listed["configured"]), (&"active".into(), &false.into()));
        warmer
            .run(["repos", "list"])
            .exits(0)
            .says("active  15m            -3  command  never    now   -     https://git.example.com/team/app.git HEAD");
        let again = warmer.run(["repos", "add", url, "--refresh", "never", "--include", "src/**"]);
        again.exits(0).says("was followed already");
        let listed = only(&warmer);
        assert_eq!((&listed["refresh"], &listed["include"]), (&"never".into(), &serde_json::json!(["src/**"])));
        warmer.run(["repos", "pause", "app"]).exits(0).says("is paused");
        assert_eq!(only(&warmer)["state"], "paused");
        warmer.run(["repos", "resume", "team/app"]).exits(0);
        assert_eq!(only(&warmer)["state"], "active");
        for command in ["pause", "resume", "remove"] {
            warmer.run(["repos", command, ""]).exits(1).says("the name of a repository is empty");
        }
        warmer.run(["repos", "remove", url]).exits(0).says("no longer followed");
        warmer.run(["repos", "list"]).exits(0).says("no repository is followed");
    }
}

#[test]
fn a_repository_in_another_spelling_is_the_same_one_and_fetched_as_it_was_spelled_last() {
    for engine in Engine::all() {
        let warmer = engine.warmer();
        warmer.run(["repos", "add", "https://git.example.com/team/app"]).exits(0).says("is followed");
        for url in [
            "https://GIT.example.com:443/team/app.git",
            "ssh://git@git.example.com/team/app",
            "git@git.example.com:team/app.git",
        ] {
            warmer.run(["repos", "add", url]).exits(0).says("was followed already").says("is the same repository");
        }
        assert_eq!(only(&warmer)["repository"], "git@git.example.com:team/app.git");
        warmer
            .run(["enqueue", "https://git.example.com/team/app.git"])
            .exits(0)
            .says("git@git.example.com:team/app.git");
        warmer
            .run(["repos", "add", "https://git.example.com:8443/team/app"])
            .exits(0)
            .never_says("the same repository");
    }
}

#[test]
fn two_refs_of_a_remote_are_told_apart_by_ref() {
    for engine in Engine::all() {
        let warmer = engine.warmer();
        for reference in ["main", "v2"] {
            warmer.run(["repos", "add", "git@git.example.com:team/app.git", "--ref", reference]).exits(0);
        }
        warmer.run(["enqueue", "app"]).exits(1).says("by --ref").says("v2");
        warmer.run(["enqueue", "app", "--ref", "v2"]).exits(0).says("is queued");
        assert_eq!(jobs(&warmer)[0]["ref"], "v2");
    }
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let warmer = Warmer::empty();
    warmer.run(["repos", "add", "https://me:hunter2@git.example.com/a"]).exits(1).never_says("hunter2");
    warmer.run(["repos", "add", "https://git.example.com/a", "--refresh", "9s"]).exits(2).says("at least 10 s");
    let cron = ["repos", "add", "https://git.example.com/a", "--refresh", "cron:0 25 * * *"];
    warmer.run(cron).exits(2).says("the hour \"25\" is wrong: expected 0 to 23");
    let budget = ["repos", "add", "https://git.example.com/a", "--staleness-budget", "soon"];
    warmer.run(budget).exits(2).says("expected a duration such as \"15m\"");
    warmer.run(["repos", "add", "https://git.example.com/a", "--priority", "101"]).exits(2).says("-100..=100");
    warmer.run(["repos", "add", "https://git.example.com/a", "--exclude", "["]).exits(1).says("[");
    warmer.run(["repos", "add", "no/such/folder"]).exits(1).says("no/such/folder");
    warmer.run(["enqueue", "app"]).exits(1).says("nothing has been warmed yet");
}

#[test]
fn a_person_queues_folds_and_takes_out() {
    for engine in Engine::all() {
        let warmer = engine.warmer();
        warmer.run(["repos", "add", "https://git.example.com/team/app"]).exits(0);
        warmer.run(["enqueue", "app", "--priority", "5", "--full"]).exits(0).says("is queued");
        let folded = warmer.run(["enqueue", "app"]);
        folded.exits(0).says("was queued already");
        let [job] = &jobs(&warmer)[..] else { panic!("{folded:?}") };
        assert_eq!((&job["rank"], &job["full"], &job["merged"]), (&(-5).into(), &true.into(), &1.into()));
        let id = job["id"].to_string();
        warmer.run(["jobs", "cancel", &id]).exits(0).says("from the queue");
        assert!(jobs(&warmer).is_empty());
        warmer.run(["jobs", "cancel", &id]).exits(1).says(&id);
        warmer.run(["jobs", "retry", &id]).exits(0).says("is queued");
        warmer.run(["jobs", "retry", "999999"]).exits(1).says("999999");
    }
}

#[test]
fn a_dead_repository_is_alive_after_a_retry() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, warmer) = (Repo::generated(2, 300, 1), engine.warmer());
        let server = Server::serve(repo.path());
        server.refuse(Ask::Capabilities, 404);
        assert_eq!(warmer.warm([server.url()]).one().verdict(), "dead");
        assert_eq!((&only(&warmer)["state"], &only(&warmer)["failures"]), (&"dead".into(), &1.into()));
        warmer.run(["repos", "list"]).exits(0).says("1 failed job in a row, the last: ");
        server.heal();
        let mut daemon = Daemon::start(&warmer);
        warmer.run(["jobs", "retry", "project"]).exits(0).says("is queued");
        daemon.wait_for("warmed");
        assert_eq!((&only(&warmer)["state"], &only(&warmer)["failures"]), (&"active".into(), &0.into()));
        daemon.stop().exits(0);
    }
}

#[test]
fn a_protocol_that_is_never_spoken_is_refused_and_one_that_is_not_allowed_here_is_told() {
    let mut warmer = Warmer::empty();
    for never in ["git://git.example.com/team/app", "ftp://git.example.com/app", "ext::sh -c id", "https://"] {
        warmer.run(["repos", "add", never]).exits(1);
    }
    warmer.run(["repos", "list"]).exits(1);
    let told = warmer.run(["repos", "add", "http://git.example.com/team/app"]);
    told.exits(0).says("http://git.example.com/team/app needs the protocol http, which [git] protocols does not allow");
    warmer.set("repositories", r#"[{ url = "http://git.example.com/team/app" }]"#);
    warmer
        .run(["config", "check"])
        .exits(78)
        .says("repositories.url: http://git.example.com/team/app needs the protocol http");
    warmer.set("repositories", r#"[{ url = "https://git.example.com/team/app" }]"#);
    warmer.run(["config", "check"]).exits(0);
}

#[test]
fn a_remote_is_asked_before_it_is_followed_where_a_person_wants_that() {
    needs!(GIT);
    let (repo, warmer) = (Repo::generated(2, 300, 1), Engine::Sqlite.warmer());
    let server = Server::serve(repo.path());
    warmer.run(["repos", "add", &server.url(), "--check", "--ref", "no-such"]).exits(1).says("no ref no-such");
    server.refuse(Ask::Refs, 404);
    warmer.run(["repos", "add", &server.url(), "--check"]).exits(1);
    warmer.run(["repos", "list"]).exits(1).never_says("project");
    server.heal();
    warmer.run(["repos", "add", &server.url(), "--check"]).exits(0).says("is followed");
}

#[test]
fn who_enqueues_where_nobody_works_is_told() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, warmer) = (Repo::generated(2, 300, 1), engine.warmer());
        let path = repo.path().display().to_string();
        warmer.run(["repos", "add", &path, "--refresh", "never"]).exits(0);
        warmer.run(["enqueue", &path]).exits(0).says("is queued").says("no instance is running");
        let daemon = Daemon::start(&warmer);
        warmer.run(["enqueue", &path]).exits(0).never_says("no instance");
        daemon.stop().exits(0);
    }
}

#[test]
fn a_list_on_stdin_is_followed_whole_or_not_at_all() {
    for engine in Engine::all() {
        let warmer = engine.warmer();
        let add = |list: &str, more: &[&str]| warmer.run_with_stdin(["repos", "add", "-"].iter().chain(more), list);
        let list = "# ours\nhttps://git.example.com/a main\nhttps://me:hunter2@git.example.com/b\nno/such/folder\n";
        let wrong = add(list, &[]);
        wrong.exits(1).says("nothing was added:").says("  line 3: ").says("  line 4: ").never_says("hunter2");
        warmer.run(["repos", "list"]).exits(1).never_says("git.example.com");
        add("# nothing\n", &[]).exits(1).says("names no repository");
        add("https://git.example.com/a", &["--ref", "main"]).exits(1).says("a ref stands behind its URL");
        let more = ["--refresh", "cron:0 6 * * MON-FRI Europe/Berlin", "--staleness-budget", "1h"];
        let list = "https://git.example.com/a main\nhttps://git.example.com/b # its HEAD\n";
        add(list, &more).exits(0).says("git.example.com/a main is followed").says("git.example.com/b HEAD is followed");
        let listed = warmer.run(["repos", "list", "--json"]).exits(0).json();
        let of = |key: &str| listed.as_array().into_iter().flatten().map(|one| one[key].clone()).collect::<Vec<_>>();
        assert_eq!(of("ref"), ["main".into(), Value::Null]);
        assert_eq!(of("refresh"), ["cron:0 6 * * MON-FRI Europe/Berlin"; 2]);
        assert_eq!(of("staleness_budget_seconds"), [3600.0; 2]);
        add(list, &[]).exits(0).says("was followed already");
    }
}
