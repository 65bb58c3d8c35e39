//! Repositories made by git for one test, and a folder for their mirrors.

use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;

use tempfile::TempDir;
use warmer_git::{Change, GitError, Mirror, Mirrors, Oid, Options, Received, Remote};

pub(crate) const MAIN: &str = "refs/heads/main";

/// A flag that is never raised.
pub(crate) static GO: AtomicBool = AtomicBool::new(false);

/// One line of a commit: what to put where.
pub(crate) enum Put<'a> {
    File(&'a [u8], &'a [u8]),
    Program(&'a str, &'a str),
    Link(&'a str, &'a str),
    Submodule(&'a str, &'a str),
    Delete(&'a str),
}

pub(crate) fn file<'a>(path: &'a str, text: &'a str) -> Put<'a> {
    Put::File(path.as_bytes(), text.as_bytes())
}

/// A bare repository, and the folder that holds it and its mirrors.
pub(crate) struct Origin {
    folder: TempDir,
}

impl Origin {
    pub(crate) fn new() -> Self {
        let origin = Self { folder: TempDir::new().expect("a temporary folder") };
        std::fs::create_dir(origin.path()).expect("a folder for the repository");
        origin.git(&["init", "--quiet", "--bare", "--initial-branch=main", "."]);
        origin
    }

    /// A repository with one commit of one file.
    pub(crate) fn with_a_file() -> Self {
        let origin = Self::new();
        origin.commit(&[file("a.rs", "one")]);
        origin
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("origin.git")
    }

    /// A path beside the repository.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.path(), arguments)
    }

    /// Adds a commit to `main`, after the one that is there.
    pub(crate) fn commit(&self, puts: &[Put<'_>]) -> Oid {
        let parent = self.try_git(&["rev-parse", "--verify", "--quiet", MAIN]);
        self.commit_on(parent.as_deref(), puts)
    }

    /// Makes `main` a commit with this parent, or a root.
    pub(crate) fn commit_on(&self, parent: Option<&str>, puts: &[Put<'_>]) -> Oid {
        let mut script = b"commit refs/heads/main\ncommitter A <a@example.org> 1700000000 +0000\ndata 1\nm\n".to_vec();
        match parent {
            Some(parent) => writeln!(script, "from {parent}").expect("a vector takes all"),
            None => script.splice(0..0, *b"reset refs/heads/main\n").for_each(drop),
        }
        puts.iter().for_each(|put| put.write(&mut script));
        let mut import = git_command(&self.path());
        let mut child = import.args(["fast-import", "--quiet", "--force"]).stdin(Stdio::piped()).spawn().expect("git");
        child.stdin.take().expect("it is piped").write_all(&script).expect("git reads it");
        assert!(child.wait().expect("git ends").success());
        self.git(&["rev-parse", MAIN]).parse().expect("an oid")
    }

    pub(crate) fn remote(&self) -> Remote {
        Remote::parse(self.path().to_str().expect("UTF-8"), Path::new("/")).expect("a repository")
    }

    pub(crate) fn mirrors(&self) -> Mirrors {
        self.mirrors_with(Options::default())
    }

    pub(crate) fn mirrors_with(&self, options: impl Into<Options>) -> Mirrors {
        Mirrors::new(self.beside("mirrors"), u64::MAX, options.into())
    }

    pub(crate) fn mirror(&self) -> Mirror {
        self.mirrors().take(&self.remote(), &GO).expect("nobody else has it")
    }

    /// The folder of the only mirror's newest generation.
    pub(crate) fn mirror_folder(&self) -> PathBuf {
        let mirror = only(&self.beside("mirrors"));
        let mut generations: Vec<PathBuf> = entries(&mirror);
        generations.retain(|path| path.extension().is_some_and(|end| end == "git"));
        assert_eq!(generations.len(), 1, "{generations:?}");
        generations.remove(0)
    }

    fn try_git(&self, arguments: &[&str]) -> Option<String> {
        let out = git_command(&self.path()).args(arguments).output().expect("git");
        out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
    }
}

impl Put<'_> {
    fn write(&self, script: &mut Vec<u8>) {
        let (mode, path, content): (_, _, &[u8]) = match self {
            Self::File(path, text) => ("100644", *path, text),
            Self::Program(path, text) => ("100755", path.as_bytes(), text.as_bytes()),
            Self::Link(path, target) => ("120000", path.as_bytes(), target.as_bytes()),
            Self::Submodule(path, oid) => return writeln!(script, "M 160000 {oid} {path}").expect("a vector"),
            Self::Delete(path) => return writeln!(script, "D {path}").expect("a vector"),
        };
        let mut quoted = String::new();
        path.iter().for_each(|byte| write!(quoted, "\\{byte:03o}").expect("a string"));
        writeln!(script, "M {mode} inline \"{quoted}\"\ndata {}", content.len()).expect("a vector");
        script.extend_from_slice(content);
        script.push(b'\n');
    }
}

/// Runs git without any configuration of this machine, as a fixed person at a fixed time.
pub(crate) fn git_command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).envs([
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_NAME", "A"),
        ("GIT_AUTHOR_EMAIL", "a@example.org"),
        ("GIT_AUTHOR_DATE", "1700000000 +0000"),
        ("GIT_COMMITTER_NAME", "A"),
        ("GIT_COMMITTER_EMAIL", "a@example.org"),
        ("GIT_COMMITTER_DATE", "1700000000 +0000"),
    ]);
    command
}

pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let out = git_command(folder).args(arguments).output().expect("git");
    assert!(out.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path()).collect()
}

pub(crate) fn only(folder: &Path) -> PathBuf {
    let mut found = entries(folder);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

pub(crate) fn fetch(mirror: &Mirror) -> Result<Received, GitError> {
    mirror.fetch(MAIN, &GO, &|_| {})
}

pub(crate) fn changes(mirror: &Mirror, from: Option<&Oid>, to: &Oid) -> Vec<Change> {
    let mut all = Vec::new();
    let each = &mut |change| {
        all.push(change);
        ControlFlow::Continue(())
    };
    mirror.changes(from, to, each).expect("both commits are here");
    all
}

/// Bytes that no compression makes smaller, the same every time.
pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..bytes).map(|_| next()).collect()
}
