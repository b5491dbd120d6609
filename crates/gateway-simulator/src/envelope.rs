//! The envelopes of successful answers.

use clap::ValueEnum;
use serde_json::{Value, json};

use super::profile::Object;

/// The envelope of successful answers. Errors keep their documented envelope.
///
/// | envelope | the list | details have |
/// | --- | --- | --- |
/// | `profiles` | `{"profiles": […], "total": N}` | `platform` instead of `total` |
/// | `socials` | `{"socials": […], "total": N}` | `platform` instead of `total` |
/// | `jsend` | `{"status": "success", "data": {"profiles": […], "total": N}}` | `platform` instead of `total` |
/// | `jsend-array` | `{"status": "success", "data": […]}` | the same |
/// | `array` | `[…]` | the same |
///
/// If the page size truncates the entries, objects have `"hasMore": true` beside the entries, and
/// `jsend-array` also has `total`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Envelope {
    #[default]
    Profiles,
    Socials,
    Jsend,
    JsendArray,
    Array,
}

/// A page of entries, with the data for the other keys of an envelope.
#[derive(Debug)]
pub(super) struct Page {
    pub entries: Vec<Value>,
    /// Whether the page size truncated the entries.
    pub is_cut: bool,
    /// The number of entries on all pages.
    pub total: Value,
    /// `None` for the list.
    pub platform: Option<String>,
    /// Additional keys for envelopes that are objects.
    pub further: Object,
}

impl Envelope {
    /// The body of an answer.
    pub(super) fn wrap(self, page: Page) -> Value {
        match self {
            Envelope::Profiles => named("profiles", page),
            Envelope::Socials => named("socials", page),
            Envelope::Jsend => json!({ "status": "success", "data": named("profiles", page) }),
            Envelope::JsendArray => jsend_array(page),
            Envelope::Array => Value::Array(page.entries),
        }
    }
}

/// An object that holds the entries under this key.
fn named(key: &str, page: Page) -> Value {
    let mut object = page.keys_beside();
    match page.platform {
        Some(platform) => object.insert("platform".to_owned(), json!(platform)),
        None => object.insert("total".to_owned(), page.total),
    };
    object.insert(key.to_owned(), Value::Array(page.entries));
    Value::Object(object)
}

fn jsend_array(page: Page) -> Value {
    let mut object = page.keys_beside();
    if page.is_cut {
        object.insert("total".to_owned(), page.total);
    }
    object.insert("status".to_owned(), json!("success"));
    object.insert("data".to_owned(), Value::Array(page.entries));
    Value::Object(object)
}

impl Page {
    /// The additional keys, and `hasMore` if the entries are truncated and it is not among these keys.
    fn keys_beside(&self) -> Object {
        let mut keys = self.further.clone();
        if self.is_cut {
            keys.entry("hasMore").or_insert(Value::Bool(true));
        }
        keys
    }
}
