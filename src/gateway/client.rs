//! One GET at the gateway: credentials, status, size cap, and errors that name their reason.

use std::error::Error as StdError;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::body::{Body, ReceivedBody};
use super::body_budget::AccountBodies;
use super::credentials::{Credentials, SecretError};
use super::error::GatewayError;
use super::head::Head;
use super::invalid::InvalidResponse;
use super::proxy::ProxyUrl;
use super::resolver::LookupError;
use super::sent_secret::SentSecret;
use super::transport::Transport;
use crate::certificate::tls_error_text;
use crate::clock::Clock;

/// `User-Agent` of every gateway call.
pub const USER_AGENT: &str = concat!("qlara-exporter/", env!("CARGO_PKG_VERSION"));

/// An error answer is read this far, in bytes, for `retryAfter` and to keep the connection usable.
const ERROR_BODY_LIMIT: u64 = 64 * 1024;
/// And for this long.
const ERROR_BODY_PATIENCE: Duration = Duration::from_secs(1);

/// Everything but the unreserved characters (RFC 3986, section 2.3) is encoded.
const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What came of one call.
#[derive(Debug)]
pub struct Exchange {
    /// The body of a 200, `None` for a 404.
    pub result: Result<Option<ReceivedBody>, GatewayError>,
    /// What the head of the answer says, where there was one.
    pub head: Head,
    /// The secret that the call sent.
    pub sent: SentSecret,
    /// Trouble with the secret's file; the last good secret was used.
    pub secret: Result<(), SecretError>,
}

/// The gateway as one account sees it.
#[derive(Debug)]
pub struct Client {
    transport: Arc<Transport>,
    base: Url,
    credentials: Credentials,
    response_limit: u64,
    bodies: Arc<AccountBodies>,
    clock: Arc<dyn Clock>,
}

impl Client {
    /// A client for the API below `base`; `response_limit` is the longest body that is read, in bytes
    /// after decompression, which count against `bodies`.
    pub fn new(
        transport: Arc<Transport>,
        base: Url,
        credentials: Credentials,
        response_limit: u64,
        bodies: Arc<AccountBodies>,
        clock: Arc<dyn Clock>,
    ) -> Client {
        Client {
            transport,
            base,
            credentials,
            response_limit,
            bodies,
            clock,
        }
    }

    /// `GET {base}/socials` (API page, step 1).
    pub async fn socials(&self, deadline: Instant) -> Exchange {
        self.get("socials", deadline).await
    }

    /// `GET {base}/socials/{platform}` (API page, step 2). The platform is percent-encoded.
    pub async fn platform(&self, platform: &str, deadline: Instant) -> Exchange {
        let platform = utf8_percent_encode(platform, PATH_SEGMENT);
        self.get(&format!("socials/{platform}"), deadline).await
    }

    async fn get(&self, path: &str, deadline: Instant) -> Exchange {
        let http = self.transport.http().await;
        let request = http.pooled.get(self.address(path));
        let (request, sent, secret) = self.credentials.authorize(request).await;
        let (result, head) = match in_time(deadline, send(request, &http.unpooled)).await {
            Ok(response) => {
                let head = Head::of(&response, &sent);
                (self.read(response, deadline).await, head)
            }
            Err(error) => (Err(error), Head::default()),
        };
        Exchange {
            result: result.map_err(|error| error.without(&sent)),
            head,
            sent,
            secret,
        }
    }

    /// Where the list is asked for.
    pub fn list_address(&self) -> Url {
        self.address("socials")
    }

    /// The address below which this client asks.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Asks below another address from now on.
    pub fn move_to(&mut self, base: Url) {
        self.base = base;
    }

    /// What a 404 of the list means: every account has a list, so that the prefix must be wrong.
    pub fn no_such_list(&self) -> GatewayError {
        GatewayError::NoSuchList {
            path: self.list_address().path().to_owned(),
        }
    }

    /// What a 407 means: through a tunnel it cannot be the proxy's.
    fn proxy_credentials(&self) -> GatewayError {
        let proxy = self.transport.settings().proxy.as_ref();
        let answers = |proxy: &&ProxyUrl| proxy.speaks_http() && self.base.scheme() == "http";
        match proxy.filter(answers) {
            Some(proxy) => GatewayError::ProxyCredentials {
                given_by: proxy.given_by(),
            },
            None => GatewayError::ClientError(StatusCode::PROXY_AUTHENTICATION_REQUIRED.as_u16()),
        }
    }

    /// Whether this client asks at the same address, and with the same credentials, as `other`.
    pub fn asks_as(&self, other: &Client) -> bool {
        self.list_address() == other.list_address()
            && self.credentials.are_those_of(&other.credentials)
    }

    fn address(&self, path: &str) -> Url {
        let mut address = self.base.clone();
        let prefix = address.path().trim_end_matches('/');
        address.set_path(&format!("{prefix}/{path}"));
        address
    }

    async fn read(
        &self,
        response: Response,
        deadline: Instant,
    ) -> Result<Option<ReceivedBody>, GatewayError> {
        let status = response.status();
        if status == StatusCode::OK {
            let body = self
                .read_body(response, self.response_limit, deadline)
                .await?;
            return Ok(Some(body));
        }
        let hinted = self.header_pause(response.headers());
        // The status says enough: a body that does not come must not turn a 401 into a timeout.
        let patience = deadline.min(Instant::now() + ERROR_BODY_PATIENCE);
        let body = self.read_body(response, ERROR_BODY_LIMIT, patience).await;
        match status {
            StatusCode::UNAUTHORIZED => Err(GatewayError::Unauthorized),
            StatusCode::FORBIDDEN => Err(GatewayError::Forbidden),
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => Err(self.proxy_credentials()),
            StatusCode::TOO_MANY_REQUESTS => Err(GatewayError::RateLimited {
                retry_after: hinted.max(body.ok().and_then(|body| body_pause(&body))),
            }),
            _ if status.is_client_error() || status.is_redirection() => {
                Err(GatewayError::ClientError(status.as_u16()))
            }
            _ if status.is_server_error() => Err(GatewayError::ServerError(status.as_u16())),
            _ => Err(InvalidResponse::Status(status.as_u16()).into()),
        }
    }

    /// Reads and decodes the body, up to `limit` bytes and until `deadline`.
    async fn read_body(
        &self,
        mut response: Response,
        limit: u64,
        deadline: Instant,
    ) -> Result<ReceivedBody, GatewayError> {
        let stated = response.content_length();
        if stated.is_some_and(|length| length > limit) {
            return Err(GatewayError::TooLarge { limit });
        }
        let mut body = Body::new(response.headers(), limit, self.bodies.reservation())?;
        while let Some(chunk) = in_time(deadline, response.chunk()).await? {
            let pushed = timeout_at(deadline, body.push(&chunk)).await;
            pushed.map_err(|_| GatewayError::Timeout)??;
        }
        body.finish()
    }

    /// `Retry-After` as seconds or as a date in any of its three forms (RFC 9110, sections 10.2.3 and
    /// 5.6.7).
    fn header_pause(&self, headers: &HeaderMap) -> Option<Duration> {
        let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
        }
        let moment = match httpdate::parse_http_date(text) {
            Ok(moment) => DateTime::<Utc>::from(moment),
            // Some servers write the zone as in e-mail, +0000.
            Err(_) => DateTime::parse_from_rfc2822(text).ok()?.to_utc(),
        };
        (moment - self.clock.now()).to_std().ok()
    }
}

/// `retryAfter` in the body of a 429, in seconds.
fn body_pause(body: &[u8]) -> Option<Duration> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct TooManyRequests {
        retry_after: f64,
    }
    let answer: TooManyRequests = serde_json::from_slice(body).ok()?;
    Duration::try_from_secs_f64(answer.retry_after).ok()
}

/// Sends a request, and once more if the connection ended before the head of the answer did: a kept
/// connection may have died in silence, or the gateway closes it at the moment of its next use. The
/// second attempt is the last one. It takes a new connection, because other kept ones may be dead too.
async fn send(request: RequestBuilder, unpooled: &reqwest::Client) -> reqwest::Result<Response> {
    let (pooled, request) = request.build_split();
    let request = request?;
    let again = request.try_clone();
    match (pooled.execute(request).await, again) {
        (Err(error), Some(again)) if ended_unanswered(&error) => unpooled.execute(again).await,
        (answer, _) => answer,
    }
}

/// Where the end comes without that of TLS, crosses the request, or is the kernel's because the peer
/// acknowledges nothing, it is an error of the connection.
fn ended_unanswered(error: &reqwest::Error) -> bool {
    let broken = matches!(
        root_io_kind(error),
        Some(
            ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::BrokenPipe
                | ErrorKind::TimedOut
        )
    );
    let ended = find_cause::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message);
    !error.is_connect() && (broken || ended)
}

async fn in_time<T>(
    deadline: Instant,
    step: impl Future<Output = reqwest::Result<T>>,
) -> Result<T, GatewayError> {
    match timeout_at(deadline, step).await {
        Ok(done) => done.map_err(classify),
        Err(_) => Err(GatewayError::Timeout),
    }
}

/// Names the reason of a failed exchange. Timeouts come first: one while reading the body is
/// reported as a decoding error too.
fn classify(error: reqwest::Error) -> GatewayError {
    let error = error.without_url();
    if let Some(hangs @ LookupError::TooLong(_)) = find_cause(&error) {
        return GatewayError::Unreached(hangs.to_string());
    }
    if error.is_timeout() {
        return GatewayError::Unreached(root_cause(&error));
    }
    if let Some(tls) = find_cause::<rustls::Error>(&error) {
        return GatewayError::Tls(tls_error_text(tls));
    }
    if error.is_connect() && root_io_kind(&error) == Some(ErrorKind::UnexpectedEof) {
        // Of all that happens while it connects, only a handshake can end so.
        return GatewayError::Tls("the handshake breaks off".to_owned());
    }
    if error.is_body() || error.is_decode() {
        return InvalidResponse::Body.into();
    }
    if find_cause::<hyper::Error>(&error).is_some_and(hyper::Error::is_parse) {
        return InvalidResponse::NotHttp.into();
    }
    GatewayError::Connect(root_cause(&error))
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| {
        let error: &'a (dyn StdError + 'static) = *error;
        // An io::Error hides the error it wraps behind get_ref.
        match error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}

pub(crate) fn find_cause<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn root_io_kind(error: &(dyn StdError + 'static)) -> Option<ErrorKind> {
    let io = causes(error).filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.last().map(std::io::Error::kind)
}

/// What the innermost error says.
pub(crate) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    match causes(error)
        .last()
        .map(|cause| (cause, cause.downcast_ref()))
    {
        Some((_, Some(tls))) => tls_error_text(tls),
        Some((cause, None)) => cause.to_string(),
        None => String::new(),
    }
}
