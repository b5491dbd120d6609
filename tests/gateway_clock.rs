//! The clock of this machine compared with the `Date` of the gateway's answers.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use exporter_toolkit::clock::Clock;
use parking_lot::Mutex;
use serde_json::json;
use tracing::Level;

use crate::harness::listener::{Recorder, http_response};
use crate::harness::log::Log;
use crate::harness::process::{exporter, run_beside};
use crate::harness::{API_KEY, Setup, Stack};
use crate::page::{assert_contains, page};

/// The headers of every answer.
type Headers = Arc<Mutex<String>>;

const DIFFERS: &str = "The clock of this machine differs from the gateway's; times until the end of a token are counted by this machine's clock";
const AGREES: &str = "The clock of this machine agrees with the gateway's again";

fn dated(time: DateTime<Utc>) -> String {
    format!("Date: {}\r\n", time.format("%a, %d %b %Y %H:%M:%S GMT"))
}

async fn gateway(headers: &Headers, status: &'static str) -> Recorder {
    let headers = Arc::clone(headers);
    let profiles = json!([{"platform": "facebook", "profileId": "a", "name": "n", "status": "CONNECTED",
        "tokenExpiresAt": "2099-06-15T00:00:00Z", "connectedAt": "2026-01-01T00:00:00Z",
        "permissions": ["pages_messaging", "pages_read_engagement"]}]);
    Recorder::start(move |_| http_response(status, &headers.lock(), profiles.to_string())).await
}

async fn stack(gateway: &Recorder) -> Stack {
    let setup = Setup {
        url: Some(format!("http://{}", gateway.address)),
        ..Setup::default()
    };
    setup.start().await
}

/// [clock-difference]
#[tokio::test]
async fn difference_is_logged_once_until_the_clocks_agree() {
    let log = Log::collect(Level::INFO);
    let headers = Headers::default();
    let gateway = gateway(&headers, "200 OK").await;
    let stack = stack(&gateway).await;
    let clock = Arc::clone(&stack.clock);
    let next = async |behind: TimeDelta| {
        *headers.lock() = dated(clock.now() + TimeDelta::seconds(61) - behind);
        log.take();
        assert_eq!(stack.scrape_after(61).await.value("qlara_up"), 1.0);
        log.take()
    };
    let minutes = TimeDelta::minutes;
    assert!(!next(minutes(5)).await.contains("clock"));
    assert!(!next(minutes(-5)).await.contains("clock"));
    for (difference, shown) in [
        (minutes(6), "6m ahead of the gateway's Date"),
        (minutes(-192), "3h 12m behind the gateway's Date"),
        (minutes(60 * 50 + 5), "2d 2h ahead of the gateway's Date"),
    ] {
        let logged = next(difference).await;
        let line = logged.lines().find(|line| line.contains(DIFFERS));
        let line = line.unwrap_or_else(|| panic!("{shown} in {logged}"));
        assert!(line.contains("level=WARN"), "{line}");
        assert!(line.contains(&format!("difference=\"{shown}\"")), "{line}");
        assert!(!next(difference).await.contains("clock"), "logged once");
        assert!(next(minutes(0)).await.contains(AGREES));
    }
    // A response without a date says nothing, nor does one that a cache keeps.
    headers.lock().clear();
    log.take();
    stack.scrape_after(61).await;
    *headers.lock() = format!("{}Age: 86400\r\n", dated(clock.now() - minutes(1440)));
    stack.scrape_after(61).await;
    assert!(!log.take().contains("clock"));
}

/// A refused key may be the consequence of a wrong clock.
/// [clock-difference]
#[tokio::test]
async fn difference_is_found_in_a_refusal() {
    let log = Log::collect(Level::WARN);
    let headers = Headers::default();
    let gateway = gateway(&headers, "401 Unauthorized").await;
    let stack = stack(&gateway).await;
    *headers.lock() = dated(stack.clock.now() - TimeDelta::hours(7));
    stack.scrape().await;
    let logged = log.take();
    assert!(
        logged.contains("difference=\"7h 0m ahead of the gateway's Date\""),
        "{logged}"
    );
    let page = page(&stack, "/").await;
    assert_contains(
        &page,
        &[
            "The clock of this machine is 7h 0m ahead of the gateway's Date.",
            "Set the clock if it is wrong",
        ],
    );
}

/// [clock-difference]
#[tokio::test]
async fn check_warns_of_a_difference() {
    let headers = Headers::default();
    let gateway = gateway(&headers, "200 OK").await;
    let check = async || {
        let mut command = exporter();
        command.env("QLARA_API_KEY", API_KEY).arg("check");
        command.args(["--qlara.url", &format!("http://{}", gateway.address)]);
        run_beside(command).await
    };
    *headers.lock() = dated(Utc::now());
    let fine = check().await;
    assert_eq!(fine.code, 0, "{}{}", fine.output, fine.error);
    // Half a minute more than the shown time, for a slow machine.
    let difference = TimeDelta::minutes(192) + TimeDelta::seconds(30);
    *headers.lock() = dated(Utc::now() + difference);
    let warned = check().await;
    assert_eq!(warned.code, 1, "{}", warned.output);
    let words: Vec<&str> = warned.output.split_whitespace().collect();
    let text = words.join(" ");
    let expected = "the clock of this machine is 3h 12m behind the gateway's Date; times until the end of a token are counted by this machine's clock: set it if it is wrong";
    assert!(text.contains(expected), "{}", warned.output);
}
