//! Short names for long ones.

/// 16 hexadecimal digits of a hash.
pub(crate) fn digest(text: &[u8]) -> String {
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(text);
    hasher.try_finalize().map_or_else(|_| "collision".to_owned(), |hash| hash.to_hex_with_len(16).to_string())
}
