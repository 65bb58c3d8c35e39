//! What a content says by itself beside its text: credentials of a cluster, minified.

use crate::content::ink;
use crate::language::{Language, Structure};

/// Smaller files are never minified, in bytes.
const MINIFIED_BYTES: usize = 5_000;
/// Code is minified when its lines are longer than this on average, in bytes that are not white space.
const CODE_LINE_MEAN: usize = 500;
/// Prose has paragraphs for lines; beyond this on average it is data, in bytes that are not white space.
const PROSE_LINE_MEAN: usize = 5_000;
/// Code for browsers is minified when one line is longer than this, in bytes that are not white space: bundles have
/// short licences on top.
const BROWSER_LINE: usize = 5_000;

/// Whether this is a configuration of `kubectl` with a credential in it.
pub(super) fn is_kubeconfig(text: &str) -> bool {
    const CREDENTIALS: [&str; 4] = ["client-key-data", "token", "password", "id-token"];
    let word = |line: &str| -> String { line.trim().trim_start_matches("- ").replace(['"', ',', ' '], "") };
    let has = |wanted: &str| text.lines().any(|line| word(line) == wanted);
    let key = |names: &[&str]| {
        let of = |line: &str| {
            word(line).split_once(':').is_some_and(|(name, value)| !value.is_empty() && names.contains(&name))
        };
        text.lines().any(of)
    };
    text.contains("Config") && has("kind:Config") && (has("users:") || has("users:[")) && key(&CREDENTIALS)
}

fn is_prose(language: &Language) -> bool {
    matches!(language.structure, Structure::Prose | Structure::Headings)
}

/// Whether the lines are too long to be written by hand. Data that were overwritten by blanks do not count.
pub(super) fn is_minified(text: &str, language: &Language) -> bool {
    if text.len() < MINIFIED_BYTES {
        return false;
    }
    let mean = ink(text) / text.lines().filter(|line| !line.trim().is_empty()).count().max(1);
    let browser = matches!(language.name, "javascript" | "typescript" | "tsx" | "css");
    mean > if is_prose(language) { PROSE_LINE_MEAN } else { CODE_LINE_MEAN }
        || (browser && text.lines().any(|line| ink(line) > BROWSER_LINE))
}
