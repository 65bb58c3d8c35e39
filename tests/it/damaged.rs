//! Databases, disks, models and libraries that are broken: one sentence that names the file and the way out.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::Command;

use warmer_tests::process::quoted;
use warmer_tests::{Engine, GIT, Need, Ran, Repo, Warmer, model, needs};

fn assert_one_sentence(ran: &Ran, code: i32, words: &[&str]) {
    ran.exits(code);
    for word in words {
        ran.says(word);
    }
    ran.never_says("panicked").never_says("RUST_BACKTRACE");
}

fn warm(warmer: &Warmer, repo: &Repo) -> Ran {
    warmer.run(["warm".as_ref(), repo.path().as_os_str()])
}

fn truncate(file: &Path, bytes: u64) {
    File::options().write(true).open(file).expect("a writable file").set_len(bytes).expect("a writable file");
}

#[test]
fn a_damaged_database_is_named_with_the_way_out() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (Repo::generated(20, 2_000, 1), Warmer::toy());
    warm(&warmer, &repo).exits(0);
    let file = warmer.database_file();
    let whole = std::fs::read(&file).expect("a readable file");
    for damage in ["no database", "half of it", "rubbish inside"] {
        for beside in ["-wal", "-shm"] {
            std::fs::remove_file(format!("{}{beside}", file.display())).ok();
        }
        let mut bytes = whole.clone();
        match damage {
            "no database" => bytes = b"this is no database, whatever its name says".repeat(100),
            "half of it" => bytes.truncate(whole.len() / 2),
            _ => bytes[4_096..].iter_mut().for_each(|byte| *byte ^= 0x55),
        }
        std::fs::write(&file, bytes).expect("a writable file");
        let ran = warm(&warmer, &repo);
        assert!(!matches!(ran.code, Some(0) | None), "{damage}: {ran:?}");
        ran.says("warmer.sqlite").says("damaged").says("move").never_says("panicked");
        let read = warmer.run(["status"]);
        assert!(!matches!(read.code, None | Some(101)), "{damage}: {read:?}");
        read.never_says("panicked");
    }
    std::fs::remove_file(&file).expect("our own file");
    assert_eq!(warmer.warm([repo.path()]).one().verdict(), "warmed", "the way out works");
}

/// The pages of one index of the jobs: claims need it, and whatever else is asked of the file works.
fn damage_index(warmer: &Warmer, name: &str) {
    let root = format!("select cast(rootpage as text) from sqlite_schema where type = 'index' and name = '{name}'");
    let database = warmer.database();
    database.change("pragma wal_checkpoint(truncate)");
    let page: u64 = database.query(&root).remove(0).parse().expect("a page's number");
    let size: u64 =
        database.query("select cast(page_size as text) from pragma_page_size").remove(0).parse().expect("bytes");
    let mut file = File::options().write(true).open(warmer.database_file()).expect("a writable file");
    file.seek(SeekFrom::Start((page - 1) * size)).expect("within the file");
    file.write_all(&vec![0xff; usize::try_from(size).expect("bytes")]).expect("a writable file");
}

#[test]
fn a_damaged_index_of_the_queue_ends_a_warm_and_a_daemon_with_the_way_out() {
    needs!(GIT, Need::Runtime);
    for (command, index) in [
        ("warm", "job_claim"),
        ("warm", "job_running"),
        ("warm", "job_order"),
        ("run", "job_order"),
        ("run", "job_running"),
    ] {
        let (repo, warmer) = (Repo::generated(2, 500, 1), Engine::Sqlite.warmer());
        let path = repo.path().display().to_string();
        warm(&warmer, &repo).exits(0);
        if command == "run" {
            warmer.run(["enqueue", &path]).exits(0);
        }
        damage_index(&warmer, index);
        let ran = warmer.run(if command == "warm" { vec!["warm", &path] } else { vec!["run"] });
        assert_one_sentence(&ran, 1, &["warmer.sqlite is damaged: move it away"]);
    }
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
    warm(&warmer, &repo).exits(0);
    warmer.database().change(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
            values (9999, 'from the future', true, x'00', 0)",
    );
    let ran = warm(&warmer, &repo);
    assert!(!matches!(ran.code, Some(0) | None), "{ran:?}");
    ran.says("newer").never_says("panicked");
}

#[test]
fn a_model_that_is_missing_truncated_or_of_another_kind_is_named() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(2, 500, 1);
    let broken = |file: &str, how: &dyn Fn(&Path)| {
        let warmer = Warmer::toy();
        how(&warmer.model().join(file));
        let ran = warm(&warmer, &repo);
        ran.says(file);
        assert_one_sentence(&ran, 69, &["model"]);
    };
    let remove = |file: &Path| std::fs::remove_file(file).expect("the toy model has it");
    broken("onnx/model.onnx", &remove);
    broken("tokenizer.json", &remove);
    broken("onnx/model.onnx", &|file| truncate(file, 1_000));
    broken("tokenizer.json", &|file| truncate(file, 1_000));
    broken("1_Pooling/config.json", &|file| std::fs::write(file, "{").expect("a writable file"));
    let mut nowhere = Warmer::toy();
    nowhere.set("model.path", "'/nowhere/model'");
    assert_one_sentence(&warm(&nowhere, &repo), 69, &["/nowhere/model", "warmer setup"]);
}

#[test]
fn a_runtime_that_is_missing_or_no_library_is_named() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
    warmer.set("runtime.library", "'/nowhere/libonnxruntime.so'");
    assert_one_sentence(&warm(&warmer, &repo), 69, &["/nowhere/libonnxruntime.so", "warmer setup"]);
    let library = warmer.home().join("libonnxruntime.so");
    std::fs::write(&library, "no library").expect("a writable home");
    warmer.set("runtime.library", quoted(&library));
    assert_one_sentence(&warm(&warmer, &repo), 69, &["libonnxruntime.so", "[runtime]"]);
    std::fs::copy(model::runtime_library(), &library).expect("a writable home");
    truncate(&library, 100_000);
    assert_one_sentence(&warm(&warmer, &repo), 69, &["libonnxruntime.so", "[runtime]"]);
}

/// A library that says of itself that it is ONNX Runtime 1.10: the C interface begins with these two functions.
#[test]
fn a_runtime_that_is_too_old_is_named() {
    needs!(GIT, Need::Runtime, Need::Program("cc"));
    let (repo, mut warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
    let (source, library) = (warmer.home().join("old.c"), warmer.home().join("libonnxruntime.so"));
    let code = r#"
        static const void *get_api(unsigned version) { return 0; }
        static const char *get_version(void) { return "1.10.0"; }
        static const struct { const void *(*api)(unsigned); const char *(*version)(void); } base =
            { get_api, get_version };
        const void *OrtGetApiBase(void) { return &base; }
    "#;
    std::fs::write(&source, code).expect("a writable home");
    let mut compiler = Command::new("cc");
    let compiled = compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status().expect("cc starts");
    assert!(compiled.success(), "cc compiles it");
    warmer.set("runtime.library", quoted(&library));
    assert_one_sentence(&warm(&warmer, &repo), 69, &["libonnxruntime.so", "1.10", "needed"]);
}

#[test]
fn a_full_disk_is_one_sentence_and_no_crash() {
    needs!(GIT, Need::Runtime, Need::SmallDisk);
    let (repo, warmer) = (Repo::generated(300, 4_000, 1), Warmer::toy());
    for bytes in [64 << 10, 1 << 20, 2 << 20] {
        let ran = warmer.run_on_small_disk(bytes, ["warm".as_ref(), repo.path().as_os_str()]);
        assert!(matches!(ran.code, Some(1 | 69 | 75)), "{bytes}: {ran:?}");
        ran.says("no space").never_says("panicked");
    }
    let enough = warmer.run_on_small_disk(64 << 20, ["warm".as_ref(), repo.path().as_os_str()]);
    enough.exits(0).says("warmed");
}

#[test]
fn what_could_not_be_embedded_is_when_the_model_is_back() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(2, 500, 1), Warmer::toy());
    warmer.set("runtime.library", "'/nowhere/libonnxruntime.so'");
    warm(&warmer, &repo).exits(69);
    warmer.set("runtime.library", quoted(&model::runtime_library()));
    let warmed = warmer.warm([repo.path()]);
    warmed.ran.exits(0);
    assert_eq!((warmed.one().verdict(), warmed.one().number("/coverage/missing")), ("fresh", 0), "{:?}", warmed.ran);
    assert!(warmed.one().embedded() > 0, "{:?}", warmed.ran);
}

/// The Hasher asks that table first of all.
#[test]
fn an_artifact_that_a_fill_cannot_read_costs_no_other_and_is_made_again_by_the_next_refresh() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (Repo::generated(4, 600, 1), Warmer::toy());
    let target = repo.path().display().to_string();
    warmer.run(["warm", "--no-fill", &target]).exits(0);
    let damaged =
        warmer.database().change("update artifact set envelope = x'00' where id = (select min(id) from artifact)");
    assert_eq!(damaged, 1);
    warmer.run(["warm", &target]).exits(75).says("cannot be read: a full refresh is queued");
    let lacking = warmer.database().query("select distinct cast(artifact as text) from lack");
    assert_eq!(lacking.len(), 1, "the others have their vectors");
    let again = warmer.warm([&target]);
    again.ran.exits(0);
    assert_eq!((again.one().number("/blobs_read"), again.one().number("/coverage/missing")), (1, 0), "{:?}", again.ran);
    warmer.database().assert_whole();
}

/// Its chunks are not those that it was stored with: what lacks is not in it.
#[test]
fn an_artifact_without_its_texts_is_made_again_as_one_that_does_not_read() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (Repo::generated(4, 600, 1), Warmer::toy());
    let target = repo.path().display().to_string();
    warmer.run(["warm", "--no-fill", &target]).exits(0);
    let damaged = warmer.database().change(
        "update artifact set envelope = (select envelope from artifact where id = (select max(id) from artifact))
         where id = (select min(id) from artifact)",
    );
    assert_eq!(damaged, 1);
    warmer.run(["warm", &target]).exits(75).says("cannot be read: a full refresh is queued");
    let again = warmer.warm([&target]);
    again.ran.exits(0);
    assert_eq!((again.one().number("/blobs_read"), again.one().number("/coverage/missing")), (1, 0), "{:?}", again.ran);
    warmer.database().assert_whole();
}

#[test]
fn a_table_that_cannot_be_read_ends_the_job_and_costs_no_worker() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (mut repo, warmer) = (Repo::generated(3, 300, 1), engine.warmer());
        warmer.warm([repo.path()]).ran.exits(0);
        repo.write("src/new.rs", "fn new() {}\n");
        repo.commit("a new file");
        let away = "ALTER TABLE known_blob RENAME TO away";
        match &engine {
            Engine::Sqlite => warmer.database().change(away),
            Engine::Postgres(postgres) => postgres.change(away),
        };
        let warmed = warmer.warm([repo.path()]);
        assert_ne!(warmed.ran.code, Some(0));
        warmed.ran.says("known_blob").never_says("a worker crashed").never_says("panicked");
    }
}
