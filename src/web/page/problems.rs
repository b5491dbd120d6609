//! The problems of an account, each with advice on what to do.

use std::iter;

use super::elements::short;
use crate::account::View;
use crate::gateway::error::Reason;
use crate::plural::{choose, count};
use crate::record::advice::{advise, describe};
use crate::refresh::RefreshErrors;
use crate::snapshot::Snapshot;
use crate::zone::Zone;

/// Maximum number of platforms in a text.
const MAX_NAMES: usize = 5;

const LOOK_AT_THE_LIST: &str = "Look at the list of the account in the Qlara dashboard.";

/// A problem of an account.
#[derive(Debug)]
pub(super) struct AccountProblem {
    /// The problem, in one or two sentences.
    pub(super) what: String,
    /// What to do.
    pub(super) advice: String,
    /// The alert about it, whose runbook tells more; `None` if no alert is about it.
    pub(super) alert: Option<&'static str>,
}

impl AccountProblem {
    fn from_reason(reason: Reason) -> AccountProblem {
        AccountProblem {
            what: describe(reason).to_owned(),
            advice: advise(reason).to_owned(),
            alert: Some(match reason {
                Reason::Unauthorized | Reason::Forbidden => "QlaraGatewayCredentialsRefused",
                Reason::RateLimited => "QlaraGatewayRateLimited",
                _ => "QlaraGatewayUnreachable",
            }),
        }
    }
}

/// All problems of the account, worst first.
pub(super) fn account_problems(view: &View, zone: Zone) -> Vec<AccountProblem> {
    let mut all = Vec::new();
    if let Some(errors) = &view.errors {
        all.extend(
            errors
                .list
                .as_ref()
                .map(|error| AccountProblem::from_reason(error.reason())),
        );
        if errors.list.is_none() && view.exposed.up == Some(false) {
            all.push(AccountProblem {
                what: "The list of profiles was read but could not be used.".to_owned(),
                advice: "Look at the exporter's log.".to_owned(),
                alert: Some("QlaraGatewayUnreachable"),
            });
        }
        all.extend(details_problems(errors, view.snapshot.as_deref(), zone));
        all.extend(errors.secret.as_ref().map(|_| {
            AccountProblem {
                what:
                    "The file with the credentials cannot be used; its last content stays in use."
                        .to_owned(),
                advice: "The exporter's log names the file and the error.".to_owned(),
                alert: Some("QlaraExporterConfigurationBroken"),
            }
        }));
        all.extend(repeated_secret(errors));
        all.extend(errors.clock.map(|difference| {
            AccountProblem {
                what: format!("The clock of this machine is {difference}."),
                advice:
                    "Set the clock if it is wrong: it counts the time until the end of a token."
                        .to_owned(),
                alert: None,
            }
        }));
        if errors.platforms_not_asked > 0 {
            all.push(AccountProblem {
                what: format!(
                    "{} {} not asked for details: the list names too many.",
                    count(errors.platforms_not_asked, "platform"),
                    choose(errors.platforms_not_asked, "is", "are")
                ),
                advice: LOOK_AT_THE_LIST.to_owned(),
                alert: Some("QlaraDetailsUnavailable"),
            });
        }
    }
    all.extend(view.snapshot.as_deref().and_then(incomplete_list));
    all.extend(view.snapshot.as_deref().and_then(incomplete_details));
    all.extend(view.snapshot.as_deref().and_then(empty_list));
    all.extend(view.snapshot.as_deref().and_then(linked_accounts_dropped));
    all.extend(view.snapshot.as_deref().and_then(dropped_entries));
    all
}

fn repeated_secret(errors: &RefreshErrors) -> Option<AccountProblem> {
    let entries = errors.entries_with_secret;
    (entries > 0).then(|| AccountProblem {
        what: format!("The gateway repeats the account's credentials in {}; values with credentials are ignored.", count(entries, "entry")),
        advice: "Check that gateway.url leads to the gateway and not to a proxy's page. If something else answered, replace the credentials."
            .to_owned(), alert: Some("QlaraAnswersInvalid"),
    })
}

/// Why the details of a platform cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DetailsFailure {
    /// The token of one of its profiles has expired.
    ExpiredToken,
    /// The call failed.
    Call(Reason),
}

impl DetailsFailure {
    fn all() -> impl Iterator<Item = DetailsFailure> {
        let calls = Reason::ALL.into_iter().map(DetailsFailure::Call);
        iter::once(DetailsFailure::ExpiredToken).chain(calls)
    }

    fn of(platform: &str, reason: Reason, snapshot: Option<&Snapshot>) -> DetailsFailure {
        match snapshot.is_some_and(|snapshot| snapshot.is_blocked_by_token(platform)) {
            true => DetailsFailure::ExpiredToken,
            false => DetailsFailure::Call(reason),
        }
    }

    fn describe(self) -> &'static str {
        match self {
            DetailsFailure::ExpiredToken => {
                "The gateway answers 503 for a channel with an expired token."
            }
            DetailsFailure::Call(reason) => describe(reason),
        }
    }

    fn alert(self) -> &'static str {
        match self {
            DetailsFailure::ExpiredToken => "QlaraTokenExpired",
            DetailsFailure::Call(_) => "QlaraDetailsUnavailable",
        }
    }

    fn advise(self) -> &'static str {
        match self {
            DetailsFailure::ExpiredToken => {
                "Reconnect the profiles with expired tokens in the Qlara dashboard."
            }
            DetailsFailure::Call(reason) => advise(reason),
        }
    }
}

/// Failed calls for details, grouped by reason.
fn details_problems(
    errors: &RefreshErrors,
    snapshot: Option<&Snapshot>,
    zone: Zone,
) -> impl Iterator<Item = AccountProblem> {
    DetailsFailure::all().filter_map(move |failure| {
        let failed = errors.details.iter();
        let failed = failed.filter(|(platform, error)| {
            DetailsFailure::of(platform, error.reason(), snapshot) == failure
        });
        let platforms: Vec<&str> = failed.map(|(platform, _)| platform.as_str()).collect();
        let what = format!(
            "No details of {}. {}",
            names(&platforms),
            failure.describe()
        );
        let advice = format!(
            "{} {}",
            shown_instead(snapshot, &platforms, zone),
            failure.advise()
        );
        (!platforms.is_empty()).then_some(AccountProblem {
            what,
            advice,
            alert: Some(failure.alert()),
        })
    })
}

/// What the page shows instead of details that cannot be read.
fn shown_instead(snapshot: Option<&Snapshot>, platforms: &[&str], zone: Zone) -> String {
    let kept = platforms.iter().filter_map(|platform| {
        let details = snapshot?.details.get(*platform)?;
        details.oldest
    });
    match kept.map(|read_at| read_at.wall).min() {
        Some(oldest) => format!(
            "Meanwhile, permissions and last activity are shown as of {}.",
            zone.minute(oldest)
        ),
        None => "Meanwhile, permissions and last activity are not known.".to_owned(),
    }
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
    (!snapshot.is_complete).then(|| AccountProblem {
        what,
        advice: "The other profiles are not known: look at them in the Qlara dashboard. qlara-exporter explain shows what the gateway answers.".to_owned(), alert: Some("QlaraListIncomplete"),
    })
}

fn incomplete_details(snapshot: &Snapshot) -> Option<AccountProblem> {
    let parts = snapshot
        .details
        .iter()
        .filter(|(_, details)| details.is_incomplete);
    let platforms: Vec<&str> = parts.map(|(platform, _)| &**platform).collect();
    (!platforms.is_empty()).then(|| AccountProblem {
        what: format!("The details of {} are incomplete.", names(&platforms)),
        advice: "Permissions and last activity of the other profiles are not known.".to_owned(),
        alert: Some("QlaraDetailsIncomplete"),
    })
}

/// The names of the first platforms, and the number of the others.
fn names(platforms: &[&str]) -> String {
    let names: Vec<_> = platforms
        .iter()
        .take(MAX_NAMES)
        .map(|name| short(name))
        .collect();
    match platforms.len() {
        0..=MAX_NAMES => names.join(", "),
        count => format!("{} and {} more", names.join(", "), count - MAX_NAMES),
    }
}

/// An account without profiles is a problem, as in `check` and the alerts.
fn empty_list(snapshot: &Snapshot) -> Option<AccountProblem> {
    let is_empty = snapshot.profiles.is_empty() && snapshot.is_complete;
    is_empty.then(|| AccountProblem {
        what: "No profile is connected.".to_owned(),
        advice: "Check that the key is that of the right account, and look there in the Qlara dashboard.".to_owned(), alert: Some("QlaraNoProfiles"),
    })
}

fn linked_accounts_dropped(snapshot: &Snapshot) -> Option<AccountProblem> {
    let dropped = snapshot.linked_accounts_dropped;
    (dropped > 0).then(|| AccountProblem {
        what: format!(
            "{} not shown: {} past limits.profiles.",
            count(dropped, "linked account") + choose(dropped, " is", " are"),
            choose(dropped, "it is", "they are")
        ),
        advice: "Raise limits.profiles in the configuration.".to_owned(),
        alert: Some("QlaraProfilesDropped"),
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
    let kinds: Vec<String> = kinds
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
    let advice = match dropped.limit {
        0 => LOOK_AT_THE_LIST,
        _ => {
            "Raise limits.profiles or limits.exposition_bytes, which all accounts share, in the configuration."
        }
    };
    let advice = advice.to_owned();
    let what = format!(
        "Entries of the gateway's list are left out: {}.",
        kinds.join(", ")
    );
    (!kinds.is_empty()).then_some(AccountProblem {
        what,
        advice,
        alert: Some("QlaraProfilesDropped"),
    })
}
