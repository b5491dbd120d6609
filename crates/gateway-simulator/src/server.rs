//! The connections of the simulated gateway, and the handling of requests.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, DATE};
use axum::http::{HeaderMap, HeaderValue, Request, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use secrecy::ExposeSecret;
use tokio::net::{TcpListener, TcpStream};

use super::faults::Kind;
use super::quota::QuotaStatus;
use super::route::api_call;
use super::simulator::Simulator;
use super::{answers, control, injection};

/// Serves connections until the future is dropped.
///
/// # Errors
/// The error of the listener, if it cannot accept connections.
pub async fn serve(simulator: Arc<Simulator>, listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        simulator.stats.connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(serve_connection(Arc::clone(&simulator), stream));
    }
}

async fn serve_connection(simulator: Arc<Simulator>, stream: TcpStream) {
    let service = service_fn(move |request: Request<Incoming>| {
        let simulator = Arc::clone(&simulator);
        async move {
            let answer = simulator.answer(request.map(Body::new)).await;
            answer.ok_or(io::Error::from(io::ErrorKind::ConnectionReset))
        }
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if (&mut connection).await.is_err() {
        // The client disconnected, or a fault resets the connection: closing with a linger time of zero
        // sends a reset.
        let stream = connection.into_parts().io.into_inner();
        let _ = stream.set_zero_linger();
    }
}

impl Simulator {
    /// The answer to one request; `None` resets the connection.
    async fn answer(&self, request: Request<Body>) -> Option<Response<Body>> {
        let mut answer = self.answer_without_date(request).await?;
        // By the clock of the simulation; otherwise hyper adds the date of this machine.
        let date = self.clock.now().format("%a, %d %b %Y %H:%M:%S GMT");
        if let Ok(date) = HeaderValue::from_str(&date.to_string()) {
            answer.headers_mut().insert(DATE, date);
        }
        Some(answer)
    }

    async fn answer_without_date(&self, request: Request<Body>) -> Option<Response<Body>> {
        let path = request.uri().path();
        if path.starts_with("/-/") {
            return Some(control::answer(self, request).await);
        }
        let Some(platform) = api_call(request.method(), path) else {
            return Some(answers::not_found());
        };
        let counter = match platform {
            None => &self.stats.list,
            Some(_) => &self.stats.details,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let quota = self.quota.take();
        let mut answer = self.chosen_answer(request.headers(), platform.as_deref(), quota);
        for kind in self.faults_for(platform.as_deref()) {
            answer = injection::inject(&kind, answer).await?;
        }
        let headers = answer.headers_mut();
        headers.insert("x-ratelimit-limit", quota.limit.into());
        headers.insert("x-ratelimit-remaining", quota.remaining.into());
        Some(answer)
    }

    /// The answer without faults.
    fn chosen_answer(
        &self,
        headers: &HeaderMap,
        platform: Option<&str>,
        quota: QuotaStatus,
    ) -> Response<Body> {
        if !self.is_authorized(headers) {
            return answers::unauthorized();
        }
        if let Some(pause) = quota.retry_after {
            return answers::too_many_requests(pause);
        }
        if let Some(body) = self.fixed_answers.lock().get(&platform.map(str::to_owned)) {
            return answers::verbatim(body.clone());
        }
        match platform {
            None => self.list(),
            Some(platform) => self.details(platform),
        }
    }

    /// Whether the key comes as `X-Api-Key`, or as the password of HTTP Basic with any user name.
    fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let key = headers.get("x-api-key").map(HeaderValue::as_bytes);
        let password = headers.get(AUTHORIZATION).and_then(basic_password);
        key == Some(self.api_key.expose_secret().as_bytes())
            || password.as_deref() == Some(self.api_key.expose_secret().as_bytes())
    }

    /// The faults of a call, latency first, so that it delays the others.
    fn faults_for(&self, platform: Option<&str>) -> Vec<Kind> {
        let faults = self.faults.lock();
        let mut kinds: Vec<Kind> = faults
            .iter()
            .filter(|fault| fault.concerns(platform))
            .map(|fault| fault.kind().clone())
            .collect();
        kinds.sort_by_key(|kind| !matches!(kind, Kind::Latency(_)));
        kinds
    }
}

fn basic_password(authorization: &HeaderValue) -> Option<Vec<u8>> {
    let encoded = authorization.to_str().ok()?.strip_prefix("Basic ")?;
    let mut pair = STANDARD.decode(encoded).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair.split_off(colon + 1))
}
