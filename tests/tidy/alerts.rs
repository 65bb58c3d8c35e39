//! Rules, alerts and the dashboard ask for what the program exports, and every alert says what to do. What the rules
//! compute is tested by promtool: tests/it/alerts.rs.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use crate::metrics::Metrics;
use crate::promql::{grouped, selectors};
use crate::rules::{Rule, asked, dashboard, rules, unit_tests};
use crate::tree::{read, root};

/// Labels that Prometheus sets itself.
const OF_PROMETHEUS: [&str; 3] = ["job", "instance", "le"];
/// The names of the guide that are recorded: a counter has no rate of its own.
const OF_THE_GUIDE: [&str; 2] = ["cache_warmer_jobs_completed_per_min", "cache_warmer_jobs_failed_per_min"];

/// Every expression, of the rules and of the dashboard.
fn expressions() -> Vec<String> {
    rules().into_iter().map(|rule| rule.expression).chain(asked(&dashboard())).collect()
}

fn recorded() -> BTreeSet<String> {
    rules().into_iter().filter(|rule| !rule.alerts).map(|rule| rule.name).collect()
}

fn alerts() -> Vec<Rule> {
    rules().into_iter().filter(|rule| rule.alerts).collect()
}

#[test]
fn what_is_asked_for_is_exported_or_recorded() {
    let (metrics, recorded) = (Metrics::read(), recorded());
    let is_label = |label: &str| OF_PROMETHEUS.contains(&label) || metrics.text.contains(&format!("`{label}`"));
    let mut unknown = vec![];
    for expression in expressions() {
        for label in grouped(&expression).into_iter().filter(|label| !is_label(label)) {
            unknown.push(format!("label {label} in {expression}"));
        }
        for selector in selectors(&expression) {
            let Some(metric) = metrics.of_series(&selector.name) else {
                if !recorded.contains(&selector.name) {
                    unknown.push(format!("metric {} in {expression}", selector.name));
                }
                continue;
            };
            for (label, values) in &selector.labels {
                let has = OF_PROMETHEUS.contains(&&**label) || metric.labels.contains(&format!("`{label}`"));
                let odd = values.iter().find(|value| !metric.may_be(label, value, &metrics.text));
                if !has || odd.is_some() {
                    unknown.push(format!("{label} {odd:?} of {} in {expression}", selector.name));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "config/metrics.md does not have:\n{}", unknown.join("\n"));
}

#[test]
fn what_every_instance_says_of_the_whole_queue_is_taken_once() {
    let metrics = Metrics::read();
    let mut found = 0;
    for expression in expressions() {
        for selector in selectors(&expression) {
            if metrics.of_series(&selector.name).is_some_and(|metric| metric.section == "The queue") {
                assert_eq!(selector.within, "max", "{} is N times the figure in {expression}", selector.name);
                found += 1;
            }
        }
    }
    assert!(found > 10, "{found} were found");
}

#[test]
fn what_is_recorded_is_asked_for() {
    let asked: BTreeSet<_> = expressions().iter().flat_map(|all| selectors(all)).map(|each| each.name).collect();
    let unused: Vec<_> = recorded().into_iter().filter(|name| !asked.contains(name)).collect();
    assert!(unused.is_empty(), "nobody asks for {unused:?}");
    let document = Metrics::read().text;
    for name in OF_THE_GUIDE {
        assert!(recorded().contains(name), "{name} is recorded");
        assert!(document.contains(&format!("| `{name}` | a recording rule")), "config/metrics.md tells of {name}");
    }
}

#[test]
fn every_alert_says_what_to_do_in_a_section_of_the_runbook() {
    let runbook = read(&root().join("config/prometheus/RUNBOOK.md"));
    let alerts = alerts();
    let names: BTreeSet<_> = alerts.iter().map(|alert| &*alert.name).collect();
    let sections: BTreeSet<_> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(names, sections, "an alert, and a section of RUNBOOK.md");
    for name in names {
        // Those of one name share their annotations.
        let of_name = alerts.iter().filter(|alert| alert.name == name);
        let text: String = of_name.map(|alert| &*alert.text).collect();
        let url = format!("runbook_url: prometheus/RUNBOOK.md#{}\n", name.to_lowercase());
        for part in ["summary: ", "description: ", "`warmer ", &url] {
            assert!(text.contains(part) || text.contains(part.trim_end()), "{name} has no {part}");
        }
    }
    for alert in &alerts {
        let severities = ["warning", "critical"].map(|severity| format!("labels: {{ severity: {severity} }}"));
        assert!(severities.iter().any(|severity| alert.text.contains(severity)), "{} has no severity", alert.name);
    }
}

#[test]
fn alerts_name_commands_that_there_are() {
    let arguments = read(&root().join("crates/warmer/src/args.rs"));
    let command = Regex::new(r"`warmer\s+([a-z]+)").expect("the pattern");
    let text = alerts().into_iter().map(|alert| alert.text).collect::<String>()
        + &read(&root().join("config/prometheus/RUNBOOK.md"));
    let named: BTreeSet<_> = command.captures_iter(&text).map(|captures| captures[1].to_owned()).collect();
    assert!(named.len() > 5, "{named:?}");
    for name in named {
        let variant = format!("    {}{}(", name[..1].to_uppercase(), &name[1..]);
        assert!(arguments.contains(&variant), "there is no `warmer {name}`");
    }
}

#[test]
fn every_rule_has_a_unit_test() {
    let (tests, rules) = (unit_tests(), rules());
    for rule in &rules {
        if rule.alerts {
            let severity = if rule.text.contains("severity: critical") { "critical" } else { "warning" };
            let fires = |line: &str| {
                line.contains(&format!("alertname=\"{}\"", rule.name))
                    && line.contains(&format!("severity=\"{severity}\""))
            };
            assert!(tests.lines().any(fires), "nothing tests when {} ({severity}) fires", rule.name);
        } else {
            let alerts_by = |alert: &Rule| alert.alerts && alert.expression.contains(&rule.name);
            let is_tested = tests.contains(&format!("expr: {}", rule.name)) || rules.iter().any(alerts_by);
            assert!(is_tested, "nothing tests what {} is", rule.name);
        }
    }
}

#[test]
fn the_dashboard_can_be_imported_anywhere() {
    let dashboard = dashboard();
    assert_eq!(dashboard["uid"], "warmer", "links to it stay");
    let panels = dashboard["panels"].as_array().expect("panels");
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels {
        let title = panel["title"].as_str().expect("a title");
        assert!(ids.insert(panel["id"].as_u64()), "{title}: its id is another's too");
        if panel["type"] != "row" {
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}: the data source is a variable");
        }
        let at = |key: &str| panel["gridPos"][key].as_u64().expect("a place");
        let (right, below) = (at("x") + at("w"), at("y") + at("h"));
        assert!(right <= 24, "{title}: a row has 24 columns");
        for place in (at("x")..right).flat_map(|x| (at("y")..below).map(move |y| (x, y))) {
            assert!(taken.insert(place), "{title}: it covers another");
        }
    }
    let is_variable = |variable: &&Value| variable["name"] == "datasource" && variable["type"] == "datasource";
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    assert_eq!(variables.iter().filter(is_variable).count(), 1);
}
