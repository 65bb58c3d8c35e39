//! What `--json` prints, to the byte: every view of one scenario beside the file of its name in `tests/it/views`.
//!
//! What differs from run to run stands there as a word in angle brackets: `<time>`, `<uuid>`, `<number>`. A changed
//! key, a changed type and another order are differences. `WARMER_TEST_VIEWS=write` writes the files anew, for a look
//! at the diff.

use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use warmer_tests::server::{Ask, Fault};
use warmer_tests::{Engine, GIT, Need, Ran, Repo, Server, Warmer, model, needs};

/// The toy model compares letters: this is nearly the text of `src/queue.rs`.
const QUERY: &str = "rust impl Queue { fn claim(&mut self) -> Job { self.jobs.pop() } }";

/// Keys whose numbers depend on the machine, the clock or the version of git.
const NUMBERS: &str = "bytes|score|similarity|seconds|work_seconds|wait_seconds|first_seconds|last_seconds|\
                       queued_seconds|oldest_job_seconds|\
                       oldest_overdue_seconds|pack_bytes|peak_memory_bytes|peak_anonymous_bytes|completed_per_min|\
                       failed_per_min|cache_warmer_oldest_job_age|cache_warmer_jobs_completed_per_min|\
                       cache_warmer_jobs_failed_per_min";

/// A machine with two repositories, and the words for what is new in each run.
struct Scene {
    warmer: Warmer,
    one: PathBuf,
    two: PathBuf,
    source: Repo,
    words: Vec<(Regex, String)>,
    wrong: Vec<String>,
}

impl Scene {
    fn new() -> Self {
        let (mut source, mut other) = (Repo::new(), Repo::new());
        let queue = "impl Queue {\n    /// Claims the oldest job.\n    fn claim(&mut self) -> Job {\n        \
            self.jobs.pop()\n    }\n}\n";
        source.write("src/queue.rs", queue).write("docs/guide.md", "# Guide\n\n## Dates\n\nAs written.\n");
        source.write("app.min.js", "x".repeat(9_000)).write("old.py", "def old():\n    return 1\n").commit("one");
        other.write("lib/queue.rs", queue).write("blob.bin", b"\0\0").commit("two");
        let warmer = Engine::Sqlite.warmer();
        let (one, two) = (copy(&source, &warmer.home().join("one")), copy(&other, &warmer.home().join("two")));
        let home = warmer.home().canonicalize().expect("it was made");
        let word = |pattern: &str, word: &str| (Regex::new(pattern).expect("a pattern"), word.to_owned());
        let path = |path: &Path, text: &str| word(&regex::escape(&path.display().to_string()), text);
        let words = vec![
            path(&home, "<home>"),
            path(warmer.home(), "<home>"),
            path(&model::runtime_library(), "<runtime>"),
            word(r"127\.0\.0\.1:\d+", "<address>"),
            word(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
            word(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>"),
            word(r"00-[0-9a-f]{32}-[0-9a-f]{16}-\d\d", "<trace>"),
            word(r"\b[0-9a-f]{64}\b", "<digest>"),
            word(r"\b[0-9a-f]{40}\b", "<oid>"),
            word(r"\b[0-9a-f]{12}/[0-9a-f]{6}\b", "<id>"),
            word(&format!(r#""({NUMBERS})": [0-9.e-]+"#), r#""$1": "<number>""#),
            // What is waited for at all, and which batch is slowest, depends on the machine.
            word(r#"(?s)"waits": \{.*?\}"#, r#""waits": "<waits>""#),
            // An instance tells of itself after five seconds, which a slow machine may need to come here.
            word(r#"(?s)"figures": (null|\{.*?\n {6}\})"#, r#""figures": "<figures>""#),
            word(r#"(?s)"bottleneck": (null|\{.*?\n {2}\})"#, r#""bottleneck": "<bottleneck>""#),
            word(r#"(?sm)^  "stages": (\[\]|\[\n.*?^ {2}\])"#, r#"  "stages": "<list>""#),
            word(r#"(?sm)"(slow\w+)": \[\n.*?^ {6,8}\]"#, r#""$1": "<list>""#),
            word(r#""version": "\d+\.\d+\.\d+""#, r#""version": "<version>""#),
            word(r#""host": ".+""#, r#""host": "<host>""#),
            word(r#""pid": [1-9][0-9]*"#, r#""pid": "<number>""#),
            word(r#""detail": ".*""#, r#""detail": "<sentence>""#),
        ];
        Self { warmer, one, two, source, words, wrong: vec![] }
    }

    /// Compares what a command prints with the file of this name.
    fn view(&mut self, name: &str, code: i32, arguments: &[&str]) {
        let ran = self.warmer.run(arguments);
        self.compare(name, ran.exits(code));
    }

    fn compare(&mut self, name: &str, ran: &Ran) {
        let mut text = ran.stdout.clone();
        for (pattern, word) in &self.words {
            text = pattern.replace_all(&text, word).into_owned();
        }
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/views").join(format!("{name}.json"));
        if std::env::var("WARMER_TEST_VIEWS").is_ok_and(|value| value == "write") {
            std::fs::write(&file, &text).expect("the tree can be written to");
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        if text != expected {
            let lines = text.lines().zip(expected.lines()).position(|(is, was)| is != was);
            let at = lines.unwrap_or_else(|| text.lines().count().min(expected.lines().count()));
            let line = |of: &str| of.lines().nth(at).unwrap_or("(the end)").to_owned();
            self.wrong.push(format!("{name}.json:{}: {} is now {}\n{text}", at + 1, line(&expected), line(&text)));
        }
    }
}

/// The repository at a path whose name is the same in each run.
fn copy(repo: &Repo, path: &Path) -> PathBuf {
    let cloned = Command::new("git").args(["clone", "--quiet", "--bare"]).args([repo.path(), path]).status();
    assert!(cloned.expect("git starts").success());
    path.canonicalize().expect("it was cloned")
}

#[test]
fn what_machines_are_told_is_the_same_to_the_byte() {
    needs!(GIT, Need::Runtime);
    let mut scene = Scene::new();
    let (one, two) = (scene.one.display().to_string(), scene.two.display().to_string());
    scene.view("warm", 0, &["warm", "--json", &one]);
    scene.view("plan", 1, &["plan", "--json", &one, &two, "no/such/path"]);
    scene.view("warm_failed", 1, &["warm", "--json", &two, "no/such/path"]);
    scene.view("search", 0, &["search", QUERY, "--limit", "3", "--json"]);
    scene.view("search_chunks", 0, &["search", QUERY, "--limit", "2", "--all-chunks", "--context", "1", "--json"]);
    scene.view("search_nothing", 0, &["search", QUERY, "--path", "src", "--language", "go", "--json"]);
    scene.view("show", 0, &["show", &one, "--json"]);
    scene.view("show_file", 0, &["show", &one, "src/queue.rs", "--json"]);
    scene.view("show_skipped", 0, &["show", &two, "blob.bin", "--json"]);
    scene.view("jobs_list", 0, &["jobs", "list", "--json"]);
    scene.view("jobs_show", 0, &["jobs", "show", "1", "--json"]);
    scene.view("trace", 0, &["trace", "1", "--json"]);
    scene.warmer.run(["repos", "add", &one, "--refresh", "15m", "--priority", "3", "--exclude", "*.snap"]).exits(0);
    scene.view("repos_list", 0, &["repos", "list", "--json"]);
    scene.view("generations_list", 0, &["generations", "list", "--json"]);
    remove_a_file(&mut scene);
    scene.view("gc", 0, &["gc", "--json"]);
    at_work(&mut scene);
    scene.view("doctor", 0, &["doctor", "--json"]);
    scene.view("config_check", 0, &["config", "check", "--json"]);
    scene.view("config_show", 0, &["config", "show", "--json"]);
    let demand = "capacity --repositories 500 --refresh 15m --job-seconds 120 --check-seconds 2 --changed 100% \
                  --concurrency 4 --cores 8 --memory 16GiB --slots 24 --set embedder.workers=2 --json";
    scene.view("capacity", 0, &demand.split_whitespace().collect::<Vec<_>>());
    scene.warmer.set("claimer.concurrency", "0");
    scene.view("config_wrong", 78, &["config", "check", "--json"]);
    assert!(scene.wrong.is_empty(), "{}", scene.wrong.join("\n"));
}

#[test]
fn what_a_file_of_traces_tells_is_the_same_to_the_byte() {
    needs!(GIT, Need::Runtime);
    let mut scene = Scene::new();
    let (one, file) = (scene.one.display().to_string(), scene.warmer.home().join("traces.jsonl").display().to_string());
    scene.warmer.run(["warm", "--set", &format!("telemetry.traces_file={file}"), &one]).exits(0);
    scene.view("trace_file", 0, &["trace", "--file", &file, "1", "--json"]);
    scene.view("trace_file_jobs", 0, &["trace", "--file", &file, "--json"]);
    assert!(scene.wrong.is_empty(), "{}", scene.wrong.join("\n"));
}

fn remove_a_file(scene: &mut Scene) {
    scene.source.remove("old.py").commit("fewer");
    let fetch = ["fetch", "--quiet", "origin", "+refs/heads/*:refs/heads/*"];
    let fetched = Command::new("git").current_dir(&scene.one).args(fetch).status();
    assert!(fetched.expect("git starts").success());
    let one = scene.one.display().to_string();
    scene.warmer.warm([&one]).ran.exits(0);
}

/// What the queue shows while a job runs, and its instance lives.
fn at_work(scene: &mut Scene) {
    let repo = Repo::generated(1, 300, 1);
    let server = Server::serve(repo.path());
    server.fault(Ask::Objects, Fault::Hang);
    let running = scene.warmer.spawn(["warm", &server.url()]);
    server.wait_for(Ask::Objects);
    scene.view("status", 0, &["status", "--json"]);
    scene.view("jobs_running", 0, &["jobs", "list", "--json"]);
    running.kill();
}
