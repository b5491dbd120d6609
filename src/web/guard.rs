//! What stands before every handler where there is a web configuration file: a limit of requests,
//! then users and passwords; and the headers of every answer.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

use crate::clock::Clock;
use crate::web_config::{Client, Login, Users, WebConfig, WebConfigFile};

/// RFC 7617 requires the realm; user names in the file are UTF-8.
const CHALLENGE: &str = r#"Basic realm="qlara-exporter", charset="UTF-8""#;
/// Seconds after which a client whose password was not checked may ask again.
const RETRY_SECONDS: &str = "10";
/// The peer of a request that came through another server than this crate's.
const UNKNOWN_PEER: &str = "";

/// Puts the guard before all routes. Without a file there is none.
pub fn guard(router: Router, file: Arc<WebConfigFile>, clock: Arc<dyn Clock>) -> Router {
    if file.is_none() {
        return router;
    }
    router.layer(middleware::from_fn_with_state(
        Guard { file, clock },
        answer,
    ))
}

#[derive(Debug, Clone)]
struct Guard {
    file: Arc<WebConfigFile>,
    clock: Arc<dyn Clock>,
}

async fn answer(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let config = guard.file.current().await;
    let client = request.extensions().get::<Client>().cloned();
    let client = client.unwrap_or_else(|| Client::of(UNKNOWN_PEER));
    let refusal = guard.refusal(&config, request.headers(), &client);
    let mut answer = match refusal.await {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    for (name, value) in &config.headers {
        answer.headers_mut().insert(name, value.clone());
    }
    answer
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
            Some(users) => login_refusal(users, headers, client).await,
            None => None,
        }
    }
}

async fn login_refusal(users: &Users, headers: &HeaderMap, client: &Client) -> Option<Response> {
    match users.admit(headers, client).await {
        Login::Accepted => None,
        Login::Rejected => {
            let challenge = [(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE))];
            let refusal = (StatusCode::UNAUTHORIZED, challenge, "Unauthorized\n");
            Some(refusal.into_response())
        }
        Login::Overloaded => {
            let retry = [(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS))];
            let text = "Too many passwords wait to be checked, try again later.\n";
            let refusal = (StatusCode::SERVICE_UNAVAILABLE, retry, text);
            Some(refusal.into_response())
        }
    }
}
