//! The Qlara gateway as its documentation describes it, for demonstrations and tests.
//!
//! It serves `GET {prefix}/socials` and `GET {prefix}/socials/{platform}` with the documented
//! answers, and, beside the API, a control endpoint without a key:
//!
//! | request | effect |
//! | --- | --- |
//! | `GET /-/faults` | the faults in force, one a line |
//! | `PUT /-/faults` | replaces them by those in the body, one a line (see [`faults::Fault`]) |
//! | `DELETE /-/faults` | heals the gateway |
//! | `PUT /-/profiles` | replaces the profiles by a JSON array of objects with the fields of list and details together, or by an object `{"profiles": […], "total": N}`; odd entries are served as they are |
//! | `DELETE /-/profiles` | returns to the built-in profiles |
//! | `PUT /-/answers/list`, `PUT /-/answers/PLATFORM` | answers the list, or the details of a platform (percent-encoded), with exactly these bytes as `application/json`; credentials, rate limit and faults still apply |
//! | `DELETE /-/answers` | returns to the built-in answers |
//! | `GET /-/stats` | connections and API requests so far, as JSON |

mod answers;
mod control;
pub mod faults;
mod injection;
mod life;
mod quota;
mod server;
mod world;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::clock::Clock;
use crate::hidden::Hidden;
use faults::Fault;
use quota::Quota;
use world::World;

pub use quota::RateLimit;
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
            api_key: options.api_key,
            world: World::new(
                options.profiles,
                options.seed,
                options.speed,
                Arc::clone(&clock),
            ),
            quota: Quota::new(options.rate_limit, clock),
            faults: Mutex::new(options.faults),
            fixed_answers: Mutex::default(),
            stats: Stats::default(),
        }
    }
}
