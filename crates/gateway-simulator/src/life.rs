//! The state of a profile over time, a pure function of its parameters and the time (API page, "Behind the
//! scenes — Social token management").

use fastrand::Rng;

use super::calendar::Day;

/// The lifetime of a new token in days.
const TOKEN_LIFE: Day = 60.0;
/// The gateway refreshes a token this many days before its end.
const REFRESH_BEFORE: Day = 7.0;

/// The parameters of one profile.
#[derive(Debug, Clone)]
pub(super) enum Life {
    /// Facebook and Instagram: an OAuth token that expires.
    Token {
        connected: Day,
        expires: Day,
        /// If set, the first refresh fails, and the profile is reconnected at this time.
        reconnected: Option<Day>,
        seed: u64,
    },
    /// WhatsApp: a persistent connection that is lost and restored.
    Connection {
        connected: Day,
        drops: Day,
        seed: u64,
    },
}

/// The state of a profile. Each schema has its own words for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Working,
    /// The gateway failed to refresh the token, which has not expired yet.
    RefreshFailed,
    TokenExpired,
    ConnectionLost,
}

/// A profile at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Snapshot {
    pub condition: Condition,
    pub connected: Day,
    pub expires: Option<Day>,
}

impl Life {
    /// The profile at `now`.
    pub(super) fn at(&self, now: Day) -> Snapshot {
        match self {
            Life::Token {
                connected,
                expires,
                reconnected,
                seed,
            } => token_at(
                now,
                *connected,
                *expires,
                *reconnected,
                Rng::with_seed(*seed),
            ),
            Life::Connection {
                connected,
                drops,
                seed,
            } => connection_at(now, *connected, *drops, Rng::with_seed(*seed)),
        }
    }
}

fn token_at(
    now: Day,
    mut connected: Day,
    mut expires: Day,
    mut reconnected: Option<Day>,
    mut fate: Rng,
) -> Snapshot {
    loop {
        let refresh = expires - REFRESH_BEFORE;
        let snapshot = |condition| Snapshot {
            condition,
            connected,
            expires: Some(expires),
        };
        if now < refresh {
            return snapshot(Condition::Working);
        }
        let fails = reconnected.is_some() || fate.f64() < 0.4;
        let somebody_reconnects = expires + 1.0 + 3.0 * fate.f64();
        if !fails {
            expires = refresh + TOKEN_LIFE;
            continue;
        }
        if now < expires {
            return snapshot(Condition::RefreshFailed);
        }
        let reconnect = reconnected.take().unwrap_or(somebody_reconnects);
        if now < reconnect {
            return snapshot(Condition::TokenExpired);
        }
        connected = reconnect;
        expires = reconnect + TOKEN_LIFE;
    }
}

fn connection_at(now: Day, connected: Day, mut drops: Day, mut fate: Rng) -> Snapshot {
    loop {
        let returns = drops + 0.1 + fate.f64();
        let condition = if now < drops {
            Condition::Working
        } else if now < returns {
            Condition::ConnectionLost
        } else {
            drops = returns + 5.0 + 20.0 * fate.f64();
            continue;
        };
        return Snapshot {
            condition,
            connected,
            expires: None,
        };
    }
}
