//! Every fault of the gateway and of the connection to it, at every request: metrics, output of `check`, log,
//! duration, and recovery with the next good response.

use std::time::{Duration, Instant};

use qlara_exporter::check::{Auditor, CheckFormat, CheckOptions, CheckState};
use qlara_exporter::config::{Config, Settings};
use serde_json::{Value, json};
use tracing::Level;

use crate::harness::fault_proxy::{
    After,
    After::{Close, Cut, Repeat, Reset, Silence},
    BadCertificate, Calls, Fault as NetworkFault, FaultProxy, RawReply,
};
use crate::harness::log::Log;
use crate::harness::scrape::Scrape;
use crate::harness::{API_KEY, Setup, Stack};

/// Longer than any backoff.
const PAST_BACKOFF: Duration = Duration::from_secs(301);
/// The refresh timeout of faults that last until the timeout.
const SHORT: Duration = Duration::from_millis(500);
/// The refresh timeout of all other faults, which no case comes near.
const LONG: Duration = Duration::from_secs(20);
const PLATFORMS: [&str; 3] = ["facebook", "instagram", "whatsapp"];
/// Number of permission series while all details are known.
const PERMISSIONS: usize = 12;

/// The effect of a fault at any request.
#[derive(Debug, Clone, Copy)]
struct Case {
    fault: Fault,
    /// The value of the label `reason`.
    reason: &'static str,
    /// The text in the log and in `check`.
    message: &'static str,
    /// Whether the fault lasts until the refresh times out.
    lasts: bool,
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    /// Between exporter and gateway.
    Network(NetworkFault),
    /// A fault of the simulated gateway, in the notation of its control endpoint.
    Simulated(&'static str),
}

const fn case(fault: Fault, reason: &'static str, message: &'static str) -> Case {
    Case {
        fault,
        reason,
        message,
        lasts: false,
    }
}

const fn lasting(fault: Fault) -> Case {
    Case {
        lasts: true,
        ..case(fault, "timeout", "no answer within the gateway timeout")
    }
}

const fn certificate(bad: BadCertificate, message: &'static str) -> Case {
    let fault = NetworkFault::Certificate(bad);
    case(Fault::Network(fault), "tls", message)
}

const fn handshake(bytes: &'static str, after: After) -> Fault {
    Fault::Network(NetworkFault::Handshake(RawReply(bytes, after)))
}

const fn response(bytes: &'static str, after: After) -> Fault {
    Fault::Network(NetworkFault::Response(RawReply(bytes, after)))
}

const fn simulated(fault: &'static str, reason: &'static str, message: &'static str) -> Case {
    case(Fault::Simulated(fault), reason, message)
}

/// The beginning of a response.
const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"profiles\": [";
const UNREACHABLE: &str = "cannot reach the gateway";
const NO_HTTP: &str = "the answer is not as documented: no valid HTTP";
const BREAKS_OFF: &str = "the body breaks off";
const TOO_LONG: &str = "longer than limits.response_bytes";

const CASES: [Case; 38] = [
    // Connection.
    case(
        Fault::Network(NetworkFault::Refused),
        "connect",
        UNREACHABLE,
    ),
    lasting(Fault::Network(NetworkFault::Unaccepted)),
    // TLS.
    certificate(BadCertificate::UnknownIssuer, "UnknownIssuer"),
    certificate(BadCertificate::OtherHost, "not valid for name"),
    certificate(BadCertificate::Expired, "certificate expired"),
    case(
        handshake("HTTP/1.1 400 Bad Request\r\n\r\n", Close),
        "tls",
        "InvalidContentType",
    ),
    // The alert `handshake_failure`.
    case(
        handshake("\u{15}\u{3}\u{3}\0\u{2}\u{2}\u{28}", Close),
        "tls",
        "HandshakeFailure",
    ),
    case(handshake("", Close), "tls", "the handshake breaks off"),
    case(handshake("", Reset), "connect", UNREACHABLE),
    lasting(handshake("", Silence)),
    // Headers.
    case(response("", Close), "connect", UNREACHABLE),
    case(response("", Cut), "connect", UNREACHABLE),
    case(response("", Reset), "connect", UNREACHABLE),
    lasting(response("", Silence)),
    case(
        response("HTTP/1.1 200 OK\r\nContent-Le", Close),
        "connect",
        UNREACHABLE,
    ),
    case(
        response("HTTP/1.1 200 OK\r\nContent-Le", Reset),
        "connect",
        UNREACHABLE,
    ),
    lasting(response("HTTP/1.1 200 OK\r\nContent-Le", Silence)),
    lasting(response("", Repeat("HTTP/1.1 100 Continue\r\n\r\n"))),
    case(
        response("SSH-2.0-OpenSSH_9.2\r\n\r\n", Close),
        "invalid_response",
        NO_HTTP,
    ),
    case(
        response("HTTP/1.1 200 OK\r\n", Repeat("A: header\r\n")),
        "invalid_response",
        NO_HTTP,
    ),
    case(
        response(
            "HTTP/1.1 200 OK\r\nA: ",
            Repeat("header of a thousand lines, "),
        ),
        "invalid_response",
        NO_HTTP,
    ),
    // Status.
    simulated("status=400", "client_error", "the gateway answers HTTP 400"),
    simulated("status=401", "unauthorized", "refuses the credentials"),
    simulated("status=403", "forbidden", "forbids the call"),
    simulated("status=429", "rate_limited", "rate limit is used up"),
    simulated("retry-after=30s", "rate_limited", "rate limit is used up"),
    simulated(
        "redirect=http://127.0.0.1:9/",
        "client_error",
        "the gateway answers HTTP 302, a redirect, which is not followed",
    ),
    simulated("status=500", "server_error", "the gateway answers HTTP 500"),
    simulated("status=503", "server_error", "the gateway answers HTTP 503"),
    // Body, or no response.
    case(response(HALF, Close), "invalid_response", BREAKS_OFF),
    case(response(HALF, Cut), "invalid_response", BREAKS_OFF),
    simulated("reset", "connect", UNREACHABLE),
    simulated("truncated", "invalid_response", BREAKS_OFF),
    simulated(
        "garbage",
        "invalid_response",
        "the answer is not as documented",
    ),
    simulated("endless", "too_large", TOO_LONG),
    simulated("gzip-bomb", "too_large", TOO_LONG),
    lasting(Fault::Simulated("hang")),
    lasting(Fault::Simulated("stall")),
];

impl Case {
    /// The timeout of a refresh.
    fn timeout(&self) -> Duration {
        if self.lasts { SHORT } else { LONG }
    }

    /// Whether the fault affects single requests. Connections and handshakes come before the request.
    fn affects_single_requests(&self) -> bool {
        matches!(
            self.fault,
            Fault::Simulated(_) | Fault::Network(NetworkFault::Response(_))
        )
    }

    /// The proxies through which the fault can be injected.
    fn proxies(&self) -> Vec<Option<FaultProxy>> {
        match self.fault {
            Fault::Simulated(_) => vec![None],
            Fault::Network(NetworkFault::Certificate(_) | NetworkFault::Handshake(_)) => {
                vec![Some(FaultProxy::over_tls())]
            }
            Fault::Network(_) => vec![Some(FaultProxy::plain()), Some(FaultProxy::over_tls())],
        }
    }
}

/// An exporter, and the proxy in front of its gateway if there is one.
struct Fixture {
    stack: Stack,
    proxy: Option<FaultProxy>,
    timeout: Duration,
}

impl Fixture {
    /// Starts with a good scrape, then lets some minutes pass.
    async fn new(mut proxy: Option<FaultProxy>, timeout: Duration) -> Fixture {
        let ca_file = proxy.as_ref().and_then(FaultProxy::ca_file);
        let gateway = ca_file.map_or_else(String::new, |file| {
            format!(
                "gateway: {{tls_config: {{ca_file: '{}'}}}}\n",
                file.display()
            )
        });
        let setup = Setup {
            settings: Settings {
                timeout: Some(timeout),
                ..Settings::default()
            },
            url: proxy.as_ref().map(FaultProxy::url),
            ..Setup::yaml(&format!("{gateway}limits: {{response_bytes: 256KiB}}"))
        };
        let stack = setup.with_profiles(healthy_profiles()).await;
        if let Some(proxy) = &mut proxy {
            proxy.open(stack.gateway.address).await;
        }
        let fixture = Fixture {
            stack,
            proxy,
            timeout,
        };
        assert_eq!(fixture.stack.scrape().await.value("qlara_up"), 1.0);
        fixture.stack.clock.advance(PAST_BACKOFF);
        fixture
    }

    async fn inject(&mut self, fault: Fault, calls: Calls) {
        match (fault, &mut self.proxy) {
            (Fault::Simulated(fault), _) => {
                let fault = format!("{}{fault}", scope(calls));
                self.stack.gateway.faults(&fault).await;
            }
            (Fault::Network(fault), Some(proxy)) => {
                proxy.inject(self.stack.gateway.address, fault, calls).await;
            }
            (Fault::Network(fault), None) => panic!("no proxy for this fault: {fault:?}"),
        }
    }

    async fn recover(&mut self) {
        self.stack.gateway.faults("").await;
        if let Some(proxy) = &mut self.proxy {
            proxy.open(self.stack.gateway.address).await;
        }
        self.stack.clock.advance(PAST_BACKOFF);
    }

    /// Runs `check` against the same gateway.
    async fn audit(&self) -> (CheckState, String) {
        let url = self.proxy.as_ref().map(FaultProxy::url);
        let settings = Settings {
            file: Some(self.stack.file("qlara.yml")),
            url: url.or_else(|| Some(self.stack.gateway.url())),
            timeout: Some(self.timeout),
            ..Settings::default()
        };
        let key = |name: &str| (name == "QLARA_API_KEY").then(|| API_KEY.to_owned());
        let config = Config::load(&settings, &key).expect("a good configuration");
        let clock = self.stack.clock.clone();
        let auditor = Auditor::new(config, CheckOptions::default(), clock).expect("accounts");
        let audit = auditor.audit(|_| ()).await;
        let mut text = Vec::new();
        let state = audit.write(CheckFormat::Json, &mut text);
        let text = String::from_utf8(text).expect("UTF-8");
        (state.expect("written"), text)
    }
}

/// One profile per platform, with complete details.
fn healthy_profiles() -> Value {
    let profiles = PLATFORMS.map(|platform| {
        json!({
            "platform": platform,
            "profileId": platform,
            "name": "A profile",
            "status": "CONNECTED",
            "tokenExpiresAt": "2026-06-01T12:00:00Z",
            "connectedAt": "2026-01-01T12:00:00Z",
            "permissions": [
                "pages_messaging",
                "pages_read_engagement",
                "instagram_basic",
                "instagram_manage_messages",
            ],
        })
    });
    Value::from(profiles.to_vec())
}

/// The requests in the notation of the simulated gateway.
fn scope(calls: Calls) -> String {
    match calls {
        Calls::All | Calls::First => String::new(),
        Calls::List => "list:".to_owned(),
        Calls::Details => "details:".to_owned(),
        Calls::DetailsOf(platform) => format!("details/{platform}:"),
    }
}

/// The platforms whose details fail while the list succeeds.
fn without_details(calls: Calls) -> Vec<&'static str> {
    match calls {
        Calls::All | Calls::First | Calls::List => Vec::new(),
        Calls::Details => PLATFORMS.to_vec(),
        Calls::DetailsOf(platform) => vec![platform],
    }
}

/// Number of failed requests, by endpoint and reason.
pub fn failures(scrape: &Scrape) -> Vec<(&str, f64)> {
    let all = scrape.family("qlara_gateway_request_failures_total");
    all.into_iter().filter(|(_, count)| *count > 0.0).collect()
}

fn details_up(scrape: &Scrape) -> Vec<&str> {
    let family = scrape.family("qlara_details_up");
    let up = family.into_iter().filter(|(_, up)| *up == 1.0);
    up.map(|(labels, _)| labels).collect()
}

/// The metrics after a failed list: the known data stays.
fn shows_no_list(scrape: &Scrape, case: &Case) {
    let reason = case.reason;
    let series = format!(r#"{{endpoint="socials",reason="{reason}"}}"#);
    assert_eq!(failures(scrape), [(series.as_str(), 1.0)]);
    assert_eq!(scrape.value("qlara_up"), 0.0);
    assert_eq!(scrape.family("qlara_profile_info").len(), 3);
}

/// The metrics after failed details of some platforms: the list is current, and the last good details stay until
/// they are too old.
fn shows_no_details(scrape: &Scrape, case: &Case, platforms: &[&str]) {
    let reason = case.reason;
    let series = format!(r#"{{endpoint="platform",reason="{reason}"}}"#);
    assert_eq!(
        failures(scrape),
        [(series.as_str(), platforms.len() as f64)]
    );
    assert_eq!(scrape.value("qlara_up"), 1.0);
    assert_eq!(scrape.family("qlara_profile_info").len(), 3);
    assert_eq!(details_up(scrape).len(), 3 - platforms.len());
    for platform in platforms {
        let up = format!(r#"qlara_details_up{{platform="{platform}"}}"#);
        assert_eq!(scrape.value(&up), 0.0);
    }
    let permissions = scrape.family("qlara_profile_permission_granted");
    assert_eq!(permissions.len(), PERMISSIONS, "{permissions:?}");
}

/// One warning for the list, or one per platform.
fn logs(lines: &str, case: &Case, platforms: &[&str]) {
    assert_eq!(lines.lines().count(), platforms.len().max(1), "{lines}");
    let reason = format!("reason={} ", case.reason);
    for line in lines.lines() {
        for message in ["level=WARN", &reason, case.message] {
            assert!(line.contains(message), "{message}: {line}");
        }
    }
    let about = "Cannot read the list";
    assert_eq!(lines.contains(about), platforms.is_empty(), "{lines}");
    for platform in platforms {
        let of_platform = format!("platform={platform} ");
        assert!(lines.contains(&of_platform), "{lines}");
    }
}

/// `check` is UNKNOWN and gives the reason.
fn judges((state, text): &(CheckState, String), case: &Case, platforms: &[&str]) {
    assert_eq!(*state, CheckState::Unknown, "{text}");
    assert!(text.contains(case.message), "{text}");
    for platform in platforms {
        assert!(text.contains(&format!("details of {platform}: ")), "{text}");
    }
}

async fn heals(fixture: &mut Fixture, log: &Log, platforms: &[&str]) {
    fixture.recover().await;
    let healed = fixture.stack.scrape().await;
    assert_eq!(healed.value("qlara_up"), 1.0);
    assert_eq!(details_up(&healed).len(), 3);
    assert_eq!(healed.family("qlara_profile_info").len(), 3);
    let lines = log.take();
    assert_eq!(lines.lines().count(), platforms.len().max(1), "{lines}");
    assert!(
        lines.lines().all(|line| line.contains("level=INFO")),
        "{lines}"
    );
    let (state, text) = fixture.audit().await;
    assert_eq!(state, CheckState::Ok, "{text}");
}

/// Runs one case at these requests, from the first good scrape to the recovery.
async fn check_case(case: &Case, calls: Calls, proxy: Option<FaultProxy>) {
    let mut fixture = Fixture::new(proxy, case.timeout()).await;
    let log = Log::collect(Level::INFO);
    let platforms = without_details(calls);

    fixture.inject(case.fault, calls).await;
    let asked = Instant::now();
    let scrape = fixture.stack.scrape().await;
    let took = asked.elapsed();
    assert_eq!(took >= case.timeout(), case.lasts, "{took:?}");
    assert!(took < LONG, "{took:?}");
    match platforms.is_empty() {
        true => shows_no_list(&scrape, case),
        false => shows_no_details(&scrape, case, &platforms),
    }
    logs(&log.take(), case, &platforms);
    // A fault that starts after the list also starts after the list of `check`.
    fixture.inject(case.fault, calls).await;
    judges(&fixture.audit().await, case, &platforms);

    heals(&mut fixture, &log, &platforms).await;
}

/// Runs every case through every proxy, at the requests that `choose` selects.
async fn check_all_cases(choose: impl Fn(&Case) -> Vec<Calls>) {
    for case in CASES {
        for calls in choose(&case) {
            for proxy in case.proxies() {
                let over = proxy.as_ref().map(FaultProxy::url);
                // Printed if the test fails.
                println!("{:?} at {calls:?} over {over:?}", case.fault);
                check_case(&case, calls, proxy).await;
            }
        }
    }
}

/// [fault-matrix]
#[tokio::test]
async fn every_fault_of_the_list_call_has_its_documented_effect() {
    check_all_cases(|case| match case.affects_single_requests() {
        true => vec![Calls::List],
        false => vec![Calls::All],
    })
    .await;
}

/// [fault-matrix]
#[tokio::test]
async fn every_fault_of_each_details_call() {
    check_all_cases(|case| match case.affects_single_requests() {
        true => PLATFORMS.map(Calls::DetailsOf).to_vec(),
        false => vec![Calls::Details],
    })
    .await;
}

/// The two status codes with another meaning for details than for the list.
/// [not-found]
#[tokio::test]
async fn not_found_is_an_error_for_the_list_and_empty_for_details() {
    let Fixture { stack, .. } = Fixture::new(None, LONG).await;
    stack.gateway.faults("list:status=404").await;
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value("qlara_up"), 0.0);
    let series = r#"{endpoint="socials",reason="client_error"}"#;
    assert_eq!(failures(&scrape), [(series, 1.0)]);
    stack.gateway.faults("details:status=404").await;
    stack.clock.advance(PAST_BACKOFF);
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value("qlara_up"), 1.0);
    assert_eq!(details_up(&scrape).len(), 3);
}

/// [slow-answers]
#[tokio::test]
async fn slow_response_within_the_timeout_is_no_fault() {
    let Fixture { stack, .. } = Fixture::new(None, LONG).await;
    let log = Log::collect(Level::INFO);
    for fault in ["latency=20ms", "list:latency=20ms", "details:latency=20ms"] {
        stack.gateway.faults(fault).await;
        stack.clock.advance(PAST_BACKOFF);
        let scrape = stack.scrape().await;
        assert_eq!(scrape.value("qlara_up"), 1.0, "{fault}");
        assert_eq!(details_up(&scrape).len(), 3, "{fault}");
    }
    assert_eq!(log.take(), "");
}

/// [clock-jump]
#[tokio::test]
async fn clock_jumps_change_no_data() {
    const DAY: i64 = 86_400;
    let Fixture { stack, .. } = Fixture::new(None, LONG).await;
    let log = Log::collect(Level::INFO);
    let token = r#"{platform="facebook",profile="facebook"}"#;
    let end = format!("qlara_token_expiry_timestamp_seconds{token}");
    let left = format!("qlara_token_seconds_to_expiry{token}");
    let mut before = stack.scrape().await;
    for jump in [DAY, -2 * DAY, 400 * DAY, -800 * DAY] {
        let asked = stack.gateway.stats().await.list;
        stack.clock.jump(jump);
        let scrape = stack.scrape().await;
        assert_eq!(
            stack.gateway.stats().await.list,
            asked,
            "a clock jump starts no refresh"
        );
        assert_eq!(scrape.value("qlara_up"), 1.0);
        assert_eq!(scrape.value(&end), before.value(&end));
        assert_eq!(before.value(&left) - scrape.value(&left), jump as f64);
        // No fault is left out.
        stack.clock.advance(Duration::from_secs(61));
        before = stack.scrape().await;
        assert_eq!(stack.gateway.stats().await.list, asked + 1);
    }
    assert_eq!(log.take(), "");
}

/// [thousand-changes]
#[tokio::test]
async fn exporter_survives_a_thousand_changes_of_the_gateway() {
    // Faults that end at once, so that a thousand take seconds.
    let faults: Vec<&str> = CASES
        .iter()
        .filter(|case| !case.lasts)
        .filter_map(|case| match case.fault {
            Fault::Simulated(fault) => Some(fault),
            Fault::Network(_) => None,
        })
        .collect();
    let Fixture { stack, .. } = Fixture::new(None, LONG).await;
    let log = Log::collect(Level::WARN);
    let mut random = fastrand::Rng::with_seed(5);
    let mut warnings = 0;
    for change in 0..1000 {
        let fault = random.choice(&faults).expect("a fault");
        let scope = random
            .choice(["", "list:", "details:", "details/facebook:"])
            .expect("one");
        stack.gateway.faults(&format!("{scope}{fault}")).await;
        stack.clock.advance(PAST_BACKOFF);
        let list_is_good = scope.starts_with("details");
        let bad = stack.scrape().await;
        assert_eq!(
            bad.value("qlara_up") == 1.0,
            list_is_good,
            "{change}: {scope}{fault}"
        );
        assert!(
            details_up(&bad).len() < 3 || !list_is_good,
            "{change}: {scope}{fault}"
        );
        stack.gateway.faults("").await;
        stack.clock.advance(PAST_BACKOFF);
        let good = stack.scrape().await;
        assert_eq!(good.value("qlara_up"), 1.0, "{change}: {scope}{fault}");
        assert_eq!(details_up(&good).len(), 3, "{change}: {scope}{fault}");
        warnings += log.take().lines().count();
    }
    assert!(warnings >= 1000, "each change shows in the log: {warnings}");
    let scrape = stack.scrape().await;
    let failures = scrape.family("qlara_gateway_request_failures_total");
    let failures: f64 = failures.iter().map(|(_, value)| value).sum();
    assert!(failures >= 1000.0, "and in the counters: {failures}");
}
