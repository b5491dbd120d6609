//! A partial list is never taken for a complete one.

use std::num::NonZeroUsize;
use std::sync::Arc;

use exporter_toolkit::clock::SystemClock;
use gateway_simulator::{Options, Schema};
use serde_json::{Value, json};

use super::{listing, reference, uc_017, with};
use crate::check::{check, gateway};
use crate::harness::listener::{Recorder, http_response};
use crate::harness::log::Log;
use crate::harness::{API_KEY, Gateway, Setup};

/// Fields that a complete list may have next to its single entry.
fn complete_markers() -> Vec<Value> {
    vec![
        json!({}),
        json!({"total": 1}),
        json!({"total": 0}),
        json!({"total": null}),
        json!({"next": null}),
        json!({"next": ""}),
        json!({"nextPage": false, "nextCursor": null}),
        json!({"hasMore": false}),
        json!({"hasMore": "false"}),
        json!({"hasMore": 0}),
        json!({"totalPages": 1, "page": 1}),
        json!({"totalPages": 1, "page": 0, "lastPage": 0}),
        json!({"last": true}),
        json!({"links": {"self": "/socials", "next": null, "last": "/socials?page=1"}}),
        json!({"_links": {"self": {"href": "/socials"}}}),
        json!({"pagination": {"total": 1, "hasNext": false, "pageSize": 50}}),
        json!({"previous": "/socials?page=0", "limit": 100, "offset": 0}),
    ]
}

/// Fields that a partial list may have next to its single entry.
fn partial_markers() -> Vec<Value> {
    vec![
        json!({"total": 2}),
        json!({"totalCount": 2}),
        json!({"total_elements": 2}),
        json!({"total": "2"}),
        json!({"count": 2}),
        json!({"next": "https://example.com/socials?page=2"}),
        json!({"next": {"href": "/socials?page=2"}}),
        json!({"nextPage": 2}),
        json!({"next_page_token": "abc"}),
        json!({"nextCursor": "abc"}),
        json!({"hasMore": true}),
        json!({"has_more": "true"}),
        json!({"hasNextPage": true}),
        json!({"totalPages": 2}),
        json!({"total_pages": "3"}),
        json!({"last": false}),
        json!({"isLast": false}),
        json!({"pagination": {"total": 1, "totalPages": 2}}),
        json!({"paging": {"next": "/socials?after=abc"}}),
        json!({"paging": {"cursors": {"next": "abc"}}}),
        json!({"meta": {"page": {"total": 40}}}),
        json!({"page": {"size": 1, "totalElements": 40, "totalPages": 40, "number": 0}}),
        json!({"links": {"next": "/socials?page=2"}}),
        json!({"_links": {"next": {"href": "/socials?page=2"}}}),
        json!({"pageInfo": {"hasNextPage": true, "endCursor": "abc"}}),
        json!({"truncated": true}),
    ]
}

/// The envelopes that have room for other fields.
fn in_envelopes(beside: &Value) -> Vec<Value> {
    let entries = json!([uc_017("facebook", "a")]);
    let object = with(beside.clone(), "profiles", entries.clone());
    vec![
        object.clone(),
        json!({"status": "success", "data": object}),
        with(beside.clone(), "data", entries.clone()),
        with(beside.clone(), "data", json!({ "socials": entries })),
    ]
}

/// [partial-list]
#[tokio::test]
async fn body_that_announces_more_pages_is_incomplete() {
    let stack = Setup::default().start().await;
    for (beside, complete) in [(complete_markers(), 1.0), (partial_markers(), 0.0)] {
        for answer in beside.iter().flat_map(in_envelopes) {
            stack.gateway.set_list_response(answer.to_string()).await;
            let scrape = stack.scrape_after(61).await;
            assert_eq!(scrape.value("qlara_up"), 1.0, "{answer}");
            assert_eq!(scrape.value("qlara_list_complete"), complete, "{answer}");
        }
    }
}

/// [partial-list]
#[tokio::test]
async fn headers_that_announce_more_pages_are_incomplete() {
    for (headers, complete) in [
        ("", 1.0),
        (
            "Link: </socials?page=1>; rel=\"first\", </socials?page=1>; rel=\"last\"\r\n",
            1.0,
        ),
        ("Link: </socials?a=1;rel=next>; rel=prev\r\n", 1.0),
        ("Link: </socials?page=2>; rel=\"next\"\r\n", 0.0),
        (
            "Link: </socials?page=1>; rel=prev, </socials?page=2>; title=\"x\"; rel=next\r\n",
            0.0,
        ),
        (
            "X-Total-Count: 1\r\nX-Total-Pages: 1\r\nX-Next-Page: \r\n",
            1.0,
        ),
        ("X-Total-Count: 2\r\n", 0.0),
        ("X-Next-Page: 2\r\n", 0.0),
        (
            "X-Pagination: {\"TotalCount\": 2, \"HasNext\": true}\r\n",
            0.0,
        ),
    ] {
        let list = json!([uc_017("facebook", "a")]).to_string();
        let gateway = Recorder::start(move |_| http_response("200 OK", headers, &list)).await;
        let setup = Setup {
            url: Some(format!("http://{}", gateway.address)),
            ..Setup::default()
        };
        let scrape = setup.start().await.scrape().await;
        assert_eq!(scrape.value("qlara_list_complete"), complete, "{headers}");
    }
}

/// [partial-list]
#[tokio::test]
async fn expected_profile_is_not_missing_from_an_incomplete_list() {
    let directory = tempfile::tempdir().expect("a folder");
    let key = directory.path().join("key");
    std::fs::write(&key, API_KEY).expect("a file");
    let yaml = format!(
        "accounts: [{{name: a, api_key_file: {}, expected: [{{platform: facebook, profile: a}}, {{platform: facebook, profile: b}}]}}]",
        key.display()
    );
    let stack = Setup::yaml(&yaml).start().await;
    let present = |scrape: &crate::harness::scrape::Scrape, profile: &str| {
        scrape.get(&format!(
            r#"qlara_expected_profile_present{{account="a",platform="facebook",profile="{profile}"}}"#
        ))
    };
    let page = async || {
        let page = stack.get("/").send().await.expect("a response");
        page.text().await.expect("a text")
    };
    let log = Log::collect(tracing::Level::INFO);
    let entries = json!([uc_017("facebook", "a")]);
    for (total, missing) in [(1, Some(0.0)), (2, None), (1, Some(0.0))] {
        let list = json!({"profiles": entries, "total": total});
        stack.gateway.set_list_response(list.to_string()).await;
        let scrape = stack.scrape_after(61).await;
        assert_eq!(present(&scrape, "a"), Some(1.0));
        assert_eq!(present(&scrape, "b"), missing, "{total}");
        let page = page().await;
        let says_missing = page.contains("expected, but not connected");
        assert_eq!(says_missing, missing.is_some(), "{page}");
        let says_part = page.contains("The list is incomplete: it holds 1 of 2 profiles.");
        assert_eq!(says_part, missing.is_none(), "{page}");
        assert!(!page.contains("All profiles are fine"), "{page}");
    }
    let lines = log.take();
    let part = "The list is incomplete: the gateway has more profiles than it returned";
    assert_eq!(lines.matches(part).count(), 1, "{lines}");
    assert_eq!(
        lines.matches("The list is complete again").count(),
        1,
        "{lines}"
    );
}

#[tokio::test]
async fn incomplete_list_is_unknown_to_check() {
    let list = json!({"profiles": [reference("facebook", "a", false)], "total": 3});
    let gateway = gateway(&list).await;
    let ran = check(&gateway, &[]).await;
    assert_eq!(ran.code, 3, "{}", ran.output);
    let flowing: Vec<&str> = ran.output.split_whitespace().collect();
    let note = "NOT CHECKED the list is incomplete: it holds 1 of 3 profiles;";
    assert!(flowing.join(" ").contains(note), "{}", ran.output);
    let json: Value =
        serde_json::from_str(&check(&gateway, &["--output", "json"]).await.output).expect("JSON");
    assert_eq!(json["accounts"][0]["list_complete"], false);
    assert_eq!(json["accounts"][0]["schema"], "reference");
    let metrics = check(&gateway, &["--output", "metrics"]).await.output;
    assert!(metrics.contains("\nqlara_list_complete 0\n"), "{metrics}");
}

/// [partial-details]
#[tokio::test]
async fn incomplete_details_are_reported_and_remove_nothing() {
    let list = json!([
        reference("facebook", "a", false),
        reference("facebook", "b", false)
    ]);
    let stack = listing(list.to_string()).await;
    let details = |names: &[&str], total: usize| {
        let entries = names
            .iter()
            .map(|name| json!({"username": name, "category": "c"}));
        json!({"profiles": entries.collect::<Vec<_>>(), "total": total}).to_string()
    };
    stack
        .gateway
        .set_details_response("facebook", details(&["a", "b"], 2))
        .await;
    let known = |text: &str| text.matches(r#"category="c""#).count();
    assert_eq!(known(&stack.scrape().await.text), 2);
    stack
        .gateway
        .set_details_response("facebook", details(&["a"], 2))
        .await;
    let log = Log::collect(tracing::Level::WARN);
    let scrape = stack.scrape_after(61).await;
    assert_eq!(known(&scrape.text), 2, "the last good details stay");
    assert_eq!(
        scrape.value(r#"qlara_details_up{platform="facebook"}"#),
        1.0
    );
    let complete = r#"qlara_details_complete{platform="facebook"}"#;
    assert_eq!(scrape.value(complete), 0.0);
    let lines = log.take();
    assert!(
        lines.contains("The details of a platform are incomplete"),
        "{lines}"
    );
    let page = stack.get("/").send().await.expect("a response");
    let page = page.text().await.expect("a text");
    assert!(
        page.contains("The details of facebook are incomplete."),
        "{page}"
    );
    // A complete response without the profile removes its details.
    stack
        .gateway
        .set_details_response("facebook", details(&["a"], 1))
        .await;
    let scrape = stack.scrape_after(61).await;
    assert_eq!(known(&scrape.text), 1);
    assert_eq!(scrape.value(complete), 1.0);
    // Details that cannot be read are neither complete nor incomplete.
    stack
        .gateway
        .set_details_response("facebook", "not JSON")
        .await;
    assert_eq!(stack.scrape_after(61).await.get(complete), None);
}

#[tokio::test]
async fn pages_of_the_simulated_gateway_are_unknown_to_check() {
    for schema in [Schema::Uc017, Schema::Reference] {
        let options = Options {
            schema,
            profiles: 40,
            page_size: NonZeroUsize::new(2),
            ..Options::default()
        };
        let gateway = Gateway::start(options, Arc::new(SystemClock)).await;
        let ran = check(&gateway, &["--status", "connected", "--output", "json"]).await;
        let json: Value = serde_json::from_str(&ran.output).expect("JSON");
        let notes = json["notes"].as_array().expect("notes");
        let of_details = |note: &&Value| {
            note["text"]
                .as_str()
                .is_some_and(|it| it.contains("details"))
        };
        assert!(notes.iter().any(|note| of_details(&note)), "{json}");
        assert!(
            notes.iter().all(|note| note["state"] == "UNKNOWN"),
            "{json}"
        );
    }
}
