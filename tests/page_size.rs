//! The size of the status page.

use std::time::Duration;

use gateway_simulator::RateLimit;
use serde_json::{Value, json};

use crate::harness::{API_KEY, Setup, Stack, eventually};
use crate::page::{names, page, profile};

/// The promise is 100 KB. The rest is for longer names.
const MAX_BYTES: usize = 85_000;

/// Profiles with several findings each.
pub fn troubled() -> Value {
    let mut facebook = profile("facebook", "fb_page_123456", "BrandCo Official");
    facebook["status"] = json!("TOKEN_EXPIRING");
    facebook["tokenExpiresAt"] = json!("2026-04-15T00:00:00+02:00");
    facebook["permissions"] = json!([]);
    let mut instagram = profile("instagram", "ig_345678", "brandco_official");
    instagram["status"] = json!("TOKEN_EXPIRED");
    instagram["tokenExpiresAt"] = json!("2026-04-09T00:00:00+02:00");
    instagram["permissions"] = json!([]);
    let mut whatsapp = profile("whatsapp", "wa_901234", "BrandCo WhatsApp Business");
    whatsapp["status"] = json!("DISCONNECTED");
    json!([facebook, instagram, whatsapp])
}

/// The accounts `a0`, `a1`, … with troubled profiles, whose details fail after they were read once.
async fn troubled_accounts(number: usize, links: &str) -> Stack {
    let accounts = (0..number).map(|index| format!("  - {{name: a{index}, api_key_env: KEY}}\n"));
    let mut setup = Setup::yaml(&format!(
        "{links}accounts:\n{}",
        accounts.collect::<String>()
    ));
    setup.api_key = None;
    setup.variables = vec![("KEY", API_KEY.to_owned())];
    setup.simulator.rate_limit = RateLimit::UNLIMITED;
    let stack = setup.with_profiles(troubled()).await;
    let all = format!("{} profiles ·", number * 3);
    let shows = async |text: &str| page(&stack, "/").await.contains(text).then_some(());
    eventually("all accounts", async || shows(&all).await).await;
    stack.gateway.faults("details:status=503").await;
    stack.clock.advance(Duration::from_secs(61));
    let failing =
        format!("{number} accounts: <strong>The details of facebook, whatsapp cannot be read.");
    eventually("failing details", async || shows(&failing).await).await;
    stack
}

/// [page-accounts]
#[tokio::test]
async fn page_of_a_thousand_troubled_accounts_is_small() {
    let links = "links: {dashboard: \"https://app.qlara.example.com/social/profiles\", \
                 grafana: \"https://grafana.example.com/d/qlara-profiles\", \
                 runbooks: \"https://example.com/qlara-exporter/docs/runbooks\"}\n";
    let stack = troubled_accounts(1000, links).await;
    let mut sizes = Vec::new();
    for path in [
        "/",
        "/?accounts=40",
        "/?verdict=critical",
        "/?verdict=CRITICAL&page=2",
        "/?sort=token",
        "/?account=a500",
    ] {
        let page = page(&stack, path).await;
        sizes.push((path, page.len(), names(&page).len()));
    }
    // The most that a page has.
    assert_eq!((sizes[0].2, sizes[2].2), (25, 30), "{sizes:?}");
    let are_small = sizes.iter().all(|(_, bytes, _)| *bytes < MAX_BYTES);
    assert!(are_small, "{sizes:?}");
}
