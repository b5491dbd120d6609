//! The web configuration file: valid files, error messages, and the resulting server.

mod client_certificates;
mod guard;
mod http2;
mod loading;
mod login_queue;
mod passwords;
mod rotation;
mod server;
mod tls;

#[allow(dead_code, reason = "the tests of exporters use the rest")]
#[path = "../harness/mod.rs"]
mod harness;
