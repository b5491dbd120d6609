//! The TLS handshake with a client.

use std::io;
use std::sync::Arc;

use prometheus::IntCounter;
use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::listener::Socket;

/// A socket of which the first byte has been looked at.
pub(super) type Peeked = BufReader<Box<dyn Socket>>;

/// The result of a handshake.
pub(super) enum Handshake {
    /// Boxed: a stream of TLS takes a kilobyte.
    Done(Box<TlsStream<Peeked>>),
    /// The client speaks HTTP without TLS.
    PlainHttp(Peeked),
}

/// Shakes hands with a client. Counts a failure also when the future is dropped because the client takes too
/// long. A client that closes the connection without a byte, such as a load balancer's probe, is no failure.
///
/// # Errors
/// When the client leaves, or the handshake fails.
pub(super) async fn shake_hands(
    socket: Box<dyn Socket>,
    config: Arc<ServerConfig>,
    failures: &IntCounter,
) -> io::Result<Handshake> {
    let mut socket = BufReader::with_capacity(1, socket);
    let Some(first) = socket.fill_buf().await?.first().copied() else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let attempt = Attempt(Some(failures));
    // HTTP methods begin with a letter, TLS records with a control character.
    if first.is_ascii_alphabetic() {
        return Ok(Handshake::PlainHttp(socket));
    }
    let stream = TlsAcceptor::from(config).accept(socket).await?;
    attempt.succeed();
    Ok(Handshake::Done(Box::new(stream)))
}

/// Counts a failure when it is dropped, unless the handshake has succeeded.
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
