//! The walk over a syntax tree, in the order of its text.
//!
//! It keeps no frame per level but what its visitor keeps: a broken text can be nested as deep as it is long, and a
//! recursion died at 100,000 levels.

use tree_sitter::{Tree, TreeCursor};

use crate::chunk_error::{ChunkError, check};
use crate::deadline::Deadline;

/// Nodes between two looks at the deadline: some 0.1 ms.
const NODES_PER_LOOK: u32 = 1_024;

/// Who looks at the nodes of a tree.
pub(crate) trait Visitor<'t> {
    /// What is kept of a node while the walk is inside of it.
    type Level;

    /// Looks at the cursor's node, which is directly inside of `above`; gives what is to be kept of it, or `None` where
    /// nothing inside of it is to be looked at.
    fn visit(&mut self, cursor: &TreeCursor<'t>, above: &Self::Level) -> Option<Self::Level>;
}

/// Shows all nodes but the root, of which `root` is kept.
pub(crate) fn walk<'t, V: Visitor<'t>>(
    tree: &'t Tree,
    root: V::Level,
    visitor: &mut V,
    deadline: &Deadline,
) -> Result<(), ChunkError> {
    let mut cursor = tree.walk();
    let mut levels = vec![root];
    let mut inside = cursor.goto_first_child();
    for step in 1u32.. {
        let Some(above) = levels.last().filter(|_| inside) else { break };
        if step.is_multiple_of(NODES_PER_LOOK) {
            check(deadline)?;
        }
        match visitor.visit(&cursor, above) {
            Some(level) if cursor.goto_first_child() => levels.push(level),
            _ => inside = next(&mut cursor, &mut levels),
        }
    }
    Ok(())
}

/// Goes to the node behind this one and what is inside of it, if there is one.
fn next<L>(cursor: &mut TreeCursor<'_>, levels: &mut Vec<L>) -> bool {
    while !cursor.goto_next_sibling() {
        if !cursor.goto_parent() || levels.pop().is_none() {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::language::{Language, Structure};
    use crate::parse::parse;

    /// Notes the kind of each named node with its depth, and goes into nothing of one kind.
    struct Kinds<'t> {
        seen: Vec<(usize, &'t str)>,
        closed: &'static str,
        cancels: Option<Deadline>,
    }

    impl<'t> Visitor<'t> for Kinds<'t> {
        type Level = usize;

        fn visit(&mut self, cursor: &TreeCursor<'t>, above: &usize) -> Option<usize> {
            if let Some(deadline) = &self.cancels {
                deadline.cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
            }
            let node = cursor.node();
            if node.is_named() {
                self.seen.push((*above, node.kind()));
            }
            (node.kind() != self.closed).then_some(above + 1)
        }
    }

    fn deadline() -> Deadline {
        Deadline { until: Instant::now() + Duration::from_secs(3600), cancelled: Arc::default() }
    }

    fn tree(text: &str) -> Tree {
        let rust = Language::by_name("rust").expect("a language of the table");
        let Structure::Tree(grammar) = &rust.structure else { panic!("rust has a grammar") };
        parse(text, grammar.load, &deadline()).expect("in time").expect("in bounds")
    }

    #[test]
    fn nodes_come_in_the_order_of_the_text_with_what_was_kept_above_and_none_from_inside_of_what_is_closed() {
        let tree = tree("mod a { struct B; }\nfn c() { d(); }\n");
        let mut kinds = Kinds { seen: vec![], closed: "block", cancels: None };
        walk(&tree, 0, &mut kinds, &deadline()).expect("in time");
        assert_eq!(
            kinds.seen,
            [
                (0, "mod_item"),
                (1, "identifier"),
                (1, "declaration_list"),
                (2, "struct_item"),
                (3, "type_identifier"),
                (0, "function_item"),
                (1, "identifier"),
                (1, "parameters"),
                (1, "block"),
            ]
        );
    }

    #[test]
    fn a_walk_that_is_cancelled_ends_within_a_thousand_nodes() {
        let tree = tree(&"fn c() { d(); }\n".repeat(1_000));
        let cancelled = deadline();
        let mut kinds = Kinds { seen: vec![], closed: "", cancels: Some(cancelled.clone()) };
        assert!(walk(&tree, 0, &mut kinds, &cancelled).is_err());
        assert!(kinds.seen.len() < NODES_PER_LOOK as usize, "{}", kinds.seen.len());
    }
}
