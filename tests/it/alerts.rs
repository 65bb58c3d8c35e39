//! The rules of Prometheus in config/prometheus, by Prometheus' own tool. What they ask for is checked in tests/tidy,
//! without it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use warmer_tests::{Need, needs};

const PROMTOOL: Need = Need::Program("promtool");

fn config() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config")
}

/// The files of a directory below `config/prometheus`.
fn files(name: &str) -> Vec<PathBuf> {
    let directory = config().join("prometheus").join(name);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    assert!(!files.is_empty(), "{} is empty", directory.display());
    files
}

fn promtool(arguments: &[&str], files: &[PathBuf]) -> Output {
    Command::new("promtool").args(arguments).args(files).output().expect("promtool starts")
}

fn passes(output: &Output) {
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    assert!(output.status.success(), "{}", said.concat());
}

#[test]
fn prometheus_takes_its_configuration_and_the_rules() {
    needs!(PROMTOOL);
    passes(&promtool(&["check", "config"], &[config().join("prometheus/prometheus.yml")]));
    // A second rule of the same name and labels is an error too.
    passes(&promtool(&["check", "rules", "--lint-fatal"], &files("rules")));
}

#[test]
fn every_alert_fires_at_its_threshold_and_not_below() {
    needs!(PROMTOOL);
    passes(&promtool(&["test", "rules"], &files("tests")));
}

#[test]
fn a_threshold_that_moved_is_noticed() {
    needs!(PROMTOOL);
    let copy = tempfile::tempdir().expect("a temporary directory");
    for name in ["rules", "tests"] {
        fs::create_dir(copy.path().join(name)).expect("a directory in it");
        for file in files(name) {
            let text = fs::read_to_string(&file).expect("a text").replace("> 500", "> 501");
            fs::write(copy.path().join(name).join(file.file_name().expect("a name")), text).expect("it is ours");
        }
    }
    assert!(!promtool(&["test", "rules"], &[copy.path().join("tests/queue.yml")]).status.success());
}

#[test]
fn what_the_dashboard_asks_is_promql() {
    needs!(PROMTOOL);
    let text = fs::read_to_string(config().join("grafana/dashboards/warmer.json")).expect("the dashboard");
    let dashboard: Value = serde_json::from_str(&text).expect("it is JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets: Vec<_> = panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten()).collect();
    assert!(targets.len() > 40, "{} were found", targets.len());
    let rules = targets.iter().enumerate().map(|(number, target)| {
        let asked = target["expr"].as_str().expect("an expression").replace("$__rate_interval", "5m");
        json!({ "record": format!("target:{number}"), "expr": asked })
    });
    let directory = tempfile::tempdir().expect("a temporary directory");
    // JSON is YAML.
    let file = directory.path().join("rules.yml");
    let rules = json!({ "groups": [{ "name": "dashboard", "rules": rules.collect::<Vec<_>>() }] });
    fs::write(&file, rules.to_string()).expect("it is ours");
    passes(&promtool(&["check", "rules"], &[file]));
}
