//! Who may use a mirror, and which must go.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use warmer_git::{ErrorKind, Mirrors, Options, Remote};

use crate::kit::{GO, Origin, changes, entries, fetch, file, noise, only};

/// The other process of the tests below: takes the mirror of the URL on the second line of its input in the folder on
/// the first, says so, and keeps it until the input ends.
#[test]
#[ignore = "started by other tests"]
fn hold_a_mirror() {
    let mut lines = std::io::stdin().lines();
    let (Some(Ok(root)), Some(Ok(url))) = (lines.next(), lines.next()) else { return };
    let mirrors = Mirrors::new(PathBuf::from(root), u64::MAX, Options::default());
    let remote = Remote::from_url(&url).expect("a URL");
    let _held = mirrors.take(&remote, &GO).expect("nobody else has it");
    writeln!(std::io::stdout(), "\nheld").expect("a pipe");
    lines.for_each(drop);
}

/// Starts the above and waits until it holds the mirror.
fn another_process(origin: &Origin) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "mirrors::hold_a_mirror", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts");
    let input = child.stdin.as_mut().expect("piped");
    writeln!(input, "{}\n{}", origin.beside("mirrors").display(), origin.remote()).expect("it reads");
    let mut output = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    assert!(output.any(|line| line == "held"));
    child
}

#[test]
fn a_mirror_belongs_to_one_process_until_that_ends() {
    let origin = Origin::with_a_file();
    let mut child = another_process(&origin);
    let mirrors = origin.mirrors();
    let error = mirrors.take(&origin.remote(), &GO).err().expect("the other has it");
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Busy, true), "{error}");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    fetch(&mirrors.take(&origin.remote(), &GO).expect("free again")).expect("fetched");
}

#[test]
fn a_mirror_of_another_process_is_not_evicted() {
    let origin = Origin::with_a_file();
    fetch(&origin.mirror()).expect("fetched");
    let mut child = another_process(&origin);
    let other = Origin::with_a_file();
    let mirrors = Mirrors::new(origin.beside("mirrors"), 0, Options::default());
    let held = generation(&origin.beside("mirrors"), &origin);
    let taken = mirrors.take(&other.remote(), &GO).expect("free");
    assert!(held.exists());
    drop(taken);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    mirrors.take(&other.remote(), &GO).expect("free");
    assert!(!held.exists());
}

#[test]
fn jobs_of_one_process_share_a_mirror_and_the_last_one_releases_it() {
    let origin = Origin::with_a_file();
    let (mine, stranger) = (origin.mirrors(), origin.mirrors());
    let first = mine.take(&origin.remote(), &GO).expect("free");
    let second = mine.take(&origin.remote(), &GO).expect("shared");
    fetch(&first).expect("fetched");
    let reader = second.reader();
    drop((first, second));
    let busy =
        |mirrors: &Mirrors| mirrors.take(&origin.remote(), &GO).is_err_and(|error| error.kind() == ErrorKind::Busy);
    assert!(busy(&stranger), "a reader keeps it");
    drop(reader);
    assert!(!busy(&stranger));
}

#[test]
fn many_threads_take_fetch_and_release_without_losing_each_other() {
    let origin = Origin::with_a_file();
    let (mirrors, remote) = (origin.mirrors(), origin.remote());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let mirror = mirrors.take(&remote, &GO).expect("never busy within a process");
                    let commit = fetch(&mirror).expect("fetched").commit;
                    assert_eq!(changes(&mirror, None, &commit).len(), 1);
                }
            });
        }
    });
}

#[test]
fn the_least_recently_used_mirrors_go_first_and_one_in_use_never() {
    let origins: Vec<Origin> = (0..3).map(|_| Origin::with_a_file()).collect();
    let root = origins[0].beside("mirrors");
    let unbounded = Mirrors::new(root.clone(), u64::MAX, Options::default());
    for origin in &origins {
        fetch(&unbounded.take(&origin.remote(), &GO).expect("free")).expect("fetched");
    }
    unbounded.take(&origins[0].remote(), &GO).expect("used again");
    let folders: Vec<PathBuf> = origins.iter().map(|origin| generation(&root, origin)).collect();
    let there = || folders.iter().map(|folder| folder.exists()).collect::<Vec<_>>();
    let (one, all) = (bytes(&folders[0]), bytes(&root));

    let newcomer = Origin::with_a_file();
    let roomy = Mirrors::new(root.clone(), all + one * 2, Options::default());
    roomy.take(&newcomer.remote(), &GO).expect("free");
    assert_eq!(there(), [true, true, true], "under the bound nothing goes");

    let tight = Mirrors::new(root.clone(), one * 3, Options::default());
    tight.take(&newcomer.remote(), &GO).expect("free");
    assert_eq!(there(), [true, false, true], "four are one too many");

    let none = Mirrors::new(root.clone(), 0, Options::default());
    let used = none.take(&origins[2].remote(), &GO).expect("free");
    assert_eq!(there(), [false, false, true]);
    drop(used);
    none.take(&newcomer.remote(), &GO).expect("free");
    assert_eq!(there(), [false, false, false]);
    let hidden = entries(&root).into_iter().filter(|path| path.to_string_lossy().contains(".gone")).count();
    assert_eq!(hidden, 0, "what was set aside is deleted");
}

/// Brings these into a root that is large enough for them.
fn fetched(root: &Path, origins: [&Origin; 2]) {
    for origin in origins {
        let mirrors = Mirrors::new(root.to_owned(), u64::MAX, Options::default());
        fetch(&mirrors.take(&origin.remote(), &GO).expect("free")).expect("fetched");
    }
}

#[test]
fn an_unfinished_renewal_is_evicted_with_its_mirror() {
    let (unused, used, newcomer) = (Origin::with_a_file(), Origin::with_a_file(), Origin::with_a_file());
    let root = unused.beside("mirrors");
    fetched(&root, [&unused, &used]);
    let (gone, kept) = (generation(&root, &unused), generation(&root, &used));
    let one = bytes(&kept);
    // What a process leaves that is killed while it renews a mirror: larger than all the rest.
    let unfinished = gone.with_file_name("new.git");
    std::fs::create_dir(&unfinished).expect("writable");
    std::fs::write(unfinished.join("pack"), noise(one as usize * 10)).expect("writable");
    let tight = Mirrors::new(root, one * 3, Options::default());
    tight.take(&newcomer.remote(), &GO).expect("free");
    assert!(!gone.exists() && !unfinished.exists());
    assert!(kept.exists(), "enough was freed");
}

#[test]
fn what_cannot_be_evicted_does_not_count_as_freed() {
    let (stuck, other, newcomer) = (Origin::with_a_file(), Origin::with_a_file(), Origin::with_a_file());
    let root = stuck.beside("mirrors");
    fetched(&root, [&stuck, &other]);
    let (first, second) = (generation(&root, &stuck), generation(&root, &other));
    let one = bytes(&first);
    // Not of ours, so that nothing knows to rename it.
    std::fs::rename(&first, first.with_file_name("strange")).expect("writable");
    Mirrors::new(root, one * 2, Options::default()).take(&newcomer.remote(), &GO).expect("free");
    assert!(!second.exists(), "the next one goes instead");
}

#[test]
fn an_evicted_mirror_is_simply_fetched_again() {
    let origin = Origin::with_a_file();
    let commit = fetch(&origin.mirror()).expect("fetched").commit;
    let other = Origin::new();
    other.commit(&[file("b", "1")]);
    let mirrors = Mirrors::new(origin.beside("mirrors"), 0, Options::default());
    mirrors.take(&other.remote(), &GO).expect("free");
    let mirror = mirrors.take(&origin.remote(), &GO).expect("free");
    assert!(!mirror.has_commit(&commit));
    assert_eq!(fetch(&mirror).expect("fetched").objects, 3);
}

/// Where the first generation of an origin's mirror is. The name of its folder is learnt by taking the mirror
/// elsewhere.
fn generation(root: &Path, origin: &Origin) -> PathBuf {
    let elsewhere = tempfile::TempDir::new().expect("a temporary folder");
    let mirrors = Mirrors::new(elsewhere.path().to_owned(), u64::MAX, Options::default());
    mirrors.take(&origin.remote(), &GO).expect("free");
    let folder = only(elsewhere.path());
    root.join(folder.file_name().expect("it has a name")).join("g1.git")
}

fn bytes(folder: &Path) -> u64 {
    entries(folder)
        .iter()
        .map(|path| if path.is_dir() { bytes(path) } else { path.metadata().map_or(0, |found| found.len()) })
        .sum()
}
