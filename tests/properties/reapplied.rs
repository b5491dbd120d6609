//! New rules applied to a cached snapshot have the same result as a refresh with these rules.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use qlara_exporter::gateway::warnings::ParseWarnings;
use qlara_exporter::gateway::{Paging, SentSecret};
use qlara_exporter::refresh::details::read_details;
use qlara_exporter::refresh::list::read_list;
use qlara_exporter::refresh::{
    Claim, Draft, PhoneNumber, Rules, Shares, TokensWithoutExpiry, drop_excess_profiles,
};
use qlara_exporter::snapshot::{ReadAt, Snapshot};
use serde_json::{Value, json};

use super::cases;

const PLATFORMS: [&str; 3] = ["facebook", "instagram", "whatsapp"];
const IDS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const PERMISSIONS: [&str; 3] = ["read", "write", "pay"];
/// From the least to the most private setting.
const NUMBERS: [PhoneNumber; 3] = [PhoneNumber::Show, PhoneNumber::Mask, PhoneNumber::Omit];
const NO_LIMIT: u64 = u64::MAX;

/// A list and the details of every platform in it. List and details have the same entries.
#[derive(Debug)]
struct Responses {
    entries: Vec<Value>,
    further: u64,
}

fn identity() -> impl Strategy<Value = (String, String)> {
    let names = |names: &'static [&'static str]| select(names).prop_map(str::to_owned);
    (names(&PLATFORMS), names(&IDS))
}

fn permissions() -> impl Strategy<Value = Vec<String>> {
    subsequence(PERMISSIONS.to_vec(), 0..=3)
        .prop_map(|permissions| permissions.into_iter().map(str::to_owned).collect())
}

fn entry() -> impl Strategy<Value = Value> {
    let number = option::of(select(vec!["+39 123 456", "7", "+1 (555) 0199"]));
    let linked = option::of(vec(0..100_u64, 0..4));
    (identity(), number, option::of(permissions()), linked).prop_map(
        |((platform, id), number, permissions, linked)| {
            json!({"platform": platform, "profileId": id, "name": "n", "status": "CONNECTED",
                "phoneNumber": number, "permissions": permissions, "linkedAccounts": linked})
        },
    )
}

fn responses() -> impl Strategy<Value = Responses> {
    let further = prop_oneof![3 => Just(0), 1 => Just(1_u64)];
    (vec(entry(), 0..12), further).prop_map(|(entries, further)| Responses { entries, further })
}

fn rules(
    phone_number: impl Strategy<Value = PhoneNumber>,
    profiles: std::ops::Range<usize>,
) -> impl Strategy<Value = Rules> {
    let required = vec(permissions(), 3).prop_map(|all| {
        let platforms = PLATFORMS.iter().map(|platform| (*platform).to_owned());
        platforms.zip(all).collect()
    });
    let expected = vec(identity(), 0..8);
    (required, expected, without_expiry(), phone_number, profiles).prop_map(
        |(required_permissions, expected, without_expiry, phone_number, max_profiles)| Rules {
            required_permissions,
            expected,
            without_expiry,
            phone_number,
            max_profiles,
            ..Rules::default()
        },
    )
}

/// Single profiles and whole platforms.
fn without_expiry() -> impl Strategy<Value = TokensWithoutExpiry> {
    vec((identity(), any::<bool>()), 0..4).prop_map(|entries| {
        let mut tokens = TokensWithoutExpiry::default();
        for ((platform, id), is_profile) in entries {
            tokens.insert(platform, is_profile.then_some(id));
        }
        tokens
    })
}

/// Parses as a refresh does.
fn read(responses: &Responses, rules: &Rules, read_at: ReadAt, exposition_bytes: u64) -> Snapshot {
    let (sent, mut warnings) = (SentSecret::api_key("a key"), ParseWarnings::default());
    let Responses { entries, further } = responses;
    let total = entries.len() as u64 + further;
    let list = json!({"profiles": entries, "total": total}).to_string();
    let whole = Paging::default();
    let (list, wall) = (list.as_bytes(), read_at.wall);
    // The size of the whole snapshot is limited at the end, as for a cached snapshot.
    let mut claim = claim(NO_LIMIT);
    let snapshot = read_list(list, whole, rules, &sent, wall, &mut warnings, &mut claim);
    let snapshot = snapshot.expect("a good list");
    let mut draft = Draft { snapshot, claim };
    for platform in draft.snapshot.details.clone().into_keys() {
        let own = entries.iter().filter(|entry| entry["platform"] == platform);
        let own = json!({"profiles": own.collect::<Vec<_>>()}).to_string();
        let of = (&*platform, read_at);
        let own = own.as_bytes();
        let joined = read_details(own, whole, of, rules, &sent, &mut warnings, &mut draft);
        joined.expect("good details");
    }
    let mut snapshot = draft.snapshot;
    drop_excess_profiles(&mut snapshot, &mut self::claim(exposition_bytes));
    snapshot
}

/// The claim of a single account with this limit.
fn claim(exposition_bytes: u64) -> Claim {
    Arc::new(Shares::new(exposition_bytes, 1)).share().claim()
}

/// Both counts together: the reason of a dropped profile is unknown afterwards.
fn with_one_reason(mut snapshot: Snapshot) -> Snapshot {
    snapshot.dropped.limit += std::mem::take(&mut snapshot.dropped.duplicate);
    snapshot
}

/// `meant`, without what the cached snapshot `known` does not contain: it dropped profiles, and did not look for
/// this one.
fn as_far_as_known(mut meant: Snapshot, known: &Snapshot) -> Snapshot {
    for meant in &mut meant.expected {
        let identity = (&meant.platform, &meant.id);
        let looked = known.expected.iter();
        let mut looked = looked.map(|it| (&it.platform, &it.id));
        let mut kept = known.profiles.iter().map(|it| (&it.platform, &it.id));
        let is_known = looked.any(|it| it == identity) || kept.any(|it| it == identity);
        if known.dropped.limit > 0 && !is_known {
            meant.present = None;
        }
    }
    meant
}

fn moment() -> ReadAt {
    ReadAt {
        wall: DateTime::<Utc>::from_timestamp(1_775_822_400, 0).expect("a moment"),
        monotonic: Instant::now(),
    }
}

/// Two sets of rules; the second one needs no data that the first one omits.
fn stricter() -> impl Strategy<Value = (Rules, Rules)> {
    let numbers = (0..3_usize).prop_flat_map(|before| (Just(before), before..3));
    let profiles = (0..14_usize).prop_flat_map(|before| (Just(before), 0..=before));
    (numbers, profiles).prop_flat_map(|((before, after), (most, fewer))| {
        (
            rules(Just(NUMBERS[before]), most..most + 1),
            rules(Just(NUMBERS[after]), fewer..fewer + 1),
        )
    })
}

proptest! {
    #![proptest_config(cases(1000))]

    /// [reapplied-rules]
    #[test]
    fn reapplied_rules_equal_a_refresh_under_them(
        responses in responses(),
        (before, after) in stricter(),
        exposition_bytes in prop_oneof![Just(NO_LIMIT), 0..20_000_u64],
    ) {
        let at = moment();
        let known = read(&responses, &before, at, NO_LIMIT);
        let found = after.reapplied(&known, &before, &mut claim(exposition_bytes));
        let mut meant = as_far_as_known(read(&responses, &after, at, exposition_bytes), &known);
        if known.dropped.limit > 0 || after.max_profiles < known.profiles.len() {
            // It is not known whose linked accounts were omitted.
            meant.linked_accounts_dropped = found.linked_accounts_dropped;
        }
        prop_assert_eq!(with_one_reason(found), with_one_reason(meant));
    }

    /// [reapplied-rules]
    #[test]
    fn data_dropped_by_former_rules_stays_unknown(
        responses in responses(),
        before in rules(select(NUMBERS.to_vec()), 0..4),
        after in rules(select(NUMBERS.to_vec()), 0..14),
    ) {
        let known = read(&responses, &before, moment(), NO_LIMIT);
        let found = after.reapplied(&known, &before, &mut claim(NO_LIMIT));
        let kept = known.profiles.len().min(after.max_profiles);
        prop_assert_eq!(found.profiles.len(), kept);
        let dropped = known.profiles.len() - kept;
        prop_assert_eq!(found.dropped.limit, known.dropped.limit + dropped as u64);
        for (found, known) in found.profiles.iter().zip(&known.profiles) {
            let hides = |rules: &Rules| rules.phone_number != PhoneNumber::Show;
            let number = found.phone_number.as_ref();
            prop_assert!(!hides(&after) || number.is_none_or(|it| !it.contains("123")));
            prop_assert!(!hides(&before) || hides(&after) || number.is_none());
            prop_assert!(number.is_none() || known.phone_number.is_some());
        }
    }
}
