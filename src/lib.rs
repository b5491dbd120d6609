//! qlara-exporter: a Prometheus exporter for the social profiles of the Qlara messaging gateway.
//!
//! # The way of one scrape
//!
//! 1. [`web`] takes the request and its deadline, and asks every [`account`] for a view.
//! 2. An [`account`] serves its cached snapshot, or starts or joins the one refresh under way.
//! 3. [`refresh`] asks the [`gateway`] for the list of profiles and the details of each platform,
//!    and makes a [`snapshot`] of the answers.
//! 4. [`exposition`] writes the snapshot as text, once; every scrape until the next refresh shares
//!    that text. [`telemetry`] adds the exporter's own metrics.
//! 5. What changes from second to second is written once a second, and [`web`] sends the whole.
//!
//! # The rooms
//!
//! Arrows run one way: `main` → [`lifecycle`] → [`web`] → [`roster`] → [`account`] → [`refresh`] →
//! [`gateway`]. [`cli`] and [`config`] turn arguments, environment and file into a validated
//! configuration; nothing below [`lifecycle`] knows the command line. [`reload`] replaces the
//! [`roster`], the accounts of the configuration in force. [`server`] accepts connections and keeps
//! clients to their time; it knows nothing of accounts. [`web_config`] is the file of TLS and
//! passwords, kept current. [`check`] goes past the cache: it reads the
//! accounts once, and [`verdict`] says how bad what it finds is, as for the page at `/`. [`simulator`]
//! is the gateway as its documentation describes it, for demonstrations and tests; [`demo`] joins it
//! with the exporter, and [`healthcheck`] asks a running one.

#![warn(missing_docs, missing_debug_implementations)]

pub mod account;
pub mod build;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod exposition;
pub mod gateway;
pub mod healthcheck;
pub mod lifecycle;
pub mod logging;
pub mod memory;
pub mod refresh;
pub mod reload;
mod reread;
pub mod roster;
pub mod server;
mod service_manager;
pub mod simulator;
pub mod snapshot;
pub mod telemetry;
pub mod verdict;
pub mod web;
pub mod web_config;
