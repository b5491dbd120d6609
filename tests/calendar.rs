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
            "Token of Page p ends on 2026-06-15 (facebook)",
            "Token of n ends (facebook)"
        ]
    );
    let stated = [
        "facebook/ended: the token ends at 2026-04-01 00:00 UTC. Messages fail",
        "facebook/p: the token ends at 2026-06-14 22:00 UTC (stated as 2026-06-15 +02:00). Messages fail",
        "facebook/n: the token ends at 2026-07-01 00:00 UTC. Messages fail",
    ];
    for (event, stated) in found.iter().zip(stated) {
        let text = event["description"].as_str().expect("a text");
        assert!(text.starts_with(stated), "{text}");
    }
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
    assert!(new["modified"].as_str() > old["modified"].as_str());
    let (old, new) = (of(&before, "Page q"), of(&after, "Page q"));
    assert_eq!((&old["uid"], &old["start"]), (&new["uid"], &new["start"]));
    assert_ne!(of(&after, "Page p")["uid"], new["uid"]);
    // Also to an earlier end, and within the hour.
    let mut revisions = vec![of(&after, "Page p")];
    for end in ["2026-06-14T23:59:00Z", "2026-06-14T23:58:00Z"] {
        let moved = json!([ending("p", end), ending("q", "2026-05-01T00:00:00Z")]);
        stack.gateway.profiles(&moved).await;
        stack.clock.advance(Duration::from_secs(61));
        revisions.push(of(&events(&stack, CALENDAR).await, "Page p"));
    }
    assert_eq!(revisions[2]["start"], "2026-06-14T23:58:00+00:00");
    for pair in revisions.windows(2) {
        assert_eq!(pair[0]["uid"], pair[1]["uid"]);
        let stamp = |event: &Value| event["stamp"].as_str().expect("a time").to_owned();
        assert!(stamp(&pair[1]) > stamp(&pair[0]), "{pair:?}");
    }
    let (_, _, text) = get(&stack, CALENDAR).await;
    assert!(!text.contains("SEQUENCE"), "{text}");

    // Another exporter gives the same events.
    let replica = Setup::default()
        .with_profiles(json!([
            ending("p", "2026-06-15T00:00:00Z"),
            ending("q", "2026-05-01T00:00:00Z")
        ]))
        .await;
    let same = events(&replica, CALENDAR).await;
    assert_eq!(values(&same, "uid"), values(&after, "uid"));
    assert_eq!(values(&same, "start"), values(&after, "start"));
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
    // Lines of every length are at most as long as they may be.
    profiles.extend((0..90).map(|length| {
        let name = "x".repeat(length + 1);
        profile("facebook", &format!("l{length:02}"), &name)
    }));
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
        format!("Token of {shown} ends on 2026-06-15 (facebook)")
    );
    assert_eq!(
        found[1]["summary"],
        format!("Token of {} ends on 2026-06-15 (facebook)", long.trim_end())
    );
    for (shift, event) in found[92..].iter().enumerate() {
        let name = format!("{}{}", "x".repeat(shift), "😀é ".repeat(30));
        let expected = format!("Token of {} ends on 2026-06-15 (facebook)", name.trim_end());
        assert_eq!(event["summary"], expected);
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
        "No calendar: the gateway refuses the credentials (HTTP 401): check that the API key is the right one and active; a new key in the same file needs no restart\n"
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
    assert_eq!(moved[1]["seconds"], 86_400.0);
}

/// A misspelled platform is not an empty calendar, as it is not an empty record in the API.
#[tokio::test]
async fn platform_that_no_account_has_is_an_event_of_today() {
    needs!(API);
    let stack = Setup::default()
        .with_profiles(json!([ending("p", "2026-06-15T00:00:00Z")]))
        .await;
    let found = events(&stack, "/calendar.ics?platform=facebok").await;
    assert_eq!(values(&found, "start"), ["2026-04-10"]);
    assert_eq!(found[0]["seconds"], 86_400.0);
    let (_, _, record) = get(&stack, "/api/v1/profiles?platform=facebok").await;
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let note = &record["notes"][0];
    assert_eq!(found[0]["summary"], note["text"]);
    assert_eq!(found[0]["description"], note["advice"]);
    assert_eq!(found[0]["stamp"], "2026-04-10T12:00:00+00:00");
    let found = events(&stack, "/calendar.ics?platform=facebook").await;
    assert_eq!(values(&found, "start"), ["2026-06-15T00:00:00+00:00"]);
}

#[tokio::test]
async fn names_without_visible_characters_are_identifiers() {
    needs!(API);
    let named = |id: &str, name: &str| {
        let mut profile = ending(id, "2026-06-15T00:00:00Z");
        profile["name"] = json!(name);
        profile
    };
    let names = ["", "   ", "\u{3000}", "\u{200d}", "\u{fe0f}", " P "];
    let profiles = names.iter().enumerate();
    let profiles = profiles.map(|(number, name)| named(&format!("id{number}"), name));
    let stack = Setup::default()
        .with_profiles(json!(profiles.collect::<Vec<_>>()))
        .await;
    let found = events(&stack, CALENDAR).await;
    let expected = ["id0", "id1", "id2", "id3", "id4", "P"];
    let expected = expected.map(|name| format!("Token of {name} ends (facebook)"));
    assert_eq!(values(&found, "summary"), expected.each_ref());
}
