//! The profiles that are connected to the simulated gateway.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;

use super::calendar::{Calendar, Day};
use super::clock::Clock;
use super::options::Options;
use super::profile::{DOCUMENTED, Description, Object, Profile};

/// All profiles and the simulated time.
#[derive(Debug)]
pub(super) struct World {
    calendar: Calendar,
    description: &'static dyn Description,
    profiles: Vec<Profile>,
    replaced: Mutex<Option<Connected>>,
}

/// The profiles at one time, or the profiles with which the control endpoint replaces the built-in ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Connected {
    /// Profiles with the fields of list and details together.
    pub profiles: Vec<Value>,
    /// Replaces the number of profiles, if given.
    pub total: Option<Value>,
    /// Additional keys in the envelope of the list.
    pub further: Object,
}

impl World {
    pub(super) fn new(options: &Options, clock: Arc<dyn Clock>) -> World {
        let description = options.schema.description();
        let brandco = description.brandco(options.seed).into_iter();
        let invented = (DOCUMENTED..).map(|number| description.invented(number, options.seed));
        World {
            calendar: Calendar::new(options.speed, clock),
            description,
            profiles: brandco.chain(invented).take(options.profiles).collect(),
            replaced: Mutex::default(),
        }
    }

    pub(super) fn description(&self) -> &'static dyn Description {
        self.description
    }

    /// The current profiles.
    pub(super) fn connected(&self) -> Connected {
        if let Some(replaced) = self.replaced.lock().clone() {
            return replaced;
        }
        let today = self.calendar.today();
        let profiles = self.profiles.iter();
        Connected {
            profiles: profiles
                .map(|profile| Value::Object(self.fields(profile, today)))
                .collect(),
            ..Connected::default()
        }
    }

    /// Replaces the profiles; `None` restores the built-in ones.
    pub(super) fn replace(&self, replacement: Option<Connected>) {
        *self.replaced.lock() = replacement;
    }

    fn fields(&self, profile: &Profile, today: Day) -> Object {
        let mut fields = profile.fields.clone();
        fields.extend(match &profile.documented {
            Some(documented) if self.calendar.stands_still() => documented.clone(),
            _ => {
                let snapshot = profile.life.at(today);
                self.description.fields_at(today, snapshot, &self.calendar)
            }
        });
        fields
    }
}
