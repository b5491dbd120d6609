//! The secret of a request, and the check whether the response repeats it. A proxy may echo the request, and the secret
//! must not become a label.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use html_escape::decode_html_entities;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;

use super::model::{KNOWN_PLATFORMS, Status};

/// Secrets of at least this many bytes are found within a longer text. Shorter ones are found only if they are the
/// whole text, because any text may contain the key "a". NIST requires passwords of this length (SP 800-63B, section
/// 5.1.1.1).
const MIN_SUBSTRING_BYTES: usize = 8;

/// Layers of encoding that are removed. The error page of a proxy escapes a URL that is already encoded.
const MAX_ENCODINGS: usize = 3;

/// Depth to which JSON is searched. The deepest text that is shown is a field of an object in an array.
const MAX_DEPTH: usize = 3;

/// The secret of one request, in every form in which a response may repeat it. The default is no secret.
#[derive(Debug, Clone, Default)]
pub struct SentSecret {
    forms: Arc<[SecretString]>,
}

impl SentSecret {
    /// An API key, which is sent without encoding.
    pub fn api_key(key: &str) -> SentSecret {
        SentSecret::new([key.to_owned()])
    }

    /// A password, which is sent together with the user name in Base64 (RFC 7617). Padding is ignored.
    pub fn basic(username: &str, password: &str) -> SentSecret {
        let pair = format!("{username}:{password}");
        SentSecret::new([
            password.to_owned(),
            BASE64_STANDARD_NO_PAD.encode(&pair),
            BASE64_URL_SAFE_NO_PAD.encode(&pair),
        ])
    }

    fn new(forms: impl IntoIterator<Item = String>) -> SentSecret {
        let forms = forms.into_iter().filter(|text| !is_public_word(text));
        SentSecret {
            forms: forms.map(SecretString::from).collect(),
        }
    }

    /// Whether a text repeats the secret, perhaps with up to three layers of percent-encoding and HTML entities. Case
    /// does not matter, because header values and host names may have been lowercased.
    pub fn is_repeated_in(&self, text: &str) -> bool {
        let mut text = Cow::Borrowed(text);
        for _ in 0..MAX_ENCODINGS {
            if self.is_literally_in(&text) {
                return true;
            }
            match decoded(&text) {
                Some(decoded) => text = Cow::Owned(decoded),
                None => return false,
            }
        }
        self.is_literally_in(&text)
    }

    fn is_literally_in(&self, text: &str) -> bool {
        let mut forms = self.forms.iter();
        forms.any(|secret| repeats(text, secret.expose_secret()))
    }

    /// The replacement for a value that repeats the secret in a text or a number: an object, which is invalid for every
    /// field. `None` if the value does not repeat the secret.
    pub(super) fn replacement(&self, raw: &RawValue) -> Option<&'static RawValue> {
        let is_repeated = !self.forms.is_empty() && self.is_within(raw, MAX_DEPTH);
        is_repeated.then(|| serde_json::from_str("{}").unwrap_or(RawValue::NULL))
    }

    fn is_within(&self, raw: &RawValue, depth: usize) -> bool {
        let json = raw.get();
        match json.as_bytes() {
            [b'"', text @ .., b'"'] if !text.contains(&b'\\') => {
                self.is_repeated_in(&json[1..json.len() - 1])
            }
            [b'"', ..] => {
                let text = serde_json::from_str::<String>(json);
                text.is_ok_and(|text| self.is_repeated_in(&text))
            }
            [b'[' | b'{', ..] if depth == 0 => false,
            [b'[', ..] => {
                let elements = serde_json::from_str::<Vec<&RawValue>>(json).unwrap_or_default();
                elements
                    .into_iter()
                    .any(|raw| self.is_within(raw, depth - 1))
            }
            [b'{', ..] => {
                let fields = serde_json::from_str::<BTreeMap<String, &RawValue>>(json);
                let mut values = fields.unwrap_or_default().into_values();
                values.any(|raw| self.is_within(raw, depth - 1))
            }
            _ => self.is_repeated_in(json),
        }
    }
}

/// Removes one layer of percent-encoding and HTML entities; `None` if the text has neither.
fn decoded(text: &str) -> Option<String> {
    if !text.contains(['%', '&']) {
        return None;
    }
    let without_percent = percent_decode_str(text).decode_utf8_lossy();
    let decoded = decode_html_entities(&without_percent);
    (decoded != text).then(|| decoded.into_owned())
}

fn repeats(text: &str, secret: &str) -> bool {
    let (text, secret) = (text.as_bytes(), secret.as_bytes());
    match secret.len() < MIN_SUBSTRING_BYTES {
        true => text.trim_ascii().eq_ignore_ascii_case(secret),
        false => {
            let mut substrings = text.windows(secret.len());
            substrings.any(|substring| substring.eq_ignore_ascii_case(secret))
        }
    }
}

/// Whether a text is a value of the API's documentation. A password like "facebook" must not hide every profile of
/// Facebook.
fn is_public_word(text: &str) -> bool {
    let statuses = Status::ALL.map(Status::as_str);
    let mut words = KNOWN_PLATFORMS.into_iter().chain(statuses);
    words.any(|word| word.eq_ignore_ascii_case(text))
}
