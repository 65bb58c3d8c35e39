//! Pointers of Git LFS: a few lines that stand for a file that is kept elsewhere.

/// Larger is no pointer, by their specification, in bytes.
const BYTES_MAX: usize = 1024;

/// Whether this is a pointer: the line of the version, an object id and a size, in any order.
pub(super) fn is_pointer(bytes: &[u8]) -> bool {
    const VERSIONS: [&str; 2] = ["version https://git-lfs.github.com/spec/", "version https://hawser.github.com/spec/"];
    let Some(text) = str::from_utf8(bytes).ok().filter(|_| bytes.len() < BYTES_MAX) else { return false };
    let has = |key: &str, good: fn(&str) -> bool| text.lines().any(|line| line.strip_prefix(key).is_some_and(good));
    VERSIONS.iter().any(|version| text.starts_with(version))
        && has("oid ", |oid| oid.contains(':'))
        && has("size ", |size| size.trim_end().bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_has_a_version_an_object_id_and_a_size() {
        let pointer =
            format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 904052\n", "7".repeat(64));
        assert!(is_pointer(pointer.as_bytes()));
        assert!(is_pointer(pointer.replace('\n', "\r\n").as_bytes()));
        assert!(is_pointer(pointer.replace("oid", "ext-0-foo sha256:77\noid").as_bytes()));
        for none in [
            pointer.replace("size 904052\n", ""),
            pointer.replace("version", "# version"),
            format!("{pointer}{}", "A text about pointers.\n".repeat(50)),
        ] {
            assert!(!is_pointer(none.as_bytes()), "{none}");
        }
    }
}
