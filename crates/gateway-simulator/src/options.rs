//! The options of the simulated gateway.

use std::num::NonZeroUsize;

use secrecy::SecretString;

use super::envelope::Envelope;
use super::faults::Fault;
use super::profile::DOCUMENTED;
use super::quota::RateLimit;
use super::schema::Schema;

/// The options of the simulated gateway.
#[derive(Debug, Clone)]
pub struct Options {
    /// The accepted API key, which is also the accepted password of HTTP Basic.
    pub api_key: SecretString,
    /// The number of connected profiles. The first three are the documented ones.
    pub profiles: usize,
    /// The seed of the generated profiles and their changes.
    pub seed: u64,
    /// The speed of simulated time. `None` stays at the day of the documented answers.
    pub speed: Option<f64>,
    /// The rate limit of the key.
    pub rate_limit: RateLimit,
    /// The faults at the start.
    pub faults: Vec<Fault>,
    /// The HTTP status of details calls for a platform with an expired token. `None` answers with the details.
    pub expired_channel: Option<u16>,
    /// The description of the API that the answers follow.
    pub schema: Schema,
    /// The envelope of successful answers.
    pub envelope: Envelope,
    /// The most entries of an answer. `None` means no limit.
    pub page_size: Option<NonZeroUsize>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            api_key: "simulated".into(),
            profiles: DOCUMENTED,
            seed: 0,
            speed: None,
            rate_limit: RateLimit::default(),
            faults: Vec::new(),
            expired_channel: None,
            schema: Schema::default(),
            envelope: Envelope::default(),
            page_size: None,
        }
    }
}
