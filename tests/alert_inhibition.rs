//! Which alerts are silent while another one fires. The expectations are those of people who receive alerts;
//! `alerts_live` shows that Alertmanager does what its configuration says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::alert_routes::{Labels, configuration, list, matches};
use crate::alerting::{alerts, scope_labels, text};

/// An alert about something of the given names.
fn labels_of(name: &str, alert: &Value) -> Labels {
    let mut labels = Labels::from([
        ("alertname".to_owned(), name.to_owned()),
        (
            "severity".to_owned(),
            text(&alert["labels"], "severity").to_owned(),
        ),
        (
            "scope".to_owned(),
            text(&alert["labels"], "scope").to_owned(),
        ),
    ]);
    for label in scope_labels(alert) {
        labels.insert((*label).to_owned(), "the same".to_owned());
    }
    labels
}

fn is_silent_while(configuration: &Value, target: &Labels, source: &Labels) -> bool {
    let mut rules = list(configuration, "inhibit_rules");
    rules.any(|rule| {
        matches(rule, "source_matchers", source)
            && matches(rule, "target_matchers", target)
            && list(rule, "equal").all(|label| {
                let label = label.as_str().expect("a label");
                source.get(label) == target.get(label)
            })
    })
}

/// Alerts that are silent while one of the others tells the same people all that they would. All alerts of an account are
/// silent while `QlaraAccountRemoved` fires.
const SILENT_WHILE: [(&str, &[&str]); 28] = [
    // The key explains why the list or the details cannot be read.
    ("QlaraGatewayUnreachable", &["key rejected for the list"]),
    (
        "QlaraDetailsUnavailable",
        &[
            "key rejected for the list",
            "key rejected for details",
            "QlaraGatewayRateLimited",
            "QlaraGatewayUnreachable",
        ],
    ),
    (
        "QlaraDetailsIncomplete",
        &[
            "key rejected for the list",
            "key rejected for details",
            "QlaraGatewayUnreachable",
        ],
    ),
    (
        "QlaraDataStale",
        &["key rejected for the list", "QlaraGatewayUnreachable"],
    ),
    // The gateway that cannot be read explains these, and leaves nothing to do about them.
    ("QlaraGatewayErrorRatioHigh", &["QlaraGatewayUnreachable"]),
    ("QlaraGatewayLatencyHigh", &["QlaraGatewayUnreachable"]),
    ("QlaraListIncomplete", &["QlaraGatewayUnreachable"]),
    ("QlaraExpectedProfileMissing", &["QlaraGatewayUnreachable"]),
    ("QlaraProfileNotExpected", &["QlaraGatewayUnreachable"]),
    ("QlaraPlatformDegraded", &["QlaraGatewayUnreachable"]),
    ("QlaraPlatformRefreshFailing", &["QlaraGatewayUnreachable"]),
    ("QlaraProfileGivenUp", &["QlaraGatewayUnreachable"]),
    // The stronger of two alerts about one thing.
    ("QlaraGatewayQuotaLow", &["QlaraGatewayRateLimited"]),
    ("QlaraGatewayRateLimited", &["QlaraGatewayUnreachable"]),
    ("QlaraNoProfiles", &["QlaraProfilesVanished"]),
    (
        "QlaraProfileDisappeared",
        &[
            "QlaraExpectedProfileMissing",
            "QlaraProfileFailedWithPlatform",
        ],
    ),
    // A token that has expired or soon will: nobody needs a second reason to reconnect the profile.
    (
        "QlaraTokenExpired",
        &["QlaraProfileGivenUp", "QlaraProfileFailedWithPlatform"],
    ),
    (
        "QlaraTokenExpiryImminent",
        &[
            "QlaraTokenExpired",
            "QlaraProfileGivenUp",
            "QlaraProfileDisconnected",
        ],
    ),
    (
        "QlaraTokenExpiryNear",
        &[
            "QlaraTokenExpired",
            "QlaraTokenExpiryImminent",
            "QlaraProfileGivenUp",
            "QlaraProfileDisconnected",
        ],
    ),
    (
        "QlaraTokenRefreshFailed",
        &[
            "QlaraTokenExpired",
            "QlaraTokenExpiryImminent",
            "QlaraTokenExpiryNear",
            "QlaraProfileGivenUp",
            "QlaraProfileDisconnected",
            "QlaraPlatformRefreshFailing",
            "QlaraGatewayUnreachable",
        ],
    ),
    (
        "QlaraTokenRefreshOverdue",
        &[
            "QlaraTokenExpired",
            "QlaraTokenExpiryImminent",
            "QlaraTokenExpiryNear",
            "QlaraTokenRefreshFailed",
            "QlaraProfileGivenUp",
            "QlaraPlatformRefreshFailing",
            "QlaraGatewayUnreachable",
        ],
    ),
    (
        "QlaraTokenExpiryUnknown",
        &[
            "QlaraTokenExpired",
            "QlaraProfileGivenUp",
            "QlaraGatewayUnreachable",
        ],
    ),
    // A profile that cannot send.
    (
        "QlaraProfileDisconnected",
        &[
            "QlaraTokenExpired",
            "QlaraProfileGivenUp",
            "QlaraProfileFailedWithPlatform",
            "QlaraGatewayUnreachable",
        ],
    ),
    (
        "QlaraProfileFlapping",
        &[
            "QlaraTokenExpired",
            "QlaraProfileGivenUp",
            "QlaraProfileDisconnected",
            "QlaraProfileFailedWithPlatform",
            "QlaraGatewayUnreachable",
        ],
    ),
    (
        "QlaraProfileStatusUnknown",
        &["QlaraProfileFailedWithPlatform", "QlaraGatewayUnreachable"],
    ),
    (
        "QlaraSendPermissionMissing",
        &[
            "QlaraTokenExpired",
            "QlaraProfileDisconnected",
            "QlaraProfileGivenUp",
            "QlaraGatewayUnreachable",
        ],
    ),
    (
        "QlaraProfilePermissionMissing",
        &[
            "QlaraTokenExpired",
            "QlaraProfileGivenUp",
            "QlaraSendPermissionMissing",
            "QlaraGatewayUnreachable",
        ],
    ),
    (
        "QlaraProfileInactive",
        &[
            "QlaraTokenExpired",
            "QlaraProfileGivenUp",
            "QlaraSendPermissionMissing",
            "QlaraGatewayUnreachable",
        ],
    ),
];

#[test]
fn alerts_are_silent_only_while_another_one_tells_the_same() {
    let (alerts, configuration) = (alerts(), configuration());
    let mut sources: BTreeMap<&str, Labels> = BTreeMap::new();
    for (name, alert) in &alerts {
        sources.insert(name, labels_of(name, alert));
    }
    let key = sources
        .remove("QlaraGatewayCredentialsRefused")
        .expect("an alert");
    for (source, endpoint) in [
        ("key rejected for the list", "socials"),
        ("key rejected for details", "platform"),
    ] {
        let mut labels = key.clone();
        labels.insert("endpoint".to_owned(), endpoint.to_owned());
        sources.insert(source, labels);
    }
    let expected: BTreeMap<&str, BTreeSet<&str>> = SILENT_WHILE
        .iter()
        .map(|(name, silent)| (*name, silent.iter().copied().collect()))
        .collect();
    for (name, alert) in &alerts {
        let target = labels_of(name, alert);
        let found: BTreeSet<&str> = sources
            .iter()
            .filter(|(_, source)| is_silent_while(&configuration, &target, source))
            .map(|(name, _)| *name)
            .collect();
        let mut silent = expected.get(name.as_str()).cloned().unwrap_or_default();
        if target["scope"] != "exporter"
            && !["QlaraAccountRemoved", "QlaraProfileFailedWithPlatform"].contains(&name.as_str())
        {
            silent.insert("QlaraAccountRemoved");
        }
        assert_eq!(found, silent, "{name}");
    }
}
