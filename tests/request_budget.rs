//! What the gateway is asked, counted at the gateway: through whatever door the exporter is asked itself.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use reqwest::Method;

use crate::harness::Setup;
use crate::harness::listener::{Recorder, http_answer};

/// `cache.ttl` in seconds.
const TTL: u64 = 7;
const ACCOUNTS: usize = 4;
const PLATFORMS: [&str; 3] = ["facebook", "instagram", "whatsapp"];

/// Key and path of a request.
fn asked(head: &str) -> (String, String) {
    let path = head.split(' ').nth(1).unwrap_or_default();
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("x-api-key: "));
    (key.unwrap_or_default().to_owned(), path.to_owned())
}

#[tokio::test]
async fn no_account_is_asked_for_more_than_its_list_and_its_platforms_in_a_ttl() {
    let profiles = PLATFORMS.map(|platform| {
        format!(
            r#"{{"platform": "{platform}", "profileId": "p", "name": "n", "status": "CONNECTED",
            "connectedAt": "2026-01-01T00:00:00Z"}}"#
        )
    });
    let list = format!(r#"{{"profiles": [{}]}}"#, profiles.join(","));
    let gateway = Recorder::start(move |head| match asked(head).1.ends_with("/socials") {
        true => http_answer("200 OK", "", &list),
        false => http_answer("200 OK", "", r#"{"profiles": []}"#),
    })
    .await;
    let accounts =
        ["a", "b", "c", "d"].map(|name| format!("- {{name: {name}, api_key_file: {name}}}"));
    let mut setup = Setup {
        url: Some(format!("http://{}", gateway.address)),
        files: vec![
            ("a", "key-a"),
            ("b", "key-b"),
            ("c", "key-c"),
            ("d", "key-d"),
        ],
        ..Setup::yaml(&format!(
            "cache: {{ttl: {TTL}s}}\naccounts:\n{}",
            accounts.join("\n")
        ))
    };
    setup.web.enable_lifecycle = true;
    let stack = setup.start().await;
    let mut times: BTreeMap<(String, String), Vec<u64>> = BTreeMap::new();
    let mut counted = 0;
    for second in 0..10 * TTL {
        let get = |path: &'static str| stack.request(Method::GET, path).send();
        let mut requests = vec![stack.request(Method::POST, "/-/reload").send()];
        requests.extend(
            [
                "/metrics",
                "/metrics",
                "/",
                "/?account=a",
                "/sd",
                "/probe?account=a",
                "/probe?account=b",
            ]
            .map(get),
        );
        for answer in join_all(requests).await {
            assert_eq!(answer.expect("an answer").status(), 200);
        }
        let heads = gateway.requests();
        for head in &heads[counted..] {
            times.entry(asked(head)).or_default().push(second);
        }
        counted = heads.len();
        stack.clock.advance(std::time::Duration::from_secs(1));
    }
    assert_eq!(
        times.len(),
        ACCOUNTS * (1 + PLATFORMS.len()),
        "{:?}",
        times.keys()
    );
    for (asked, times) in &times {
        let expected: Vec<u64> = (0..10).map(|round| round * TTL).collect();
        assert_eq!(times, &expected, "{asked:?}");
    }
}
