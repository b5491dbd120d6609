//! Details of platforms that could not be read, or not as a whole.

use std::iter;

use super::elements::short;
use super::problems::{AccountProblem, ProblemKind};
use crate::gateway::error::Reason;
use crate::record::advice::{self, advise, describe};
use crate::refresh::RefreshErrors;
use crate::snapshot::Snapshot;
use crate::zone::Zone;

/// Maximum number of platforms in a text.
const MAX_NAMES: usize = 5;

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

    fn short(self) -> &'static str {
        match self {
            DetailsFailure::ExpiredToken => "details need a valid token",
            DetailsFailure::Call(_) => "details not read",
        }
    }

    fn kind(self) -> ProblemKind {
        match self {
            DetailsFailure::ExpiredToken => ProblemKind::BlockedByToken,
            DetailsFailure::Call(_) => ProblemKind::Other,
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
            DetailsFailure::ExpiredToken => advice::EXPIRED_TOKEN,
            DetailsFailure::Call(reason) => advise(reason),
        }
    }
}

/// Failed calls for details, grouped by reason.
pub(super) fn details_problems(
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
        (!platforms.is_empty()).then(|| AccountProblem {
            short: failure.short(),
            what: format!("The details of {} cannot be read.", names(&platforms)),
            cause: Some(failure.describe()),
            meanwhile: Some(shown_instead(snapshot, &platforms, zone)),
            advice: failure.advise(),
            alert: Some(failure.alert()),
            kind: failure.kind(),
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

pub(super) fn incomplete_details(snapshot: &Snapshot) -> Option<AccountProblem> {
    let parts = snapshot
        .details
        .iter()
        .filter(|(_, details)| details.is_incomplete);
    let platforms: Vec<&str> = parts.map(|(platform, _)| &**platform).collect();
    (!platforms.is_empty()).then(|| AccountProblem {
        short: "details incomplete",
        what: format!("The details of {} are incomplete.", names(&platforms)),
        cause: None,
        meanwhile: None,
        advice: advice::INCOMPLETE_DETAILS,
        alert: Some("QlaraDetailsIncomplete"),
        kind: ProblemKind::Other,
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
