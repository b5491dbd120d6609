//! Which field of an answer is likely the one that could not be found.

use super::shape::{Evidence, FieldSeen, Shape};
use crate::gateway::date::DateForm;
use crate::gateway::fields::Field;
use crate::gateway::invalid::Kind;

/// The path that likely leads to a field, as `gateway.fields` takes it.
pub(super) fn likely_path(field: Field, shape: &Shape) -> Option<String> {
    let unread = shape.fields.values().filter(|seen| seen.read_as.is_empty());
    let scored = unread.filter_map(|seen| {
        let path = seen.path.as_ref()?;
        // What most entries lack is not what all of them need.
        let is_common = seen.entries * 2 >= shape.entries;
        let score = score(field, seen, path).filter(|_| is_common)?;
        // Of two equally likely ones, the one that is not as deep.
        Some(((score, usize::MAX - path.len()), path))
    });
    let (_, path) = scored.max_by_key(|(score, _)| *score)?;
    Some(path.join("."))
}

/// How well a field of the answer fits; `None` if it does not.
fn score(field: Field, seen: &FieldSeen, path: &[String]) -> Option<u32> {
    let last = words(path.last()?);
    let all: Vec<String> = path.iter().flat_map(|name| words(name)).collect();
    let ends_with = |ends: &[&str]| last.last().is_some_and(|word| ends.contains(&&**word));
    let has = |known: &[&str]| {
        all.iter()
            .any(|word| known.iter().any(|known| word.starts_with(known)))
    };
    let only = |kind: Kind| {
        seen.kinds
            .keys()
            .all(|met| [kind, Kind::Null].contains(met))
    };
    let is_text = only(Kind::String);
    let shows = |evidence| seen.evidence.get(&evidence).copied().unwrap_or_default();
    let proves = |evidence| seen.scalars > 0 && shows(evidence) == seen.scalars;
    match field {
        Field::Platform if proves(Evidence::Platform) => Some(9),
        Field::Platform => {
            let fits = is_text && has(&["platform", "network", "channel", "provider", "social"]);
            fits.then_some(3)
        }
        Field::Id => {
            let is_key = ends_with(&["id", "uid", "uuid", "guid", "identifier", "key"]);
            let identifies = (is_text || only(Kind::Number)) && seen.is_distinct();
            let own = u32::from(has(&["profile", "social", "account"]));
            (is_key && identifies).then_some(3 + own)
        }
        Field::Username => {
            let fits = is_text && seen.is_distinct() && has(&["user", "login", "handle", "screen"]);
            fits.then_some(3)
        }
        Field::Name => {
            let fits = is_text && ends_with(&["name", "title", "label"]);
            let own = u32::from(has(&["display", "profile", "full"]));
            fits.then_some(3 + own)
        }
        Field::Status if proves(Evidence::StatusWord) => Some(9),
        Field::Disconnected => {
            let fits = only(Kind::Boolean) && has(&["disconnect", "expired", "revoked"]);
            fits.then_some(3)
        }
        Field::ConnectedAt => {
            let fits = is_date(seen) && has(&["connect", "link", "creat", "add", "since", "join"]);
            let own = u32::from(has(&["connect", "link"]));
            fits.then_some(3 + own)
        }
        _ => None,
    }
}

fn is_date(seen: &FieldSeen) -> bool {
    let usable = |form: &DateForm| !matches!(form, DateForm::NoZone | DateForm::DateOnly);
    seen.dates.keys().any(usable)
}

/// `linkedOn` and `linked_on` are `linked`, `on`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_is_lower = false;
    for char in name.chars() {
        let begins = char.is_uppercase() && before_is_lower;
        if begins || !char.is_alphanumeric() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (char.is_alphanumeric(), words.last_mut()) {
            word.extend(char.to_lowercase());
        }
        before_is_lower = char.is_lowercase() || char.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}
