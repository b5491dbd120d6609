//! The problems of an answer: missing and invalid fields, and what would probably solve them.

use super::shape::Shape;
use super::suggest::likely_path;
use crate::gateway::SentSecret;
use crate::gateway::date::DateForm;
use crate::gateway::field_names::FieldNames;
use crate::gateway::fields::Field;
use crate::gateway::invalid::InvalidResponse;
use crate::gateway::model::Status;
use crate::gateway::parse;
use crate::gateway::warnings::ParseWarnings;
use crate::plural::{choose, count};

/// Fields that identify a profile. One is enough.
const IDENTITY: [Field; 2] = [Field::Id, Field::Username];
/// Fields that give the connection state. One is enough.
const STATE: [Field; 2] = [Field::Status, Field::Disconnected];
/// Forms of dates that do not define a point in time.
const INCOMPLETE_DATES: [DateForm; 2] = [DateForm::NoZone, DateForm::DateOnly];

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// A sentence.
    pub(super) text: String,
    /// A key of `gateway.fields` and the path that would probably solve the problem.
    pub(super) likely_field: Option<(&'static str, String)>,
}

impl Problem {
    /// A problem without a suggestion.
    pub(super) fn new(text: String) -> Problem {
        Problem {
            text,
            likely_field: None,
        }
    }
}

/// Collects the problems of one answer.
pub(super) struct Diagnosis<'a> {
    shape: &'a Shape,
    field_names: &'a FieldNames,
    secret: &'a SentSecret,
    pub(super) problems: Vec<Problem>,
    /// The platforms of the profiles in a list.
    pub(super) platforms: Vec<String>,
}

impl<'a> Diagnosis<'a> {
    pub(super) fn new(
        shape: &'a Shape,
        field_names: &'a FieldNames,
        secret: &'a SentSecret,
    ) -> Diagnosis<'a> {
        Diagnosis {
            shape,
            field_names,
            secret,
            problems: Vec::new(),
            platforms: Vec::new(),
        }
    }

    fn note(&mut self, text: String) {
        self.problems.push(Problem::new(text));
    }

    pub(super) fn note_missing_entries(&mut self, error: InvalidResponse) {
        self.note(error.redacted(self.secret).to_string());
    }

    pub(super) fn note_incomplete(&mut self, is_incomplete: bool) {
        if is_incomplete {
            self.note("the answer is incomplete: the gateway has more entries".to_owned());
        }
    }

    /// Reads the entries as a refresh reads a list.
    pub(super) fn read_list(&mut self, body: &[u8]) {
        let mut warnings = ParseWarnings::default();
        let (mut dropped, mut unknown) = (0, 0);
        let platforms = &mut self.platforms;
        let (names, secret) = (self.field_names, self.secret);
        let read = parse::parse_list(body, names, secret, &mut warnings, |profile| {
            let Some(profile) = profile else {
                dropped += 1;
                return;
            };
            unknown += usize::from(profile.status == Status::Unknown);
            if !platforms.contains(&profile.platform) {
                platforms.push(profile.platform);
            }
        });
        self.note_lack_of(Field::Platform, &[Field::Platform]);
        self.note_lack_of(Field::Id, &IDENTITY);
        if dropped > 0 && self.problems.is_empty() {
            let profiles = choose(dropped, "a profile", "profiles");
            self.note(format!(
                "{} cannot be read as {profiles}",
                count(dropped, "entry")
            ));
        }
        self.note_lack_of(Field::Status, &STATE);
        if read.is_ok() {
            self.note_undocumented_statuses(unknown);
        }
        self.note_lack_of(Field::Name, &[Field::Name]);
        self.note_lack_of(Field::ConnectedAt, &[Field::ConnectedAt]);
        self.note_invalid(&warnings);
    }

    /// Reads the entries as a refresh reads details.
    pub(super) fn read_details(&mut self, body: &[u8]) {
        let mut warnings = ParseWarnings::default();
        let read = parse::parse_details(body, self.field_names, self.secret, &mut warnings, |_| {});
        self.note_lack_of(Field::Id, &IDENTITY);
        if read.is_err() && self.problems.is_empty() {
            self.note("no entry can be read as the details of a profile".to_owned());
        }
        self.note_invalid(&warnings);
    }

    /// `unknown` is the number of profiles with an unknown state, including those without a status.
    fn note_undocumented_statuses(&mut self, unknown: usize) {
        let undocumented = unknown - self.shape.entries_without(&STATE).min(unknown);
        if undocumented > 0 {
            let words = choose(undocumented, "word", "words");
            let are = choose(undocumented, "is", "are");
            let entries = count(undocumented, "entry");
            self.note(format!(
                "status: the {words} of {entries} {are} not documented, and there is no flag to use instead"
            ));
        }
    }

    /// Notes entries that have a value for none of the fields `any_of`, which can replace each other.
    fn note_lack_of(&mut self, field: Field, any_of: &[Field]) {
        let Some(row) = field.row() else { return };
        let (lacking, entries) = (self.shape.entries_without(any_of), self.shape.entries);
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
        let likely_field = any_of.iter().find_map(|field| self.likely_field(*field));
        self.problems.push(Problem { text, likely_field });
    }

    fn likely_field(&self, field: Field) -> Option<(&'static str, String)> {
        let path = likely_path(field, self.shape)?;
        Some((field.row()?.key, path))
    }

    /// Notes dates that lack a time or a zone.
    pub(super) fn note_dates(&mut self) {
        for (path, observed) in &self.shape.fields {
            if observed.read_as.is_empty() {
                continue;
            }
            for form in INCOMPLETE_DATES {
                let number = observed.dates.get(&form).copied().unwrap_or_default();
                if number > 0 {
                    self.note(format!(
                        "{path}: {} {} invalid ({}): expected a time with a time zone",
                        count(number, "date"),
                        choose(number, "is", "are"),
                        form.as_str(),
                    ));
                }
            }
        }
    }

    /// Notes values that cannot be read. Absent values and incomplete dates have notes of their own.
    fn note_invalid(&mut self, warnings: &ParseWarnings) {
        if warnings.entries_with_secret > 0 {
            let entries = warnings.entries_with_secret;
            let repeat = choose(entries, "repeats", "repeat");
            self.note(format!(
                "{} {repeat} the account's credentials: values with credentials are ignored",
                count(entries, "entry")
            ));
        }
        for (field, number) in &warnings.invalid_fields {
            let absent = match field {
                Field::Name | Field::ConnectedAt => self.shape.entries_without(&[*field]),
                Field::Status => self.shape.entries_without(&STATE),
                _ => 0,
            };
            let noted = absent + self.incomplete_dates(*field);
            let invalid = (*number as usize).saturating_sub(noted);
            if invalid > 0 {
                let key = field.row().map_or("total", |row| row.key);
                self.note(format!("{key}: {} cannot be read", count(invalid, "value")));
            }
        }
    }

    fn incomplete_dates(&self, field: Field) -> usize {
        let dates = self
            .shape
            .observed_as(field)
            .flat_map(|observed| &observed.dates);
        dates
            .filter(|(form, _)| INCOMPLETE_DATES.contains(form))
            .map(|(_, count)| count)
            .sum()
    }
}
