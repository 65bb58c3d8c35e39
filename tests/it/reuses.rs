//! Content that is known, under whatever path, branch or repository, is neither read nor embedded again (W-5).

use warmer_tests::sources::rust;
use warmer_tests::{GIT, Need, Repo, Summary, Warmer, needs};

/// Nothing embedded, and not a byte of a blob read.
fn assert_costs_nothing(summary: Summary<'_>) {
    assert_eq!(summary.verdict(), "warmed", "{}", summary.0);
    assert_eq!((summary.embedded(), summary.number("/bytes")), (0, 0), "{}", summary.0);
}

#[test]
fn moved_and_copied_files_cost_nothing() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::generated(20, 1_000, 1), Warmer::toy());
    assert!(warmer.warm([repo.path()]).one().number("/bytes") > 0);
    repo.rename("src/0/file_0.rs", "src/0/renamed.rs").rename("tools", "scripts").copy("src/0", "src/copy");
    repo.mode("src/0/file_1.rs", "100755").commit("moved");
    let moved = warmer.warm([repo.path()]);
    assert_costs_nothing(moved.one());
    let entries = warmer.database().entries();
    assert!(entries.contains("src/0/renamed.rs") && entries.contains("src/copy/renamed.rs"), "{entries}");
    assert!(entries.contains("scripts/0/") && !entries.contains("tools/0/"), "{entries}");
    warmer.database().assert_whole();
}

#[test]
fn a_clone_a_fork_and_a_branch_cost_nothing() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::generated(20, 1_000, 1), Warmer::toy());
    warmer.warm([repo.path()]).ran.exits(0);
    let mut fork = repo.cloned();
    assert_costs_nothing(warmer.warm([fork.path()]).one());
    fork.write("README.md", "# A fork\n").commit("forked");
    let forked = warmer.warm([fork.path()]);
    assert_eq!((forked.one().embedded(), forked.one().files("indexed")), (1, 1));
    repo.branch("side").remove("src/0/file_0.rs").commit("beside");
    let target = repo.path().display().to_string();
    assert_costs_nothing(warmer.warm([target.as_str(), "--ref", "side"]).one());
}

#[test]
fn a_vendored_copy_costs_nothing() {
    needs!(GIT, Need::Runtime);
    let (library, mut warmer) = (Repo::generated(10, 1_000, 1), Warmer::toy());
    warmer.set("content.vendored", "true");
    warmer.warm([library.path()]).ran.exits(0);
    let mut user = library.cloned();
    user.rename("src", "vendor/library/src").rename("tools", "vendor/library/tools").commit("vendored");
    user.copy("vendor/library/src", "third_party/again").commit("twice");
    let vendored = warmer.warm([user.path()]);
    assert_costs_nothing(vendored.one());
}

#[test]
fn the_same_function_in_another_file_is_not_embedded_again() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::new(), Warmer::toy());
    repo.write("a.rs", rust(1, 20_000)).commit("one");
    let first = warmer.warm([repo.path()]);
    repo.write("b.rs", format!("//! Another file.\n{}", rust(1, 20_000))).commit("two");
    let second = warmer.warm([repo.path()]);
    assert!(second.one().embedded() <= 3, "{:?}", second.ran);
    assert!(second.one().reused() + 3 >= first.one().chunks(), "{:?}", second.ran);
}

#[test]
fn repositories_warmed_together_embed_a_common_text_once() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (Repo::generated(30, 1_500, 1), Warmer::toy());
    let (one, two, three) = (repo.cloned(), repo.cloned(), repo.cloned());
    let warmed = warmer.warm([repo.path(), one.path(), two.path(), three.path()]);
    warmed.ran.exits(0);
    let embedded: u64 = warmed.all().iter().map(|summary| summary.embedded()).sum();
    assert_eq!(i64::try_from(embedded), Ok(warmer.database().counts().vectors));
    warmer.database().assert_whole();
}
