//! After any history the cache is what a warm from scratch of the served commit gives (W-14), and a job that runs twice
//! leaves the same rows (W-3).

use warmer_tests::sources::{python, rust};
use warmer_tests::{GIT, Need, Repo, Warmer, needs};

/// Warms the repository with this warmer and with one that has never seen it, and compares.
fn assert_equals_from_scratch(warmer: &Warmer, repo: &Repo, what: &str) {
    let (grown, scratch) = (warmer.warm([repo.path()]), Warmer::toy());
    assert_eq!(grown.ran.code, Some(0), "{what}: {:?}", grown.ran);
    scratch.warm([repo.path()]).ran.exits(0);
    assert_eq!(warmer.database().dump_served(), scratch.database().dump_served(), "{what}");
    warmer.database().assert_whole();
}

#[test]
fn a_history_of_every_kind_of_change_equals_a_warm_from_scratch() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::generated(12, 1_000, 1), Warmer::toy());
    assert_equals_from_scratch(&warmer, &repo, "the first commit");
    repo.write("src/0/file_0.rs", rust(99, 1_000)).write("new.py", python(98, 800)).commit("edit and add");
    assert_equals_from_scratch(&warmer, &repo, "edited and added");
    repo.rename("new.py", "new.rs").rename("src/0/file_1.rs", "src/0/file_1.txt").commit("another language");
    assert_equals_from_scratch(&warmer, &repo, "renamed into another language");
    repo.write(".gitattributes", "*.py linguist-vendored\nsrc/0/file_3.rs linguist-language=Python\n").commit("rules");
    assert_equals_from_scratch(&warmer, &repo, "attributes added");
    repo.write("src/.gitattributes", "0/file_4.rs linguist-generated\n").write(".gitattributes", "\n").commit("rules");
    assert_equals_from_scratch(&warmer, &repo, "attributes moved");
    repo.remove("src/0/file_4.rs").write("src/0/file_4.rs/inside.rs", rust(97, 500)).symlink("new.rs", "link");
    repo.commit("a file becomes a directory");
    assert_equals_from_scratch(&warmer, &repo, "kinds changed");
    repo.write("link", rust(96, 500)).commit("a link becomes a file");
    assert_equals_from_scratch(&warmer, &repo, "kinds changed again");
}

#[test]
fn files_named_by_the_escapes_of_others_come_and_go_by_themselves() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::new(), Warmer::toy());
    let far = "deep/".repeat(600) + "far.rs";
    repo.write(b"a\xff.py", python(1, 300)).write("\u{fffd}a\\xff.py", python(2, 300)).write("z.py", "z = 1\n");
    repo.write(&far, rust(3, 300)).commit("odd names");
    assert_equals_from_scratch(&warmer, &repo, "odd names");
    let keys = warmer.database().query("select path from entry order by path");
    assert_eq!(keys.len(), 4, "{keys:?}");
    for key in keys.iter().filter(|key| key.starts_with('\u{fffd}') && key.len() < 255) {
        repo.write(key, python(4, 300));
    }
    repo.commit("files named by the keys of others");
    assert_equals_from_scratch(&warmer, &repo, "named by keys");
    repo.remove(b"a\xff.py").remove(&far).commit("the first are gone");
    assert_equals_from_scratch(&warmer, &repo, "the first are gone");
}

#[test]
fn texts_in_any_encoding_with_secrets_or_data_equal_a_warm_from_scratch() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::new(), Warmer::toy());
    let token = format!("gh{}", "p_0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R");
    repo.write("wide.cs", b"\xff\xfec\0l\0a\0s\0s\0 \0A\0 \0{\0}\0").write("latin.c", b"// Gr\xf6\xdfe\nint size;\n");
    repo.write("token.sh", format!("export TOKEN={token}\n")).write("old.c", "int a;\rint b;\r");
    repo.write("a.ipynb", r#"{"cells": [{"cell_type": "code", "source": "x = 1"}]}"#).commit("texts of all kinds");
    assert_equals_from_scratch(&warmer, &repo, "texts of all kinds");
    repo.write("token.sh", format!("export TOKEN=ghp_{}\n", "*".repeat(36))).rename("latin.c", "latin.h");
    repo.write("wide.cs", "class A {}").commit("the same texts without what was done to them");
    assert_equals_from_scratch(&warmer, &repo, "the same texts");
    let masked = warmer
        .database()
        .query("select cast(masked as text) from entry join artifact on key = artifact where path = 'token.sh'");
    assert_eq!(masked, ["0"], "nothing is masked where asterisks stand");
}

#[test]
fn rewritten_history_equals_a_warm_from_scratch() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::generated(8, 1_000, 1), Warmer::toy());
    let first = repo.tip().to_owned();
    repo.write("two.rs", rust(50, 1_000)).commit("two");
    assert_equals_from_scratch(&warmer, &repo, "two commits");
    repo.remove("two.rs").write("instead.rs", rust(51, 1_000)).amend("instead");
    assert_equals_from_scratch(&warmer, &repo, "amended");
    repo.branch("side").write("side.rs", rust(52, 1_000)).commit("side");
    repo.branch("main").write("main.rs", rust(53, 1_000)).commit("main");
    repo.merge("side", "both");
    assert_equals_from_scratch(&warmer, &repo, "merged");
    repo.reset(&first);
    assert_equals_from_scratch(&warmer, &repo, "taken back");
    repo.write("anew.rs", rust(54, 1_000)).commit_root("anew");
    assert_equals_from_scratch(&warmer, &repo, "a new root");
}

#[test]
fn a_lost_mirror_changes_nothing() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::generated(8, 1_000, 1), Warmer::toy());
    assert_equals_from_scratch(&warmer, &repo, "the first commit");
    std::fs::remove_dir_all(warmer.data().join("mirrors")).expect("mirrors are there after a warm");
    repo.remove("src/0/file_0.rs").write("new.rs", rust(60, 1_000)).commit("meanwhile");
    assert_equals_from_scratch(&warmer, &repo, "a lost mirror");
    let served = warmer.database().query("select path from entry where path = 'src/0/file_0.rs'");
    assert!(served.is_empty(), "what was removed while the mirror was lost is still served");
}

#[test]
fn a_warm_that_runs_twice_leaves_the_same_rows() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (Repo::generated(20, 1_000, 1), Warmer::toy());
    let target = repo.path().display().to_string();
    warmer.warm([&target]).ran.exits(0);
    let (dump, counts) = (warmer.database().dump(), warmer.database().counts());
    warmer.warm(["--full", &target]).ran.exits(0);
    assert_eq!((warmer.database().dump(), warmer.database().counts()), (dump.clone(), counts));
    warmer.warm([&target, &target]).ran.exits(0);
    assert_eq!((warmer.database().dump(), warmer.database().counts()), (dump, counts));
}
