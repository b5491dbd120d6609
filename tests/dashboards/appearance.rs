//! Units, texts and colours match the meaning of the queries.

use std::collections::BTreeSet;

use serde_json::Value;

use super::expression::selectors;
use super::live::dashboard;
use super::{each_panel, list, text};

/// Number, status, text and colour of each state of a profile.
const STATES: [(&str, &str, &str, &str); 6] = [
    ("0", "CONNECTED", "Connected", "green"),
    ("1", "UNKNOWN", "Unknown", "purple"),
    ("2", "TOKEN_EXPIRING", "Refresh failed", "orange"),
    ("3", "DISCONNECTED", "Disconnected", "dark-red"),
    ("4", "TOKEN_EXPIRED", "Token expired", "red"),
    ("5", "", "Expected, missing", "semi-dark-red"),
];

/// The panels with yes/no values, and their texts for no and yes.
const SWITCHES: [(&str, &str, &str); 5] = [
    ("Configuration", "rejected", "loaded"),
    ("Gateway", "unreadable", "readable"),
    ("Gateway readable", "unreadable", "readable"),
    ("Permission matrix", "✘ missing", "✔ granted"),
    ("Up", "down", "up"),
];

/// The colour thresholds of each number at the top, in ascending order.
const COLOURS: [(&str, &str); 17] = [
    ("Accounts readable", "red, 1 green"),
    ("Age of data", "green, 300 orange, 900 red"),
    ("Configuration", "text"),
    ("Details unread", "green, 1 orange"),
    ("Disconnected", "green, 1 red"),
    ("Entries dropped", "green, 1 orange"),
    ("Expected but missing", "green, 1 red"),
    ("Exporters down", "green, 1 red"),
    ("Gateway", "text"),
    ("Healthy", "red, 0.9 orange, 1 green"),
    (
        "Next expiry",
        "red, 172800 orange, 518400 yellow, 604800 green",
    ),
    ("Permissions missing", "green, 1 orange"),
    ("Profiles", "blue"),
    ("Quota left", "red, 0.1 orange, 0.3 green"),
    ("Refresh failed", "green, 1 orange"),
    ("Token expired", "green, 1 red"),
    ("Version", "blue"),
];

/// The allowed units of a query, by the suffixes of its metrics.
fn units(query: &str) -> &'static [&'static str] {
    let selectors = selectors(query);
    let ends = |suffix: &str| selectors.iter().any(|one| one.metric.ends_with(suffix));
    if query.contains(" bool ") || query.contains("increase(") {
        &["none", "short"]
    } else if query.contains(" / ") || query.starts_with("avg(") || ends("_seconds_total") {
        &["percentunit"]
    } else if ends("_bytes") {
        &["bytes"]
    } else if ends("_seconds") || ends("_seconds_bucket") {
        &["s", "dtdhms"]
    } else if ends("_total") {
        &["reqps"]
    } else {
        &["none", "short"]
    }
}

/// The value mappings as `value text colour`.
fn mappings(mappings: &Value) -> BTreeSet<String> {
    let values = list(mappings).iter().filter(|one| one["type"] == "value");
    let options = values.flat_map(|one| one["options"].as_object().expect("options"));
    options
        .map(|(value, shown)| format!("{value} {} {}", text(&shown["text"]), text(&shown["color"])))
        .collect()
}

/// The property of an override for the column or series of this name.
fn overridden<'a>(panel: &'a Value, name: &str, property: &str) -> &'a Value {
    let overrides = list(&panel["fieldConfig"]["overrides"]).iter();
    let mut named = overrides.filter(|one| one["matcher"]["options"] == name);
    let properties = list(&named.next().expect("an override")["properties"]);
    let found = properties.iter().find(|one| one["id"] == property);
    &found.expect("the property")["value"]
}

fn panel(title: &str) -> Value {
    let profiles = dashboard("qlara-profiles");
    let mut panels = profiles.data_panels().into_iter();
    let found = panels.find(|panel| panel["title"] == title);
    found.unwrap_or_else(|| panic!("no panel {title}")).clone()
}

#[test]
fn units_suit_the_metrics() {
    each_panel(|place, panel| {
        // Each column of a table has its own unit.
        if panel["type"] == "table" {
            return;
        }
        let unit = text(&panel["fieldConfig"]["defaults"]["unit"]);
        for target in list(&panel["targets"]) {
            let query = text(&target["expr"]);
            assert!(units(query).contains(&unit), "{place}: {unit} for {query}");
        }
    });
    let table = panel("Profiles by urgency");
    for (column, unit) in [
        ("Token ends in", "dtdhms"),
        ("Token ends at", "dateTimeAsIso"),
        ("Last activity", "dateTimeFromNow"),
    ] {
        assert_eq!(overridden(&table, column, "unit"), unit, "{column}");
    }
}

#[test]
fn each_state_has_a_value_mapping_with_a_colour() {
    let table = panel("Profiles by urgency");
    let history = panel("Status history");
    let expected = STATES.map(|(number, _, text, colour)| format!("{number} {text} {colour}"));
    let expected = BTreeSet::from(expected);
    let of_table = mappings(overridden(&table, "Status", "mappings"));
    assert_eq!(of_table, expected, "Profiles by urgency");
    let of_history = mappings(&history["fieldConfig"]["defaults"]["mappings"]);
    assert_eq!(of_history, expected, "Status history");

    let platform = panel("Profiles by status: $platform");
    for (number, status, _, colour) in STATES {
        let (factor, metric) = match status {
            "" => (format!(" {number} * ("), "qlara_expected_profile_present"),
            _ => (format!(" {number} * "), "qlara_profile_status"),
        };
        for query in [&table["targets"][1]["expr"], &history["targets"][0]["expr"]] {
            let numbered = text(query).split_once(&format!("{factor}{metric}"));
            let selector = numbered
                .unwrap_or_else(|| panic!("no {number} in {query}"))
                .1;
            let selector = selector.split_once('}').expect("matchers").0;
            let matched = status.is_empty() || selector.contains(&format!("status=\"{status}\""));
            assert!(matched, "{number}: {selector}");
        }
        if !status.is_empty() {
            let color = overridden(&platform, status, "color");
            assert_eq!(color["fixedColor"], colour, "{status}");
        }
    }
}

#[test]
fn zero_is_red_and_one_is_green() {
    each_panel(|place, panel| {
        let title = text(&panel["title"]);
        let of_panel = &panel["fieldConfig"]["defaults"]["mappings"];
        if let Some((_, no, yes)) = SWITCHES.iter().find(|one| one.0 == title) {
            let expected = BTreeSet::from([format!("0 {no} red"), format!("1 {yes} green")]);
            assert_eq!(mappings(of_panel), expected, "{place}");
        } else {
            assert!(of_panel.is_null() || title == "Status history", "{place}");
        }
    });
}

#[test]
fn problem_counts_turn_red_above_zero() {
    each_panel(|place, panel| {
        if panel["type"] != "stat" {
            return;
        }
        let steps = list(&panel["fieldConfig"]["defaults"]["thresholds"]["steps"]).iter();
        let steps = steps.map(|step| match &step["value"] {
            Value::Null => text(&step["color"]).to_owned(),
            value => format!("{value} {}", text(&step["color"])),
        });
        let steps = steps.collect::<Vec<_>>().join(", ");
        let expected = COLOURS.iter().find(|(title, _)| *title == panel["title"]);
        assert_eq!(Some(steps.as_str()), expected.map(|one| one.1), "{place}");
    });
}
