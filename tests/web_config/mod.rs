//! The web configuration file of the exporter, with its metrics. The tests of the toolkit cover the file itself.

mod exporter;
mod handshakes;
mod http2;
mod prometheus;
