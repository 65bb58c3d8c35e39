//! The spans of each kind of attempt, as text: names, kinds, what hangs below what, links by what they are for, and the
//! names of the attributes. Each is compared with the file of its name in `tests/it/trees`.
//!
//! Spans of a name that hang below the same one are one there, with all that any of them has: how many batches there
//! are, and which of them comes last, is the machine's to say. `WARMER_TEST_VIEWS=write` writes the files anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use warmer_tests::server::{Ask, Fault};
use warmer_tests::traces::{Span, attempts, ended};
use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Server, Traces, Warmer, needs};

/// All spans of a name below one.
#[derive(Default)]
struct Node {
    kinds: BTreeSet<&'static str>,
    links: BTreeSet<String>,
    attributes: BTreeSet<String>,
    below: BTreeMap<String, Node>,
}

impl Node {
    fn add(&mut self, all: &[Span], span: &Span) {
        self.kinds.insert(span.kind.as_str_name());
        self.links.extend(span.links.iter().map(|link| role(all, link)));
        // What is waited for at all depends on the machine.
        let name =
            |name: &String| if name.starts_with("warmer.wait.") { "warmer.wait.*".to_owned() } else { name.clone() };
        // Where it is, is told of PostgreSQL alone; the trees are the same.
        let place = ["db.namespace", "server.address", "server.port"];
        let told = span.attributes.keys().filter(|name| !place.contains(&name.as_str()));
        self.attributes.extend(told.map(name));
        for child in all.iter().filter(|child| child.trace == span.trace && child.parent == span.id) {
            self.below.entry(child.name.clone()).or_default().add(all, child);
        }
    }

    fn text(&self, name: &str, depth: usize) -> String {
        let indent = "  ".repeat(depth);
        let joined = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
        let kinds: Vec<_> =
            self.kinds.iter().map(|kind| kind.trim_start_matches("SPAN_KIND_").to_lowercase()).collect();
        let mut text = format!("{indent}{name}: {}\n", kinds.join(", "));
        self.links.iter().for_each(|link| text.push_str(&format!("{indent}    -> {link}\n")));
        if !self.attributes.is_empty() {
            text.push_str(&format!("{indent}    {}\n", joined(&self.attributes)));
        }
        text + &self.below.iter().map(|(name, node)| node.text(name, depth + 1)).collect::<String>()
    }
}

/// What a span is linked for.
fn role(all: &[Span], (trace, id): &(String, String)) -> String {
    let target = all.iter().find(|span| span.trace == *trace && span.id == *id);
    match target.map(|span| &*span.name) {
        Some("send warm_jobs") => "who asked: send warm_jobs".to_owned(),
        Some("process warm_jobs") => "the attempt before: process warm_jobs".to_owned(),
        Some(other) => format!("{other}?"),
        None => "the attempt before, which was never exported".to_owned(),
    }
}

/// Everything of an attempt's trace: no span of it stands beside the root.
fn tree(all: &[Span], attempt: &Span) -> String {
    let mut root = Node::default();
    root.add(all, attempt);
    let beside = all.iter().filter(|span| span.trace == attempt.trace && span.id != attempt.id);
    let known = |id: &str| all.iter().any(|span| span.trace == attempt.trace && span.id == id);
    let orphans: Vec<_> = beside.filter(|span| !known(&span.parent)).collect();
    assert!(orphans.is_empty(), "{orphans:#?}");
    root.text(&attempt.name, 0)
}

/// Compares the trees with the file of this name.
fn compare(name: &str, all: &[Span], attempts: &[&Span]) {
    let text = attempts.iter().map(|attempt| tree(all, attempt)).collect::<Vec<_>>().join("\n");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/trees").join(format!("{name}.txt"));
    if std::env::var("WARMER_TEST_VIEWS").is_ok_and(|value| value == "write") {
        std::fs::write(&file, &text).expect("the tree can be written to");
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(text == expected, "{} is now\n{text}", file.display());
}

fn traced(warmer: &mut Warmer) -> Traces {
    let traces = Traces::receive();
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint());
    traces
}

#[test]
fn a_job_that_is_new_changed_or_fresh_and_the_fills_of_it() {
    needs!(GIT, Need::Runtime);
    let (mut warmer, mut repo) = (Warmer::toy(), Repo::new());
    repo.write("a.rs", "fn a() {}\n").commit("one");
    let traces = traced(&mut warmer);
    warmer.warm([repo.path()]).ran.exits(0);
    traces.wait_until(|spans| ended(spans, "filled").len() == 1);
    repo.write("b.rs", "fn b() {}\n").commit("two");
    for _ in 0..2 {
        warmer.warm([repo.path()]).ran.exits(0);
    }
    let spans = traces.wait_until(|spans| ended(spans, "fresh").len() == 1 && ended(spans, "filled").len() == 2);
    let [new, changed] = ended(&spans, "warmed")[..] else { panic!("{spans:#?}") };
    let [filled, again] = ended(&spans, "filled")[..] else { panic!("{spans:#?}") };
    compare("new", &spans, &[new]);
    compare("refreshed", &spans, &[changed]);
    compare("filled", &spans, &[filled]);
    compare("filled", &spans, &[again]);
    compare("fresh", &spans, &ended(&spans, "fresh"));
}

#[test]
fn a_job_that_failed_and_was_tried_again() {
    needs!(GIT, Need::Runtime);
    let (mut warmer, repo) = (Engine::Sqlite.warmer(), Repo::generated(2, 500, 1));
    let (traces, server) = (traced(&mut warmer), Server::serve(repo.path()));
    server.refuse(Ask::Refs, 500);
    warmer.warm([server.url()]).ran.exits(75);
    server.heal();
    warmer.warm([server.url()]).ran.exits(0);
    let spans = traces.wait_until(|spans| !ended(spans, "filled").is_empty());
    let [failed, second, _] = attempts(&spans)[..] else { panic!("{spans:#?}") };
    compare("retried", &spans, &[failed, second]);
}

/// A daemon that asks for a repository whose server hangs; it has just been asked.
fn hanging(warmer: &Warmer, ask: Ask) -> (Repo, Server, Daemon) {
    let repo = Repo::generated(2, 500, 1);
    let server = Server::serve(repo.path());
    warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
    warmer.run(["enqueue", "project"]).exits(0);
    server.fault(ask, Fault::Hang);
    (repo, server, Daemon::start(warmer))
}

#[test]
fn a_job_whose_instance_was_killed_is_rescued_by_the_next() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let mut warmer = engine.warmer();
        let traces = traced(&mut warmer);
        let (_repo, server, killed) = hanging(&warmer, Ask::Objects);
        // Nobody is declared dead in the first minute of a server.
        if let Engine::Postgres(postgres) = &engine {
            postgres.change("CREATE OR REPLACE VIEW server AS SELECT CAST(0 AS BIGINT) AS started_at");
        }
        server.wait_for(Ask::Objects);
        killed.kill();
        let mut daemon = Daemon::start(&warmer);
        daemon.wait_for("outcome=\"filled\"");
        daemon.stop().exits(0);
        let spans = traces.wait_until(|spans| !ended(spans, "filled").is_empty());
        compare("rescued", &spans, &ended(&spans, "warmed"));
    }
}

#[test]
fn a_job_that_kills_its_child_is_crashed() {
    needs!(GIT, Need::Runtime);
    let mut warmer = Engine::Sqlite.warmer();
    let traces = traced(&mut warmer);
    let repo = Repo::generated(2, 500, 1);
    let server = Server::serve(repo.path());
    server.fault(Ask::Capabilities, Fault::Hang);
    warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
    warmer.run(["enqueue", "project"]).exits(0);
    // Two processes died while it ran.
    assert_eq!(warmer.database().change("UPDATE job SET crashes = 2"), 1);
    let mut daemon = Daemon::start(&warmer);
    let line = daemon.wait_for("runs in a process of its own");
    let child = line.split("pid=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("it says which");
    server.wait_for(Ask::Capabilities);
    kill_process(Pid::from_raw(child.parse().expect("a number")).expect("a process id"), Signal::KILL)
        .expect("it runs");
    daemon.wait_for("outcome=\"warmed\"");
    daemon.stop().exits(0);
    let spans = traces.wait_until(|spans| !ended(spans, "warmed").is_empty() && !ended(spans, "crashed").is_empty());
    compare("crashed", &spans, &ended(&spans, "crashed"));
}
