//! Entries of gateway responses as JSON, with their expected meaning.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, SecondsFormat};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Characters that some parsers take for the end of a line. The exporter replaces them by spaces in labels.
pub const SEPARATORS: [char; 10] = [
    '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{1f}', '\u{85}', '\u{2028}',
    '\u{2029}',
];

/// A field of an entry.
#[derive(Debug, Clone)]
pub struct Given<T> {
    /// The value in JSON; `None` if the field is absent.
    pub json: Option<Value>,
    /// The expected value; `None` if there is none to show.
    pub meant: Option<T>,
    /// Whether the field counts as invalid.
    pub invalid: bool,
}

/// An entry of the list, including the fields of its details.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The names of its fields.
    pub dialect: Dialect,
    /// The JSON value; `None` if the entry is not a profile.
    pub platform: Given<String>,
    pub id: Given<String>,
    pub username: Given<String>,
    pub name: Given<String>,
    /// A documented status, or another word.
    pub status: Given<String>,
    pub disconnected: Given<bool>,
    pub linked_accounts: Given<u64>,
    /// Dates in milliseconds since 1970.
    pub token_expires_at: Given<i64>,
    pub connected_at: Given<i64>,
    pub phone_number: Given<String>,
    pub page_id: Given<String>,
    pub category: Given<String>,
    pub permissions: Given<BTreeSet<String>>,
    pub last_activity_at: Given<i64>,
}

/// The naming convention of the fields.
#[derive(Debug, Clone, Copy)]
pub enum Dialect {
    /// The names of UC-017.
    Uc017,
    /// The names that the reference page suggests.
    Reference,
    /// The names that the reference page suggests, in another case style.
    SnakeCase,
}

impl Dialect {
    fn names(self) -> [&'static str; 4] {
        match self {
            Dialect::Uc017 => ["profileId", "name", "connectedAt", "linkedAccounts"],
            Dialect::Reference => ["id", "profileName", "connectionDate", "subAccountsCount"],
            Dialect::SnakeCase => ["ID", "profile_name", "connection_date", "linked_pages"],
        }
    }

    /// Whether the identifier has the name that only UC-017 uses.
    pub fn documents_id(self) -> bool {
        matches!(self, Dialect::Uc017)
    }
}

impl Entry {
    pub fn json(&self) -> Value {
        let [id, name, connected_at, linked_accounts] = self.dialect.names();
        let fields = [
            ("platform", &self.platform.json),
            (id, &self.id.json),
            ("username", &self.username.json),
            (name, &self.name.json),
            ("status", &self.status.json),
            ("disconnected", &self.disconnected.json),
            (linked_accounts, &self.linked_accounts.json),
            ("tokenExpiresAt", &self.token_expires_at.json),
            (connected_at, &self.connected_at.json),
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
    let dialects = vec![Dialect::Uc017, Dialect::Reference, Dialect::SnakeCase];
    let identity = (
        prop::sample::select(dialects),
        platform_name(),
        identifier(id()),
        username(),
    );
    let listed = (
        text(true),
        given(status(), no_text(), false),
        given(flag(), no_flag(), false),
        given(count(), no_count(), false),
        moment(false),
        moment(true),
        text(false),
    );
    let detailed = (text_or_digits(), text(false), permissions(), moment(false));
    (identity, listed, detailed).prop_map(|(identity, listed, detailed)| Entry {
        dialect: identity.0,
        platform: identity.1,
        id: identity.2,
        username: identity.3,
        name: listed.0,
        status: listed.1,
        disconnected: listed.2,
        linked_accounts: listed.3,
        token_expires_at: listed.4,
        connected_at: listed.5,
        phone_number: listed.6,
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

/// Text with everything that a writer of labels has to escape.
pub fn odd_text(length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let sharp = prop::sample::select(vec!['"', '\\', '\n', '\r', '{', '}', ',', '=', '#', ' ']);
    let char = prop_oneof![2 => sharp, 2 => any::<char>(), 1 => prop::char::range('a', 'z')];
    vec(char, length).prop_map(String::from_iter)
}

/// A value that is often valid, and sometimes invalid, `null` or absent. For a `required` field, the latter two
/// count as invalid.
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

/// A value that is neither a text nor digits of a number.
fn no_identifier() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(-5),
        json!(0.5),
        json!([]),
        json!({}),
        json!(false),
    ])
}

fn digits() -> impl Strategy<Value = (Value, String)> {
    any::<u64>().prop_map(|number| (json!(number), number.to_string()))
}

fn flag() -> impl Strategy<Value = (Value, bool)> {
    any::<bool>().prop_flat_map(|flag| {
        let ways = vec![json!(flag), json!(flag.to_string()), json!(u8::from(flag))];
        prop::sample::select(ways).prop_map(move |json| (json, flag))
    })
}

fn no_flag() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![json!(5), json!([]), json!("no"), json!("")])
}

/// A number, or a list with that many linked accounts.
fn count() -> impl Strategy<Value = (Value, u64)> {
    prop_oneof![
        any::<u64>().prop_map(|count| (json!(count), count)),
        // One account per profile stays within the limit.
        (0..2_u64).prop_map(|count| {
            let accounts: Vec<Value> = (0..count).map(|id| json!({"id": id})).collect();
            (json!(accounts), count)
        }),
    ]
}

fn no_count() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![json!(-1), json!(0.5), json!("1"), json!({})])
}

fn text_or_digits() -> impl Strategy<Value = Given<String>> {
    let good = prop_oneof![odd_text(0..12).prop_map(as_json), digits()];
    given(good, no_identifier(), false)
}

/// A small set of usernames, so that there are duplicates; an empty one counts as absent.
fn username() -> impl Strategy<Value = Given<String>> {
    let few = prop::sample::select(vec!["u".to_owned(), "v\"\n".to_owned()]);
    let good = prop_oneof![2 => few.prop_map(as_json), 1 => digits()];
    given(good, no_identifier(), false)
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
    let broken = prop_oneof![
        3 => no_identifier(),
        1 => Just(json!("")),
        1 => Just(json!("x".repeat(257)))
    ];
    let odd = prop_oneof![odd_text(1..4).prop_map(as_json), digits()];
    prop_oneof![3 => always(good), 1 => given(odd, broken, true)]
}

fn always(good: impl Strategy<Value = String>) -> impl Strategy<Value = Given<String>> {
    good.prop_map(as_json).prop_map(|(json, meant)| Given {
        json: Some(json),
        meant: Some(meant),
        invalid: false,
    })
}

/// A number is not valid.
fn platform_name() -> impl Strategy<Value = Given<String>> {
    let long = Just(json!("x".repeat(257)));
    let broken = prop_oneof![3 => no_text(), 1 => Just(json!("")), 1 => long];
    let odd = odd_text(1..4).prop_filter("no segment of a path, no line separator", |name| {
        !matches!(&**name, "." | "..") && !name.contains(SEPARATORS)
    });
    prop_oneof![
        3 => always(platform()),
        1 => given(odd.prop_map(as_json), broken, true),
    ]
}

/// A small set of identifiers, so that there are duplicates.
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
    // From 1970 to 9999, whatever the current time is.
    let seconds = prop_oneof![day..4_000_000_000, day..253_402_300_800 - day];
    let millis = prop_oneof![Just(0), 0..1000_i64];
    let good = (seconds, millis, -14 * 60..=14 * 60).prop_map(|(seconds, millis, minutes)| {
        let millis = seconds * 1000 + millis;
        let offset = FixedOffset::east_opt(minutes * 60).expect("an offset");
        let moment = DateTime::from_timestamp_millis(millis).expect("a moment");
        let text = moment.with_timezone(&offset);
        let text = text.to_rfc3339_opts(SecondsFormat::Millis, true);
        (text, millis)
    });
    let spelled = (good, 0..4_u8).prop_map(|((text, millis), way)| {
        let json = match way {
            0 => json!(text),
            1 => json!(text.replacen('T', " ", 1)),
            // An offset without a colon.
            2 if !text.ends_with('Z') => json!(format!("{}{}", &text[..26], &text[27..])),
            // In seconds it would be after 9999.
            _ if millis >= 253_402_300_800 => json!(millis),
            _ => json!(millis as f64 / 1000.0),
        };
        (json, millis)
    });
    let words = [
        " soon ",
        "soon",
        "2026-02-30T00:00:00Z",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00.000",
        "1969-12-31T23:59:59.999Z",
        "10000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
    ];
    let words = prop::sample::select(words.map(|word| json!(word)).to_vec());
    let numbers = vec![
        json!(-5),
        json!(1e17),
        json!([]),
        json!({"a": 1}),
        json!(false),
    ];
    let broken = prop_oneof![words, prop::sample::select(numbers).boxed()];
    // A zero date counts as absent.
    let zeros = [
        json!(0),
        json!(""),
        json!("0001-01-01T00:00:00Z"),
        json!("1970-01-01 01:00:00+01"),
    ];
    let zero = prop::sample::select(zeros.to_vec()).prop_map(move |zero| Given {
        json: Some(zero),
        meant: None,
        invalid: required,
    });
    prop_oneof![9 => given(spelled, broken, required), 1 => zero]
}

fn permissions() -> impl Strategy<Value = Given<BTreeSet<String>>> {
    let documented = prop::sample::select(vec![
        "pages_messaging".to_owned(),
        "instagram_basic".to_owned(),
    ]);
    let permission = prop_oneof![documented.boxed(), odd_text(1..8).boxed()];
    // A repeated account counts once.
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
