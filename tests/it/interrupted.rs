//! An end half-way, by Ctrl-C or by kill -9, loses nothing that was stored: the next run reads and embeds the rest.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use warmer_tests::server::{Ask, Fault};
use warmer_tests::{Database, Ran, Repo, Running, Server, Summary, Traces, Warmed, Warmer};
use warmer_tests::{GIT, Need, needs};

/// Enough files that a warm is far from its end when the first of them are stored.
const FILES: usize = 600;
/// Longer than a warm takes until it has stored something.
const HANG: Duration = Duration::from_mins(1);

/// What a warm stores: first the files, which are served then, and after that their vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    Files,
    Vectors,
}

impl Stored {
    const BOTH: [Self; 2] = [Self::Files, Self::Vectors];

    /// How much of it a database has.
    fn count(self, database: &Database) -> i64 {
        let counts = database.counts();
        match self {
            Self::Files => counts.known_blobs,
            Self::Vectors => counts.vectors,
        }
    }
}

/// Warms in one piece; gives what that did.
fn undisturbed(repo: &Repo) -> (Warmer, Warmed) {
    let warmer = Warmer::toy();
    let all = warmer.warm([repo.path()]);
    (warmer, all)
}

/// Does the second half of a warm whose first was ended while it stored this, and compares with one in one piece.
fn assert_only_the_rest_was_done(
    warmer: &Warmer,
    repo: &Repo,
    interrupted: Stored,
    (undisturbed, all): &(Warmer, Warmed),
) {
    let number = |count: i64| u64::try_from(count).expect("a count");
    let (database, served) = (warmer.database(), "select 'served' from repository_served where served_commit <> ''");
    let (counts, served) = (database.counts(), database.query(served).len());
    let rest = warmer.warm([repo.path()]);
    rest.ran.exits(0);
    let (all, rest) = (all.one(), rest.one());
    let (blobs, vectors) = (number(counts.known_blobs), number(counts.vectors));
    let done = |warmed: Summary<'_>| (warmed.number("/blobs_read"), warmed.embedded());
    let (all_blobs, all_vectors) = done(all);
    match interrupted {
        Stored::Files => {
            assert_eq!((served, vectors, rest.verdict()), (0, 0, "warmed"));
            assert!((1..all_blobs).contains(&blobs), "{blobs} of {all_blobs}");
            assert_eq!(done(rest), (all_blobs - blobs, all_vectors));
        }
        Stored::Vectors => {
            assert_eq!((served, blobs, rest.verdict()), (1, all_blobs, "fresh"), "served before its vectors");
            assert!((1..all_vectors).contains(&vectors), "{vectors} of {all_vectors}");
            assert_eq!(done(rest), (0, all_vectors - vectors));
        }
    }
    assert_eq!(database.dump_served(), undisturbed.database().dump_served());
    database.assert_whole();
}

/// Starts a warm and ends it by `end` as soon as it has stored some of this.
fn warm_until_stored(warmer: &mut Warmer, repo: &Repo, some: Stored, end: impl FnOnce(Running) -> Ran) -> Ran {
    let stored = |warmer: &Warmer| {
        let (database, until) = (warmer.database(), Instant::now() + HANG);
        while some.count(&database) == 0 {
            assert!(Instant::now() < until, "nothing is stored: {some:?}");
        }
    };
    warm_until(warmer, repo, stored, end)
}

/// Starts a warm and ends it by `end` as soon as `stored` returns, which is asked when there is a database.
pub(crate) fn warm_until(
    warmer: &mut Warmer,
    repo: &Repo,
    stored: impl FnOnce(&Warmer),
    end: impl FnOnce(Running) -> Ran,
) -> Ran {
    let traces = Traces::receive();
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint()).env("OTEL_BSP_SCHEDULE_DELAY", "10");
    let running = warmer.spawn(["warm".as_ref(), repo.path().as_os_str()]);
    // Spans of stages come when the attempt has ended; that of the claim tells that there is a database.
    traces.wait_until(|spans| spans.iter().any(|span| span.name == "receive warm_jobs"));
    stored(warmer);
    end(running)
}

#[test]
fn a_killed_warm_is_taken_up_where_it_was() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(FILES, 1_500, 1);
    let undisturbed = undisturbed(&repo);
    for some in Stored::BOTH {
        let mut warmer = Warmer::toy();
        let ran = warm_until_stored(&mut warmer, &repo, some, Running::kill);
        assert_eq!(ran.signal, Some(9));
        assert_only_the_rest_was_done(&warmer, &repo, some, &undisturbed);
    }
}

#[test]
fn an_interrupted_warm_ends_orderly_and_is_taken_up_where_it_was() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(FILES, 1_500, 1);
    let undisturbed = undisturbed(&repo);
    for some in Stored::BOTH {
        let mut warmer = Warmer::toy();
        let ran = warm_until_stored(&mut warmer, &repo, some, |running| {
            running.interrupt();
            running.finish()
        });
        ran.exits(130).says("what was stored stays");
        assert_eq!(warmer.database().query("select 'job' from job where state = 'running'").len(), 0);
        assert_eq!(warmer.database().query("select 'crash' from job where crashes > 0").len(), 0);
        assert_only_the_rest_was_done(&warmer, &repo, some, &undisturbed);
    }
}

/// By an order, or with the terminal that it was started from.
#[test]
fn a_terminated_warm_hands_its_job_back_and_says_by_which_signal_it_ended() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(FILES, 1_500, 1);
    let signals = [Signal::TERM, Signal::HUP].into_iter();
    for (signal, some) in signals.flat_map(|signal| Stored::BOTH.map(|some| (signal, some))) {
        let mut warmer = Warmer::toy();
        let ran = warm_until_stored(&mut warmer, &repo, some, |running| {
            running.signal(signal);
            running.finish()
        });
        ran.exits(143);
        let database = warmer.database();
        assert!(!database.query("select 'job' from job").is_empty(), "{signal:?} {some:?}");
        let other = "select 'job' from job where state <> 'queued' or attempt > 0 or rescued";
        assert_eq!(database.query(other).len(), 0, "{signal:?} {some:?}");
    }
}

/// The fetch hangs; the kill leaves whatever git left there.
#[test]
fn a_warm_killed_while_it_fetches_leaves_nothing_in_the_way() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(20, 1_000, 1);
    let server = Server::serve(repo.path());
    let mut warmer = Warmer::toy();
    warmer.set("git.protocols", r#"["http"]"#);
    server.fault(Ask::Objects, Fault::Hang);
    let running = warmer.spawn(["warm", &server.url()]);
    server.wait_for(Ask::Objects);
    running.kill();
    server.heal();
    let warmed = warmer.warm([server.url()]);
    warmed.ran.exits(0);
    assert_eq!((warmed.one().verdict(), warmed.one().commit()), ("warmed", repo.tip()));
}

/// Locks and half-written packs, as a fetch killed at its worst moment leaves them.
#[test]
fn a_littered_mirror_is_swept() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::generated(5, 500, 1), Warmer::toy());
    warmer.warm([repo.path()]).ran.exits(0);
    let mirrors = warmer.data().join("mirrors");
    for mirror in std::fs::read_dir(&mirrors).expect("mirrors").flatten().filter(|entry| entry.path().is_dir()) {
        for litter in
            ["shallow.lock", "config.lock", "packed-refs.lock", "objects/pack/tmp_pack_x", "objects/pack/.tmp1"]
        {
            let file = mirror.path().join(litter);
            if file.parent().is_some_and(std::path::Path::is_dir) {
                std::fs::write(file, "litter").expect("a writable mirror");
            }
        }
    }
    repo.write("new.rs", "fn new() {}\n").commit("two");
    assert_eq!(warmer.warm([repo.path()]).one().commit(), repo.tip());
}
