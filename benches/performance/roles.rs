//! The servers besides the exporter: a gateway with prepared answers, and the floors.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::routing::get;
use bytes::Bytes;
use tokio::net::TcpListener;
use tower_http::compression::{CompressionLayer, CompressionLevel};

use exporter_toolkit::metrics_format::Format;
use gateway_simulator::{PREFIX, RateLimit, Simulator, SystemClock};

use crate::client::{Request, fetch};
use crate::options::Sends;
use crate::world::{API_PATHS, METRICS};

/// Serves the answers of the simulated gateway from memory.
pub async fn gateway(profiles: usize) {
    let listener = loopback().await;
    let address = listener.local_addr().expect("an address");
    let options = gateway_simulator::Options {
        profiles,
        rate_limit: RateLimit::UNLIMITED,
        ..gateway_simulator::Options::default()
    };
    let simulator = Arc::new(Simulator::new(options, Arc::new(SystemClock)));
    let simulated = tokio::spawn(gateway_simulator::serve(simulator, listener));
    let mut router = Router::new();
    for path in API_PATHS {
        let path = format!("{PREFIX}{path}");
        let body = Bytes::from(fetch(address, &Request::plain(&path)).await);
        router = router.route(&path, get(async move || body));
    }
    simulated.abort();
    serve(router).await;
}

/// Serves a body from memory, with the headers of the exporter.
pub async fn floor(sends: Sends, body: &Path, open_metrics: bool) {
    let format = match open_metrics {
        true => Format::OpenMetrics,
        false => Format::Text,
    };
    let body = Bytes::from(std::fs::read(body).expect("a body"));
    let kind = [
        (CONTENT_TYPE, format.content_type()),
        (VARY, "accept, accept-encoding"),
    ];
    let router = match sends {
        Sends::Plain => Router::new().route(METRICS, get(async move || (kind, body))),
        Sends::Gzip => {
            let encoding = (CONTENT_ENCODING, "gzip");
            Router::new().route(METRICS, get(async move || (kind, [encoding], body)))
        }
        Sends::Compressing => {
            let compression = CompressionLayer::new().quality(CompressionLevel::Fastest);
            let router = Router::new().route(METRICS, get(async move || (kind, body)));
            router.layer(compression)
        }
    };
    serve(router).await;
}

async fn serve(router: Router) {
    use axum::serve::ListenerExt;
    let listener = loopback().await;
    println!("address={}", listener.local_addr().expect("an address"));
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, router).await.expect("a server");
}

async fn loopback() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}
