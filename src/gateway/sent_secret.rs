//! The secret that a call sent to the gateway, and whether an answer repeats it: a proxy may echo the
//! request, and what it echoes must not become a label.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;

use super::model::{KNOWN_PLATFORMS, Status};

/// A secret of this many bytes is found within a longer text. A shorter one is found only where it is
/// the whole text: any text may contain the key "a". It is the shortest password that NIST lets people
/// choose (SP 800-63B, section 5.1.1.1).
const SHORTEST_PART: usize = 8;

/// How deep JSON is searched: the deepest text that is shown is a field of an object in an array.
const DEPTH: usize = 3;

/// The secret of one call, in every spelling in which an answer may repeat it. The default is no secret.
#[derive(Debug, Clone, Default)]
pub struct SentSecret {
    spellings: Arc<[SecretString]>,
}

impl SentSecret {
    /// An API key, which is sent as it is.
    pub fn api_key(key: &str) -> SentSecret {
        SentSecret::spelled([key.to_owned()])
    }

    /// A password, which is sent with the user name in Base64 (RFC 7617). The padding does not count.
    pub fn basic(username: &str, password: &str) -> SentSecret {
        let pair = format!("{username}:{password}");
        SentSecret::spelled([
            password.to_owned(),
            BASE64_STANDARD_NO_PAD.encode(&pair),
            BASE64_URL_SAFE_NO_PAD.encode(&pair),
        ])
    }

    fn spelled(spellings: impl IntoIterator<Item = String>) -> SentSecret {
        let spellings = spellings.into_iter().filter(|text| !is_public_word(text));
        SentSecret {
            spellings: spellings.map(SecretString::from).collect(),
        }
    }

    /// Whether a text repeats the secret, percent-encoded or not. Case does not matter: header values
    /// and host names may have been lowercased.
    pub fn is_repeated_in(&self, text: &str) -> bool {
        let decoded = text
            .contains('%')
            .then(|| percent_decode_str(text).decode_utf8_lossy());
        let is_in = |text: &str| {
            let mut spellings = self.spellings.iter();
            spellings.any(|secret| repeats(text, secret.expose_secret()))
        };
        is_in(text) || decoded.is_some_and(|decoded| is_in(&decoded))
    }

    /// An object, which is read as no field, in place of a value in which a text or a number repeats the
    /// secret.
    pub(super) fn spoil(&self, raw: &RawValue) -> Option<&'static RawValue> {
        let is_repeated = !self.spellings.is_empty() && self.is_within(raw, DEPTH);
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

fn repeats(text: &str, secret: &str) -> bool {
    let (text, secret) = (text.as_bytes(), secret.as_bytes());
    match secret.len() < SHORTEST_PART {
        true => text.trim_ascii().eq_ignore_ascii_case(secret),
        false => {
            let mut parts = text.windows(secret.len());
            parts.any(|part| part.eq_ignore_ascii_case(secret))
        }
    }
}

/// A word of the API's documentation gives nothing away, and a password like "facebook" must not hide
/// every profile of Facebook.
fn is_public_word(text: &str) -> bool {
    let statuses = Status::ALL.map(Status::as_str);
    let mut words = KNOWN_PLATFORMS.into_iter().chain(statuses);
    words.any(|word| word.eq_ignore_ascii_case(text))
}
