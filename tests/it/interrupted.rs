//! An end half-way, by Ctrl-C or by kill -9, loses nothing that was stored: the next run embeds the rest.

use rustix::process::Signal;
use warmer_tests::server::{Ask, Fault};
use warmer_tests::{GIT, Need, needs};
use warmer_tests::{Ran, Repo, Running, Server, Traces, Warmer};

/// Enough files that a warm is far from its end when the first of them are stored.
const FILES: usize = 600;

/// Warms in one piece what was warmed in two, and compares.
fn assert_only_the_rest_was_embedded(warmer: &Warmer, repo: &Repo) {
    let stored = u64::try_from(warmer.database().counts().vectors).expect("a count");
    assert_eq!(
        warmer.database().query("select served_commit from repository_served where served_commit is not null").len(),
        0
    );
    let undisturbed = Warmer::toy();
    let all = undisturbed.warm([repo.path()]);
    assert!((1..all.one().embedded()).contains(&stored), "{stored} of {}", all.one().embedded());
    let rest = warmer.warm([repo.path()]);
    rest.ran.exits(0);
    assert_eq!((rest.one().verdict(), rest.one().embedded()), ("warmed", all.one().embedded() - stored));
    assert_eq!(warmer.database().dump_served(), undisturbed.database().dump_served());
    warmer.database().assert_whole();
}

/// Starts a warm and ends it by `end` as soon as it has stored something.
pub(crate) fn warm_until_stored(warmer: &mut Warmer, repo: &Repo, end: impl FnOnce(Running) -> Ran) -> Ran {
    let traces = Traces::receive();
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint()).env("OTEL_BSP_SCHEDULE_DELAY", "10");
    let running = warmer.spawn(["warm".as_ref(), repo.path().as_os_str()]);
    traces.wait_until(|spans| spans.iter().any(|span| span.name == "stage store"));
    end(running)
}

#[test]
fn a_killed_warm_is_taken_up_where_it_was() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(FILES, 1_500, 1), Warmer::toy());
    let ran = warm_until_stored(&mut warmer, &repo, Running::kill);
    assert_eq!(ran.signal, Some(9));
    assert_only_the_rest_was_embedded(&warmer, &repo);
}

#[test]
fn an_interrupted_warm_ends_orderly_and_is_taken_up_where_it_was() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(FILES, 1_500, 1), Warmer::toy());
    let ran = warm_until_stored(&mut warmer, &repo, |running| {
        running.interrupt();
        running.finish()
    });
    ran.exits(130).says("what was stored stays");
    assert_eq!(warmer.database().query("select 'job' from job where state = 'running'").len(), 0);
    assert_eq!(warmer.database().query("select 'crash' from job where crashes > 0").len(), 0);
    assert_only_the_rest_was_embedded(&warmer, &repo);
}

/// By an order, or with the terminal that it was started from.
#[test]
fn a_terminated_warm_hands_its_job_back_and_says_by_which_signal_it_ended() {
    needs!(GIT, Need::Runtime);
    for signal in [Signal::TERM, Signal::HUP] {
        let (repo, mut warmer) = (Repo::generated(FILES, 1_500, 1), Warmer::toy());
        let ran = warm_until_stored(&mut warmer, &repo, |running| {
            running.signal(signal);
            running.finish()
        });
        ran.exits(143);
        let back = "select 'job' from job where state = 'queued' and attempt = 0 and not rescued";
        assert_eq!(warmer.database().query(back).len(), 1, "{signal:?}");
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
