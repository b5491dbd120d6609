//! Units, texts and colours match the meaning of the queries.

use std::collections::BTreeSet;

use serde_json::Value;

use super::expression::selectors;
use super::live::{dashboard, queries_of};
use super::palette::name_of;
use super::{each_panel, list, text};
use crate::alerting::alerts;

/// Number, text and colour of each state of a profile, the most urgent one last.
pub const STATES: [(&str, &str, &str); 8] = [
    ("0", "Connected", "green"),
    ("1", "Permission missing", "yellow"),
    ("2", "Unknown", "pale blue"),
    ("3", "Refresh failed", "orange"),
    ("4", "No permission to send", "pink"),
    ("5", "Disconnected", "purple"),
    ("6", "Token expired", "red"),
    ("7", "Expected, missing", "dark blue"),
];

/// The state with the colour of each status of the gateway.
const STATUSES: [(&str, &str); 5] = [
    ("CONNECTED", "Connected"),
    ("UNKNOWN", "Unknown"),
    ("TOKEN_EXPIRING", "Refresh failed"),
    ("DISCONNECTED", "Disconnected"),
    ("TOKEN_EXPIRED", "Token expired"),
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
const COLOURS: [(&str, &str); 19] = [
    ("Accounts readable", "grey, 0 red, 1 green"),
    ("Age of data", "grey, 0 green, 1800 orange"),
    ("Configuration", "grey"),
    ("Data shown", "grey, 0 green"),
    ("Details unread", "grey, 0 green, 1 orange"),
    ("Disconnected", "grey, 0 green, 1 red"),
    ("Entries dropped", "grey, 0 green, 1 orange"),
    ("Expected but missing", "grey, 0 green, 1 red"),
    ("Exporters down", "grey, 0 green, 1 red"),
    ("Gateway", "grey"),
    ("Healthy", "grey, 0 red, 0.9 orange, 1 green"),
    (
        "Next expiry",
        "grey, 0 red, 43200 orange, 172800 yellow, 518400 green",
    ),
    ("No permission to send", "grey, 0 green, 1 red"),
    ("Other permissions missing", "grey, 0 green, 1 orange"),
    ("Profiles", "grey, 0 blue"),
    ("Quota left", "grey, 0 orange, 0.1 green"),
    ("Refresh failed", "grey, 0 green, 1 orange"),
    ("Token expired", "grey, 0 green, 1 red"),
    ("Version", "grey, 0 blue"),
];

/// The allowed units of a query, by the suffixes of its metrics.
fn units(query: &str) -> &'static [&'static str] {
    let selectors = selectors(query);
    let metrics = selectors
        .iter()
        .map(|one| one.metric.trim_end_matches(":known"));
    let ends = |suffix: &str| metrics.clone().any(|metric| metric.ends_with(suffix));
    let is_number_of_a_state = query.contains("7 + 0 * ");
    if query.starts_with("avg(") || query.contains("/ ") || ends("_seconds_total") {
        &["percentunit"]
    } else if query.starts_with("1000 * ") {
        &["dateTimeFromNow"]
    } else if is_number_of_a_state || query.contains(" bool ") || query.contains("increase(") {
        &["none", "short"]
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
        .map(|(value, shown)| {
            let colour = name_of(text(&shown["color"]));
            format!("{value} {} {colour}", text(&shown["text"]))
        })
        .collect()
}

/// The property of an override for the column or series of this name.
pub fn overridden<'a>(panel: &'a Value, name: &str, property: &str) -> &'a Value {
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
    let expected = STATES.map(|(number, text, colour)| format!("{number} {text} {colour}"));
    let expected = BTreeSet::from(expected);
    let of_table = mappings(overridden(&table, "Status", "mappings"));
    assert_eq!(of_table, expected, "Profiles by urgency");
    let of_history = mappings(&history["fieldConfig"]["defaults"]["mappings"]);
    assert_eq!(of_history, expected, "Status history");
    assert_eq!(table["targets"][1]["expr"], history["targets"][0]["expr"]);

    let platform = panel("Profiles by status: $platform");
    for (status, state) in STATUSES {
        let (_, _, colour) = STATES.iter().find(|one| one.1 == state).expect("a state");
        let shown = text(&overridden(&platform, status, "color")["fixedColor"]);
        assert_eq!(name_of(shown), *colour, "{status}");
    }
}

/// The dashboard and the alert rules agree which permissions are needed to send.
#[test]
fn permissions_to_send_are_those_of_the_alert() {
    let expression = text(&alerts()["QlaraProfilePermissionMissing"]["expr"]).to_owned();
    let needed = expression.split_once("!~\"").expect("a matcher").1;
    let needed = needed.split_once('"').expect("an end").0;
    for panel in [
        "Profiles by urgency",
        "No permission to send",
        "Other permissions missing",
    ] {
        let queries = queries_of(&dashboard("qlara-profiles"), panel);
        let named = format!("~\"{needed}\"");
        assert!(
            queries.iter().any(|query| query.text.contains(&named)),
            "{panel}"
        );
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
fn numbers_have_the_colour_of_their_urgency_and_grey_without_data() {
    each_panel(|place, panel| {
        if panel["type"] != "stat" {
            return;
        }
        let steps = list(&panel["fieldConfig"]["defaults"]["thresholds"]["steps"]).iter();
        let steps = steps.map(|step| match &step["value"] {
            Value::Null => name_of(text(&step["color"])).to_owned(),
            value => format!("{value} {}", name_of(text(&step["color"]))),
        });
        let steps = steps.collect::<Vec<_>>().join(", ");
        let expected = COLOURS.iter().find(|(title, _)| *title == panel["title"]);
        assert_eq!(Some(steps.as_str()), expected.map(|one| one.1), "{place}");
    });
}

#[test]
fn every_panel_says_what_no_data_means() {
    each_panel(|place, panel| {
        let meaning = text(&panel["fieldConfig"]["defaults"]["noValue"]);
        let has_letters = meaning.chars().any(char::is_alphabetic);
        assert!(has_letters, "{place}: {meaning:?}");
    });
}
