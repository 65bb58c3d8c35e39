//! What cannot be fetched any more is cut anew from what is stored: it ends as a warm from scratch would have it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use serde_json::Value;
use warmer_content::{ChunkLimits, Chunker};
use warmer_pipeline::{Edge, Stage};
use warmer_store::AttemptOutcome;
use warmer_tests::faults::{At, Kind};
use warmer_tests::inside::Inside;
use warmer_tests::server::Ask;
use warmer_tests::sources::{python, rust};
use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Server, Warmer, model, needs};

const QUERY: &str = "claim the oldest job";

/// Files of all kinds: with items, in another encoding, with a secret, skipped for several reasons.
fn files() -> Repo {
    let (mut repo, token) = (Repo::new(), format!("gh{}", "p_0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R"));
    repo.write("a.py", "def claim(job):\n    \"claim the oldest job\"\n").write("large.rs", rust(1, 6_000));
    repo.write("latin.c", b"// Gr\xf6\xdfe\nint size;\n").write("token.sh", format!("export TOKEN={token}\n"));
    repo.write("a.ipynb", r#"{"cells": [{"cell_type": "code", "source": "x = 1"}]}"#).write("empty.py", "");
    repo.write("notes.md", format!("# Jobs\n{}", "The oldest goes first.\n".repeat(60)))
        .write("lib.h", "class A {};\n");
    repo.write("image.bin", [0, 1, 2]).symlink("a.py", "link").write("again/a.py", "def claim(job):\n    pass\n");
    for number in 0..40 {
        repo.write(format!("many/{number}.py"), python(number, 900));
    }
    repo.commit("files of all kinds");
    repo
}

/// One that will vanish, and one that stays.
fn two(warmer: &Warmer) -> ([Server; 2], [Repo; 2]) {
    let (vanishing, mut staying) = (files(), Repo::new());
    staying.write("b.py", "def oldest(job): return job\n").commit("two");
    let servers = [Server::serve(vanishing.path()), Server::serve(staying.path())];
    warmer.warm(servers.iter().map(Server::url)).ran.exits(0);
    (servers, [vanishing, staying])
}

/// Another model, and another way to cut texts.
fn change(warmer: &mut Warmer) {
    model::write_toy(&warmer.model(), 2);
    warmer.set("content.chunk_size", "120");
}

fn row(warmer: &Warmer, server: &Server) -> Value {
    let all = warmer.run(["repos", "list", "--json"]).exits(0).json();
    let found = all.as_array().expect("a list").iter().find(|row| row["repository"] == server.url());
    found.expect("it is followed").clone()
}

/// Its commit, when that was published and checked.
fn freshness(row: &Value) -> [&Value; 3] {
    ["commit", "published_at", "served_at"].map(|key| &row[key])
}

/// In how many ways what is shown is cut.
fn shown(warmer: &Warmer) -> Vec<String> {
    warmer.database().query("select count(distinct served_chunking) || ' ways' from repository_served")
}

fn assert_equals_from_scratch(warmer: &Warmer, servers: &[&Server]) {
    let mut scratch = Engine::Sqlite.warmer();
    change(&mut scratch);
    scratch.warm(servers.iter().map(|server| server.url())).ran.exits(0);
    assert_eq!(warmer.database().dump_served(), scratch.database().dump_served());
    warmer.database().assert_whole();
}

#[test]
fn what_vanished_is_cut_anew_though_model_and_chunking_change_at_once() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let mut warmer = engine.warmer();
        warmer.set("claimer.attempts_max", "1");
        let ([gone, stays], _repos) = two(&warmer);
        let before = row(&warmer, &gone);
        gone.refuse(Ask::Capabilities, 404);
        change(&mut warmer);
        let warmed = warmer.warm([gone.url(), stays.url()]);
        warmed.ran.exits(1).never_says("model of before");
        let [vanished, _] = &warmed.all()[..] else { panic!("two: {:?}", warmed.ran) };
        assert_eq!((vanished.verdict(), vanished.number("/coverage/missing")), ("dead", 0), "{:?}", warmed.ran);
        assert!(vanished.embedded() > 0 && vanished.number("/blobs_read") == 0, "{:?}", warmed.ran);

        warmer.run(["search", QUERY]).exits(0).says("a.py").says("meaning").says("stale: its remote has been gone");
        warmer.run(["search", QUERY]).exits(0).never_says("without a vector").never_says("not searched");
        let after = row(&warmer, &gone);
        assert_eq!((&after["state"], freshness(&after)), (&Value::from("dead"), freshness(&before)));
        assert!(after["stale_since"].is_string() && after["coverage"]["complete"] == true, "{after}");

        // Who reaches it again reads what was only cut anew.
        gone.heal();
        if matches!(engine, Engine::Sqlite) {
            assert_equals_from_scratch(&warmer, &[&gone, &stays]);
        }
        let back = warmer.warm([gone.url()]);
        back.ran.exits(0);
        assert_eq!((back.one().verdict(), back.one().embedded()), ("warmed", 0), "{:?}", back.ran);
        assert!(back.one().number("/blobs_read") > 0, "{:?}", back.ran);
        assert_eq!(warmer.warm([gone.url()]).one().verdict(), "fresh");
        if matches!(engine, Engine::Sqlite) {
            assert_equals_from_scratch(&warmer, &[&gone, &stays]);
        }
    }
}

#[test]
fn a_daemon_that_cuts_in_another_way_tries_what_is_dead_once_and_cuts_it_anew() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let mut warmer = engine.warmer();
        warmer.set("claimer.attempts_max", "1");
        let ([gone, stays], _repos) = two(&warmer);
        gone.refuse(Ask::Capabilities, 404);
        warmer.warm([gone.url()]).ran.exits(1);
        let before = row(&warmer, &gone);
        change(&mut warmer);
        let mut daemon = Daemon::start(&warmer);
        warmer.run(["enqueue", &stays.url()]).exits(0);
        daemon.wait_for_all(&[
            "what is served was cut anew from what is stored",
            "searches use the model of this instance",
        ]);
        let complete = "select 'complete' from repository_served where not exists (select 1 from lack
            join generation on generation.id = lack.generation and generation.state = 'active')";
        engine.wait_for(&warmer, complete);
        warmer.run(["search", QUERY]).exits(0).says("a.py").says("meaning").never_says("without a vector");
        let after = row(&warmer, &gone);
        assert_eq!((&after["state"], freshness(&after)), (&Value::from("dead"), freshness(&before)));
        let ended = daemon.stop();
        assert_eq!(ended.exits(0).stderr.matches("cut anew from what is stored files").count(), 1, "{ended:?}");
    }
}

#[test]
fn what_is_paused_stays_as_it_is_until_a_person_asks() {
    needs!(GIT, Need::Runtime);
    let mut warmer = Engine::Sqlite.warmer();
    warmer.set("claimer.attempts_max", "1");
    let ([gone, stays], _repos) = two(&warmer);
    gone.refuse(Ask::Capabilities, 404);
    warmer.run(["repos", "pause", &gone.url()]).exits(0);
    change(&mut warmer);
    warmer.warm([stays.url()]).ran.exits(0).never_says("model of before");
    assert_eq!(shown(&warmer), ["2 ways"]);
    warmer.run(["repos", "list"]).exits(0).says("without a vector: none is made while it is paused");
    warmer.run(["search", QUERY]).exits(0).says("paused or still cut as before");
    warmer.run(["repos", "resume", &gone.url()]).exits(0);
    warmer.warm([gone.url()]).ran.exits(1);
    assert_eq!((shown(&warmer), &row(&warmer, &gone)["coverage"]["missing"]), (vec!["1 ways".into()], &0.into()));
}

#[test]
fn what_has_a_text_that_cannot_be_read_stays_as_it_is_and_says_so() {
    needs!(GIT, Need::Runtime);
    let mut warmer = Engine::Sqlite.warmer();
    warmer.set("claimer.attempts_max", "1");
    let ([gone, stays], _repos) = two(&warmer);
    let damage = "update artifact set envelope = x'00' where key = (select artifact from entry where path = 'lib.h')";
    assert_eq!(warmer.database().change(damage), 1);
    gone.refuse(Ask::Capabilities, 404);
    change(&mut warmer);
    let why = "what is served stays cut as it was, as the stored text of lib.h cannot be read";
    warmer.run(["warm", &gone.url(), &stays.url()]).exits(1).says(why);
    let list = warmer.run(["repos", "list"]);
    list.exits(0).says(why).says("without a vector: none is made until a refresh has cut it as texts are cut now");
    assert_eq!(shown(&warmer), ["2 ways"]);
    assert_eq!(warmer.database().counts().staged, 0);
}

#[test]
fn a_death_before_or_behind_the_publication_of_what_was_cut_anew_leaves_nothing_half() {
    needs!(GIT, Need::Runtime);
    for point in ["publishing:1", "published:1"] {
        let mut warmer = Engine::Sqlite.warmer().with_chaos_door();
        warmer.set("claimer.attempts_max", "1");
        let ([gone, stays], _repos) = two(&warmer);
        gone.refuse(Ask::Capabilities, 404);
        change(&mut warmer);
        let ledger = warmer.home().join("ledger").display().to_string();
        warmer.env("WARMER_CHAOS_LEDGER", ledger).env("WARMER_CHAOS_KILL", point);
        assert_eq!(warmer.run(["warm", &gone.url()]).code, None, "{point}: it was killed");
        let cut = "select 'cut' from served join repository on repository.id = served.repository
            join fingerprint on fingerprint.id = served.chunking group by served.repository having count(*) > 1";
        assert_eq!(warmer.database().query(cut).len(), usize::from(point == "published:1"), "{point}");
        warmer.env("WARMER_CHAOS_KILL", "claimed:99");
        warmer.warm([gone.url(), stays.url()]).ran.exits(1).never_says("model of before");
        assert_eq!(row(&warmer, &gone)["state"], "dead");
        gone.heal();
        assert_equals_from_scratch(&warmer, &[&gone, &stays]);
    }
}

/// The same machine, with chunks of another size from now on.
fn cut_in_another_way(inside: &mut Inside) {
    let chunker = Chunker::new(ChunkLimits { size: 120, ..ChunkLimits::default() });
    inside.tools.recipe.chunking = chunker.id();
    inside.tools.chunker = Arc::new(chunker);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fault_anywhere_while_it_is_cut_anew_changes_nothing_in_the_end() {
    needs!(GIT, Need::Runtime);
    let repo = files();
    let mut scratch = Inside::new().await;
    cut_in_another_way(&mut scratch);
    assert_eq!(scratch.warm(&[&repo]).await, [AttemptOutcome::Warmed]);
    let (expected, away): (_, PathBuf) = (scratch.database().dump_served(), repo.path().with_extension("away"));
    for stage in [Stage::Fetcher, Stage::Hasher, Stage::Storer] {
        for edge in [Edge::Before, Edge::After] {
            for kind in [Kind::Error, Kind::Panic] {
                let mut inside = Inside::new().await;
                assert_eq!(inside.warm(&[&repo]).await, [AttemptOutcome::Warmed]);
                let fault = Arc::new(At::new(stage, edge, kind, 1));
                inside.tools.faults = fault.clone();
                cut_in_another_way(&mut inside);
                inside.enqueue(&repo).await;
                std::fs::rename(repo.path(), &away).expect("it is moved");
                let mut line = inside.start().await;
                let mut ended = line.ended().await;
                while !ended.given_up {
                    ended = line.ended().await;
                }
                line.filled(inside.store.as_ref()).await;
                line.running.stop(Duration::ZERO).await;
                std::fs::rename(&away, repo.path()).expect("it is back");
                let what = format!("{stage:?} {edge:?} {kind:?}");
                assert_eq!((ended.outcome, fault.fired.load(SeqCst)), (AttemptOutcome::Dead, 1), "{what}");
                assert_eq!(inside.database().dump_served(), expected, "{what}");
                let counts = inside.database().counts();
                assert_eq!((counts.jobs, counts.staged), (0, 0), "{what}");
            }
        }
    }
}
