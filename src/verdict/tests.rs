//! Tests that the alert rules and the verdicts agree.

use chrono::TimeDelta;
use serde_json::Value;

use super::{
    Cause, Cost, Finding, GIVEN_UP_AFTER, OLD_AFTER, REFRESH_OVERDUE, Severity, Thresholds, Unread,
};

const RULES: &str = include_str!("../../alerts/qlara.rules.yml");

fn rules() -> Vec<Value> {
    let file: Value = serde_saphyr::from_str(RULES).expect("YAML");
    file["groups"][0]["rules"]
        .as_array()
        .expect("rules")
        .clone()
}

/// The value of `vector(2 * 86400)`.
fn threshold(name: &str) -> u64 {
    let rules = rules();
    let rule = rules
        .iter()
        .find(|rule| rule["labels"]["threshold"] == name)
        .expect("a threshold");
    let expression = rule["expr"].as_str().expect("an expression");
    let product = expression
        .strip_prefix("vector(")
        .and_then(|rest| rest.strip_suffix(')'));
    let factors = product.expect("a constant").split(" * ");
    factors
        .map(|factor| factor.parse::<u64>().expect("a number"))
        .product()
}

fn severity(alert: &str) -> String {
    let rules = rules();
    let rule = rules
        .iter()
        .find(|rule| rule["alert"] == alert)
        .unwrap_or_else(|| panic!("no {alert}"));
    rule["labels"]["severity"]
        .as_str()
        .expect("a severity")
        .to_owned()
}

#[test]
fn thresholds_of_alerts_and_verdicts_agree() {
    let defaults = Thresholds::default();
    assert_eq!(threshold("token_near_seconds"), defaults.critical.as_secs());
    assert_eq!(
        threshold("token_overdue_seconds"),
        REFRESH_OVERDUE.as_secs()
    );
    assert_eq!(threshold("given_up_seconds"), GIVEN_UP_AFTER.as_secs());
    assert_eq!(threshold("data_age_seconds"), OLD_AFTER.as_secs());
    assert_eq!(
        defaults.warning.as_secs(),
        7 * 86_400,
        "when the gateway refreshes a token"
    );
}

#[test]
fn severities_of_alerts_and_findings_agree() {
    let time = TimeDelta::hours(1);
    let findings = [
        Finding::TokenExpired(None),
        Finding::TokenEndImminent(time),
        Finding::TokenEndsSoon(time),
        Finding::RefreshFailed,
        Finding::RefreshOverdue,
        Finding::TokenEndUnknown,
        Finding::Disconnected(Cause::Provider),
        Finding::StatusUnknown,
        Finding::PermissionMissing("pages_messaging".to_owned()),
        Finding::PermissionMissing("pages_read_engagement".to_owned()),
        Finding::PermissionMissing("ads_read".to_owned()),
        Finding::Missing,
        Finding::NotExpected,
    ];
    for finding in [
        Finding::PermissionsUnknown(Unread::Omitted),
        Finding::DataOld(time),
        Finding::ExpectedUnread,
    ] {
        let alert = finding.alert().expect("an alert");
        assert_eq!(severity(alert), "warning", "{alert}");
        assert_eq!(finding.severity(), Severity::NotChecked);
    }
    assert_eq!(findings[8].severity(), Severity::Critical);
    for finding in findings {
        match finding.alert() {
            Some(alert) => assert_eq!(severity(alert), finding.severity().as_str(), "{alert}"),
            None => assert_eq!(finding.severity(), Severity::Warning),
        }
    }
    // Notes of `check` about whole accounts.
    for alert in [
        "QlaraListIncomplete",
        "QlaraNoProfiles",
        "QlaraProfilesDropped",
    ] {
        assert_eq!(severity(alert), "warning", "{alert}");
    }
}

#[test]
fn missing_permission_has_the_same_severity_everywhere() {
    let dashboard = include_str!("../../dashboards/qlara-profiles.json");
    let mut to_send = Vec::new();
    for permission in [
        "pages_messaging",
        "instagram_basic",
        "instagram_manage_messages",
        "pages_read_engagement",
    ] {
        let purpose = match Cost::of_missing(permission) {
            Cost::CannotSend => {
                to_send.push(permission);
                "to send"
            }
            Cost::CannotReadMetrics => {
                let words = format!(
                    "eq $labels.permission \"{permission}\" }}}}its statistics cannot be read"
                );
                assert!(RULES.contains(&words), "{words}");
                "to read metrics"
            }
            Cost::Unknown => panic!("{permission} has no known purpose"),
        };
        let column = format!("\"{permission}\": \"{permission} ({purpose})\"");
        assert!(dashboard.contains(&column), "{column}");
    }
    // One alert is about these permissions, the other about all others.
    for operator in ["=~", "!~"] {
        let all = RULES.matches(&format!("{{permission{operator}")).count();
        let matcher = format!("{{permission{operator}\"{}\"}}", to_send.join("|"));
        assert!(all > 0, "{matcher}");
        assert_eq!(RULES.matches(&matcher).count(), all, "{matcher}");
    }
    assert_eq!(Cost::of_missing("ads_read"), Cost::Unknown);
}
