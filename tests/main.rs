//! What the exporter promises, shown through its front door: one file per promise.

mod account_metrics;
mod broken_answers;
mod freshness;
mod harness;
mod pauses;
