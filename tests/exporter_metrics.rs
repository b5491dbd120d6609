//! Each row of the table of the exporter's own metrics.

use crate::harness::Stack;

const REASONS: [&str; 10] = [
    "client_error",
    "connect",
    "forbidden",
    "invalid_response",
    "rate_limited",
    "server_error",
    "timeout",
    "tls",
    "too_large",
    "unauthorized",
];

#[tokio::test]
async fn every_combination_of_a_counter_is_there_at_0_from_the_start() {
    let stack = Stack::start().await;
    let scrape = stack.scrape().await;
    let mut combinations = Vec::new();
    for endpoint in ["platform", "socials"] {
        for reason in REASONS {
            combinations.push(format!("{{endpoint=\"{endpoint}\",reason=\"{reason}\"}}"));
        }
    }
    let expected: Vec<(&str, f64)> = combinations
        .iter()
        .map(|labels| (labels.as_str(), 0.0))
        .collect();
    assert_eq!(
        scrape.family("qlara_gateway_request_failures_total"),
        expected
    );
    let fields = scrape.family("qlara_gateway_invalid_fields_total");
    assert_eq!(fields.len(), 10);
    assert!(fields.iter().all(|(_, count)| *count == 0.0), "{fields:?}");
    let cache: Vec<&str> = scrape
        .family("qlara_exporter_cache_requests_total")
        .into_iter()
        .map(|(labels, _)| labels)
        .collect();
    assert_eq!(
        cache,
        [
            r#"{result="empty"}"#,
            r#"{result="hit"}"#,
            r#"{result="refreshed"}"#,
            r#"{result="stale"}"#
        ]
    );
}

#[tokio::test]
async fn requests_and_their_duration_are_counted_by_endpoint() {
    let stack = Stack::start().await;
    stack.gateway.faults("details/whatsapp:status=502").await;
    let scrape = stack.scrape().await;
    assert_eq!(
        scrape.family("qlara_gateway_requests_total"),
        [
            (r#"{endpoint="platform"}"#, 3.0),
            (r#"{endpoint="socials"}"#, 1.0)
        ]
    );
    let server_error =
        r#"qlara_gateway_request_failures_total{endpoint="platform",reason="server_error"}"#;
    assert_eq!(scrape.value(server_error), 1.0);
    assert_eq!(
        scrape.value(r#"qlara_gateway_request_duration_seconds_count{endpoint="platform"}"#),
        3.0
    );
    assert_eq!(
        scrape.value(r#"qlara_gateway_request_duration_seconds_count{endpoint="socials"}"#),
        1.0
    );
}

#[tokio::test]
async fn build_and_configuration_are_described() {
    let scrape = Stack::start().await.scrape().await;
    let (build, value) = scrape.family("qlara_exporter_build_info")[0];
    assert_eq!(value, 1.0);
    assert!(
        build.contains(&format!("version=\"{}\"", env!("CARGO_PKG_VERSION"))),
        "{build}"
    );
    assert!(
        build.contains("revision=\"") && build.contains("rustversion=\"1."),
        "{build}"
    );
    assert_eq!(
        scrape.value("qlara_exporter_config_last_reload_successful"),
        1.0
    );
    let loaded = scrape.value("qlara_exporter_config_last_reload_success_timestamp_seconds");
    assert_eq!(loaded, 1775822400.0);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn the_process_is_described_as_by_every_client_library() {
    let scrape = Stack::start().await.scrape().await;
    for name in [
        "process_cpu_seconds_total",
        "process_open_fds",
        "process_max_fds",
        "process_virtual_memory_bytes",
        "process_virtual_memory_max_bytes",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
    ] {
        assert!(scrape.value(name) > 0.0, "{name}");
    }
    assert!(
        scrape
            .text
            .contains("# TYPE process_cpu_seconds_total counter\n")
    );
    // The process of this test started within the last day.
    let now = chrono::Utc::now().timestamp() as f64;
    let age = now - scrape.value("process_start_time_seconds");
    assert!((-5.0..86_400.0).contains(&age), "{age}");
}
