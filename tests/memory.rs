//! Memory stays bounded whatever the gateways of all accounts answer at once: what profiles become is
//! shared out.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::harness::listener::{Recorder, http_answer};
use crate::harness::scrape::Scrape;
use crate::harness::{Setup, eventually};

/// A configuration with these accounts, each of which finds its gateway under its own name.
fn accounts(limits: &str, gateway: impl std::fmt::Display, names: &[String]) -> String {
    let mut yaml = format!("limits: {{{limits}}}\naccounts:\n");
    for name in names {
        let url = format!("http://{gateway}/{name}");
        let account =
            json!({"name": name, "api_key_env": "QLARA_API_KEY", "gateway": {"url": url}});
        writeln!(yaml, "- {account}").expect("a text");
    }
    yaml
}

/// The list, or the details, of profiles with identifiers and permissions of these lengths.
fn profiles(number: usize, id_length: usize, permissions: usize) -> String {
    let permissions: Vec<String> = (0..permissions)
        .map(|place| format!("{place:x<250}"))
        .collect();
    let profiles: Vec<_> = (0..number)
        .map(|place| {
            json!({"platform": "facebook", "profileId": format!("{place:x<id_length$}"), "name": "n",
                "status": "CONNECTED", "connectedAt": "2026-01-01T00:00:00Z", "permissions": permissions})
        })
        .collect();
    json!({"profiles": profiles}).to_string()
}

fn shown(scrape: &Scrape, account: &str) -> usize {
    let infos = scrape.family("qlara_profile_info");
    let of_account = infos
        .iter()
        .filter(|(labels, _)| labels.contains(&format!("account=\"{account}\"")));
    of_account.count()
}

fn dropped(scrape: &Scrape, account: &str) -> usize {
    let series = format!("qlara_profiles_dropped{{account=\"{account}\",reason=\"limit\"}}");
    scrape.value(&series) as usize
}

#[tokio::test]
async fn the_metrics_of_all_accounts_together_are_bounded() {
    const LIMIT: usize = 2 * 1024 * 1024;
    let (small, giant) = (profiles(50, 20, 1), profiles(400, 250, 64));
    let gateway = Recorder::start(move |request| {
        let is_small = request.contains("/small");
        http_answer("200 OK", "", if is_small { &small } else { &giant })
    })
    .await;
    let names: Vec<String> = (0..12)
        .map(|number| {
            format!(
                "{}-{number}",
                if number % 3 == 0 { "small" } else { "giant" }
            )
        })
        .collect();
    let limits = format!("exposition_bytes: {LIMIT}");
    let stack = Setup::yaml(&accounts(&limits, gateway.address, &names))
        .start()
        .await;
    for _ in 0..3 {
        let scrape = stack.scrape_after(61).await;
        let length = scrape.text.len();
        assert!((LIMIT / 2..LIMIT * 5 / 4).contains(&length), "{length}");
        for name in &names {
            let (shown, dropped) = (shown(&scrape, name), dropped(&scrape, name));
            match name.starts_with("small") {
                true => assert_eq!((shown, dropped), (50, 0), "{name}"),
                false => assert!(shown > 0 && shown + dropped == 400, "{name}: {shown}"),
            }
        }
    }
    let page = stack.get("/").send().await.expect("an answer").text().await;
    assert!(page.expect("a page").contains("limits.exposition_bytes"));
}

#[tokio::test]
async fn an_account_that_took_what_others_left_shrinks_when_they_need_it() {
    let needs_more = Arc::new(AtomicBool::new(false));
    let grown = Arc::clone(&needs_more);
    let gateway = Recorder::start(move |request| {
        let number = match (request.contains("/modest"), grown.load(Ordering::Relaxed)) {
            (false, _) => 5000,
            (true, false) => 10,
            (true, true) => 250,
        };
        http_answer("200 OK", "", profiles(number, 20, 2))
    })
    .await;
    let names = ["greedy", "modest"].map(str::to_owned);
    let yaml = accounts("exposition_bytes: 1MiB", gateway.address, &names);
    let stack = Setup::yaml(&yaml).start().await;
    let before = stack.scrape().await;
    assert_eq!(
        (shown(&before, "modest"), dropped(&before, "modest")),
        (10, 0)
    );
    let greedy_before = shown(&before, "greedy");
    assert!(dropped(&before, "greedy") > 0);

    needs_more.store(true, Ordering::Relaxed);
    let after = eventually("it shrinks", async || {
        let scrape = stack.scrape_after(61).await;
        (shown(&scrape, "modest") == 250).then_some(scrape)
    })
    .await;
    assert_eq!(dropped(&after, "modest"), 0);
    let greedy_after = shown(&after, "greedy");
    assert!((1..greedy_before).contains(&greedy_after), "{greedy_after}");

    // It stays so.
    let again = stack.scrape_after(61).await;
    assert_eq!(
        (shown(&again, "modest"), shown(&again, "greedy")),
        (250, greedy_after)
    );
}
