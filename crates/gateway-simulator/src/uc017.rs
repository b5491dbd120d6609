//! The answers of UC-017, the API's page of use cases.

use serde_json::json;

use super::calendar::{Calendar, Day, day_of};
use super::fate::{Fate, brandco_facebook, brandco_instagram};
use super::life::{Condition, Life, Snapshot};
use super::profile::{Description, Object, Profile, object};

/// The fields that only details have. Details do not have `platform`.
const DETAILS_FIELDS: [&str; 4] = ["pageId", "category", "permissions", "lastActivityAt"];

const CATEGORIES: [&str; 4] = ["E-commerce", "Restaurant", "Retail", "Travel"];

#[derive(Debug)]
pub(super) struct Uc017;

impl Description for Uc017 {
    fn brandco(&self, seed: u64) -> Vec<Profile> {
        documented_profiles(seed)
    }

    fn invented(&self, number: usize, seed: u64) -> Profile {
        invented_profile(number, seed)
    }

    fn fields_at(&self, today: Day, snapshot: Snapshot, calendar: &Calendar) -> Object {
        let mut fields = object(json!({
            "status": status_word(snapshot.condition),
            "connectedAt": calendar.date(snapshot.connected),
            "lastActivityAt": calendar.date(today - 0.05),
        }));
        if let Some(expires) = snapshot.expires {
            fields.insert("tokenExpiresAt".to_owned(), json!(calendar.date(expires)));
        }
        fields
    }

    fn list_entry(&self, mut fields: Object) -> Object {
        fields.retain(|field, _| !DETAILS_FIELDS.contains(&field.as_str()));
        fields
    }

    fn details_entry(&self, mut fields: Object) -> Object {
        fields.remove("platform");
        fields
    }
}

/// The status words of the API page, "Step 1".
fn status_word(condition: Condition) -> &'static str {
    match condition {
        Condition::Working => "CONNECTED",
        Condition::RefreshFailed => "TOKEN_EXPIRING",
        Condition::TokenExpired => "TOKEN_EXPIRED",
        Condition::ConnectionLost => "DISCONNECTED",
    }
}

/// The three profiles of the API page, "Step 1" and "Step 2", as on the documented day.
fn documented_profiles(seed: u64) -> Vec<Profile> {
    let facebook = Profile {
        fields: object(json!({
            "platform": "facebook",
            "profileId": "fb_page_123456",
            "name": "BrandCo Official",
            "pageId": "1234567890",
            "category": "E-commerce",
            "permissions": ["pages_messaging", "pages_read_engagement"],
        })),
        life: brandco_facebook(seed),
        documented: Some(object(json!({
            "status": "CONNECTED",
            "tokenExpiresAt": "2026-06-15T00:00:00+02:00",
            "connectedAt": "2026-01-10T14:30:00+01:00",
            "lastActivityAt": "2026-04-09T12:00:00+02:00",
        }))),
    };
    let whatsapp = Profile {
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
    let instagram = Profile {
        fields: object(json!({
            "platform": "instagram",
            "profileId": "ig_345678",
            "name": "brandco_official",
            "permissions": ["instagram_basic", "instagram_manage_messages"],
        })),
        life: brandco_instagram(seed),
        documented: Some(object(json!({
            "status": "TOKEN_EXPIRED",
            "tokenExpiresAt": "2026-03-01T00:00:00+01:00",
            "connectedAt": "2025-12-01T10:00:00+01:00",
        }))),
    };
    vec![facebook, whatsapp, instagram]
}

fn invented_profile(number: usize, seed: u64) -> Profile {
    let Fate {
        name,
        connected,
        token,
        mut rng,
    } = Fate::new(number, seed);
    match number % 3 {
        0 => {
            let granted = if rng.f64() < 0.9 { 2 } else { 1 };
            Profile {
                fields: object(json!({
                    "platform": "facebook",
                    "profileId": format!("fb_page_{}", 200_000 + number),
                    "name": name,
                    "pageId": format!("{}", 2_000_000_000 + number),
                    "category": CATEGORIES[rng.usize(..CATEGORIES.len())],
                    "permissions": &["pages_messaging", "pages_read_engagement"][..granted],
                })),
                life: token,
                documented: None,
            }
        }
        1 => Profile {
            fields: object(json!({
                "platform": "whatsapp",
                "profileId": format!("wa_biz_{}", 200_000 + number),
                "name": name,
                "phoneNumber": format!("+39349{:07}", number),
            })),
            life: Life::Connection {
                connected,
                drops: -1.0 + 20.0 * rng.f64(),
                seed: rng.u64(..),
            },
            documented: None,
        },
        _ => Profile {
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
