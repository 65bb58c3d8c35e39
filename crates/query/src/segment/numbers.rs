//! Numbers in bytes: little-endian of fixed width, and of as many bytes as they need.

/// A number of 32 bits at this byte; 0 behind the end.
#[inline]
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// A number of 64 bits at this byte; 0 behind the end.
#[inline]
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// What a segment counts in 32 bits. More is not written by anyone: a part is bounded far below.
pub(super) fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Appends a number in groups of seven bits, the lowest first; the top bit says that another follows.
pub(super) fn push_varint(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// Takes such a number off the front; `None` where the bytes end before it, or it has more than 64 bits.
#[inline]
pub(super) fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_any_size_is_read_as_it_was_written() {
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX];
        let mut bytes = vec![];
        numbers.iter().for_each(|number| push_varint(&mut bytes, *number));
        let mut rest = &bytes[..];
        let read: Vec<_> = std::iter::from_fn(|| take_varint(&mut rest)).collect();
        assert_eq!((read.as_slice(), rest), (numbers.as_slice(), [].as_slice()));
    }

    #[test]
    fn a_number_that_is_cut_or_does_not_end_is_none() {
        assert_eq!(take_varint(&mut [0x80].as_slice()), None);
        assert_eq!(take_varint(&mut [0xff; 12].as_slice()), None);
    }
}
