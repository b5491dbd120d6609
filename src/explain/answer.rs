//! One answer of the gateway, taken apart: envelope, description, fields, and what could not be read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::names::Names;
use super::shape::{FieldSeen, Shape};
use super::suggest::likely_path;
use crate::gateway::date::DateForm;
use crate::gateway::field_names::FieldNames;
use crate::gateway::fields::{Field, Schema};
use crate::gateway::invalid::kind;
use crate::gateway::model::{self, Status};
use crate::gateway::values::{Values, read_values};
use crate::gateway::warnings::ParseWarnings;
use crate::gateway::{Paging, SentSecret};
use crate::plural::{choose, count};

/// How deep the outer objects of an answer are shown.
const ENVELOPE_DEPTH: usize = 2;

/// What identifies a profile, and what tells its state.
const IDENTITY: [Field; 2] = [Field::Id, Field::Username];
const STATE: [Field; 2] = [Field::Status, Field::Disconnected];

/// Forms of dates that name no moment.
const WITHOUT_MOMENT: [DateForm; 2] = [DateForm::NoZone, DateForm::DateOnly];

/// Which call an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// `GET /socials`.
    List,
    /// `GET /socials/{platform}`.
    Details,
}

/// An answer that was taken apart.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) endpoint: Endpoint,
    /// Whether its entries were found.
    pub(super) is_read: bool,
    /// Its outer shape, where it is JSON.
    pub(super) envelope: Option<String>,
    /// The description that it follows, where its entries tell.
    pub(super) schema: Option<Schema>,
    /// Whether it is known to be a part.
    pub(super) is_part: bool,
    pub(super) shape: Shape,
    /// How often each platform and each status word occurs, as it may be printed.
    pub(super) platforms: BTreeMap<String, usize>,
    pub(super) statuses: BTreeMap<String, usize>,
    /// What could not be read.
    pub(super) problems: Vec<Problem>,
    /// Platforms to ask for details.
    pub(super) asked: Vec<String>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// A sentence.
    pub(super) text: String,
    /// The key of `gateway.fields` and the path that would likely mend it.
    pub(super) likely: Option<(&'static str, String)>,
}

impl Problem {
    pub(super) fn of(text: String) -> Problem {
        Problem { text, likely: None }
    }
}

impl Answer {
    pub(super) fn read(
        body: &[u8],
        endpoint: Endpoint,
        headers: Paging,
        field_names: &FieldNames,
        names: &Names,
    ) -> Answer {
        let Values {
            document,
            entries,
            paging,
            schema,
        } = read_values(body, field_names);
        let envelope = document
            .as_ref()
            .map(|document| envelope(document, names, ENVELOPE_DEPTH));
        let (entries, failure) = match entries {
            Ok(entries) => (entries, None),
            // Without entries the whole document is looked at, so that its fields are told.
            Err(error) => (document.into_iter().collect(), Some(error)),
        };
        let shape = Shape::of(&entries, field_names, names);
        let mut answer = Answer {
            endpoint,
            is_read: failure.is_none(),
            envelope,
            schema,
            is_part: paging.and(headers).exceeds(entries.len() as u64),
            platforms: words(Field::Platform, &entries, &shape, names),
            statuses: words(Field::Status, &entries, &shape, names),
            shape,
            problems: Vec::new(),
            asked: Vec::new(),
        };
        if let Some(error) = failure {
            let text = error.without(names.sent()).to_string();
            answer.problems.push(Problem::of(text));
            return answer;
        }
        match endpoint {
            Endpoint::List => answer.read_list(body, field_names, names.sent()),
            Endpoint::Details => answer.read_details(body, field_names, names.sent()),
        }
        answer.note_dates();
        if answer.is_part {
            let text = "it is a part: the gateway has more entries than it answers".to_owned();
            answer.problems.push(Problem::of(text));
        }
        answer
    }

    fn read_list(&mut self, body: &[u8], field_names: &FieldNames, sent: &SentSecret) {
        let mut warnings = ParseWarnings::default();
        let (mut dropped, mut unknown) = (0, 0);
        let read = model::read_list(body, field_names, sent, &mut warnings, |profile| {
            let Some(profile) = profile else {
                dropped += 1;
                return;
            };
            unknown += usize::from(profile.status == Status::Unknown);
            if !self.asked.contains(&profile.platform) {
                self.asked.push(profile.platform);
            }
        });
        self.note_lack_of(Field::Platform, &[Field::Platform]);
        self.note_lack_of(Field::Id, &IDENTITY);
        if dropped > 0 && self.problems.is_empty() {
            let profiles = choose(dropped, "a profile", "profiles");
            let text = format!("{} cannot be read as {profiles}", count(dropped, "entry"));
            self.problems.push(Problem::of(text));
        }
        self.note_lack_of(Field::Status, &STATE);
        let undocumented = unknown - self.shape.lacking(&STATE).min(unknown);
        if undocumented > 0 && read.is_ok() {
            let words = choose(undocumented, "word", "words");
            let are = choose(undocumented, "is", "are");
            let entries = count(undocumented, "entry");
            let text = format!(
                "status: the {words} of {entries} {are} not documented, and no flag decides"
            );
            self.problems.push(Problem::of(text));
        }
        self.note_lack_of(Field::Name, &[Field::Name]);
        self.note_lack_of(Field::ConnectedAt, &[Field::ConnectedAt]);
        self.note_invalid(&warnings);
    }

    fn read_details(&mut self, body: &[u8], field_names: &FieldNames, sent: &SentSecret) {
        let mut warnings = ParseWarnings::default();
        let read = model::read_details(body, field_names, sent, &mut warnings, |_| {});
        self.note_lack_of(Field::Id, &IDENTITY);
        if read.is_err() && self.problems.is_empty() {
            let text = "no entry can be read as the details of a profile".to_owned();
            self.problems.push(Problem::of(text));
        }
        self.note_invalid(&warnings);
    }

    /// A field, or one of those that can stand for it, that some entries have no value for.
    fn note_lack_of(&mut self, field: Field, any_of: &[Field]) {
        let Some(row) = field.row() else { return };
        let (lacking, entries) = (self.shape.lacking(any_of), self.shape.entries);
        if lacking == 0 {
            return;
        }
        let names = any_of.iter().filter_map(|field| field.row());
        let names: Vec<&str> = names.flat_map(|row| row.names).copied().collect();
        let text = format!(
            "{}: {lacking} of {} {} none of {}",
            row.key,
            count(entries, "entry"),
            choose(lacking, "has", "have"),
            names.join(", ")
        );
        let likely = any_of.iter().find_map(|field| self.likely(*field));
        self.problems.push(Problem { text, likely });
    }

    fn likely(&self, field: Field) -> Option<(&'static str, String)> {
        let path = likely_path(field, &self.shape)?;
        Some((field.row()?.key, path))
    }

    /// Dates that are invalid for a reason that can be told.
    fn note_dates(&mut self) {
        for (path, seen) in &self.shape.fields {
            let is_read = !seen.read_as.is_empty();
            for form in WITHOUT_MOMENT {
                let number = seen.dates.get(&form).copied().unwrap_or_default();
                if number > 0 && is_read {
                    let text = format!(
                        "{path}: {} {} invalid ({}): {} no moment",
                        count(number, "date"),
                        choose(number, "is", "are"),
                        form.as_str(),
                        choose(number, "it names", "they name")
                    );
                    self.problems.push(Problem::of(text));
                }
            }
        }
    }

    /// Fields that have a value which cannot be read; those that are absent were told before.
    fn note_invalid(&mut self, warnings: &ParseWarnings) {
        if warnings.entries_with_secret > 0 {
            let entries = warnings.entries_with_secret;
            let repeat = choose(entries, "repeats", "repeat");
            let text = format!(
                "{} {repeat} the account's credentials: values that do are not read",
                count(entries, "entry")
            );
            self.problems.push(Problem::of(text));
        }
        for (field, number) in &warnings.invalid_fields {
            let absent = match field {
                Field::Name | Field::ConnectedAt => self.shape.lacking(&[*field]),
                Field::Status => self.shape.lacking(&STATE),
                _ => 0,
            };
            let told = absent + self.dates_without_moment(*field);
            let broken = (*number as usize).saturating_sub(told);
            if broken > 0 {
                let key = field.row().map_or("total", |row| row.key);
                let text = format!("{key}: {} cannot be read", count(broken, "value"));
                self.problems.push(Problem::of(text));
            }
        }
    }

    /// Dates of a field that are invalid for a reason that is told on its own.
    fn dates_without_moment(&self, field: Field) -> usize {
        let fields = self.shape.fields.values();
        let of_field = fields.filter(|seen| seen.read_as.iter().any(|(read, _)| *read == field));
        let dates = of_field.flat_map(|seen| &seen.dates);
        dates
            .filter(|(form, _)| WITHOUT_MOMENT.contains(form))
            .map(|(_, count)| count)
            .sum()
    }
}

/// The outer objects with the names of their fields, and the number of elements of an array.
fn envelope(document: &Value, names: &Names, depth: usize) -> String {
    const MAX_KEYS: usize = 8;
    match document {
        Value::Array(entries) => format!("[{}]", count(entries.len(), "entry")),
        Value::Object(fields) if depth > 0 => {
            let told = fields.iter().take(MAX_KEYS).map(|(name, value)| {
                let inner = envelope(value, names, depth - 1);
                format!("\"{}\": {inner}", names.name(name))
            });
            let told: Vec<String> = told.collect();
            let more = if fields.len() > MAX_KEYS { ", …" } else { "" };
            format!("{{{}{more}}}", told.join(", "))
        }
        value => kind(value).as_str().to_owned(),
    }
}

/// How often each word stands where a field is read, as far as it may be printed.
fn words(field: Field, entries: &[Value], shape: &Shape, names: &Names) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let is_read = |seen: &&FieldSeen| seen.read_as.iter().any(|(read, _)| *read == field);
    let paths = shape.fields.values().filter(is_read);
    for path in paths.filter_map(|seen| seen.path.as_ref()) {
        let values = entries.iter().filter_map(|entry| {
            let value = path.iter().try_fold(entry, |value, name| value.get(name))?;
            value.as_str()
        });
        for word in values {
            *counts.entry(names.word(word).to_owned()).or_default() += 1;
        }
    }
    counts
}
