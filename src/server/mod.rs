//! The server: listening sockets, and the connections that come in through them.
//!
//! `axum::serve` knows no TLS and no time limits, so the accept loop is here.

pub mod address;
mod connection;
mod frames;
mod handshake;
pub mod listener;
mod places;
mod sent;
mod watch;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use prometheus::IntCounter;
use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tracing::{info, warn};

pub use connection::OverTls;
use connection::Terms;
use listener::Listener;
use places::Places;
pub use watch::Timeouts;
use watch::Watch;

use crate::web_config::{Client, WebConfigFile};

/// How long nobody is let in when the operating system has no place for another connection.
const NO_PLACE: Duration = Duration::from_secs(1);

/// Listeners that are being served.
#[derive(Debug)]
pub struct Server {
    places: Places,
    failed_handshakes: IntCounter,
    loops: JoinSet<()>,
    /// Its end tells the loops and their connections to come to theirs.
    stop: Sender<()>,
}

impl Server {
    /// A server without listeners. Its connections may take one of `parts` equal parts of the process' file
    /// descriptors and of `memory_limit`, in bytes. `failed_handshakes` counts TLS handshakes that fail.
    pub fn new(parts: u64, memory_limit: Option<u64>, failed_handshakes: IntCounter) -> Server {
        let (stop, _) = channel(());
        Server {
            places: Places::one_part_of(parts, memory_limit),
            failed_handshakes,
            loops: JoinSet::new(),
            stop,
        }
    }

    /// Serves what comes in through `listener`, on a task of its own; over TLS, if the web
    /// configuration says so.
    ///
    /// # Errors
    /// When the operating system does not say where it listens.
    pub fn serve(
        &mut self,
        listener: Listener,
        router: Router,
        timeouts: Timeouts,
        config: Arc<WebConfigFile>,
    ) -> io::Result<()> {
        info!(address = listener.shown()?, "Listening on");
        let terms = Terms {
            failed_handshakes: self.failed_handshakes.clone(),
            router,
            timeouts,
            config,
            stopped: self.stop.subscribe(),
        };
        let places = self.places.clone();
        self.loops.spawn(accept(listener, places, terms));
        Ok(())
    }

    /// Lets nobody in any more, and resolves when the last answer is sent.
    pub async fn drain(mut self) {
        drop(self.stop);
        while self.loops.join_next().await.is_some() {}
    }
}

async fn accept(listener: Listener, places: Places, terms: Terms) {
    let mut stopped: Receiver<()> = terms.stopped.clone();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stopped.changed() => break,
        };
        match accepted {
            Ok((socket, peer)) => {
                // After `accept`, so that a connection is evicted only for a client that has come.
                let watch = Arc::new(Watch::new(terms.timeouts));
                let client = Client::of(&peer);
                let place = tokio::select! {
                    place = places.take(client.network(), &watch) => place,
                    _ = stopped.changed() => break,
                };
                let Some(place) = place else { break };
                let connection = connection::serve(socket, peer, client, terms.clone(), watch);
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                warn!(err = %error, "Cannot accept connections");
                tokio::time::sleep(NO_PLACE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// The client left before it was let in.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
