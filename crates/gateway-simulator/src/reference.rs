//! The answers that the API's reference page describes in prose. The page shows no JSON: only the name
//! `disconnected` is literal there, and the other names are guesses.

use serde_json::{Value, json};

use super::calendar::{Calendar, Day, day_of};
use super::fate::{Fate, brandco_facebook, brandco_instagram};
use super::life::{Condition, Life, Snapshot};
use super::profile::{Description, Object, Profile, object};

const PLATFORMS: [&str; 5] = ["facebook", "instagram", "linkedin", "google", "tiktok"];

/// A number in the list, and an array of accounts in the details.
const LINKED_ACCOUNTS: &str = "linkedAccounts";

/// Possible numbers of linked accounts of a generated profile.
const LINKED: [usize; 4] = [0, 1, 2, 5];

#[derive(Debug)]
pub(super) struct Reference;

impl Description for Reference {
    fn brandco(&self, seed: u64) -> Vec<Profile> {
        let linkedin = Life::Token {
            connected: day_of("2026-02-20T09:00:00+01:00"),
            expires: day_of("2026-05-20T00:00:00+02:00"),
            reconnected: None,
            seed: seed.wrapping_add(2),
        };
        let name = "BrandCo Official";
        vec![
            profile(
                "facebook",
                "brandco.official",
                name,
                1,
                brandco_facebook(seed),
            ),
            profile(
                "instagram",
                "brandco_official",
                name,
                0,
                brandco_instagram(seed),
            ),
            profile("linkedin", "brandco", "BrandCo", 3, linkedin),
        ]
    }

    fn invented(&self, number: usize, seed: u64) -> Profile {
        let Fate {
            name,
            token,
            mut rng,
            ..
        } = Fate::new(number, seed);
        let platform = PLATFORMS[number % PLATFORMS.len()];
        let username = format!("shop_{}", 200_000 + number);
        let linked = LINKED[rng.usize(..LINKED.len())];
        profile(platform, &username, &name, linked, token)
    }

    fn fields_at(&self, _: Day, snapshot: Snapshot, calendar: &Calendar) -> Object {
        object(json!({
            "connectionDate": calendar.date(snapshot.connected),
            "disconnected": snapshot.condition == Condition::TokenExpired,
        }))
    }

    fn list_entry(&self, mut fields: Object) -> Object {
        if let Some(linked) = fields.get_mut(LINKED_ACCOUNTS)
            && let Value::Array(accounts) = linked
        {
            *linked = json!(accounts.len());
        }
        fields
    }

    fn details_entry(&self, fields: Object) -> Object {
        fields
    }
}

fn profile(platform: &str, username: &str, name: &str, linked: usize, life: Life) -> Profile {
    let accounts = (1..=linked).map(|number| {
        json!({ "id": format!("{username}_{number}"), "name": format!("{name} / {number}") })
    });
    let fields = object(json!({
        "platform": platform,
        "username": username,
        "profileName": name,
        "profilePictureUrl": format!("https://pictures.example/{platform}/{username}.jpg"),
        LINKED_ACCOUNTS: accounts.collect::<Vec<Value>>(),
    }));
    Profile {
        fields,
        life,
        documented: None,
    }
}
