//! qlara-exporter: a Prometheus exporter for the social profiles of the Qlara messaging gateway.
//!
//! # The way of one scrape
//!
//! 1. [`server`] accepts the connection, speaks TLS if there is any, and hands the request to [`web`],
//!    where the guard lets it pass; [`web_config`] says how both are done.
//! 2. [`web`] reads the deadline, takes the [`roster`] of accounts in force, and asks every
//!    [`account`] in it for a view.
//! 3. An [`account`] serves its cached snapshot, or starts or joins the one refresh under way.
//! 4. [`refresh`] waits for its turn, asks the [`gateway`] for the list of profiles and the details of
//!    each platform, and makes a [`snapshot`] of the answers.
//! 5. [`exposition`] writes the snapshot as text and compresses it, once; every scrape until the next
//!    refresh shares that. [`telemetry`] adds the exporter's own metrics.
//! 6. What changes from second to second is written once a second; [`web`] answers with the whole, and
//!    [`server`] sends it, for as long as its client may take.
//!
//! # The rooms
//!
//! Arrows run one way: `main` → [`lifecycle`] → [`server`], and [`web`] → [`roster`] → [`account`] →
//! [`refresh`] → [`gateway`]. [`cli`] and [`config`] turn arguments, environment and file into a
//! validated configuration; nothing below [`lifecycle`] knows the command line. [`reload`] replaces
//! the [`roster`]; [`route`] is the way to a gateway as the log tells it. `reread` looks at files again off
//! the async threads, and `service_manager` tells systemd. [`server`] keeps clients to their time, and knows
//! nothing of accounts. [`check`] goes past the cache: it reads the accounts once, and [`verdict`] says how
//! bad what it finds is, as for the page at `/`. [`simulator`] is the gateway as its documentation describes
//! it, for demonstrations and tests; [`demo`] joins it with the exporter, and [`healthcheck`] asks a running
//! one. [`explain`] shows which fields the gateway answers, and which of them are read. [`hash_password`]
//! makes the hashes that [`web_config`] reads. `certificate` checks what the TLS library does not, for
//! clients and for the gateway. [`signal_mask`] blocks signals until their handlers are installed. [`hidden`]
//! and `likeness` decide what of a value or a word may be printed, `printable` what a terminal may get to see
//! of it. [`memory`] reads the memory limit and configures the allocator. [`plural`] counts in texts.

#![warn(missing_docs, missing_debug_implementations)]

pub mod account;
pub mod build;
mod certificate;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod explain;
pub mod exposition;
pub mod gateway;
pub mod hash_password;
pub mod healthcheck;
pub mod hidden;
pub mod lifecycle;
mod likeness;
pub mod logging;
pub mod memory;
pub mod plural;
mod printable;
pub mod refresh;
pub mod reload;
mod reread;
pub mod roster;
pub mod route;
pub mod server;
mod service_manager;
pub mod signal_mask;
pub mod simulator;
pub mod snapshot;
pub mod telemetry;
pub mod verdict;
pub mod web;
pub mod web_config;
