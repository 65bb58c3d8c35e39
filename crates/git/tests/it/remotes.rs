//! Local paths as people give them.

use std::path::Path;

use warmer_git::{Remote, RemoteError};

use crate::kit::{GO, Origin, git};

#[test]
fn every_path_into_a_work_tree_is_the_same_remote() {
    let origin = Origin::with_a_file();
    git(&origin.beside("."), &["clone", "--quiet", "origin.git", "copy"]);
    let work = origin.beside("copy");
    std::fs::create_dir(work.join("sub")).expect("a folder");
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let want = Remote::parse(&text(&work), Path::new("/")).expect("a work tree");
    assert_eq!(want.name(), "copy");
    assert!(want.is_local() && want.url().ends_with("/copy/.git"), "{want}");
    for argument in [text(&work.join(".git")), text(&work.join("sub")), format!("file://{}", text(&work))] {
        assert_eq!(Remote::parse(&argument, Path::new("/")).expect("the same"), want, "{argument}");
    }
    assert_eq!(Remote::parse("sub", &work).expect("relative"), want);
    assert_eq!(Remote::parse(".", &work.join("sub")).expect("relative"), want);
    assert_eq!(Remote::from_url(want.url()).expect("a stored URL"), want);
}

#[test]
fn a_linked_work_tree_has_its_own_head() {
    let origin = Origin::with_a_file();
    git(&origin.beside("."), &["clone", "--quiet", "origin.git", "copy"]);
    git(&origin.beside("copy"), &["worktree", "add", "--quiet", "-b", "other", "../linked"]);
    let remote = Remote::parse("linked", &origin.beside(".")).expect("a linked work tree");
    assert_eq!(remote.name(), "linked");
    let tip = origin.mirrors().tip(&remote, None, &GO).expect("it has a commit");
    assert_eq!(tip.reference, "refs/heads/other");
}

#[test]
fn a_folder_outside_of_any_repository_is_refused_by_name() {
    let origin = Origin::new();
    let error = Remote::parse(".", &origin.beside(".")).expect_err("no repository");
    assert!(matches!(error, RemoteError::NotARepository(_)), "{error}");
    let name = origin.beside(".").canonicalize().expect("it is there").display().to_string();
    assert!(error.to_string().contains(&name), "{error}");
}

#[test]
fn a_path_with_blanks_and_signs_is_fetched_from() {
    let origin = Origin::with_a_file();
    let odd = origin.beside("a b%41'#?:ü.git");
    std::fs::rename(origin.path(), &odd).expect("same file system");
    let remote = Remote::parse(odd.to_str().expect("UTF-8"), Path::new("/")).expect("a repository");
    let mirrors = origin.mirrors();
    mirrors.tip(&Remote::from_url(remote.url()).expect("stored"), None, &GO).expect("it answers");
    mirrors.take(&remote, &GO).and_then(|mirror| crate::kit::fetch(&mirror)).expect("it sends");
}
