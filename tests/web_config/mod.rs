//! The web configuration file: valid files, error messages, and the resulting server.

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
