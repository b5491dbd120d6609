//! The profiles that are connected to the simulated gateway.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta, Utc};
use fastrand::Rng;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use super::life::{Condition, Day, Life};
use crate::clock::Clock;

/// How many profiles the documentation's answers show.
pub(super) const DOCUMENTED: usize = 3;

/// The day of the documented answers: the last activity in them.
const DOCUMENTED_DAY: &str = "2026-04-09T12:00:00+02:00";

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
const CATEGORIES: [&str; 4] = ["E-commerce", "Restaurant", "Retail", "Travel"];

type Object = Map<String, Value>;

/// All profiles, and the time in which they live.
#[derive(Debug)]
pub(super) struct World {
    clock: Arc<dyn Clock>,
    started: DateTime<Utc>,
    speed: Option<f64>,
    profiles: Vec<Connected>,
    replaced: Mutex<Option<Replacement>>,
}

/// What the control endpoint put in place of the built-in profiles.
#[derive(Debug, Clone)]
pub(super) struct Replacement {
    pub profiles: Vec<Value>,
    /// Stated instead of the number of profiles, where given.
    pub total: Option<Value>,
}

/// A profile: what never changes, and its fate.
#[derive(Debug)]
struct Connected {
    fields: Object,
    life: Life,
    /// The documented words for the documented day.
    documented: Option<Object>,
}

impl World {
    pub(super) fn new(count: usize, seed: u64, speed: Option<f64>, clock: Arc<dyn Clock>) -> World {
        let documented = documented_profiles(seed).into_iter();
        let invented = (DOCUMENTED..).map(|number| invented_profile(number, seed));
        World {
            started: match speed {
                Some(_) => clock.now(),
                None => documented_day(),
            },
            speed,
            profiles: documented.chain(invented).take(count).collect(),
            replaced: Mutex::default(),
            clock,
        }
    }

    /// The profiles as they stand now, with the fields of list and details together, and the total.
    pub(super) fn profiles(&self) -> (Vec<Value>, Value) {
        if let Some(replaced) = self.replaced.lock().clone() {
            let total = replaced
                .total
                .unwrap_or_else(|| json!(replaced.profiles.len()));
            return (replaced.profiles, total);
        }
        let today = self.today();
        let profiles: Vec<Value> = self
            .profiles
            .iter()
            .map(|profile| Value::Object(self.stand(profile, today)))
            .collect();
        let total = json!(profiles.len());
        (profiles, total)
    }

    /// Puts other profiles in place, or (`None`) the built-in ones back.
    pub(super) fn replace(&self, replacement: Option<Replacement>) {
        *self.replaced.lock() = replacement;
    }

    fn today(&self) -> Day {
        match self.speed {
            Some(speed) => days(self.clock.now() - self.started) * speed,
            None => 0.0,
        }
    }

    fn stand(&self, profile: &Connected, today: Day) -> Object {
        let mut fields = profile.fields.clone();
        if let (Some(documented), None) = (&profile.documented, self.speed) {
            fields.extend(documented.clone());
            return fields;
        }
        let snapshot = profile.life.at(today);
        fields.insert("status".to_owned(), json!(status_word(snapshot.condition)));
        fields.insert(
            "connectedAt".to_owned(),
            json!(self.date(snapshot.connected)),
        );
        if let Some(expires) = snapshot.expires {
            fields.insert("tokenExpiresAt".to_owned(), json!(self.date(expires)));
        }
        fields.insert("lastActivityAt".to_owned(), json!(self.date(today - 0.05)));
        fields
    }

    /// The real moment of a simulated day, so that every date that is served comes true: what lies
    /// ahead comes faster, what lies before the start stays where it was.
    fn date(&self, day: Day) -> String {
        let real_days = if day < 0.0 {
            day
        } else {
            day / self.speed.unwrap_or(1.0)
        };
        let seconds = (real_days * 86_400.0).round() as i64;
        let moment = self.started + TimeDelta::seconds(seconds);
        let offset = FixedOffset::east_opt(3600);
        match offset {
            Some(offset) => moment
                .with_timezone(&offset)
                .to_rfc3339_opts(SecondsFormat::Secs, false),
            None => moment.to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }
}

/// The three profiles of the API page, "Step 1" and "Step 2", as told on the documented day.
fn documented_profiles(seed: u64) -> Vec<Connected> {
    let facebook = Connected {
        fields: object(json!({
            "platform": "facebook",
            "profileId": "fb_page_123456",
            "name": "BrandCo Official",
            "pageId": "1234567890",
            "category": "E-commerce",
            "permissions": ["pages_messaging", "pages_read_engagement"],
        })),
        life: Life::Token {
            connected: day_of("2026-01-10T14:30:00+01:00"),
            expires: day_of("2026-06-15T00:00:00+02:00"),
            reconnected: None,
            seed,
        },
        documented: Some(object(json!({
            "status": "CONNECTED",
            "tokenExpiresAt": "2026-06-15T00:00:00+02:00",
            "connectedAt": "2026-01-10T14:30:00+01:00",
            "lastActivityAt": "2026-04-09T12:00:00+02:00",
        }))),
    };
    let whatsapp = Connected {
        fields: object(json!({
            "platform": "whatsapp",
            "profileId": "wa_biz_789012",
            "name": "BrandCo WhatsApp Business",
            "phoneNumber": "+393491234567",
        })),
        life: Life::Connection {
            connected: day_of("2026-02-20T09:00:00+01:00"),
            drops: 5.0,
            seed,
        },
        documented: Some(object(json!({
            "status": "CONNECTED",
            "connectedAt": "2026-02-20T09:00:00+01:00",
        }))),
    };
    let instagram = Connected {
        fields: object(json!({
            "platform": "instagram",
            "profileId": "ig_345678",
            "name": "brandco_official",
            "permissions": ["instagram_basic", "instagram_manage_messages"],
        })),
        life: Life::Token {
            connected: day_of("2025-12-01T10:00:00+01:00"),
            expires: day_of("2026-03-01T00:00:00+01:00"),
            reconnected: Some(3.0),
            seed: seed.wrapping_add(1),
        },
        documented: Some(object(json!({
            "status": "TOKEN_EXPIRED",
            "tokenExpiresAt": "2026-03-01T00:00:00+01:00",
            "connectedAt": "2025-12-01T10:00:00+01:00",
        }))),
    };
    vec![facebook, whatsapp, instagram]
}

fn invented_profile(number: usize, seed: u64) -> Connected {
    let mut fate = Rng::with_seed(seed ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let name = format!("{} {number}", NAMES[fate.usize(..NAMES.len())]);
    let connected = -90.0 - 300.0 * fate.f64();
    let expires = -1.0 + 60.0 * fate.f64();
    let token = Life::Token {
        connected,
        expires,
        // A token that is due at the start has had its chance.
        reconnected: (expires < 7.0).then(|| expires + 2.0 + fate.f64()),
        seed: fate.u64(..),
    };
    match number % 3 {
        0 => {
            let granted = if fate.f64() < 0.9 { 2 } else { 1 };
            Connected {
                fields: object(json!({
                    "platform": "facebook",
                    "profileId": format!("fb_page_{}", 200_000 + number),
                    "name": name,
                    "pageId": format!("{}", 2_000_000_000 + number),
                    "category": CATEGORIES[fate.usize(..CATEGORIES.len())],
                    "permissions": &["pages_messaging", "pages_read_engagement"][..granted],
                })),
                life: token,
                documented: None,
            }
        }
        1 => Connected {
            fields: object(json!({
                "platform": "whatsapp",
                "profileId": format!("wa_biz_{}", 200_000 + number),
                "name": name,
                "phoneNumber": format!("+39349{:07}", number),
            })),
            life: Life::Connection {
                connected,
                drops: -1.0 + 20.0 * fate.f64(),
                seed: fate.u64(..),
            },
            documented: None,
        },
        _ => Connected {
            fields: object(json!({
                "platform": "instagram",
                "profileId": format!("ig_{}", 200_000 + number),
                "name": name,
                "permissions": ["instagram_basic", "instagram_manage_messages"],
            })),
            life: token,
            documented: None,
        },
    }
}

/// The API page's words, "Step 1".
fn status_word(condition: Condition) -> &'static str {
    match condition {
        Condition::Working => "CONNECTED",
        Condition::RefreshFailed => "TOKEN_EXPIRING",
        Condition::TokenExpired => "TOKEN_EXPIRED",
        Condition::ConnectionLost => "DISCONNECTED",
    }
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

fn documented_day() -> DateTime<Utc> {
    moment(DOCUMENTED_DAY)
}

fn day_of(text: &str) -> Day {
    days(moment(text) - documented_day())
}

fn moment(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text)
        .map(|moment| moment.to_utc())
        .unwrap_or_default()
}

fn days(span: TimeDelta) -> Day {
    span.as_seconds_f64() / 86_400.0
}
