//! Middleware that applies the web configuration file to every request: first the rate limit, then authentication.
//! It also adds the configured headers to every response.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

use crate::clock::Clock;
use crate::web_config::{Client, Login, Users, WebConfig, WebConfigFile};

/// `Retry-After` in seconds if the queue of password checks is full.
const RETRY_SECONDS: &str = "10";
/// Peer address of requests that another server than this crate's accepted.
const UNKNOWN_PEER: &str = "";

/// Adds the middleware to all routes. Without a web configuration file it returns the router unchanged. `realm` is the
/// realm of HTTP Basic authentication, `clock` the clock of the rate limit.
pub fn guard(
    router: Router,
    file: Arc<WebConfigFile>,
    clock: Arc<dyn Clock>,
    realm: &str,
) -> Router {
    if file.is_none() {
        return router;
    }
    router.layer(middleware::from_fn_with_state(
        Guard {
            file,
            clock,
            challenge: challenge(realm),
        },
        handle,
    ))
}

#[derive(Debug, Clone)]
struct Guard {
    file: Arc<WebConfigFile>,
    clock: Arc<dyn Clock>,
    challenge: HeaderValue,
}

/// RFC 7617 requires the realm; user names in the file are UTF-8.
fn challenge(realm: &str) -> HeaderValue {
    let text = format!(r#"Basic realm="{realm}", charset="UTF-8""#);
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("Basic"))
}

async fn handle(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let config = guard.file.current().await;
    let client = request.extensions().get::<Client>().cloned();
    let client = client.unwrap_or_else(|| Client::of(UNKNOWN_PEER));
    let refusal = guard.refusal(&config, request.headers(), &client);
    let mut response = match refusal.await {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    for (name, value) in &config.headers {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

impl Guard {
    async fn refusal(
        &self,
        config: &WebConfig,
        headers: &HeaderMap,
        client: &Client,
    ) -> Option<Response> {
        if let Some(limit) = &config.rate_limit
            && !limit.allows(self.clock.monotonic())
        {
            let refusal = (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n");
            return Some(refusal.into_response());
        }
        match &config.users {
            Some(users) => self.login_refusal(users, headers, client).await,
            None => None,
        }
    }

    async fn login_refusal(
        &self,
        users: &Users,
        headers: &HeaderMap,
        client: &Client,
    ) -> Option<Response> {
        match users.admit(headers, client).await {
            Login::Accepted => None,
            Login::Rejected => {
                let challenge = [(WWW_AUTHENTICATE, self.challenge.clone())];
                let refusal = (StatusCode::UNAUTHORIZED, challenge, "Unauthorized\n");
                Some(refusal.into_response())
            }
            Login::Overloaded => {
                let retry = [(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS))];
                let text = "Too many password checks are queued, try again later.\n";
                let refusal = (StatusCode::SERVICE_UNAVAILABLE, retry, text);
                Some(refusal.into_response())
            }
        }
    }
}
