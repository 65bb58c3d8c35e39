use std::path::{Path, PathBuf};

/// The path from the root, for whoever reads it later: it names the same thing once the current directory is gone or
/// another one, also where it begins with `..`. As it is where the current directory is gone already.
#[must_use]
pub fn absolute(path: impl AsRef<Path>) -> PathBuf {
    let mut rest = path.as_ref();
    let Ok(mut here) = std::env::current_dir() else { return rest.to_owned() };
    loop {
        if let Ok(below) = rest.strip_prefix("..") {
            here.pop();
            rest = below;
        } else if let Ok(below) = rest.strip_prefix(".") {
            rest = below;
        } else {
            return here.join(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_counts_from_where_the_process_was_started() {
        let here = std::env::current_dir().unwrap();
        for (path, is) in [("a/b", here.join("a/b")), ("./a", here.join("a")), ("/a/../b", PathBuf::from("/a/../b"))] {
            assert_eq!(absolute(path), is);
        }
        assert_eq!(absolute("./.././../a"), here.parent().unwrap().parent().unwrap().join("a"));
    }
}
