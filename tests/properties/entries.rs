//! Entries of the gateway's answers as JSON, beside what they mean.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, SecondsFormat};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A field of an entry.
#[derive(Debug, Clone)]
pub struct Given<T> {
    /// `None` where it is absent.
    pub json: Option<Value>,
    /// `None` where there is nothing to show.
    pub meant: Option<T>,
    /// Whether it counts as a field that cannot be read.
    pub invalid: bool,
}

/// An entry of the list, which holds what the details say of it, too.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `None` makes the entry no profile.
    pub platform: Given<String>,
    pub id: Given<String>,
    pub name: Given<String>,
    /// A documented word, or any other.
    pub status: Given<String>,
    /// Moments in milliseconds since 1970.
    pub token_expires_at: Given<i64>,
    pub connected_at: Given<i64>,
    pub phone_number: Given<String>,
    pub page_id: Given<String>,
    pub category: Given<String>,
    pub permissions: Given<BTreeSet<String>>,
    pub last_activity_at: Given<i64>,
}

impl Entry {
    pub fn json(&self) -> Value {
        let fields = [
            ("platform", &self.platform.json),
            ("profileId", &self.id.json),
            ("name", &self.name.json),
            ("status", &self.status.json),
            ("tokenExpiresAt", &self.token_expires_at.json),
            ("connectedAt", &self.connected_at.json),
            ("phoneNumber", &self.phone_number.json),
            ("pageId", &self.page_id.json),
            ("category", &self.category.json),
            ("permissions", &self.permissions.json),
            ("lastActivityAt", &self.last_activity_at.json),
        ];
        let fields = fields.into_iter();
        let present = fields.filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        Value::Object(present.collect::<Map<_, _>>())
    }
}

pub fn entry() -> impl Strategy<Value = Entry> {
    let identity = (identifier(platform()), identifier(id()));
    let listed = (
        text(true),
        given(status(), no_text(), true),
        moment(false),
        moment(true),
        text(false),
    );
    let detailed = (text(false), text(false), permissions(), moment(false));
    (identity, listed, detailed).prop_map(|(identity, listed, detailed)| Entry {
        platform: identity.0,
        id: identity.1,
        name: listed.0,
        status: listed.1,
        token_expires_at: listed.2,
        connected_at: listed.3,
        phone_number: listed.4,
        page_id: detailed.0,
        category: detailed.1,
        permissions: detailed.2,
        last_activity_at: detailed.3,
    })
}

/// `total` of the list.
pub fn total() -> impl Strategy<Value = Given<u64>> {
    let good = prop_oneof![0..20_u64, any::<u64>()].prop_map(|total| (json!(total), total));
    let broken = prop::sample::select(vec![json!(-1), json!("1"), json!(1.5), json!([])]);
    given(good, broken, false)
}

/// Text with whatever a writer of labels can stumble over.
pub fn odd_text(length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let sharp = prop::sample::select(vec!['"', '\\', '\n', '\r', '{', '}', ',', '=', '#', ' ']);
    let char = prop_oneof![2 => sharp, 2 => any::<char>(), 1 => prop::char::range('a', 'z')];
    vec(char, length).prop_map(String::from_iter)
}

/// Often good, sometimes broken, `null` or absent, which is as bad as broken for a `required` one.
fn given<T: Clone + std::fmt::Debug + 'static>(
    good: impl Strategy<Value = (Value, T)> + 'static,
    broken: impl Strategy<Value = Value> + 'static,
    required: bool,
) -> impl Strategy<Value = Given<T>> {
    let nothing = move |json, invalid| Given {
        json,
        meant: None,
        invalid,
    };
    prop_oneof![
        8 => good.prop_map(|(json, meant)| Given { json: Some(json), meant: Some(meant), invalid: false }),
        1 => broken.prop_map(move |json| nothing(Some(json), true)),
        1 => Just(nothing(Some(Value::Null), required)),
        1 => Just(nothing(None, required)),
    ]
}

fn as_json(text: String) -> (Value, String) {
    (json!(text), text)
}

fn no_text() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![json!(5), json!([]), json!({"a": 1}), json!(false)])
}

fn text(required: bool) -> impl Strategy<Value = Given<String>> {
    let good = prop_oneof![8 => odd_text(0..12), 1 => Just("é".repeat(512))];
    let long = Just(json!("é".repeat(513)));
    let broken = prop_oneof![3 => no_text(), 1 => long];
    given(good.prop_map(as_json), broken, required)
}

fn identifier(
    good: impl Strategy<Value = String> + 'static,
) -> impl Strategy<Value = Given<String>> {
    let broken =
        prop_oneof![3 => no_text(), 1 => Just(json!("")), 1 => Just(json!("x".repeat(257)))];
    prop_oneof![
        3 => good.prop_map(as_json).prop_map(|(json, meant)| Given {
            json: Some(json),
            meant: Some(meant),
            invalid: false,
        }),
        1 => given(odd_text(1..4).prop_map(as_json), broken, true)
            .prop_filter("no segment of a path", |given| {
                !matches!(given.meant.as_deref(), Some("." | ".."))
            }),
    ]
}

/// Few, so that there are duplicates.
fn platform() -> impl Strategy<Value = String> {
    let names = ["facebook", "instagram", "whatsapp", "a/b?c#%2e \"é\"\n"];
    prop::sample::select(names.map(str::to_owned).to_vec())
}

fn id() -> impl Strategy<Value = String> {
    let few = vec!["a".to_owned(), "b\\\"\n\r".to_owned(), "c".repeat(256)];
    prop_oneof![prop::sample::select(few), odd_text(1..8).boxed()]
}

fn status() -> impl Strategy<Value = (Value, String)> {
    let words = [
        "CONNECTED",
        "TOKEN_EXPIRING",
        "TOKEN_EXPIRED",
        "DISCONNECTED",
    ];
    let known = prop::sample::select(words.map(str::to_owned).to_vec());
    prop_oneof![4 => known, 1 => odd_text(0..12)].prop_map(as_json)
}

fn moment(required: bool) -> impl Strategy<Value = Given<i64>> {
    let day = 86_400_i64;
    // From 1970 to 9999, wherever the clock stands.
    let seconds = prop_oneof![day..4_000_000_000, day..253_402_300_800 - day];
    let millis = prop_oneof![Just(0), 0..1000_i64];
    let good = (seconds, millis, -14 * 60..=14 * 60).prop_map(|(seconds, millis, minutes)| {
        let millis = seconds * 1000 + millis;
        let offset = FixedOffset::east_opt(minutes * 60).expect("an offset");
        let moment = DateTime::from_timestamp_millis(millis).expect("a moment");
        let text = moment.with_timezone(&offset);
        (
            json!(text.to_rfc3339_opts(SecondsFormat::Millis, true)),
            millis,
        )
    });
    let words = [
        "",
        "soon",
        "2026-02-30T00:00:00Z",
        "2026-01-01",
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999Z",
        "10000-01-01T00:00:00Z",
    ];
    let words = prop::sample::select(words.map(|word| json!(word)).to_vec());
    given(good, prop_oneof![words, no_text().boxed()], required)
}

fn permissions() -> impl Strategy<Value = Given<BTreeSet<String>>> {
    let documented = prop::sample::select(vec![
        "pages_messaging".to_owned(),
        "instagram_basic".to_owned(),
    ]);
    let permission = prop_oneof![documented.boxed(), odd_text(1..8).boxed()];
    // The same one twice is one.
    let good = vec(permission, 0..5).prop_map(|list| (json!(list), list.into_iter().collect()));
    let many: Vec<String> = (0..65).map(|number| number.to_string()).collect();
    let broken = vec![
        json!([""]),
        json!(["a", 5]),
        json!(many),
        json!("a"),
        json!({}),
        json!(["x".repeat(257)]),
    ];
    given(good, prop::sample::select(broken), false)
}
