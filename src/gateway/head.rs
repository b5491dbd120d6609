//! The head of an answer: status, media type, quota, and what it says of further pages.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Response, StatusCode};

use super::paging::Paging;
use super::sent_secret::SentSecret;

/// The API key's quota as the gateway states it: requests per minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// `X-RateLimit-Limit`.
    pub limit: Option<u64>,
    /// `X-RateLimit-Remaining`.
    pub remaining: Option<u64>,
}

/// What the head of an answer says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The status; `None` where there was no answer.
    pub status: Option<StatusCode>,
    /// `Content-Type` without its parameters, where it is one.
    pub media_type: Option<String>,
    /// The quota, as far as it is stated.
    pub quota: Quota,
    /// What it says of further pages.
    pub paging: Paging,
}

impl Head {
    /// What repeats the secret of the call counts as absent.
    pub(super) fn of(response: &Response, sent: &SentSecret) -> Head {
        let headers = response.headers();
        Head {
            status: Some(response.status()),
            media_type: media_type(headers).filter(|kind| !sent.is_repeated_in(kind)),
            quota: read_quota(headers, sent),
            paging: Paging::of_headers(headers),
        }
    }
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    const LONGEST: usize = 80;
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = text.split(';').next()?.trim();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"/+-.".contains(&byte);
    let sensible =
        essence.len() <= LONGEST && essence.contains('/') && essence.bytes().all(is_token);
    sensible.then(|| essence.to_ascii_lowercase())
}

fn read_quota(headers: &HeaderMap, sent: &SentSecret) -> Quota {
    let number = |name: &str| {
        let text = headers.get(name)?.to_str().ok()?.trim();
        let is_usable = !sent.is_repeated_in(text);
        is_usable.then(|| text.parse().ok())?
    };
    Quota {
        limit: number("x-ratelimit-limit"),
        remaining: number("x-ratelimit-remaining"),
    }
}
