//! Everything a Prometheus exporter needs besides its metrics: command-line flags, a web server with TLS and basic
//! authentication, logs, health endpoints, signals and systemd. It is Rust's counterpart of Prometheus'
//! [exporter-toolkit](https://github.com/prometheus/exporter-toolkit) and reads the same web configuration file.
//!
//! An exporter flattens [`WebFlags`] and [`LogFlags`] into its own arguments and passes an [`axum::Router`] to
//! [`serve()`]:
//!
//! ```no_run
#![doc = include_str!("../examples/minimal.rs")]
//! ```
//!
//! The realm of HTTP Basic authentication is the file name of the program. Exporters that need another realm, other timeouts
//! or a reload on request use [`Server`] with [`ServerOptions`] instead of [`serve()`].
//!
//! # What an exporter gets
//!
//! - **TLS** with client certificates and HTTP/2, configured by `--web.config.file`
//! - **Users** with bcrypt-hashed passwords; results of password checks are cached, and checks are queued fairly
//! - **A rate limit** for the whole server (a token bucket) and security headers
//! - **Hot reload** of the web configuration: a changed file, certificate or key applies without a restart
//! - **Connection limits** derived from the file descriptor and memory limits of the process
//! - **Deadlines** for clients that send or read slowly
//! - **Graceful shutdown**: running requests have ten seconds to finish
//! - **systemd**: socket activation, `sd_notify` and the watchdog
//! - **Health endpoints** `/-/healthy` and `/-/ready`, optionally on an address of their own
//! - **Logs** in logfmt or JSON with the keys of Prometheus' own programs
//! - **OpenMetrics** for clients that prefer it to Prometheus' text format, with units and creation times
//! - **Process metrics** (`process_*`) with the names of the official client libraries
//!
//! # Modules
//!
//! | module | content |
//! | --- | --- |
//! | [`flags`] | the flags `--web.*` and `--log.*`, with their environment variables |
//! | [`server`] | listening sockets and addresses, timeouts, [`ServerOptions`] |
//! | [`web_config`] | the web configuration file |
//! | [`health`], [`exporter_client`] | the health endpoints, and a client of a running exporter |
//! | [`logging`] | logs on standard error |
//! | [`metrics_format`] | Prometheus' text format and OpenMetrics, and which of them a client prefers |
//! | [`process_metrics`] | the `process_*` metrics |
//! | [`signals`], [`systemd`] | SIGINT and SIGTERM; notifications to the service manager |
//! | [`hash_password`] | a command that prints the bcrypt hash of a password |
//! | [`tls`] | TLS client configuration with a private CA; readable TLS errors |
//! | [`yaml`], [`duration`], [`size`], [`diagnostics`], [`suggest`] | configuration files with precise error messages |
//! | [`redacted`], [`printable`] | secrets that are never printed; text that cannot control a terminal |
//! | [`reloader`], [`secret_file`] | values and secrets in files that change while the program runs |
//! | [`content_encoding`], [`shared_text`] | compressed responses, and response bodies shared between clients |
//! | [`clock`], [`memory`], [`error_chain`] | a replaceable clock, the memory limit, causes of errors |

#![warn(missing_docs, missing_debug_implementations, unreachable_pub)]

mod bounded_read;
pub mod clock;
pub mod content_encoding;
pub mod diagnostics;
pub mod duration;
pub mod error_chain;
pub mod exporter_client;
pub mod flags;
mod guard;
pub mod hash_password;
pub mod health;
pub mod logging;
pub mod memory;
pub mod metrics_format;
mod preferences;
pub mod printable;
pub mod process_metrics;
pub mod redacted;
pub mod reloader;
pub mod secret_file;
mod serve;
pub mod server;
pub mod shared_text;
pub mod signals;
pub mod size;
pub mod suggest;
pub mod systemd;
pub mod tls;
pub mod web_config;
pub mod yaml;

pub use flags::{LogFlags, WebFlags};
pub use serve::{ServeError, Server, serve};
pub use server::{ServerOptions, Sockets};
