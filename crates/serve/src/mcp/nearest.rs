//! What somebody may have meant by a name that is none.

use std::collections::BTreeSet;

use warmer_query::text::printable;

/// Names that are offered.
const OFFERED: usize = 5;

/// Of so much likeness a name is offered; 1 is the same.
const ALIKE: f64 = 0.3;

/// The names that are most like `text`, the likest first.
pub(super) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = pairs(text);
    let mut alike: Vec<_> = names.map(|name| (likeness(&wanted, &pairs(name)), name)).collect();
    alike.retain(|(likeness, _)| *likeness >= ALIKE);
    alike.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    alike.into_iter().take(OFFERED).map(|(_, name)| printable(name).into_owned()).collect()
}

/// The pairs of letters that follow each other, whatever their case.
fn pairs(text: &str) -> BTreeSet<(char, char)> {
    let letters: Vec<char> = format!(" {text} ").chars().flat_map(char::to_lowercase).collect();
    letters.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// The share of pairs that both have (Dice's coefficient).
fn likeness(one: &BTreeSet<(char, char)>, other: &BTreeSet<(char, char)>) -> f64 {
    let (common, all) = (one.intersection(other).count(), one.len() + other.len());
    if all == 0 { 0.0 } else { 2.0 * common as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_is_like_what_was_named_the_likest_first() {
        let names = ["tokio", "tokio-util", "serde", "Tokyo-stream"];
        assert_eq!(nearest("tokoi", names.into_iter()), ["tokio", "tokio-util", "Tokyo-stream"]);
        assert_eq!(nearest("TOKIO-UTIL", names.into_iter())[0], "tokio-util");
        assert!(nearest("zzz", names.into_iter()).is_empty());
        assert!(nearest("", [].into_iter()).is_empty());
    }
}
