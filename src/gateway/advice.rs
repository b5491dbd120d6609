//! What a failed call means and what to do about it, in sentences that hold for a single reading and for a running
//! exporter.

use std::borrow::Cow;

use super::PREFIXES;
use super::classify::CHECK_URL_AND_PROXY;
use super::error::{GatewayError, Reason};
use super::invalid::InvalidResponse;
use crate::plural::continued;

/// What to do about a key that the gateway refuses.
pub(super) const CHECK_KEY: &str = "Check that the API key is the right one and active; a new key in the same file needs no \
    restart.";

/// What to do about a key that may not do this.
pub(super) const CHECK_PERMISSIONS: &str = "Check the key's permissions, and whether the account's IP allow-list has this \
    machine's address.";

/// What to do about a request that the gateway does not accept.
pub(super) const CHECK_ADDRESS: &str = "Check gateway.url (--qlara.url), its scheme and the whole prefix in front of /socials; \
    qlara-exporter explain tries the documented ones.";

/// What to do about a redirect.
pub(super) const FINAL_ADDRESS: &str = "Set gateway.url (--qlara.url) to the final address; if that is a login page, something \
    in front of the gateway answers.";

/// What to do about a server without an answer in clear text.
pub(super) const PERHAPS_TLS: &str = "If the server speaks TLS, set the scheme in gateway.url (--qlara.url) to https, else check \
    the gateway and proxies in between.";

/// The end of the path of the list.
const LIST: &str = "/socials";

/// What to do about the prefix of the path of a list that does not exist.
pub(super) fn prefix_advice(path: &str) -> String {
    let prefix = path.strip_suffix(LIST).unwrap_or(path);
    if format!("{prefix}/").contains(&format!("{LIST}/")) {
        return format!(
            "Remove {LIST} and what follows it from gateway.url (--qlara.url): the exporter adds it."
        );
    }
    // The documented prefixes that the path does not have.
    let others = PREFIXES.into_iter();
    let others: Vec<&str> = others.filter(|prefix| !path.starts_with(prefix)).collect();
    format!(
        "Check gateway.url (--qlara.url); the API's pages also use the prefix {}.",
        others.join(" or ")
    )
}

pub(super) fn credentials_advice(given_by: &str) -> String {
    format!("Check user and password in {given_by}.")
}

pub(super) fn proxy_advice(given_by: &str) -> String {
    format!("Check the proxy, and its address in {given_by}.")
}

impl GatewayError {
    /// What to do about this error, in sentences.
    pub(crate) fn advice(&self) -> Cow<'static, str> {
        match self {
            GatewayError::Unauthorized => CHECK_KEY.into(),
            GatewayError::Forbidden => CHECK_PERMISSIONS.into(),
            GatewayError::RateLimited { .. } => {
                "Try again later: a running exporter waits as long as the gateway asks for. If it happens again, find out what else uses the key, or raise cache.ttl.".into()
            }
            GatewayError::NoSuchList { path } => prefix_advice(path).into(),
            GatewayError::ProxyCredentials { given_by } => credentials_advice(given_by).into(),
            GatewayError::Redirect(_) => FINAL_ADDRESS.into(),
            GatewayError::ClientError(_) => CHECK_ADDRESS.into(),
            GatewayError::ServerError(_) => {
                "Try again later: a running exporter tries again by itself. If it lasts, ask the gateway's support.".into()
            }
            GatewayError::Timeout | GatewayError::Unreached(_) => {
                "Check name resolution, the network and the proxy, or raise gateway.timeout.".into()
            }
            GatewayError::Connect(_) => {
                "Check gateway.url, name resolution, the network and the proxy.".into()
            }
            GatewayError::EndedInClear(_) => PERHAPS_TLS.into(),
            GatewayError::Proxy { given_by, .. } => proxy_advice(given_by).into(),
            GatewayError::Tls { advice, .. } => (*advice).into(),
            GatewayError::TooLarge { .. } => {
                "Raise limits.response_bytes in the configuration.".into()
            }
            GatewayError::InvalidResponse(InvalidResponse::NotHttp) => CHECK_URL_AND_PROXY.into(),
            GatewayError::InvalidResponse(_) => {
                "Check that gateway.url leads to the gateway and not to a proxy's page. The log says what was found; qlara-exporter explain shows which fields the gateway answers.".into()
            }
        }
    }

    /// The text of the error without the advice with which some texts end.
    pub(crate) fn cause(&self) -> String {
        let text = self.to_string();
        match text.strip_suffix(&continued(&self.advice())) {
            Some(cause) => cause.trim_end_matches([' ', ':', ';']).to_owned(),
            None => text,
        }
    }

    /// What the error means, in one sentence that is the same for all errors of a kind.
    pub(crate) fn meaning(&self) -> &'static str {
        match self {
            GatewayError::NoSuchList { .. } => {
                "The gateway does not know the address of the list (HTTP 404)."
            }
            GatewayError::Redirect(_) => "The gateway redirects the request (HTTP 3xx).",
            error => match error.reason() {
                Reason::Unauthorized => "The gateway refuses the API key (HTTP 401).",
                Reason::Forbidden => "The gateway forbids the call (HTTP 403).",
                Reason::RateLimited => "The rate limit of the API key is used up (HTTP 429).",
                Reason::ClientError => "The gateway does not accept the request (HTTP 4xx).",
                Reason::ServerError => "The gateway reports an error of its own (HTTP 5xx).",
                Reason::Timeout => "The gateway did not answer in time.",
                Reason::Connect => "The gateway cannot be reached.",
                Reason::Tls => "No trusted TLS connection with the gateway.",
                Reason::TooLarge => "The gateway's answer is longer than limits.response_bytes.",
                Reason::InvalidResponse => "The gateway's answer is not as documented.",
            },
        }
    }

    /// The meaning in few words.
    pub(crate) fn short_meaning(&self) -> &'static str {
        match self {
            GatewayError::NoSuchList { .. } => "address not known",
            GatewayError::Redirect(_) => "redirected",
            error => match error.reason() {
                Reason::Unauthorized => "key refused",
                Reason::Forbidden => "call forbidden",
                Reason::RateLimited => "rate limit used up",
                Reason::ClientError => "request not accepted",
                Reason::ServerError => "gateway error",
                Reason::Timeout => "no answer in time",
                Reason::Connect => "not reachable",
                Reason::Tls => "no TLS connection",
                Reason::TooLarge => "answer too long",
                Reason::InvalidResponse => "answer not as documented",
            },
        }
    }
}
