//! Negotiation of the format, and OpenMetrics as other programs read it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::process::Command;

use flate2::read::GzDecoder;
use reqwest::{Method, Response};
use serde::Deserialize;
use serde_json::json;

use crate::any_bytes::parser::{Series, parse};
use crate::documentation::full_stack;
use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter, run_with_input};
use crate::harness::scrape::Scrape;
use crate::harness::tools::{self, OPENMETRICS, PROMETHEUS_3, folder, needs};
use crate::harness::{API_KEY, Gateway, Setup, Stack, http};
use crate::prometheus::{Prometheus, system_gateway};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// `Accept` of Prometheus 3.
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    application/openmetrics-text;version=0.0.1;q=0.5,\
    text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

/// A response that must be good, with its body.
async fn ask(request: reqwest::RequestBuilder) -> (reqwest::header::HeaderMap, Vec<u8>) {
    let answer: Response = request.send().await.expect("a response");
    assert_eq!(answer.status(), 200);
    let headers = answer.headers().clone();
    assert_eq!(headers["vary"], "accept, accept-encoding");
    (headers, answer.bytes().await.expect("a body").into())
}

impl Stack {
    /// A scrape as OpenMetrics, which must be the same with gzip.
    pub async fn scrape_open_metrics(&self, path: &str) -> String {
        let request = || self.get(path).header("Accept", ACCEPT);
        let (headers, plain) = ask(request()).await;
        assert_eq!(headers["content-type"], OPEN_METRICS);
        let (headers, packed) = ask(request().header("Accept-Encoding", "gzip")).await;
        assert_eq!(headers["content-type"], OPEN_METRICS);
        assert_eq!(headers["content-encoding"], "gzip");
        let (mut unpacked, mut decoder) = (Vec::new(), GzDecoder::new(&packed[..]));
        decoder.read_to_end(&mut unpacked).expect("gzip");
        assert!(unpacked == plain, "the same text");
        String::from_utf8(plain).expect("UTF-8")
    }
}

/// [open-metrics-negotiation]
#[tokio::test]
async fn format_follows_the_accept_header() {
    let stack = Setup::yaml("accounts: [{name: a, api_key_env: QLARA_API_KEY}]");
    let stack = stack.start().await;
    for path in ["/metrics", "/probe?account=a"] {
        for (accept, format) in [
            (&[][..], TEXT),
            (&["*/*"], TEXT),
            (&["text/html, application/xml;q=0.9, */*;q=0.8"], TEXT),
            (&[ACCEPT], OPEN_METRICS),
            (
                &["application/openmetrics-text; version=1.0.0"],
                OPEN_METRICS,
            ),
            (
                &["application/openmetrics-text;q=0.4, text/plain;q=0.5"],
                TEXT,
            ),
            (&["application/openmetrics-text;q=0, */*"], TEXT),
            (
                &["text/plain;q=0.5", "application/openmetrics-text"],
                OPEN_METRICS,
            ),
            (&["application/openmetrics-text; version=0.0.1"], TEXT),
            (
                &["application/vnd.google.protobuf; encoding=delimited"],
                TEXT,
            ),
            (&["application/json"], TEXT),
            (&["\u{e9}"], TEXT),
            (&[";=,q"], TEXT),
        ] {
            let request = |method| {
                let request = stack.request(method, path);
                accept
                    .iter()
                    .fold(request, |request, accept| request.header("Accept", *accept))
            };
            let (headers, body) = ask(request(Method::GET)).await;
            assert_eq!(headers["content-type"], format, "{accept:?}");
            assert_eq!(
                body.ends_with(b"# EOF\n"),
                format == OPEN_METRICS,
                "{accept:?}"
            );
            let (of_head, _) = ask(request(Method::HEAD)).await;
            assert_eq!(of_head["content-type"], format, "{accept:?}");
            let compressed = request(Method::GET).header("Accept-Encoding", "gzip");
            let (compressed, _) = ask(compressed).await;
            assert_eq!(compressed["content-type"], format, "{accept:?}");
            assert_eq!(compressed["content-encoding"], "gzip");
        }
    }
}

/// A metric family as prometheus_client reads it.
#[derive(Debug, Deserialize)]
struct Family {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    unit: String,
    help: String,
    samples: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: String,
    timestamp: Option<f64>,
}

/// The families of each exposition, as prometheus_client reads them.
fn parsed(expositions: &[String]) -> Vec<Vec<Family>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openmetrics/parse.py");
    let mut python = Command::new(folder("openmetrics").join("bin/python"));
    let expositions = json!(expositions).to_string();
    let (code, output) = run_with_input(python.arg(script), &expositions);
    assert_eq!(code, 0, "{output}");
    serde_json::from_str(&output).expect("families")
}

/// The samples that both formats have, with bounds of buckets as numbers.
fn shared_samples(families: &[Family]) -> BTreeMap<Series, f64> {
    let samples = families.iter().flat_map(|family| &family.samples);
    let samples = samples.filter(|sample| !sample.name.ends_with("_created"));
    let samples = samples.map(|sample| {
        let mut labels = sample.labels.clone();
        assert_eq!(sample.timestamp, None, "{}", sample.name);
        if let Some(bound) = labels.get_mut("le") {
            let number: f64 = bound.parse().expect("a number");
            *bound = number.to_string();
        }
        let value = sample.value.parse().expect("a number");
        ((sample.name.clone(), labels), value)
    });
    samples.collect()
}

/// Whether the value of a series may differ between two scrapes of the same second.
fn is_counted_by_scrapes(series: &Series) -> bool {
    series.0.starts_with("process_") || series.0 == "qlara_exporter_cache_requests_total"
}

/// In every state of the accounts, [open-metrics]
#[tokio::test]
async fn prometheus_client_reads_the_same_samples_as_in_the_text_format() {
    needs!(OPENMETRICS);
    let mut both = Vec::new();
    let mut collect = async |stack: &Stack, path: &str| {
        let (headers, text) = ask(stack.get(path)).await;
        assert_eq!(headers["content-type"], TEXT);
        let text = Scrape::parse(String::from_utf8(text).expect("UTF-8")).text;
        both.push((text, stack.scrape_open_metrics(path).await));
    };
    let (stack, _directory) = full_stack().await;
    collect(&stack, "/metrics").await;
    collect(&stack, "/probe?account=a").await;
    let stack = several_accounts().await;
    collect(&stack, "/metrics").await;
    stack.gateway.faults("status=500").await;
    for seconds in [61, 16 * 60] {
        stack.clock.advance(std::time::Duration::from_secs(seconds));
        collect(&stack, "/metrics").await;
    }
    let mut many = Setup::default();
    many.simulator.profiles = 1000;
    collect(&many.start().await, "/metrics").await;

    let open_metrics: Vec<String> = both.iter().map(|(_, text)| text.clone()).collect();
    for ((text, _), families) in both.iter().zip(parsed(&open_metrics)) {
        let (mut text, mut shared) = (parse(text).expect("text"), shared_samples(&families));
        assert!(text.keys().eq(shared.keys()), "{text:?} {shared:?}");
        text.retain(|series, _| !is_counted_by_scrapes(series));
        shared.retain(|series, _| !is_counted_by_scrapes(series));
        let differs = |(series, value): &(&Series, &f64)| shared.get(*series) != Some(*value);
        let different: Vec<_> = text.iter().filter(differs).collect();
        assert!(different.is_empty(), "{different:?}");
    }
}

/// Two accounts, one of them with a name and a profile that need every escape.
async fn several_accounts() -> Stack {
    const ODD: &str = "\"\\\n\r\u{2028}日本";
    let account = |name| json!({"name": name, "api_key_env": "QLARA_API_KEY"});
    let setup = Setup::yaml(&json!({"accounts": [account("a"), account(ODD)]}).to_string());
    let profile = json!({"platform": ODD, "profileId": ODD, "name": ODD, "status": ODD});
    setup.with_profiles(json!([profile])).await
}

/// [open-metrics]
#[tokio::test]
async fn families_have_their_types_units_and_help() {
    needs!(OPENMETRICS);
    let (stack, _directory) = full_stack().await;
    let text = stack.scrape().await.text;
    let families = parsed(&[stack.scrape_open_metrics("/metrics").await]).remove(0);
    let mut names = BTreeSet::new();
    for Family {
        name,
        kind,
        unit,
        help,
        samples,
    } in &families
    {
        let text_name = match kind.as_str() {
            "counter" => format!("{name}_total"),
            _ => name.clone(),
        };
        assert!(text.contains(&format!(
            "# HELP {text_name} {help}\n# TYPE {text_name} {kind}\n"
        )));
        let last = name.rsplit('_').next().expect("a name");
        let expected = ["seconds", "bytes"].into_iter().find(|unit| *unit == last);
        assert_eq!(unit, expected.unwrap_or_default(), "{name}");
        assert!(names.insert(name), "{name} is announced twice");
        let found: BTreeSet<&str> = samples
            .iter()
            .map(|sample| sample.name.strip_prefix(name.as_str()).expect("its name"))
            .collect();
        let expected: &[&str] = match kind.as_str() {
            "gauge" => &[""],
            "counter" => &["_created", "_total"],
            "histogram" => &["_bucket", "_count", "_created", "_sum"],
            kind => panic!("{name} is a {kind}"),
        };
        assert!(found.iter().eq(expected), "{name}: {found:?}");
    }
    assert_eq!(text.matches("# TYPE ").count(), families.len());
    for (family, unit) in [
        ("process_cpu_seconds", "seconds"),
        ("process_resident_memory_bytes", "bytes"),
        ("qlara_gateway_request_duration_seconds", "seconds"),
        ("qlara_gateway_requests", ""),
        ("qlara_token_expiry_timestamp_seconds", "seconds"),
        ("qlara_token_seconds_to_expiry", ""),
    ] {
        let found = families.iter().find(|it| it.name == family).expect(family);
        assert_eq!(found.unit, unit, "{family}");
    }
}

/// OpenMetrics demands numbers with a fraction as bounds of buckets.
#[tokio::test]
async fn bounds_of_buckets_are_canonical_in_open_metrics() {
    let stack = Stack::start().await;
    let bounds = |text: String| -> BTreeSet<String> {
        let bounds = text.split(",le=\"").skip(1);
        let bounds = bounds.map(|rest| rest.split('"').next().expect("a bound").to_owned());
        bounds.collect()
    };
    let open_metrics = bounds(stack.scrape_open_metrics("/metrics").await);
    let canonical = [
        "+Inf", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "10.0", "2.5", "5.0",
    ];
    assert!(open_metrics.iter().eq(canonical), "{open_metrics:?}");
    let text = bounds(stack.scrape().await.text);
    assert!(text.contains("1") && text.contains("10"), "{text:?}");
}

/// The time of creation of each counter and histogram.
struct Created(Vec<(String, f64)>);

impl Created {
    async fn read(stack: &Stack) -> Created {
        let text = stack.scrape_open_metrics("/metrics").await;
        let created = text.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let is_created = series.split('{').next()?.ends_with("_created");
            is_created.then(|| (series.to_owned(), value.parse().expect("a time")))
        });
        Created(created.collect())
    }

    /// The number of series with this text, which must have this time.
    fn count(&self, part: &str, time: f64) -> usize {
        let found: Vec<_> = self
            .0
            .iter()
            .filter(|(series, _)| series.contains(part))
            .collect();
        assert!(
            found.iter().all(|(_, found)| *found == time),
            "{time}: {found:?}"
        );
        found.len()
    }
}

/// [created]
#[tokio::test]
async fn creation_times_are_those_of_process_exporter_and_account() {
    const STARTED: f64 = 1_775_822_400.0;
    let account = |name| json!({"name": name, "api_key_env": "QLARA_API_KEY"});
    let mut setup = Setup::yaml(&json!({"accounts": [account("a"), account("b")]}).to_string());
    setup.web.enable_lifecycle = true;
    let stack = setup.start().await;
    let created = Created::read(&stack).await;
    let process = stack.scrape().await.value("process_start_time_seconds");
    let per_account = created.count("account=\"a\"", STARTED);
    assert_eq!(created.count("account=\"b\"", STARTED), per_account);
    let own = created.count("qlara_exporter_", STARTED);
    let of_process = created.0.len() - 2 * per_account - own;
    let (_, of_cpu) = created
        .0
        .iter()
        .find(|(name, _)| name == "process_cpu_seconds_created")
        .expect("a time");
    assert!((of_cpu - process).abs() < 0.001, "{of_cpu} {process}");

    // The documentation counts the series that this costs.
    let costs = format!(
        "{per_account} series for each account and {} for the exporter",
        own + of_process
    );
    let documentation = include_str!("../docs/metrics.md").replace('\n', " ");
    assert!(
        documentation.contains(&costs),
        "docs/metrics.md should say: {costs}"
    );

    // An account that stays keeps its counters, and a new one begins to count.
    stack
        .clock
        .advance(std::time::Duration::from_millis(90_500));
    let accounts = json!({"accounts": [account("a"), account("c")]}).to_string();
    stack.reload_with(&accounts).await;
    let created = Created::read(&stack).await;
    assert_eq!(created.count("account=\"a\"", STARTED), per_account);
    assert_eq!(created.count("account=\"b\"", STARTED), 0);
    assert_eq!(created.count("account=\"c\"", STARTED + 90.5), per_account);
    assert_eq!(created.count("qlara_exporter_", STARTED), own);
}

/// An exporter with the system's time, and its gateway.
struct Live {
    target: String,
    _gateway: Gateway,
    _exporter: Running,
}

impl Live {
    async fn start() -> Live {
        let (gateway, target) = (system_gateway().await, format!("127.0.0.1:{}", free_port()));
        let mut command = exporter();
        command.env("QLARA_API_KEY", API_KEY);
        command.args([
            "--qlara.url",
            &gateway.url(),
            "--web.listen-address",
            &target,
        ]);
        Live {
            _exporter: Running::start(&mut command),
            _gateway: gateway,
            target,
        }
    }

    async fn scrape(&self, accept: &str) -> String {
        let request = http().get(format!("http://{}/metrics", self.target));
        let answer = request.header("Accept", accept).send().await;
        let answer = answer.expect("a response");
        answer.text().await.expect("a text")
    }
}

/// The series that a Prometheus has of this job.
async fn series_of(prometheus: &Prometheus, job: &str) -> BTreeSet<Series> {
    prometheus
        .until(&format!("qlara_up{{job=\"{job}\"}}"), 1.0)
        .await;
    let query = format!("{{job=\"{job}\",__name__!~\"up|scrape_.+\"}}");
    let found = prometheus.query(&query).await.expect("series");
    let series = found.into_iter().map(|(labels, _)| {
        let labels: BTreeMap<String, String> = serde_json::from_value(labels).expect("labels");
        let others =
            |(name, _): &(String, String)| !["__name__", "job", "instance"].contains(&&**name);
        let name = labels["__name__"].clone();
        let mut labels: BTreeMap<_, _> = labels.into_iter().filter(others).collect();
        if let Some(bound) = labels.get_mut("le") {
            let number: f64 = bound.parse().expect("a number");
            *bound = number.to_string();
        }
        (name, labels)
    });
    series.collect()
}

/// Prometheus 2 prefers OpenMetrics, and takes times of creation for series like any others. [open-metrics-prometheus]
#[tokio::test]
async fn prometheus_2_has_the_series_of_the_text_format_and_the_times_of_creation() {
    needs!("prometheus");
    let live = Live::start().await;
    let regex = "(qlara|process)_.+_created";
    assert!(
        include_str!("../docs/metrics.md").contains(regex),
        "{regex}"
    );
    let targets = json!([{"targets": [&live.target]}]);
    let prometheus = Prometheus::with_scrape_configs(&json!([
        {"job_name": "all", "static_configs": targets},
        {"job_name": "dropped", "static_configs": targets, "metric_relabel_configs":
            [{"source_labels": ["__name__"], "regex": regex, "action": "drop"}]},
    ]));
    let series = series_of(&prometheus, "all").await;
    let (created, shared): (BTreeSet<Series>, BTreeSet<Series>) = series
        .into_iter()
        .partition(|(name, _)| name.ends_with("_created"));
    let text = parse(&live.scrape("text/plain").await).expect("text");
    assert!(shared.iter().eq(text.keys()), "{shared:?} {text:?}");
    let open_metrics = live.scrape(ACCEPT).await;
    let lines = open_metrics.lines().filter(|line| !line.starts_with('#'));
    let lines = lines.filter(|line| {
        line.split(['{', ' '])
            .next()
            .is_some_and(|name| name.ends_with("_created"))
    });
    assert_eq!(created.len(), lines.count());
    assert!(created.len() > 30, "{created:?}");
    assert_eq!(series_of(&prometheus, "dropped").await, shared);
}

/// Prometheus 3 can begin counters at 0 when they were created, and then has no series for these times.
/// [open-metrics-prometheus]
#[tokio::test]
async fn prometheus_3_begins_counters_at_0_when_they_were_created() {
    needs!(PROMETHEUS_3);
    let live = Live::start().await;
    let job = |name: &str, format: &str| {
        let targets = [&live.target];
        json!({"job_name": name, "scrape_protocols": [format, "PrometheusText0.0.4"], "static_configs": [{"targets": targets}]})
    };
    let jobs = json!([
        job("first", "OpenMetricsText1.0.0"),
        job("text", "PrometheusText1.0.0")
    ]);
    let feature = "created-timestamp-zero-ingestion";
    let prometheus = Prometheus::of_version(&tools::prometheus_3(), &jobs, feature);
    let series = series_of(&prometheus, "first").await;
    assert_eq!(series, series_of(&prometheus, "text").await);
    let text = parse(&live.scrape("text/plain").await).expect("text");
    assert!(series.iter().eq(text.keys()), "{series:?} {text:?}");

    let open_metrics = live.scrape(ACCEPT).await;
    for (metric, sample) in [
        ("qlara_gateway_requests", "total"),
        ("qlara_gateway_request_duration_seconds", "count"),
    ] {
        let created = format!("{metric}_created{{endpoint=\"socials\"}} ");
        let mut lines = open_metrics.lines();
        let created = lines.find_map(|line| line.strip_prefix(&created));
        let created: f64 = created.expect("a time").parse().expect("a number");
        let first = async |job: &str| {
            let of_job = format!("{{job=\"{job}\",endpoint=\"socials\"}}");
            let samples = prometheus
                .samples(&format!("{metric}_{sample}{of_job}[1h]"))
                .await;
            samples[0].1[0]
        };
        assert_eq!(first("first").await, (created, 0.0), "{metric}");
        assert_eq!(first("text").await.1, 1.0, "{metric}");
    }
}
