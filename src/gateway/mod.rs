//! The client of the Qlara gateway API and the parser of its responses.
//!
//! Two published descriptions of the same endpoints differ: the page "UC-017 — Connect Social Profiles" and the
//! reference page "List connected social profiles". [`fields`] is the table of what is read from either, [`parse`]
//! reads responses by that table, and `model` is the result.

mod advice;
mod body;
mod body_budget;
pub(crate) mod classify;
pub(crate) mod client;
pub(crate) mod credentials;
pub(crate) mod date;
mod entry;
mod envelope;
pub(crate) mod error;
pub(crate) mod exchange;
pub mod field_names;
pub mod fields;
pub(crate) mod invalid;
mod linked;
pub(crate) mod model;
mod paging;
pub mod parse;
pub(crate) mod proxy;
pub(crate) mod resolver;
mod sent_secret;
pub(crate) mod transport;
pub mod warnings;

pub use body::ReceivedBody;
pub use body_budget::{AccountBodyBudget, BodyBudget};
pub use paging::Paging;
pub use sent_secret::SentSecret;

/// The path prefixes that the API's pages use: UC-017 and the reference page, and the guides and the published request
/// collection.
pub const PREFIXES: [&str; 2] = ["/api/v1/partner-gateway", "/api/partner-gateway/v1"];
