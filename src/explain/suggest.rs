//! Suggestions: which field of an answer probably is a field that was not found.

use super::shape::{Evidence, ObservedField, Shape, words_of_name};
use crate::gateway::date::DateForm;
use crate::gateway::fields::Field;
use crate::gateway::invalid::JsonType;

/// The path of the field that probably holds `field`, in the syntax of `gateway.fields`.
pub(super) fn likely_path(field: Field, shape: &Shape) -> Option<String> {
    let observed = shape.fields.values();
    let unread = observed.filter(|observed| observed.read_as.is_empty());
    let scored = unread.filter_map(|observed| {
        let path = observed.path.as_ref()?;
        // Every entry needs the field, so most entries must have it.
        let is_common = observed.entries * 2 >= shape.entries;
        let score = score(field, observed, path).filter(|_| is_common)?;
        // The shortest path of equal scores wins.
        Some(((score, usize::MAX - path.len()), path))
    });
    let (_, path) = scored.max_by_key(|(score, _)| *score)?;
    Some(path.join("."))
}

/// How well an observed field fits; `None` if it does not fit.
fn score(field: Field, observed: &ObservedField, path: &[String]) -> Option<u32> {
    let last = words_of_name(path.last()?);
    let all: Vec<String> = path.iter().flat_map(|name| words_of_name(name)).collect();
    let ends_with = |ends: &[&str]| last.last().is_some_and(|word| ends.contains(&&**word));
    let has = |known: &[&str]| {
        all.iter()
            .any(|word| known.iter().any(|known| word.starts_with(known)))
    };
    let only = |kind: JsonType| {
        observed
            .kinds
            .keys()
            .all(|observed| [kind, JsonType::Null].contains(observed))
    };
    let is_text = only(JsonType::String);
    let shows = |evidence| {
        observed
            .evidence
            .get(&evidence)
            .copied()
            .unwrap_or_default()
    };
    let proves = |evidence| observed.scalars > 0 && shows(evidence) == observed.scalars;
    match field {
        Field::Platform if proves(Evidence::Platform) => Some(9),
        Field::Platform => {
            let fits = is_text && has(&["platform", "network", "channel", "provider", "social"]);
            fits.then_some(3)
        }
        Field::Id => {
            let is_key = ends_with(&["id", "uid", "uuid", "guid", "identifier", "key"]);
            let identifies = (is_text || only(JsonType::Number)) && observed.is_distinct();
            let own = u32::from(has(&["profile", "social", "account"]));
            (is_key && identifies).then_some(3 + own)
        }
        Field::Username => {
            let fits =
                is_text && observed.is_distinct() && has(&["user", "login", "handle", "screen"]);
            fits.then_some(3)
        }
        Field::Name => {
            let fits = is_text && ends_with(&["name", "title", "label"]);
            let own = u32::from(has(&["display", "profile", "full"]));
            fits.then_some(3 + own)
        }
        Field::Status if proves(Evidence::StatusWord) => Some(9),
        Field::Disconnected => {
            let fits = only(JsonType::Boolean) && has(&["disconnect", "expired", "revoked"]);
            fits.then_some(3)
        }
        Field::ConnectedAt => {
            let fits =
                is_date(observed) && has(&["connect", "link", "creat", "add", "since", "join"]);
            let own = u32::from(has(&["connect", "link"]));
            fits.then_some(3 + own)
        }
        _ => None,
    }
}

fn is_date(observed: &ObservedField) -> bool {
    let usable = |form: &DateForm| !matches!(form, DateForm::NoZone | DateForm::DateOnly);
    observed.dates.keys().any(usable)
}
