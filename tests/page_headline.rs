//! The headline of the status page: short, complete, and about what the page shows.

use std::sync::Arc;

use exporter_toolkit::clock::Clock;
use gateway_simulator::Options;
use serde_json::{Value, json};

use crate::harness::clock::ManualClock;
use crate::harness::{API_KEY, Gateway, Setup, Stack};
use crate::page::{assert_contains, between, page, profile};

/// Three profiles: one fails, one fails soon, and one is fine.
fn troubled() -> Value {
    let mut ended = profile("facebook", "fb_ended", &"Shop ".repeat(30));
    ended["status"] = json!("TOKEN_EXPIRED");
    let mut ends = profile("facebook", "fb_ends", "Shop");
    ends["tokenExpiresAt"] = json!("2026-04-11T12:00:00Z");
    json!([ended, ends, profile("facebook", "fb_fine", "Shop")])
}

/// An account that is read, and two that are not: the key of one is refused, the gateway of the other fails.
async fn unread_accounts(failing: &Gateway) -> Stack {
    failing.faults("status=503").await;
    let accounts = format!(
        "accounts:\n- {{name: read, api_key_env: KEY}}\n- {{name: refused, api_key_env: OTHER}}\n\
         - {{name: failing, api_key_env: KEY, gateway: {{url: '{}'}}}}\n",
        failing.url()
    );
    let mut setup = Setup::yaml(&accounts);
    setup.api_key = None;
    setup.variables = vec![("KEY", API_KEY.to_owned()), ("OTHER", "another".to_owned())];
    setup.with_profiles(troubled()).await
}

async fn title(stack: &Stack, path: &str) -> String {
    let page = page(stack, path).await;
    let title = between(&page, "<title>", " – Qlara profiles")[0];
    assert_contains(&page, &[&format!("</span> {title}</h1>")]);
    title.to_owned()
}

#[tokio::test]
async fn headline_always_has_the_accounts_that_are_not_read() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at("2026-04-10T12:00:00Z"));
    let failing = Gateway::start(Options::default(), clock).await;
    let stack = unread_accounts(&failing).await;
    assert_eq!(
        title(&stack, "/").await,
        "1 profile cannot send, 1 profile about to fail, 2 accounts not read: gateway error, key refused"
    );
    // With a chosen account, it is about that one.
    for (path, expected) in [
        (
            "/?account=read",
            "read: 1 profile cannot send, 1 profile about to fail",
        ),
        (
            "/?account=refused&verdict=fine",
            "refused: The gateway refuses the API key (HTTP 401)",
        ),
    ] {
        assert_eq!(title(&stack, path).await, expected);
    }
}

#[tokio::test]
async fn headline_cuts_long_names() {
    let name = "a".repeat(60);
    let account = format!(
        "accounts: [{{name: {name}, api_key_env: QLARA_API_KEY}}, {{name: b, api_key_env: QLARA_API_KEY}}]"
    );
    let stack = Setup::yaml(&account).with_profiles(troubled()).await;
    let text = page(&stack, "/").await;
    let (_, headline) = text
        .split_once("<div class=\"headline")
        .expect("a headline");
    let (headline, rest) = headline.split_once("<section").expect("profiles");
    let (cut, whole) = ("Shop ".repeat(8), "Shop ".repeat(20));
    let account = format!("<bdi>{}…</bdi>", "a".repeat(40));
    assert_contains(headline, &[&format!("<bdi>{cut}…</bdi>"), &account]);
    assert!(!headline.contains(&whole), "{headline}");
    assert_contains(rest, &[&whole, &name]);
    let title = title(&stack, &format!("/?account={name}")).await;
    assert!(
        title.starts_with(&format!("{}…: ", "a".repeat(40))),
        "{title}"
    );
}

/// A headline with the only cause is not followed by the same sentence.
#[tokio::test]
async fn headline_and_the_text_below_it_do_not_repeat_each_other() {
    let stack = Stack::start().await;
    stack.gateway.faults("status=401").await;
    let text = page(&stack, "/").await;
    // In the title and in the headline.
    assert_eq!(text.matches("The gateway refuses the API key").count(), 2);
    assert_contains(
        &text,
        &[
            "<p>Not read since ",
            "Check that the API key is the right one",
        ],
    );
    let nothing = Setup::default().with_profiles(json!([])).await;
    let text = page(&nothing, "/").await;
    assert_eq!(text.matches("No profile is connected").count(), 2);
    assert!(!text.contains("<p></p>"), "{text}");
}
