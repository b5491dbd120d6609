//! The events of the calendar (RFC 5545).

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, FixedOffset, Utc};
use icalendar::{Alarm, Calendar, Component, Event, EventLike, Property};
use ring::digest::{Context, SHA256};

use crate::build;
use crate::record::{AccountRecord, ProfileRow, Report, filter_notes};
use crate::web::filter::PageFilter;
use crate::zone::Zone;
use exporter_toolkit::printable::neutral;

/// Days before the end of a token on which a calendar reminds. The gateway refreshes tokens 7 days before their end.
const REMINDERS: [i64; 2] = [7, 2];
/// The description of an event about token ends that are missing.
const PARTIAL_LIST: &str = "The gateway's list of profiles is incomplete or longer than the exporter's limits. Look at the token ends of the other profiles in the Qlara dashboard.";
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

/// The calendar with an event for each known token end, for each account whose list is known to be a part, and for a filter
/// that probably names a wrong platform.
pub(super) fn calendar(report: &Report, filter: &PageFilter, stamp: Stamp) -> String {
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
    let latest = report.accounts.iter().map(|it| stamp_of(Some(&it))).max();
    for note in filter_notes(&report.accounts, filter) {
        let uid = uid(&["filter", &filter.query()]);
        let mut event = event_of_today(&uid, report.checked_at, &note.text, &note.advice);
        stamp_event(&mut event, latest.flatten());
        calendar.push(event.done());
    }
    folded(&calendar.to_string())
}

/// Folds lines at 75 octets (RFC 5545, section 3.1). The lines of icalendar may have one more.
fn folded(text: &str) -> String {
    const LIMIT: usize = 75;
    let mut out = String::with_capacity(text.len());
    for line in text.replace("\r\n ", "").split_terminator("\r\n") {
        let (mut rest, mut room) = (line, LIMIT);
        while rest.len() > room {
            let boundary = (1..=room).rev().find(|at| rest.is_char_boundary(*at));
            let (part, others) = rest.split_at(boundary.unwrap_or(room));
            out.extend([part, "\r\n "]);
            // The space counts.
            (rest, room) = (others, LIMIT - 1);
        }
        out.extend([rest, "\r\n"]);
    }
    out
}

fn token_end(row: &ProfileRow, read_at: Option<DateTime<Utc>>) -> Option<Event> {
    let profile = row.judged.profile?;
    // A profile without a verdict on its token has none, whatever the list states.
    row.judged.verdict.left?;
    let end = profile.token_expires_at?;
    let name = row.visible_name().unwrap_or(row.judged.id);
    let summary = neutral(&format!(
        "Token of {name} ends{} ({})",
        stated_day(end),
        row.judged.platform
    ));
    let mut description = format!(
        "{}/{}: the token ends at {}. Messages fail from then on, unless the token is renewed or somebody reconnects the profile in the Qlara dashboard before.",
        row.judged.platform,
        row.judged.id,
        Zone::UTC.stated_minute(end)
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
        .starts(end.to_utc())
        .summary(&summary)
        .description(&neutral(&description));
    stamp_event(&mut event, read_at);
    for days in REMINDERS {
        let mut alarm = Alarm::display(&summary, -Duration::days(days));
        // Without them, icalendar writes a random identifier and the current time.
        alarm.uid(&format!("{days}d-{uid}"));
        alarm.timestamp(read_at.unwrap_or_default());
        event.alarm(alarm);
    }
    Some(event.done())
}

/// The day that the gateway stated, if a calendar that reads UTC shows the event on another one.
fn stated_day(end: DateTime<FixedOffset>) -> String {
    let day = end.date_naive();
    match Zone::UTC.day(end) == day {
        true => String::new(),
        false => format!(" on {day}"),
    }
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
    let uid = uid(&["partial", account.name.unwrap_or_default()]);
    let summary = format!("Token ends{whose} are missing from this calendar");
    let mut event = event_of_today(&uid, now, &summary, PARTIAL_LIST);
    stamp_event(&mut event, read_at);
    Some(event.done())
}

/// An event that lasts the day: without an end, a date is one (RFC 5545, section 3.6.1).
fn event_of_today(uid: &str, now: DateTime<Utc>, summary: &str, description: &str) -> Event {
    let mut event = Event::new();
    event
        .uid(uid)
        .starts(now.date_naive())
        .summary(&neutral(summary))
        .description(description);
    event
}

/// Both stamps are the same in a calendar without a method (RFC 5545, section 3.8.7.2). They grow with each reading, so an
/// event that moves needs no SEQUENCE: of two revisions with the same one, the later stamp counts (RFC 5546, section 2.1.5).
/// No number that an exporter could count on would be the same in its replicas and after a restart.
fn stamp_event(event: &mut Event, read_at: Option<DateTime<Utc>>) {
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
