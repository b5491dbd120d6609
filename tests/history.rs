//! Changes of profiles that the exporter observes, in the metrics and in the log.

use serde_json::{Value, json};
use tracing::Level;

use crate::harness::log::Log;
use crate::harness::scrape::Scrape;
use crate::harness::{Setup, Stack};

const SINCE: &str = "qlara_profile_state_since_timestamp_seconds";
const READ_AT: &str = "qlara_last_refresh_success_timestamp_seconds";

fn profile(id: &str, status: &str) -> Value {
    json!({"platform": "facebook", "profileId": id, "name": "n", "status": status,
        "tokenExpiresAt": "2026-06-15T00:00:00+02:00", "permissions": ["read", "write"]})
}

async fn start(profiles: Value) -> Stack {
    let mut setup = Setup::yaml("accounts: [{name: a, api_key_env: QLARA_API_KEY}]");
    setup.web.enable_lifecycle = true;
    setup.with_profiles(profiles).await
}

/// The next refresh, which reads these profiles.
async fn scrape_with(stack: &Stack, profiles: Value) -> Scrape {
    stack.gateway.profiles(&profiles).await;
    stack.scrape_after(61).await
}

fn series(id: &str) -> String {
    format!("{{account=\"a\",platform=\"facebook\",profile=\"{id}\"}}")
}

fn read_at(scrape: &Scrape) -> f64 {
    scrape.value(&format!("{READ_AT}{{account=\"a\"}}"))
}

/// [state-since]
#[tokio::test]
async fn metric_exists_only_after_an_observed_change() {
    let (works, fails) = (profile("a", "CONNECTED"), profile("a", "DISCONNECTED"));
    let other = profile("b", "TOKEN_EXPIRED");
    let stack = start(json!([works, other])).await;
    assert_eq!(stack.scrape().await.family(SINCE), []);
    assert_eq!(stack.scrape_after(61).await.family(SINCE), []);
    let changed = scrape_with(&stack, json!([fails, other])).await;
    let since = read_at(&changed);
    assert_eq!(changed.family(SINCE), [(&*series("a"), since)]);
    let later = stack.scrape_after(61).await;
    assert_eq!(later.family(SINCE), [(&*series("a"), since)], "it stays");

    // The state of the profile before an outage is still known after it.
    stack.gateway.faults("status=503").await;
    let old = stack.scrape_after(60 * 60).await;
    assert_eq!(old.family(SINCE), [], "no current data");
    stack.gateway.faults("").await;
    let again = stack.scrape_after(61).await;
    assert_eq!(again.family(SINCE), [(&*series("a"), since)]);
    let back = scrape_with(&stack, json!([works, other])).await;
    assert_eq!(back.family(SINCE), [(&*series("a"), read_at(&back))]);
}

/// A profile that is newly listed was not in its state before.
/// [state-since]
#[tokio::test]
async fn profile_that_returns_is_in_its_state_since_then() {
    let (a, b) = (profile("a", "CONNECTED"), profile("b", "CONNECTED"));
    let stack = start(json!([a, b])).await;
    stack.scrape().await;
    assert_eq!(scrape_with(&stack, json!([b])).await.family(SINCE), []);
    let back = scrape_with(&stack, json!([a, b])).await;
    assert_eq!(back.family(SINCE), [(&*series("a"), read_at(&back))]);
}

/// [state-since]
#[tokio::test]
async fn metric_survives_a_reload() {
    let stack = start(json!([profile("a", "CONNECTED")])).await;
    stack.scrape().await;
    let changed = scrape_with(&stack, json!([profile("a", "DISCONNECTED")])).await;
    let since = read_at(&changed);
    stack
        .reload_with("phone_number: show\naccounts: [{name: a, api_key_env: QLARA_API_KEY}]")
        .await;
    let shown = stack.scrape().await;
    assert_eq!(shown.family(SINCE), [(&*series("a"), since)]);
    let read = stack.scrape_after(61).await;
    assert_eq!(read.family(SINCE), [(&*series("a"), since)]);
}

#[tokio::test]
async fn every_change_is_logged_once() {
    let log = Log::collect(Level::INFO);
    let (a, b) = (profile("a", "CONNECTED"), profile("b", "CONNECTED"));
    let stack = start(json!([a, b])).await;
    stack.scrape().await;
    log.take();
    let mut changed = profile("b", "DISCONNECTED");
    changed["tokenExpiresAt"] = json!("2026-08-15T00:00:00Z");
    changed["permissions"] = json!(["pay", "read"]);
    scrape_with(&stack, json!([changed, profile("c", "CONNECTED")])).await;
    let messages = [
        "msg=\"The state of a profile has changed\" account=a platform=facebook profile=b from=CONNECTED to=DISCONNECTED",
        "msg=\"The token of a profile ends at another time\" account=a platform=facebook profile=b from=2026-06-15T00:00:00+02:00 to=2026-08-15T00:00:00Z",
        "msg=\"A profile has lost a permission\" account=a platform=facebook profile=b permission=write",
        "msg=\"A profile has a new permission\" account=a platform=facebook profile=b permission=pay",
        "msg=\"A profile is newly listed\" account=a platform=facebook profile=c",
        "msg=\"A profile is no longer listed\" account=a platform=facebook profile=a",
    ];
    let logged = log.take();
    for message in messages {
        assert_eq!(logged.matches(message).count(), 1, "{message} in\n{logged}");
    }
    assert_eq!(logged.lines().count(), messages.len(), "{logged}");
    stack.scrape_after(61).await;
    assert_eq!(log.take(), "");
}

#[tokio::test]
async fn many_changes_at_once_are_counted_in_the_log() {
    let log = Log::collect(Level::INFO);
    let all = |status: &str| -> Value {
        // Few enough to be read on the thread of the test, which collects the log.
        let profiles = (0..30).map(|number| {
            let mut profile = profile(&number.to_string(), status);
            let connected = status == "CONNECTED";
            profile["permissions"] = if connected {
                json!(["a", "b"])
            } else {
                json!([])
            };
            profile
        });
        profiles.collect()
    };
    let stack = start(all("CONNECTED")).await;
    stack.scrape().await;
    log.take();
    scrape_with(&stack, all("DISCONNECTED")).await;
    let logged = log.take();
    assert_eq!(logged.lines().count(), 51, "{logged}");
    let rest =
        "msg=\"More profiles have changed than the log and the history show\" account=a changes=40";
    assert!(logged.contains(rest), "{logged}");
}
