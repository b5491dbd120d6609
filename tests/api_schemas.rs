//! Responses in both API schemas and every envelope become the same metrics. Anything else is an error that says
//! what was found.

mod completeness;
mod details;
mod envelopes;
mod fields;
mod state;

use serde_json::{Value, json};

use crate::harness::scrape::Scrape;
use crate::harness::{Setup, Stack};

/// An entry in the schema of UC-017.
fn uc_017(platform: &str, id: &str) -> Value {
    json!({"platform": platform, "profileId": id, "name": "BrandCo", "status": "CONNECTED",
        "tokenExpiresAt": "2026-06-15T00:00:00+02:00", "connectedAt": "2026-01-01T00:00:00Z"})
}

/// An entry in the schema of the reference page.
fn reference(platform: &str, username: &str, disconnected: bool) -> Value {
    json!({"platform": platform, "username": username, "profileName": "BrandCo",
        "profilePictureUrl": "https://example.com/picture.png",
        "connectionDate": "2026-01-01T00:00:00Z", "disconnected": disconnected,
        "linkedAccounts": 2})
}

fn with(mut entry: Value, field: &str, value: Value) -> Value {
    entry[field] = value;
    entry
}

fn without(mut entry: Value, field: &str) -> Value {
    entry.as_object_mut().expect("an object").remove(field);
    entry
}

/// An exporter whose gateway returns exactly this list.
async fn listing(answer: impl Into<Vec<u8>>) -> Stack {
    let stack = Setup::default().start().await;
    stack.gateway.set_list_response(answer).await;
    stack
}

/// The metrics of a list with these entries, in UC-017's envelope.
async fn scrape_of(entries: Value) -> Scrape {
    let answer = json!({"profiles": entries}).to_string();
    listing(answer).await.scrape().await
}

fn schema(scrape: &Scrape) -> Option<&str> {
    let found = scrape.family("qlara_gateway_schema_info");
    assert!(found.len() <= 1, "{found:?}");
    let (labels, value) = found.first()?;
    assert_eq!(*value, 1.0);
    labels
        .strip_prefix(r#"{schema=""#)
        .and_then(|rest| rest.strip_suffix(r#""}"#))
}
