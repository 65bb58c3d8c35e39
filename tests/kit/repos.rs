//! Real git repositories, made by the git program.
//!
//! A commit is one `git fast-import`: no work tree, no index, so a file costs what its bytes cost, and a path may hold
//! any byte git allows. Identity and dates are fixed: the same calls give the same object ids everywhere.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::git::{IDENTITY, git, run, text};
use crate::server::Fault;
use crate::sources;

/// The first commit's time; each later one is a minute after.
const EPOCH: u64 = 1_700_000_000;

/// A repository in a temporary directory. Changes are collected and become a commit by [`Repo::commit`].
#[derive(Debug)]
pub struct Repo {
    directory: TempDir,
    branch: String,
    /// Of every branch: its commit.
    tips: BTreeMap<String, String>,
    /// The file commands of the next commit, in fast-import's language.
    pending: Vec<u8>,
    commits: u64,
}

impl Default for Repo {
    fn default() -> Self {
        Self::new()
    }
}

impl Repo {
    /// An empty repository whose HEAD is the unborn branch `main`.
    #[must_use]
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("warmer-repo-").tempdir().expect("a temporary directory");
        let mut repo =
            Self { directory, branch: "main".to_owned(), tips: BTreeMap::new(), pending: Vec::new(), commits: 0 };
        repo.git(["init", "--quiet", "--initial-branch=main"]);
        // Unknown commits can be asked for by id, as the large hosts allow it.
        repo.git(["config", "uploadpack.allowAnySHA1InWant", "true"]);
        repo.pending.clear();
        repo
    }

    /// One commit of `files` Rust and Python files of about `bytes_each` bytes, a hundred to a directory. Repositories
    /// of different seeds have no function in common.
    #[must_use]
    pub fn generated(files: usize, bytes_each: usize, seed: u64) -> Self {
        let mut repo = Self::new();
        for number in 0..files {
            let own = seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
            let directory = number / 100;
            if number % 3 == 2 {
                repo.write(format!("tools/{directory}/file_{number}.py"), sources::python(own, bytes_each));
            } else {
                repo.write(format!("src/{directory}/file_{number}.rs"), sources::rust(own, bytes_each));
            }
        }
        repo.commit("generated");
        repo
    }

    /// Another repository with the same history, as `git clone` makes it, of the branch HEAD names.
    #[must_use]
    pub fn cloned(&self) -> Self {
        let mut clone = Self::new();
        clone.git(["fetch", "--quiet", "--update-head-ok", &self.url(), "+refs/heads/*:refs/heads/*"]);
        clone.tips.clone_from(&self.tips);
        clone.commits = self.commits;
        clone
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Its `file://` URL.
    #[must_use]
    pub fn url(&self) -> String {
        let path = self.path().canonicalize().expect("the directory exists");
        format!("file://{}", path.display())
    }

    /// Writes a file.
    pub fn write(&mut self, path: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.put("100644", path.as_ref(), bytes.as_ref())
    }

    /// Makes a symbolic link at `path`.
    pub fn symlink(&mut self, target: impl AsRef<[u8]>, path: impl AsRef<[u8]>) -> &mut Self {
        self.put("120000", path.as_ref(), target.as_ref())
    }

    /// Puts a submodule at `path`: a commit nobody here has.
    pub fn submodule(&mut self, path: impl AsRef<[u8]>) -> &mut Self {
        self.pending.extend_from_slice(format!("M 160000 {} ", "1".repeat(40)).as_bytes());
        self.path_then(path.as_ref(), b'\n')
    }

    /// Gives a committed file another mode: `100644` or `100755`.
    pub fn mode(&mut self, path: &str, mode: &str) -> &mut Self {
        let oid = self.git(["rev-parse", &format!("{}:{path}", self.branch)]);
        self.pending.extend_from_slice(format!("M {mode} {oid} ").as_bytes());
        self.path_then(path.as_bytes(), b'\n')
    }

    /// Removes a file or a directory.
    pub fn remove(&mut self, path: impl AsRef<[u8]>) -> &mut Self {
        self.pending.extend_from_slice(b"D ");
        self.path_then(path.as_ref(), b'\n')
    }

    /// Whether the current branch's last commit has this path.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        !self.git(["ls-tree", "--name-only", self.tip(), "--", path]).trim().is_empty()
    }

    /// Moves a file or a directory.
    pub fn rename(&mut self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> &mut Self {
        self.pending.extend_from_slice(b"R ");
        self.path_then(from.as_ref(), b' ').path_then(to.as_ref(), b'\n')
    }

    /// Copies a file or a directory.
    pub fn copy(&mut self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> &mut Self {
        self.pending.extend_from_slice(b"C ");
        self.path_then(from.as_ref(), b' ').path_then(to.as_ref(), b'\n')
    }

    /// Commits what was changed since the last commit; the commit's id.
    pub fn commit(&mut self, message: &str) -> String {
        let parents: Vec<String> = self.tips.get(&self.branch).cloned().into_iter().collect();
        self.import(message, &parents, None)
    }

    /// Replaces the last commit by one with the same parents, the same files and what was changed since: the branch
    /// moves as a force-push moves it.
    pub fn amend(&mut self, message: &str) -> String {
        let parents = self.git(["rev-parse", &format!("{}^@", self.branch)]);
        let tree = self.git(["rev-parse", &format!("{}^{{tree}}", self.branch)]);
        let parents: Vec<String> = parents.lines().map(str::to_owned).collect();
        self.import(message, &parents, Some(&tree))
    }

    /// Starts the branch anew with a commit that has no parent and holds only what was changed since the last one.
    pub fn commit_root(&mut self, message: &str) -> String {
        self.import(message, &[], None)
    }

    /// Merges another branch into this one; where the two conflict everything stays as it is here.
    ///
    /// # Panics
    /// When git cannot be started.
    pub fn merge(&mut self, other: &str, message: &str) -> String {
        let merged = self.command(&["merge-tree", "--write-tree", &self.branch, other]).output().expect("git starts");
        let tree = match merged.status.success() {
            true => text(&merged.stdout),
            false => self.git(["rev-parse", &format!("{}^{{tree}}", self.branch)]),
        };
        let parents = [self.tips[&self.branch].clone(), self.tips[other].clone()];
        self.import(message, &parents, Some(&tree))
    }

    /// Later commits go to this branch, which starts here unless it exists. HEAD stays.
    pub fn branch(&mut self, name: &str) -> &mut Self {
        if !self.tips.contains_key(name) {
            let here = self.tips[&self.branch].clone();
            self.git(["branch", name, &here]);
            self.tips.insert(name.to_owned(), here);
        }
        name.clone_into(&mut self.branch);
        self
    }

    /// Moves the branch to another commit, as a force-push does.
    pub fn reset(&mut self, commit: &str) -> &mut Self {
        self.git(["update-ref", &format!("refs/heads/{}", self.branch), commit]);
        self.tips.insert(self.branch.clone(), commit.to_owned());
        self
    }

    /// A fault in which somebody pushes this commit to the branch.
    #[must_use]
    pub fn push_later(&self, commit: &str) -> Fault {
        let mut push = self.command(&["update-ref", &format!("refs/heads/{}", self.branch), commit]);
        Fault::Meanwhile(Box::new(move || {
            let done = push.status().expect("git starts");
            assert!(done.success(), "the push works");
        }))
    }

    /// Makes an annotated tag of the last commit.
    pub fn tag(&mut self, name: &str) -> &mut Self {
        self.git(["tag", "--annotate", "--message=a tag", name, &self.branch]);
        self
    }

    /// The last commit of the branch.
    #[must_use]
    pub fn tip(&self) -> &str {
        &self.tips[&self.branch]
    }

    /// Commits one more file at the top whose name git's own front doors refuse, for example `..`: the tree is written
    /// entry by entry.
    pub fn commit_entry(&mut self, name: &[u8], bytes: &[u8]) -> String {
        let blob = run(self.command(&["hash-object", "-w", "--stdin"]), bytes);
        let mut listing = run(self.command(&["ls-tree", "-z", &self.branch]), b"");
        listing.extend_from_slice(format!("100644 blob {}\t", text(&blob)).as_bytes());
        listing.extend_from_slice(name);
        listing.push(0);
        let tree = text(&run(self.command(&["mktree", "-z"]), &listing));
        let parent = self.tips[&self.branch].clone();
        let commit = self.git(["commit-tree", &tree, "-p", &parent, "-m", "an odd entry"]);
        self.reset(&commit);
        commit
    }

    /// Runs git here; what it printed, without the last line end.
    ///
    /// # Panics
    /// When git fails.
    pub fn git<const N: usize>(&self, arguments: [&str; N]) -> String {
        text(&run(self.command(&arguments), b""))
    }

    fn put(&mut self, mode: &str, path: &[u8], bytes: &[u8]) -> &mut Self {
        self.pending.extend_from_slice(format!("M {mode} inline ").as_bytes());
        self.path_then(path, b'\n');
        self.pending.extend_from_slice(format!("data {}\n", bytes.len()).as_bytes());
        self.pending.extend_from_slice(bytes);
        self.pending.push(b'\n');
        self
    }

    /// Appends a path, quoted byte by byte where it is more than plain characters.
    fn path_then(&mut self, path: &[u8], end: u8) -> &mut Self {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
        if !path.is_empty() && path.iter().all(plain) {
            self.pending.extend_from_slice(path);
        } else {
            self.pending.push(b'"');
            for byte in path {
                self.pending.extend_from_slice(format!("\\{byte:03o}").as_bytes());
            }
            self.pending.push(b'"');
        }
        self.pending.push(end);
        self
    }

    fn import(&mut self, message: &str, parents: &[String], tree: Option<&str>) -> String {
        let when = EPOCH + 60 * self.commits;
        let mut stream = format!(
            "feature done\ncommit refs/heads/{}\nmark :1\ncommitter {IDENTITY} {when} +0000\ndata {}\n{message}\n",
            self.branch,
            message.len()
        )
        .into_bytes();
        for (number, parent) in parents.iter().enumerate() {
            let word = if number == 0 { "from" } else { "merge" };
            stream.extend_from_slice(format!("{word} {parent}\n").as_bytes());
        }
        if parents.is_empty() {
            stream.extend_from_slice(b"deleteall\n");
        }
        if let Some(tree) = tree {
            stream.extend_from_slice(format!("M 040000 {tree} \"\"\n").as_bytes());
        }
        stream.append(&mut self.pending);
        stream.extend_from_slice(b"\nget-mark :1\ndone\n");
        let commit = text(&run(self.command(&["fast-import", "--quiet", "--force"]), &stream));
        self.commits += 1;
        self.tips.insert(self.branch.clone(), commit.clone());
        commit
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = git();
        command.current_dir(self.path()).args(arguments);
        let when = format!("{} +0000", EPOCH + 60 * self.commits);
        command.env("GIT_AUTHOR_DATE", &when).env("GIT_COMMITTER_DATE", &when);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::needs;
    use crate::needs::GIT;

    #[test]
    fn the_same_calls_make_the_same_commits() {
        needs!(GIT);
        let make = || Repo::new().write("a.rs", "fn a() {}").commit("one");
        assert_eq!(make(), make());
    }

    #[test]
    fn every_change_is_in_the_next_commit_and_no_other() {
        needs!(GIT);
        let mut repo = Repo::new();
        repo.write("a", "1").write("dir/b", "2").write("c", "3").symlink("a", "link").submodule("sub").commit("one");
        repo.rename("a", "moved").remove("c").copy("dir", "copied").mode("dir/b", "100755").commit("two");
        let listing = repo.git(["ls-tree", "-r", "--format=%(objectmode) %(path)", "HEAD"]);
        assert_eq!(listing, "100644 copied/b\n100755 dir/b\n120000 link\n100644 moved\n160000 sub");
        assert_eq!(repo.git(["rev-list", "--count", "HEAD"]), "2");
    }

    #[test]
    fn history_can_be_rewritten_branched_and_merged() {
        needs!(GIT);
        let mut repo = Repo::new();
        let first = repo.write("a", "1").commit("one");
        repo.write("b", "2").commit("two");
        let amended = repo.write("c", "3").amend("two again");
        assert_eq!(repo.git(["rev-parse", "HEAD", "HEAD^"]), format!("{amended}\n{first}"));
        repo.branch("side").write("d", "4").commit("beside");
        repo.branch("main").write("e", "5").commit("three");
        repo.merge("side", "both");
        assert_eq!(repo.git(["ls-tree", "--name-only", "HEAD"]), "a\nb\nc\nd\ne");
        assert_eq!(repo.cloned().git(["rev-parse", "main", "side"]), repo.git(["rev-parse", "main", "side"]));
        repo.write("z", "0").commit_root("anew");
        assert_eq!(repo.git(["ls-tree", "--name-only", "HEAD"]), "z");
        assert_eq!(repo.git(["rev-list", "--count", "HEAD"]), "1");
        repo.reset(&first);
        assert_eq!(repo.git(["rev-parse", "HEAD"]), first);
    }

    #[test]
    fn paths_may_hold_any_byte() {
        needs!(GIT);
        let mut repo = Repo::new();
        repo.write(b"caf\xe9.rs", "latin").write("a\nb\t\"c\".rs", "control").write("\u{fc}.rs", "utf-8").commit("odd");
        repo.commit_entry(b"..", b"up");
        let listing = repo.git(["ls-tree", "-r", "--name-only", "HEAD"]);
        assert_eq!(listing, "..\n\"a\\nb\\t\\\"c\\\".rs\"\n\"caf\\351.rs\"\n\"\\303\\274.rs\"");
    }

    #[test]
    fn thousands_of_files_are_one_commit() {
        needs!(GIT);
        let repo = Repo::generated(2_000, 100, 1);
        assert_eq!(repo.git(["ls-tree", "-r", "--name-only", "HEAD"]).lines().count(), 2_000);
    }
}
