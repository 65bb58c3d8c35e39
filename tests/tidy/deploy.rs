//! The files for deploying agree with the configuration, and with each other.

use std::time::Duration;

use crate::tree::{read, root};

/// What the end may take beside `[shutdown]`, where the database is silent (ARCHITECTURE.md, "Operating it").
const BESIDE_SHUTDOWN: Duration = Duration::from_secs(40);

fn config(name: &str) -> String {
    read(&root().join("config").join(name))
}

fn toml(name: &str) -> toml::Table {
    toml::from_str(&config(name)).unwrap_or_else(|error| panic!("config/{name}: {error}"))
}

/// A value of a section, where it is set.
fn value<'t>(table: &'t toml::Table, section: &str, key: &str) -> Option<&'t toml::Value> {
    table.get(section)?.get(key)
}

/// A number with its unit: 75 and `s` of `75s`.
fn number(text: &str) -> (u64, &str) {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..digits].parse().unwrap_or_else(|_| panic!("no number: {text:?}")), &text[digits..])
}

fn seconds(text: &str) -> Duration {
    let (number, unit) = number(text);
    assert_eq!(unit, "s", "written in seconds: {text:?}");
    Duration::from_secs(number)
}

fn gib(text: &str) -> u64 {
    let (number, unit) = number(text);
    assert!(["GiB", "Gi"].contains(&unit), "written in GiB: {text:?}");
    number
}

/// What stands behind the first `key` of a file, which has to have one.
fn behind(name: &str, key: &str) -> String {
    let text = config(name);
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(key));
    line.unwrap_or_else(|| panic!("config/{name} has no {key}")).trim().to_owned()
}

fn of_pods(section: &str, key: &str) -> String {
    let table = toml("kubernetes/base/warmer.toml");
    let value = value(&table, section, key).and_then(toml::Value::as_str);
    value.unwrap_or_else(|| panic!("the pods' configuration says {section}.{key}")).to_owned()
}

#[test]
fn who_ends_the_program_waits_for_as_long_as_it_may_take() {
    let most = seconds(&of_pods("shutdown", "drain_delay")) + seconds(&of_pods("shutdown", "grace")) + BESIDE_SHUTDOWN;
    let pods = behind("kubernetes/base/deployment.yaml", "terminationGracePeriodSeconds:");
    assert_eq!(seconds(&format!("{pods}s")), most, "Kubernetes");
    // These two run by the defaults.
    for key in ["drain_delay", "grace"] {
        let manual = toml("warmer.toml");
        let default = value(&manual, "shutdown", key).and_then(toml::Value::as_str);
        assert_eq!(default, Some(&*of_pods("shutdown", key)), "the pods' {key} is the default");
    }
    assert_eq!(seconds(&behind("systemd/warmer.service", "TimeoutStopSec=")), most, "systemd");
    assert_eq!(seconds(&behind("compose.yaml", "stop_grace_period:")), most, "Compose");
}

#[test]
fn a_pods_volume_holds_what_the_mirrors_may_take() {
    let manual = toml("warmer.toml");
    let workers = value(&manual, "fetcher", "workers").and_then(toml::Value::as_str);
    assert_eq!(workers, Some("auto"), "one for each job");
    let jobs = value(&manual, "claimer", "concurrency").and_then(toml::Value::as_integer).expect("a number of jobs");
    let fetches = u64::try_from(jobs).expect("above zero") * gib(&of_pods("git", "fetch_size_max"));
    let most = gib(&of_pods("git", "mirrors_size_max")) + fetches;
    let volume = gib(&behind("kubernetes/base/deployment.yaml", "sizeLimit:"));
    assert!(volume >= most, "{volume} GiB are less than {most} GiB: the pod would be evicted");
    let asked = gib(&behind("kubernetes/base/deployment.yaml", "ephemeral-storage:"));
    assert_eq!(asked, volume, "what the node is asked for is what the volume may have");
}

#[test]
fn a_probe_asks_the_port_that_listens() {
    let listen = of_pods("admin", "health_listen");
    let port = listen.rsplit(':').next().unwrap_or_default();
    assert_eq!(behind("kubernetes/base/deployment.yaml", "containerPort:"), port);
}

#[test]
fn prometheus_asks_where_the_instances_listen() {
    let listen = behind("compose.yaml", "WARMER__METRICS__LISTEN:");
    let port = listen.rsplit(':').next().unwrap_or_default();
    assert_eq!(behind("prometheus/prometheus.yml", "port:"), port, "Compose");
    assert_eq!(of_pods("metrics", "listen").rsplit(':').next(), Some(port), "Kubernetes");
    let ports = config("kubernetes/base/deployment.yaml");
    assert!(ports.contains(&format!("- name: metrics\n              containerPort: {port}\n")), "the pods' port");
    let service = behind("prometheus/prometheus.yml", "- names:");
    assert!(config("compose.yaml").contains(&format!("\n  {}:\n", service.trim_matches(['[', ']']))), "{service}");
}

#[test]
fn what_scales_the_fleet_has_one_name_and_is_taken_once() {
    let name = behind("kubernetes/overlays/hpa/prometheus-adapter.yaml", "as:");
    assert!(config("metrics.md").contains(&format!("\n| `{name}` | `")), "{name} is exported");
    let autoscaler = config("kubernetes/overlays/hpa/horizontalpodautoscaler.yaml");
    assert!(autoscaler.contains(&format!("name: {name}\n")), "the autoscaler asks for {name}");
    // A sum over N instances that export the same depth is N times the depth.
    let rule = behind("kubernetes/overlays/hpa/prometheus-adapter.yaml", "metricsQuery:");
    assert!(rule.starts_with("max("), "{rule}");
}
