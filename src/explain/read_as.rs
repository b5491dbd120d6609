//! Whether a field that was met is read, and as what.

use super::answer::Endpoint;
use super::shape::{FieldSeen, Shape};
use crate::gateway::date::DateForm;
use crate::gateway::fields::{Answer as Where, Field, Row, TABLE};

/// What becomes of a field, in words, with the forms of dates in it.
pub(super) fn read_as(seen: &FieldSeen, shape: &Shape, endpoint: Endpoint) -> String {
    let uses = seen.read_as.iter().filter_map(|(field, place)| {
        let row = field.row()?;
        Some(use_of(row, *place, shape, endpoint))
    });
    let mut told: Vec<String> = uses.collect();
    if told.is_empty() && seen.is_of_linked_account {
        told.push("linked_accounts".to_owned());
    }
    if told.is_empty() {
        told.push("ignored".to_owned());
    }
    let forms: Vec<&str> = seen
        .dates
        .keys()
        .map(|form| DateForm::as_str(*form))
        .collect();
    match forms.is_empty() {
        true => told.join(", "),
        false => format!("{} ({})", told.join(", "), forms.join(", ")),
    }
}

fn use_of(row: &Row, place: usize, shape: &Shape, endpoint: Endpoint) -> String {
    let is_read_here = match endpoint {
        Endpoint::List => row.answer != Where::Details,
        Endpoint::Details => row.answer != Where::List,
    };
    if !is_read_here {
        return format!(
            "ignored: {} is read from the {}",
            row.key,
            row.answer.as_str()
        );
    }
    match better(row.field, place, shape) {
        Some((name, true)) => format!("ignored: {name} comes first"),
        Some((name, false)) => format!("{}, where {name} is absent", row.key),
        None => row.key.to_owned(),
    }
}

/// A name of the same field that comes before this one, and whether every entry has it.
fn better(field: Field, place: usize, shape: &Shape) -> Option<(&'static str, bool)> {
    let row = TABLE.iter().find(|row| row.field == field)?;
    let first = shape.fields.values().flat_map(|seen| {
        let places = seen.read_as.iter();
        let of_field = places.filter(|(other, at)| *other == field && *at < place);
        of_field.map(|(_, at)| (*at, seen.entries == shape.entries))
    });
    let (at, everywhere) = first.min_by_key(|(at, _)| *at)?;
    Some((row.names.get(at).copied()?, everywhere))
}
