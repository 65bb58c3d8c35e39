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
    assert_eq!(timeouts(&[("OTEL_BSP_EXPORT_TIMEOUT", "4000")]), [4, 10], "so is a batch of spans");
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
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "expected a whole number from 1 to 1000000, found \"0\""),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "expected a whole number from 1 on, found \"10s\""),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "4000000000", "expected a whole number from 1 to 1000000, found \"4000000000\""),
        ("OTEL_BSP_SCHEDULE_DELAY", "0", "expected a whole number from 1 on, found \"0\""),
        ("OTEL_BSP_MAX_CONCURRENT_EXPORTS", "2", "expected 1, found \"2\""),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "x", "expected a whole number from 0 on, found \"x\""),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "-1", "expected a whole number from 0 on, found \"-1\""),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "trace_based", r#"expected "always_off", found "trace_based""#),
        ("OTEL_LOGS_EXPORTER", "paper", r#"expected "none", found "paper""#),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc,grpc", r#"expected "grpc" or "http/protobuf", found "grpc,grpc""#),
        ("OTEL_CONFIG_FILE", "/x", "a file is not supported; set the other OTEL_ variables instead"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a b:4318", "expected a URL such as http://localhost:4318"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
            "/none.pem",
            "cannot read \"/none.pem\" (No such file or directory (os error 2)); \
             SSL_CERT_FILE names certificates to trust",
        ),
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
fn a_batch_is_at_most_what_the_queue_has_room_for() {
    let (queue, batch) = (("OTEL_BSP_MAX_QUEUE_SIZE", "4"), "OTEL_BSP_MAX_EXPORT_BATCH_SIZE");
    assert_eq!(read(&[queue]).expect("the SDK's own is cut to it").queue, 4);
    assert!(read(&[queue, (batch, "4")]).is_ok() && read(&[(batch, "8192")]).is_ok());
    for (variables, queue, found) in [(&[queue, (batch, "5")][..], 4, 5), (&[(batch, "8193")], 8192, 8193)] {
        let sentence = format!("expected at most {queue}, which OTEL_BSP_MAX_QUEUE_SIZE is, found \"{found}\"");
        assert_eq!(read(variables), Err(vec![Mistake::new(batch, sentence)]));
    }
}

#[test]
fn what_others_do_with_a_variable_is_told_and_no_mistake() {
    for (name, value, warning) in [
        ("OTEL_LOGS_EXPORTER", "otlp", "OTEL_LOGS_EXPORTER has \"otlp\", which is left out: logs go to stderr alone"),
        (
            "OTEL_EXPORTER_PROMETHEUS_PORT",
            "9464",
            "OTEL_EXPORTER_PROMETHEUS_PORT is not read: metrics.listen says where Prometheus asks",
        ),
        (
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
            "OTEL_EXPORTER_OTLP_CERTIFICATE is not read: SSL_CERT_FILE names certificates to trust",
        ),
    ] {
        assert_eq!(read(&[(name, value)]).expect("no mistake").warnings, [warning]);
    }
    assert!(read(&[("OTEL_LOGS_EXPORTER", "none")]).expect("right").warnings.is_empty());
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
fn a_list_of_pairs_is_told_as_broken_without_its_text() {
    for (value, message) in [
        ("hunter2", "expected KEY=VALUE, with commas in between"),
        ("a=1,=hunter2", "expected KEY=VALUE, with commas in between"),
        ("a=hunter%2", "expected two hexadecimal digits after each %, and UTF-8 of it all"),
        ("a=%ff", "expected two hexadecimal digits after each %, and UTF-8 of it all"),
    ] {
        for name in ["OTEL_RESOURCE_ATTRIBUTES", "OTEL_EXPORTER_OTLP_HEADERS"] {
            assert_eq!(read(&[(name, value)]), Err(vec![Mistake::new(name, message)]), "{value}");
        }
    }
    for value in ["x y=1", "key=", "key=a%0Ab"] {
        let name = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";
        let mistakes = read(&[(name, value)]).expect_err("no header");
        assert!(mistakes[0].message.starts_with("expected NAME=VALUE of headers"), "{value} {mistakes:?}");
        assert!(read(&[("OTEL_RESOURCE_ATTRIBUTES", value)]).is_ok(), "{value} is an attribute");
    }
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text_is_a_mistake() {
    use std::os::unix::ffi::OsStringExt as _;
    let name = std::ffi::OsString::from_vec(vec![b'x', 0xff]);
    let list = [("OTEL_PROPAGATORS", name.clone())].into_iter().collect();
    assert!(Variables::read(&list).is_err(), "nor are names of a list");
    let environment = [("OTEL_SERVICE_NAME", name)].into_iter().collect();
    let expected = Mistake::new("OTEL_SERVICE_NAME", "expected text in UTF-8");
    assert_eq!(Variables::read(&environment), Err(vec![expected]));
}

#[test]
fn attributes_of_the_resource_are_read_and_the_name_of_the_service_goes_before() {
    let list = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=x, team=a%2Cb=c,");
    let of = |variables: &[(&str, &str)]| resource_attributes(&variables.iter().copied().collect());
    let pairs = |pairs: [(&str, &str); 2]| pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(of(&[list]), pairs([("service.name", "x"), ("team", "a,b=c")]));
    assert_eq!(of(&[list, ("OTEL_SERVICE_NAME", "y")]), pairs([("team", "a,b=c"), ("service.name", "y")]));
}
