//! The globs of the configuration, in the manner of `.gitignore`.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// A glob of the configuration is malformed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{list} has the malformed glob {glob:?}: {why}")]
pub struct RulesError {
    /// `include` or `exclude`.
    pub list: &'static str,
    /// As it was written.
    pub glob: String,
    why: globset::ErrorKind,
}

/// A list of globs.
#[derive(Clone, Debug)]
pub(super) struct Globs(GlobSet);

impl Globs {
    pub(super) fn new(list: &'static str, globs: &[String]) -> Result<Self, RulesError> {
        let mut set = GlobSetBuilder::new();
        let wrong =
            |glob: &str, error: &globset::Error| RulesError { list, glob: glob.to_owned(), why: error.kind().clone() };
        for glob in globs {
            for pattern in patterns(glob) {
                let built = GlobBuilder::new(&pattern).literal_separator(true).build();
                set.add(built.map_err(|error| wrong(glob, &error))?);
            }
        }
        let built = set.build().map_err(|error| wrong(error.glob().unwrap_or_default(), &error))?;
        Ok(Self(built))
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

/// The most bytes of one list of globs: each takes about 1,000 times as much memory where it is compiled.
const BYTES_MAX: usize = 64 << 10;

/// Why a list of globs, `include` or `exclude`, cannot be used; `None` where it can.
#[must_use]
pub fn bad_globs(list: &'static str, globs: &[String]) -> Option<String> {
    if globs.iter().map(String::len).sum::<usize>() > BYTES_MAX {
        let most = BYTES_MAX >> 10;
        return Some(format!("expected at most {most} KiB of globs: name folders instead of each file"));
    }
    Globs::new(list, globs).err().map(|error| error.to_string())
}

/// The file or directory itself (unless the glob asks for a directory), and everything below it.
fn patterns(glob: &str) -> Vec<String> {
    let bare = glob.trim_end_matches('/');
    let rooted = match bare.strip_prefix('/') {
        Some(rooted) => rooted.to_owned(),
        None if bare.contains('/') => bare.to_owned(),
        None => format!("**/{bare}"),
    };
    let below = format!("{rooted}/**");
    if bare == glob { vec![rooted, below] } else { vec![below] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_in_gitignore() {
        for (glob, path, expected) in [
            ("*.rs", "a.rs", true),
            ("*.rs", "src/deep/a.rs", true),
            ("/*.rs", "src/a.rs", false),
            ("src", "src/a.rs", true),
            ("src", "crates/x/src/a.rs", true),
            ("src", "srcs/a.rs", false),
            ("src/", "src", false),
            ("src/*.rs", "src/a.rs", true),
            ("src/*.rs", "src/deep/a.rs", false),
            ("src/**/*.rs", "src/deep/er/a.rs", true),
            ("docs/**", "docs/a/b.md", true),
            ("*.{js,ts}", "a/b.ts", true),
        ] {
            let globs = Globs::new("include", &[glob.to_owned()]).expect("a good glob");
            assert_eq!(globs.matches(path), expected, "{glob} on {path}");
        }
    }

    #[test]
    fn a_malformed_glob_is_named() {
        let error = Globs::new("exclude", &["fine".into(), "a[".into()]).expect_err("a malformed glob");
        assert_eq!(error.to_string(), "exclude has the malformed glob \"a[\": unclosed character class; missing ']'");
    }
}
