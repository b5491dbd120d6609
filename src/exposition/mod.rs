//! The exposition of the accounts' metrics, in Prometheus' text format and in OpenMetrics.
//!
//! A snapshot is rendered once per refresh, into one block of sample lines per metric family. Once a second, a scrape
//! joins the blocks of all accounts and renders what changes between refreshes: the state of each account and the time
//! left of each token. All of this is the same in both formats. A response joins it under the metadata that its format
//! has for each family; scrapes in the same second share the response.

mod account_view;
mod chunk;
mod families;
mod gzip;
mod render;
mod response;
mod response_cache;
mod samples;
mod text;

pub use account_view::{AccountView, SnapshotText};
pub use families::{FAMILIES, Family};
pub use response::ResponseBody;
pub use response_cache::{AccountResponses, ResponseCache};

use exporter_toolkit::content_encoding::Encoding;
use exporter_toolkit::metrics_format::Format;

/// The form in which a client gets an exposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Representation {
    /// `Content-Type`.
    pub format: Format,
    /// `Content-Encoding`.
    pub encoding: Encoding,
}

impl Representation {
    /// The form for clients that ask for none.
    pub const PLAIN_TEXT: Representation = Representation {
        format: Format::Text,
        encoding: Encoding::Plain,
    };
}
