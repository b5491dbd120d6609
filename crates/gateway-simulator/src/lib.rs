//! The Qlara gateway as its documentation describes it, for demonstrations and tests.
//!
//! The simulator shares no type with the client that it tests, so that they cannot share a mistake either.
//!
//! It serves `GET {prefix}/socials` and `GET {prefix}/socials/{platform}` as one of two descriptions of the
//! API says ([`Schema`]), in one of several envelopes ([`Envelope`]). With a page size, both answers hold
//! their first entries only. A truncated answer keeps the `total` of all entries, has `"hasMore": true` if
//! its envelope is an object, and has the header `Link: <?page=2>; rel="next"`. Other pages are not served:
//! the gateway ignores the query.
//!
//! A control endpoint, which needs no key, changes the gateway at runtime:
//!
//! | request | effect |
//! | --- | --- |
//! | `GET /-/faults` | returns the current faults, one per line |
//! | `PUT /-/faults` | replaces the faults by those in the body, one per line (see [`faults::Fault`]) |
//! | `DELETE /-/faults` | removes all faults |
//! | `PUT /-/profiles` | replaces the profiles by a JSON array of objects with the fields of list and details together, or by an object `{"profiles": […], "total": N}`, whose additional keys are served in the envelope of the list; unknown fields and entries that are not objects are served unchanged |
//! | `DELETE /-/profiles` | restores the built-in profiles |
//! | `PUT /-/answers/list`, `PUT /-/answers/PLATFORM` | replaces the answer to the list, or to the details of a platform (percent-encoded), by exactly these bytes as `application/json`; credentials, rate limit and faults still apply |
//! | `DELETE /-/answers` | restores the built-in answers |
//! | `GET /-/stats` | returns the numbers of connections and API requests as JSON |

#![warn(missing_docs, missing_debug_implementations)]

mod answers;
mod calendar;
mod clock;
mod control;
mod envelope;
mod fate;
pub mod faults;
mod injection;
mod life;
mod profile;
mod quota;
mod reference;
mod route;
mod schema;
mod server;
mod uc017;
mod world;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use parking_lot::Mutex;
use secrecy::SecretString;

use faults::Fault;
use quota::Quota;
use world::World;

pub use clock::{Clock, SystemClock};
pub use envelope::Envelope;
pub use quota::RateLimit;
pub use schema::Schema;
pub use server::serve;

/// The path prefix of the API's examples.
pub const PREFIX: &str = "/api/v1/partner-gateway";

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
            profiles: world::DOCUMENTED,
            seed: 0,
            speed: None,
            rate_limit: RateLimit::default(),
            faults: Vec::new(),
            schema: Schema::default(),
            envelope: Envelope::default(),
            page_size: None,
        }
    }
}

/// A simulated gateway.
#[derive(Debug)]
pub struct Simulator {
    api_key: SecretString,
    world: World,
    quota: Quota,
    faults: Mutex<Vec<Fault>>,
    fixed_answers: Mutex<FixedAnswers>,
    envelope: Envelope,
    page_size: Option<NonZeroUsize>,
    stats: Stats,
}

/// Bodies that replace built-in answers, by platform. `None` is the list.
type FixedAnswers = HashMap<Option<String>, Bytes>;

#[derive(Debug, Default)]
struct Stats {
    connections: AtomicU64,
    list: AtomicU64,
    details: AtomicU64,
}

impl Simulator {
    /// A gateway whose simulated time starts now.
    pub fn new(options: Options, clock: Arc<dyn Clock>) -> Simulator {
        Simulator {
            world: World::new(&options, Arc::clone(&clock)),
            api_key: options.api_key,
            quota: Quota::new(options.rate_limit, clock),
            faults: Mutex::new(options.faults),
            fixed_answers: Mutex::default(),
            envelope: options.envelope,
            page_size: options.page_size,
            stats: Stats::default(),
        }
    }
}
