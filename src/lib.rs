//! qlara-exporter: a Prometheus exporter for the social profiles of the Qlara messaging gateway.
//!
//! This crate contains what concerns Qlara. What any exporter needs (flags, HTTP server, TLS, password check,
//! logging, systemd, configuration diagnostics) is in the crate [`exporter_toolkit`], and the simulated gateway
//! for demonstrations and tests is in the crate `gateway_simulator`.
//!
//! # What happens during a scrape
//!
//! 1. The server of [`exporter_toolkit`] accepts the connection, checks the password, and passes the request to
//!    the routes of [`web`].
//! 2. [`web`] reads the scrape timeout and the formats that the client accepts, and asks each configured `account` for its
//!    current state.
//! 3. An `account` answers from its cache. If the cache is too old, it starts a refresh, or waits for the
//!    refresh that is already running.
//! 4. [`refresh`] asks the [`gateway`] for the list of profiles and for the details of each platform, and
//!    combines the answers into a [`snapshot`].
//! 5. [`exposition`] renders the samples of the snapshot, plain and compressed, once per refresh, and joins them with the
//!    metadata of the format, text or OpenMetrics. Scrapes of the same second and format share a response.
//! 6. `telemetry` adds the metrics about the exporter itself, and [`web`] sends the response.
//!
//! # Modules
//!
//! [`cli`] parses the command line, [`config`] the configuration file and the environment; [`exporter`] starts
//! everything from the two, and `reload` replaces the configuration while it runs. `verdict` judges how
//! serious a problem of a profile or an account is, for the page at `/` and for [`check`], which reads every
//! account once, without the cache. `record` writes the judged profiles as JSON and CSV, for [`check`] and the HTTP
//! API; an `account` keeps their latest changes. People read times in a [`zone`]. [`explain`] compares a gateway's answers
//! with the fields that the exporter reads. [`demo`] runs the exporter against the simulated gateway.

#![warn(missing_docs, missing_debug_implementations, unreachable_pub)]

pub(crate) mod account;
pub mod build;
pub mod check;
pub mod cli;
pub mod config;
pub mod demo;
pub mod explain;
pub mod exporter;
pub mod exposition;
pub mod gateway;
pub mod plural;
pub(crate) mod record;
pub mod refresh;
pub(crate) mod reload;
pub(crate) mod route;
pub mod snapshot;
pub(crate) mod telemetry;
pub(crate) mod verdict;
pub mod web;
pub mod zone;
