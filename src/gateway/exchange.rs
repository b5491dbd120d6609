//! The result of one gateway call: body or error, and the relevant response headers.

use chrono::{DateTime, Utc};
use reqwest::header::{AGE, CONTENT_TYPE, DATE, HeaderMap};
use reqwest::{Response, StatusCode};

use super::body::ReceivedBody;
use super::error::GatewayError;
use super::paging::Paging;
use super::sent_secret::SentSecret;

/// The result of one gateway call.
#[derive(Debug)]
pub struct Exchange {
    /// The body of a 200, or `None` for a 404.
    pub result: Result<Option<ReceivedBody>, GatewayError>,
    /// Status and headers of the response; empty if there was none.
    pub head: ResponseHead,
    /// The secret that the request carried.
    pub sent: SentSecret,
}

/// Status and relevant headers of a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status; `None` if there was no response.
    pub status: Option<StatusCode>,
    /// `Content-Type` without parameters; `None` if it is absent or not a media type.
    pub media_type: Option<String>,
    /// The quota, as far as the gateway states it.
    pub quota: Quota,
    /// The headers about further pages.
    pub paging: Paging,
    /// `Date`; `None` if it is absent, cannot be read, or is that of a cached response.
    pub date: Option<DateTime<Utc>>,
}

/// The API key's quota in requests per minute, as the gateway states it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// `X-RateLimit-Limit`.
    pub limit: Option<u64>,
    /// `X-RateLimit-Remaining`.
    pub remaining: Option<u64>,
}

impl ResponseHead {
    /// Reads the head of a response. Headers that repeat the secret of the request count as absent.
    pub(super) fn from_response(response: &Response, sent: &SentSecret) -> ResponseHead {
        let headers = response.headers();
        ResponseHead {
            status: Some(response.status()),
            media_type: media_type(headers).filter(|kind| !sent.is_repeated_in(kind)),
            quota: quota(headers, sent),
            paging: Paging::from_headers(headers),
            date: date(headers),
        }
    }
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    const MAX_BYTES: usize = 80;
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = text.split(';').next()?.trim();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"/+-.".contains(&byte);
    let is_media_type =
        essence.len() <= MAX_BYTES && essence.contains('/') && essence.bytes().all(is_token);
    is_media_type.then(|| essence.to_ascii_lowercase())
}

fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(DATE)?.to_str().ok()?;
    let time = httpdate::parse_http_date(text).ok()?;
    (!headers.contains_key(AGE)).then(|| time.into())
}

fn quota(headers: &HeaderMap, sent: &SentSecret) -> Quota {
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
