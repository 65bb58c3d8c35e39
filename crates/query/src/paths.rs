//! Which paths a search looks at: the one that is named, else those that match as a glob.

use globset::{GlobBuilder, GlobMatcher};

/// A filter over paths. Names may look like globs (`app/[id]/page.py`): a path that is served under just this name, or
/// that is printed so, is meant and nothing else; only where there is none the filter is a glob.
pub(crate) struct Paths {
    name: String,
    /// `None`: what is named is meant.
    glob: Option<GlobMatcher>,
}

/// Neither a path is named so, nor does it read as a glob.
#[derive(Debug, thiserror::Error)]
#[error("no file has this name, and it is no valid glob: {why}")]
pub struct BadPattern {
    /// As it was given.
    pub pattern: String,
    /// What the glob lacks.
    pub why: String,
}

impl Paths {
    /// What `filter` means, from the repository's root on, where these paths are served.
    ///
    /// # Errors
    /// When none of them is named, and none could match.
    pub(crate) fn new<'a>(filter: &str, mut served: impl Iterator<Item = &'a str>) -> Result<Self, BadPattern> {
        let name = filter.trim_start_matches("./").trim_start_matches('/').to_owned();
        if served.any(|path| is_printed_as(path, &name)) {
            return Ok(Self { name, glob: None });
        }
        let glob = GlobBuilder::new(&name).literal_separator(true).build();
        let bad = |error: globset::Error| BadPattern { pattern: filter.to_owned(), why: error.kind().to_string() };
        Ok(Self { glob: Some(glob.map_err(bad)?.compile_matcher()), name })
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        match &self.glob {
            Some(glob) => glob.is_match(path),
            None => is_printed_as(path, &self.name),
        }
    }
}

/// Whether `printed` is `path` with none, some or all of its characters as their escapes.
fn is_printed_as(path: &str, printed: &str) -> bool {
    let mut rest = printed;
    let all = path.chars().all(|character| {
        let after = match rest.strip_prefix(character) {
            None if rest.starts_with('\\') => rest.strip_prefix(&*character.escape_default().to_string()),
            after => after,
        };
        after.map(|after| rest = after).is_some()
    });
    all && rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(served: &[&'a str], filter: &str) -> Vec<&'a str> {
        let paths = Paths::new(filter, served.iter().copied()).unwrap();
        served.iter().copied().filter(|path| paths.has(path)).collect()
    }

    #[test]
    fn a_glob_over_paths_stops_at_directories() {
        let served = ["src/a.rs", "src/x/b.rs", "c.py"];
        for same in ["src/*.rs", "/src/*.rs", "./src/*.rs"] {
            assert_eq!(found(&served, same), ["src/a.rs"]);
        }
        assert_eq!(found(&served, "**/*.rs"), ["src/a.rs", "src/x/b.rs"]);
    }

    #[test]
    fn a_path_that_looks_like_a_glob_is_found_as_it_is_printed() {
        let served = ["app/i/page.py", "app/[id]/page.py", "a[", "b\u{1b}.py"];
        assert_eq!(found(&served, "app/[id]/page.py"), ["app/[id]/page.py"], "and not what it would match as a glob");
        assert_eq!(found(&served, "app/[i]/page.py"), ["app/i/page.py"], "where nothing is named so it is a glob");
        assert_eq!((found(&served, "a["), found(&served, "b\\u{1b}.py")), (vec![served[2]], vec![served[3]]));
    }

    #[test]
    fn a_filter_that_is_neither_a_path_nor_a_glob_is_named() {
        let error = Paths::new("a[", std::iter::once("b")).map(drop).unwrap_err();
        assert!(error.to_string().starts_with("no file has this name, and it is no valid glob: "), "{error}");
    }
}
