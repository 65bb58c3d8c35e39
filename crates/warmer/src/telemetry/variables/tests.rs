use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Variables, Vec<Mistake>> {
    Variables::read(&variables.iter().copied().collect())
}

fn collector(variables: &[(&str, &str)]) -> Option<Collector> {
    read(variables).expect("they are right").collector
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[test]
fn nothing_is_exported_unless_an_endpoint_or_the_exporter_is_named() {
    let to = |variables: &[_]| collector(variables).map(|collector| (collector.url, collector.protocol));
    let (here, there) = ("http://localhost:4318".to_owned(), "http://c:1".to_owned());
    assert_eq!(to(&[]), None);
    assert_eq!(to(&[("OTEL_TRACES_EXPORTER", "otlp")]), Some((here, Protocol::Http)));
    assert_eq!(to(&[(ENDPOINT, "http://c:1")]), Some((there.clone(), Protocol::Http)));
    assert_eq!(to(&[(ENDPOINT, "http://c:1"), ("OTEL_TRACES_EXPORTER", "none")]), None);
    assert_eq!(to(&[(ENDPOINT, "http://c:1"), ("OTEL_SDK_DISABLED", "TRUE")]), None);
    assert_eq!(to(&[(ENDPOINT, ""), ("OTEL_TRACES_EXPORTER", "")]), None, "an empty one is as one that is not set");
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:1");
    assert_eq!(to(&[(ENDPOINT, "http://d:1"), traces]), Some((there, Protocol::Http)));
}

#[test]
fn the_protocol_of_traces_goes_before_the_one_of_all() {
    let protocol = |variables: &[_]| {
        let variables: Vec<_> = [(ENDPOINT, "http://c:1")].into_iter().chain(variables.iter().copied()).collect();
        collector(&variables).expect("an endpoint").protocol
    };
    let (all, traces) = ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL");
    assert_eq!(protocol(&[(all, "grpc")]), Protocol::Grpc);
    assert_eq!(protocol(&[(all, "http/protobuf")]), Protocol::Http);
    assert_eq!(protocol(&[(all, "grpc"), (traces, "http/protobuf")]), Protocol::Http);
    let bare = collector(&[(all, "grpc"), (ENDPOINT, "collector:4317")]).expect("gRPC needs no scheme");
    assert_eq!((bare.url.as_str(), bare.protocol), ("collector:4317", Protocol::Grpc));
}

#[test]
fn metrics_go_where_their_own_variables_or_those_of_all_say() {
    let push = |variables: &[_]| read(variables).expect("they are right").metrics;
    let to = |variables: &[_]| push(variables).map(|push| (push.url, push.protocol));
    let there = Some(("http://c:1".to_owned(), Protocol::Http));
    assert_eq!(to(&[]), None);
    assert_eq!(to(&[(ENDPOINT, "http://c:1")]), there);
    let own = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c:1");
    assert_eq!(to(&[own, (ENDPOINT, "http://d:1")]), there);
    assert_eq!(collector(&[own]), None, "traces have no endpoint");
    assert_eq!(to(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:1")]), None);
    let asked = |list| to(&[("OTEL_METRICS_EXPORTER", list)]).map(|(url, _)| url);
    assert_eq!(asked("otlp").as_deref(), Some("http://localhost:4318"));
    assert_eq!(asked("prometheus, otlp").as_deref(), Some("http://localhost:4318"));
    for list in ["none", "prometheus"] {
        assert_eq!(to(&[("OTEL_METRICS_EXPORTER", list), own]), None, "{list}");
    }
    assert_eq!(to(&[own, ("OTEL_SDK_DISABLED", "true")]), None);
    let grpc = to(&[own, ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc")]);
    assert_eq!(grpc.map(|(_, protocol)| protocol), Some(Protocol::Grpc));
}

#[test]
fn a_request_may_take_as_long_as_its_own_variable_or_the_one_of_all_says() {
    let timeouts = |more: &[_]| {
        let read = read(&[&[(ENDPOINT, "http://c:1")], more].concat()).expect("they are right");
        [read.collector, read.metrics].map(|collector| collector.expect("an endpoint").timeout.as_secs())
    };
    let (all, export) = (("OTEL_EXPORTER_OTLP_TIMEOUT", "3000"), ("OTEL_METRIC_EXPORT_TIMEOUT", "7000"));
    assert_eq!(timeouts(&[]), [10, 10]);
    assert_eq!(timeouts(&[all]), [3, 3]);
    assert_eq!(timeouts(&[all, ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2000")]), [2, 3]);
    assert_eq!(timeouts(&[export]), [10, 7], "an export of metrics is one request");
    assert_eq!(timeouts(&[all, export]), [3, 3], "a request has less");
}

#[test]
fn a_collector_is_plain_where_its_url_says_so() {
    let plain = |url, protocol| {
        collector(&[(ENDPOINT, url), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)]).expect("an endpoint").is_plain()
    };
    assert!(plain("http://c:1", "http/protobuf") && plain("http://c:1", "grpc"));
    assert!(!plain("https://c:1", "http/protobuf") && !plain("collector:4317", "grpc"));
}

#[test]
fn a_wrong_value_is_told_with_its_variable_and_what_was_expected() {
    for (name, value, message) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", r#"expected "grpc" or "http/protobuf", found "http/json""#),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "br", r#"expected "gzip" or "none", found "br""#),
        ("OTEL_TRACES_EXPORTER", "otlp,console", r#"expected "otlp" or "none", found "console""#),
        ("OTEL_SDK_DISABLED", "yes", r#"expected "true" or "false", found "yes""#),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0", "expected a whole number from 1 on, found \"0\""),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "h2", r#"expected "grpc" or "http/protobuf", found "h2""#),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "Sum",
            r#"expected "cumulative" or "delta" or "lowmemory", found "sum""#,
        ),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "expected a whole number from 1 on, found \"0\""),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "expected a whole number from 0 on, found \"10s\""),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2", "expected KEY=VALUE, with commas in between"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318", "expected a URL such as http://localhost:4318"),
        ("OTEL_PROPAGATORS", "w3c", r#"expected "tracecontext" or "baggage" or "none", found "w3c""#),
        ("OTEL_TRACES_EXPORTER", "a\u{1b}[31m", "expected \"otlp\" or \"none\", found \"a\\u{1b}[31m\""),
    ] {
        assert_eq!(read(&[(name, value)]), Err(vec![Mistake::new(name, message)]));
    }
    let ratio = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")];
    let mistakes = read(&ratio).expect_err("no ratio");
    assert!(mistakes[0].message.starts_with("expected a number between 0 and 1"), "{mistakes:?}");
    assert!(read(&[("OTEL_TRACES_SAMPLER_ARG", "2")]).is_ok(), "no sampler reads it");
}

#[test]
fn where_the_sdk_is_switched_off_nothing_else_counts() {
    let wrong = ("OTEL_EXPORTER_OTLP_PROTOCOL", "smoke signals");
    assert!(read(&[wrong]).is_err() && read(&[wrong, ("OTEL_SDK_DISABLED", "true")]).is_ok());
}

#[test]
fn other_processes_are_told_unless_the_propagators_say_no() {
    let propagates = |list| read(&[("OTEL_PROPAGATORS", list)]).expect("known names");
    assert!(propagates("tracecontext,baggage").propagates && propagates("b3, tracecontext").propagates);
    assert!(!propagates("none").propagates && !propagates("baggage").propagates);
    assert!(propagates("b3,tracecontext").warnings[0].contains("\"b3\""));
}

#[test]
fn keys_of_the_resource_are_read() {
    let environment = [("OTEL_RESOURCE_ATTRIBUTES", "service.name=x, host.name=y")].into_iter().collect();
    assert_eq!(resource_keys(&environment).collect::<Vec<_>>(), ["service.name", "host.name"]);
}
