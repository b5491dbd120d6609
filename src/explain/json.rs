//! The explanation as JSON for programs. `docs/gateway.md` documents the keys, which are a stable interface.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::answer::Answer;
use super::explanation::{AccountExplanation, Call, Explanation};

/// Incremented when a documented key changes or is removed. New keys keep the version.
const VERSION: u32 = 1;

pub(super) fn write(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    let document = ExplainDocument {
        version: VERSION,
        exit_code: explanation.completeness().code(),
        accounts: explanation.accounts.iter().map(account).collect(),
    };
    writeln!(out, "{}", serde_json::to_string_pretty(&document)?)
}

#[derive(Serialize)]
struct ExplainDocument<'a> {
    version: u32,
    exit_code: u8,
    accounts: Vec<ExplainedAccountOut<'a>>,
}

#[derive(Serialize)]
struct ExplainedAccountOut<'a> {
    account: Option<&'a str>,
    calls: Vec<CallOut<'a>>,
    problems: Vec<ProblemOut<'a>>,
    likely_url: Option<&'a str>,
    likely_fields: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct CallOut<'a> {
    about: &'a str,
    address: &'a str,
    http_status: Option<u16>,
    media_type: Option<&'a str>,
    bytes: Option<usize>,
    seconds: Option<f64>,
    error: Option<&'a str>,
    envelope: Option<&'a str>,
    schema: Option<&'static str>,
    entries: Option<usize>,
    complete: Option<bool>,
    platforms: Option<&'a BTreeMap<String, usize>>,
    status_words: Option<&'a BTreeMap<String, usize>>,
    fields: Vec<FieldOut<'a>>,
}

#[derive(Serialize)]
struct FieldOut<'a> {
    name: &'a str,
    types: Vec<&'static str>,
    entries: usize,
    read_as: String,
    date_forms: Vec<&'static str>,
}

#[derive(Serialize)]
struct ProblemOut<'a> {
    about: Option<&'a str>,
    text: &'a str,
}

fn account(account: &AccountExplanation) -> ExplainedAccountOut<'_> {
    ExplainedAccountOut {
        account: account.name.as_deref(),
        calls: account.calls.iter().map(call).collect(),
        problems: account
            .problems()
            .map(|(about, problem)| ProblemOut {
                about: Some(about).filter(|about| !about.is_empty()),
                text: &problem.text,
            })
            .collect(),
        likely_url: account.likely_url.as_deref(),
        likely_fields: account.likely_fields().into_iter().collect(),
    }
}

fn call(call: &Call) -> CallOut<'_> {
    let answer = call.answer.as_ref();
    let read = answer.filter(|answer| answer.has_entries);
    CallOut {
        about: &call.about,
        address: &call.address,
        http_status: call.status,
        media_type: call.media_type.as_deref(),
        bytes: call.bytes,
        seconds: call.took.map(|took| took.as_secs_f64()),
        error: call.error.as_deref(),
        envelope: answer.and_then(|answer| answer.envelope.as_deref()),
        schema: answer.and_then(|answer| Some(answer.schema?.as_str())),
        entries: read.map(|answer| answer.shape.entries),
        complete: read.map(|answer| !answer.is_incomplete),
        platforms: answer.map(|answer| &answer.platforms),
        status_words: answer.map(|answer| &answer.statuses),
        fields: answer.into_iter().flat_map(fields).collect(),
    }
}

fn fields(answer: &Answer) -> Vec<FieldOut<'_>> {
    let fields = answer.shape.fields.iter();
    fields
        .map(|(path, field)| FieldOut {
            name: path,
            types: field.kinds.keys().map(|kind| kind.as_str()).collect(),
            entries: field.entries,
            read_as: answer.use_of(field),
            date_forms: field.dates.keys().map(|form| form.as_str()).collect(),
        })
        .collect()
}
