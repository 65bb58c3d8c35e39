//! The envelope of a stored artifact, and of its symbols: 8 bytes, then zstd over MessagePack with named fields.
//!
//! ```text
//! "WARM"  codec  flags  version (u16, little-endian)  zstd( rmp-serde( Artifact or Symbols ) )
//! ```
//!
//! Whatever this version does not know (a magic, codec, flag or version of another hand) is a miss, never an error:
//! the artifact is made again from the blob. The zstd frame carries a checksum, so a flipped bit is a miss as well.

use std::cell::RefCell;
use std::io::{self, Read as _};

use serde::Serialize;
use serde::de::DeserializeOwned;
use zstd::Decoder;
use zstd::bulk::Compressor;
use zstd::zstd_safe::{DCtx, ResetDirective};

const MAGIC: [u8; 4] = *b"WARM";
/// zstd over MessagePack.
const CODEC: u8 = 1;
/// None are defined.
const FLAGS: u8 = 0;
/// The artifact's schema. Raised when older readers would misread a newer artifact. Symbols have none of their own:
/// what made them is stored beside them.
pub(crate) const VERSION: u16 = 1;
const HEADER_BYTES: usize = 8;
/// Level 1 packs source text 3x at several hundred MB/s; higher levels gain little.
const LEVEL: i32 = 1;
/// A frame that claims to hold more is not unpacked: files are limited to 1 MiB by default, and no limit that a person
/// would set reaches this.
const UNPACKED_BYTES_MAX: u64 = 1 << 30;

thread_local! {
    // One that is made asks the processor what it can do, and a virtual machine answers only after tens of
    // microseconds: made for each artifact they took 9 % of a refresh of small files.
    static COMPRESSOR: RefCell<Compressor<'static>> = RefCell::default();
    static DECOMPRESSION: RefCell<DCtx<'static>> = RefCell::default();
}

/// The stored form.
pub(crate) fn seal(record: &impl Serialize) -> io::Result<Vec<u8>> {
    let packed = rmp_serde::to_vec_named(record).map_err(io::Error::other)?;
    let mut sealed = Vec::with_capacity(HEADER_BYTES + packed.len() / 2);
    sealed.extend_from_slice(&MAGIC);
    sealed.extend_from_slice(&[CODEC, FLAGS]);
    sealed.extend_from_slice(&VERSION.to_le_bytes());
    sealed.extend(COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.set_compression_level(LEVEL)?;
        compressor.include_checksum(true)?;
        compressor.compress(&packed)
    })?);
    Ok(sealed)
}

/// What a stored form holds; `None` where it does not read.
pub(crate) fn unseal<T: DeserializeOwned>(sealed: &[u8]) -> Option<T> {
    let (header, body) = sealed.split_at_checked(HEADER_BYTES)?;
    let version = VERSION.to_le_bytes();
    if header[..4] != MAGIC || header[4..6] != [CODEC, FLAGS] || header[6..] != version {
        return None;
    }
    let mut packed = Vec::new();
    DECOMPRESSION.with_borrow_mut(|context| {
        context.reset(ResetDirective::SessionOnly).ok()?;
        // As a stream: how much it says that it holds is not believed before it is there.
        Decoder::with_context(body, context).take(UNPACKED_BYTES_MAX).read_to_end(&mut packed).ok()
    })?;
    rmp_serde::from_slice(&packed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use warmer_content::{Artifact, Chunk, Content, Language, text_key};

    fn artifact() -> Artifact {
        let text = "fn main() {}\n".repeat(100);
        let chunk = Chunk {
            start: 0,
            end: text.len() as u32,
            start_line: 1,
            end_line: 100,
            symbol: Some("main".into()),
            header: "rust".into(),
            size: 500,
            key: text_key(&text),
        };
        Artifact::of(Content::plain(text, Language::text()), vec![chunk])
    }

    #[test]
    fn an_artifact_survives_its_envelope() {
        let sealed = seal(&artifact()).unwrap();
        assert!(sealed.len() < 400, "{} bytes", sealed.len());
        assert_eq!(unseal(&sealed), Some(artifact()));
    }

    #[test]
    fn the_same_artifact_has_the_same_envelope() {
        assert_eq!(seal(&artifact()).unwrap(), seal(&artifact()).unwrap());
    }

    #[test]
    fn what_this_version_does_not_know_is_a_miss() {
        let sealed = seal(&artifact()).unwrap();
        for position in 0..HEADER_BYTES {
            let mut other = sealed.clone();
            other[position] ^= 0x40;
            assert_eq!(unseal::<Artifact>(&other), None, "header byte {position}");
        }
        assert_eq!(unseal::<Artifact>(&[]), None);
        assert_eq!(unseal::<Artifact>(&sealed[..HEADER_BYTES]), None);
    }

    #[test]
    fn a_flipped_bit_or_a_cut_is_a_miss() {
        let sealed = seal(&artifact()).unwrap();
        for position in HEADER_BYTES..sealed.len() {
            let mut other = sealed.clone();
            other[position] ^= 0x01;
            assert_ne!(unseal(&other), Some(Artifact { text: String::new(), ..artifact() }), "byte {position}");
            assert!(
                unseal(&other).is_none_or(|read: Artifact| read == artifact()),
                "byte {position} changed the artifact"
            );
            assert_eq!(unseal::<Artifact>(&sealed[..position]), None, "cut at {position}");
        }
    }
}
