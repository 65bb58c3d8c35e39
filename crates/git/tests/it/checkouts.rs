//! Working trees: of which repository they are, and what in them differs.

use std::path::Path;
use std::process::Command;

use warmer_git::{Checkout, Location};

use crate::kit::{Origin, file};

/// Runs git in a directory, with a name to commit by.
fn git(directory: &Path, arguments: &[&str]) {
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    let status = Command::new("git").arg("-C").arg(directory).args(who).args(arguments).status().expect("git starts");
    assert!(status.success(), "{arguments:?}");
}

/// A clone of a repository of one file, in a folder beside it.
fn cloned(origin: &Origin) -> std::path::PathBuf {
    let tree = origin.beside("tree");
    git(&origin.beside("."), &["clone", "--quiet", "origin.git", "tree"]);
    tree
}

#[test]
fn a_checkout_knows_its_commit_its_branch_and_where_it_may_be_followed() {
    let origin = Origin::new();
    origin.commit(&[file("src/a.rs", "one")]);
    let tree = cloned(&origin);
    git(&tree, &["remote", "add", "upstream", "git@Git.example.com:team/app.git"]);
    let checkout = Checkout::of(&tree.join("src")).expect("a directory of a checkout");
    assert_eq!(checkout.root, tree.canonicalize().expect("it is there"));
    assert_eq!(checkout.branch.as_deref(), Some("main"));
    assert_eq!(checkout.head.as_deref(), Some(origin.git(&["rev-parse", "main"]).trim()));
    let upstream = Location::of_url("https://git.example.com/team/app").expect("a URL");
    assert!(checkout.locations.contains(&upstream), "{checkout:?}");
    let own = tree.join(".git").canonicalize().expect("it is there").display().to_string();
    let shown: Vec<_> = checkout.locations.iter().map(ToString::to_string).collect();
    assert!(shown.iter().any(|location| location.ends_with(&own)), "{shown:?}");
    assert!(shown.iter().any(|location| location.ends_with("/origin.git")), "{shown:?}");
    assert_eq!(Checkout::of(Path::new("/proc")), None);
}

#[test]
fn a_linked_worktree_is_of_the_repository_that_it_was_made_from() {
    let origin = Origin::with_a_file();
    let (tree, linked) = (cloned(&origin), origin.beside("linked"));
    git(&tree, &["worktree", "add", "--quiet", "-b", "other", "../linked"]);
    let (main, linked) = (Checkout::of(&tree).expect("a checkout"), Checkout::of(&linked).expect("a checkout"));
    assert_eq!(linked.branch.as_deref(), Some("other"));
    assert!(linked.locations.contains(&main.locations[0]), "{linked:?} {main:?}");
}

#[test]
fn what_differs_from_the_commit_is_told_and_nothing_is_run_or_written_for_it() {
    let origin = Origin::new();
    origin.commit(&[file("src/a.rs", "one"), file("src/b.rs", "two"), file("c.rs", "three")]);
    let tree = cloned(&origin);
    let checkout = Checkout::of(&tree).expect("a checkout");
    assert_eq!(checkout.changed(), Some([].into()));
    std::fs::write(tree.join("src/a.rs"), "another").expect("a file of the test");
    std::fs::write(tree.join("src/new.rs"), "new").expect("a file of the test");
    git(&tree, &["rm", "--quiet", "c.rs"]);
    git(&tree, &["config", "core.fsmonitor", "touch ran; false"]);
    let before = std::fs::read(tree.join(".git/index")).expect("git made one");
    let changed = checkout.changed().expect("git tells");
    assert_eq!(changed.into_iter().collect::<Vec<_>>(), ["c.rs", "src/a.rs", "src/new.rs"]);
    assert_eq!(std::fs::read(tree.join(".git/index")).expect("git made one"), before);
    assert!(!tree.join("ran").exists() && !tree.join(".git/ran").exists());
}
