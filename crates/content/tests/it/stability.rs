//! An edit moves few borders: that is what makes a refresh cheap.

use std::collections::HashSet;

use warmer_content::{Chunk, TextKey};

use crate::support::chunks;

/// A long function without inner structure.
fn function(lines: usize) -> String {
    let body = (0..lines).map(|line| format!("    let value_{line} = compute({line}, other_{});\n", line * 7 % 101));
    format!("fn long() {{\n{}}}\n", body.collect::<String>())
}

fn prose(paragraphs: usize) -> String {
    let line =
        |p: usize, l: usize| format!("Sentence {l} of paragraph {p} speaks about the subject number {}.\n", p * l);
    (0..paragraphs).map(|p| (0..4).map(|l| line(p, l)).chain(["\n".to_owned()]).collect::<String>()).collect()
}

fn keys(chunks: &[Chunk]) -> HashSet<TextKey> {
    chunks.iter().map(|chunk| chunk.key).collect()
}

/// The mean and the largest number of new chunks over edits at many places.
fn new_chunks(text: &str, language: &str, edit: impl Fn(&mut Vec<String>, usize)) -> (f64, usize) {
    let before = keys(&chunks(text, language));
    assert!(before.len() > 20, "{} chunks tell nothing", before.len());
    let lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let places: Vec<usize> = (5..lines.len() - 5).step_by(lines.len() / 15).collect();
    let counts = places.iter().map(|place| {
        let mut lines = lines.clone();
        edit(&mut lines, *place);
        keys(&chunks(&lines.concat(), language)).difference(&before).count()
    });
    let counts: Vec<usize> = counts.collect();
    (counts.iter().sum::<usize>() as f64 / places.len() as f64, counts.into_iter().max().unwrap_or_default())
}

#[test]
fn an_edit_makes_few_new_chunks() {
    for (text, language) in
        [(function(400), "rust"), (function(400), "text"), (prose(60), "markdown"), (prose(60), "text")]
    {
        let inserted = new_chunks(&text, language, |lines, at| lines.insert(at, "    a new line of words;\n".into()));
        let many = new_chunks(&text, language, |lines, at| {
            lines.splice(at..at, (0..5).map(|line| format!("    new line {line} of {at};\n")));
        });
        let changed = new_chunks(&text, language, |lines, at| lines[at] = "    something else entirely;\n".into());
        let removed = new_chunks(&text, language, |lines, at| drop(lines.remove(at)));
        for (what, (mean, most)) in [("insert", inserted), ("insert 5", many), ("change", changed), ("remove", removed)]
        {
            assert!(mean <= 2.0 && most <= 4, "{language}: {what}: {mean:.2} on average, at most {most}");
        }
    }
}

#[test]
fn a_function_that_moves_to_another_file_keeps_its_keys() {
    let other = |count: usize| {
        (0..count)
            .map(|n| format!("fn other_{n}(a: u32) -> u32 {{\n    a.wrapping_mul({n})\n}}\n\n"))
            .collect::<String>()
    };
    let moved = function(14);
    let key = |text: &str| {
        let chunks = chunks(text, "rust");
        let of = chunks.iter().find(|chunk| chunk.symbol.as_deref() == Some("long")).expect("the function");
        assert!(text[of.start as usize..of.end as usize].starts_with("fn long()"), "not alone");
        of.key
    };
    assert_eq!(
        key(&format!("{}{moved}\n{}", other(20), other(9))),
        key(&format!("{}{moved}\n{}", other(3), other(30)))
    );
}

#[test]
fn the_language_is_part_of_the_keys() {
    let text = function(100);
    assert_ne!(keys(&chunks(&text, "rust")), keys(&chunks(&text, "go")));
}
