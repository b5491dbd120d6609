//! For any gateway response, the exposition is well-formed, has the right values, and is the same when it is
//! compressed. Prometheus' own parser, in a separate process, checks some of the expositions.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::Read;
use std::process::Command;
use std::time::Duration;

use exporter_toolkit::clock::Clock;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::cases;
use super::entries::{Entry, Given, SEPARATORS, entry, total};
use super::expected::{EXPECTED, MOST_PROFILES, expected, is_readable};
use super::state_since::States;
use crate::any_bytes::open_metrics::text_of_gauges;
use crate::any_bytes::parser::{Series, parse};
use crate::harness::process::run_with_input;
use crate::harness::tools;
use crate::harness::{Setup, Stack};

const ACCOUNTS: [&str; 2] = ["a", "b\"\\\n\r日本"];
const INVALID_FIELDS: &str = "qlara_gateway_invalid_fields_total";
/// Metrics about gateway requests instead of their content.
const ABOUT_CALLS: [&str; 3] = [
    "qlara_refresh_duration_seconds",
    "qlara_gateway_request",
    "qlara_gateway_ratelimit",
];

/// [exposition-property]
#[test]
fn every_exposition_parses_and_every_value_is_correct() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let stack = runtime.block_on(stack().start());
    let has_promtool = tools::has("promtool");
    let (scrapes, counted) = (Cell::new(0_u32), RefCell::new(BTreeMap::new()));
    let states = RefCell::new(ACCOUNTS.map(|_| States::default()));
    let with_since = Cell::new(0);
    let mut runner = TestRunner::new(Config {
        source_file: Some(file!()),
        ..cases(96)
    });
    let result = runner.run(&responses(), |(entries, total, gap)| {
        prop_assume!(is_readable(&entries));
        let profiles: Vec<Value> = entries.iter().map(json_of).collect();
        let answer = json!({ "profiles": profiles, "total": total.json });
        let text = runtime.block_on(async {
            stack.gateway.profiles(&answer).await;
            stack.clock.advance(Duration::from_millis(60_000 + gap));
            both_ways(&stack).await
        });
        let series = parse(&text).map_err(TestCaseError::fail)?;
        let now = stack.clock.now();
        let mut all = BTreeMap::new();
        for account in ACCOUNTS {
            all.extend(expected(account, &entries, &total, now).series);
        }
        let shown = of_accounts(series, &mut counted.borrow_mut());
        let differs = |(series, value): &(&Series, &f64), other: &BTreeMap<Series, f64>| {
            other.get(*series) != Some(*value)
        };
        let mut all: BTreeMap<Series, f64> = all
            .into_iter()
            .map(|((name, labels), value)| {
                // The text as a label value.
                let labels = labels
                    .into_iter()
                    .map(|(label, text)| (label, text.replace(SEPARATORS, " ")));
                ((name, labels.collect()), value)
            })
            .collect();
        let read_at = now.timestamp_millis() as f64 / 1000.0;
        for (account, states) in ACCOUNTS.iter().zip(&mut *states.borrow_mut()) {
            let since = states.read(&all, &account.replace(SEPARATORS, " "), read_at);
            with_since.set(with_since.get() + since.len());
            all.extend(since);
        }
        let wrong: Vec<_> = shown.iter().filter(|found| differs(found, &all)).collect();
        let missing: Vec<_> = all.iter().filter(|meant| differs(meant, &shown)).collect();
        prop_assert!(
            wrong.is_empty() && missing.is_empty(),
            "shown: {wrong:?}, meant: {missing:?}"
        );
        scrapes.set(scrapes.get() + 1);
        if has_promtool && scrapes.get() % 16 == 1 {
            let checked =
                run_with_input(Command::new("promtool").args(["check", "metrics"]), &text);
            prop_assert_eq!(checked, (0, String::new()), "promtool");
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(with_since.get() > 0, "states have changed");
}

fn stack() -> Setup {
    let expected =
        EXPECTED.map(|(platform, profile)| json!({"platform": platform, "profile": profile}));
    let account =
        |name| json!({"name": name, "api_key_env": "QLARA_API_KEY", "expected": expected});
    Setup::yaml(&format!(
        "phone_number: show\nlimits: {{profiles: {MOST_PROFILES}}}\naccounts: {}\n",
        json!(ACCOUNTS.map(account))
    ))
}

/// Entries, the gateway's `total`, and milliseconds until the next scrape.
fn responses() -> impl Strategy<Value = (Vec<Option<Entry>>, Given<u64>, u64)> {
    let entries = vec(
        prop_oneof![9 => entry().prop_map(Some), 1 => Just(None)],
        0..10,
    );
    (entries, total(), 0..100_000_u64)
}

fn json_of(entry: &Option<Entry>) -> Value {
    entry.as_ref().map_or(Value::Null, Entry::json)
}

/// The text of a plain scrape, which must equal that of a compressed one, and have the same account metrics as
/// OpenMetrics.
async fn both_ways(stack: &Stack) -> String {
    let plain = stack.scrape().await.text;
    let gzip = stack.get("/metrics").header("Accept-Encoding", "gzip");
    let answer = gzip.send().await.expect("a response");
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let packed = answer.bytes().await.expect("a body");
    let mut decoder = flate2::bufread::GzDecoder::new(&packed[..]);
    let mut unpacked = String::new();
    decoder.read_to_string(&mut unpacked).expect("gzip");
    assert!(decoder.into_inner().is_empty(), "one member");
    assert_eq!(unpacked, plain);
    let open_metrics = stack.scrape_open_metrics("/metrics").await;
    let of_accounts = |text: &str| -> String {
        let (of_accounts, _) = text.split_once("# HELP process_").expect("own metrics");
        of_accounts.to_owned()
    };
    let open_metrics = format!("{}# EOF\n", of_accounts(&open_metrics));
    assert_eq!(text_of_gauges(&open_metrics), Ok(of_accounts(&plain)));
    plain
}

/// The accounts' series, with the counters' increase since the last call.
fn of_accounts(
    series: BTreeMap<Series, f64>,
    counted: &mut BTreeMap<Series, f64>,
) -> BTreeMap<Series, f64> {
    let of_accounts = series.into_iter().filter(|((name, labels), _)| {
        labels.contains_key("account") && !ABOUT_CALLS.iter().any(|about| name.starts_with(about))
    });
    of_accounts
        .map(|(series, value)| match series.0 == INVALID_FIELDS {
            true => {
                let before = counted.insert(series.clone(), value).unwrap_or_default();
                (series, value - before)
            }
            false => (series, value),
        })
        .collect()
}
