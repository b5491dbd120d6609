//! Any bytes as gateway responses: the exposition is well-formed and complete, and decompresses to the plain one.

use std::convert::Infallible;
use std::io::Read;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use exporter_toolkit::content_encoding::Encoding;
use exporter_toolkit::metrics_format::Format;
use exporter_toolkit::shared_text::SharedTexts;
use qlara_exporter::explain::{ExplainFormat, Explanation};
use qlara_exporter::exposition::{AccountView, Representation, ResponseCache, SnapshotText};
use qlara_exporter::gateway::field_names::{FieldNames, FieldPaths};
use qlara_exporter::gateway::fields::Field;
use qlara_exporter::gateway::warnings::ParseWarnings;
use qlara_exporter::gateway::{Paging, SentSecret};
use qlara_exporter::refresh::details::read_details;
use qlara_exporter::refresh::list::read_list;
use qlara_exporter::refresh::{Claim, Draft, PhoneNumber, Rules, Shares};
use qlara_exporter::snapshot::{ReadAt, Snapshot};

use super::open_metrics::text_of_gauges;
use super::parser::parse;

/// Profiles whose details are requested; the second one has a name that needs every escape.
const LISTED: &str = r#"{"profiles": [
    {"platform": "facebook", "profileId": "a", "name": "A", "status": "CONNECTED"},
    {"platform": "facebook", "profileId": "\"\\\n\r", "name": "\"\\\n\r", "status": "?"},
    {"platform": "instagram", "profileId": "a", "name": "", "status": "TOKEN_EXPIRED"}
]}"#;

/// Any bytes as the response to `GET /socials`, for the metrics and for `explain`.
pub fn list(bytes: &[u8]) {
    explain(bytes);
    let (sent, mut warnings) = (SentSecret::api_key("an API key"), ParseWarnings::default());
    let read = read_list(
        bytes,
        Paging::default(),
        &rules(),
        &sent,
        now(),
        &mut warnings,
        &mut claim(),
    );
    assert!(warnings.unknown_statuses.len() <= 100);
    if let Ok(snapshot) = read {
        check(&snapshot);
    }
    let rules = Rules {
        names: Arc::new(names()),
        ..rules()
    };
    if let Ok(snapshot) = read_list(
        bytes,
        Paging::default(),
        &rules,
        &sent,
        now(),
        &mut warnings,
        &mut claim(),
    ) {
        check(&snapshot);
    }
}

/// Any bytes as the response to `GET /socials/{platform}`.
pub fn details(bytes: &[u8]) {
    explain(bytes);
    let (rules, mut warnings) = (rules(), ParseWarnings::default());
    let sent = SentSecret::basic("user", "a password");
    let whole = Paging::default();
    let mut claim = claim();
    let listed = read_list(
        LISTED.as_bytes(),
        whole,
        &rules,
        &sent,
        now(),
        &mut warnings,
        &mut claim,
    );
    let mut draft = Draft {
        snapshot: listed.expect("a good list"),
        claim,
    };
    let read_at = ReadAt {
        wall: now(),
        monotonic: Instant::now(),
    };
    for platform in ["facebook", "instagram"] {
        let of = (platform, read_at);
        let joined = read_details(bytes, whole, of, &rules, &sent, &mut warnings, &mut draft);
        if joined.is_err() {
            return;
        }
    }
    check(&draft.snapshot);
}

fn claim() -> Claim {
    Arc::new(Shares::new(u64::MAX, 1)).share().claim()
}

/// Every response can be explained, as text and as JSON.
fn explain(bytes: &[u8]) {
    let explanation = Explanation::of_saved("answer", bytes, &FieldNames::default());
    for format in [ExplainFormat::Text, ExplainFormat::Json] {
        let mut out = Vec::new();
        explanation.write(format, &mut out).expect("written");
        assert!(String::from_utf8(out).is_ok_and(|text| !text.is_empty()));
    }
}

/// Usual field names, and names that map to other fields.
fn names() -> FieldNames {
    let path = |text: &str| text.split('.').map(str::to_owned).collect();
    FieldNames::new(&FieldPaths::from([
        (Field::Name, path("name.first")),
        (Field::Category, path("name")),
    ]))
}

fn rules() -> Rules {
    Rules {
        required_permissions: [("facebook".to_owned(), vec!["pages_messaging".to_owned()])].into(),
        expected: vec![("facebook".to_owned(), "a".to_owned())],
        phone_number: PhoneNumber::Mask,
        max_profiles: 20,
        ..Rules::default()
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_775_822_400, 0).expect("a moment")
}

/// The exposition of a snapshot, with and without an account name.
fn check(snapshot: &Snapshot) {
    for account in [None, Some("a\"\\\n")] {
        let text = SnapshotText::render(snapshot, account, &SharedTexts::default());
        let view = AccountView {
            account: account.map(Arc::from),
            revision: 1,
            up: Some(true),
            read_at: Some(snapshot.read_at),
            refresh_took: None,
            snapshot: Some(Arc::new(text)),
        };
        let text = exposed(view);
        let series = parse(&text).unwrap_or_else(|error| panic!("{error}"));
        for profile in &snapshot.profiles {
            let details = profile.details.as_ref();
            let info = series.keys().filter(|(name, labels)| {
                name == "qlara_profile_info"
                    && labels["platform"] == shown(&profile.platform)
                    && labels["profile"] == shown(&profile.id)
                    && labels["name"] == shown(&profile.name)
                    && labels.get("username").cloned() == profile.username.as_deref().map(shown)
                    && labels.get("category").cloned()
                        == details.and_then(|it| it.category.as_deref()).map(shown)
                    && labels.get("page_id").cloned()
                        == details.and_then(|it| it.page_id.as_deref()).map(shown)
                    && labels.get("phone_number").cloned()
                        == profile.phone_number.as_deref().map(shown)
                    && labels.get("account").map(String::as_str) == account
            });
            assert_eq!(info.count(), 1, "{profile:?} in {text}");
        }
    }
}

/// The text as a label value: line separators other than the line feed become spaces.
fn shown(text: &str) -> String {
    let separators = [
        '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{1f}', '\u{85}', '\u{2028}',
        '\u{2029}',
    ];
    text.replace(separators, " ")
}

/// The response to a scrape, which is the same in OpenMetrics.
fn exposed(view: AccountView) -> String {
    let (page, texts) = (ResponseCache::default(), SharedTexts::default());
    let [text, open_metrics] =
        [Format::Text, Format::OpenMetrics].map(|format| exposed_as(format, &view, &page, &texts));
    let same = text_of_gauges(&open_metrics).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(same, text);
    text
}

/// The response in a format, which is the same when it is compressed.
fn exposed_as(
    format: Format,
    view: &AccountView,
    page: &ResponseCache,
    texts: &SharedTexts,
) -> String {
    let [plain, gzip] = [Encoding::Plain, Encoding::Gzip].map(|encoding| {
        let own = || Ok::<_, Infallible>(Bytes::new());
        let wanted = Representation { format, encoding };
        let body = page.expose(&[view], now(), own, wanted, texts);
        body.expect("nothing can fail").chunks().concat()
    });
    let mut unpacked = Vec::new();
    let mut decoder = flate2::bufread::GzDecoder::new(&gzip[..]);
    decoder.read_to_end(&mut unpacked).expect("gzip");
    assert!(decoder.into_inner().is_empty() && unpacked == plain);
    String::from_utf8(plain).expect("UTF-8")
}
