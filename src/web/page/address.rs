//! The address of the page: the filter, the order, and which part of the rows it shows.

use form_urlencoded::{Serializer, parse};

use crate::verdict::Severity;
use crate::web::filter::PageFilter;

/// The query string of the page.
#[derive(Debug, Clone, Default)]
pub(super) struct Address {
    pub(super) filter: PageFilter,
    /// `None` for the order by need.
    pub(super) sort: Option<Sort>,
    /// The part of the profiles, from 0.
    pub(super) page: usize,
    /// The part of the accounts, from 0.
    pub(super) accounts_page: usize,
    /// Whether the browser reloads the page each minute.
    pub(super) reloads: bool,
}

/// An order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sort {
    pub(super) column: Column,
    pub(super) is_descending: bool,
}

/// A column by which the table can be sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Verdict,
    Profile,
    Account,
    Status,
    TokenEnd,
    Activity,
}

impl Column {
    pub(super) const ALL: [Column; 6] = [
        Column::Verdict,
        Column::Profile,
        Column::Account,
        Column::Status,
        Column::TokenEnd,
        Column::Activity,
    ];

    /// The name in the address.
    pub(super) fn key(self) -> &'static str {
        match self {
            Column::Verdict => "verdict",
            Column::Profile => "profile",
            Column::Account => "account",
            Column::Status => "status",
            Column::TokenEnd => "token",
            Column::Activity => "activity",
        }
    }

    /// The order in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Column::Verdict => "by verdict",
            Column::Profile => "by name",
            Column::Account => "by account",
            Column::Status => "by status",
            Column::TokenEnd => "by token end",
            Column::Activity => "by last activity",
        }
    }
}

impl Sort {
    /// Parses `token`, or `-token` for the descending order.
    fn parse(text: &str) -> Option<Sort> {
        let name = text.strip_prefix('-');
        let is_descending = name.is_some();
        let name = name.unwrap_or(text);
        let column = Column::ALL
            .into_iter()
            .find(|column| column.key() == name)?;
        Some(Sort {
            column,
            is_descending,
        })
    }
}

impl Address {
    /// Parses a query string. What cannot be read counts as absent.
    pub(super) fn parse(query: &str) -> Address {
        let mut address = Address {
            filter: PageFilter::parse(query),
            ..Address::default()
        };
        for (key, value) in parse(query.as_bytes()) {
            match &*key {
                "sort" => address.sort = Sort::parse(&value),
                "page" => address.page = part(&value),
                "accounts" => address.accounts_page = part(&value),
                "refresh" => address.reloads = value == "1",
                _ => {}
            }
        }
        address
    }

    /// The query string. Equal addresses have the same one.
    pub(super) fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        self.filter.append_to(&mut query);
        if let Some(sort) = self.sort {
            let sign = if sort.is_descending { "-" } else { "" };
            query.append_pair("sort", &format!("{sign}{}", sort.column.key()));
        }
        for (key, part) in [("page", self.page), ("accounts", self.accounts_page)] {
            if part > 0 {
                query.append_pair(key, &(part + 1).to_string());
            }
        }
        if self.reloads {
            query.append_pair("refresh", "1");
        }
        format!("?{}", query.finish())
    }

    /// Whether this is the overview: all profiles by need.
    pub(super) fn is_overview(&self) -> bool {
        self.filter.is_empty() && self.sort.is_none() && self.page == 0
    }

    /// Whether the profiles of this severity are chosen.
    pub(super) fn is_chosen(&self, severity: Option<Severity>) -> bool {
        match (&self.filter.verdict, severity) {
            (Some(_), Some(severity)) => self.filter.matches_severity(severity),
            (chosen, severity) => chosen.is_none() && severity.is_none(),
        }
    }

    /// The first part of the profiles of this severity.
    pub(super) fn with_severity(&self, severity: Option<Severity>) -> Address {
        let mut address = self.first_page();
        address.filter.verdict = severity.map(|severity| severity.as_str().to_owned());
        address
    }

    /// The profiles of this account.
    pub(super) fn of_account(&self, account: &str) -> Address {
        Address {
            filter: PageFilter {
                account: Some(account.to_owned()),
                ..PageFilter::default()
            },
            reloads: self.reloads,
            ..Address::default()
        }
    }

    /// Sorted by this column; if it is sorted by it already, the other way round.
    pub(super) fn sorted_by(&self, column: Column) -> Address {
        let is_ascending = Sort {
            column,
            is_descending: false,
        };
        Address {
            sort: Some(Sort {
                column,
                is_descending: self.sort == Some(is_ascending),
            }),
            ..self.first_page()
        }
    }

    pub(super) fn with_page(&self, page: usize) -> Address {
        Address {
            page,
            ..self.clone()
        }
    }

    pub(super) fn with_accounts_page(&self, accounts_page: usize) -> Address {
        Address {
            accounts_page,
            ..self.clone()
        }
    }

    pub(super) fn with_reloads(&self, reloads: bool) -> Address {
        Address {
            reloads,
            ..self.clone()
        }
    }

    fn first_page(&self) -> Address {
        self.with_page(0)
    }
}

/// A part counted from 1, as the index from 0.
fn part(text: &str) -> usize {
    text.parse::<usize>().unwrap_or_default().saturating_sub(1)
}
