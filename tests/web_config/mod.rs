//! The web configuration file: what is good, how mistakes are told, and what comes out.

mod certificates;
mod client_certificates;
mod exporter;
mod guard;
mod handshakes;
mod http2;
mod loading;
mod login_queue;
mod passwords;
mod prometheus;
mod rotation;
mod server;
mod tls;
