//! The parts of simulated profiles that do not depend on the schema.

use fastrand::Rng;

use super::calendar::{Day, day_of};
use super::life::Life;

const NAMES: [&str; 8] = [
    "Trattoria da Mario",
    "Bäckerei Süß & Söhne",
    "Café \"Zoë\"",
    "東京ラーメン",
    "Кофейня №1",
    "مقهى النخيل",
    "Pizza 🍕 Express",
    "Fjällräven C:\\Shop",
];

/// The token of BrandCo's Facebook page in the documented answers.
pub(super) fn brandco_facebook(seed: u64) -> Life {
    Life::Token {
        connected: day_of("2026-01-10T14:30:00+01:00"),
        expires: day_of("2026-06-15T00:00:00+02:00"),
        reconnected: None,
        seed,
    }
}

/// The token of BrandCo's Instagram account, which has expired in the documented answers.
pub(super) fn brandco_instagram(seed: u64) -> Life {
    Life::Token {
        connected: day_of("2025-12-01T10:00:00+01:00"),
        expires: day_of("2026-03-01T00:00:00+01:00"),
        reconnected: Some(3.0),
        seed: seed.wrapping_add(1),
    }
}

/// A generated profile without the fields of a schema.
#[derive(Debug)]
pub(super) struct Fate {
    pub name: String,
    pub connected: Day,
    pub token: Life,
    /// Generates the fields of the schema.
    pub rng: Rng,
}

impl Fate {
    /// Generates a profile. The same number and seed give the same profile.
    pub(super) fn new(number: usize, seed: u64) -> Fate {
        let mut rng = Rng::with_seed(seed ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let name = format!("{} {number}", NAMES[rng.usize(..NAMES.len())]);
        let connected = -90.0 - 300.0 * rng.f64();
        let expires = -1.0 + 60.0 * rng.f64();
        let token = Life::Token {
            connected,
            expires,
            // The gateway should have refreshed this token before the start, so its refresh failed.
            reconnected: (expires < 7.0).then(|| expires + 2.0 + rng.f64()),
            seed: rng.u64(..),
        };
        Fate {
            name,
            connected,
            token,
            rng,
        }
    }
}
