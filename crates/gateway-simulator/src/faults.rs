//! Faults, in one notation for the flag and the control endpoint.

use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

/// A fault of the gateway: `[SCOPE:]KIND[=ARGUMENT]`.
///
/// Scopes are `list`, `details` and `details/PLATFORM`. Without a scope the fault applies to every call.
///
/// | kind | the gateway |
/// | --- | --- |
/// | `latency=DURATION` | delays its answer; can be combined with other faults |
/// | `status=CODE` | answers with this HTTP status, with the documented body for 401, 403, 404 and 429 |
/// | `retry-after=DURATION` | answers 429 with this `Retry-After`, in whole seconds |
/// | `hang` | accepts the request and never answers |
/// | `stall` | starts its answer and never finishes it |
/// | `reset` | resets the connection instead of answering |
/// | `truncated` | closes the connection in the middle of the body |
/// | `jsend=fail` or `jsend=error` | answers 200 with a JSend failure or error as its body |
/// | `garbage` | answers 200 with a body that is not JSON |
/// | `endless` | answers 200 with a body that never ends |
/// | `gzip-bomb` | answers 200 with a small compressed body that decompresses endlessly |
/// | `redirect=URL` | answers 302 with another URL |
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    scope: Scope,
    kind: Kind,
}

/// The calls that a fault applies to.
#[derive(Debug, Clone, PartialEq)]
enum Scope {
    All,
    List,
    Details,
    DetailsOf(String),
}

/// The kind of a fault.
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

/// The JSend status of an answer with HTTP 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Jsend {
    Fail,
    Error,
}

/// The text is not a fault. The error does not repeat the text, which may be an API key.
#[derive(Debug, thiserror::Error)]
#[error(
    "not a fault, expected [SCOPE:]KIND[=ARGUMENT] such as status=503 or details/facebook:hang, with the scope list, \
     details or details/PLATFORM and the kind latency=DURATION, status=CODE, retry-after=DURATION, jsend=fail, \
     jsend=error, redirect=URL, hang, stall, reset, truncated, garbage, endless or gzip-bomb"
)]
pub struct NoFault;

impl Fault {
    /// Whether the fault applies to the list (`None`) or to the details of a platform.
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
        Some(("latency", argument)) => Kind::Latency(humantime::parse_duration(argument).ok()?),
        Some(("status", argument)) => Kind::Status(parse_status(argument)?),
        Some(("retry-after", argument)) => {
            Kind::RetryAfter(humantime::parse_duration(argument).ok()?)
        }
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
