//! The token ends of the next 60 days: a strip for the eye, and a list with names.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use maud::{Markup, html};

use super::address::{Address, Column};
use super::elements::{foreign, named};
use super::overview::Overview;
use crate::plural::{choose, count};
use crate::record::ProfileRow;
use crate::verdict::Severity;

/// The number of days of the timeline.
const DAYS: u64 = 60;
/// Maximum number of days in the list.
const MAX_LISTED_DAYS: usize = 10;
/// Maximum number of names of a day.
const MAX_NAMES: usize = 3;
/// Width of a day and height of the strip, in units of the drawing.
const DAY_WIDTH: u64 = 10;
const HEIGHT: u64 = 40;

/// The rows whose tokens end on one day, soonest first.
type Ends<'a> = BTreeMap<NaiveDate, Vec<&'a ProfileRow<'a>>>;

/// The timeline; nothing if no token end is known to be in these days.
pub(super) fn timeline(overview: &Overview) -> Markup {
    let today = overview.site.zone().day(overview.site.now);
    let ends = ends(overview, today);
    html! {
        @if !ends.is_empty() {
            section aria-labelledby="timeline-title" {
                h2 #timeline-title { "Token ends of the next " (DAYS) " days" }
                (strip(&ends, today))
                ol.timeline {
                    @for (day, rows) in ends.iter().take(MAX_LISTED_DAYS) { li { (listed_day(*day, rows, overview)) } }
                }
                (rest(&ends, overview))
            }
        }
    }
}

/// The number of the ends after the listed days, and the link to all.
fn rest(ends: &Ends, overview: &Overview) -> Markup {
    let by_token = Address::default().sorted_by(Column::TokenEnd);
    let rest = || ends.iter().skip(MAX_LISTED_DAYS);
    let number: usize = rest().map(|(_, rows)| rows.len()).sum();
    html! {
        @if let Some((last, _)) = rest().next_back() {
            p {
                (count(number, "more token")) " " (choose(number, "ends", "end")) " by " (last.format("%-d %b %Y")) ": "
                a href={ (overview.site.page_url(&by_token)) "#profiles" } { "all profiles by the end of their tokens" }
            }
        }
    }
}

fn ends<'a>(overview: &'a Overview<'a>, today: NaiveDate) -> Ends<'a> {
    let mut ends = Ends::new();
    let end_of_strip = today.checked_add_days(Days::new(DAYS)).unwrap_or(today);
    for row in &overview.rows {
        let end = row
            .judged
            .profile
            .and_then(|profile| profile.token_expires_at);
        let ahead = row
            .judged
            .verdict
            .left
            .is_some_and(|left| left.num_seconds() > 0);
        // The day that the gateway states.
        let day = end.filter(|_| ahead).map(|end| end.date_naive());
        if let Some(day) = day.filter(|day| *day < end_of_strip) {
            ends.entry(day).or_default().push(row);
        }
    }
    ends
}

/// One bar for each day with token ends, as high as their number, and a line at each week.
fn strip(ends: &Ends, today: NaiveDate) -> Markup {
    let highest = ends.values().map(Vec::len).max().unwrap_or(1) as u64;
    let width = DAYS * DAY_WIDTH;
    html! {
        svg.strip aria-hidden="true" viewBox={ "0 0 " (width) " " (HEIGHT) } preserveAspectRatio="none" {
            @for week in (0..DAYS).step_by(7) {
                line x1=(week * DAY_WIDTH) x2=(week * DAY_WIDTH) y1="0" y2=(HEIGHT) {}
            }
            @for (day, rows) in ends {
                @let height = (rows.len() as u64 * HEIGHT / highest).max(4);
                @let index = (*day - today).num_days().max(0) as u64;
                rect class=(worst(rows).as_str()) x=(index * DAY_WIDTH + 1) y=(HEIGHT - height)
                    width=(DAY_WIDTH - 2) height=(height) {}
            }
        }
    }
}

fn worst(rows: &[&ProfileRow]) -> Severity {
    let severities = rows.iter().map(|row| row.judged.verdict.severity);
    severities.max().unwrap_or(Severity::Fine)
}

fn listed_day(day: NaiveDate, rows: &[&ProfileRow], overview: &Overview) -> Markup {
    html! {
        strong { (day.format("%a %-d %b %Y")) }
        " "
        @for (index, row) in rows.iter().take(MAX_NAMES).enumerate() {
            @if index > 0 { ", " }
            a href=(overview.site.profile_url(row.account, row.judged.platform, row.judged.id)) { (named(row.name(), row.judged.id)) }
            " (" (foreign(row.judged.platform)) ")"
        }
        @if rows.len() > MAX_NAMES { " and " (count(rows.len() - MAX_NAMES, "more profile")) }
    }
}
