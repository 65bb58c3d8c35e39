//! Bringing a mirror up to date, and mending it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use warmer_git::{ChangeKind, ErrorKind, GitSettings, Options, Received};

use crate::kit::{GO, MAIN, Origin, Put, changes, entries, fetch, file, git_command, noise};

pub(crate) fn packs(mirror: &Path) -> Vec<PathBuf> {
    let mut found = entries(&mirror.join("objects/pack"));
    found.retain(|path| path.extension().is_some_and(|end| end == "pack"));
    found
}

#[test]
fn a_first_fetch_brings_the_commit_without_its_history() {
    let origin = Origin::new();
    let first = origin.commit(&[file("a", "1")]);
    let second = origin.commit(&[file("a", "2")]);
    let mirror = origin.mirror();
    let received = fetch(&mirror).expect("fetched");
    assert_eq!((received.reference.as_str(), received.oid, received.commit), (MAIN, second, second));
    assert_eq!(received.objects, 3, "a commit, a tree, a blob");
    assert!(received.bytes > 0);
    assert!(mirror.has_commit(&second) && !mirror.has_commit(&first));
}

#[test]
fn a_fetch_of_nothing_new_brings_nothing() {
    let origin = Origin::with_a_file();
    let mirror = origin.mirror();
    let first = fetch(&mirror).expect("fetched");
    assert_eq!(fetch(&mirror).expect("fetched"), Received { bytes: 0, objects: 0, ..first });
}

#[test]
fn later_fetches_bring_what_is_new_and_keep_what_was() {
    let origin = Origin::new();
    let big = noise(200_000);
    let first = origin.commit(&[file("a", "1"), Put::File(b"big", &big)]);
    let mirror = origin.mirror();
    fetch(&mirror).expect("fetched");
    let second = origin.commit(&[file("a", "2")]);
    let received = fetch(&mirror).expect("fetched");
    assert!(received.objects == 3 && received.bytes < 1_000, "{received:?}");
    assert!(mirror.has_commit(&first) && mirror.has_commit(&second));
}

#[test]
fn rewritten_history_is_followed() {
    let origin = Origin::new();
    let first = origin.commit(&[file("a", "1")]);
    origin.commit(&[file("b", "1")]);
    let mirror = origin.mirror();
    fetch(&mirror).expect("fetched");
    let forced = origin.commit_on(Some(&first.to_string()), &[file("c", "1")]);
    assert_eq!(fetch(&mirror).expect("a force-push").commit, forced);
    let root = origin.commit_on(None, &[file("d", "1")]);
    assert_eq!(fetch(&mirror).expect("a new root").commit, root);
    assert_eq!(changes(&mirror, Some(&forced), &root).len(), 3, "a and c are gone, d is new");
}

#[test]
fn two_refs_of_a_remote_share_a_mirror_and_a_branch_may_become_a_folder() {
    let origin = Origin::new();
    let first = origin.commit(&[file("a", "1")]);
    origin.git(&["branch", "topic"]);
    let second = origin.commit(&[file("a", "2")]);
    let mirror = origin.mirror();
    assert_eq!(mirror.fetch("refs/heads/topic", &GO, &|_| {}).expect("fetched").commit, first);
    assert_eq!(fetch(&mirror).expect("fetched").commit, second);
    origin.git(&["branch", "-D", "topic"]);
    origin.git(&["branch", "topic/sub", "main"]);
    assert_eq!(mirror.fetch("refs/heads/topic/sub", &GO, &|_| {}).expect("fetched").commit, second);
    assert_eq!(mirror.fetch("HEAD", &GO, &|_| {}).expect("fetched").commit, second);
}

#[test]
fn an_annotated_tag_is_fetched_with_its_commit() {
    let origin = Origin::new();
    let commit = origin.commit(&[file("a", "1")]);
    origin.git(&["tag", "--annotate", "--message=m", "v1", "main"]);
    let received = origin.mirror().fetch("refs/tags/v1", &GO, &|_| {}).expect("fetched");
    assert_eq!(received.commit, commit);
    assert_ne!(received.oid, commit);
}

#[test]
fn a_commit_of_the_future_was_made_when_it_was_received() {
    let origin = Origin::with_a_file();
    let mut commit = git_command(&origin.path());
    // Beyond the year 9999, which git takes.
    commit.args(["commit-tree", "-m", "m", "main^{tree}"]).env("GIT_COMMITTER_DATE", "@300000000000 +0000");
    let commit = String::from_utf8(commit.output().expect("git").stdout).expect("an oid");
    origin.git(&["update-ref", MAIN, commit.trim()]);
    let before = SystemTime::now();
    let at = fetch(&origin.mirror()).expect("fetched").committed_at.expect("it says so");
    assert!((before..=SystemTime::now()).contains(&at), "{at:?}");
}

#[test]
fn a_branch_may_have_any_name_that_git_takes() {
    let origin = Origin::with_a_file();
    let long = format!("{}/{}", "a".repeat(240), "b".repeat(240));
    // The last one ends like a file that a killed fetch leaves.
    for name in [format!("{long}1"), format!("{long}2"), "a.keep".to_owned()] {
        let commit = origin.commit(&[file("a.rs", &name)]);
        origin.git(&["branch", &name, "main"]);
        let fetch = || origin.mirror().fetch(&format!("refs/heads/{name}"), &GO, &|_| {}).expect("fetched");
        let first = fetch();
        assert_eq!(first.commit, commit);
        assert_eq!(fetch(), Received { bytes: 0, objects: 0, ..first }, "{name} is kept");
    }
    assert_eq!(entries(&origin.mirror_folder().join("refs/warmer")).len(), 3, "each has a name of its own");
}

#[test]
fn a_ref_that_vanished_since_it_was_asked_for_is_temporary() {
    let origin = Origin::with_a_file();
    let error = origin.mirror().fetch("refs/heads/absent", &GO, &|_| {}).expect_err("no such branch");
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::MissingRef, true), "{error}");
}

#[test]
fn a_ref_that_is_no_commit_is_refused() {
    let origin = Origin::with_a_file();
    let blob = origin.git(&["rev-parse", "main:a.rs"]);
    origin.git(&["update-ref", "refs/tags/blob", &blob]);
    let error = origin.mirror().fetch("refs/tags/blob", &GO, &|_| {}).expect_err("a blob");
    assert!(error.to_string().contains("no commit"), "{error}");
}

#[test]
fn a_fetch_over_its_limit_ends_and_leaves_nothing_behind() {
    let origin = Origin::new();
    let big = noise(2_000_000);
    origin.commit(&[Put::File(b"big", &big)]);
    let options = GitSettings { fetch_size_max: 100_000, object_size_max: 5_000_000, ..GitSettings::default() };
    let mirror = origin.mirrors_with(options).take(&origin.remote(), &GO).expect("free");
    let error = fetch(&mirror).expect_err("too large");
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::TooLarge, false), "{error}");
    drop(mirror);
    assert!(entries(&origin.mirror_folder().join("objects/pack")).is_empty());
    fetch(&origin.mirror()).expect("a higher limit");
}

#[test]
fn a_pack_of_more_objects_than_a_commit_may_have_ends_the_fetch_before_it_is_unpacked() {
    let origin = Origin::new();
    let paths: Vec<_> = (0..30).map(|number| format!("{number}/{number}.rs")).collect();
    origin.commit(&paths.iter().map(|path| file(path, path)).collect::<Vec<_>>());
    for (files_max, whole) in [(29, false), (100, true)] {
        let options = GitSettings { files_max, ..GitSettings::default() };
        let mirror = origin.mirrors_with(options).take(&origin.remote(), &GO).expect("free");
        let fetched = fetch(&mirror);
        assert_eq!(fetched.is_ok(), whole, "{fetched:?}");
        let Err(error) = fetched else { continue };
        assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::TooLarge, false), "{error}");
        assert!(error.to_string().contains("git.files_max"), "{error}");
    }
}

#[test]
fn a_fetch_that_was_killed_is_cleaned_up_by_the_next_though_the_mirror_was_never_released() {
    let origin = Origin::with_a_file();
    let mirror = origin.mirror();
    fetch(&mirror).expect("it sends");
    let turn = mirror.turn().expect("a disk").expect("nobody fetches");
    assert!(mirror.turn().expect("a disk").is_none(), "one at a time");
    let _unsent = turn.request(MAIN, None, &Options::default());
    let folder = origin.mirror_folder();
    for litter in ["shallow.lock", "objects/pack/.tmpAbC"] {
        fs::write(folder.join(litter), "litter").expect("writable");
    }
    drop(turn);
    origin.commit(&[file("b.rs", "two")]);
    fetch(&mirror).expect("nothing is in the way");
    assert!(!folder.join("objects/pack/.tmpAbC").exists());
}

#[test]
fn an_object_that_unpacks_beyond_its_limit_ends_the_fetch_in_a_sentence() {
    let origin = Origin::new();
    origin.commit(&[Put::File(b"zeros", &vec![0; 8_000_000])]);
    let settings = GitSettings { object_size_max: 500_000, ..GitSettings::default() };
    let options = Options { unpacked_bytes_max: 1_000_000, ..settings.into() };
    let mirror = origin.mirrors_with(options.clone()).take(&origin.remote(), &GO).expect("free");
    let error = fetch(&mirror).expect_err("its pack has a few kB, but it has not");
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::TooLarge, false), "{error}");
    let text = error.to_string();
    assert!(text.contains(origin.remote().url()) && text.contains("1000000 bytes"), "{text}");
    drop(mirror);
    assert!(entries(&origin.mirror_folder().join("objects/pack")).is_empty());
    let options = Options { settings: GitSettings { object_size_max: 8_000_000, ..GitSettings::default() }, ..options };
    let mirror = origin.mirrors_with(options).take(&origin.remote(), &GO).expect("free");
    fetch(&mirror).expect("what may be read may be fetched");
}

#[test]
fn what_a_killed_fetch_left_behind_is_swept() {
    let origin = Origin::with_a_file();
    let mirror = origin.mirror();
    let first = fetch(&mirror).expect("fetched").commit;
    drop(mirror);
    let folder = origin.mirror_folder();
    let kept = fs::read_dir(folder.join("refs/warmer")).expect("a folder").flatten().next().expect("a ref").path();
    let left = [
        folder.join("shallow.lock"),
        folder.join("objects/pack/.tmpX1y2Z3"),
        folder.join("objects/pack/pack-1.keep"),
        kept.with_added_extension("lock"),
    ];
    left.iter().for_each(|path| fs::write(path, "").expect("writable"));
    fs::create_dir(folder.with_file_name("new.git")).expect("writable");
    fs::create_dir(folder.with_file_name("g0.git")).expect("writable");
    let second = origin.commit(&[file("a.rs", "two")]);
    let mirror = origin.mirror();
    assert_eq!(fetch(&mirror).expect("nothing is in the way").commit, second);
    assert!(mirror.has_commit(&first), "what was fetched before is kept");
    assert!(left.iter().all(|path| !path.exists()), "{left:?}");
    assert_eq!(origin.mirror_folder(), folder);
}

#[test]
fn a_mirror_without_its_objects_is_fetched_anew() {
    let origin = Origin::with_a_file();
    let commit = fetch(&origin.mirror()).expect("fetched").commit;
    let damaged = origin.mirror_folder();
    for path in entries(&damaged.join("objects/pack")) {
        fs::remove_file(path).expect("it is there");
    }
    let mirror = origin.mirror();
    assert!(!mirror.has_commit(&commit));
    assert_eq!(fetch(&mirror).expect("renewed").objects, 3);
    assert!(mirror.has_commit(&commit));
    drop(mirror);
    assert_ne!(origin.mirror_folder(), damaged, "the damaged one is gone");
}

#[test]
fn a_mirror_with_half_of_a_file_is_fetched_anew() {
    for (end, part) in [("pack", 2), ("idx", 2), ("pack", 100), ("idx", 100), ("pack", 100_000), ("idx", 100_000)] {
        let origin = Origin::new();
        let big = noise(50_000);
        origin.commit(&[Put::File(b"big", &big), file("a.rs", "one")]);
        fetch(&origin.mirror()).expect("fetched");
        let mut files = entries(&origin.mirror_folder().join("objects/pack"));
        files.retain(|path| path.extension().is_some_and(|found| found == end));
        let whole = fs::read(&files[0]).expect("readable");
        fs::remove_file(&files[0]).expect("it is there");
        fs::write(&files[0], &whole[..whole.len() / part]).expect("writable");
        let next = origin.commit(&[file("a.rs", "two")]);
        let mirror = origin.mirror();
        assert_eq!(fetch(&mirror).expect("renewed where it must be").commit, next, "{end} / {part}");
    }
}

#[test]
fn a_mirror_deleted_while_in_use_is_fetched_anew() {
    let origin = Origin::with_a_file();
    let mirror = origin.mirror();
    let commit = fetch(&mirror).expect("fetched").commit;
    fs::remove_dir_all(origin.mirror_folder()).expect("it is there");
    assert!(!mirror.has_commit(&commit));
    assert_eq!(fetch(&mirror).expect("renewed").objects, 3);
    assert!(mirror.has_commit(&commit));
}

#[test]
fn a_blob_found_damaged_makes_the_next_fetch_start_anew() {
    let origin = Origin::new();
    let content = noise(300_000);
    let commit = origin.commit(&[Put::File(b"big", &content)]);
    fetch(&origin.mirror()).expect("fetched");
    let pack = packs(&origin.mirror_folder()).remove(0);
    let mut bytes = fs::read(&pack).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 1_000].fill(0);
    fs::remove_file(&pack).expect("it is there");
    fs::write(&pack, bytes).expect("writable");
    let mirror = origin.mirror();
    fetch(&mirror).expect("the commit itself is whole");
    let ChangeKind::File { oid, .. } = changes(&mirror, None, &commit)[0].kind else { panic!("a file") };
    let error = mirror.reader().blobs().expect("open").read(&oid).expect_err("damaged");
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Corrupt, true), "{error}");
    drop(mirror);
    let mirror = origin.mirror();
    assert!(fetch(&mirror).expect("renewed").bytes > 300_000);
    assert_eq!(mirror.reader().blobs().expect("open").read(&oid).expect("whole again"), content);
}
