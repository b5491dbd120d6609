//! The expected series of given entries, computed from their meaning with simpler code than the exporter's.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::entries::{Entry, Given};
use crate::any_bytes::parser::Series;

/// Settings of the exporter's configuration.
pub const MOST_PROFILES: usize = 6;
pub const EXPECTED: [(&str, &str); 2] = [("facebook", "a"), ("whatsapp", "never\"listed")];

const STATUSES: [&str; 5] = [
    "CONNECTED",
    "TOKEN_EXPIRING",
    "TOKEN_EXPIRED",
    "DISCONNECTED",
    "UNKNOWN",
];

const FIELDS: [&str; 13] = [
    "total",
    "name",
    "status",
    "tokenExpiresAt",
    "connectedAt",
    "phoneNumber",
    "pageId",
    "category",
    "permissions",
    "lastActivityAt",
    "username",
    "disconnected",
    "linkedAccounts",
];

/// The series of one account.
pub struct Expected<'a> {
    account: &'a str,
    pub series: BTreeMap<Series, f64>,
}

/// Every series that follows from the responses, as of `now`, the time of the refresh.
pub fn expected<'a>(
    account: &'a str,
    entries: &[Option<Entry>],
    total: &Given<u64>,
    now: DateTime<Utc>,
) -> Expected<'a> {
    let mut all = Expected {
        account,
        series: BTreeMap::new(),
    };
    all.add("qlara_up", &[], 1.0);
    // A total that is not a number is not shown, but may still show that the list is partial.
    let stated = total.json.as_ref().and_then(|total| match total {
        Value::String(text) => text.parse().ok(),
        total => total.as_u64(),
    });
    let is_incomplete = stated.is_some_and(|total: u64| total > entries.len() as u64);
    all.add(
        "qlara_list_complete",
        &[],
        f64::from(u8::from(!is_incomplete)),
    );
    if let Some(schema) = schema(entries) {
        all.add("qlara_gateway_schema_info", &[("schema", schema)], 1.0);
    }
    let read_at = now.timestamp_millis() as f64 / 1000.0;
    all.add("qlara_last_refresh_success_timestamp_seconds", &[], read_at);
    if let Some(total) = total.meant {
        all.add("qlara_profiles_reported", &[], total as f64);
    }
    let (mut shown, mut listed) = (Vec::new(), BTreeSet::new());
    let (mut invalid, mut duplicate, mut limit) = (0, 0, 0);
    for entry in entries {
        let Some((identity, entry)) = entry
            .as_ref()
            .and_then(|entry| Some((entry.identity()?, entry)))
        else {
            invalid += 1;
            continue;
        };
        listed.insert(identity);
        if shown.iter().any(|(shown, _)| *shown == identity) {
            duplicate += 1;
        } else if shown.len() == MOST_PROFILES {
            limit += 1;
        } else {
            shown.push((identity, entry));
        }
    }
    for (reason, count) in [
        ("invalid", invalid),
        ("duplicate", duplicate),
        ("limit", limit),
    ] {
        all.add(
            "qlara_profiles_dropped",
            &[("reason", reason)],
            f64::from(count),
        );
    }
    for (platform, id) in EXPECTED {
        let present = listed.contains(&(platform, id));
        let labels = [("platform", platform), ("profile", id)];
        // An incomplete list shows nothing about profiles that it does not contain.
        if present || !is_incomplete {
            all.add("qlara_expected_profile_present", &labels, present.into());
        }
    }
    let platforms: BTreeSet<&str> = shown.iter().map(|((platform, _), _)| *platform).collect();
    for platform in &platforms {
        all.add("qlara_details_up", &[("platform", platform)], 1.0);
        all.add(
            "qlara_details_blocked_by_token",
            &[("platform", platform)],
            0.0,
        );
        all.add("qlara_details_complete", &[("platform", platform)], 1.0);
    }
    for platform in platforms
        .iter()
        .copied()
        .chain(["facebook", "instagram", "whatsapp"])
    {
        let count = shown
            .iter()
            .filter(|((other, _), _)| *other == platform)
            .count();
        all.add("qlara_profiles", &[("platform", platform)], count as f64);
    }
    for ((platform, id), entry) in &shown {
        all.profile(platform, id, entry, now.timestamp());
    }
    all.invalid_fields(entries, total, &platforms);
    all
}

/// The API schema that the fields of all entries follow, including entries that are not profiles.
fn schema(entries: &[Option<Entry>]) -> Option<&'static str> {
    let is_stated = |json: &Option<Value>| json.as_ref().is_some_and(|json| !json.is_null());
    let entries = || entries.iter().flatten();
    let uc_017 = entries().any(|entry| {
        // A non-empty text, or a number without a sign.
        let has_id = entry.id.json.as_ref().is_some_and(|id| match id {
            Value::String(id) => !id.is_empty(),
            id => id.as_f64().is_some_and(|id| id >= 0.0),
        });
        is_stated(&entry.status.json)
            || entry.token_expires_at.meant.is_some()
            || entry.token_expires_at.invalid
            || (has_id && entry.dialect.documents_id())
    });
    let reference = entries().any(|entry| {
        is_stated(&entry.username.json)
            || is_stated(&entry.disconnected.json)
            || is_stated(&entry.linked_accounts.json)
    });
    match (uc_017, reference) {
        (true, true) => Some("mixed"),
        (true, false) => Some("uc-017"),
        (false, true) => Some("reference"),
        (false, false) => None,
    }
}

/// Whether a list is readable: it has no entries, or at least one profile.
pub fn is_readable(entries: &[Option<Entry>]) -> bool {
    let mut profiles = entries.iter().flatten().filter_map(Entry::identity);
    entries.is_empty() || profiles.next().is_some()
}

impl Entry {
    fn identity(&self) -> Option<(&str, &str)> {
        let id = self.id.meant.as_deref().or(self.username.meant.as_deref());
        Some((self.platform.meant.as_deref()?, id?))
    }

    /// A documented word, or else the flag.
    fn state(&self) -> &'static str {
        let word = self.status.meant.as_deref().unwrap_or_default();
        let documented = STATUSES[..4].iter().find(|status| **status == word);
        match (documented, self.disconnected.meant) {
            (Some(word), _) => word,
            (None, Some(true)) => "DISCONNECTED",
            (None, Some(false)) => "CONNECTED",
            (None, None) => "UNKNOWN",
        }
    }

    fn is_without_state(&self) -> bool {
        let absent = |json: &Option<Value>| json.as_ref().is_none_or(Value::is_null);
        absent(&self.status.json) && absent(&self.disconnected.json)
    }

    /// The flag is not read if the status is a documented word.
    fn has_invalid_flag(&self) -> bool {
        let word = self.status.meant.as_deref().unwrap_or_default();
        self.disconnected.invalid && !STATUSES[..4].contains(&word)
    }
}

impl Expected<'_> {
    fn add(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let account = [("account", self.account)];
        let labels = labels.iter().chain(&account);
        let labels = labels.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.series
            .insert((name.to_owned(), labels.collect()), value);
    }

    fn profile(&mut self, platform: &str, id: &str, entry: &Entry, now: i64) {
        let own = [("platform", platform), ("profile", id)];
        let with = |more: &[(&'static str, &str)]| -> Vec<(&str, String)> {
            let all = own.iter().chain(more);
            all.map(|(name, value)| (*name, (*value).to_owned()))
                .collect()
        };
        let mut add = |name: &str, labels: Vec<(&str, String)>, value: f64| {
            let labels: Vec<_> = labels
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            self.add(name, &labels, value);
        };
        let name = entry.name.meant.as_deref().unwrap_or_default();
        let mut names = with(&[("name", name)]);
        for (label, given) in [
            ("username", &entry.username),
            ("category", &entry.category),
            ("page_id", &entry.page_id),
            ("phone_number", &entry.phone_number),
        ] {
            names.extend(given.meant.clone().map(|text| (label, text)));
        }
        add("qlara_profile_info", names, 1.0);
        let word = entry.state();
        for status in STATUSES {
            add(
                "qlara_profile_status",
                with(&[("status", status)]),
                (status == word).into(),
            );
        }
        for (name, moment) in [
            (
                "qlara_token_expiry_timestamp_seconds",
                &entry.token_expires_at,
            ),
            (
                "qlara_profile_connected_timestamp_seconds",
                &entry.connected_at,
            ),
            (
                "qlara_profile_last_activity_timestamp_seconds",
                &entry.last_activity_at,
            ),
        ] {
            if let Some(millis) = moment.meant {
                add(name, with(&[]), millis as f64 / 1000.0);
            }
        }
        if let Some(millis) = entry.token_expires_at.meant {
            let left = millis.div_euclid(1000) - now;
            add("qlara_token_seconds_to_expiry", with(&[]), left as f64);
        }
        if let Some(count) = entry.linked_accounts.meant {
            add("qlara_profile_linked_accounts", with(&[]), count as f64);
            let json = entry.linked_accounts.json.as_ref();
            for account in json.and_then(Value::as_array).into_iter().flatten() {
                let id = account["id"].to_string();
                let labels = with(&[("linked_account", &*id)]);
                add("qlara_linked_account_info", labels, 1.0);
            }
        }
        let Some(granted) = &entry.permissions.meant else {
            return;
        };
        let required: &[&str] = match platform {
            "facebook" => &["pages_messaging", "pages_read_engagement"],
            "instagram" => &["instagram_basic", "instagram_manage_messages"],
            _ => &[],
        };
        let missing = required
            .iter()
            .filter(|name| !granted.contains(**name))
            .map(|name| (*name, 0.0));
        for (permission, value) in missing.chain(granted.iter().map(|name| (name.as_str(), 1.0))) {
            add(
                "qlara_profile_permission_granted",
                with(&[("permission", permission)]),
                value,
            );
        }
    }

    /// The invalid fields that one refresh counts: the list's fields of all its profiles, and the details' fields
    /// of the platforms whose details are requested.
    fn invalid_fields(
        &mut self,
        entries: &[Option<Entry>],
        total: &Given<u64>,
        asked: &BTreeSet<&str>,
    ) {
        let mut counts = BTreeMap::from(FIELDS.map(|field| (field, 0)));
        counts.insert("total", total.invalid.into());
        for entry in entries.iter().flatten() {
            let Some((platform, _)) = entry.identity() else {
                continue;
            };
            let listed = [
                ("name", entry.name.invalid),
                ("status", entry.status.invalid || entry.is_without_state()),
                ("disconnected", entry.has_invalid_flag()),
                ("username", entry.username.invalid),
                ("linkedAccounts", entry.linked_accounts.invalid),
                ("tokenExpiresAt", entry.token_expires_at.invalid),
                ("connectedAt", entry.connected_at.invalid),
                ("phoneNumber", entry.phone_number.invalid),
            ];
            let detailed = [
                ("linkedAccounts", entry.linked_accounts.invalid),
                ("pageId", entry.page_id.invalid),
                ("category", entry.category.invalid),
                ("permissions", entry.permissions.invalid),
                ("lastActivityAt", entry.last_activity_at.invalid),
            ];
            let detailed =
                detailed.map(|(field, invalid)| (field, invalid && asked.contains(platform)));
            for (field, invalid) in listed.into_iter().chain(detailed) {
                *counts.entry(field).or_default() += u32::from(invalid);
            }
        }
        for (field, count) in counts {
            let labels = [("field", field)];
            self.add(
                "qlara_gateway_invalid_fields_total",
                &labels,
                f64::from(count),
            );
        }
    }
}
