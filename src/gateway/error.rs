//! What can go wrong with one gateway call. The variants are the values of the label `reason`.

use std::path::Path;
use std::time::Duration;

use super::PREFIXES;
use super::invalid::InvalidResponse;
use super::sent_secret::SentSecret;
use crate::hidden::shown_path;
use crate::plural::count;

/// The closed set of reasons that `qlara_gateway_request_failures_total` counts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// HTTP 401.
    Unauthorized,
    /// HTTP 403.
    Forbidden,
    /// HTTP 429.
    RateLimited,
    /// Any other 4xx, and every 3xx: redirects are never followed.
    ClientError,
    /// HTTP 5xx.
    ServerError,
    /// The budget of the refresh ran out, or the part of it that one step may take.
    Timeout,
    /// No connection, one that broke before the answer began, or a proxy that lets nobody through.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The body is longer than `limits.response_bytes`.
    TooLarge,
    /// An answer that the API's documentation does not know.
    InvalidResponse,
}

impl Reason {
    /// Every reason, so that each can be exposed at 0 from the start.
    pub const ALL: [Reason; 10] = [
        Reason::Unauthorized,
        Reason::Forbidden,
        Reason::RateLimited,
        Reason::ClientError,
        Reason::ServerError,
        Reason::Timeout,
        Reason::Connect,
        Reason::Tls,
        Reason::TooLarge,
        Reason::InvalidResponse,
    ];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Unauthorized => "unauthorized",
            Reason::Forbidden => "forbidden",
            Reason::RateLimited => "rate_limited",
            Reason::ClientError => "client_error",
            Reason::ServerError => "server_error",
            Reason::Timeout => "timeout",
            Reason::Connect => "connect",
            Reason::Tls => "tls",
            Reason::TooLarge => "too_large",
            Reason::InvalidResponse => "invalid_response",
        }
    }
}

/// Why a gateway call gave nothing.
///
/// No variant holds a value of the gateway's body, nor an address with a query: an answer may repeat the
/// key that it was sent. [`GatewayError::without`] is for the other texts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// 401: the key is missing, wrong or inactive.
    #[error("the gateway refuses the credentials (HTTP 401): check the API key")]
    Unauthorized,
    /// 403: the key lacks the permission, or the address is not on the account's allow-list.
    #[error(
        "the gateway forbids the call (HTTP 403): check the key's permissions and the IP allow-list"
    )]
    Forbidden,
    /// 429, with the pause that the gateway asks for, where it states one.
    #[error("the gateway's rate limit is used up (HTTP 429)")]
    RateLimited {
        /// The longer of `retryAfter` (body) and `Retry-After` (header).
        retry_after: Option<Duration>,
    },
    /// 404 for the list, which every account has: the prefix is wrong.
    #[error(
        "the gateway answers HTTP 404 at {}: check gateway.url; the API's pages also use the prefix {}",
        shown_path(Path::new(path)),
        other_prefixes(path)
    )]
    NoSuchList {
        /// The path that was asked for.
        path: String,
    },
    /// 407 of the proxy that a request in clear goes to.
    #[error(
        "the proxy asks for other credentials (HTTP 407): check user and password in {given_by}"
    )]
    ProxyCredentials {
        /// The key or the variable that gives the URL of the proxy.
        given_by: &'static str,
    },
    /// Another 4xx, or a redirect.
    #[error("the gateway answers HTTP {0}: check gateway.url")]
    ClientError(u16),
    /// 5xx.
    #[error("the gateway answers HTTP {0}")]
    ServerError(u16),
    /// The budget ran out.
    #[error("no answer within the gateway timeout")]
    Timeout,
    /// The part of the budget that reaching the gateway may take ran out.
    #[error("cannot reach the gateway in time: {0}")]
    Unreached(String),
    /// No connection.
    #[error("cannot reach the gateway: {0}")]
    Connect(String),
    /// The handshake failed.
    #[error("TLS with the gateway fails: {0}")]
    Tls(String),
    /// The body passed the cap.
    #[error("the answer is longer than limits.response_bytes ({})", count(*limit, "byte"))]
    TooLarge {
        /// The cap in bytes.
        limit: u64,
    },
    /// Not what either description of the API says.
    #[error("the answer is not as documented: {0}")]
    InvalidResponse(#[from] InvalidResponse),
}

/// The prefixes of the API's pages that a path does not have.
fn other_prefixes(path: &str) -> String {
    let others = PREFIXES.into_iter();
    let others: Vec<&str> = others.filter(|prefix| !path.starts_with(prefix)).collect();
    others.join(" or ")
}

impl GatewayError {
    /// The same without any text that repeats the secret of the call: names of keys in the answer, the
    /// names in a certificate.
    #[must_use]
    pub fn without(self, sent: &SentSecret) -> GatewayError {
        let hidden = |text: String| match sent.is_repeated_in(&text) {
            true => "(not shown: it repeats the credentials)".to_owned(),
            false => text,
        };
        match self {
            GatewayError::Connect(text) => GatewayError::Connect(hidden(text)),
            GatewayError::Tls(text) => GatewayError::Tls(hidden(text)),
            GatewayError::InvalidResponse(error) => error.without(sent).into(),
            other => other,
        }
    }

    /// The label value this error is counted under.
    pub fn reason(&self) -> Reason {
        match self {
            GatewayError::Unauthorized => Reason::Unauthorized,
            GatewayError::Forbidden => Reason::Forbidden,
            GatewayError::RateLimited { .. } => Reason::RateLimited,
            GatewayError::NoSuchList { .. } | GatewayError::ClientError(_) => Reason::ClientError,
            GatewayError::ServerError(_) => Reason::ServerError,
            GatewayError::Timeout | GatewayError::Unreached(_) => Reason::Timeout,
            GatewayError::ProxyCredentials { .. } | GatewayError::Connect(_) => Reason::Connect,
            GatewayError::Tls(_) => Reason::Tls,
            GatewayError::TooLarge { .. } => Reason::TooLarge,
            GatewayError::InvalidResponse(_) => Reason::InvalidResponse,
        }
    }
}
