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

#![warn(missing_docs, missing_debug_implementations, unreachable_pub)]

mod answers;
mod calendar;
mod clock;
mod control;
mod envelope;
mod fate;
pub mod faults;
mod injection;
mod life;
mod options;
mod profile;
mod quota;
mod reference;
mod route;
mod schema;
mod server;
mod simulator;
mod uc017;
mod world;

pub use clock::{Clock, SystemClock};
pub use envelope::Envelope;
pub use options::Options;
pub use quota::RateLimit;
pub use route::PREFIX;
pub use schema::Schema;
pub use server::serve;
pub use simulator::Simulator;
