//! What words and names are made by.

use warmer_content::{Digest, KeyBuilder, symbols_id};

use crate::words::words;

/// What turns texts into the words and names of a segment: the words of a text that has one of each kind, and the
/// extractor of symbols. A segment that was made by others is made anew.
pub(super) fn made_by() -> Digest {
    const KINDS: &str = "camelCase HTTPServer2 snake_case kebab-case SCREAMING_CASE std::io::Read a.b.c \
        src/lib/utils.js running files classes queries indices 0x1f 1.5e3 r\u{e9}sum\u{e9} \u{65e5}\u{672c}\u{8a9e} \
        the of x _y $z @w #k";
    let mut all = vec![];
    words(KINDS, &mut |word| all.push(word.to_owned()));
    all.iter().fold(KeyBuilder::new("warmer segment words v1"), KeyBuilder::field).field(symbols_id().0.0).finish()
}
