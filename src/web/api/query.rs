//! The query string of the API. It refuses what it does not know: a misspelled filter must not look like an answer about all
//! profiles, or about none.

use std::fmt;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use form_urlencoded::parse;

use crate::account::Accounts;
use crate::gateway::model::Status;
use crate::record::MISSING;
use crate::verdict::Severity;
use crate::web::filter::{MAX_VALUE_CHARS, PageFilter};
use exporter_toolkit::printable::neutral;
use exporter_toolkit::suggest::unknown;

/// The parameters of the filter.
const FILTER: [&str; 5] = ["platform", "status", "account", "verdict", "q"];
/// The parameters of the format.
const FORMAT: [&str; 2] = ["format", "bom"];
/// Maximum length in characters of a text that an error repeats.
const MAX_SHOWN_CHARS: usize = 60;

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Format {
    #[default]
    Json,
    Csv {
        /// Whether the text starts with a byte order mark, by which Excel recognizes UTF-8.
        bom: bool,
    },
}

impl Format {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Csv { .. } => "text/csv; charset=utf-8",
        }
    }
}

/// A checked query.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) filter: PageFilter,
    pub(super) format: Format,
}

/// The query is not understood. Answered with 400.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::web) struct BadQuery(String);

impl BadQuery {
    pub(in crate::web) fn missing(parameter: &str) -> BadQuery {
        BadQuery(format!("the parameter \"{parameter}\" is missing"))
    }

    pub(in crate::web) fn unknown(kind: &str, word: &str, known: &[&str]) -> BadQuery {
        let shown: String = word.chars().take(MAX_SHOWN_CHARS).collect();
        BadQuery(neutral(&unknown(kind, word, &shown, known)))
    }
}

impl fmt::Display for BadQuery {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl IntoResponse for BadQuery {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, format!("{self}\n")).into_response()
    }
}

impl Query {
    /// Parses the query string of a listing of these accounts.
    ///
    /// # Errors
    /// [`BadQuery`] for an unknown parameter or value.
    pub(super) fn parse(query: &str, accounts: &Accounts) -> Result<Query, BadQuery> {
        Ok(Query {
            filter: checked_filter(query, &FORMAT, accounts)?,
            format: format(query)?,
        })
    }

    /// The query string that all queries with the same answer share.
    pub(super) fn canonical(&self) -> String {
        format!("{:?}{}", self.format, self.filter.query())
    }
}

/// The filter in a query string, which may also have the `other` parameters.
///
/// # Errors
/// [`BadQuery`] for an unknown parameter or value.
pub(in crate::web) fn checked_filter(
    query: &str,
    other: &[&str],
    accounts: &Accounts,
) -> Result<PageFilter, BadQuery> {
    let known = [&FILTER, other].concat();
    let mut keys = parse(query.as_bytes()).map(|(key, _)| key);
    if let Some(key) = keys.find(|key| !known.contains(&&**key)) {
        return Err(BadQuery::unknown("parameter", &key, &known));
    }
    let filter = PageFilter::parse(query);
    check_values(&filter, accounts)?;
    Ok(filter)
}

/// Checks that the filter names what can exist.
///
/// # Errors
/// [`BadQuery`] for an unknown value.
pub(in crate::web) fn check_values(
    filter: &PageFilter,
    accounts: &Accounts,
) -> Result<(), BadQuery> {
    for (kind, value) in [("platform", &filter.platform), ("q", &filter.search)] {
        check_length(kind, value.as_deref().unwrap_or_default())?;
    }
    let statuses = Status::ALL.map(Status::as_str).into_iter().chain([MISSING]);
    check(
        "status",
        filter.status.as_deref(),
        &statuses.collect::<Vec<_>>(),
    )?;
    check(
        "verdict",
        filter.verdict.as_deref(),
        &Severity::ALL.map(Severity::as_str),
    )?;
    let name = filter.account.as_deref();
    if name.is_some_and(|name| name.is_empty() || accounts.entry(Some(name)).is_none()) {
        // The names of other accounts are not for everybody who can ask.
        return Err(BadQuery(
            "the configuration has no account with this name".to_owned(),
        ));
    }
    Ok(())
}

fn check_length(kind: &str, value: &str) -> Result<(), BadQuery> {
    match value.chars().nth(MAX_VALUE_CHARS) {
        None => Ok(()),
        Some(_) => Err(BadQuery(format!(
            "{kind}: expected at most {MAX_VALUE_CHARS} characters"
        ))),
    }
}

fn check(kind: &str, value: Option<&str>, known: &[&str]) -> Result<(), BadQuery> {
    let is_known = |value: &str| known.iter().any(|known| known.eq_ignore_ascii_case(value));
    match value {
        Some(value) if !is_known(value) => Err(BadQuery::unknown(kind, value, known)),
        _ => Ok(()),
    }
}

/// The last format of the query.
fn format(query: &str) -> Result<Format, BadQuery> {
    let (mut format, mut bom) = ("json".to_owned(), false);
    for (key, value) in parse(query.as_bytes()) {
        match &*key {
            "format" => format = value.into_owned(),
            "bom" => {
                bom = match &*value {
                    "true" => true,
                    "false" => false,
                    value => return Err(BadQuery::unknown("bom", value, &["true", "false"])),
                }
            }
            _ => {}
        }
    }
    match &*format {
        "json" => Ok(Format::Json),
        "csv" => Ok(Format::Csv { bom }),
        format => Err(BadQuery::unknown("format", format, &["json", "csv"])),
    }
}
