//! The Prometheus text exposition format, version 0.0.4, for the accounts' metrics.
//!
//! A snapshot is rendered once per refresh, into one block of sample lines per metric family. A scrape joins the
//! blocks of all accounts under the HELP and TYPE lines of each family, and renders only what changes between
//! refreshes: the state of each account and the time left of each token. Scrapes in the same second share one
//! response.

mod account_view;
mod families;
mod gzip;
mod render;
mod response;
mod response_cache;
mod text;

pub use account_view::{AccountView, SnapshotText};
pub use families::{FAMILIES, Family};
pub use response::ResponseBody;
pub use response_cache::{AccountResponses, ResponseCache};

/// `Content-Type` of an exposition.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
