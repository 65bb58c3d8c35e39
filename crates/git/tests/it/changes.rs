//! What differs between two commits.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use warmer_git::{Attributes, Change, ChangeKind, ErrorKind, Mirror, Oid};

use crate::kit::{GO, Origin, Put, changes, fetch, file};

const SUBMODULE: &str = "1234567890123456789012345678901234567890";

/// `path kind` for every change, in order.
fn told(all: &[Change]) -> Vec<String> {
    let kind = |kind: &ChangeKind| match kind {
        ChangeKind::File { executable: true, .. } => "program",
        ChangeKind::File { .. } => "file",
        ChangeKind::Symlink { .. } => "link",
        ChangeKind::Submodule { .. } => "submodule",
        ChangeKind::Gone => "gone",
    };
    all.iter().map(|change| format!("{} {}", change.path.escape_ascii(), kind(&change.kind))).collect()
}

/// The changes that one more commit makes.
fn after(origin: &Origin, mirror: &Mirror, puts: &[Put<'_>]) -> Vec<String> {
    let from = fetch(mirror).expect("fetched").commit;
    let to = origin.commit(puts);
    assert_eq!(fetch(mirror).expect("fetched").commit, to);
    told(&changes(mirror, Some(&from), &to))
}

#[test]
fn a_first_listing_names_everything_in_order() {
    let origin = Origin::new();
    let commit = origin.commit(&[
        file("b/deep/er.rs", "1"),
        file("a.rs", "1"),
        Put::Program("run.sh", "1"),
        Put::Link("link", "a.rs"),
        Put::Submodule("sub", SUBMODULE),
    ]);
    let mirror = origin.mirror();
    fetch(&mirror).expect("fetched");
    let all = changes(&mirror, None, &commit);
    assert_eq!(told(&all), ["a.rs file", "b/deep/er.rs file", "link link", "run.sh program", "sub submodule"]);
    assert_eq!(all[4].kind, ChangeKind::Submodule { oid: SUBMODULE.parse().expect("an oid") });
    assert!(told(&changes(&mirror, Some(&commit), &commit)).is_empty());
}

#[test]
fn an_edit_a_move_and_a_mode_change_name_only_what_they_touch() {
    let origin = Origin::new();
    origin.commit(&[file("a/x", "1"), file("a/y", "2"), file("b/z", "3"), file("c", "4")]);
    let mirror = origin.mirror();
    assert_eq!(after(&origin, &mirror, &[file("a/y", "new")]), ["a/y file"]);
    assert_eq!(after(&origin, &mirror, &[Put::Delete("b/z"), file("d/z", "3")]), ["b/z gone", "d/z file"]);
    assert_eq!(after(&origin, &mirror, &[Put::Program("c", "4")]), ["c program"]);
    assert_eq!(after(&origin, &mirror, &[Put::Delete("a")]), ["a/x gone", "a/y gone"]);
}

#[test]
fn entries_that_change_their_kind_come_out_right() {
    let origin = Origin::new();
    origin.commit(&[file("x", "1"), file("x.y", "2"), file("z", "3")]);
    let mirror = origin.mirror();
    assert_eq!(after(&origin, &mirror, &[Put::Delete("x"), file("x/in", "1")]), ["x gone", "x/in file"]);
    assert_eq!(after(&origin, &mirror, &[Put::Delete("x"), file("x", "1")]), ["x file", "x/in gone"]);
    assert_eq!(after(&origin, &mirror, &[Put::Link("z", "x")]), ["z link"]);
    assert_eq!(after(&origin, &mirror, &[Put::Submodule("z", SUBMODULE)]), ["z submodule"]);
    assert_eq!(after(&origin, &mirror, &[file("z", "3")]), ["z file"]);
    assert_eq!(
        after(&origin, &mirror, &[Put::Delete("z"), Put::Delete("x"), file("z/in", "1")]),
        ["x gone", "z gone", "z/in file"]
    );
    assert_eq!(after(&origin, &mirror, &[Put::Delete("z"), Put::Link("z", "x.y")]), ["z link", "z/in gone"]);
}

#[test]
fn paths_are_bytes_whatever_they_hold() {
    let origin = Origin::new();
    let paths: [&[u8]; 4] = [b"\x01control\n", b"\"quoted\"", b"latin\xe9", "snow\u{2603}".as_bytes()];
    let puts: Vec<Put<'_>> = paths.iter().map(|path| Put::File(path, b"1")).collect();
    let commit = origin.commit(&puts);
    let mirror = origin.mirror();
    fetch(&mirror).expect("fetched");
    let mut found: Vec<Vec<u8>> = changes(&mirror, None, &commit).into_iter().map(|change| change.path).collect();
    found.sort();
    assert_eq!(found, paths);
}

#[test]
fn attributes_of_all_levels_reach_a_changed_file() {
    let origin = Origin::new();
    origin.commit(&[
        file(".gitattributes", "*.g linguist-generated\nlib/** linguist-vendored\n*.bin binary\n"),
        file("lib/.gitattributes", "*.g -linguist-generated\n*.h linguist-language=C++\n"),
        file("other/.gitattributes", "* -linguist-vendored"),
    ]);
    let mirror = origin.mirror();
    let from = fetch(&mirror).expect("fetched").commit;
    let to = origin.commit(&[
        file("a.g", "1"),
        file("lib/a.g", "1"),
        file("lib/a.h", "1"),
        file("other/a.bin", "1"),
        file("plain", "1"),
    ]);
    fetch(&mirror).expect("fetched");
    let all = changes(&mirror, Some(&from), &to);
    let of = |path: &str| match &all.iter().find(|change| change.path == path.as_bytes()).expect("changed").kind {
        ChangeKind::File { attributes, .. } => attributes.clone(),
        other => panic!("{other:?}"),
    };
    let none = Attributes::default();
    assert_eq!(of("a.g"), Attributes { generated: Some(true), ..none.clone() });
    assert_eq!(of("lib/a.g"), Attributes { generated: Some(false), vendored: Some(true), ..none.clone() });
    assert_eq!(
        of("lib/a.h"),
        Attributes { vendored: Some(true), language: Some("C++".into()), ..Attributes::default() }
    );
    assert_eq!(of("other/a.bin"), Attributes { vendored: Some(false), binary: Some(true), ..none.clone() });
    assert_eq!(of("plain"), none);
}

#[test]
fn an_attribute_file_that_differs_anywhere_is_noticed() {
    let origin = Origin::new();
    origin.commit(&[file("a", "1"), file("x/y/.gitattributes", "* binary")]);
    let mirror = origin.mirror();
    let mut from = fetch(&mirror).expect("fetched").commit;
    for (puts, want) in [
        (vec![file("a", "2"), file("not.gitattributes", "1")], false),
        (vec![file("x/y/.gitattributes", "* -binary")], true),
        (vec![Put::Delete("x")], true),
        (vec![file(".gitattributes", "")], true),
        (vec![Put::Link(".gitattributes", "a")], true),
    ] {
        let to = origin.commit(&puts);
        fetch(&mirror).expect("fetched");
        assert_eq!(mirror.attributes_changed(&from, &to, &GO).expect("both are here"), want);
        assert!(!mirror.attributes_changed(&to, &to, &GO).expect("it is here"));
        from = to;
    }
}

#[test]
fn a_stop_flag_ends_the_search_for_attribute_files() {
    let origin = Origin::with_a_file();
    let mirror = origin.mirror();
    let from = fetch(&mirror).expect("fetched").commit;
    let to = origin.commit(&[file("a.rs", "two")]);
    fetch(&mirror).expect("fetched");
    let error = mirror.attributes_changed(&from, &to, &AtomicBool::new(true)).expect_err("stopped");
    assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
}

#[test]
fn a_listing_ends_when_it_is_told() {
    let origin = Origin::new();
    let commit = origin.commit(&[file("a", "1"), file("b", "1"), file("c", "1")]);
    let mirror = origin.mirror();
    fetch(&mirror).expect("fetched");
    let mut seen = 0;
    let each = &mut |_| {
        seen += 1;
        if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    mirror.changes(None, &commit, each).expect("a break is no error");
    assert_eq!(seen, 2);
}

#[test]
fn a_base_that_is_not_here_is_told_and_not_held_against_the_mirror() {
    let origin = Origin::with_a_file();
    let mirror = origin.mirror();
    let commit = fetch(&mirror).expect("fetched").commit;
    let absent: Oid = "1".repeat(40).parse().expect("an oid");
    let error = mirror.changes(Some(&absent), &commit, &mut |_| ControlFlow::Continue(())).expect_err("no base");
    assert_eq!(error.kind(), ErrorKind::MissingObject);
    assert_eq!(fetch(&mirror).expect("fetched").bytes, 0, "the mirror was not fetched anew");
}
