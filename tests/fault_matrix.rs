//! Every fault that the simulated gateway knows, at every call: what the metrics say, what the audit
//! says, what the log says, how long it takes, and that the next good answer heals it.

use std::time::{Duration, Instant};

use qlara_exporter::check::{self, Format, Options, State};
use qlara_exporter::config::{Config, Settings};
use serde_json::Value;
use tracing::Level;

use crate::harness::log::Log;
use crate::harness::scrape::Scrape;
use crate::harness::{API_KEY, Setup, Stack};

/// Longer than any pause.
const PAST_PAUSES: Duration = Duration::from_secs(301);
/// What a refresh may take where the fault is that it takes too long.
const SHORT: Duration = Duration::from_millis(250);
/// What it may take elsewhere: no case comes near it, unless it waits for it.
const LONG: Duration = Duration::from_secs(50);
const PLATFORMS: [&str; 3] = ["facebook", "instagram", "whatsapp"];

/// What comes of a fault, at whatever call.
struct Case {
    fault: &'static str,
    /// The label value it is counted under.
    reason: &'static str,
    /// What log and audit say.
    words: &'static str,
    /// Whether it lasts until the budget of the refresh is used up.
    lasts: bool,
}

const fn case(fault: &'static str, reason: &'static str, words: &'static str) -> Case {
    Case {
        fault,
        reason,
        words,
        lasts: false,
    }
}

const CASES: [Case; 15] = [
    case("status=400", "client_error", "the gateway answers HTTP 400"),
    case("status=401", "unauthorized", "refuses the credentials"),
    case("status=403", "forbidden", "forbids the call"),
    case("status=429", "rate_limited", "rate limit is used up"),
    case("retry-after=30s", "rate_limited", "rate limit is used up"),
    case(
        "redirect=http://127.0.0.1:9/",
        "client_error",
        "the gateway answers HTTP 302",
    ),
    case("status=500", "server_error", "the gateway answers HTTP 500"),
    case("status=503", "server_error", "the gateway answers HTTP 503"),
    case("reset", "connect", "cannot reach the gateway"),
    case("truncated", "invalid_response", "the body breaks off"),
    case(
        "garbage",
        "invalid_response",
        "the answer is not as documented",
    ),
    case("endless", "too_large", "longer than limits.response_bytes"),
    case(
        "gzip-bomb",
        "too_large",
        "longer than limits.response_bytes",
    ),
    Case {
        lasts: true,
        ..case("hang", "timeout", "no answer within the gateway timeout")
    },
    Case {
        lasts: true,
        ..case("stall", "timeout", "no answer within the gateway timeout")
    },
];

/// A good first scrape, and then a minute.
async fn stack(timeout: Duration) -> Stack {
    let setup = Setup {
        settings: Settings {
            timeout: Some(timeout),
            ..Settings::default()
        },
        ..Setup::yaml("limits: {response_bytes: 256KiB}")
    };
    let stack = setup.start().await;
    assert_eq!(stack.scrape().await.value("qlara_up"), 1.0);
    stack.clock.advance(PAST_PAUSES);
    stack
}

/// `check`, against the gateway of the stack.
async fn audit(stack: &Stack, timeout: Duration) -> (State, Value) {
    let settings = Settings {
        file: Some(stack.file("qlara.yml")),
        url: Some(stack.gateway.url()),
        timeout: Some(timeout),
        ..Settings::default()
    };
    let key = |name: &str| (name == "QLARA_API_KEY").then(|| API_KEY.to_owned());
    let config = Config::load(&settings, &key).expect("a good configuration");
    let clock = stack.clock.clone();
    let audit = check::run(config, Options::default(), clock, |_, _| ()).await;
    let mut text = Vec::new();
    let state = audit.expect("an audit").write(Format::Json, &mut text);
    (
        state.expect("written"),
        serde_json::from_slice(&text).expect("JSON"),
    )
}

/// How many calls of an endpoint have failed for a reason; nothing else has failed.
fn only_failures(scrape: &Scrape, endpoint: &str, reason: &str) -> f64 {
    let series = format!(r#"{{endpoint="{endpoint}",reason="{reason}"}}"#);
    let mut found = 0.0;
    for (labels, value) in scrape.family("qlara_gateway_request_failures_total") {
        if labels == series {
            found = value;
        } else {
            assert_eq!(value, 0.0, "{labels}");
        }
    }
    found
}

fn details_up(scrape: &Scrape) -> Vec<&str> {
    let family = scrape.family("qlara_details_up");
    let up = family.into_iter().filter(|(_, up)| *up == 1.0);
    up.map(|(labels, _)| labels).collect()
}

async fn heals(stack: &Stack, log: &Log, what: &str) {
    stack.gateway.faults("").await;
    stack.clock.advance(PAST_PAUSES);
    let healed = stack.scrape().await;
    assert_eq!(healed.value("qlara_up"), 1.0, "{what}");
    assert_eq!(details_up(&healed).len(), 3, "{what}");
    assert_eq!(healed.family("qlara_profile_info").len(), 3, "{what}");
    let lines = log.take();
    assert_eq!(lines.lines().count(), 1, "{what}: {lines}");
    assert!(lines.contains("level=INFO"), "{what}: {lines}");
}

#[tokio::test]
async fn every_fault_of_the_list() {
    for case in CASES {
        for scope in ["", "list:"] {
            let fault = format!("{scope}{}", case.fault);
            let timeout = if case.lasts { SHORT } else { LONG };
            let stack = stack(timeout).await;
            let log = Log::collect(Level::INFO);
            stack.gateway.faults(&fault).await;

            let asked = Instant::now();
            let scrape = stack.scrape().await;
            assert_eq!(asked.elapsed() >= timeout, case.lasts, "{fault}");
            assert_eq!(scrape.value("qlara_up"), 0.0, "{fault}");
            assert_eq!(
                only_failures(&scrape, "socials", case.reason),
                1.0,
                "{fault}"
            );
            // What was known stays.
            assert_eq!(scrape.family("qlara_profile_info").len(), 3, "{fault}");
            let lines = log.take();
            assert_eq!(lines.lines().count(), 1, "{fault}: {lines}");
            let reason = format!("reason={} ", case.reason);
            for words in ["level=WARN", "Cannot read the list", &reason, case.words] {
                assert!(lines.contains(words), "{fault}: {lines}");
            }
            let (state, audit) = audit(&stack, timeout).await;
            assert_eq!(state, State::Unknown, "{fault}");
            assert!(audit.to_string().contains(case.words), "{fault}: {audit}");

            heals(&stack, &log, &fault).await;
        }
    }
}

#[tokio::test]
async fn every_fault_of_each_details_call() {
    for case in CASES {
        for platform in PLATFORMS {
            let fault = format!("details/{platform}:{}", case.fault);
            let timeout = if case.lasts { SHORT } else { LONG };
            let stack = stack(timeout).await;
            let log = Log::collect(Level::INFO);
            stack.gateway.faults(&fault).await;

            let asked = Instant::now();
            let scrape = stack.scrape().await;
            assert_eq!(asked.elapsed() >= timeout, case.lasts, "{fault}");
            assert_eq!(scrape.value("qlara_up"), 1.0, "{fault}");
            assert_eq!(
                only_failures(&scrape, "platform", case.reason),
                1.0,
                "{fault}"
            );
            let failed = format!(r#"{{platform="{platform}"}}"#);
            assert_eq!(details_up(&scrape).len(), 2, "{fault}");
            assert!(!details_up(&scrape).contains(&failed.as_str()), "{fault}");
            // The list stays, and what only the details know is not known.
            assert_eq!(scrape.family("qlara_profile_info").len(), 3, "{fault}");
            let of_platform = format!(r#"platform="{platform}""#);
            let permissions = scrape.family("qlara_profile_permission_granted");
            assert!(
                permissions
                    .iter()
                    .all(|(labels, _)| !labels.contains(&of_platform)),
                "{fault}"
            );
            let lines = log.take();
            assert_eq!(lines.lines().count(), 1, "{fault}: {lines}");
            let of_platform = format!("platform={platform} ");
            let reason = format!("reason={} ", case.reason);
            for words in [
                "level=WARN",
                "Cannot read the details",
                &of_platform,
                &reason,
                case.words,
            ] {
                assert!(lines.contains(words), "{fault}: {lines}");
            }
            let (_, audit) = audit(&stack, timeout).await;
            let note = audit.to_string();
            assert!(
                note.contains(&format!("details of {platform}")),
                "{fault}: {note}"
            );
            assert!(note.contains(case.words), "{fault}: {note}");

            heals(&stack, &log, &fault).await;
        }
    }
}

/// The two statuses that mean something else for a platform than for the list.
#[tokio::test]
async fn a_404_is_a_wrong_prefix_for_the_list_and_no_profiles_for_a_platform() {
    let stack = stack(LONG).await;
    stack.gateway.faults("list:status=404").await;
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value("qlara_up"), 0.0);
    assert_eq!(only_failures(&scrape, "socials", "client_error"), 1.0);
    stack.gateway.faults("details:status=404").await;
    stack.clock.advance(PAST_PAUSES);
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value("qlara_up"), 1.0);
    assert_eq!(details_up(&scrape).len(), 3);
}

#[tokio::test]
async fn slowness_within_the_budget_is_no_fault() {
    let stack = stack(LONG).await;
    let log = Log::collect(Level::INFO);
    for fault in ["latency=20ms", "list:latency=20ms", "details:latency=20ms"] {
        stack.gateway.faults(fault).await;
        stack.clock.advance(PAST_PAUSES);
        let scrape = stack.scrape().await;
        assert_eq!(scrape.value("qlara_up"), 1.0, "{fault}");
        assert_eq!(details_up(&scrape).len(), 3, "{fault}");
    }
    assert_eq!(log.take(), "");
}

#[tokio::test]
async fn jumps_of_the_clock_cost_nothing() {
    const DAY: i64 = 86_400;
    let stack = stack(LONG).await;
    let log = Log::collect(Level::INFO);
    let token = r#"{platform="facebook",profile="fb_page_123456"}"#;
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
            "no refresh for a jump"
        );
        assert_eq!(scrape.value("qlara_up"), 1.0);
        assert_eq!(scrape.value(&end), before.value(&end));
        assert_eq!(before.value(&left) - scrape.value(&left), jump as f64);
        // Nor is one left out.
        stack.clock.advance(Duration::from_secs(61));
        before = stack.scrape().await;
        assert_eq!(stack.gateway.stats().await.list, asked + 1);
    }
    assert_eq!(log.take(), "");
}

#[tokio::test]
async fn a_thousand_changes_between_good_and_bad() {
    // Faults that end at once, so that a thousand take seconds.
    let faults: Vec<&str> = CASES
        .iter()
        .filter(|case| !case.lasts)
        .map(|case| case.fault)
        .collect();
    let stack = stack(LONG).await;
    let log = Log::collect(Level::WARN);
    let mut random = fastrand::Rng::with_seed(5);
    let mut warnings = 0;
    for change in 0..1000 {
        let fault = random.choice(&faults).expect("a fault");
        let scope = random
            .choice(["", "list:", "details:", "details/facebook:"])
            .expect("one");
        stack.gateway.faults(&format!("{scope}{fault}")).await;
        stack.clock.advance(PAST_PAUSES);
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
        stack.clock.advance(PAST_PAUSES);
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
