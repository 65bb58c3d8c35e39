//! The outline of code: the depth of what begins on a line, and the items with their names.
//!
//! The walk keeps no frame per level: an unfinished expression can be nested as deep as the file is long, and a
//! recursion died at 100,000 levels.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{Node, ParseOptions, ParseState, Parser, Tree};

use crate::chunker::border::{Line, Outline, lines};
use crate::chunker::error::{ChunkError, check};
use crate::chunker::measure::line_starts;
use crate::chunker::name;
use crate::chunker::symbols::Scope;
use crate::deadline::Deadline;
use crate::grammar::{Grammar, Role};

/// Nodes between two looks at the deadline: some 0.1 ms.
const NODES_PER_LOOK: u32 = 1_024;

/// The stack of a parser for an empty text.
const STACK_BYTES: usize = 1 << 20;
/// What each byte of the text adds: a token has at least one, its frame was measured to be 112 bytes.
const FRAME_BYTES: usize = 256;

/// A parse that takes more steps than these, and one for each so many bytes, is given up, and the text cut as one
/// without structure; a step is 100 operations of the parser. Steps and not seconds: what comes of a text must not
/// depend on how busy the machine is. Real sources took a step for each 95 to 1,000 bytes, half a megabyte of `{[(`
/// read as Java one for each 19 and 9 s.
pub(super) const STEPS: u32 = 1_000;
pub(super) const BYTES_PER_STEP: u32 = 50;

/// `None` where the parse would take too many steps.
pub(super) fn outline(
    text: &str,
    grammar: &Grammar,
    time: Duration,
    deadline: &Deadline,
) -> Result<Option<Outline>, ChunkError> {
    let deadline = Deadline { until: deadline.until.min(Instant::now() + time), cancelled: deadline.cancelled.clone() };
    let Some(tree) = parse(text, grammar, &deadline)? else { return Ok(None) };
    let mut walk = Walk::new(text, grammar);
    walk.all(&tree, &deadline)?;
    Ok(Some(walk.outline()))
}

/// Parses on a thread whose stack grows with the text.
///
/// On leaving a broken text, tree-sitter 0.27 releases its stack of unfinished nodes by recursion, one frame for each
/// (`stack_node_release`): 100 kB of `{[(` read as Java overflowed the 2 MiB of an ordinary thread, which ends the
/// process. The memory is reserved, not used; a thread costs 0.1 ms.
fn parse(text: &str, grammar: &Grammar, deadline: &Deadline) -> Result<Option<Tree>, ChunkError> {
    std::thread::scope(|scope| {
        let thread =
            std::thread::Builder::new().name("parser".into()).stack_size(STACK_BYTES + text.len() * FRAME_BYTES);
        let parser = thread.spawn_scoped(scope, || parse_here(text, grammar, deadline));
        let tree = parser.map_err(|error| ChunkError::NoThread(error.to_string()))?.join();
        tree.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn parse_here(text: &str, grammar: &Grammar, deadline: &Deadline) -> Result<Option<Tree>, ChunkError> {
    let mut parser = Parser::new();
    parser.set_language(&(grammar.load)()).expect("a test loads every grammar of the table");
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

/// A line on which a node begins.
struct Mark {
    at: u32,
    depth: u32,
    /// The comment, attribute or decorator above belongs to it.
    attached: bool,
    item: bool,
}

struct Walk<'a> {
    text: &'a str,
    grammar: &'a Grammar,
    lines: Vec<u32>,
    marks: Vec<Mark>,
    /// The mark at which what leads to the last mark begins; often the last mark itself.
    head: usize,
    /// The end of the last comment, attribute or other lead that stays with what follows.
    lead_end: Option<usize>,
    scopes: Vec<Scope>,
    /// The scopes that the walk is in.
    open: Vec<usize>,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str, grammar: &'a Grammar) -> Self {
        let lines = line_starts(text);
        Self { text, grammar, lines, marks: vec![], head: 0, lead_end: None, scopes: vec![], open: vec![] }
    }

    fn all(&mut self, tree: &Tree, deadline: &Deadline) -> Result<(), ChunkError> {
        let mut cursor = tree.walk();
        // The depth of the nodes on each level of the tree that the cursor is in; bodies add none.
        let mut depths = vec![0];
        if !cursor.goto_first_child() {
            return Ok(());
        }
        for step in 1u32.. {
            if step.is_multiple_of(NODES_PER_LOOK) {
                check(deadline)?;
            }
            let node = cursor.node();
            let role = if node.is_named() { self.grammar.role(node.kind_id()) } else { Role::Plain };
            let depth = depths.last().copied().unwrap_or_default();
            self.visit(node, role, depth);
            if !matches!(role, Role::Lead | Role::Prefix) && cursor.goto_first_child() {
                depths.push(depth + u32::from(role != Role::Body));
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() || depths.pop().is_none() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn visit(&mut self, node: Node<'_>, role: Role, depth: u32) {
        let start = node.start_byte();
        let line = self.lines.partition_point(|line| *line as usize <= start).saturating_sub(1);
        let at = self.lines[line];
        let first = self.text[at as usize..start].trim_start().is_empty();
        let marked = self.marks.last().is_some_and(|mark| mark.at == at);
        if first && !marked && node.is_named() && role != Role::Body {
            let attached = self.lead_end.is_some_and(|end| self.is_next_line(end, start));
            self.marks.push(Mark { at, depth, attached, item: false });
            if !attached {
                self.head = self.marks.len() - 1;
            }
        }
        match role {
            Role::Lead if !first => {}
            Role::Lead | Role::Prefix => self.lead_end = Some(self.end_of(node)),
            Role::Item(item) => {
                let item = &self.grammar.items[usize::from(item)];
                if let Some((name, label)) = name::of(node, item, self.text) {
                    self.begin(node, name, label, at);
                }
            }
            _ => {}
        }
    }

    /// The end of the node's text; a Rust doc comment's node has the line end too.
    fn end_of(&self, node: Node<'_>) -> usize {
        let text = &self.text[node.byte_range()];
        node.start_byte() + text.trim_end().len()
    }

    /// Whether nothing but one line end and indentation is between these two.
    fn is_next_line(&self, end: usize, start: usize) -> bool {
        let between = self.text.get(end..start).unwrap_or("?");
        between.trim().is_empty() && between.matches('\n').count() <= 1
    }

    fn begin(&mut self, node: Node<'_>, name: String, label: String, line: u32) {
        // The outline's offsets are 32 bits wide; a text of 4 GiB or more was refused before.
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let (start, end) = (offset(node.start_byte()), offset(node.end_byte()));
        if self.marks.last().is_some_and(|mark| mark.at == line) {
            self.marks[self.head].item = true;
        }
        while self.open.pop_if(|open| self.scopes[*open].end <= start).is_some() {}
        let parent = self.open.last().copied();
        self.open.push(self.scopes.len());
        self.scopes.push(Scope { start, end, parent, name, label });
    }

    fn outline(self) -> Outline {
        let mut marks = self.marks.iter().peekable();
        let border = |line: Line<'_>| {
            while marks.next_if(|mark| (mark.at as usize) < line.at).is_some() {}
            match marks.next_if(|mark| mark.at as usize == line.at) {
                Some(mark) if !mark.attached => line.border(line.level(mark.depth), mark.item),
                _ => line.border(line.inner_level(), false),
            }
        };
        Outline { borders: lines(self.text).map(border).collect(), scopes: self.scopes }
    }
}
