//! The server side of the TLS handshake.

use std::io;
use std::sync::Arc;

use prometheus::IntCounter;
use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::listener::Socket;

/// A socket whose first byte may have been peeked at.
pub(super) type Peeked = BufReader<Box<dyn Socket>>;

/// The result of a handshake.
pub(super) enum Handshake {
    /// Boxed, because a TLS stream takes a kilobyte.
    Done(Box<TlsStream<Peeked>>),
    /// The client sent HTTP without TLS.
    PlainHttp(Peeked),
}

/// Performs the handshake. A failure is also counted if the future is dropped because of a deadline. A connection that is
/// closed without a byte, such as a load balancer's probe, is not counted.
///
/// # Errors
/// If the client closes the connection or the handshake fails.
pub(super) async fn shake_hands(
    socket: Box<dyn Socket>,
    config: Arc<ServerConfig>,
    failures: Option<&IntCounter>,
) -> io::Result<Handshake> {
    let mut socket = BufReader::with_capacity(1, socket);
    let Some(first) = socket.fill_buf().await?.first().copied() else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let attempt = Attempt(failures);
    // HTTP methods begin with a letter, TLS records with a control character.
    if first.is_ascii_alphabetic() {
        return Ok(Handshake::PlainHttp(socket));
    }
    let stream = TlsAcceptor::from(config).accept(socket).await?;
    attempt.succeed();
    Ok(Handshake::Done(Box::new(stream)))
}

/// Counts a failure on drop, unless the handshake succeeded.
struct Attempt<'a>(Option<&'a IntCounter>);

impl Attempt<'_> {
    fn succeed(mut self) {
        self.0 = None;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(failures) = self.0 {
            failures.inc();
        }
    }
}
