//! A list of repositories: one URL or path a line, and maybe a ref behind it.

use std::collections::HashMap;
use std::path::Path;

use warmer_git::Remote;

/// A repository that a person names.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The line, from 1; `None` where it is an argument.
    pub(super) number: Option<usize>,
    pub(super) remote: Remote,
    pub(super) reference: Option<String>,
}

/// The repositories of a list. Paths count from `here`; what is behind a `#` that begins a line or follows a blank is a
/// comment.
///
/// # Errors
/// What is wrong, with the number of each line.
pub(super) fn read(list: &str, here: &Path) -> Result<Vec<Line>, Vec<String>> {
    let (mut lines, mut wrong, mut seen) = (Vec::<Line>::new(), Vec::new(), HashMap::new());
    for (number, text) in (1..).zip(list.lines()) {
        let words: Vec<_> = text.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
        let (url, reference) = match words[..] {
            [] => continue,
            [url] => (url, None),
            [url, reference] => (url, Some(reference.to_owned())),
            _ => {
                wrong.push(format!("line {number}: expected a URL or path, and maybe a ref behind it"));
                continue;
            }
        };
        match Remote::parse(url, here) {
            Ok(remote) => {
                let place = (remote.location().to_string(), reference.clone());
                if let Some(before) = seen.insert(place, number) {
                    wrong.push(format!("line {number}: {remote} is named at line {before} already: keep one"));
                }
                lines.push(Line { number: Some(number), remote, reference });
            }
            Err(error) => wrong.push(format!("line {number}: {error}")),
        }
    }
    if wrong.is_empty() { Ok(lines) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_here(list: &str) -> Result<Vec<(String, Option<String>)>, Vec<String>> {
        let lines = read(list, Path::new("/"))?;
        Ok(lines.into_iter().map(|line| (line.remote.url().to_owned(), line.reference)).collect())
    }

    #[test]
    fn a_line_has_a_url_and_maybe_a_ref_and_comments_are_left_out() {
        let list = "# ours\n\nhttps://git.example.com/a v1#2 # the old one\n  https://git.example.com/b\t\n";
        let read = read_here(list).unwrap();
        let expected = [("https://git.example.com/a", Some("v1#2")), ("https://git.example.com/b", None)];
        assert_eq!(read, expected.map(|(url, reference)| (url.to_owned(), reference.map(str::to_owned))));
    }

    #[test]
    fn every_bad_line_is_told_with_its_number_and_without_its_secret() {
        let list = "https://git.example.com/a\nhttps://me:hunter2@git.example.com/b\nhttps://git.example.com/c d e\n\
                    https://GIT.example.com/a.git\nno/such/folder\n";
        let wrong = read_here(list).unwrap_err();
        assert_eq!(wrong.iter().map(|one| &one[..7]).collect::<Vec<_>>(), ["line 2:", "line 3:", "line 4:", "line 5:"]);
        assert!(wrong[2].ends_with("is named at line 1 already: keep one"), "{wrong:#?}");
        assert!(!wrong.concat().contains("hunter2"), "{wrong:#?}");
    }
}
