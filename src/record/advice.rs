//! What to do about the problems of accounts, for `check`, the API and the status page. The texts hold for a single
//! reading and for a running exporter.

use std::borrow::Cow;

use crate::gateway::error::{GatewayError, Reason};
use crate::plural::continued;

/// A list that holds only a part of the profiles.
pub(crate) const INCOMPLETE_LIST: &str = "Look at the other profiles in the Qlara dashboard. qlara-exporter explain shows what the gateway answers.";
/// Details without some of the profiles.
pub(crate) const INCOMPLETE_DETAILS: &str =
    "Look at the permissions of the other profiles in the Qlara dashboard.";
/// A list without profiles.
pub(crate) const EMPTY_LIST: &str =
    "Check that the key is that of the right account, and look there in the Qlara dashboard.";
/// A list with entries that cannot be shown, or with too many platforms.
pub(crate) const ODD_LIST: &str = "Look at the list of the account in the Qlara dashboard.";
/// A list longer than the limits that all accounts share.
pub(crate) const LONG_LIST: &str = "Raise limits.profiles or limits.exposition_bytes, which all accounts share, in the configuration.";
/// More linked accounts than the limit.
pub(crate) const LINKED_ACCOUNTS: &str = "Raise limits.profiles in the configuration.";
/// A list that was read but could not be used.
pub(crate) const UNUSABLE_LIST: &str = "Look at the exporter's log.";
/// No data yet, while it is being read.
pub(super) const PENDING: &str = "Look again in a few seconds.";
/// A token that blocks the details of its platform.
pub(crate) const EXPIRED_TOKEN: &str =
    "Reconnect the profiles with expired tokens in the Qlara dashboard.";
/// A file with credentials that cannot be used.
pub(crate) const SECRET_FILE: &str = "Mend the file: the exporter's log names it and the error.";
/// Answers that contain the credentials.
pub(crate) const REPEATED_SECRET: &str = "Check that gateway.url leads to the gateway and not to a proxy's page. If something else answered, replace the credentials.";
/// A clock that differs from the gateway's.
pub(crate) const CLOCK: &str =
    "Set the clock if it is wrong: it counts the time until the end of a token.";
/// A status that the API does not document.
pub(super) const UNKNOWN_STATUS: &str =
    "Look at the profiles with this status in the Qlara dashboard.";
/// A platform of the filter that no account has.
pub(super) const UNSEEN_PLATFORM: &str =
    "Correct the platform, or connect a profile of it in the Qlara dashboard.";

/// The text of an error, and what to do about it: about this very error if it knows, else about its reason.
pub(super) fn explained(error: &GatewayError) -> (String, Cow<'static, str>) {
    let text = error.to_string();
    let Some(advice) = error.advice() else {
        return (text, advise(error.reason()).into());
    };
    let cause = text.strip_suffix(&continued(&advice)).unwrap_or(&text);
    let cause = cause.trim_end_matches([' ', ':', ';']).to_owned();
    (cause, advice.into())
}

/// What a failed call means, in one sentence.
pub(crate) fn describe(reason: Reason) -> &'static str {
    match reason {
        Reason::Unauthorized => "The gateway refuses the API key (HTTP 401).",
        Reason::Forbidden => "The gateway forbids the call (HTTP 403).",
        Reason::RateLimited => "The rate limit of the API key is used up (HTTP 429).",
        Reason::ClientError => {
            "The gateway does not know the address of the request, or redirects it."
        }
        Reason::ServerError => "The gateway reports an error of its own (HTTP 5xx).",
        Reason::Timeout => "The gateway did not answer in time.",
        Reason::Connect => "The gateway cannot be reached.",
        Reason::Tls => "No trusted TLS connection with the gateway.",
        Reason::TooLarge => "The gateway's answer is longer than limits.response_bytes.",
        Reason::InvalidResponse => "The gateway's answer is not as documented.",
    }
}

/// What to do about a failed call.
pub(crate) fn advise(reason: Reason) -> &'static str {
    match reason {
        Reason::Unauthorized => {
            "Check that the key is the right one and active. A new key in the same file needs no restart."
        }
        Reason::Forbidden => {
            "Check the key's permissions, and the account's IP allow-list: it may lack this machine's address."
        }
        Reason::RateLimited => {
            "Try again later: a running exporter waits as long as the gateway asks for. If it happens again, find out what else uses the key, or raise cache.ttl."
        }
        Reason::ClientError => {
            "Check gateway.url, its scheme and the whole prefix in front of /socials, without /socials itself: the API's pages use /api/v1/partner-gateway and /api/partner-gateway/v1. qlara-exporter explain tries both. A redirect, perhaps to a login page, is not followed."
        }
        Reason::ServerError => {
            "Try again later: a running exporter tries again by itself. If it lasts, ask the gateway's support."
        }
        Reason::Timeout => {
            "Check name resolution, the network and the proxy, or raise gateway.timeout."
        }
        Reason::Connect => "Check gateway.url, name resolution, the network and the proxy.",
        Reason::Tls => {
            "Check host, port and scheme of gateway.url, the CA's certificate in gateway.tls_config.ca_file, and the clock of this machine."
        }
        Reason::TooLarge => "Raise limits.response_bytes in the configuration.",
        Reason::InvalidResponse => {
            "Check that gateway.url leads to the gateway and not to a proxy's page. The log says what was found; qlara-exporter explain shows which fields the gateway answers."
        }
    }
}
