//! One connection: TLS if there is any, then HTTP, within the time limits of its client.

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
use prometheus::IntCounter;
use rustls::ServerConfig;
use tokio::sync::watch;
use tower_service::Service;
use tracing::debug;

use super::frames::Frames;
use super::handshake::{Handshake, shake_hands};
use super::listener::Socket;
use super::sent::Sent;
use super::watch::{Sending, Timeouts, Watch, Watched};
use crate::web_config::{Client, WebConfigFile};

/// The longest request line and headers, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// The longest host with its port, in bytes: names have at most 253 (RFC 1035, section 2.3.4).
const LONGEST_HOST: usize = 253 + ":65535".len();
const MALFORMED_HOST: &str = "malformed Host header";
/// Requests at once on a connection of HTTP/2.
const STREAMS: u32 = 16;
/// The HTTP/2 windows for request bodies, in bytes: the least that a connection can have (RFC 9113, section
/// 6.9.2), because no request of the exporter has a body.
const WINDOW: u32 = 65_535;

/// The answer to plain HTTP on a TLS port, in the words of Go's server.
const PLAIN_HTTP: &str = "Client sent an HTTP request to an HTTPS server.";

/// The extension of a request that came over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverTls;

/// What all requests of a connection carry as extensions.
#[derive(Debug, Clone)]
struct Extensions {
    client: Client,
    tls: Option<OverTls>,
}

/// What a connection needs to be served.
#[derive(Clone)]
pub(super) struct Terms {
    pub(super) router: Router,
    pub(super) timeouts: Timeouts,
    pub(super) config: Arc<WebConfigFile>,
    /// Counts TLS handshakes that fail.
    pub(super) failed_handshakes: IntCounter,
    /// Closed when running requests are to be the last.
    pub(super) stopped: watch::Receiver<()>,
}

/// Serves a client until it leaves, takes too long, or has to leave.
pub(super) async fn serve(
    socket: Box<dyn Socket>,
    peer: String,
    client: Client,
    terms: Terms,
    watch: Arc<Watch>,
) {
    let extensions = |tls| Extensions { client, tls };
    let talk = async {
        match terms.config.current().await.tls.clone() {
            None => talk_http1(socket, &watch, terms, extensions(None)).await,
            Some(config) => match shake_hands_unless_stopped(socket, config, &terms).await {
                Err(error) => debug!(peer, err = %error, "TLS handshake failed"),
                Ok(Handshake::PlainHttp(socket)) => {
                    debug!(peer, "TLS handshake failed: the client sent plain HTTP");
                    let router = Router::new().fallback(async || bad_request(PLAIN_HTTP));
                    let terms = Terms { router, ..terms };
                    talk_http1(socket, &watch, terms, extensions(None)).await;
                }
                Ok(Handshake::Done(stream)) => {
                    let extensions = extensions(Some(OverTls));
                    match stream.get_ref().1.alpn_protocol() {
                        Some(b"h2") => talk_http2(stream, &watch, terms, extensions).await,
                        _ => talk_http1(stream, &watch, terms, extensions).await,
                    }
                }
            },
        }
    };
    tokio::select! {
        () = talk => {}
        () = watch.overdue() => debug!(peer, "Closed the connection of a client that takes too long"),
        () = watch.evicted() => debug!(peer, "Closed a connection to make room for another"),
    }
}

/// An exporter that ends waits for answers, not for handshakes.
async fn shake_hands_unless_stopped(
    socket: Box<dyn Socket>,
    config: Arc<ServerConfig>,
    terms: &Terms,
) -> io::Result<Handshake> {
    let mut stopped = terms.stopped.clone();
    tokio::select! {
        handshake = shake_hands(socket, config, &terms.failed_handshakes) => handshake,
        _ = stopped.changed() => Err(io::ErrorKind::ConnectionAborted.into()),
    }
}

async fn talk_http1(
    socket: impl Socket,
    watch: &Arc<Watch>,
    mut terms: Terms,
    extensions: Extensions,
) {
    let service =
        service_fn(|request| answer(request, &terms.router, watch, extensions.clone(), Sent::new));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Its one time limit would be for idle connections, too.
        .header_read_timeout(None)
        .max_buf_size(LONGEST_HEAD)
        // A client may close its side after the request and still read the answer, as `nc -N` does.
        .half_close(true)
        .serve_connection(watched(socket, watch, true), service);
    let mut connection = pin!(connection);
    tokio::select! {
        // How a connection ends is its client's affair.
        _ = connection.as_mut() => {}
        _ = terms.stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn talk_http2(
    socket: impl Socket,
    watch: &Arc<Watch>,
    mut terms: Terms,
    extensions: Extensions,
) {
    let service = service_fn(|request| {
        let (router, watch) = (terms.router.clone(), Arc::clone(watch));
        let extensions = extensions.clone();
        async move { answer(request, &router, &watch, extensions, Frames::new).await }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_header_list_size(LONGEST_HEAD as u32)
        .max_concurrent_streams(STREAMS)
        .initial_connection_window_size(WINDOW)
        .initial_stream_window_size(WINDOW)
        .serve_connection(watched(socket, watch, false), service);
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = terms.stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

fn watched<S: Socket>(stream: S, watch: &Arc<Watch>, heads: bool) -> TokioIo<Watched<S>> {
    TokioIo::new(Watched {
        stream,
        watch: Arc::clone(watch),
        heads,
    })
}

async fn answer<B>(
    mut request: Request<Incoming>,
    router: &Router,
    watch: &Arc<Watch>,
    Extensions { client, tls }: Extensions,
    under_watch: impl FnOnce(Body, Sending) -> B,
) -> Result<Response<B>, Infallible> {
    let making = watch.begin();
    request.extensions_mut().insert(client);
    if let Some(tls) = tls {
        request.extensions_mut().insert(tls);
    }
    let response = match host_fault(&request) {
        Some(fault) => bad_request(fault),
        None => router.clone().call(request).await?,
    };
    let sending = making.send();
    Ok(response.map(|body| under_watch(body, sending)))
}

/// What is wrong with the host that a request names (RFC 9112, section 3.2). In HTTP/2 the header is optional.
fn host_fault<B>(request: &Request<B>) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let fault = match (hosts.next(), hosts.next()) {
        (None, _) if request.version() == Version::HTTP_11 => Some("missing required Host header"),
        (None, _) => None,
        (Some(_), Some(_)) => Some("too many Host headers"),
        // It is empty where the target has no authority.
        (Some(host), None) if host.is_empty() => None,
        (Some(host), None) => match Authority::try_from(host.as_bytes()) {
            Ok(authority) => authority_fault(&authority),
            Err(_) => Some(MALFORMED_HOST),
        },
    };
    fault.or_else(|| request.uri().authority().and_then(authority_fault))
}

/// Limits the length, because `/sd` repeats the host for every account.
fn authority_fault(authority: &Authority) -> Option<&'static str> {
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
        true => (text.len() > LONGEST_HOST).then_some("host is too long"),
    }
}

fn bad_request(fault: &str) -> Response<Body> {
    let text = format!("400 Bad Request: {fault}\n");
    (StatusCode::BAD_REQUEST, [(CONNECTION, "close")], text).into_response()
}
