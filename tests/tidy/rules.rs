//! The rules of Prometheus in config/prometheus/rules, and the dashboard: as much of their formats as the tests need.

use serde_json::Value;

use crate::tree::{read, root};

/// A rule that records or alerts.
pub(crate) struct Rule {
    /// Of the series, or of the alert.
    pub(crate) name: String,
    pub(crate) alerts: bool,
    pub(crate) expression: String,
    /// All of its lines.
    pub(crate) text: String,
}

/// All rules.
pub(crate) fn rules() -> Vec<Rule> {
    let files = ["recording", "alerts"].map(|name| read(&root().join(format!("config/prometheus/rules/{name}.yml"))));
    let rules: Vec<_> = files.iter().flat_map(|text| text.split("\n      - ").skip(1)).map(rule).collect();
    assert!(rules.len() > 20, "{} rules were found", rules.len());
    rules
}

fn rule(text: &str) -> Rule {
    let (kind, name) = text.lines().next().and_then(|line| line.split_once(": ")).expect("a rule begins with its name");
    assert!(["alert", "record"].contains(&kind), "{text}");
    let lines = text.lines().skip_while(|line| !line.trim_start().starts_with("expr:"));
    let (first, rest) = (lines.clone().next().expect("a rule has an expression"), lines.skip(1));
    let first = first.trim_start().trim_start_matches("expr:").trim();
    let expression = match first {
        // A block goes on as long as it is further in than its key.
        "|" => rest.take_while(|line| line.starts_with("          ")).collect::<Vec<_>>().join("\n"),
        expression => expression.to_owned(),
    };
    Rule { name: name.to_owned(), alerts: kind == "alert", expression, text: text.to_owned() }
}

/// The unit tests of the rules, one after the other.
pub(crate) fn unit_tests() -> String {
    ["queue", "jobs", "instances"]
        .map(|name| read(&root().join(format!("config/prometheus/tests/{name}.yml"))))
        .concat()
}

/// The dashboard.
pub(crate) fn dashboard() -> Value {
    serde_json::from_str(&read(&root().join("config/grafana/dashboards/warmer.json"))).expect("the dashboard is JSON")
}

/// What the dashboard asks, its variables too.
pub(crate) fn asked(dashboard: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let targets = list(&dashboard["panels"]).into_iter().flat_map(|panel| list(&panel["targets"]));
    let text = |value: &Value| value.as_str().expect("an expression").to_owned();
    let mut all: Vec<_> = targets.map(|target| text(&target["expr"])).collect();
    let values = |query: String| {
        query.strip_prefix("label_values(").and_then(|rest| rest.split_once(',')).map(|it| it.0.to_owned())
    };
    all.extend(list(&dashboard["templating"]["list"]).iter().filter_map(|variable| values(text(&variable["query"]))));
    assert!(all.len() > 40, "{} expressions were found", all.len());
    all
}
