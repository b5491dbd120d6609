//! The Qlara gateway as its documentation describes it, for demonstrations and tests.
//!
//! It is independent of the client that it tests: no type is shared, so a mistake in one does not
//! hide in the other.
//!
//! It serves `GET {prefix}/socials` and `GET {prefix}/socials/{platform}` as one of two descriptions
//! of the API has them ([`Schema`]), in one of several envelopes ([`Envelope`]). With a page size,
//! both serve their first entries only. If that leaves entries out, `total` stays the number of all,
//! an envelope that is an object says `"hasMore": true`, and every answer has the header
//! `Link: <?page=2>; rel="next"`. No other page is served: the gateway ignores the query.
//!
//! Beside the API there is a control endpoint without a key:
//!
//! | request | effect |
//! | --- | --- |
//! | `GET /-/faults` | the faults in force, one a line |
//! | `PUT /-/faults` | replaces them by those in the body, one a line (see [`faults::Fault`]) |
//! | `DELETE /-/faults` | heals the gateway |
//! | `PUT /-/profiles` | replaces the profiles by a JSON array of objects with the fields of list and details together, or by an object `{"profiles": […], "total": N}`, whose further keys are served in the list's envelope; unknown fields and odd entries are served as they are |
//! | `DELETE /-/profiles` | returns to the built-in profiles |
//! | `PUT /-/answers/list`, `PUT /-/answers/PLATFORM` | answers the list, or the details of a platform (percent-encoded), with exactly these bytes as `application/json`; credentials, rate limit and faults still apply |
//! | `DELETE /-/answers` | returns to the built-in answers |
//! | `GET /-/stats` | connections and API requests so far, as JSON |

mod answers;
mod calendar;
mod control;
mod envelope;
mod fate;
pub mod faults;
mod injection;
mod life;
mod quota;
mod reference;
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

use crate::clock::Clock;
use crate::hidden::Hidden;
use faults::Fault;
use quota::Quota;
use world::World;

pub use envelope::Envelope;
pub use quota::RateLimit;
pub use schema::Schema;
pub use server::serve;

/// The prefix of the API's examples.
pub const PREFIX: &str = "/api/v1/partner-gateway";

/// What the simulated gateway is like.
#[derive(Debug, Clone)]
pub struct Options {
    /// The key that it accepts, also as the password of HTTP Basic.
    pub api_key: Hidden,
    /// How many profiles are connected: the three documented ones come first.
    pub profiles: usize,
    /// The same seed gives the same profiles and the same fates.
    pub seed: u64,
    /// How many times faster than in reality tokens live. `None`: time stands still at the day of
    /// the documented answers.
    pub speed: Option<f64>,
    /// The rate limit of the key.
    pub rate_limit: RateLimit,
    /// The faults in force at the start.
    pub faults: Vec<Fault>,
    /// The description of the API that the answers follow.
    pub schema: Schema,
    /// The envelope of successful answers.
    pub envelope: Envelope,
    /// The most entries of an answer. `None`: all.
    pub page_size: Option<NonZeroUsize>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            api_key: Hidden("simulated".to_owned()),
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
    api_key: Hidden,
    world: World,
    quota: Quota,
    faults: Mutex<Vec<Fault>>,
    fixed_answers: Mutex<FixedAnswers>,
    envelope: Envelope,
    page_size: Option<NonZeroUsize>,
    stats: Stats,
}

/// Bodies that the control endpoint put in place of built-in answers, by platform; `None` is the list.
type FixedAnswers = HashMap<Option<String>, Bytes>;

#[derive(Debug, Default)]
struct Stats {
    connections: AtomicU64,
    list: AtomicU64,
    details: AtomicU64,
}

impl Simulator {
    /// A gateway whose life starts now.
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
