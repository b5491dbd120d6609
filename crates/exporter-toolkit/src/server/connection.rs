//! Serving one connection: the TLS handshake if TLS is enabled, then HTTP/1 or HTTP/2, within the client's deadlines.
//!
//! The auto builder of hyper-util does not fit: it has one body type for both protocols, but HTTP/1 needs
//! [`CoalescedBody`] and HTTP/2 needs [`H2Body`].

use std::convert::Infallible;
use std::io;
use std::net::Ipv6Addr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONNECTION, HOST};
use axum::http::uri::Authority;
use axum::http::{Request, Response, StatusCode, Version};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use prometheus::IntCounter;
use rustls::ServerConfig;
use tokio::sync::watch;
use tower_service::Service;
use tracing::debug;

use super::coalesced_body::CoalescedBody;
use super::deadlines::{Deadlines, ResponseGuard, TimeoutStream, Timeouts};
use super::h2_body::H2Body;
use super::handshake::{Handshake, shake_hands};
use super::listener::Socket;
use crate::shared_text::Cutoff;
use crate::web_config::{Client, WebConfigFile};

/// Limit of the request line and headers, in bytes.
const MAX_HEAD_SIZE: usize = 16 * 1024;
/// Limit of host and port, in bytes: a host name has at most 253 (RFC 1035, section 2.3.4).
const MAX_HOST_LENGTH: usize = 253 + ":65535".len();
const MALFORMED_HOST: &str = "malformed Host header";
/// Limit of concurrent requests on an HTTP/2 connection.
const MAX_STREAMS: u32 = 16;
/// HTTP/2 flow-control windows for request bodies, in bytes. This is the minimum of a connection (RFC 9113, section
/// 6.9.2), because requests to an exporter have no body.
const RECEIVE_WINDOW: u32 = 65_535;

/// The response to plain HTTP on a TLS port, with the text of Go's server.
const PLAIN_HTTP: &str = "Client sent an HTTP request to an HTTPS server.";

/// Request extension that marks requests received over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverTls;

/// The state that all connections of a listener share.
#[derive(Clone)]
pub(super) struct ConnectionContext {
    pub(super) router: Router,
    pub(super) timeouts: Timeouts,
    pub(super) config: Arc<WebConfigFile>,
    /// Counts failed TLS handshakes.
    pub(super) failed_handshakes: Option<IntCounter>,
    /// Closes connections that started to read a response before it.
    pub(super) cutoff: Cutoff,
    /// Closed when a graceful shutdown starts.
    pub(super) stopped: watch::Receiver<()>,
}

/// Serves a connection until the client closes it, misses a deadline or is evicted.
pub(super) async fn serve(
    socket: Box<dyn Socket>,
    peer: String,
    client: Client,
    context: ConnectionContext,
    deadlines: Arc<Deadlines>,
) {
    let requests = RequestHandler {
        router: context.router.clone(),
        deadlines: Arc::clone(&deadlines),
        client,
        tls: None,
    };
    let cutoff = context.cutoff.clone();
    let serve = async {
        match context.config.current().await.tls.clone() {
            None => serve_http1(socket, requests, context.stopped).await,
            Some(config) => match shake_hands_unless_stopped(socket, config, &context).await {
                Err(error) => debug!(peer, err = %error, "TLS handshake failed"),
                Ok(Handshake::PlainHttp(socket)) => {
                    debug!(peer, "TLS handshake failed: the client sent plain HTTP");
                    let router = Router::new().fallback(async || bad_request(PLAIN_HTTP));
                    let requests = RequestHandler { router, ..requests };
                    serve_http1(socket, requests, context.stopped).await;
                }
                Ok(Handshake::Done(stream)) => {
                    let tls = Some(OverTls);
                    let requests = RequestHandler { tls, ..requests };
                    match stream.get_ref().1.alpn_protocol() {
                        Some(b"h2") => serve_http2(stream, requests, context.stopped).await,
                        _ => serve_http1(stream, requests, context.stopped).await,
                    }
                }
            },
        }
    };
    tokio::select! {
        () = serve => {}
        () = deadlines.overdue() => debug!(peer, "Closed the connection of a client that missed a deadline"),
        () = deadlines.reads_too_slowly(cutoff) => debug!(peer, "Closed the connection of a client that reads too slowly"),
        () = deadlines.evicted() => debug!(peer, "Closed a connection to make room for another"),
    }
}

/// A graceful shutdown waits for responses, but not for handshakes.
async fn shake_hands_unless_stopped(
    socket: Box<dyn Socket>,
    config: Arc<ServerConfig>,
    context: &ConnectionContext,
) -> io::Result<Handshake> {
    let mut stopped = context.stopped.clone();
    tokio::select! {
        handshake = shake_hands(socket, config, context.failed_handshakes.as_ref()) => handshake,
        _ = stopped.changed() => Err(io::ErrorKind::ConnectionAborted.into()),
    }
}

fn serve_http1(
    stream: impl Socket,
    requests: RequestHandler,
    stopped: watch::Receiver<()>,
) -> impl Future<Output = ()> + Send {
    // In HTTP/1, all input on an idle connection belongs to a request head.
    let stream = TimeoutStream::new(stream, &requests.deadlines, true);
    let service = service_fn(move |request| requests.clone().respond(request, CoalescedBody::new));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // hyper's timeout would also apply to idle connections, which may wait longer.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_SIZE)
        // A client may half-close the connection after the request and still read the response, as `nc -N` does.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    serve_until_stopped(connection, stopped)
}

fn serve_http2(
    stream: impl Socket,
    requests: RequestHandler,
    stopped: watch::Receiver<()>,
) -> impl Future<Output = ()> + Send {
    let stream = TimeoutStream::new(stream, &requests.deadlines, false);
    let service = service_fn(move |request| requests.clone().respond(request, H2Body::new));
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD_SIZE as u32)
        .max_concurrent_streams(MAX_STREAMS)
        .initial_connection_window_size(RECEIVE_WINDOW)
        .initial_stream_window_size(RECEIVE_WINDOW)
        .serve_connection(TokioIo::new(stream), service);
    serve_until_stopped(connection, stopped)
}

/// Serves a connection. When a graceful shutdown starts, lets the running requests finish. hyper-util's `GracefulShutdown`
/// would not wait for connections in a TLS handshake; the `JoinSet` of the server does. Does not log errors, because
/// clients cause them: they reset the connection or send invalid HTTP.
async fn serve_until_stopped(
    connection: impl GracefulConnection + Send,
    mut stopped: watch::Receiver<()>,
) {
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Handles the requests of a connection.
#[derive(Clone)]
struct RequestHandler {
    router: Router,
    deadlines: Arc<Deadlines>,
    /// Extension of all requests.
    client: Client,
    /// Extension of all requests over TLS.
    tls: Option<OverTls>,
}

impl RequestHandler {
    /// Routes a request. `new_body` wraps the response body so that it drops the guard when it is sent.
    async fn respond<B>(
        self,
        mut request: Request<Incoming>,
        new_body: impl FnOnce(Body, ResponseGuard) -> B,
    ) -> Result<Response<B>, Infallible> {
        let in_flight = self.deadlines.begin();
        request.extensions_mut().insert(self.client);
        if let Some(tls) = self.tls {
            request.extensions_mut().insert(tls);
        }
        let response = match host_error(&request) {
            Some(error) => bad_request(error),
            None => self.router.clone().call(request).await?,
        };
        let guard = in_flight.send();
        Ok(response.map(|body| new_body(body, guard)))
    }
}

/// Checks the host of a request (RFC 9112, section 3.2) and returns the error, if any. In HTTP/2 the `Host` header is optional.
fn host_error<B>(request: &Request<B>) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let error = match (hosts.next(), hosts.next()) {
        (None, _) if request.version() == Version::HTTP_11 => Some("missing required Host header"),
        (None, _) => None,
        (Some(_), Some(_)) => Some("too many Host headers"),
        // The header is empty if the request target has no authority.
        (Some(host), None) if host.is_empty() => None,
        (Some(host), None) => match Authority::try_from(host.as_bytes()) {
            Ok(authority) => authority_error(&authority),
            Err(_) => Some(MALFORMED_HOST),
        },
    };
    error.or_else(|| request.uri().authority().and_then(authority_error))
}

/// The length is limited, because a response may repeat the host many times.
fn authority_error(authority: &Authority) -> Option<&'static str> {
    let text = authority.as_str();
    let host = authority.host();
    let port = text.strip_prefix(host);
    let is_port = |port: &str| match port.strip_prefix(':') {
        // The port may be empty (RFC 3986, section 3.2.3).
        Some(digits) => digits.is_empty() || authority.port_u16().is_some(),
        None => port.is_empty(),
    };
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_host = address.is_none_or(|address| address.parse::<Ipv6Addr>().is_ok());
    match port.is_some_and(is_port) && is_host {
        false => Some(MALFORMED_HOST),
        true => (text.len() > MAX_HOST_LENGTH).then_some("host is too long"),
    }
}

fn bad_request(error: &str) -> Response<Body> {
    let text = format!("400 Bad Request: {error}\n");
    (StatusCode::BAD_REQUEST, [(CONNECTION, "close")], text).into_response()
}
