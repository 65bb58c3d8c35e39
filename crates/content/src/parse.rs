//! Parsing: a text and a grammar give a tree, or none where that would take too many steps.

use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

use crate::chunk_error::{ChunkError, check};
use crate::deadline::Deadline;

/// The stack of a parser for an empty text.
const STACK_BYTES: usize = 1 << 20;
/// What each byte of the text adds: a token has at least one, its frame was measured to be 112 bytes.
const FRAME_BYTES: usize = 256;

/// A parse that takes more steps than these, and one for each so many bytes, is given up, and the text read as one
/// without structure; a step is 100 operations of the parser. Steps and not seconds: what comes of a text must not
/// depend on how busy the machine is. Real sources took a step for each 95 to 1,000 bytes, half a megabyte of `{[(`
/// read as Java one for each 19 and 9 s.
pub(crate) const STEPS: u32 = 1_000;
pub(crate) const BYTES_PER_STEP: u32 = 50;

/// Parses on a thread whose stack grows with the text; `None` where the parse would take too many steps.
///
/// On leaving a broken text, tree-sitter 0.27 releases its stack of unfinished nodes by recursion, one frame for each
/// (`stack_node_release`): 100 kB of `{[(` read as Java overflowed the 2 MiB of an ordinary thread, which ends the
/// process. The memory is reserved, not used; a thread costs 0.1 ms.
pub(crate) fn parse(
    text: &str,
    load: fn() -> tree_sitter::Language,
    deadline: &Deadline,
) -> Result<Option<Tree>, ChunkError> {
    std::thread::scope(|scope| {
        let thread =
            std::thread::Builder::new().name("parser".into()).stack_size(STACK_BYTES + text.len() * FRAME_BYTES);
        let parser = thread.spawn_scoped(scope, || parse_here(text, load, deadline));
        let tree = parser.map_err(|error| ChunkError::NoThread(error.to_string()))?.join();
        tree.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn parse_here(
    text: &str,
    load: fn() -> tree_sitter::Language,
    deadline: &Deadline,
) -> Result<Option<Tree>, ChunkError> {
    let mut parser = Parser::new();
    parser.set_language(&load()).expect("a test loads every grammar of the tables");
    let mut left = STEPS + u32::try_from(text.len()).unwrap_or(u32::MAX) / BYTES_PER_STEP;
    let mut watch = |_: &ParseState| {
        left = left.saturating_sub(1);
        if left == 0 || deadline.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut read = |at: usize, _| text.as_bytes().get(at..).unwrap_or_default();
    let tree = parser.parse_with_options(&mut read, None, Some(ParseOptions::new().progress_callback(&mut watch)));
    match tree {
        Some(tree) => Ok(Some(tree)),
        None if left == 0 => Ok(None),
        None => Err(check(deadline).err().unwrap_or(ChunkError::TooSlow)),
    }
}
