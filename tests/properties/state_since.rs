//! Since when each profile has been in its state, computed from the other series of one scrape after the other.

use std::collections::BTreeMap;

use crate::any_bytes::parser::Series;

const SINCE: &str = "qlara_profile_state_since_timestamp_seconds";

type Identity = (String, String);

/// What the lists of one account have shown so far.
#[derive(Default)]
pub struct States {
    profiles: BTreeMap<Identity, State>,
    /// The number of invalid entries of the last whole list, unless a profile may have been missed since.
    invalid: Option<f64>,
}

#[derive(Clone)]
struct State {
    status: String,
    since: Option<f64>,
    was_in_whole_list: bool,
}

impl States {
    /// The series that follow from the next list, whose other series are these.
    pub fn read(
        &mut self,
        series: &BTreeMap<Series, f64>,
        account: &str,
        now: f64,
    ) -> Vec<(Series, f64)> {
        let of = |wanted: &'static str| {
            let all = series.iter();
            all.filter(move |((name, labels), _)| name == wanted && labels["account"] == account)
        };
        let dropped = |reason: &str| -> f64 {
            let counts = of("qlara_profiles_dropped");
            let counts = counts.filter(|((_, labels), _)| labels["reason"] == reason);
            counts.map(|(_, count)| count).sum()
        };
        let listed: BTreeMap<Identity, &String> = of("qlara_profile_status")
            .filter(|(_, value)| **value == 1.0)
            .map(|((_, labels), _)| {
                let identity = (labels["platform"].clone(), labels["profile"].clone());
                (identity, &labels["status"])
            })
            .collect();
        let is_complete = of("qlara_list_complete").all(|(_, value)| *value == 1.0);
        let no_one_is_missing = self.profiles.keys().all(|known| listed.contains_key(known));
        let is_whole = is_complete
            && dropped("limit") == 0.0
            && (no_one_is_missing || dropped("invalid") <= self.invalid.unwrap_or(0.0));
        let shows_new = self
            .invalid
            .is_some_and(|before| dropped("invalid") >= before);

        let before = std::mem::take(&mut self.profiles);
        for (identity, status) in &listed {
            let former = before.get(identity);
            let since = match former {
                Some(former) if former.status == **status => former.since,
                Some(_) => Some(now),
                None => shows_new.then_some(now),
            };
            let state = State {
                status: (*status).clone(),
                since,
                was_in_whole_list: is_whole || former.is_some_and(|it| it.was_in_whole_list),
            };
            self.profiles.insert(identity.clone(), state);
        }
        if is_whole {
            self.invalid = Some(dropped("invalid"));
        } else {
            let missing = before.into_iter();
            for (identity, state) in missing.filter(|(known, _)| !listed.contains_key(known)) {
                match state.was_in_whole_list {
                    true => drop(self.profiles.insert(identity, state)),
                    false => self.invalid = None,
                }
            }
        }
        let listed = listed.into_keys().filter_map(|(platform, profile)| {
            let since = self.profiles[&(platform.clone(), profile.clone())].since?;
            let labels = [
                ("account", account.to_owned()),
                ("platform", platform),
                ("profile", profile),
            ];
            let labels = labels.map(|(name, value)| (name.to_owned(), value));
            Some(((SINCE.to_owned(), labels.into()), since))
        });
        listed.collect()
    }
}
