//! The envelopes of successful answers.

use clap::ValueEnum;
use serde_json::{Value, json};

use super::schema::Object;

/// The envelope of successful answers; errors keep theirs.
///
/// | envelope | the list | details have |
/// | --- | --- | --- |
/// | `profiles` | `{"profiles": […], "total": N}` | `platform` instead of `total` |
/// | `socials` | `{"socials": […], "total": N}` | `platform` instead of `total` |
/// | `jsend` | `{"status": "success", "data": {"profiles": […], "total": N}}` | `platform` instead of `total` |
/// | `jsend-array` | `{"status": "success", "data": […]}` | the same |
/// | `array` | `[…]` | the same |
///
/// If a page size leaves entries out, objects have `"hasMore": true` beside the entries, and
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

/// A page of entries, and what an envelope may say about them.
#[derive(Debug)]
pub(super) struct Page {
    pub entries: Vec<Value>,
    /// Whether entries are missing.
    pub is_cut: bool,
    /// How many entries there are on all pages.
    pub total: Value,
    /// `None` for the list.
    pub platform: Option<String>,
    /// Further keys, which envelopes that are objects show.
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

/// An object with the entries under this key.
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
    /// The further keys, and `hasMore` when entries are missing and no further key says it already.
    fn keys_beside(&self) -> Object {
        let mut keys = self.further.clone();
        if self.is_cut {
            keys.entry("hasMore").or_insert(Value::Bool(true));
        }
        keys
    }
}
