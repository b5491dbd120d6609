//! Each row of the table of the exporter's own metrics.

use std::time::Instant;

use crate::harness::Stack;
#[cfg(target_os = "linux")]
use crate::harness::port::free_port;
use crate::harness::{eventually, http, process, scrape::Scrape};

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
async fn counters_start_at_0_for_every_label_combination() {
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
    assert_eq!(fields.len(), 13);
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
async fn requests_and_durations_are_counted_by_endpoint() {
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

/// [own-metrics]
#[tokio::test]
async fn request_duration_is_the_elapsed_time() {
    const LATENCY: f64 = 0.4;
    for (calls, endpoint, count) in [("list", "socials", 1.0), ("details", "platform", 3.0)] {
        let stack = Stack::start().await;
        let slow = format!("{calls}:latency=400ms");
        stack.gateway.faults(&slow).await;
        let asked = Instant::now();
        let scrape = stack.scrape().await;
        let took = asked.elapsed().as_secs_f64();
        let name = "qlara_gateway_request_duration_seconds";
        let sum = scrape.value(&format!("{name}_sum{{endpoint=\"{endpoint}\"}}"));
        let possible = LATENCY * count..=took * count;
        assert!(possible.contains(&sum), "{endpoint}: {sum} in {took}");
        let own = format!("{{endpoint=\"{endpoint}\",le=\"");
        let mut buckets = 0;
        for (labels, found) in scrape.family(&format!("{name}_bucket")) {
            let Some(bound) = labels.strip_prefix(&own) else {
                continue;
            };
            let bound = bound.trim_end_matches("\"}").parse().expect("a number");
            if LATENCY > bound {
                assert_eq!(found, 0.0, "{labels}");
            } else if took <= bound {
                assert_eq!(found, count, "{labels} in {took}");
            }
            buckets += 1;
        }
        assert!(buckets > 5, "{buckets} buckets");
    }
}

#[tokio::test]
async fn build_and_configuration_info_are_exposed() {
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
async fn process_metrics_match_those_of_client_libraries() {
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

/// The properties of a process as the operating system reports them.
#[cfg(target_os = "linux")]
struct Described {
    threads: f64,
    virtual_memory: f64,
    resident_memory: f64,
    open_fds: f64,
    max_fds: f64,
    cpu_seconds: f64,
    started: f64,
}

#[cfg(target_os = "linux")]
impl Described {
    fn read(id: u32) -> Described {
        let read = |path: String| std::fs::read_to_string(path).expect("a file of the system");
        // The words after a name; the first one is the value.
        let number = |text: &str, name: &str| -> f64 {
            let rest = text.split_once(name).expect(name).1;
            let value = rest.split_whitespace().next().expect("a value");
            value.parse().expect("a number")
        };
        let status = read(format!("/proc/{id}/status"));
        let limits = read(format!("/proc/{id}/limits"));
        let stat = read(format!("/proc/{id}/stat"));
        // proc_pid_stat(5), from the third field on: the second one may contain spaces.
        let fields = stat.rsplit_once(") ").expect("fields").1;
        let fields: Vec<&str> = fields.split(' ').collect();
        let seconds = |field: usize| {
            let ticks: f64 = fields[field - 3].parse().expect("a number");
            ticks / procfs::ticks_per_second() as f64
        };
        let open = std::fs::read_dir(format!("/proc/{id}/fd"));
        Described {
            threads: number(&status, "\nThreads:"),
            virtual_memory: number(&status, "\nVmSize:") * 1024.0,
            resident_memory: number(&status, "\nVmRSS:") * 1024.0,
            open_fds: open.expect("a folder").count() as f64,
            max_fds: number(&limits, "\nMax open files"),
            cpu_seconds: seconds(14) + seconds(15),
            started: number(&read("/proc/stat".to_owned()), "\nbtime") + seconds(22),
        }
    }
}

/// [own-metrics]
#[tokio::test]
#[cfg(target_os = "linux")]
async fn process_metrics_match_the_operating_system() {
    let address = format!("127.0.0.1:{}", free_port());
    let mut command = process::exporter();
    command.env("QLARA_API_KEY", "x");
    // No server listens at this address.
    command.args(["--qlara.url", "http://127.0.0.1:1", "--web.listen-address"]);
    let running = process::Running::start(command.arg(&address));
    let client = http();
    let scrape = async || {
        let answer = client.get(format!("http://{address}/metrics")).send();
        Some(Scrape::read(answer.await.ok()?).await)
    };
    eventually("the exporter", scrape).await;
    // Threads and memory change all the time, so the values are compared in a moment without changes.
    eventually("the same numbers", async || {
        let before = Described::read(running.id());
        let scrape = scrape().await?;
        let after = Described::read(running.id());
        let is = |name: &str, number: fn(&Described) -> f64, tolerance: f64| {
            let (one, other) = (number(&before), number(&after));
            let possible = one.min(other) - tolerance..=one.max(other) + tolerance;
            possible.contains(&scrape.value(name))
        };
        let all = is("process_threads", |now| now.threads, 0.0)
            && is("process_virtual_memory_bytes", |now| now.virtual_memory, 0.0)
            && is("process_cpu_seconds_total", |now| now.cpu_seconds, 0.001)
            && is("process_max_fds", |now| now.max_fds, 0.0)
            // The exporter opens a descriptor to count the descriptors.
            && is("process_open_fds", |now| now.open_fds, 3.0);
        let resident = scrape.value("process_resident_memory_bytes") / after.resident_memory;
        // Approximate: the sources of the operating system differ slightly.
        let about_the_same = (0.5..2.0).contains(&resident);
        let started = scrape.value("process_start_time_seconds");
        let at_once = (started - after.started).abs() < 0.001;
        (all && about_the_same && at_once).then_some(())
    })
    .await;
}
