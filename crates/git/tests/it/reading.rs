//! Blobs by id.

use std::thread;

use warmer_git::{ChangeKind, ErrorKind, GitSettings, Oid, read_counter};

use crate::kit::{GO, Origin, Put, changes, fetch, noise};

fn blob(mirror: &warmer_git::Mirror, commit: &Oid, path: &str) -> Oid {
    let all = changes(mirror, None, commit);
    let found = all.iter().find(|change| change.path == path.as_bytes()).expect("the path is there");
    match found.kind {
        ChangeKind::File { oid, .. } => oid,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn a_blob_is_sized_and_read() {
    let origin = Origin::new();
    let content = noise(100_000);
    let commit = origin.commit(&[Put::File(b"a", &content), Put::File(b"empty", b"")]);
    let mirror = origin.mirror();
    fetch(&mirror).expect("fetched");
    let (oid, empty) = (blob(&mirror, &commit, "a"), blob(&mirror, &commit, "empty"));
    let blobs = mirror.reader().blobs().expect("open");
    assert_eq!((blobs.size(&oid).expect("there"), blobs.has(&oid)), (100_000, true));
    let before = read_counter();
    assert_eq!(blobs.read(&oid).expect("there"), content);
    assert!(blobs.read(&empty).expect("there").is_empty());
    assert!(read_counter() >= before + 2);
}

#[test]
fn a_blob_over_the_limit_is_sized_but_not_read() {
    let origin = Origin::new();
    let commit = origin.commit(&[Put::File(b"a", &vec![b'x'; 5_000_000])]);
    let options = GitSettings { object_size_max: 1_000_000, ..GitSettings::default() };
    let mirror = origin.mirrors_with(options).take(&origin.remote(), &GO).expect("free");
    fetch(&mirror).expect("a large file does not hinder the fetch");
    let oid = blob(&mirror, &commit, "a");
    let blobs = mirror.reader().blobs().expect("open");
    assert_eq!(blobs.size(&oid).expect("there"), 5_000_000);
    assert_eq!(blobs.read(&oid).expect_err("too large").kind(), ErrorKind::TooLarge);
}

#[test]
fn a_handle_is_opened_once_and_serves_the_next_who_asks() {
    let origin = Origin::new();
    let commit = origin.commit(&[Put::File(b"a", b"one")]);
    let mirror = origin.mirror();
    fetch(&mirror).expect("fetched");
    let oid = blob(&mirror, &commit, "a");
    let reader = mirror.reader();
    drop(reader.blobs().expect("open"));
    // Without it nothing can be opened as a repository.
    std::fs::remove_file(origin.mirror_folder().join("HEAD")).expect("it is there");
    let blobs = reader.blobs().expect("open already");
    assert_eq!(blobs.read(&oid).expect("there"), b"one");
    assert!(reader.blobs().is_err(), "two at a time need two");
}

#[test]
fn an_object_that_is_not_there_is_told() {
    let origin = Origin::with_a_file();
    let mirror = origin.mirror();
    fetch(&mirror).expect("fetched");
    let blobs = mirror.reader().blobs().expect("open");
    let absent: Oid = "1".repeat(40).parse().expect("an oid");
    assert!(!blobs.has(&absent) && !mirror.has_commit(&absent));
    for error in [blobs.size(&absent).map(drop), blobs.read(&absent).map(drop)] {
        assert_eq!(error.expect_err("absent").kind(), ErrorKind::MissingObject);
    }
}

#[test]
fn many_threads_read_from_one_reader_while_the_mirror_is_fetched() {
    let origin = Origin::new();
    let texts: Vec<(String, String)> = (0..50).map(|n| (format!("f{n}"), format!("text {n}"))).collect();
    let puts: Vec<Put<'_>> = texts.iter().map(|(path, text)| crate::kit::file(path, text)).collect();
    let commit = origin.commit(&puts);
    let mirror = origin.mirror();
    fetch(&mirror).expect("fetched");
    let oids: Vec<Oid> = texts.iter().map(|(path, _)| blob(&mirror, &commit, path)).collect();
    let reader = mirror.reader();
    thread::scope(|scope| {
        for _ in 0..4 {
            let (reader, oids, texts) = (reader.clone(), &oids, &texts);
            scope.spawn(move || {
                let blobs = reader.blobs().expect("open");
                for (oid, (_, text)) in oids.iter().zip(texts) {
                    assert_eq!(blobs.read(oid).expect("there"), text.as_bytes());
                }
            });
        }
        for n in 0..5 {
            origin.commit(&[crate::kit::file("f0", &format!("later {n}"))]);
            fetch(&mirror).expect("fetched");
        }
    });
}
