//! A mirror in many packs: they become one, and where that is not worth it the mirror is fetched anew.

use std::fs;
use std::ops::ControlFlow;
use std::sync::Mutex;

use warmer_git::{Change, ChangeKind, GitSettings, Mirror, Oid, Options, Response};

use crate::fetching::packs;
use crate::kit::{GO, MAIN, Origin, Put, changes, fetch, file, git_command, noise};

/// So many fetches of one changed file each that the next one folds their packs.
fn pushes(origin: &Origin, mirror: &Mirror) -> Oid {
    let change = |n| {
        let next = origin.commit(&[file("a.rs", &format!("version {n}"))]);
        assert_eq!(fetch(mirror).expect("fetched").commit, next);
        next
    };
    let there = packs(&origin.mirror_folder()).len();
    (there..64).fold(None, |_, n| Some(change(n))).expect("fewer are there")
}

#[test]
fn many_small_packs_become_one_and_nothing_is_fetched_again() {
    let origin = Origin::new();
    let big = noise(300_000);
    let first = origin.commit(&[Put::File(b"big", &big), file("a.rs", "one"), file("deep/er/b.rs", "two")]);
    let reading = origin.mirrors();
    let old = reading.take(&origin.remote(), &GO).expect("free");
    fetch(&old).expect("fetched");
    let last = pushes(&origin, &old);
    let (before, blobs) = (origin.mirror_folder(), old.reader().blobs().expect("open"));
    let next = origin.commit(&[file("a.rs", "the last")]);
    let new = reading.take(&origin.remote(), &GO).expect("shared");
    let fetched = fetch(&new).expect("fetched");
    assert_eq!((fetched.commit, fetched.objects), (next, 3), "a commit, a tree and a file");
    assert!([&first, &last, &next].into_iter().all(|commit| new.has_commit(commit)), "all that was there");
    let [change] = &changes(&new, Some(&last), &next)[..] else { panic!("one file differs") };
    assert_eq!(change.path, b"a.rs");
    let whole = changes(&new, None, &next);
    let read = |change: &Change| match &change.kind {
        ChangeKind::File { oid, .. } => new.reader().blobs().expect("open").read(oid).expect("readable"),
        _ => panic!("a file"),
    };
    let contents: Vec<_> = whole.iter().map(read).collect();
    assert_eq!(contents, [b"the last".to_vec(), big, b"two".to_vec()]);
    let ChangeKind::File { oid, .. } = changes(&old, None, &first)[0].kind else { panic!("a file") };
    assert_eq!(blobs.read(&oid).expect("a reader of before is not disturbed"), b"one");
    drop((old, blobs, new));
    assert_ne!(origin.mirror_folder(), before);
    let packs = packs(&origin.mirror_folder());
    assert_eq!(packs.len(), 3, "the first, those that were folded, and the last: {packs:?}");
    let checked = git_command(&origin.mirror_folder()).args(["fsck", "--full", "--strict"]).output();
    let checked = checked.expect("git starts");
    assert!(checked.status.success(), "git finds fault with it: {}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn packs_that_outgrow_the_first_are_left_behind() {
    let origin = Origin::with_a_file();
    let mirror = origin.mirror();
    fetch(&mirror).expect("fetched");
    let last = pushes(&origin, &mirror);
    let next = origin.commit(&[file("a.rs", "the last")]);
    assert_eq!(fetch(&mirror).expect("fetched").commit, next);
    assert!(mirror.has_commit(&next) && !mirror.has_commit(&last));
    assert_eq!(packs(&origin.mirror_folder()).len(), 1, "it is a new one");
}

#[test]
fn packs_of_more_objects_than_a_commit_has_files_are_left_behind() {
    let origin = Origin::new();
    let big = noise(300_000);
    origin.commit(&[Put::File(b"big", &big)]);
    for (files_max, left) in [(1_000, 3), (100, 1)] {
        let options = GitSettings { files_max, ..GitSettings::default() };
        let mirror = origin.mirrors_with(options).take(&origin.remote(), &GO).expect("free");
        fetch(&mirror).expect("fetched");
        pushes(&origin, &mirror);
        let next = origin.commit(&[file("a.rs", &format!("the last of {files_max}"))]);
        assert_eq!(fetch(&mirror).expect("fetched").commit, next);
        assert_eq!(packs(&origin.mirror_folder()).len(), left, "{files_max}");
    }
}

#[test]
fn what_is_damaged_is_not_folded() {
    let origin = Origin::new();
    let big = noise(300_000);
    origin.commit(&[Put::File(b"big", &big)]);
    let mirror = origin.mirror();
    fetch(&mirror).expect("fetched");
    pushes(&origin, &mirror);
    let mut small = packs(&origin.mirror_folder());
    small.sort_by_key(|pack| pack.metadata().expect("a file").len());
    let mut bytes = fs::read(&small[0]).expect("readable");
    // Behind the header of the pack and that of the object.
    bytes[14..24].fill(0);
    fs::remove_file(&small[0]).expect("it is there");
    fs::write(&small[0], bytes).expect("writable");
    let next = origin.commit(&[file("a.rs", "the last")]);
    let fetched = fetch(&mirror).expect("fetched anew");
    assert_eq!(fetched.commit, next);
    assert!(fetched.bytes > 300_000, "{fetched:?}");
    assert_eq!(packs(&origin.mirror_folder()).len(), 1, "it is a new one");
}

#[test]
fn packs_that_cannot_be_folded_are_fetched_anew_and_their_readers_are_not_disturbed() {
    let origin = Origin::with_a_file();
    let reading = origin.mirrors();
    let old = reading.take(&origin.remote(), &GO).expect("free");
    let first = fetch(&old).expect("fetched").commit;
    let blobs = old.reader().blobs().expect("open");
    let before = origin.mirror_folder();
    for n in 0..63 {
        fs::write(before.join(format!("objects/pack/pack-{n}.pack")), "").expect("writable");
    }
    let second = origin.commit(&[file("a.rs", "two")]);
    let new = reading.take(&origin.remote(), &GO).expect("shared");
    assert_eq!(fetch(&new).expect("renewed").commit, second);
    assert!(new.has_commit(&second) && !new.has_commit(&first));
    let ChangeKind::File { oid, .. } = changes(&old, None, &first)[0].kind else { panic!("a file") };
    assert_eq!(blobs.read(&oid).expect("still there"), b"one");
    assert_eq!(old.reader().blobs().expect("open").read(&oid).expect("still there"), b"one");
    drop((old, blobs, new));
    assert_eq!(packs(&origin.mirror_folder()).len(), 1);
}

#[test]
fn a_renewed_mirror_still_tells_what_differs_from_the_commit_before() {
    let origin = Origin::with_a_file();
    let before = origin.commit(&[file("kept/deep/a.rs", "one"), file("changed/deep/b.rs", "one"), file("c.rs", "one")]);
    let mirror = origin.mirror();
    fetch(&mirror).expect("fetched");
    for n in 0..63 {
        fs::write(origin.mirror_folder().join(format!("objects/pack/pack-{n}.pack")), "").expect("writable");
    }
    let after = origin.commit(&[file("changed/deep/b.rs", "two")]);
    let turn = mirror.turn().expect("a disk").expect("nobody fetches");
    let answered = Mutex::new(None);
    turn.request(MAIN, Some(before), &Options::default()).run(&GO, &|answer| {
        if let Response::Fetched(fetched) = answer {
            *answered.lock().expect("no panic") = Some(fetched);
        }
        ControlFlow::Continue(())
    });
    let fetched = turn.end(answered.into_inner().expect("no panic").expect("it ends")).expect("renewed");
    assert_eq!((fetched.base, &fetched.received.commit), (Some(before), &after));
    assert_eq!(packs(&origin.mirror_folder()).len(), 1, "it is a new one");
    let [change] = &changes(&mirror, Some(&before), &after)[..] else { panic!("one file differs") };
    assert_eq!(change.path, b"changed/deep/b.rs");
    fetch(&mirror).expect("it is a mirror like any other");
}

#[test]
fn one_mirror_takes_many_fetches() {
    let origin = Origin::with_a_file();
    let mirror = origin.mirror();
    let mut last = fetch(&mirror).expect("fetched").commit;
    for n in 0..70 {
        let next = origin.commit(&[file("a.rs", &format!("version {n}"))]);
        assert_eq!(fetch(&mirror).expect("fetched").commit, next);
        assert!(!mirror.has_commit(&last) || changes(&mirror, Some(&last), &next).len() == 1);
        last = next;
    }
    drop(mirror);
    assert!(packs(&origin.mirror_folder()).len() < 64);
}
