//! One connection: TLS if there is any, then HTTP, within the time limits of its client.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower_service::Service;
use tracing::debug;

use super::listener::Socket;
use super::places::Places;
use super::watch::{Sending, Timeouts, Watch, Watched};
use crate::web_config::WebConfigFile;

/// The longest request line and headers, in bytes.
const LONGEST_HEAD: usize = 32 * 1024;
/// Requests at once on a connection of HTTP/2.
const STREAMS: u32 = 64;

/// Whether a request came over TLS: an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverTls(pub bool);

/// What a connection needs to be served.
#[derive(Clone)]
pub(super) struct Terms {
    pub(super) router: Router,
    pub(super) timeouts: Timeouts,
    pub(super) config: Arc<WebConfigFile>,
    /// Places for connections, of which this one has one.
    pub(super) places: Places,
    /// Closed when running requests are to be the last.
    pub(super) stopped: watch::Receiver<()>,
}

/// Serves a client until it leaves, takes too long, or has to leave.
pub(super) async fn serve(socket: Box<dyn Socket>, peer: String, terms: Terms) {
    let watch = Arc::new(Watch::new(terms.timeouts, terms.places.clone()));
    let talk = async {
        match terms.config.current().await.tls.clone() {
            None => talk_http1(socket, &watch, terms, OverTls(false)).await,
            Some(config) => match shake_hands(socket, config, &terms).await {
                Err(error) => debug!(peer, err = %error, "TLS handshake failed"),
                Ok(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                    talk_http2(stream, &watch, terms).await;
                }
                Ok(stream) => talk_http1(stream, &watch, terms, OverTls(true)).await,
            },
        }
    };
    tokio::select! {
        () = talk => {}
        () = watch.overdue() => debug!(peer, "Closed the connection of a client that takes too long"),
    }
}

/// An exporter that ends waits for answers, not for handshakes.
async fn shake_hands(
    socket: Box<dyn Socket>,
    config: Arc<ServerConfig>,
    terms: &Terms,
) -> io::Result<TlsStream<Box<dyn Socket>>> {
    let mut stopped = terms.stopped.clone();
    tokio::select! {
        stream = TlsAcceptor::from(config).accept(socket) => stream,
        _ = stopped.changed() => Err(io::ErrorKind::ConnectionAborted.into()),
    }
}

async fn talk_http1(socket: impl Socket, watch: &Arc<Watch>, mut terms: Terms, tls: OverTls) {
    let service = service_fn(|request| answer(request, &terms.router, watch, tls));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Its one time limit would be for idle connections, too.
        .header_read_timeout(None)
        .max_buf_size(LONGEST_HEAD)
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

async fn talk_http2(socket: impl Socket, watch: &Arc<Watch>, mut terms: Terms) {
    let service = service_fn(|request| {
        let (router, watch) = (terms.router.clone(), Arc::clone(watch));
        async move {
            let answer = answer(request, &router, &watch, OverTls(true)).await?;
            Ok::<_, Infallible>(answer.map(Frames::new))
        }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_header_list_size(LONGEST_HEAD as u32)
        .max_concurrent_streams(STREAMS)
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

async fn answer(
    mut request: Request<Incoming>,
    router: &Router,
    watch: &Arc<Watch>,
    tls: OverTls,
) -> Result<Response<Sent>, Infallible> {
    let making = watch.begin();
    request.extensions_mut().insert(tls);
    let response = router.clone().call(request).await?;
    let sending = making.send();
    Ok(response.map(|body| Sent {
        body,
        _sending: sending,
    }))
}

/// The body of an answer, under the eyes of the watch.
struct Sent {
    body: Body,
    _sending: Sending,
}

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body in pieces of which the last is a single byte. HTTP/2 buffers a piece whole as soon as the
/// client has room for one byte of it, and asks for the next when it has room again: so the end of
/// the body is the end of what waits for the client, but for that byte.
struct Frames {
    body: Sent,
    rest: Bytes,
}

impl Frames {
    const SIZE: usize = 16 * 1024;

    fn new(body: Sent) -> Frames {
        let rest = Bytes::new();
        Frames { body, rest }
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => return Poll::Ready(Some(Ok(Frame::data(data)))),
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                other => return Poll::Ready(other),
            }
        }
        let size = (self.rest.len() - 1).clamp(1, Frames::SIZE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(size)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    /// Asked for before the first piece only.
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
