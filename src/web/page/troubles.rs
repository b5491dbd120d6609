//! What is wrong with accounts: each problem once, with the accounts that have it.

use maud::{Markup, html};

use super::address::Address;
use super::elements::{account_name, advice, brief, foreign};
use super::overview::{AccountOverview, Overview};
use super::problems::{AccountProblem, ProblemKind};
use super::site::Site;
use crate::config::Links;
use crate::plural::count;

/// Maximum number of accounts that a text names.
const MAX_NAMES: usize = 3;

/// The times of failed attempts to read a list.
pub(super) struct Attempts {
    /// The start of the first failure.
    pub(super) since: Markup,
    /// The earliest time of the next attempt, not before it.
    pub(super) next: Markup,
}

/// A problem, and the accounts that have it.
#[derive(Debug)]
pub(super) struct Trouble<'a> {
    /// At least one. All of them have data, or none has.
    pub(super) accounts: Vec<&'a AccountOverview<'a>>,
    /// The problem of the first account. Those of the others differ in numbers and names at most.
    pub(super) problem: &'a AccountProblem,
}

impl<'a> Trouble<'a> {
    /// The problems of these accounts, in their order.
    pub(super) fn of(
        accounts: impl IntoIterator<Item = &'a AccountOverview<'a>>,
    ) -> Vec<Trouble<'a>> {
        let mut troubles: Vec<Trouble> = Vec::new();
        for account in accounts {
            for problem in &account.problems {
                match troubles.iter_mut().find(|it| it.covers(account, problem)) {
                    Some(trouble) => trouble.accounts.push(account),
                    None => troubles.push(Trouble {
                        accounts: vec![account],
                        problem,
                    }),
                }
            }
        }
        troubles
    }

    fn covers(&self, account: &AccountOverview, problem: &AccountProblem) -> bool {
        let known = self.problem;
        self.has_data() == account.has_data()
            && (known.short, known.cause, &known.advice)
                == (problem.short, problem.cause, &problem.advice)
    }

    pub(super) fn has_data(&self) -> bool {
        self.accounts.iter().all(|account| account.has_data())
    }

    /// Whether the profiles that the page shows do not tell about it.
    pub(super) fn is_cause(&self) -> bool {
        self.problem.kind != ProblemKind::OfProfiles
    }

    pub(super) fn is_list_not_read(&self) -> bool {
        self.problem.kind == ProblemKind::ListNotRead
    }

    /// The accounts and their problem in few words, without markup.
    pub(super) fn words(&self) -> String {
        let who = match &self.accounts[..] {
            [account] => account
                .name
                .map_or_else(|| "the default account".to_owned(), brief),
            accounts => count(accounts.len(), "account"),
        };
        format!("{who}: {}", self.problem.short)
    }

    /// Since when the lists could not be read, and when the next attempt may be made; `None` for other problems.
    pub(super) fn attempts(&self, site: &Site) -> Option<Attempts> {
        let failures = || self.accounts.iter().filter_map(|account| account.failure);
        let starts = || failures().map(|failure| failure.since);
        let (first, last) = (starts().min()?, starts().max()?);
        let differs = site.zone().minute(first) != site.zone().minute(last);
        let next = failures().map(|failure| failure.next_attempt_at).min()?;
        self.is_list_not_read().then(|| Attempts {
            since: html! { (site.time(first)) @if differs { " or later" } },
            next: site.time_not_before(next),
        })
    }

    /// The sentence for all accounts, without what the text above it says.
    fn sentence(&self, said: &str) -> String {
        let mut whats = self.accounts.iter().flat_map(|account| &account.problems);
        let differs = whats.any(|other| {
            let problem = self.problem;
            (other.short, other.cause) == (problem.short, problem.cause)
                && other.what != problem.what
        });
        // In the headline, it may follow another fact.
        let lower = self.problem.headline().to_ascii_lowercase();
        let is_said = said.to_ascii_lowercase().contains(&lower);
        let what = match (differs, is_said) {
            (true, _) => format!("{}. ", self.problem.short),
            (false, false) => format!("{} ", self.problem.what),
            (false, true) => String::new(),
        };
        what + self.problem.cause.unwrap_or_default()
    }

    /// The links that all accounts share.
    fn links(&self, site: &Site<'a>) -> Option<&'a Links> {
        let links = site.links(self.accounts.first()?.name);
        let mut others = self.accounts.iter();
        links.filter(|_| others.all(|account| site.links(account.name) == links))
    }
}

impl Overview<'_> {
    /// The problems of all accounts, those of the worst accounts first.
    pub(super) fn troubles(&self) -> Vec<Trouble<'_>> {
        Trouble::of(&self.accounts)
    }
}

/// The problems in full, each with its accounts and with what to do.
pub(super) fn in_full(troubles: &[Trouble], overview: &Overview) -> Markup {
    below("", troubles, overview)
}

/// As [`in_full`], below a headline, whose sentences are not repeated.
pub(super) fn below(headline: &str, troubles: &[Trouble], overview: &Overview) -> Markup {
    let names_accounts = overview.has_several_accounts();
    html! { @for trouble in troubles { (block(headline, trouble, overview, names_accounts)) } }
}

/// All problems of one account, on a page or in a section about it.
pub(super) fn of_account(account: &AccountOverview, overview: &Overview) -> Markup {
    html! { @for trouble in Trouble::of([account]) { (block("", &trouble, overview, false)) } }
}

fn block(said: &str, trouble: &Trouble, overview: &Overview, names_accounts: bool) -> Markup {
    let links = trouble.links(&overview.site);
    let problem = trouble.problem;
    let sentence = trouble.sentence(said);
    let attempts = trouble.attempts(&overview.site);
    html! {
        div.problem {
            @if names_accounts || !sentence.is_empty() || attempts.is_some() {
                p {
                    @if names_accounts { (who(trouble, overview, foreign)) ": " }
                    @if !sentence.is_empty() { strong { (sentence) } " " }
                    @if let Some(Attempts { since, next }) = attempts {
                        "Not read since " (since)
                        ". The next attempt is made by the first scrape or view of this page after " (next) "."
                    }
                }
            }
            p {
                @if let ([_], Some(meanwhile)) = (&trouble.accounts[..], &problem.meanwhile) { (meanwhile) " " }
                (advice(&problem.advice, links))
                @if let Some(url) = problem.alert.and_then(|alert| links?.runbook(alert)) { " " a href=(url) { "Runbook" } }
            }
        }
    }
}

/// The names of few accounts with links to their profiles, each as `name` shows it, or the number of many.
pub(super) fn who(trouble: &Trouble, overview: &Overview, name: fn(&str) -> Markup) -> Markup {
    html! {
        @if trouble.accounts.len() > MAX_NAMES { (count(trouble.accounts.len(), "account")) }
        @else {
            @for (index, account) in trouble.accounts.iter().enumerate() {
                @if index > 0 { ", " }
                (link(account, overview, name))
            }
        }
    }
}

/// The name of an account as `shown`, with a link to its profiles.
fn link(account: &AccountOverview, overview: &Overview, shown: fn(&str) -> Markup) -> Markup {
    html! {
        @match account.name {
            Some(name) => {
                a href={ (overview.site.page_url(&Address::default().of_account(name))) "#profiles" } { (shown(name)) }
            }
            None => (account_name(None)),
        }
    }
}
