//! Files that do harm, by the end of their path, and texts that do, by a word in them.

use std::time::Duration;

use super::ledger::Ledger;

/// What one piece of a file that takes all memory takes.
const PIECE: usize = 64 << 20;
/// Such a file stops here, should the process have no limit: nothing is written to the pieces, so it is address space.
const PIECES_MOST: usize = 512;

/// Does what the path asks for, on the thread that reads the file.
///
/// # Panics
/// At a file that asks for it.
#[expect(clippy::disallowed_methods, reason = "never in a release: it is to hang")]
pub(super) fn apply(path: &str, ledger: &Ledger) {
    match path.rsplit_once(".chaos-").map(|(_, harm)| harm) {
        Some("panic") => panic!("a file of the chaos suite"),
        Some("abort") => {
            ledger.dies("aborted by a file");
            std::process::abort();
        }
        Some("loop") => loop {
            std::thread::sleep(Duration::from_millis(10));
        },
        Some("hog") => {
            ledger.dies("out of memory by a file");
            let pieces: Vec<Vec<u8>> = (0..PIECES_MOST).map(|_| Vec::with_capacity(PIECE)).collect();
            tracing::error!(pieces = pieces.len(), "this process has no limit to its memory");
        }
        _ => {}
    }
}

/// What a text says that kills whoever embeds it.
const ABORTS: &str = "chaos-abort-the-embedder";

/// Does what the text asks for, in the call that embeds it.
pub(super) fn apply_text(text: &str, ledger: &Ledger) {
    if text.contains(ABORTS) {
        ledger.dies("aborted by a text");
        std::process::abort();
    }
}
