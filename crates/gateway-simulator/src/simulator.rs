//! The state of the simulated gateway.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::http::StatusCode;
use bytes::Bytes;
use parking_lot::Mutex;
use secrecy::SecretString;

use super::clock::Clock;
use super::envelope::Envelope;
use super::faults::Fault;
use super::options::Options;
use super::quota::Quota;
use super::world::World;

/// A simulated gateway.
#[derive(Debug)]
pub struct Simulator {
    pub(super) api_key: SecretString,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) world: World,
    pub(super) quota: Quota,
    pub(super) faults: Mutex<Vec<Fault>>,
    pub(super) fixed_answers: Mutex<FixedAnswers>,
    pub(super) expired_channel: Option<StatusCode>,
    pub(super) envelope: Envelope,
    pub(super) page_size: Option<NonZeroUsize>,
    pub(super) stats: Stats,
}

/// Bodies that replace built-in answers, by platform. `None` is the list.
pub(super) type FixedAnswers = HashMap<Option<String>, Bytes>;

#[derive(Debug, Default)]
pub(super) struct Stats {
    pub(super) connections: AtomicU64,
    pub(super) list: AtomicU64,
    pub(super) details: AtomicU64,
}

impl Simulator {
    /// A gateway whose simulated time starts now.
    pub fn new(options: Options, clock: Arc<dyn Clock>) -> Simulator {
        Simulator {
            world: World::new(&options, Arc::clone(&clock)),
            api_key: options.api_key,
            quota: Quota::new(options.rate_limit, Arc::clone(&clock)),
            clock,
            faults: Mutex::new(options.faults),
            fixed_answers: Mutex::default(),
            expired_channel: options
                .expired_channel
                .and_then(|code| StatusCode::from_u16(code).ok()),
            envelope: options.envelope,
            page_size: options.page_size,
            stats: Stats::default(),
        }
    }
}
