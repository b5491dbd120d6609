//! The explanation as text for people.

use std::collections::BTreeMap;
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::answer::{Answer, Endpoint};
use super::explanation::{AccountExplanation, Call, Explanation};
use crate::gateway::invalid::JsonType;
use crate::plural::{choose, count};

pub(super) fn write(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    for account in &explanation.accounts {
        if let Some(name) = &account.name {
            writeln!(out, "Account {name}\n")?;
        }
        for call in &account.calls {
            write_call(call, out)?;
        }
        write_problems(account, out)?;
    }
    Ok(())
}

fn write_call(call: &Call, out: &mut dyn Write) -> io::Result<()> {
    let get = if call.took.is_some() { "GET " } else { "" };
    writeln!(out, "{get}{}", call.address)?;
    writeln!(out, "  {}", head(call))?;
    if let Some(error) = &call.error {
        writeln!(out, "  {error}")?;
    }
    if let Some(answer) = &call.answer {
        write_answer(answer, out)?;
    }
    writeln!(out)
}

/// `HTTP 200, application/json, 734 bytes, 3 ms`
fn head(call: &Call) -> String {
    let parts = [
        call.status.map(|status| format!("HTTP {status}")),
        call.media_type.clone(),
        call.bytes.map(|bytes| count(bytes, "byte")),
        call.took.map(|took| format!("{} ms", took.as_millis())),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(", ")
}

fn write_answer(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let schema = match answer.schema {
        Some(schema) => schema.as_str(),
        None => "not clear from the entries",
    };
    let completeness = match answer.is_incomplete {
        true => "incomplete: the gateway has more",
        false => "complete as far as known",
    };
    let is_list = answer.endpoint == Endpoint::List;
    let lines = [
        ("envelope", answer.envelope.clone()),
        ("description", is_list.then(|| schema.to_owned())),
        (
            "entries",
            answer
                .has_entries
                .then(|| format!("{}, {completeness}", answer.shape.entries)),
        ),
        ("platforms", counts(&answer.platforms)),
        ("status words", counts(&answer.statuses)),
    ];
    for (name, text) in lines {
        if let Some(text) = text {
            writeln!(out, "  {:14}{text}", format!("{name}:"))?;
        }
    }
    write_fields(answer, out)
}

/// `facebook 2, instagram 1`
fn counts(words: &BTreeMap<String, usize>) -> Option<String> {
    let counts: Vec<String> = words
        .iter()
        .map(|(word, count)| format!("{word} {count}"))
        .collect();
    (!counts.is_empty()).then(|| counts.join(", "))
}

fn write_fields(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let shape = &answer.shape;
    if shape.fields.is_empty() {
        return Ok(());
    }
    let heading = ["FIELD", "TYPES", "ENTRIES", "READ AS"].map(str::to_owned);
    let rows = shape.fields.iter().map(|(path, field)| {
        [
            path.clone(),
            kinds(&field.kinds),
            format!("{} of {}", field.entries, shape.entries),
            answer.use_of(field),
        ]
    });
    let rows: Vec<[String; 4]> = std::iter::once(heading).chain(rows).collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].width())
            .max()
            .unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2)];
    writeln!(out)?;
    for row in &rows {
        write!(out, "  ")?;
        for (cell, width) in row.iter().zip(widths) {
            write!(out, "{cell}{}", " ".repeat(width - cell.width() + 2))?;
        }
        writeln!(out, "{}", row[3])?;
    }
    match shape.more {
        0 => Ok(()),
        more => {
            let are = choose(more, "is", "are");
            writeln!(out, "  {} {are} not shown", count(more, "more field"))
        }
    }
}

/// `string, null`
fn kinds(kinds: &BTreeMap<JsonType, usize>) -> String {
    // `null`, which stands for an absent value, comes last.
    let names: Vec<&str> = kinds.keys().rev().map(|kind| kind.as_str()).collect();
    names.join(", ")
}

fn write_problems(account: &AccountExplanation, out: &mut dyn Write) -> io::Result<()> {
    if !account.has_answer() {
        writeln!(out, "There was no answer to read.")?;
    }
    let problems: Vec<String> = account
        .problems()
        .map(|(about, problem)| match about {
            "" => problem.text.clone(),
            about => format!("{about}: {}", problem.text),
        })
        .collect();
    if problems.is_empty() {
        if account.has_answer() {
            writeln!(out, "Everything that the metrics need was read.")?;
        }
        return writeln!(out);
    }
    writeln!(out, "What could not be read:")?;
    for problem in problems {
        writeln!(out, "  {problem}")?;
    }
    let fields = account.likely_fields();
    if !fields.is_empty() || account.likely_url.is_some() {
        writeln!(out, "This configuration would probably solve it:")?;
        writeln!(out, "  gateway:")?;
    }
    if let Some(url) = &account.likely_url {
        writeln!(out, "    url: {url}")?;
    }
    if !fields.is_empty() {
        let fields: Vec<String> = fields
            .iter()
            .map(|(key, path)| format!("{key}: {path}"))
            .collect();
        writeln!(out, "    fields: {{{}}}", fields.join(", "))?;
    }
    writeln!(out)
}
