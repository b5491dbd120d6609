//! The events of the calendar (RFC 5545).

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use icalendar::{Alarm, Calendar, Component, Event, EventLike, Property};
use ring::digest::{Context, SHA256};

use crate::build;
use crate::record::{AccountRecord, ProfileRow, Report};
use exporter_toolkit::printable::neutral;

/// Days before the end of a token on which a calendar reminds. The gateway refreshes tokens 7 days before their end.
const REMINDERS: [i64; 2] = [7, 2];
/// How often a client should ask for the calendar.
const REFRESH: Duration = Duration::hours(1);

/// The time stamps of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    /// When the data was read.
    ReadAt,
    /// A constant, to compare calendars.
    Omitted,
}

/// The calendar with an event for each known token end, and for each account whose list is known to be a part.
pub(super) fn calendar(report: &Report, stamp: Stamp) -> String {
    let mut calendar = Calendar::empty();
    let product = format!("-//qlara-exporter//{}//EN", build::VERSION);
    calendar
        .append_property(Property::new("VERSION", "2.0"))
        .append_property(Property::new("PRODID", product))
        .append_property(Property::new("CALSCALE", "GREGORIAN"))
        .name("Qlara token ends")
        .ttl(&REFRESH);
    let accounts: HashMap<_, _> = report.accounts.iter().map(|it| (it.name, it)).collect();
    let stamp_of = |account: Option<&&AccountRecord>| match stamp {
        Stamp::ReadAt => account
            .and_then(|account| account.snapshot)
            .map(|it| it.read_at),
        Stamp::Omitted => None,
    };
    for row in &report.rows {
        calendar.extend(token_end(row, stamp_of(accounts.get(&row.account))));
    }
    for account in &report.accounts {
        calendar.extend(partial_list(
            account,
            report.checked_at,
            stamp_of(Some(&account)),
        ));
    }
    calendar.to_string()
}

fn token_end(row: &ProfileRow, read_at: Option<DateTime<Utc>>) -> Option<Event> {
    let profile = row.judged.profile?;
    // A profile without a verdict on its token has none, whatever the list states.
    row.judged.verdict.left?;
    let end = profile.token_expires_at?.to_utc();
    let name = match profile.name.is_empty() {
        true => row.judged.id,
        false => &profile.name,
    };
    let summary = neutral(&format!("Token of {name} ends ({})", row.judged.platform));
    let mut description = format!(
        "{}/{}: messages fail from then on, unless the token is renewed or somebody reconnects the profile in the Qlara dashboard before.",
        row.judged.platform, row.judged.id
    );
    if let Some(account) = row.account {
        description = format!("Account {account}, {description}");
    }
    let uid = uid(&[
        row.account.unwrap_or_default(),
        row.judged.platform,
        row.judged.id,
    ]);
    let mut event = Event::new();
    event
        .uid(&uid)
        .sequence(sequence(end))
        .starts(end)
        .summary(&summary)
        .description(&neutral(&description));
    stamp(&mut event, read_at);
    for days in REMINDERS {
        let mut alarm = Alarm::display(&summary, -Duration::days(days));
        // Without them, icalendar writes a random identifier and the current time.
        alarm.uid(&format!("{days}d-{uid}"));
        alarm.timestamp(read_at.unwrap_or_default());
        event.alarm(alarm);
    }
    Some(event.done())
}

/// An event of today for an account of which some token ends may be missing, so that people see it in the calendar.
fn partial_list(
    account: &AccountRecord,
    now: DateTime<Utc>,
    read_at: Option<DateTime<Utc>>,
) -> Option<Event> {
    let snapshot = account.snapshot?;
    if snapshot.is_complete && snapshot.dropped.limit == 0 {
        return None;
    }
    let whose = account
        .name
        .map(|name| format!(" of account {name}"))
        .unwrap_or_default();
    let mut event = Event::new();
    event
        .uid(&uid(&["partial", account.name.unwrap_or_default()]))
        .sequence(sequence(now))
        .all_day(now.date_naive())
        .summary(&neutral(&format!("Token ends{whose} are missing from this calendar")))
        .description("The gateway's list of profiles is incomplete or longer than the exporter's limits. Look at the token ends of the other profiles in the Qlara dashboard.");
    stamp(&mut event, read_at);
    Some(event.done())
}

/// Both stamps are the same in a calendar without a method (RFC 5545, section 3.8.7.2).
fn stamp(event: &mut Event, read_at: Option<DateTime<Utc>>) {
    let stamp = read_at.unwrap_or_default();
    event.timestamp(stamp).last_modified(stamp);
    // Nobody is busy because a token ends.
    event.add_property("TRANSP", "TRANSPARENT");
}

/// An identifier that stays the same when the token is renewed, so that the event moves. It is a digest, because the
/// parts may contain any character.
fn uid(parts: &[&str]) -> String {
    let mut digest = Context::new(&SHA256);
    for part in parts {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    format!(
        "{}@qlara-exporter",
        BASE64_URL_SAFE_NO_PAD.encode(digest.finish())
    )
}

/// The number of a revision: the hour of the event since 1970. A renewal moves the end to later, so the number grows, also
/// across restarts and between replicas, which remember nothing of each other.
fn sequence(start: DateTime<Utc>) -> u32 {
    u32::try_from(start.timestamp() / 3600).unwrap_or_default()
}
