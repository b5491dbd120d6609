//! The thresholds of the panels are those of the alerts.

use serde_json::Value;

use super::appearance::overridden;
use super::live::dashboard;
use super::palette::name_of;
use super::{list, text};
use crate::alerting::{repository, yaml};

/// The dashboard, type and title of each panel, and the names of its thresholds in ascending order.
pub const THRESHOLDS: [(&str, &str, &str, &[&str]); 9] = [
    (
        "qlara-exporter",
        "stat",
        "Age of data",
        &["data_age_seconds"],
    ),
    (
        "qlara-exporter",
        "stat",
        "Quota left",
        &["quota_left_ratio"],
    ),
    (
        "qlara-exporter",
        "timeseries",
        "Age of data",
        &["data_age_seconds"],
    ),
    (
        "qlara-exporter",
        "timeseries",
        "Error ratio",
        &["error_ratio"],
    ),
    (
        "qlara-exporter",
        "timeseries",
        "Latency",
        &["latency_seconds"],
    ),
    (
        "qlara-profiles",
        "stat",
        "Age of data",
        &["data_age_seconds"],
    ),
    ("qlara-profiles", "stat", "Next expiry", &TOKENS),
    ("qlara-profiles", "timeseries", "Time to expiry", &TOKENS),
    (
        "qlara-profiles",
        "bargauge",
        "Time since last activity: $platform",
        &["inactive_seconds"],
    ),
];

pub const TOKENS: [&str; 3] = [
    "token_imminent_seconds",
    "token_near_seconds",
    "token_overdue_seconds",
];

/// The value of the rule `qlara:threshold` with this name, from an expression such as `vector(2 * 86400)`.
fn threshold(name: &str) -> f64 {
    let rules = yaml(&repository("alerts/qlara.rules.yml"));
    let mut rules = list(&rules["groups"][0]["rules"]).iter();
    let rule = rules.find(|rule| rule["labels"]["threshold"] == name);
    let expression = text(&rule.unwrap_or_else(|| panic!("no threshold {name}"))["expr"]);
    let factors = expression
        .strip_prefix("vector(")
        .and_then(|rest| rest.strip_suffix(')'));
    let factors = factors.expect("a vector").split(" * ");
    let factors = factors.map(|factor| factor.parse::<f64>().expect("a number"));
    factors.product()
}

/// The values of the steps; the grey and the first one are no thresholds.
fn steps(thresholds: &Value) -> Vec<f64> {
    let steps = list(&thresholds["steps"]).iter();
    let steps = steps.filter_map(|step| step["value"].as_f64());
    steps.filter(|value| *value > 0.0).collect()
}

fn thresholds(names: &[&str]) -> Vec<f64> {
    names.iter().map(|name| threshold(name)).collect()
}

#[test]
fn panels_have_the_thresholds_of_the_alerts() {
    for (name, kind, title, names) in THRESHOLDS {
        let dashboard = dashboard(name);
        let mut panels = dashboard.data_panels().into_iter();
        let panel = panels.find(|one| one["type"] == kind && one["title"] == title);
        let panel = panel.unwrap_or_else(|| panic!("no {kind} {title}"));
        let shown = steps(&panel["fieldConfig"]["defaults"]["thresholds"]);
        assert_eq!(shown, thresholds(names), "{name}: {title}");
    }
    let profiles = dashboard("qlara-profiles");
    let mut panels = profiles.data_panels().into_iter();
    let table = panels.find(|panel| panel["title"] == "Profiles by urgency");
    let column = overridden(table.expect("a table"), "Token ends in", "thresholds");
    assert_eq!(steps(column), thresholds(&TOKENS));
}

/// A critical alert is red, a warning orange: below 12 hours and below 2 days.
#[test]
fn colours_of_token_expiry_follow_the_severity() {
    let dashboard = dashboard("qlara-profiles");
    let mut panels = dashboard.data_panels().into_iter();
    let panel = panels.find(|panel| panel["title"] == "Time to expiry");
    let steps = &panel.expect("a panel")["fieldConfig"]["defaults"]["thresholds"]["steps"];
    let colours = list(steps).iter().map(|step| name_of(text(&step["color"])));
    let colours: Vec<&str> = colours.collect();
    assert_eq!(colours, ["red", "orange", "yellow", "transparent"]);
}
