//! The web server: listening sockets, connection limits and deadlines.
//!
//! The crate has an accept loop of its own, because `axum::serve` supports neither TLS nor deadlines for slow clients
//! nor a limit that evicts connections.

mod address;
mod coalesced_body;
mod connection;
mod deadlines;
mod file_limit;
mod h2_body;
mod handshake;
mod limit;
mod listener;
mod options;
mod unix_socket;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use prometheus::IntCounter;
use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tracing::{info, warn};

pub use address::{ListenAddress, TcpAddress};
use connection::ConnectionContext;
pub use connection::OverTls;
use deadlines::Deadlines;
pub use deadlines::Timeouts;
use limit::ConnectionLimit;
pub(crate) use listener::Listener;
pub use listener::{ListenError, bind_tcp};
pub use options::{ServerOptions, Sockets};
pub(crate) use unix_socket::connect_to;

use crate::shared_text::Cutoff;
use crate::web_config::{Client, WebConfigFile};

/// Pause after `accept` fails because the process is out of file descriptors.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_secs(1);

/// Listeners that share a connection limit.
#[derive(Debug)]
pub(crate) struct ListenerGroup {
    limit: ConnectionLimit,
    timeouts: Timeouts,
    failed_handshakes: Option<IntCounter>,
    cutoff: Cutoff,
    loops: JoinSet<()>,
    /// Dropping the sender starts a graceful shutdown.
    stop: Sender<()>,
}

impl ListenerGroup {
    /// A group without listeners. Its connections may use 1/`share` of the process' file descriptors and
    /// of `memory_limit` (in bytes).
    pub(crate) fn new(
        share: u64,
        memory_limit: Option<u64>,
        options: &ServerOptions,
    ) -> ListenerGroup {
        let (stop, _) = channel(());
        ListenerGroup {
            limit: ConnectionLimit::for_share(share, memory_limit),
            timeouts: options.timeouts,
            failed_handshakes: options.failed_handshakes.clone(),
            cutoff: options.texts.cutoff(),
            loops: JoinSet::new(),
            stop,
        }
    }

    /// Accepts connections of `listener` on a new task, with TLS if the web configuration enables it.
    ///
    /// # Errors
    /// The error of `getsockname`.
    pub(crate) fn serve(
        &mut self,
        listener: Listener,
        router: Router,
        config: Arc<WebConfigFile>,
    ) -> io::Result<()> {
        let tls = config.enables_tls();
        info!(address = listener.display_address()?, tls, "Listening on");
        let context = ConnectionContext {
            failed_handshakes: self.failed_handshakes.clone(),
            cutoff: self.cutoff.clone(),
            router,
            timeouts: self.timeouts,
            config,
            stopped: self.stop.subscribe(),
        };
        let limit = self.limit.clone();
        self.loops.spawn(accept(listener, limit, context));
        Ok(())
    }

    /// Stops accepting connections and waits until the last response is sent.
    pub(crate) async fn drain(mut self) {
        drop(self.stop);
        while self.loops.join_next().await.is_some() {}
    }
}

async fn accept(listener: Listener, limit: ConnectionLimit, context: ConnectionContext) {
    let mut stopped: Receiver<()> = context.stopped.clone();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stopped.changed() => break,
        };
        match accepted {
            Ok((socket, peer)) => {
                // After `accept`, so that a connection is evicted only if a new client needs its place.
                let deadlines = Arc::new(Deadlines::new(context.timeouts));
                let client = Client::of(&peer);
                let permit = tokio::select! {
                    permit = limit.acquire(client.network(), &deadlines) => permit,
                    _ = stopped.changed() => break,
                };
                let Some(permit) = permit else { break };
                let connection =
                    connection::serve(socket, peer, client, context.clone(), deadlines);
                connections.spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            Err(error) if is_closed_by_client(&error) => {}
            Err(error) => {
                warn!(err = %error, "Cannot accept connections");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Whether the client closed the connection before `accept` returned it.
fn is_closed_by_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
