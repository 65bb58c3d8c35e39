//! Which versions of the system's libraries a program needs: the highest of the symbols that it asks them for.

use std::collections::BTreeSet;

/// Debian's packages with the lowest versions that have what these programs and libraries need.
pub(crate) fn debian(files: &[&[u8]]) -> Vec<String> {
    let highest = |prefix: &str| files.iter().flat_map(|file| versions(file, prefix)).max();
    let mut needs = Vec::new();
    if let Some(version) = highest("GLIBC_") {
        needs.push(format!("libc6 (>= {})", written(&version)));
    }
    needs.push("libgcc-s1".to_owned());
    if let Some(version) = highest("GLIBCXX_") {
        needs.push(format!("libstdc++6 (>= {})", compiler(&version)));
    }
    needs
}

/// The versions that follow `prefix` at the beginning of a text in the file: names of versions are such texts.
fn versions(file: &[u8], prefix: &str) -> BTreeSet<Vec<u32>> {
    let texts = file.split(|byte| *byte == 0).filter_map(|text| text.strip_prefix(prefix.as_bytes()));
    let numbers = texts.filter_map(|text| {
        let text = std::str::from_utf8(text).ok()?;
        text.split('.').map(str::parse).collect::<Result<Vec<u32>, _>>().ok()
    });
    numbers.collect()
}

fn written(version: &[u32]) -> String {
    version.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

/// The GCC whose C++ library has these symbols. <https://gcc.gnu.org/onlinedocs/libstdc++/manual/abi.html>
fn compiler(version: &[u32]) -> &'static str {
    match version {
        [3, 4, ..=21] => "5",
        [3, 4, 22] => "6",
        [3, 4, 23 | 24] => "7",
        [3, 4, 25] => "8",
        [3, 4, 26..=28] => "9",
        [3, 4, 29] => "11",
        [3, 4, 30] => "12",
        [3, 4, 31 | 32] => "13",
        [3, 4, 33] => "14",
        _ => "15",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_of_all_files_counts() {
        let one = b"\x7fELF\0GLIBC_2.4\0GLIBC_2.34\0GLIBC_PRIVATE\0text GLIBC_2.99\0";
        let other = b"\x7fELF\0GLIBC_2.28\0GLIBCXX_3.4.25\0GLIBCXX_3.4\0";
        assert_eq!(debian(&[one, other]), ["libc6 (>= 2.34)", "libgcc-s1", "libstdc++6 (>= 8)"]);
        assert_eq!(debian(&[one]), ["libc6 (>= 2.34)", "libgcc-s1"]);
    }
}
