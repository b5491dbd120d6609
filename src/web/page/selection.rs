//! The rows that an address selects, in its order.

use std::cmp::Ordering;

use super::address::{Address, Column, Sort};
use super::counts::Counts;
use super::overview::{AccountOverview, Overview};
use crate::record::ProfileRow;

/// The rows that an address selects.
#[derive(Debug)]
pub(super) struct Selection<'a> {
    /// The accounts that match the filter.
    pub(super) accounts: Vec<&'a AccountOverview<'a>>,
    /// The profiles that match the filter apart from its severity.
    pub(super) counts: Counts,
    /// The profiles that match the filter, in the order of the address.
    pub(super) rows: Vec<&'a ProfileRow<'a>>,
}

impl<'a> Selection<'a> {
    pub(super) fn new(overview: &'a Overview<'a>, address: &Address) -> Selection<'a> {
        let filter = &address.filter;
        let mut counts = Counts::default();
        let mut rows = Vec::new();
        for row in &overview.rows {
            let severity = row.judged.verdict.severity;
            if filter.matches(row) {
                counts.add(severity);
                if filter.matches_severity(severity) {
                    rows.push(row);
                }
            }
        }
        if let Some(sort) = address.sort {
            sort_by_column(&mut rows, sort);
        }
        let accounts = overview.accounts.iter();
        let accounts = accounts.filter(|account| filter.matches_account(account.name));
        Selection {
            accounts: accounts.collect(),
            counts,
            rows,
        }
    }

    /// Whether the profiles of any selected account are known, so that there are numbers of them.
    pub(super) fn has_data(&self) -> bool {
        self.accounts.iter().any(|account| account.has_data())
    }

    /// The selected accounts whose profiles are not known.
    pub(super) fn unknown(&self) -> Vec<&'a AccountOverview<'a>> {
        let accounts = self.accounts.iter().copied();
        accounts.filter(|account| !account.has_data()).collect()
    }
}

/// Sorts the rows by a column; rows without a value come last, and equal rows keep their order.
fn sort_by_column(rows: &mut [&ProfileRow], sort: Sort) {
    let directed = |order: Ordering| match sort.is_descending {
        true => order.reverse(),
        false => order,
    };
    rows.sort_by(|a, b| match sort.column {
        // Ascending is the most urgent first.
        Column::Verdict => {
            let urgency = |row: &ProfileRow| row.judged.verdict.urgency();
            directed(urgency(a).cmp(&urgency(b)))
        }
        Column::Profile => {
            let name =
                |row: &ProfileRow| Some(row.name().to_lowercase()).filter(|name| !name.is_empty());
            present_first(name(a), name(b), directed)
        }
        Column::Account => present_first(a.account, b.account, directed),
        Column::Status => directed(a.status_text().cmp(b.status_text())),
        Column::TokenEnd => present_first(a.judged.verdict.left, b.judged.verdict.left, directed),
        Column::Activity => present_first(a.last_activity_at(), b.last_activity_at(), directed),
    });
}

fn present_first<T: Ord>(
    a: Option<T>,
    b: Option<T>,
    directed: impl Fn(Ordering) -> Ordering,
) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => directed(a.cmp(&b)),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}
