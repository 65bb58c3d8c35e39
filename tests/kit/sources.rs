//! Plausible source text that never repeats: what the generated repositories are made of.
//!
//! The same seed gives the same text. Two seeds give texts without a function in common, so that nothing is reused
//! unless a test wants it reused.

use std::fmt::Write as _;

const VERBS: &[&str] = &["load", "merge", "parse", "queue", "refresh", "resolve", "route", "score", "split", "store"];
const NOUNS: &[&str] =
    &["account", "batch", "cursor", "frame", "index", "lease", "packet", "schema", "token", "window"];

/// Small and fast random numbers (SplitMix64): tests need them repeatable, not good.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.number() % bound.max(1) as u64).expect("below a usize")
    }

    /// One of `items`.
    pub fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.below(items.len())]
    }
}

/// A Rust file of at least `bytes` bytes.
#[must_use]
pub fn rust(seed: u64, bytes: usize) -> String {
    let mut random = Random::new(seed);
    let mut text = format!("//! Module {seed} of the generated sources.\n");
    while text.len() < bytes {
        text.push_str(&rust_function(&mut random));
    }
    text
}

/// One Rust function of about 350 bytes, with a name of its own.
#[must_use]
pub fn rust_function(random: &mut Random) -> String {
    let (verb, noun, other) = (random.pick(VERBS), random.pick(NOUNS), random.pick(NOUNS));
    let (id, step, limit) = (random.number(), random.below(97) + 1, random.below(9_000) + 1_000);
    let mut text = String::new();
    write!(
        text,
        "\n/// Will {verb} every {noun} until {limit} of the {other} are left.\n\
         pub fn {verb}_{noun}_{id:x}({noun}: &[u64], {other}: u64) -> u64 {{\n    \
             let mut total_{id:x} = {other};\n    \
             for value in {noun}.iter().step_by({step}) {{\n        \
                 if *value > {limit} {{\n            \
                     total_{id:x} = total_{id:x}.wrapping_mul(*value);\n        \
                 }}\n    \
             }}\n    \
             total_{id:x}\n}}\n"
    )
    .expect("writing to a string cannot fail");
    text
}

/// A Python file of at least `bytes` bytes.
#[must_use]
pub fn python(seed: u64, bytes: usize) -> String {
    let mut random = Random::new(seed);
    let mut text = format!("\"\"\"Module {seed} of the generated sources.\"\"\"\n");
    while text.len() < bytes {
        let (verb, noun, id) = (random.pick(VERBS), random.pick(NOUNS), random.number());
        let (factor, limit) = (random.below(97) + 1, random.below(9_000) + 1_000);
        write!(
            text,
            "\n\ndef {verb}_{noun}_{id:x}({noun}s, limit={limit}):\n    \
                 \"\"\"Returns what is left of the {noun}s after one {verb}.\"\"\"\n    \
                 kept_{id:x} = [{noun} for {noun} in {noun}s if {noun} * {factor} < limit]\n    \
                 return sorted(kept_{id:x}, key=lambda {noun}: ({noun} % {factor}, {noun}))\n"
        )
        .expect("writing to a string cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_text_and_another_shares_no_function() {
        assert_eq!(rust(7, 4_000), rust(7, 4_000));
        for language in [rust, python] {
            let functions =
                |seed| language(seed, 4_000).split("\n\n").skip(1).map(str::to_owned).collect::<BTreeSet<_>>();
            assert!(functions(7).len() > 5);
            assert!(functions(7).is_disjoint(&functions(8)));
        }
    }

    #[test]
    fn files_are_about_as_long_as_asked() {
        for length in [rust(1, 10_000).len(), python(1, 10_000).len()] {
            assert!((10_000..11_000).contains(&length), "{length} bytes");
        }
    }
}
