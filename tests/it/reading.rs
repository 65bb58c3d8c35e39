//! What is read back: `search`, `show`, `status`, `jobs`, `gc`, `doctor`.

use warmer_tests::server::Ask;
use warmer_tests::{Engine, GIT, Need, Repo, Server, Warmer, needs};

/// The toy model compares letters: this is nearly the text of `src/queue.rs`.
const QUERY: &str = "rust impl Queue { /// Claims the oldest job. fn claim(&mut self) -> Job { self.jobs.pop() } }";

/// Two repositories, warmed.
fn warmed() -> (Repo, Repo, Warmer) {
    let (mut one, mut two, warmer) = (Repo::new(), Repo::new(), Warmer::toy());
    one.write(
        "src/queue.rs",
        "impl Queue {\n    /// Claims the oldest job.\n    fn claim(&mut self) -> Job {\n        \
        self.jobs.pop()\n    }\n}\n",
    );
    one.write("docs/guide.md", "# Guide\n\n## Parsing dates\n\nDates are parsed as written.\n").commit("one");
    two.write("app.py", "def claim_oldest_job(queue):\n    return queue.pop(0)\n")
        .write("blob.bin", b"\0\0")
        .commit("two");
    warmer.warm([one.path(), two.path()]).ran.exits(0);
    (one, two, warmer)
}

#[test]
fn search_gives_what_an_agent_needs() {
    needs!(GIT, Need::Runtime);
    let (one, _two, warmer) = warmed();
    let found = warmer.run(["search", QUERY, "--json"]).exits(0).json();
    let (best, range) = (&found["hits"][0], &found["hits"][0]["ranges"][0]);
    assert_eq!(best["path"], "src/queue.rs", "{found}");
    assert_eq!((&best["language"], &best["commit"]), (&"rust".into(), &one.tip().into()));
    assert!(range["symbol"].as_str().is_some_and(|symbol| symbol.contains("Queue")), "{best}");
    assert!(range["text"].as_str().is_some_and(|text| text.contains("self.jobs.pop()")), "{best}");
    assert_eq!(range["start_line"], 1);
    assert!(range["end_line"].as_u64().is_some_and(|line| (5..=6).contains(&line)), "{best}");
    assert!(best["repository"].as_str().is_some_and(|remote| remote.starts_with(&one.url())), "{best}");
    assert!(best["served_at"].is_string() && best["score"].is_f64(), "{best}");
    assert!(best["similarity"].is_f64() && best["why"].as_array().is_some_and(|why| !why.is_empty()), "{best}");
    assert_eq!((&found["schema_version"], &found["state"]), (&1.into(), &"found".into()), "{found}");
    let scores: Vec<f64> =
        found["hits"].as_array().into_iter().flatten().filter_map(|hit| hit["score"].as_f64()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let text = warmer.run(["search", QUERY]);
    text.exits(0).says("src/queue.rs:1-").says("self.jobs.pop()").says(&one.tip()[..7]);
}

#[test]
fn search_is_narrowed_by_repository_path_language_and_limit() {
    needs!(GIT, Need::Runtime);
    let (one, two, warmer) = warmed();
    let paths = |arguments: &[&str]| -> Vec<String> {
        let ran = warmer.run(["search", "claim the oldest job", "--json"].iter().chain(arguments));
        let found = ran.exits(0).json();
        found["hits"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|hit| hit["path"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(paths(&["--repo", &two.path().display().to_string()]), ["app.py"]);
    assert_eq!(paths(&["--repo", &two.url()]), ["app.py"]);
    assert_eq!(paths(&["--language", "rust"]), ["src/queue.rs"]);
    assert_eq!(paths(&["--path", "*.py"]), ["app.py"]);
    assert!(paths(&["--path", "docs/**"]).iter().all(|path| path == "docs/guide.md"));
    assert_eq!(paths(&["--limit", "1"]).len(), 1);
    let name = one.path().file_name().and_then(|name| name.to_str()).expect("a name");
    assert!(paths(&["--repo", name]).contains(&"src/queue.rs".to_owned()));
    let unknown = warmer.run(["search", "x", "--repo", "no-such-repository"]);
    unknown.exits(1).says("no-such-repository");
    warmer.run(["search", "x", "--language", "klingon"]).exits(1).says("klingon").says("rust");
}

#[test]
fn the_same_text_in_two_repositories_is_one_answer() {
    needs!(GIT, Need::Runtime);
    let (one, _two, warmer) = warmed();
    let clone = one.cloned();
    warmer.warm([clone.path()]).ran.exits(0);
    let found = warmer.run(["search", QUERY, "--json"]).exits(0).json();
    let hits = found["hits"].as_array().into_iter().flatten().filter(|hit| hit["path"] == "src/queue.rs");
    assert_eq!(hits.count(), 1, "{found}");
    assert_eq!(found["hits"][0]["also_in"][0]["path"], "src/queue.rs", "{found}");
}

#[test]
fn without_the_model_that_made_the_cache_words_alone_are_looked_for_and_that_is_told() {
    needs!(GIT, Need::Runtime);
    let (_one, _two, warmer) = warmed();
    warmer_tests::model::write_toy(&warmer.model(), 2);
    let found = warmer.run(["search", "oldest job"]);
    found.exits(0).says("app.py").says("by their words alone").says("model").says("warm again");
    let found = warmer.run(["search", "oldest job", "--json"]).exits(0).json();
    assert_eq!(
        (&found["hits"][0]["similarity"], &found["query"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    let found = warmer.run(["search", "nowhere", "--json"]).exits(0).json();
    assert_eq!((&found["state"], &found["hits"]), (&"no_words".into(), &serde_json::json!([])), "{found}");
    std::fs::remove_dir_all(warmer.model()).expect("it was written");
    warmer.run(["search", "oldest job"]).exits(0).says("app.py").says("by their words alone");
}

#[test]
fn show_lists_entries_chunks_and_keys() {
    needs!(GIT, Need::Runtime);
    let (one, two, warmer) = warmed();
    let (one, two) = (one.path().display().to_string(), two.path().display().to_string());
    warmer.run(["show", &one]).exits(0).says("src/queue.rs").says("docs/guide.md").never_says("app.py");
    warmer.run(["show", &two]).exits(0).says("blob.bin").says("binary");
    let key = &warmer.database().query(
        "select lower(hex(text)) from artifact_chunk join artifact on id = artifact
        where language = 'rust'",
    )[0];
    warmer.run(["show", &one, "src/queue.rs"]).exits(0).says("Queue").says(&key[..8]);
    warmer.run(["show", &one, "src/queue.rs", "--json"]).exits(0).says(key);
    let outline = || warmer.run(["show", &one, "src/queue.rs"]).exits(0).says("\ndefinitions\n").stdout.clone();
    let stored = outline();
    warmer.database().change("delete from symbols");
    assert_eq!(outline(), stored, "made anew from the stored text");
    warmer.run(["show", &one, "no/such/file"]).exits(1).says("no/such/file");
    warmer.run(["show", "no-such-repository"]).exits(1).says("no-such-repository");
}

#[test]
fn status_has_its_five_lines() {
    needs!(GIT, Need::Runtime);
    let (_one, _two, warmer) = warmed();
    let ran = warmer.run(["status"]);
    let starts =
        ["Queue depth: 0 pending jobs", "Oldest job: ", "Active workers: ", "Completion rate: ", "Error rate: "];
    let lines: Vec<_> = ran.exits(0).stdout.lines().collect();
    assert_eq!(lines.len(), starts.len(), "{ran:?}");
    assert!(lines.iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{ran:?}");
    let json = warmer.run(["status", "--json"]).exits(0).json();
    assert_eq!((&json["queue_depth"], &json["repositories"]), (&0.into(), &2.into()), "{json}");
    assert!(json["completed_per_min"].as_f64().is_some_and(|rate| rate > 0.0), "{json}");
    assert_eq!(json["failed_per_min"].as_f64(), Some(0.0), "{json}");
}

#[test]
fn jobs_tell_how_their_attempts_ended() {
    needs!(GIT, Need::Runtime);
    let (one, _two, warmer) = warmed();
    warmer.warm([one.path()]).ran.exits(0);
    let list = warmer.run(["jobs", "list"]);
    list.exits(0).says(" warmed ").never_says(" fresh ").says("--all lists the latest of each repository");
    list.says(" refresh ").says(" fill ").says(" filled ");
    warmer.run(["jobs", "list", "--all"]).exits(0).says(" warmed ").says(" fresh ").never_says("left out");
    assert!(warmer.run(["jobs", "list", "--json"]).exits(0).json().is_object() || list.stdout.contains("warmed"));
    let id = &warmer.database().query("select cast(min(job) as text) from attempt")[0];
    warmer.run(["jobs", "show", id]).exits(0).says("warmed");
    warmer.run(["jobs", "show", "999999"]).exits(1).says("there is no job 999999");
    let check = "SELECT CAST(job AS text) FROM attempt WHERE outcome = 'fresh'";
    let check = &warmer.database().query(check)[0];
    warmer.run(["jobs", "show", check]).exits(0).says(" fresh ");
    // A later one takes its place, as after ten minutes.
    warmer.database().change("UPDATE attempt SET ended_at = ended_at - 660000000 WHERE outcome = 'fresh'");
    warmer.warm([one.path()]).ran.exits(0);
    warmer.run(["jobs", "show", check]).exits(1).says("most likely it found nothing new").says("jobs list --all");
}

#[test]
fn collection_marks_first_and_spares_what_is_served() {
    needs!(GIT, Need::Runtime);
    let (mut repo, mut warmer) = (Repo::generated(6, 1_000, 1), Warmer::toy());
    warmer.set("gc.mark_age", r#""1ms""#);
    warmer.warm([repo.path()]).ran.exits(0);
    repo.remove("tools").commit("fewer");
    warmer.warm([repo.path()]).ran.exits(0);
    let (served, before) = (warmer.database().dump_served(), warmer.database().counts());
    let dry = warmer.run(["gc", "--dry-run", "--json"]).exits(0).json();
    assert_eq!((dry["artifacts_marked"].as_u64(), warmer.database().counts()), (Some(2), before));
    let marked = warmer.run(["gc", "--json"]).exits(0).json();
    assert_eq!(marked["artifacts_marked"].as_u64(), Some(2), "{marked}");
    let deleted = warmer.run(["gc", "--json"]).exits(0).json();
    assert_eq!(deleted["artifacts_deleted"].as_u64(), Some(2), "{deleted}");
    // With the artifacts gone nothing reaches their vectors: marked by the same run, they fall with the next.
    let deleted = warmer.run(["gc", "--json"]).exits(0).json();
    assert!(deleted["vectors_deleted"].as_u64().is_some_and(|vectors| vectors > 0), "{deleted}");
    assert!(warmer.database().counts().vectors < before.vectors);
    assert_eq!(warmer.database().dump_served(), served);
    warmer.database().assert_whole();
}

#[test]
fn what_is_needed_again_is_not_collected() {
    needs!(GIT, Need::Runtime);
    let (mut repo, mut warmer) = (Repo::generated(6, 1_000, 1), Warmer::toy());
    warmer.set("gc.mark_age", r#""1ms""#);
    warmer.warm([repo.path()]).ran.exits(0);
    let whole = repo.tip().to_owned();
    repo.remove("tools").commit("fewer");
    warmer.warm([repo.path()]).ran.exits(0);
    warmer.run(["gc"]).exits(0);
    repo.reset(&whole);
    let back = warmer.warm([repo.path()]);
    assert_eq!((back.one().verdict(), back.one().embedded()), ("warmed", 0));
    warmer.run(["gc"]).exits(0);
    warmer.run(["gc"]).exits(0);
    warmer.database().assert_whole();
}

#[test]
fn jobs_are_narrowed_by_failure_repository_time_and_number() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (one, other, warmer) = (Repo::generated(1, 300, 1), Repo::generated(1, 300, 2), engine.warmer());
        let broken = Server::serve(other.path());
        broken.refuse(Ask::Capabilities, 500);
        warmer.warm([one.path()]).ran.exits(0);
        warmer.warm([broken.url()]).ran.exits(75);
        let listed = |arguments: &[&str]| {
            let list = warmer.run(["jobs", "list", "--json"].iter().chain(arguments)).exits(0).json();
            let of = |what: &str| list[what].as_array().cloned().unwrap_or_default();
            let attempts = of("attempts");
            let of_kind = |kind: &str| attempts.iter().filter(|attempt| attempt["kind"] == kind).count();
            (of("jobs").len(), of_kind("refresh"), of_kind("fill"))
        };
        // What is served was filled, and what is broken has nothing to fill.
        assert_eq!(listed(&[]), (1, 2, 1));
        assert_eq!(listed(&["--failed"]), (1, 1, 0));
        assert_eq!(listed(&["--repo", &one.url()]), (0, 1, 1));
        assert_eq!(listed(&["--repo", &one.url(), "--failed"]), (0, 0, 0));
        assert_eq!(listed(&["--since", "1h"]), (1, 2, 1));
        assert_eq!(listed(&["--since", "1us"]), (0, 0, 0));
        assert_eq!(listed(&["--limit", "1"]), (1, 1, 0), "the latest is the failed refresh");
        let all_four = |repo: &str, since| listed(&["--failed", "--repo", repo, "--since", since, "--limit", "1"]);
        assert_eq!(all_four(&broken.url(), "1h"), (1, 1, 0));
        assert_eq!(all_four(&broken.url(), "1us"), (0, 0, 0));
        assert_eq!(all_four(&one.url(), "1h"), (0, 0, 0));
        warmer.run(["jobs", "list", "--failed"]).exits(0).says("500").never_says("warmed");
        warmer.run(["jobs", "list", "--repo", "no-such-repository"]).exits(1).says("no-such-repository");
        warmer.run(["jobs", "list", "--limit", "0"]).exits(2);
    }
}

#[test]
fn repositories_are_narrowed_by_state_and_lateness_and_sorted() {
    for engine in Engine::all() {
        let warmer = engine.warmer();
        for (name, refresh) in [("a", "never"), ("b", "15m"), ("c", "never")] {
            let url = format!("https://git.example.com/{name}");
            warmer.run(["repos", "add", &url, "--refresh", refresh, "--staleness-budget", "0s"]).exits(0);
        }
        warmer.run(["repos", "pause", "c"]).exits(0);
        let listed = |arguments: &[&str]| {
            let list = warmer.run(["repos", "list", "--json"].iter().chain(arguments)).exits(0).json();
            let name = |one: &serde_json::Value| one["repository"].as_str().and_then(|url| url.chars().last());
            list.as_array().into_iter().flatten().filter_map(name).collect::<String>()
        };
        assert_eq!(listed(&[]), "abc");
        assert_eq!(listed(&["--state", "paused"]), "c");
        assert_eq!(listed(&["--state", "dead"]), "");
        assert_eq!(listed(&["--sort", "state"]), "cab");
        assert_eq!(
            listed(&["--overdue"]),
            "b",
            "it was never checked, is not being checked, and nothing is granted it"
        );
        assert_eq!(listed(&["--sort", "overdue"]), "bac");
        assert_eq!(listed(&["--sort", "next"]), "bac");
        warmer.run(["repos", "list", "--overdue"]).exits(0).says("overdue for ");
        warmer.run(["repos", "list", "--state", "dead"]).exits(0).says("no followed repository matches");
        warmer.run(["repos", "list", "--state", "lost"]).exits(2).says("quarantined");
    }
}

#[test]
fn what_is_no_terminal_gets_neither_colours_nor_cut_names() {
    let warmer = Warmer::toy();
    let url = format!("https://git.example.com/{}/app", "team".repeat(40));
    warmer.run(["repos", "add", &url]).exits(0);
    let list = warmer.run(["repos", "list"]);
    list.exits(0).says(&url).never_says("\u{1b}").never_says("…");
}

#[test]
fn doctor_says_what_is_there_and_what_is_missing() {
    needs!(GIT, Need::Runtime);
    Warmer::toy().run(["doctor"]).exits(0).says("git").says("model").says("runtime");
    let sick = Warmer::empty().run(["doctor"]);
    sick.exits(1).says("model").says("warmer setup");
    let json = Warmer::empty().run(["doctor", "--json"]);
    assert!(!json.exits(1).json().is_null());
    let warmer = Warmer::toy();
    let graph = warmer.model().join("onnx/model.onnx");
    let mut bytes = std::fs::read(&graph).expect("the toy model has a graph");
    let modified = graph.metadata().and_then(|facts| facts.modified()).expect("a time");
    *bytes.last_mut().expect("not empty") ^= 1;
    std::fs::write(&graph, bytes).expect("a writable file");
    std::fs::File::options().write(true).open(&graph).and_then(|file| file.set_modified(modified)).expect("writable");
    warmer.run(["doctor"]).exits(1).says("model.onnx");
}

#[test]
fn output_into_a_closed_pipe_is_no_crash() {
    needs!(GIT, Need::Runtime);
    let (_one, _two, warmer) = warmed();
    let mut command = warmer.command();
    let mut child = command.arg("status").stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    child = child.stdout(writer);
    let output = child.output().expect("it starts");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
