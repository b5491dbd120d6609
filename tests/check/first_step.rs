//! The last line of the table: what to do first.

use qlara_exporter::check::{CheckFilter, CheckFormat, CheckOptions, TableStyle};
use serde_json::{Value, json};

use super::{audit, page, with, written};

const ACCOUNT: &str = "accounts: [{name: brandco, api_key_env: QLARA_API_KEY}]";

/// The last sentence, on one line.
async fn first_step(profiles: Value, yaml: &str, filter: CheckFilter) -> String {
    let options = CheckOptions {
        filter,
        ..CheckOptions::default()
    };
    let audit = audit(&profiles, yaml, options).await.expect("an audit");
    let (text, _) = written(
        &audit,
        CheckFormat::Table(TableStyle {
            width: 200,
            ..TableStyle::default()
        }),
    );
    text.lines().last().expect("a line").to_owned()
}

#[tokio::test]
async fn most_urgent_profile_or_note_comes_first() {
    let named =
        |id: &str, name: &str, fields: Value| with(page(id), with(json!({"name": name}), fields));
    let expired = |name| {
        named(
            "expired",
            name,
            json!({"status": "TOKEN_EXPIRED", "tokenExpiresAt": "2026-04-09T12:00:00Z"}),
        )
    };
    let abandoned = named(
        "abandoned",
        "Old",
        json!({"status": "TOKEN_EXPIRED", "tokenExpiresAt": "2026-01-01T12:00:00Z"}),
    );
    let soon = named(
        "soon",
        "Soon",
        json!({"tokenExpiresAt": "2026-04-15T12:00:00Z", "status": "TOKEN_EXPIRING"}),
    );
    let at_midnight = with(
        soon.clone(),
        json!({"tokenExpiresAt": "2026-04-15T00:00:00+02:00"}),
    );
    let reader = named(
        "reader",
        "Reader",
        json!({"permissions": ["pages_messaging"]}),
    );
    let asleep = named("asleep", "Asleep", json!({"status": "SLEEPING"}));
    let fine = page("fine");
    let mut unchecked = page("unchecked");
    unchecked
        .as_object_mut()
        .expect("an object")
        .remove("permissions");
    for (profiles, yaml, step) in [
        (
            json!([fine, expired("Café")]),
            "",
            "First: reconnect Café (facebook) now.",
        ),
        (
            json!([expired(" ")]),
            "",
            "First: reconnect expired (facebook) now.",
        ),
        (
            json!([abandoned, soon, expired("Café")]),
            ACCOUNT,
            "First: reconnect Café (facebook, account brandco) now. After that, 2 more profiles need attention.",
        ),
        (
            json!([abandoned, soon]),
            "",
            "First: reconnect Old (facebook), or disconnect it for good. After that, 1 more profile needs attention.",
        ),
        (
            json!([soon, fine]),
            "",
            "First: reconnect Soon (facebook) before its token ends on 2026-04-15.",
        ),
        // The day that the gateway states, whatever the zone.
        (
            json!([at_midnight, fine]),
            "",
            "First: reconnect Soon (facebook) before its token ends on 2026-04-15.",
        ),
        (
            json!([reader, fine]),
            "",
            "First: grant the missing permissions of Reader (facebook).",
        ),
        (
            json!([fine, asleep]),
            "",
            "First: look into Asleep (facebook).",
        ),
        (
            json!([unchecked, fine]),
            "",
            "First: look at A page (facebook) in the Qlara dashboard.",
        ),
        (
            json!([fine]),
            "accounts: [{name: a, api_key_env: QLARA_API_KEY, expected: [{platform: facebook, profile: fine}, {platform: facebook, profile: gone}]}]",
            "First: connect gone (facebook, account a).",
        ),
        (
            json!([fine, soon]),
            "accounts: [{name: bad, api_key_file: bad}, {name: good, api_key_env: QLARA_API_KEY}]",
            "First: account bad: check that the API key is the right one and active; a new key in the same file needs no restart.",
        ),
        (
            json!([fine, expired("Café")]),
            "accounts: [{name: bad, api_key_file: bad}, {name: good, api_key_env: QLARA_API_KEY}]",
            "First: reconnect Café (facebook, account good) now.",
        ),
        (
            json!([]),
            "",
            "First: check that the key is that of the right account, and look there in the Qlara dashboard.",
        ),
        (
            json!({"profiles": [fine], "total": 2}),
            "",
            "First: look at the other profiles in the Qlara dashboard. qlara-exporter explain shows what the gateway answers.",
        ),
    ] {
        let found = first_step(profiles.clone(), yaml, CheckFilter::default()).await;
        assert_eq!(found, step, "{profiles}");
    }
}

#[tokio::test]
async fn nothing_to_do_is_said_only_of_what_was_read_and_is_fine() {
    let platforms = |name: &str| CheckFilter {
        platforms: [name.to_owned()].into(),
        ..CheckFilter::default()
    };
    let missing = CheckFilter {
        statuses: [None].into(),
        ..CheckFilter::default()
    };
    for (filter, step) in [
        (
            CheckFilter::default(),
            "Nothing to do: 2 profiles read, all fine.",
        ),
        (
            platforms("facebook"),
            "Nothing to do for the 2 profiles shown.",
        ),
        (missing, "No profile passes the filter."),
        (
            platforms("facebok"),
            "First: correct the platform, or connect a profile of it in the Qlara dashboard.",
        ),
    ] {
        let profiles = json!([page("a"), page("b")]);
        assert_eq!(first_step(profiles, "", filter).await, step);
    }
}
