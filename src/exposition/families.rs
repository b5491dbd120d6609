//! The table of the accounts' metric families: name, help, and source of the samples.

use std::collections::BTreeMap;

use super::account_view::AccountView;
use super::text::{Lines, SampleValue};
use crate::gateway::model::{DOCUMENTED_PLATFORMS, Status};
use crate::snapshot::{Profile, Snapshot};

/// A metric family of an account. All families are gauges.
#[derive(Debug)]
pub struct Family {
    /// The metric's name.
    pub name: &'static str,
    /// The HELP text.
    pub help: &'static str,
    pub(super) source: Source,
}

/// The source of a family's samples, which decides when they are rendered.
#[derive(Debug)]
pub(super) enum Source {
    /// The account's state, rendered once a second.
    Account(fn(&AccountView) -> Option<SampleValue>),
    /// The snapshot as a whole, rendered once per refresh.
    Snapshot(fn(&Snapshot, &mut Lines)),
    /// Each profile, with its labels `platform` and `profile`, rendered once per refresh.
    Profile(fn(&Profile, &mut Lines)),
    /// The time left of each token, rendered once a second.
    Countdown,
}

/// All families, in the order of the exposition.
pub const FAMILIES: &[Family] = &[
    Family {
        name: "qlara_up",
        help: "Whether the latest refresh read the list of profiles.",
        source: Source::Account(|view| view.up.map(SampleValue::from)),
    },
    Family {
        name: "qlara_last_refresh_success_timestamp_seconds",
        help: "Unix time at which the last good data was read from the gateway.",
        source: Source::Account(|view| view.read_at.map(SampleValue::Timestamp)),
    },
    Family {
        name: "qlara_refresh_duration_seconds",
        help: "How long the latest refresh took, the list and all details together.",
        source: Source::Account(|view| view.refresh_took.map(SampleValue::Duration)),
    },
    Family {
        name: "qlara_details_up",
        help: "Whether the latest details call for the platform was answered.",
        source: Source::Snapshot(|snapshot, lines| {
            for (platform, details) in &snapshot.details {
                lines.sample(&[("platform", platform)], details.up.into());
            }
        }),
    },
    Family {
        name: "qlara_details_blocked_by_token",
        help: "1 if the latest details call for the platform answered 503 while a token of the platform had expired, as the API announces it.",
        source: Source::Snapshot(|snapshot, lines| {
            for (platform, details) in &snapshot.details {
                let is_blocked = details.is_blocked_by_token;
                lines.sample(&[("platform", platform)], is_blocked.into());
            }
        }),
    },
    Family {
        name: "qlara_details_complete",
        help: "1 unless the gateway says that the platform has more details than it answered with; absent if they cannot be read.",
        source: Source::Snapshot(|snapshot, lines| {
            let up = snapshot.details.iter().filter(|(_, details)| details.up);
            for (platform, details) in up {
                let is_complete = !details.is_incomplete;
                lines.sample(&[("platform", platform)], is_complete.into());
            }
        }),
    },
    Family {
        name: "qlara_list_complete",
        help: "1 unless the gateway says that the list has more profiles.",
        source: Source::Snapshot(|snapshot, lines| {
            lines.sample(&[], snapshot.is_complete.into());
        }),
    },
    Family {
        name: "qlara_gateway_schema_info",
        help: "The description of the API that the list of profiles follows, always 1.",
        source: Source::Snapshot(|snapshot, lines| {
            if let Some(schema) = snapshot.schema {
                lines.sample(&[("schema", schema.as_str())], SampleValue::Integer(1));
            }
        }),
    },
    Family {
        name: "qlara_profiles",
        help: "Connected profiles of the platform.",
        source: Source::Snapshot(write_profiles_per_platform),
    },
    Family {
        name: "qlara_profiles_reported",
        help: "Profiles in total, as the gateway states it.",
        source: Source::Snapshot(|snapshot, lines| {
            if let Some(total) = snapshot.reported {
                lines.sample(&[], SampleValue::Integer(total));
            }
        }),
    },
    Family {
        name: "qlara_profiles_dropped",
        help: "Entries of the gateway's list that are not shown, by reason.",
        source: Source::Snapshot(|snapshot, lines| {
            let dropped = snapshot.dropped;
            lines.sample(
                &[("reason", "duplicate")],
                SampleValue::Integer(dropped.duplicate),
            );
            lines.sample(
                &[("reason", "invalid")],
                SampleValue::Integer(dropped.invalid),
            );
            lines.sample(&[("reason", "limit")], SampleValue::Integer(dropped.limit));
        }),
    },
    Family {
        name: "qlara_expected_profile_present",
        help: "Whether the gateway lists a profile that the configuration expects.",
        source: Source::Snapshot(|snapshot, lines| {
            for expected in &snapshot.expected {
                let labels = [
                    ("platform", expected.platform.as_str()),
                    ("profile", expected.id.as_str()),
                ];
                if let Some(present) = expected.present {
                    lines.sample(&labels, present.into());
                }
            }
        }),
    },
    Family {
        name: "qlara_profile_info",
        help: "Human names of the profile, always 1.",
        source: Source::Profile(write_info),
    },
    Family {
        name: "qlara_profile_status",
        help: "Connection state of the profile: 1 for the state it is in, 0 for the others.",
        source: Source::Profile(|profile, lines| {
            for status in Status::ALL {
                let labels = [("status", status.as_str())];
                lines.sample(&labels, (status == profile.status).into());
            }
        }),
    },
    Family {
        name: "qlara_profile_state_since_timestamp_seconds",
        help: "Unix time at which the exporter observed the change of the profile to its state; absent until it observes one.",
        source: Source::Profile(|profile, lines| {
            if let Some(moment) = profile.state_since {
                lines.sample(&[], SampleValue::Timestamp(moment));
            }
        }),
    },
    Family {
        name: "qlara_token_expiry_timestamp_seconds",
        help: "Unix time at which the OAuth token of the profile ends.",
        source: Source::Profile(|profile, lines| {
            if let Some(moment) = profile.token_expires_at {
                lines.sample(&[], SampleValue::Timestamp(moment.to_utc()));
            }
        }),
    },
    Family {
        name: COUNTDOWN,
        help: "Whole seconds until the OAuth token of the profile ends, as of this scrape; negative once it has ended.",
        source: Source::Countdown,
    },
    Family {
        name: "qlara_token_never_expires",
        help: "1 for a profile whose token never expires, as the configuration states it.",
        source: Source::Profile(|profile, lines| {
            if profile.never_expires {
                lines.sample(&[], SampleValue::Integer(1));
            }
        }),
    },
    Family {
        name: "qlara_profile_connected_timestamp_seconds",
        help: "Unix time at which the profile was connected.",
        source: Source::Profile(|profile, lines| {
            if let Some(moment) = profile.connected_at {
                lines.sample(&[], SampleValue::Timestamp(moment));
            }
        }),
    },
    Family {
        name: "qlara_profile_last_activity_timestamp_seconds",
        help: "Unix time of the last activity of the profile.",
        source: Source::Profile(|profile, lines| {
            if let Some(moment) = profile.last_activity_at() {
                lines.sample(&[], SampleValue::Timestamp(moment));
            }
        }),
    },
    Family {
        name: "qlara_profile_permission_granted",
        help: "Whether the OAuth permission is granted: 0 for one that is required and missing.",
        source: Source::Profile(|profile, lines| {
            for (permission, granted) in profile.permissions() {
                lines.sample(&[("permission", permission)], granted.into());
            }
        }),
    },
    Family {
        name: "qlara_profile_linked_accounts",
        help: "Pages or sub-accounts that are linked to the profile.",
        source: Source::Profile(|profile, lines| {
            if let Some(count) = profile.linked_count() {
                lines.sample(&[], SampleValue::Integer(count));
            }
        }),
    },
    Family {
        name: "qlara_linked_account_info",
        help: "A page or sub-account that is linked to the profile, always 1.",
        source: Source::Profile(write_linked_accounts),
    },
];

/// The name of the only family whose samples change every second.
pub(super) const COUNTDOWN: &str = "qlara_token_seconds_to_expiry";

fn write_profiles_per_platform(snapshot: &Snapshot, lines: &mut Lines) {
    let mut counts: BTreeMap<&str, u64> = DOCUMENTED_PLATFORMS
        .into_iter()
        .map(|platform| (platform, 0))
        .collect();
    for profile in &snapshot.profiles {
        *counts.entry(&profile.platform).or_default() += 1;
    }
    for (platform, count) in counts {
        lines.sample(&[("platform", platform)], SampleValue::Integer(count));
    }
}

fn write_info(profile: &Profile, lines: &mut Lines) {
    let details = profile.details.as_ref();
    let optional = [
        ("name", Some(&profile.name)),
        ("username", profile.username.as_ref()),
        ("category", details.and_then(|it| it.category.as_ref())),
        ("page_id", details.and_then(|it| it.page_id.as_ref())),
        ("phone_number", profile.phone_number.as_ref()),
    ];
    let labels: Vec<(&str, &str)> = optional
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.as_str())))
        .collect();
    lines.sample(&labels, SampleValue::Integer(1));
}

fn write_linked_accounts(profile: &Profile, lines: &mut Lines) {
    for account in profile.linked_accounts() {
        let mut labels = vec![("linked_account", account.id.as_str())];
        labels.extend(account.name.as_deref().map(|name| ("name", name)));
        lines.sample(&labels, SampleValue::Integer(1));
    }
}
