//! Middleware that applies the web configuration file to every request: first the rate limit, then authentication.
//! It also adds the configured headers to every response.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};

use crate::clock::Clock;
use crate::web_config::{Client, Login, Users, WebConfig, WebConfigFile};

/// `Retry-After` in seconds if the queue of password checks is full.
const RETRY_SECONDS: &str = "10";

/// Adds the middleware to all routes. Without a web configuration file it returns the router unchanged. `realm` is the
/// realm of HTTP Basic authentication, `clock` the clock of the rate limit.
pub(crate) fn guard(
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

async fn handle(
    State(guard): State<Guard>,
    Extension(client): Extension<Client>,
    request: Request,
    next: Next,
) -> Response {
    let config = guard.file.current().await;
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

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use tower_service::Service;

    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn without_a_file_the_router_is_unchanged() {
        let file = Arc::new(WebConfigFile::none());
        assert!(file.is_none() && file.is_up_to_date());
        assert!(!file.current().await.has_tls());
        let router = Router::new().route("/", get(async || "hello\n"));
        let mut router = guard(router, file, Arc::new(SystemClock), "test");
        let response = router.call(Request::new(Body::empty())).await;
        let body = to_bytes(response.expect("a response").into_body(), 100).await;
        assert_eq!(body.expect("a body"), "hello\n");
    }
}
