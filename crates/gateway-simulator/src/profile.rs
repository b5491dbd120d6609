//! The simulated profiles, and what a description of the API has to define about them.

use std::fmt::Debug;

use serde_json::{Map, Value};

use super::calendar::{Calendar, Day};
use super::life::{Life, Snapshot};

/// The number of profiles in the documented answers.
pub(super) const DOCUMENTED: usize = 3;

pub(super) type Object = Map<String, Value>;

/// A connected profile.
#[derive(Debug)]
pub(super) struct Profile {
    /// The constant fields of list and details together.
    pub fields: Object,
    pub life: Life,
    /// The documented values of the other fields, on the documented day.
    pub documented: Option<Object>,
}

/// The fields and words of one schema.
pub(super) trait Description: Debug + Sync {
    /// The three documented profiles, which come first.
    fn brandco(&self, seed: u64) -> Vec<Profile>;

    /// Generates the profile with this number.
    fn invented(&self, number: usize, seed: u64) -> Profile;

    /// The fields that change with time.
    fn fields_at(&self, today: Day, snapshot: Snapshot, calendar: &Calendar) -> Object;

    /// The fields that the list shows.
    fn list_entry(&self, fields: Object) -> Object;

    /// The fields that the details show.
    fn details_entry(&self, fields: Object) -> Object;
}

pub(super) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}
