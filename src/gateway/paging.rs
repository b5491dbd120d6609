//! What an answer says of further pages, in its body or in its headers: a list that is known to be a
//! part must not pass for the whole.
//!
//! The API's documentation speaks of no pages. The names are those that APIs commonly use; like names
//! of fields they are compared without case, `_` and `-`.

use reqwest::header::{HeaderMap, LINK};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::folded;

/// Names of the number of profiles in the whole list; the first is the documented one.
pub(super) const TOTALS: [&str; 7] = [
    "total",
    "totalcount",
    "totalelements",
    "totalitems",
    "totalresults",
    "totalrecords",
    "count",
];
/// Names of what leads to the next page; they are there but empty on the last one.
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
/// Flags that are true on every page but the last.
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
/// Flags that are false on every page but the last.
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
/// Names of objects that hold the above.
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
/// How deep such objects are looked into.
const DEPTH: usize = 3;
/// What is longer says something else.
const MAX_FIELD_BYTES: usize = 64 * 1024;

/// Whether a field of this name may speak of pages.
pub(super) fn speaks_of_pages(name: &str) -> bool {
    let name = folded(name);
    let all: [&[&str]; 6] = [&TOTALS, &NEXT, &MORE, &LAST, &PAGES, &OBJECTS];
    all.iter().any(|names| names.contains(&&*name))
}

/// What an answer says of its place in a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paging {
    /// The largest number of profiles that it states for the whole.
    pub total: Option<u64>,
    /// Whether it speaks of further pages.
    pub continues: bool,
}

impl Paging {
    /// Whether `entries` are known to be a part of the list.
    pub fn exceeds(&self, entries: u64) -> bool {
        self.continues || self.total.is_some_and(|total| total > entries)
    }

    /// What two parts of an answer say together.
    pub fn and(self, other: Paging) -> Paging {
        Paging {
            total: self.total.max(other.total),
            continues: self.continues || other.continues,
        }
    }

    /// `Link` with `rel="next"` (RFC 8288), and the headers in which APIs commonly state numbers of
    /// entries and pages: `X-Total-Count`, `X-Next-Page`, `X-Pagination`.
    pub fn of_headers(headers: &HeaderMap) -> Paging {
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
            paging.note(name, &value, DEPTH);
        }
        paging
    }

    /// Takes note of a field that stands beside the entries, where it is one of those.
    pub(super) fn note_field(&mut self, name: &str, value: &RawValue) {
        if value.get().len() > MAX_FIELD_BYTES {
            return;
        }
        if let Ok(value) = serde_json::from_str(value.get()) {
            self.note(name, &value, DEPTH);
        }
    }

    fn note(&mut self, name: &str, value: &Value, depth: usize) {
        let name = folded(name);
        let is = |names: &[&str]| names.contains(&&*name);
        if is(&TOTALS) {
            self.total = self.total.max(number(value));
        }
        self.continues |= (is(&NEXT) && leads_on(value, depth))
            || (is(&MORE) && leads_on(value, 0))
            || (is(&LAST) && is_false(value))
            || (is(&PAGES) && number(value).is_some_and(|pages| pages > 1));
        if let (Value::Object(fields), true) = (value, is(&OBJECTS) && depth > 0) {
            self.note_object(fields, depth - 1);
        }
    }

    fn note_object(&mut self, fields: &Map<String, Value>, depth: usize) {
        for (name, value) in fields {
            self.note(name, value, depth);
        }
    }
}

/// A link, a cursor or a number of a page; an object counts for what stands in it, such as `href`.
fn leads_on(value: &Value, depth: usize) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(_) => number(value).is_some_and(|number| number > 0),
        Value::String(text) => !matches!(text.trim(), "" | "null" | "false" | "0"),
        Value::Array(values) => !values.is_empty(),
        Value::Object(fields) => {
            depth > 0 && fields.values().any(|value| leads_on(value, depth - 1))
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

/// A number is none: 0 is also the index of a page.
fn is_false(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => !flag,
        Value::String(text) => text.trim().eq_ignore_ascii_case("false"),
        _ => false,
    }
}

fn names_next_page(link: &str) -> bool {
    // An address stands in `<>`, its parameters behind it.
    let behind_addresses = link.split('>').skip(1);
    let parameters = behind_addresses.flat_map(|text| text.split([';', ',']));
    let relations = parameters.filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("rel").then_some(value)
    });
    relations
        .flat_map(|relation| relation.trim().trim_matches('"').split_whitespace())
        .any(|relation| relation.eq_ignore_ascii_case("next"))
}
