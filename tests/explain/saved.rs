//! Saved responses: what cannot be read, and the suggested line of configuration.

use serde_json::{Value, json};

use super::{explain_input, explain_json, field};
use crate::harness::process::{exporter, run};

fn likely(answer: &Value) -> Value {
    explain_json(answer)["accounts"][0]["likely_fields"].clone()
}

fn odd(fields: Value) -> Value {
    let mut entry = json!({"platform": "facebook", "profileId": "a", "name": "n",
        "status": "CONNECTED", "connectedAt": "2026-01-01T00:00:00Z"});
    for (name, value) in fields.as_object().expect("an object") {
        match value.is_null() {
            true => entry.as_object_mut().expect("an object").remove(name),
            false => entry
                .as_object_mut()
                .expect("an object")
                .insert(name.clone(), value.clone()),
        };
    }
    json!([entry])
}

#[test]
fn likely_field_mapping_is_suggested() {
    for (fields, expected) in [
        (
            json!({"profileId": null, "socialId": "s"}),
            json!({"id": "socialId"}),
        ),
        (
            json!({"profileId": null, "social_uid": 5}),
            json!({"id": "social_uid"}),
        ),
        (
            json!({"profileId": null, "account": {"id": "s"}, "picture": "p"}),
            json!({"id": "account.id"}),
        ),
        (
            json!({"name": null, "profile": {"displayName": "x"}}),
            json!({"name": "profile.displayName"}),
        ),
        (
            json!({"name": null, "title": "x"}),
            json!({"name": "title"}),
        ),
        (
            json!({"connectedAt": null, "linkedOn": "2026-01-01T00:00:00Z"}),
            json!({"connected_at": "linkedOn"}),
        ),
        (
            json!({"connectedAt": null, "created": {"at": 1781474400}}),
            json!({"connected_at": "created.at"}),
        ),
        (
            json!({"platform": null, "network": "instagram"}),
            json!({"platform": "network"}),
        ),
        (
            json!({"platform": null, "kind": "LinkedIn"}),
            json!({"platform": "kind"}),
        ),
        (
            json!({"status": null, "state": "TOKEN_EXPIRED"}),
            json!({"status": "state"}),
        ),
        (
            json!({"status": null, "tokenRevoked": true}),
            json!({"disconnected": "tokenRevoked"}),
        ),
        // No field fits.
        (json!({"profileId": null, "size": 5}), json!({})),
        (
            json!({"connectedAt": null, "linkedOn": "2026-01-01T00:00:00"}),
            json!({}),
        ),
        (json!({"status": null, "active": true}), json!({})),
        (json!({}), json!({})),
    ] {
        let answer = odd(fields);
        assert_eq!(likely(&answer), expected, "{answer}");
    }
}

#[test]
fn suggested_line_is_valid_configuration() {
    let answer = json!({"profiles": [
        {"socialId": "a1", "network": "facebook", "profile": {"displayName": "M"}, "linkedOn": 1781474400, "state": "CONNECTED"},
        {"socialId": "a2", "network": "facebook", "profile": {"displayName": "M"}, "linkedOn": 1781474400, "state": "CONNECTED"},
    ]});
    let (code, output) = explain_input(&answer.to_string(), &[]);
    assert_eq!(code, 1, "{output}");
    let lines = "This configuration would probably solve it:\n  gateway:\n    fields: {connected_at: linkedOn, id: socialId, name: profile.displayName, platform: network, status: state}\n";
    assert!(output.contains(lines), "{output}");
    for expected in [
        "list: platform: 2 of 2 entries have none of platform, platformName\n",
        "list: id: 2 of 2 entries have none of profileId, id, username\n",
        "list: status: 2 of 2 entries have none of status, disconnected, isDisconnected\n",
        "  linkedOn             number  2 of 2   ignored (Unix seconds)\n",
        "  profile.displayName  string  2 of 2   ignored\n",
    ] {
        assert!(output.contains(expected), "{expected}\n{output}");
    }
}

#[test]
fn fields_are_listed_up_to_a_depth_of_three() {
    let entry = json!({"platform": "facebook", "id": 5, "disconnected": false, "name": null,
        "a": {"b": {"c": {"d": 1}}}, "list": [{"x": 1}, {"y": [1]}], "linkedPages": [{"id": 1, "name": "n", "z": 1}]});
    let json =
        explain_json(&json!([entry, {"platform": "facebook", "id": "6", "disconnected": true}]));
    let types = |name: &str| field(&json, name)["types"].clone();
    assert_eq!(types("a.b.c"), json!(["object"]));
    assert_eq!(types("list[].x"), json!(["number"]));
    assert_eq!(types("list[].y"), json!(["array"]));
    assert_eq!(types("id"), json!(["number", "string"]));
    assert_eq!(types("name"), json!(["null"]));
    let fields = json["accounts"][0]["calls"][0]["fields"].to_string();
    assert!(!fields.contains("a.b.c.d"), "{fields}");
    let read_as = |name: &str| field(&json, name)["read_as"].clone();
    assert_eq!(read_as("linkedPages[].id"), "linked_accounts");
    assert_eq!(read_as("linkedPages[].z"), "ignored");
    assert_eq!(field(&json, "id")["entries"], 2);
    assert_eq!(field(&json, "list[].x")["entries"], 1);
}

#[test]
fn first_matching_field_name_is_read() {
    let both = json!({"platform": "facebook", "profileId": "a", "id": "b", "disconnected": false});
    let one = json!({"platform": "facebook", "id": "b", "disconnected": false});
    let json = explain_json(&json!([both]));
    assert_eq!(
        field(&json, "id")["read_as"],
        "ignored: profileId takes precedence"
    );
    let json = explain_json(&json!([both, one]));
    assert_eq!(
        field(&json, "id")["read_as"],
        "id, where profileId is absent"
    );
}

#[test]
fn date_formats_are_listed_and_a_missing_zone_is_a_problem() {
    for (date, form, code) in [
        (json!("2026-01-01T00:00:00Z"), "RFC 3339 with offset", 0),
        (
            json!("2026-01-01 00:00:00+0200"),
            "RFC 3339 with a space or an offset without colon",
            0,
        ),
        (json!(1781474400), "Unix seconds", 0),
        (json!(1781474400000_i64), "Unix milliseconds", 0),
        (json!("2026-01-01T00:00:00"), "no time zone", 1),
        (json!("2026-01-01 00:00:00.123"), "no time zone", 1),
        (json!("2026-01-01"), "a date without a time", 1),
    ] {
        let answer = odd(json!({ "tokenExpiresAt": date }));
        let json = explain_json(&answer);
        assert_eq!(field(&json, "tokenExpiresAt")["date_forms"], json!([form]));
        assert_eq!(json["exit_code"], code, "{json}");
        let problems = json["accounts"][0]["problems"].to_string();
        assert_eq!(
            problems.contains("1 date is invalid")
                && problems.contains("expected a time with a time zone"),
            code == 1,
            "{problems}"
        );
        assert!(!problems.contains("cannot be read"), "{problems}");
    }
}

#[test]
fn everything_missing_from_metrics_is_a_problem() {
    for (answer, problem) in [
        (
            odd(json!({"status": "PAUSED"})),
            "status: the word of 1 entry is not documented",
        ),
        (odd(json!({"status": 5})), "status: 1 value cannot be read"),
        (
            odd(json!({"tokenExpiresAt": "soon"})),
            "token_expires_at: 1 value cannot be read",
        ),
        (odd(json!({"name": ["x"]})), "name: 1 value cannot be read"),
        (odd(json!({"name": null})), "name: 1 of 1 entry has none of"),
        (
            json!({"profiles": odd(json!({})), "total": 2}),
            "the answer is incomplete",
        ),
        (
            json!({"profiles": odd(json!({})), "next": "x"}),
            "the answer is incomplete",
        ),
        (
            json!({"items": []}),
            "found an object with the keys \"items\"",
        ),
        (
            json!([odd(json!({}))[0], 5]),
            "platform: 1 of 2 entries has none of",
        ),
        (
            json!([odd(json!({"profileId": {}}))[0], odd(json!({}))[0]]),
            "1 entry cannot be read as a profile",
        ),
    ] {
        let (code, output) = explain_input(&answer.to_string(), &[]);
        assert_eq!(code, 1, "{answer}: {output}");
        assert!(output.contains(problem), "{problem}: {output}");
    }
    for answer in [odd(json!({})), json!({"profiles": [], "total": 0})] {
        let (code, output) = explain_input(&answer.to_string(), &[]);
        assert_eq!(code, 0, "{answer}: {output}");
    }
}

#[test]
fn saved_details_and_saved_list_are_told_apart() {
    let details =
        json!({"platform": "facebook", "profiles": [{"profileId": "a", "permissions": []}]});
    let (code, output) = explain_input(&details.to_string(), &[]);
    assert_eq!(code, 0, "{output}");
    assert!(
        output.contains("permissions  array   1 of 1   permissions\n"),
        "{output}"
    );
}

#[test]
fn missing_or_empty_file_is_an_error() {
    let directory = tempfile::tempdir().expect("a folder");
    let empty = directory.path().join("empty.json");
    std::fs::write(&empty, " \n").expect("a file");
    for (path, why) in [
        (
            directory.path().join("nowhere.json"),
            "No such file or directory",
        ),
        (directory.path().to_owned(), "Is a directory"),
        (empty, "is empty"),
    ] {
        let (code, output, error) = run(exporter().args(["explain", "--from"]).arg(&path));
        assert_eq!((code, output.as_str()), (3, ""), "{path:?}");
        assert!(
            error.contains(why) && error.contains(path.to_str().expect("text")),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let saved = directory.path().join("saved.json");
    std::fs::write(&saved, format!("\u{feff}{}", odd(json!({})))).expect("a file");
    let (code, output, error) = run(exporter().args(["explain", "--from"]).arg(&saved));
    assert_eq!((code, error.as_str()), (0, ""), "{output}");
    assert!(
        output.starts_with(saved.to_str().expect("text")),
        "{output}"
    );
}

/// The example of the documentation, and every key of the JSON.
#[test]
fn documentation_shows_the_real_output() {
    let documentation = include_str!("../../docs/gateway.md");
    let answer = json!({"profiles": [{"socialId": "a1", "platform": "facebook", "profile": {"displayName": "BrandCo"},
        "linkedOn": "2026-01-01T00:00:00Z", "state": "CONNECTED"}]});
    let (_, output) = explain_input(&answer.to_string(), &[]);
    let shown = output.replacen("-\n", "socials.json\n", 1);
    assert!(
        documentation.contains(&format!("```\n{shown}```")),
        "{shown}"
    );

    let json = explain_json(&answer);
    let mut found = Vec::new();
    crate::check::output_formats::keys(&json, "", &mut found);
    let map = |key: &&String| {
        let maps = ["platforms.", "status_words.", "likely_fields."];
        !maps.iter().any(|map| key.contains(map))
    };
    let found: Vec<&String> = found.iter().filter(map).collect();
    assert!(found.len() > 20, "{found:?}");
    for key in found {
        assert!(documentation.contains(&format!("| `{key}` |")), "{key}");
    }
}
