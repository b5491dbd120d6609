//! The gateway client of one account: GET requests with credentials, a deadline and a size limit.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::body::{BodyDecoder, ReceivedBody};
use super::body_budget::AccountBodyBudget;
use super::classify::{classify, ended_before_response};
use super::credentials::Credentials;
use super::error::GatewayError;
use super::exchange::{Exchange, ResponseHead};
use super::invalid::InvalidResponse;
use super::proxy::ProxyUrl;
use super::transport::Transport;
use exporter_toolkit::clock::Clock;
use exporter_toolkit::reloader::ReloadError;
use exporter_toolkit::secret_file::SecretError;

/// Maximum size in bytes of the body of an error response, which is read for `retryAfter` and to keep the connection
/// usable.
const ERROR_BODY_LIMIT: u64 = 64 * 1024;
/// Maximum time to read the body of an error response.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// Encodes all but the unreserved characters (RFC 3986, section 2.3).
const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The gateway client of one account.
#[derive(Debug)]
pub struct GatewayClient {
    transport: Arc<Transport>,
    base: Url,
    credentials: Credentials,
    max_body_bytes: u64,
    body_budget: Arc<AccountBodyBudget>,
    clock: Arc<dyn Clock>,
}

impl GatewayClient {
    /// Creates a client for the API below `base`. `max_body_bytes` limits the size of a decoded body, which is
    /// reserved from `body_budget`.
    pub fn new(
        transport: Arc<Transport>,
        base: Url,
        credentials: Credentials,
        max_body_bytes: u64,
        body_budget: Arc<AccountBodyBudget>,
        clock: Arc<dyn Clock>,
    ) -> GatewayClient {
        GatewayClient {
            transport,
            base,
            credentials,
            max_body_bytes,
            body_budget,
            clock,
        }
    }

    /// Sends `GET {base}/socials` (API page, step 1).
    pub async fn socials(&self, deadline: Instant) -> Exchange {
        self.get("socials", deadline).await
    }

    /// Sends `GET {base}/socials/{platform}` (API page, step 2). The platform is percent-encoded.
    pub async fn platform(&self, platform: &str, deadline: Instant) -> Exchange {
        let platform = utf8_percent_encode(platform, PATH_SEGMENT);
        self.get(&format!("socials/{platform}"), deadline).await
    }

    async fn get(&self, path: &str, deadline: Instant) -> Exchange {
        // The files of CA and secret are checked outside the deadline, each within a second.
        let http = self.transport.http().await;
        let request = http.pooled.get(self.address(path));
        let (request, sent) = self.credentials.authorize(request).await;
        let (result, head) = match self.in_time(deadline, send(request, &http.unpooled)).await {
            Ok(response) => {
                let head = ResponseHead::from_response(&response, &sent);
                (self.read(response, deadline).await, head)
            }
            Err(error) => (Err(error), ResponseHead::default()),
        };
        Exchange {
            result: result.map_err(|error| error.redacted(&sent)),
            head,
            sent,
        }
    }

    /// The address of the list.
    pub fn list_address(&self) -> Url {
        self.address("socials")
    }

    /// The base address of the API.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Changes the base address of the API.
    pub fn set_base(&mut self, base: Url) {
        self.base = base;
    }

    /// The error for a 404 of the list. Every account has a list, so the path prefix must be wrong.
    pub fn no_such_list(&self) -> GatewayError {
        GatewayError::NoSuchList {
            path: self.list_address().path().to_owned(),
        }
    }

    /// The error for a 407. It comes from the proxy only if the request is not tunnelled.
    fn proxy_authentication_required(&self) -> GatewayError {
        let proxy = self.transport.settings().proxy.as_ref();
        let may_respond = |proxy: &&ProxyUrl| proxy.speaks_http() && self.base.scheme() == "http";
        match proxy.filter(may_respond) {
            Some(proxy) => GatewayError::ProxyCredentials {
                given_by: proxy.given_by(),
            },
            None => GatewayError::ClientError(StatusCode::PROXY_AUTHENTICATION_REQUIRED.as_u16()),
        }
    }

    /// Whether this client sends its requests to the same address, and with the same credentials, as `other`.
    pub fn sends_same_requests_as(&self, other: &GatewayClient) -> bool {
        self.list_address() == other.list_address() && self.credentials.same_as(&other.credentials)
    }

    /// Why requests carry the last good secret instead of the content of the secret's file.
    pub fn secret_error(&self) -> Option<Arc<ReloadError<SecretError>>> {
        self.credentials.secret_error()
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
                .read_body(response, self.max_body_bytes, deadline)
                .await?;
            return Ok(Some(body));
        }
        let retry_after_header = self.retry_after_header(response.headers());
        // Errors are ignored: a body that does not arrive must not turn a 401 into a timeout.
        let deadline = deadline.min(Instant::now() + ERROR_BODY_TIMEOUT);
        let body = self.read_body(response, ERROR_BODY_LIMIT, deadline).await;
        match status {
            StatusCode::UNAUTHORIZED => Err(GatewayError::Unauthorized),
            StatusCode::FORBIDDEN => Err(GatewayError::Forbidden),
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => Err(self.proxy_authentication_required()),
            StatusCode::TOO_MANY_REQUESTS => Err(GatewayError::RateLimited {
                retry_after: retry_after_header
                    .max(body.ok().and_then(|body| retry_after_in_body(&body))),
            }),
            _ if status.is_redirection() => Err(GatewayError::Redirect(status.as_u16())),
            _ if status.is_client_error() => Err(GatewayError::ClientError(status.as_u16())),
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
        let content_length = response.content_length();
        if content_length.is_some_and(|length| length > limit) {
            return Err(GatewayError::TooLarge { limit });
        }
        let reservation = self.body_budget.reservation();
        let mut body = BodyDecoder::new(response.headers(), limit, reservation)?;
        while let Some(chunk) = self.in_time(deadline, response.chunk()).await? {
            let pushed = timeout_at(deadline, body.push(&chunk)).await;
            pushed.map_err(|_| GatewayError::Timeout)??;
        }
        body.finish()
    }

    /// Awaits a step of the HTTP client until the deadline.
    async fn in_time<T>(
        &self,
        deadline: Instant,
        step: impl Future<Output = reqwest::Result<T>>,
    ) -> Result<T, GatewayError> {
        let proxy = self.transport.settings().proxy.as_ref();
        match timeout_at(deadline, step).await {
            Ok(result) => result.map_err(|error| classify(error, &self.base, proxy)),
            Err(_) => Err(GatewayError::Timeout),
        }
    }

    /// `Retry-After` in seconds, or as a date in one of three formats (RFC 9110, sections 10.2.3 and 5.6.7).
    fn retry_after_header(&self, headers: &HeaderMap) -> Option<Duration> {
        let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
        }
        let time = match httpdate::parse_http_date(text) {
            Ok(time) => DateTime::<Utc>::from(time),
            // Some servers write the zone as +0000, as in e-mail.
            Err(_) => DateTime::parse_from_rfc2822(text).ok()?.to_utc(),
        };
        (time - self.clock.now()).to_std().ok()
    }
}

/// `retryAfter` in the body of a 429, in seconds.
fn retry_after_in_body(body: &[u8]) -> Option<Duration> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct TooManyRequests {
        retry_after: f64,
    }
    let response: TooManyRequests = serde_json::from_slice(body).ok()?;
    Duration::try_from_secs_f64(response.retry_after).ok()
}

/// Sends a request, and retries it once if a pooled connection ended before the response began: the connection may
/// have died silently, or the gateway closed it at that moment. The retry opens a new connection, because other
/// pooled connections may be dead, too.
async fn send(request: RequestBuilder, unpooled: &reqwest::Client) -> reqwest::Result<Response> {
    let (pooled, request) = request.build_split();
    let request = request?;
    let retry = request.try_clone();
    match (pooled.execute(request).await, retry) {
        (Err(error), Some(retry)) if ended_before_response(&error) => unpooled.execute(retry).await,
        (result, _) => result,
    }
}
