//! Answers as JSON values, for `explain`. [`super::model`] reads them for the metrics.

use serde_json::Value;

use super::entry::Entry;
use super::envelope::for_each_entry;
use super::field_names::FieldNames;
use super::fields::Schema;
use super::invalid::InvalidResponse;
use super::model::text;
use super::paging::Paging;
use super::sent_secret::SentSecret;

/// An answer as JSON.
#[derive(Debug)]
pub struct Values {
    /// The whole body, where it is JSON.
    pub document: Option<Value>,
    /// The entries in it, where they were found.
    pub entries: Result<Vec<Value>, InvalidResponse>,
    /// What the answer says of further pages.
    pub paging: Paging,
    /// The description that it follows, where its entries tell.
    pub schema: Option<Schema>,
}

/// Reads a body as JSON.
pub fn read_values(body: &[u8], names: &FieldNames) -> Values {
    let mut values = Values {
        document: None,
        entries: Ok(Vec::new()),
        paging: Paging::default(),
        schema: None,
    };
    let text = match text(body) {
        Ok(text) => text,
        Err(error) => {
            values.entries = Err(error);
            return values;
        }
    };
    let (mut entries, mut schema, sent) = (Vec::new(), None, SentSecret::default());
    let envelope = for_each_entry(&text, |raw| {
        let entry = Entry::read(raw, names, &sent).and_then(|entry| entry.schema());
        schema = [schema, entry].into_iter().flatten().reduce(Schema::and);
        entries.push(serde_json::from_str(raw.get()).unwrap_or(Value::Null));
    });
    values.document = serde_json::from_str(&text).ok();
    values.schema = schema;
    values.entries = envelope.map(|envelope| {
        values.paging = envelope.paging;
        entries
    });
    values
}
