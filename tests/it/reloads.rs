//! A daemon reads its configuration again, and takes sizes of pools from the database: what is right counts, what is
//! wrong changes nothing, and nothing but numbers comes from there.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Warmer, needs};

/// What the rows of all instances say of the jobs that they take.
const CAPACITY: &str = "SELECT CAST(capacity AS TEXT) FROM instance WHERE state = 'alive'";

/// Changes the database behind everybody's back.
fn change(engine: &Engine, warmer: &Warmer, sql: &str) {
    match engine {
        Engine::Sqlite => warmer.database().change(sql),
        Engine::Postgres(postgres) => postgres.change(sql),
    };
}

fn capacity_is(engine: &Engine, warmer: &Warmer, capacity: u32) {
    engine.wait_for(warmer, &format!("{CAPACITY} AND capacity = {capacity}"));
}

#[test]
fn a_sighup_puts_in_force_what_counts_at_once_and_names_what_does_not() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, mut warmer) = (Repo::generated(2, 300, 1), engine.warmer());
        let mut daemon = Daemon::start(&warmer);
        daemon.hang_up();
        daemon.wait_for("SIGHUP: the configuration is what it was");
        let repositories = format!("[{{ url = '{}', refresh = \"1h\" }}]", repo.path().display());
        warmer.set("claimer.concurrency", "7").set("git.fetch_size_max", r#""3GiB""#);
        warmer.set("repositories", repositories).set("telemetry.log", r#""info,warmer_pipeline=debug""#);
        daemon.hang_up();
        daemon.wait_for_all(&[
            "claimer.concurrency has changed from 4 to 7",
            "SIGHUP: repositories has changed",
            "count from the next start on: git.fetch_size_max",
        ]);
        // What is followed is warmed, and more is logged than before.
        daemon.wait_for_all(&["DEBUG", "outcome=\"warmed\""]);
        capacity_is(&engine, &warmer, 7);
        for wrong in ["0", "\"many\""] {
            warmer.set("claimer.concurrency", wrong);
            daemon.hang_up();
            daemon.wait_for("SIGHUP: nothing was changed, and a restart would fail: the configuration is wrong: ");
        }
        capacity_is(&engine, &warmer, 7);
        // Whoever looks at the fleet sees it, for as long as it is so. `status` itself reads the same configuration.
        let told = "SELECT figures FROM instance_figures WHERE figures ";
        engine
            .wait_for(&warmer, &format!("{told} LIKE '%\"last_error\":\"SIGHUP: nothing was changed, and a restart%'"));
        warmer.set("claimer.concurrency", "3");
        warmer.run(["status"]).exits(0).says("Last errors:").says("SIGHUP: nothing was changed");
        daemon.hang_up();
        daemon.wait_for("claimer.concurrency has changed from 7 to 3");
        daemon.wait_for("count from the next start on: git.fetch_size_max");
        engine.wait_for(&warmer, &format!("{told} LIKE '%\"last_error\":null%'"));
        daemon.stop().exits(0).says("stopped");
    }
}

#[test]
fn a_file_that_is_swapped_behind_a_link_is_read_again_where_that_is_wanted() {
    needs!(Need::Runtime);
    let engine = Engine::Sqlite;
    let mut warmer = engine.warmer();
    warmer.set("reload.watch", "true");
    // As Kubernetes mounts a ConfigMap: the file is a link through a link, and that one is swapped.
    let (file, folder) = (warmer.config_file(), warmer.home().join("mounted"));
    let version = |number: u32| folder.join(format!("..{number}"));
    let at = |name: &str| -> PathBuf { folder.join(name) };
    for number in [1, 2] {
        std::fs::create_dir_all(version(number)).expect("a writable home");
        let text = std::fs::read_to_string(&file).expect("the configuration");
        let text = format!("claimer.concurrency = {}\n{text}", number + 1);
        std::fs::write(version(number).join("warmer.toml"), text).expect("a writable home");
    }
    symlink("..1", at("..data")).expect("a link");
    symlink("..data/warmer.toml", at("warmer.toml")).expect("a link");
    std::fs::remove_file(&file).expect("it is there");
    symlink(at("warmer.toml"), &file).expect("a link");
    let mut daemon = Daemon::start(&warmer);
    capacity_is(&engine, &warmer, 2);
    symlink("..2", at("..new")).expect("a link");
    std::fs::rename(at("..new"), at("..data")).expect("a swap");
    daemon.wait_for("a file of the configuration: claimer.concurrency has changed from 2 to 3");
    capacity_is(&engine, &warmer, 3);
    std::fs::write(version(2).join("warmer.toml"), "claimer.concurrency = 0\n").expect("a writable home");
    daemon.wait_for("a file of the configuration: nothing was changed");
    capacity_is(&engine, &warmer, 3);
    daemon.stop().exits(0);
}

#[test]
fn all_instances_read_their_own_files_when_a_command_asks_them_to() {
    needs!(Need::Runtime);
    for engine in Engine::all() {
        let (mut first, mut second) = (engine.warmer(), engine.warmer());
        let mut daemons = vec![Daemon::start(&first)];
        if matches!(engine, Engine::Postgres(_)) {
            daemons.push(Daemon::start(&second));
        }
        first.set("claimer.concurrency", "5");
        second.set("claimer.concurrency", "6").set("database.pool", "9");
        first.run(["reload"]).exits(2);
        let count = format!("{} instance", daemons.len());
        first.run(["reload", "--all"]).exits(0).says(&count);
        daemons[0].wait_for("warmer reload: claimer.concurrency has changed from 4 to 5");
        capacity_is(&engine, &first, 5);
        if let Some(second) = daemons.get_mut(1) {
            second.wait_for("warmer reload: claimer.concurrency has changed from 4 to 6");
            second.wait_for("count from the next start on: database.pool");
        }
        for daemon in daemons {
            daemon.stop().exits(0);
        }
    }
}

/// It waits for its first job then, and is not among those that are told to be asked.
#[test]
fn an_instance_that_is_asked_before_it_has_started_reads_its_file_again() {
    needs!(Need::Runtime);
    for engine in Engine::all() {
        let mut warmer = engine.warmer();
        warmer.set("claimer.start_delay", r#""2s""#);
        let mut daemon = Daemon::begin(&warmer);
        daemon.wait_for("waiting 2s before the first job");
        warmer.set("claimer.concurrency", "5");
        warmer.run(["reload", "--all"]).exits(0);
        daemon.wait_for("warmer reload: claimer.concurrency has changed from 4 to 5");
        daemon.stop().exits(0);
    }
}

#[test]
fn slots_are_the_fleets_and_one_instance_that_is_behind_or_ahead_changes_nothing() {
    needs!(Need::Runtime);
    let slots = |warmer: &Warmer| warmer.run(["status", "--json"]).exits(0).json()["slots"].clone();
    let mut alone = Engine::Sqlite.warmer();
    let mut daemon = Daemon::start(&alone);
    assert_eq!(slots(&alone), 24);
    alone.set("claimer.slots", "9");
    daemon.hang_up();
    daemon.wait_for("claimer.slots has changed from 24 to 9: it counts once no instance");
    Engine::Sqlite.wait_for(&alone, "SELECT 'set' FROM fleet WHERE slots = 9");
    daemon.stop().exits(0);

    let Some(engine) = Engine::all().find(|engine| matches!(engine, Engine::Postgres(_))) else { return };
    let (mut ahead, mut behind) = (engine.warmer(), engine.warmer());
    let (mut first, mut second) = (Daemon::start(&ahead), Daemon::start(&behind));
    ahead.set("claimer.slots", "9");
    first.hang_up();
    first.wait_for("claimer.slots (here 9, there 24). Its slots count");
    assert_eq!(slots(&ahead), 24, "the other runs by what was before");
    behind.set("claimer.slots", "9");
    second.hang_up();
    engine.wait_for(&ahead, "SELECT 'set' FROM fleet WHERE slots = 9");
    behind.set("claimer.slots", "24");
    second.hang_up();
    second.wait_for("claimer.slots (here 24, there 9). Its slots count");
    assert_eq!(slots(&ahead), 9, "an older value changes nothing");
    for daemon in [first, second] {
        daemon.stop().exits(0);
    }
}

#[test]
fn sizes_are_taken_within_the_instances_bound_and_end_with_their_time() {
    needs!(Need::Runtime);
    for engine in Engine::all() {
        let mut warmer = engine.warmer();
        warmer.set("tune.max", "6").set("hasher.workers", "2");
        warmer.run(["tune", "hasher=3"]).exits(1);
        let mut daemon = Daemon::start(&warmer);
        warmer.run(["tune", "hasher=3", "--instance", "nowhere"]).exits(1).says("no instance nowhere is running");
        warmer.run(["tune", "git.ssh_command=3"]).exits(2).says("expected STAGE=N");
        let empty = warmer.run(["tune", "hasher=3", "--instance", ""]);
        empty.exits(2).says("without --instance all instances are meant");
        warmer.run(["tune", "hasher=3", "hasher=4"]).exits(2).says("the stage hasher is named twice");
        // It does not wait for the end of a time in which nothing is another than before.
        let same = warmer.run(["tune", "hasher=2", "--for", "1h"]);
        same.exits(0).says("Judgement: not known").says("no pool has another size: nothing to judge");
        warmer.run(["tune", "--end"]).exits(0).says("1 size ended");
        let tuned = warmer.run(["tune", "hasher=900", "storer=1", "--for", "1h", "--no-wait", "--json"]);
        let tuned = tuned.exits(0).says("taken by 1 of 1 instance").json();
        // Nothing is to be done in this fleet.
        assert_eq!((&tuned["verdict"], &tuned["idle"]), (&"unknown".into(), &1.0.into()), "{tuned}");
        let pools = tuned["instances"].clone();
        let pools = pools.as_array().expect("a list");
        let workers: Vec<_> = pools.iter().map(|pool| (&pool["stage"], &pool["workers"])).collect();
        assert_eq!(workers[0], (&"hasher".into(), &serde_json::json!([2, 6])), "{workers:?}");
        assert_eq!((workers[1].0, &workers[1].1[1]), (&"storer".into(), &1.into()), "{workers:?}");
        assert!(pools.iter().all(|pool| pool["memory_bytes"][1].as_u64().is_some_and(|bytes| bytes > 0)));
        assert_eq!(pools[0]["asked"], 900);
        daemon.wait_for("the pool hasher has 6 workers of 900 ([tune] max) instead of 2 for ");
        let sentence = "the pool hasher has 6 workers of 900 (the most here, by [tune] max) instead of 2";
        warmer.run(["status"]).exits(0).says(sentence).says("and ends that in 5");
        let sizes = warmer.run(["status", "--json"]).exits(0).json()["instances"][0]["tuned"].clone();
        assert_eq!((&sizes[0]["workers"], &sizes[0]["asked"]), (&serde_json::json!([2, 6]), &900.into()), "{sizes}");
        assert!(sizes[1]["stage"] == "storer" && sizes[1]["set_by"].is_string(), "{sizes}");
        let again = warmer.run(["tune", "hasher=7", "--no-wait"]);
        again.exits(0).says("7 were asked for: 6 is the bound there ([tune] max; \"auto\" goes by cores and memory)");
        again.says("no pool has another size ([tune] max has no room for more workers of hasher): nothing to judge");
        warmer.run(["tune", "--end"]).exits(0).says("3 sizes ended");
        daemon.wait_for("the pool hasher has as many workers again as are configured");
        assert_eq!(warmer.run(["status", "--json"]).exits(0).json()["instances"][0]["tuned"], serde_json::json!([]));
        daemon.stop().exits(0);
    }
}

/// Whoever can write to the database could ask every instance for something.
#[test]
fn who_writes_to_the_database_sets_no_program_url_or_path_by_it() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (repo, warmer) = (Repo::generated(2, 300, 1), engine.warmer());
        let mut daemon = Daemon::start(&warmer);
        let proof = warmer.home().join("proof");
        let before = warmer.run(["config", "show"]).exits(0).stdout.clone();
        let id = if matches!(engine, Engine::Sqlite) { "randomblob(16)" } else { "gen_random_uuid()" };
        for (stage, set_by) in [
            (format!("git.ssh_command = touch {}", proof.display()), "git.ssh_command"),
            ("runtime.library".to_owned(), "/tmp/evil.so"),
            ("database.url".to_owned(), "postgres://evil.example.com/w"),
            ("webhooks.listen = \"0.0.0.0:1\"".to_owned(), "\u{1b}[2J"),
        ] {
            let stage = stage.replace('\'', "''");
            change(
                &engine,
                &warmer,
                &format!(
                    "INSERT INTO tune (id, stage, workers, instance, set_by, set_at, until)
                     SELECT {id}, '{stage}', 2147483647, '', '{set_by}', now, now + 3600000000 FROM clock"
                ),
            );
        }
        change(&engine, &warmer, "UPDATE reload SET number = 4611686018427387904");
        for _ in 0..4 {
            daemon.wait_for("an order in the database names no stage of the pipeline");
        }
        let path = repo.path().display().to_string();
        warmer.run(["repos", "add", &path, "--refresh", "never"]).exits(0);
        warmer.run(["enqueue", &path]).exits(0);
        daemon.wait_for("outcome=\"warmed\"");
        assert!(!proof.exists());
        assert_eq!(warmer.run(["config", "show"]).exits(0).stdout, before);
        let ran = daemon.stop();
        ran.exits(0).never_says("evil").never_says("\u{1b}[2J").never_says("workers instead");
    }
}
