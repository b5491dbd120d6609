//! The problems of an account, each with advice on what to do.

use std::borrow::Cow;

use super::details_problems::{details_problems, incomplete_details};
use crate::account::View;
use crate::gateway::error::{GatewayError, Reason};
use crate::plural::{choose, count};
use crate::record::advice;
use crate::refresh::RefreshErrors;
use crate::snapshot::Snapshot;
use crate::zone::Zone;

/// Maximum number of undocumented status words in a text.
const MAX_WORDS: usize = 5;

/// A problem of an account.
#[derive(Debug)]
pub(super) struct AccountProblem {
    /// The problem in few words, which are the same for all accounts that have it.
    pub(super) short: &'static str,
    /// The problem of this account, in one sentence.
    pub(super) what: String,
    /// Why, if `what` does not say it.
    pub(super) cause: Option<&'static str>,
    /// What the page shows of this account instead.
    pub(super) meanwhile: Option<String>,
    /// What to do.
    pub(super) advice: Cow<'static, str>,
    /// The alert about it, whose runbook tells more; `None` if no alert is about it.
    pub(super) alert: Option<&'static str>,
    pub(super) kind: ProblemKind,
}

/// What a problem says about the data of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProblemKind {
    /// The list could not be read.
    ListNotRead,
    /// Follows from profiles that need attention themselves.
    OfProfiles,
    Other,
}

impl AccountProblem {
    fn new(
        short: &'static str,
        what: impl Into<String>,
        advice: impl Into<Cow<'static, str>>,
        alert: Option<&'static str>,
    ) -> AccountProblem {
        AccountProblem {
            short,
            what: what.into(),
            cause: None,
            meanwhile: None,
            advice: advice.into(),
            alert,
            kind: ProblemKind::Other,
        }
    }

    fn list_not_read(error: &GatewayError) -> AccountProblem {
        let alert = match error.reason() {
            Reason::Unauthorized | Reason::Forbidden => "QlaraGatewayCredentialsRefused",
            Reason::RateLimited => "QlaraGatewayRateLimited",
            _ => "QlaraGatewayUnreachable",
        };
        AccountProblem {
            kind: ProblemKind::ListNotRead,
            ..AccountProblem::new(
                error.short_meaning(),
                error.meaning(),
                error.advice(),
                Some(alert),
            )
        }
    }

    fn list_not_usable() -> AccountProblem {
        AccountProblem {
            kind: ProblemKind::ListNotRead,
            ..AccountProblem::new(
                "list not usable",
                "The list of profiles was read but could not be used.",
                advice::UNUSABLE_LIST,
                Some("QlaraGatewayUnreachable"),
            )
        }
    }

    /// The problem as a part of a headline.
    pub(super) fn headline(&self) -> &str {
        self.what.trim_end_matches('.')
    }
}

/// All problems of the account, worst first.
pub(super) fn account_problems(view: &View, zone: Zone) -> Vec<AccountProblem> {
    let snapshot = view.snapshot.as_deref();
    let mut all = Vec::new();
    if let Some(errors) = &view.errors {
        match &errors.list {
            Some(error) => all.push(AccountProblem::list_not_read(error)),
            None if view.exposed.up == Some(false) => all.push(AccountProblem::list_not_usable()),
            None => {}
        }
        all.extend(details_problems(errors, snapshot, zone));
        all.extend(platforms_not_asked(errors));
    }
    all.extend(snapshot.and_then(incomplete_list));
    all.extend(snapshot.and_then(incomplete_details));
    all.extend(snapshot.and_then(empty_list));
    if let Some(errors) = &view.errors {
        all.extend(broken_secret(errors));
        all.extend(repeated_secret(errors));
        all.extend(skewed_clock(errors));
        all.extend(unknown_statuses(errors));
    }
    all.extend(snapshot.and_then(linked_accounts_dropped));
    all.extend(snapshot.and_then(dropped_entries));
    all
}

fn platforms_not_asked(errors: &RefreshErrors) -> Option<AccountProblem> {
    let number = errors.platforms_not_asked;
    (number > 0).then(|| {
        let what = format!(
            "{} {} not asked for details: the list names too many.",
            count(number, "platform"),
            choose(number, "is", "are")
        );
        let alert = Some("QlaraDetailsUnavailable");
        AccountProblem::new("too many platforms", what, advice::ODD_LIST, alert)
    })
}

fn broken_secret(errors: &RefreshErrors) -> Option<AccountProblem> {
    errors.secret.as_ref().map(|_| {
        AccountProblem::new(
            "key file not usable",
            "The file with the credentials cannot be used; its last content stays in use.",
            advice::SECRET_FILE,
            Some("QlaraExporterConfigurationBroken"),
        )
    })
}

fn skewed_clock(errors: &RefreshErrors) -> Option<AccountProblem> {
    errors.clock.map(|difference| {
        AccountProblem::new(
            "clocks differ",
            format!("The clock of this machine is {difference}."),
            advice::CLOCK,
            None,
        )
    })
}

/// The words themselves, because the metrics and the table only show `UNKNOWN`.
fn unknown_statuses(errors: &RefreshErrors) -> Option<AccountProblem> {
    let words = errors.unknown_statuses.iter().take(MAX_WORDS);
    let words: Vec<String> = words.map(|word| format!("{word:?}")).collect();
    (!words.is_empty()).then(|| AccountProblem {
        kind: ProblemKind::OfProfiles,
        ..AccountProblem::new(
            "undocumented status",
            format!(
                "The gateway's documentation does not name the status {}.",
                words.join(", ")
            ),
            advice::UNKNOWN_STATUS,
            Some("QlaraProfileStatusUnknown"),
        )
    })
}

fn repeated_secret(errors: &RefreshErrors) -> Option<AccountProblem> {
    let entries = errors.entries_with_secret;
    (entries > 0).then(|| {
        let what = format!(
            "The gateway repeats the account's credentials in {}; values with credentials are ignored.",
            count(entries, "entry")
        );
        AccountProblem::new(
            "credentials in the answer",
            what,
            advice::REPEATED_SECRET,
            Some("QlaraAnswersInvalid"),
        )
    })
}

fn incomplete_list(snapshot: &Snapshot) -> Option<AccountProblem> {
    let shown = snapshot.profiles.len();
    let what = match snapshot.reported {
        Some(total) if total > shown as u64 => {
            let total = count(total, "profile");
            format!("The list is incomplete: it holds {shown} of {total}.")
        }
        _ => "The list is incomplete: it refers to more pages.".to_owned(),
    };
    (!snapshot.is_complete).then(|| {
        AccountProblem::new(
            "list incomplete",
            what,
            advice::INCOMPLETE_LIST,
            Some("QlaraListIncomplete"),
        )
    })
}

/// An account without profiles is a problem, as in `check` and the alerts.
fn empty_list(snapshot: &Snapshot) -> Option<AccountProblem> {
    let is_empty = snapshot.profiles.is_empty() && snapshot.is_complete;
    is_empty.then(|| {
        AccountProblem::new(
            "no profile connected",
            "No profile is connected.",
            advice::EMPTY_LIST,
            Some("QlaraNoProfiles"),
        )
    })
}

fn linked_accounts_dropped(snapshot: &Snapshot) -> Option<AccountProblem> {
    let dropped = snapshot.linked_accounts_dropped;
    (dropped > 0).then(|| {
        let what = format!(
            "{} not shown: {} past limits.profiles.",
            count(dropped, "linked account") + choose(dropped, " is", " are"),
            choose(dropped, "it is", "they are")
        );
        AccountProblem::new(
            "linked accounts left out",
            what,
            advice::LINKED_ACCOUNTS,
            Some("QlaraProfilesDropped"),
        )
    })
}

fn dropped_entries(snapshot: &Snapshot) -> Option<AccountProblem> {
    let dropped = snapshot.dropped;
    let kinds = [
        (
            dropped.limit,
            "past limits.profiles or limits.exposition_bytes",
        ),
        (dropped.invalid, "without a usable platform or id"),
        (dropped.duplicate, "listed twice"),
    ];
    let total = dropped.limit + dropped.invalid + dropped.duplicate;
    let kinds = kinds.into_iter().filter(|(count, _)| *count > 0);
    let kinds: Vec<String> = kinds
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
    let advice = match dropped.limit {
        0 => advice::ODD_LIST,
        _ => advice::LONG_LIST,
    };
    (total > 0).then(|| {
        let what = format!(
            "{} of the gateway's list {} left out: {}.",
            count(total, "entry"),
            choose(total, "is", "are"),
            kinds.join(", ")
        );
        AccountProblem::new(
            "entries left out",
            what,
            advice,
            Some("QlaraProfilesDropped"),
        )
    })
}
