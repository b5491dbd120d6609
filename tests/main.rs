//! What the exporter promises, shown through its front door: one file per promise.

mod account_metrics;
mod alerting;
mod alerts_live;
mod broken_answers;
mod browser;
mod check;
mod command_line;
mod configuration;
mod dashboards;
mod deploy;
mod documentation;
mod exporter_metrics;
mod freshness;
mod gateway_client;
mod generated;
mod harness;
mod healthcheck;
mod http;
mod logs_and_signals;
mod page;
mod page_accounts;
mod pauses;
mod prometheus;
mod runbooks;
mod several_accounts;
mod simulator;
