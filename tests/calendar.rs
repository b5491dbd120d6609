//! `/calendar.ics`, read by Python's icalendar.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::{get, python, tag};
use crate::harness::process::run_with_input;
use crate::harness::tools::{API, needs};
use crate::harness::{Setup, Stack};
use crate::page::{profile, several_accounts};

const CALENDAR: &str = "/calendar.ics";

/// The events, as icalendar reads them.
async fn events(stack: &Stack, path: &str) -> Vec<Value> {
    let (status, headers, text) = get(stack, path).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    assert_eq!(headers["content-type"], "text/calendar; charset=utf-8");
    let (code, output) = run_with_input(&mut python("read_calendar.py"), &text);
    assert_eq!(code, 0, "{output}\n{text}");
    let read: Value = serde_json::from_str(&output).expect("JSON");
    assert_eq!(read["errors"], json!([]), "{text}");
    read["events"].as_array().expect("events").clone()
}

fn values<'a>(events: &'a [Value], key: &str) -> Vec<&'a Value> {
    events.iter().map(|event| &event[key]).collect()
}

fn ending(id: &str, end: &str) -> Value {
    let mut profile = profile("facebook", id, &format!("Page {id}"));
    profile["tokenExpiresAt"] = json!(end);
    profile
}

/// [calendar]
#[tokio::test]
async fn token_ends_are_events_with_reminders() {
    needs!(API);
    let unknown =
        json!({"platform": "facebook", "profileId": "x", "name": "X", "status": "CONNECTED"});
    let whatsapp = json!({"platform": "whatsapp", "profileId": "w", "name": "W", "status": "CONNECTED",
        "phoneNumber": "+393401234567", "tokenExpiresAt": "2026-05-01T00:00:00Z"});
    let ended = ending("ended", "2026-04-01T00:00:00Z");
    let mut nameless = ending("n", "2026-07-01T00:00:00Z");
    nameless["name"] = json!("");
    let stack = Setup::yaml("phone_number: show")
        .with_profiles(json!([
            ending("p", "2026-06-15T00:00:00+02:00"),
            ended,
            unknown,
            whatsapp,
            nameless
        ]))
        .await;
    let found = events(&stack, CALENDAR).await;
    let starts = values(&found, "start");
    assert_eq!(
        starts,
        [
            "2026-04-01T00:00:00+00:00",
            "2026-06-14T22:00:00+00:00",
            "2026-07-01T00:00:00+00:00"
        ]
    );
    let summaries = values(&found, "summary");
    assert_eq!(
        summaries,
        [
            "Token of Page ended ends (facebook)",
            "Token of Page p ends (facebook)",
            "Token of n ends (facebook)"
        ]
    );
    for event in &found {
        assert_eq!(event["alarms"], json!([-7.0, -2.0]), "{event}");
        assert_eq!(event["stamp"], "2026-04-10T12:00:00+00:00");
        assert_eq!(event["modified"], event["stamp"]);
        let text = event["description"].as_str().expect("a text");
        assert!(
            text.starts_with("facebook/") && text.contains("reconnects the profile"),
            "{text}"
        );
    }
    let (_, _, text) = get(&stack, CALENDAR).await;
    assert!(!text.contains("3401234567"), "{text}");
}

/// [calendar]
#[tokio::test]
async fn renewed_token_moves_its_event() {
    needs!(API);
    let stack = Setup::default()
        .with_profiles(json!([
            ending("p", "2026-04-15T00:00:00Z"),
            ending("q", "2026-05-01T00:00:00Z")
        ]))
        .await;
    let before = events(&stack, CALENDAR).await;
    let former_tag = tag(&stack, CALENDAR).await;
    stack
        .gateway
        .profiles(&json!([
            ending("p", "2026-06-15T00:00:00Z"),
            ending("q", "2026-05-01T00:00:00Z")
        ]))
        .await;
    stack.clock.advance(Duration::from_secs(61));
    assert_ne!(tag(&stack, CALENDAR).await, former_tag);
    let after = events(&stack, CALENDAR).await;
    let of = |events: &[Value], name: &str| {
        let event = events
            .iter()
            .find(|event| event["summary"].to_string().contains(name));
        event.expect("an event").clone()
    };
    let (old, new) = (of(&before, "Page p"), of(&after, "Page p"));
    assert_eq!(old["uid"], new["uid"]);
    assert_eq!(new["start"], "2026-06-15T00:00:00+00:00");
    assert!(
        new["sequence"].as_i64() > old["sequence"].as_i64(),
        "{old} {new}"
    );
    assert!(new["modified"].as_str() > old["modified"].as_str());
    let (old, new) = (of(&before, "Page q"), of(&after, "Page q"));
    assert_eq!(
        (&old["uid"], &old["start"], &old["sequence"]),
        (&new["uid"], &new["start"], &new["sequence"])
    );
    assert_ne!(of(&after, "Page p")["uid"], new["uid"]);
    // RFC 5545, section 3.3.8.
    assert!(
        after
            .iter()
            .all(|event| event["sequence"].as_i64() < Some(i64::from(i32::MAX)))
    );

    // Another exporter gives the same events.
    let replica = Setup::default()
        .with_profiles(json!([
            ending("p", "2026-06-15T00:00:00Z"),
            ending("q", "2026-05-01T00:00:00Z")
        ]))
        .await;
    let same = events(&replica, CALENDAR).await;
    assert_eq!(values(&same, "uid"), values(&after, "uid"));
    assert_eq!(values(&same, "sequence"), values(&after, "sequence"));
}

/// The same profile of two accounts has two events, and parts of identities cannot be confused.
#[tokio::test]
async fn each_profile_has_an_event_of_its_own() {
    needs!(API);
    let directory = TempDir::new().expect("a folder");
    let stack = several_accounts(&directory).await;
    let good = events(&stack, "/calendar.ics?account=good").await;
    let other = events(&stack, "/calendar.ics?account=other&platform=facebook").await;
    assert_eq!((good.len(), other.len()), (2, 1));
    let uids = [values(&good, "uid"), values(&other, "uid")].concat();
    assert!(
        uids.iter()
            .all(|uid| uids.iter().filter(|other| *other == uid).count() == 1)
    );
    let text = other[0]["description"].as_str().expect("a text");
    assert!(
        text.starts_with("Account other, facebook/fb_page_123456: "),
        "{text}"
    );
}

#[tokio::test]
async fn hostile_texts_stay_in_their_event() {
    needs!(API);
    let hostile = "a;b,c\\n\\;\r\nEND:VEVENT\r\nBEGIN:VEVENT\u{2028}\u{202e}\"x\"";
    let long = "老虎 é ".repeat(80);
    let mut profiles = vec![
        profile("facebook", hostile, hostile),
        profile("facebook", "long", &long),
    ];
    // Folded lines break at every position of a character of several bytes.
    profiles.extend((0..40).map(|shift| {
        let name = format!("{}{}", "x".repeat(shift), "😀é ".repeat(30));
        profile("facebook", &format!("s{shift}"), &name)
    }));
    let stack = Setup::default().with_profiles(json!(profiles)).await;
    let found = events(&stack, CALENDAR).await;
    assert_eq!(found.len(), profiles.len());
    let shown =
        "a;b,c\\n\\;\u{fffd}\u{fffd}END:VEVENT\u{fffd}\u{fffd}BEGIN:VEVENT\u{fffd}\u{fffd}\"x\"";
    assert_eq!(
        found[0]["summary"],
        format!("Token of {shown} ends (facebook)")
    );
    assert_eq!(
        found[1]["summary"],
        format!("Token of {long} ends (facebook)")
    );
    for (shift, event) in found[2..].iter().enumerate() {
        let name = format!("{}{}", "x".repeat(shift), "😀é ".repeat(30));
        assert_eq!(event["summary"], format!("Token of {name} ends (facebook)"));
    }
}

/// [calendar-unread]
#[tokio::test]
async fn calendar_without_an_account_is_no_calendar() {
    let stack = Stack::start().await;
    stack.gateway.faults("status=401").await;
    let (status, headers, text) = get(&stack, CALENDAR).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(headers["retry-after"], "60");
    assert_eq!(
        text,
        "No calendar: the gateway refuses the credentials (HTTP 401): check the API key\n"
    );
    // Data of an earlier reading is good enough, until it is too old.
    stack.gateway.faults("").await;
    stack.clock.advance(Duration::from_secs(61));
    assert_eq!(get(&stack, CALENDAR).await.0, StatusCode::OK);
    stack.gateway.faults("status=503").await;
    stack.clock.advance(Duration::from_secs(61));
    assert_eq!(get(&stack, CALENDAR).await.0, StatusCode::OK);
    stack.clock.advance(Duration::from_secs(901));
    assert_eq!(
        get(&stack, CALENDAR).await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );

    let directory = TempDir::new().expect("a folder");
    let stack = several_accounts(&directory).await;
    let (status, _, text) = get(&stack, CALENDAR).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        text.starts_with("No calendar: account bad: the gateway refuses"),
        "{text}"
    );
    assert_eq!(
        get(&stack, "/calendar.ics?account=good").await.0,
        StatusCode::OK
    );
    assert_eq!(
        get(&stack, "/calendar.ics?account=bad").await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

/// An account without profiles has an empty calendar; one with a part of its list says so.
#[tokio::test]
async fn incomplete_list_is_an_event_of_today() {
    needs!(API);
    let stack = Setup::default().with_profiles(json!([])).await;
    assert_eq!(events(&stack, CALENDAR).await, [] as [Value; 0]);
    let list = json!({"profiles": [ending("p", "2026-06-15T00:00:00Z")], "total": 9}).to_string();
    stack.gateway.set_list_response(list).await;
    stack.clock.advance(Duration::from_secs(61));
    let found = events(&stack, CALENDAR).await;
    assert_eq!(
        values(&found, "start"),
        ["2026-06-15T00:00:00+00:00", "2026-04-10"]
    );
    assert_eq!(
        found[1]["summary"],
        "Token ends are missing from this calendar"
    );
    let tomorrow = 86_400;
    stack.clock.advance(Duration::from_secs(tomorrow));
    let moved = events(&stack, CALENDAR).await;
    assert_eq!(moved[1]["start"], "2026-04-11");
    assert_eq!(moved[1]["uid"], found[1]["uid"]);
    assert!(moved[1]["sequence"].as_i64() > found[1]["sequence"].as_i64());
}
