//! `warm` ends whatever becomes of its jobs, though the pipeline here does not tell it.

use warmer_tests::server::{Ask, Fault};
use warmer_tests::{Engine, GIT, Need, Repo, Running, Server, Warmer, needs};

/// A server that answers whether there is something new, and no more.
fn hanging(repo: &Repo) -> Server {
    let server = Server::serve(repo.path());
    server.fault(Ask::Objects, Fault::Hang);
    server
}

/// Begins to warm these, and is in the middle of the first.
fn in_the_middle(warmer: &Warmer, servers: &[&Server]) -> Running {
    let urls: Vec<String> = servers.iter().map(|server| server.url()).collect();
    let running = warmer.spawn(std::iter::once("warm").chain(urls.iter().map(String::as_str)));
    servers[0].wait_for(Ask::Objects);
    running
}

#[test]
fn jobs_that_a_person_takes_out_are_not_waited_for() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (running, queued) = (Repo::generated(3, 300, 1), Repo::generated(3, 300, 2));
        let (running, queued) = (hanging(&running), hanging(&queued));
        let mut warmer = engine.warmer();
        warmer.set("claimer.concurrency", "1");
        let warming = in_the_middle(&warmer, &[&running, &queued]);
        let list = warmer.run(["jobs", "list", "--json"]).exits(0).json();
        for job in list["jobs"].as_array().expect("a list") {
            warmer.run(["jobs", "cancel", &job["id"].to_string()]).exits(0);
        }
        warming.finish().exits(75).says("cancelled");
    }
}

#[test]
fn a_repository_that_is_removed_is_not_waited_for() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, warmer) = (Repo::generated(3, 300, 1), engine.warmer());
        let server = Server::serve(repo.path());
        let mut remove = warmer.command();
        remove.args(["repos", "remove", &server.url()]);
        let removed = move || assert!(remove.status().expect("it starts").success());
        server.fault(Ask::Objects, Fault::Meanwhile(Box::new(removed)));
        warmer.run(["warm", &server.url()]).exits(75).says("no longer in the queue");
    }
}

/// Its own attempt went back for want of a slot; another instance then made the next one.
#[test]
fn a_job_that_another_instance_ends_after_us_is_answered() {
    needs!(GIT, Need::Runtime);
    let Some(engine) = Engine::all().find(|engine| matches!(engine, Engine::Postgres(_))) else { return };
    let Engine::Postgres(postgres) = &engine else { unreachable!("it is that one") };
    let (holding, waiting) = (Repo::generated(3, 300, 1), Repo::generated(3, 300, 2));
    let (server, other) = (hanging(&holding), Server::serve(waiting.path()));
    let mut warmer = engine.warmer();
    warmer.set("claimer.slots", "1");
    let holder = in_the_middle(&warmer, &[&server]);
    let warming = warmer.spawn(["warm", &other.url()]);
    postgres.wait_for("SELECT 'back' FROM attempt WHERE outcome = 'deferred'");
    let ended = "
        WITH done AS (DELETE FROM job WHERE state = 'queued' AND kind = 0 RETURNING *)
        INSERT INTO attempt (job, repository, number, claim, outcome, queued_at, started_at, ended_at)
        SELECT id, repository, attempt + 1, gen_random_uuid(), 'fresh', run_at, now, now FROM done, clock";
    assert_eq!(postgres.change(ended), 1);
    warming.finish().exits(0).says("fresh");
    holder.interrupt();
    holder.finish().exits(130);
}

#[test]
fn attempts_that_only_went_back_are_not_counted_and_seconds_end_with_the_job() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (quick, slow, mut warmer) = (Repo::generated(3, 300, 1), Repo::generated(3, 300, 2), engine.warmer());
        let (quick, server) = (Server::serve(quick.path()), Server::serve(slow.path()));
        // One place is for checks, so the second job goes back until the first is done.
        warmer.set("claimer.concurrency", "2");
        let mut list = warmer.command();
        list.args(["jobs", "list"]);
        let (has_place, place_is_taken) = std::sync::mpsc::channel();
        let deferred = move || {
            has_place.send(()).expect("the other waits for it");
            let said = || String::from_utf8_lossy(&list.output().expect("it starts").stdout).contains("deferred");
            assert!(std::iter::repeat_with(said).take(2_000).any(|said| said), "the second never went back");
        };
        quick.fault(Ask::Objects, Fault::Meanwhile(Box::new(deferred)));
        server.fault(Ask::Capabilities, Fault::Meanwhile(Box::new(move || place_is_taken.recv().expect("it is sent"))));
        let warmed = warmer.warm([quick.url(), server.url()]);
        warmed.ran.exits(0);
        let summaries = warmed.all();
        let attempts: Vec<_> = summaries.iter().map(|summary| summary.number("/attempts")).collect();
        assert_eq!(attempts, [1, 1], "{:?}", warmed.ran);
        let seconds: Vec<_> = warmed.ran.json()["repositories"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| one["seconds"].as_f64())
            .collect();
        assert!(seconds[0] < seconds[1], "the first was done before the second began to fetch: {seconds:?}");
    }
}
