//! Detects from the body and the headers that a response has further pages, so that a partial list is not taken for
//! the whole.
//!
//! The API's documentation does not mention pages. The names are common in other APIs. Like names of fields, they are
//! compared without case, `_` and `-`.

use reqwest::header::{HeaderMap, LINK};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::folded;

/// Names of the number of profiles in the whole list. Only the first is documented.
pub(super) const TOTALS: [&str; 7] = [
    "total",
    "totalcount",
    "totalelements",
    "totalitems",
    "totalresults",
    "totalrecords",
    "count",
];
/// Names of links and cursors to the next page. On the last page they are empty.
const NEXT: [&str; 12] = [
    "next",
    "nextpage",
    "nextpagetoken",
    "nextpageurl",
    "nextpagelink",
    "nextcursor",
    "nexttoken",
    "nexturl",
    "nextlink",
    "nextoffset",
    "continuation",
    "continuationtoken",
];
/// Flags that are true on every page except the last.
const MORE: [&str; 10] = [
    "hasmore",
    "hasnext",
    "hasnextpage",
    "hasmorepages",
    "more",
    "moreavailable",
    "truncated",
    "istruncated",
    "partial",
    "incomplete",
];
/// Flags that are false on every page except the last.
const LAST: [&str; 6] = [
    "last",
    "lastpage",
    "islast",
    "islastpage",
    "complete",
    "iscomplete",
];
/// Names of the number of pages.
const PAGES: [&str; 6] = [
    "totalpages",
    "pagecount",
    "pages",
    "numpages",
    "numberofpages",
    "lastpage",
];
/// Names of objects that contain fields with the names above.
const OBJECTS: [&str; 11] = [
    "pagination",
    "paging",
    "page",
    "pages",
    "pageable",
    "pageinfo",
    "meta",
    "metadata",
    "links",
    "cursor",
    "cursors",
];
/// Depth to which these objects are searched.
const MAX_DEPTH: usize = 3;
/// Maximum length of a field in bytes. Longer fields have another meaning.
const MAX_FIELD_BYTES: usize = 64 * 1024;

/// Whether a field of this name may be about pages.
pub(super) fn is_paging_field(name: &str) -> bool {
    let name = folded(name);
    let all: [&[&str]; 6] = [&TOTALS, &NEXT, &MORE, &LAST, &PAGES, &OBJECTS];
    all.iter().any(|names| names.contains(&&*name))
}

/// Whether a response is one page of a longer list, as far as it tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paging {
    /// The largest reported number of profiles in the whole list.
    pub total: Option<u64>,
    /// Whether there are further pages.
    pub continues: bool,
}

impl Paging {
    /// Whether the list is known to have more than this number of entries.
    pub fn has_more_than(&self, entries: u64) -> bool {
        self.continues || self.total.is_some_and(|total| total > entries)
    }

    /// Combines the paging of headers and body.
    pub fn merge(self, other: Paging) -> Paging {
        Paging {
            total: self.total.max(other.total),
            continues: self.continues || other.continues,
        }
    }

    /// Reads `Link` with `rel="next"` (RFC 8288), and headers that are common in APIs, as `X-Total-Count`,
    /// `X-Next-Page` and `X-Pagination`.
    pub fn from_headers(headers: &HeaderMap) -> Paging {
        let mut paging = Paging::default();
        for link in headers.get_all(LINK) {
            paging.continues |= link.to_str().is_ok_and(names_next_page);
        }
        for (name, value) in headers {
            let Some(name) = name.as_str().strip_prefix("x-") else {
                continue;
            };
            let value = value.to_str().unwrap_or_default().trim();
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            paging.record(name, &value, MAX_DEPTH);
        }
        paging
    }

    /// Records a field beside the entries, if it is about pages.
    pub(super) fn record_field(&mut self, name: &str, value: &RawValue) {
        if value.get().len() > MAX_FIELD_BYTES {
            return;
        }
        if let Ok(value) = serde_json::from_str(value.get()) {
            self.record(name, &value, MAX_DEPTH);
        }
    }

    fn record(&mut self, name: &str, value: &Value, depth: usize) {
        let name = folded(name);
        let is = |names: &[&str]| names.contains(&&*name);
        if is(&TOTALS) {
            self.total = self.total.max(number(value));
        }
        self.continues |= (is(&NEXT) && has_next(value, depth))
            || (is(&MORE) && has_next(value, 0))
            || (is(&LAST) && is_false(value))
            || (is(&PAGES) && number(value).is_some_and(|pages| pages > 1));
        if let (Value::Object(fields), true) = (value, is(&OBJECTS) && depth > 0) {
            self.record_object(fields, depth - 1);
        }
    }

    fn record_object(&mut self, fields: &Map<String, Value>, depth: usize) {
        for (name, value) in fields {
            self.record(name, value, depth);
        }
    }
}

/// Whether a value is a link, a cursor or the number of a page. An object counts for its fields, for example `href`.
fn has_next(value: &Value, depth: usize) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(_) => number(value).is_some_and(|number| number > 0),
        Value::String(text) => !matches!(text.trim(), "" | "null" | "false" | "0"),
        Value::Array(values) => !values.is_empty(),
        Value::Object(fields) => {
            depth > 0 && fields.values().any(|value| has_next(value, depth - 1))
        }
    }
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Whether a value is `false`. A number is not, because 0 may be the index of a page.
fn is_false(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => !flag,
        Value::String(text) => text.trim().eq_ignore_ascii_case("false"),
        _ => false,
    }
}

fn names_next_page(link: &str) -> bool {
    // The address is in `<>`, and its parameters follow.
    let after_addresses = link.split('>').skip(1);
    let parameters = after_addresses.flat_map(|text| text.split([';', ',']));
    let relations = parameters.filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("rel").then_some(value)
    });
    relations
        .flat_map(|relation| relation.trim().trim_matches('"').split_whitespace())
        .any(|relation| relation.eq_ignore_ascii_case("next"))
}
