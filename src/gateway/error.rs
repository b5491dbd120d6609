//! Errors of gateway calls, and the values of the label `reason`.

use std::path::Path;
use std::time::Duration;

use super::advice::{
    CHECK_ADDRESS, CHECK_KEY, CHECK_PERMISSIONS, FINAL_ADDRESS, PERHAPS_TLS, credentials_advice,
    prefix_advice, proxy_advice,
};
use super::invalid::InvalidResponse;
use super::sent_secret::SentSecret;
use crate::plural::{continued, count};
use exporter_toolkit::redacted::shown_path;

/// The reason of a failure, the label `reason` of `qlara_gateway_request_failures_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// HTTP 401.
    Unauthorized,
    /// HTTP 403.
    Forbidden,
    /// HTTP 429.
    RateLimited,
    /// Any other 4xx, and every 3xx, because redirects are not followed.
    ClientError,
    /// HTTP 5xx.
    ServerError,
    /// The deadline of the refresh, or of one of its steps.
    Timeout,
    /// No connection, a connection that ended before the response began, or a proxy that refuses the credentials.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The body is longer than `limits.response_bytes`.
    TooLarge,
    /// A response that does not follow the API's documentation.
    InvalidResponse,
}

impl Reason {
    /// Every reason, so that each counter exists from the start.
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

/// Why a gateway call failed.
///
/// No variant holds a value of the response body or an address with a query, because a response may repeat the API key.
/// [`GatewayError::redacted`] hides it in all other texts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// HTTP 401: the key is missing, wrong or inactive.
    #[error("the gateway refuses the credentials (HTTP 401): {advice}", advice = continued(CHECK_KEY))]
    Unauthorized,
    /// HTTP 403: the key lacks the permission, or the client's address is not on the account's allow-list.
    #[error("the gateway forbids the call (HTTP 403): {advice}", advice = continued(CHECK_PERMISSIONS))]
    Forbidden,
    /// HTTP 429.
    #[error("the gateway's rate limit is used up (HTTP 429)")]
    RateLimited {
        /// The longer of `retryAfter` (body) and `Retry-After` (header), if there is one.
        retry_after: Option<Duration>,
    },
    /// HTTP 404 for the list. Every account has a list, so the path prefix is wrong.
    #[error(
        "the gateway answers HTTP 404 at {}: {}",
        shown_path(Path::new(path)),
        continued(&prefix_advice(path))
    )]
    NoSuchList {
        /// The requested path.
        path: String,
    },
    /// HTTP 407 of an HTTP proxy.
    #[error(
        "the proxy asks for other credentials (HTTP 407): {}",
        continued(&credentials_advice(given_by))
    )]
    ProxyCredentials {
        /// The configuration key or the environment variable with the URL of the proxy.
        given_by: &'static str,
    },
    /// HTTP 3xx.
    #[error("the gateway answers HTTP {0}, a redirect, which is not followed: {advice}", advice = continued(FINAL_ADDRESS))]
    Redirect(u16),
    /// Any other 4xx.
    #[error("the gateway answers HTTP {0}: {advice}", advice = continued(CHECK_ADDRESS))]
    ClientError(u16),
    /// HTTP 5xx.
    #[error("the gateway answers HTTP {0}")]
    ServerError(u16),
    /// The deadline of the refresh.
    #[error("no answer within the gateway timeout")]
    Timeout,
    /// The deadline of the name lookup or of the connection.
    #[error("cannot reach the gateway in time: {0}")]
    Unreached(String),
    /// No connection.
    #[error("cannot reach the gateway: {0}")]
    Connect(String),
    /// A connection without TLS that ended before an answer.
    #[error("cannot reach the gateway: {0}; {advice}", advice = continued(PERHAPS_TLS))]
    EndedInClear(String),
    /// No connection to the proxy, or from the proxy to the gateway.
    #[error(
        "cannot reach the gateway through the proxy {proxy}: {cause}; {}",
        continued(&proxy_advice(given_by))
    )]
    Proxy {
        /// The URL of the proxy without credentials.
        proxy: String,
        /// The configuration key or the environment variable with the URL of the proxy.
        given_by: &'static str,
        /// What failed.
        cause: String,
    },
    /// The TLS handshake failed.
    #[error("TLS with the gateway fails: {cause}; {}", continued(advice))]
    Tls {
        /// What failed.
        cause: String,
        /// What to do about it, in a sentence.
        advice: &'static str,
    },
    /// The body exceeds `limits.response_bytes`.
    #[error("the answer is longer than limits.response_bytes ({})", count(*limit, "byte"))]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The response follows neither API description.
    #[error("the answer is not as documented: {0}")]
    InvalidResponse(#[from] InvalidResponse),
}

impl GatewayError {
    /// Hides all texts that repeat the secret of the request: keys in the response, names in a certificate.
    #[must_use]
    pub fn redacted(self, sent: &SentSecret) -> GatewayError {
        let redacted = |text: String| match sent.is_repeated_in(&text) {
            true => "(not shown: it repeats the credentials)".to_owned(),
            false => text,
        };
        match self {
            GatewayError::Connect(text) => GatewayError::Connect(redacted(text)),
            GatewayError::EndedInClear(text) => GatewayError::EndedInClear(redacted(text)),
            GatewayError::Proxy {
                proxy,
                given_by,
                cause,
            } => GatewayError::Proxy {
                proxy: redacted(proxy),
                given_by,
                cause: redacted(cause),
            },
            GatewayError::Tls { cause, advice } => GatewayError::Tls {
                cause: redacted(cause),
                advice,
            },
            GatewayError::InvalidResponse(error) => error.redacted(sent).into(),
            other => other,
        }
    }

    /// The label value under which this error is counted.
    pub fn reason(&self) -> Reason {
        match self {
            GatewayError::Unauthorized => Reason::Unauthorized,
            GatewayError::Forbidden => Reason::Forbidden,
            GatewayError::RateLimited { .. } => Reason::RateLimited,
            GatewayError::NoSuchList { .. }
            | GatewayError::Redirect(_)
            | GatewayError::ClientError(_) => Reason::ClientError,
            GatewayError::ServerError(_) => Reason::ServerError,
            GatewayError::Timeout | GatewayError::Unreached(_) => Reason::Timeout,
            GatewayError::ProxyCredentials { .. }
            | GatewayError::Proxy { .. }
            | GatewayError::EndedInClear(_)
            | GatewayError::Connect(_) => Reason::Connect,
            GatewayError::Tls { .. } => Reason::Tls,
            GatewayError::TooLarge { .. } => Reason::TooLarge,
            GatewayError::InvalidResponse(_) => Reason::InvalidResponse,
        }
    }
}
