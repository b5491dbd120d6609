//! What stands before every handler where there is a web configuration file: a limit of requests,
//! then users and passwords; and the headers of every answer.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{HeaderValue, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

use crate::clock::Clock;
use crate::web_config::{WebConfig, WebConfigFile};

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
    let mut answer = match guard.refusal(&config, request.headers()).await {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    for (name, value) in &config.headers {
        answer.headers_mut().insert(name, value.clone());
    }
    answer
}

impl Guard {
    async fn refusal(&self, config: &WebConfig, headers: &HeaderMap) -> Option<Response> {
        if let Some(limit) = &config.rate_limit
            && !limit.allows(self.clock.monotonic())
        {
            let refusal = (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n");
            return Some(refusal.into_response());
        }
        if let Some(users) = &config.users
            && !users.admit(headers).await
        {
            let challenge = [(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"))];
            let refusal = (StatusCode::UNAUTHORIZED, challenge, "Unauthorized\n");
            return Some(refusal.into_response());
        }
        None
    }
}
