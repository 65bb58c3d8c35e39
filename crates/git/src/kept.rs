//! The names under which a mirror keeps the refs of its remote.

use gix::bstr::{BStr, ByteSlice};

use crate::digest::digest;

/// Where a mirror keeps the refs of its remote.
pub(crate) const KEPT: &str = "refs/warmer";

/// The longest name of a file that is kept as it is: file systems take 255 bytes, and gix adds to it.
const KEPT_BYTES_MAX: usize = 200;

/// The name under which a mirror keeps a ref of its remote: flat, so that `a` and a later `a/b` can both be kept. A
/// long one, which git keeps in several directories, is kept under its digest.
pub(crate) fn kept_as(reference: &BStr) -> String {
    let flat = reference.to_str_lossy().replace('%', "%25").replace('/', "%2F");
    match flat.len() {
        0..=KEPT_BYTES_MAX => format!("{KEPT}/{flat}"),
        _ => format!("{KEPT}/long-{}", digest(reference)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_names_are_flat_and_never_meet() {
        assert_eq!(kept_as("refs/heads/a/b".into()), "refs/warmer/refs%2Fheads%2Fa%2Fb");
        assert_ne!(kept_as("refs/heads/a%2Fb".into()), kept_as("refs/heads/a/b".into()));
    }
}
