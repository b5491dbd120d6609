//! Faults on demand, in one notation for the flag and for the control endpoint.

use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

use crate::config::duration;

/// A fault of the gateway: `[SCOPE:]KIND[=ARGUMENT]`.
///
/// Scopes: `list`, `details`, `details/PLATFORM`; without one the fault concerns every call.
///
/// | kind | the gateway |
/// | --- | --- |
/// | `latency=DURATION` | answers later; goes together with any other fault |
/// | `status=CODE` | answers with this HTTP status, as documented where it is (401, 403, 404, 429) |
/// | `retry-after=DURATION` | answers 429 and asks for this pause, in whole seconds |
/// | `hang` | takes the request and never answers |
/// | `stall` | begins its answer and never ends it |
/// | `reset` | resets the connection instead of answering |
/// | `truncated` | closes the connection in the middle of the body |
/// | `jsend=fail` or `jsend=error` | answers 200 with a JSend failure or error as its body |
/// | `garbage` | answers 200 with a body that is no JSON |
/// | `endless` | answers 200 with a body that never ends |
/// | `gzip-bomb` | answers 200 with a small compressed body that unpacks without end |
/// | `redirect=URL` | answers 302 to another address |
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    scope: Scope,
    kind: Kind,
}

/// Which calls a fault concerns.
#[derive(Debug, Clone, PartialEq)]
enum Scope {
    All,
    List,
    Details,
    DetailsOf(String),
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Latency(Duration),
    Status(u16),
    RetryAfter(Duration),
    Hang,
    Stall,
    Reset,
    Truncated,
    Jsend(Jsend),
    Garbage,
    Endless,
    GzipBomb,
    Redirect(String),
}

/// The JSend status of an answer that HTTP calls a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Jsend {
    Fail,
    Error,
}

/// The text is no fault. It is not repeated: it may be a key in the wrong place.
#[derive(Debug, thiserror::Error)]
#[error(
    "not a fault, expected [SCOPE:]KIND[=ARGUMENT] such as status=503 or details/facebook:hang"
)]
pub struct NoFault;

impl Fault {
    /// Whether this fault concerns the list (`None`) or the details of a platform.
    pub(super) fn concerns(&self, platform: Option<&str>) -> bool {
        match (&self.scope, platform) {
            (Scope::All, _) | (Scope::List, None) | (Scope::Details, Some(_)) => true,
            (Scope::DetailsOf(own), Some(platform)) => own == platform,
            _ => false,
        }
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }
}

impl FromStr for Fault {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Fault, NoFault> {
        parse(text.trim()).ok_or(NoFault)
    }
}

fn parse(text: &str) -> Option<Fault> {
    let head = text.split_once('=').map_or(text, |(head, _)| head);
    let (scope, kind) = match head.split_once(':') {
        Some((scope, _)) => (parse_scope(scope)?, &text[scope.len() + 1..]),
        None => (Scope::All, text),
    };
    let kind = match kind.split_once('=') {
        Some(("latency", argument)) => Kind::Latency(duration::parse(argument).ok()?),
        Some(("status", argument)) => Kind::Status(parse_status(argument)?),
        Some(("retry-after", argument)) => Kind::RetryAfter(duration::parse(argument).ok()?),
        Some(("jsend", "fail")) => Kind::Jsend(Jsend::Fail),
        Some(("jsend", "error")) => Kind::Jsend(Jsend::Error),
        Some(("redirect", argument)) => Kind::Redirect(argument.to_owned()),
        Some(_) => return None,
        None => match kind {
            "hang" => Kind::Hang,
            "stall" => Kind::Stall,
            "reset" => Kind::Reset,
            "truncated" => Kind::Truncated,
            "garbage" => Kind::Garbage,
            "endless" => Kind::Endless,
            "gzip-bomb" => Kind::GzipBomb,
            _ => return None,
        },
    };
    Some(Fault { scope, kind })
}

fn parse_scope(text: &str) -> Option<Scope> {
    match text {
        "list" => Some(Scope::List),
        "details" => Some(Scope::Details),
        _ => text
            .strip_prefix("details/")
            .map(|platform| Scope::DetailsOf(platform.to_owned())),
    }
}

fn parse_status(text: &str) -> Option<u16> {
    text.parse()
        .ok()
        .filter(|status| (200..600).contains(status))
}

impl Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            Scope::All => Ok(()),
            Scope::List => write!(out, "list:"),
            Scope::Details => write!(out, "details:"),
            Scope::DetailsOf(platform) => write!(out, "details/{platform}:"),
        }?;
        match &self.kind {
            Kind::Latency(pause) => write!(out, "latency={}ms", pause.as_millis()),
            Kind::Status(status) => write!(out, "status={status}"),
            Kind::RetryAfter(pause) => write!(out, "retry-after={}s", pause.as_secs()),
            Kind::Hang => write!(out, "hang"),
            Kind::Stall => write!(out, "stall"),
            Kind::Reset => write!(out, "reset"),
            Kind::Truncated => write!(out, "truncated"),
            Kind::Jsend(Jsend::Fail) => write!(out, "jsend=fail"),
            Kind::Jsend(Jsend::Error) => write!(out, "jsend=error"),
            Kind::Garbage => write!(out, "garbage"),
            Kind::Endless => write!(out, "endless"),
            Kind::GzipBomb => write!(out, "gzip-bomb"),
            Kind::Redirect(target) => write!(out, "redirect={target}"),
        }
    }
}
