//! No two files of a crate need each other, directly or by others: each can be read, and moved, from below.

use std::collections::BTreeSet;

use crate::imports::{self, Module, Needs};
use crate::tree::crates;

/// The sets of files that need each other.
fn circles(needs: &Needs) -> Vec<BTreeSet<Module>> {
    let mut found: Vec<BTreeSet<Module>> = vec![];
    for module in needs.keys() {
        let mutual = |other: &&Module| reaches(needs, other, module);
        let circle: BTreeSet<Module> = reached(needs, module).iter().filter(mutual).cloned().collect();
        if circle.len() > 1 && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}

/// What a module needs, and what that needs, and so on.
fn reached(needs: &Needs, from: &Module) -> BTreeSet<Module> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from.clone()]);
    while let Some(module) = open.pop() {
        for next in needs.get(&module).into_iter().flat_map(|needed| needed.keys()) {
            if reached.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    reached
}

fn reaches(needs: &Needs, from: &Module, to: &Module) -> bool {
    reached(needs, from).contains(to)
}

/// A circle as lines: who names what by which path.
fn shown(needs: &Needs, circle: &BTreeSet<Module>) -> String {
    let name = |module: &Module| if module.is_empty() { "the root".to_owned() } else { module.join("::") };
    let mut lines = String::new();
    for module in circle {
        for (needed, path) in needs[module].iter().filter(|(needed, _)| circle.contains(*needed)) {
            lines += &format!("\n  {} needs {} ({path})", name(module), name(needed));
        }
    }
    lines
}

#[test]
fn no_two_files_of_a_crate_need_each_other() {
    for name in crates() {
        let needs = imports::of_crate(&name);
        let circles = circles(&needs);
        let text: Vec<_> = circles.iter().map(|circle| shown(&needs, circle)).collect();
        assert!(circles.is_empty(), "crates/{name}/src has files that need each other:{}", text.join("\n"));
    }
}

#[test]
fn a_circle_of_three_is_found_and_a_chain_is_none() {
    let needs = |pairs: &[(&str, &str)]| -> Needs {
        let mut needs = Needs::new();
        for (from, to) in pairs {
            needs.entry(vec![(*to).to_owned()]).or_default();
            needs.entry(vec![(*from).to_owned()]).or_default().insert(vec![(*to).to_owned()], String::new());
        }
        needs
    };
    assert_eq!(circles(&needs(&[("a", "b"), ("b", "c"), ("a", "c")])), []);
    let found = circles(&needs(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]));
    assert_eq!(found.iter().map(BTreeSet::len).collect::<Vec<_>>(), [3]);
}
