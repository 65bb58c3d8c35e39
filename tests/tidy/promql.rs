//! What an expression of PromQL asks for: enough of its grammar for the expressions of this tree.

use std::sync::LazyLock;

use regex::Regex;

/// A metric that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) name: String,
    /// Labels in braces, each with what it may be; a variable of the dashboard is left out.
    pub(crate) labels: Vec<(String, Vec<String>)>,
    /// The function or aggregation that it is the only argument of; empty without one.
    pub(crate) within: String,
}

const WORDS: [&str; 5] = ["and", "or", "unless", "offset", "bool"];

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern")
}

static RANGE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\[[^\]]*\]"));
static GROUPING: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(?:by|without|on|ignoring|group_left|group_right)\b\s*(?:\(([^)]*)\))?"));
static NAME: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b([a-zA-Z_][\w:]*)\s*(?:\{([^}]*)\})?"));
static MATCHER: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)""#));
static CALL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(\w+)\s*\(\s*$"));

/// All metrics of an expression, in their order.
pub(crate) fn selectors(expression: &str) -> Vec<Selector> {
    let plain = RANGE.replace_all(expression, "");
    let plain = GROUPING.replace_all(&plain, "");
    let mut found = vec![];
    for captures in NAME.captures_iter(&plain) {
        let (whole, name) = (captures.get(0).expect("it matched"), &captures[1]);
        let is_call = plain[whole.end()..].starts_with('(');
        if is_call || WORDS.contains(&name) {
            continue;
        }
        let labels = captures.get(2).map_or("", |labels| labels.as_str());
        let within = CALL.captures(&plain[..whole.start()]).map_or(String::new(), |call| call[1].to_owned());
        found.push(Selector { name: name.to_owned(), labels: matchers(labels), within });
    }
    found
}

fn matchers(text: &str) -> Vec<(String, Vec<String>)> {
    let values = |text: &str| text.split('|').filter(|value| !value.starts_with('$')).map(str::to_owned).collect();
    MATCHER.captures_iter(text).map(|captures| (captures[1].to_owned(), values(&captures[2]))).collect()
}

/// The labels that an expression groups or matches by.
pub(crate) fn grouped(expression: &str) -> Vec<String> {
    let lists = GROUPING.captures_iter(expression).filter_map(|captures| captures.get(1));
    lists.flat_map(|list| list.as_str().split(',').map(|label| label.trim().to_owned())).collect()
}

#[test]
fn an_expression_is_taken_apart() {
    let expression = r#"sum by (job, stage) (rate(a_total{kind="x",job=~"$job"}[5m])) > 0.5
        / on (job) group_left max(b:c) unless d offset 15m"#;
    let told: Vec<_> = selectors(expression).into_iter().map(|each| (each.name, each.within)).collect();
    let expected = [("a_total", "rate"), ("b:c", "max"), ("d", "")];
    assert_eq!(told, expected.map(|(name, within)| (name.to_owned(), within.to_owned())));
    let labels = selectors(expression).swap_remove(0).labels;
    assert_eq!(labels, [("kind".to_owned(), vec!["x".to_owned()]), ("job".to_owned(), vec![])]);
    assert_eq!(grouped(expression), ["job", "stage", "job"]);
}
