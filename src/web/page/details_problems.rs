//! Details of platforms that could not be read, or not as a whole.

use std::borrow::Cow;

use super::elements::short;
use super::problems::{AccountProblem, ProblemKind};
use crate::gateway::error::GatewayError;
use crate::record::advice;
use crate::refresh::RefreshErrors;
use crate::snapshot::Snapshot;
use crate::zone::Zone;

/// Maximum number of platforms in a text.
const MAX_NAMES: usize = 5;

/// Failed calls for details, grouped by what to do.
pub(super) fn details_problems(
    errors: &RefreshErrors,
    snapshot: Option<&Snapshot>,
    zone: Zone,
) -> Vec<AccountProblem> {
    let mut failures: Vec<DetailsFailure> = Vec::new();
    for (platform, error) in &errors.details {
        let failure = DetailsFailure::new(platform, error, snapshot);
        match failures.iter_mut().find(|known| known.is_like(&failure)) {
            Some(known) => known.platforms.push(platform),
            None => failures.push(failure),
        }
    }
    let failures = failures.into_iter();
    failures
        .map(|failure| failure.problem(snapshot, zone))
        .collect()
}

/// Why the details of some platforms cannot be read.
struct DetailsFailure<'a> {
    platforms: Vec<&'a str>,
    /// Whether the cause is that a token of the platforms has expired, rather than a failure of the gateway.
    needs_token: bool,
    cause: &'static str,
    advice: Cow<'static, str>,
}

impl<'a> DetailsFailure<'a> {
    fn new(
        platform: &'a str,
        error: &GatewayError,
        snapshot: Option<&Snapshot>,
    ) -> DetailsFailure<'a> {
        let needs_token = snapshot.is_some_and(|snapshot| snapshot.is_blocked_by_token(platform));
        let (cause, advice) = match needs_token {
            true => (
                "The gateway answers 503 for a channel with an expired token.",
                advice::EXPIRED_TOKEN.into(),
            ),
            false => (error.meaning(), error.advice()),
        };
        DetailsFailure {
            platforms: vec![platform],
            needs_token,
            cause,
            advice,
        }
    }

    fn is_like(&self, other: &DetailsFailure) -> bool {
        (self.needs_token, self.cause, &self.advice)
            == (other.needs_token, other.cause, &other.advice)
    }

    fn problem(self, snapshot: Option<&Snapshot>, zone: Zone) -> AccountProblem {
        let (short, alert, kind) = match self.needs_token {
            true => (
                "details need a valid token",
                "QlaraTokenExpired",
                ProblemKind::OfProfiles,
            ),
            false => (
                "details not read",
                "QlaraDetailsUnavailable",
                ProblemKind::Other,
            ),
        };
        AccountProblem {
            short,
            what: format!("The details of {} cannot be read.", names(&self.platforms)),
            cause: Some(self.cause),
            meanwhile: Some(shown_instead(snapshot, &self.platforms, zone)),
            advice: self.advice,
            alert: Some(alert),
            kind,
        }
    }
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
        advice: advice::INCOMPLETE_DETAILS.into(),
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
