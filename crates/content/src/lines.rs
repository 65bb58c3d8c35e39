//! Where the lines of a text start.

/// The starts of all lines, blank or not.
pub(crate) fn line_starts(text: &str) -> Vec<u32> {
    let ends = text.bytes().zip(1u32..).filter_map(|(byte, behind)| (byte == b'\n').then_some(behind));
    std::iter::once(0).chain(ends).collect()
}

/// How many of these ascending starts are before this byte.
pub(crate) fn count_before(starts: &[u32], at: u32) -> u32 {
    // No more than there are bytes, which is a u32.
    u32::try_from(starts.partition_point(|start| *start < at)).unwrap_or(u32::MAX)
}
