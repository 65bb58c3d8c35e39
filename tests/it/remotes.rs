//! Servers that refuse, fail, hang, move or break off: a sentence, a verdict, an exit code; and nothing else suffers.

use warmer_tests::server::{Ask, Fault};
use warmer_tests::sources::rust;
use warmer_tests::{GIT, Need, Repo, Server, Warmed, Warmer, needs};

/// A warmer that may fetch from the servers of these tests.
fn warmer() -> Warmer {
    let mut warmer = Warmer::toy();
    warmer.set("git.protocols", r#"["file", "http"]"#);
    warmer
}

/// It did not work out, for this time or for good, and says why.
fn assert_ends(warmed: &Warmed, verdict: &str, code: i32, words: &[&str]) {
    warmed.ran.exits(code);
    let summary = warmed.one();
    assert_eq!(summary.verdict(), verdict, "{:?}", warmed.ran);
    for word in words {
        assert!(summary.error().contains(word), "no {word:?} in {:?}", summary.error());
    }
    assert!(summary.error().lines().count() == 1, "one sentence: {:?}", summary.error());
}

#[test]
fn refusals_are_for_good_and_failures_for_now() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (Repo::generated(2, 500, 1), warmer());
    let server = Server::serve(repo.path());
    for (status, verdict, code, words) in [
        (401, "dead", 1, ["credentials", "127.0.0.1"]),
        (404, "dead", 1, ["no repository", "URL"]),
        (500, "retry", 75, ["cannot reach", "500"]),
        (503, "retry", 75, ["cannot reach", "503"]),
    ] {
        server.refuse(Ask::Capabilities, status);
        assert_ends(&warmer.warm([server.url()]), verdict, code, &words);
        server.heal();
    }
    let warmed = warmer.warm([server.url()]);
    assert_eq!((warmed.one().verdict(), warmed.one().commit()), ("warmed", repo.tip()));
}

#[test]
fn a_host_that_is_not_there_is_for_now() {
    needs!(GIT, Need::Runtime);
    let warmer = warmer();
    let url = {
        let repo = Repo::generated(1, 100, 1);
        Server::serve(repo.path()).url()
    };
    assert_ends(&warmer.warm([url]), "retry", 75, &["cannot reach", "127.0.0.1"]);
}

#[test]
fn one_bad_remote_does_not_hold_up_the_others() {
    needs!(GIT, Need::Runtime);
    let (good, bad, warmer) = (Repo::generated(5, 500, 1), Repo::generated(5, 500, 2), warmer());
    let server = Server::serve(bad.path());
    server.refuse(Ask::Objects, 500);
    let good_path = good.path().display().to_string();
    let warmed = warmer.warm([&server.url(), &good_path]);
    warmed.ran.exits(75);
    let verdicts: Vec<_> = warmed.all().iter().map(|summary| summary.verdict().to_owned()).collect();
    assert_eq!(verdicts, ["retry", "warmed"]);
    warmer.database().assert_whole();
}

#[test]
fn a_truncated_pack_is_fetched_again_another_time() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::generated(30, 2_000, 1), warmer());
    let server = Server::serve(repo.path());
    for bytes in [0, 100, 5_000] {
        repo.write("more.rs", rust(bytes as u64 + 90, 60_000)).commit("more");
        // Whoever tries again at once meets the same.
        (0..4).for_each(|_| server.fault(Ask::Objects, Fault::Truncate(bytes)));
        let warmed = warmer.warm([server.url()]);
        assert_eq!((warmed.ran.code, warmed.one().verdict()), (Some(75), "retry"), "{:?}", warmed.ran);
        server.heal();
        assert_eq!(warmer.warm([server.url()]).one().commit(), repo.tip());
    }
    warmer.database().assert_whole();
}

#[test]
fn the_commit_received_is_the_one_served() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::generated(5, 500, 1), warmer());
    let server = Server::serve(repo.path());
    let first = repo.tip().to_owned();
    for (ask, message) in [(Ask::Refs, "between the check and the fetch"), (Ask::Objects, "while it is fetched")] {
        let later = repo.write("later.rs", rust(70, 500)).amend(message);
        repo.reset(&first);
        // The check lists refs once, and so does the fetch: the push comes before the second listing, or still later.
        if ask == Ask::Refs {
            server.fault(Ask::Refs, Fault::Meanwhile(Box::new(|| ())));
        }
        server.fault(ask, repo.push_later(&later));
        let warmed = warmer.warm([server.url()]);
        let served = warmed.one().commit().to_owned();
        assert!(served == later || (ask == Ask::Objects && served == first), "{message}: {:?}", warmed.ran);
        assert_eq!(warmer.database().query("select served_commit from repository_served"), [served]);
        warmer.database().assert_whole();
        repo.reset(&later);
        assert_eq!(warmer.warm([server.url()]).one().commit(), later);
        repo.reset(&first);
    }
}

#[test]
fn a_server_that_hangs_is_given_up_at_the_deadline() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(2, 500, 1), warmer());
    warmer.set("fetcher.deadline", r#""500ms""#);
    let server = Server::serve(repo.path());
    for ask in [Ask::Refs, Ask::Objects] {
        server.fault(ask, Fault::Hang);
        let warmed = warmer.warm([server.url()]);
        assert_eq!((warmed.ran.code, warmed.one().verdict()), (Some(75), "retry"), "{ask:?}: {:?}", warmed.ran);
        server.heal();
    }
    assert_eq!(warmer.warm([server.url()]).one().verdict(), "warmed");
}

#[test]
fn a_protocol_that_is_not_allowed_is_refused() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (Repo::generated(1, 100, 1), Warmer::toy());
    let server = Server::serve(repo.path());
    let ran = warmer.run(["warm", &server.url()]);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    ran.says("http").says("configuration");
    assert_eq!(server.asked().capabilities, 0, "not even asked");
}

#[test]
fn a_repository_that_is_too_large_is_refused() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(60, 20_000, 1), warmer());
    warmer.set("git.fetch_size_max", r#""64KiB""#);
    let server = Server::serve(repo.path());
    let warmed = warmer.warm([server.url()]);
    assert_ends(&warmed, "dead", 1, &["fetch"]);
}
