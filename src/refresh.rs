//! One refresh: the list, then the details of each platform in it, within one budget.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::gateway::client::{Client, Exchange};
use crate::gateway::credentials::SecretError;
use crate::gateway::error::GatewayError;
use crate::gateway::model::{self, DetailsList, ListedProfile, ProfileDetails, ProfileList};
use crate::snapshot::{Details, Dropped, ExpectedProfile, Profile, Snapshot};
use crate::telemetry::account::{AccountMetrics, Endpoint};

/// Details calls of one refresh that are under way at once: the smallest documented burst of an API
/// key is 10 requests per second, and others use the key too.
const DETAILS_AT_ONCE: usize = 4;

/// Platforms whose details are asked for. The gateway documents three; a list that names hundreds
/// must not turn into hundreds of calls.
const MAX_PLATFORMS: usize = 32;

/// What becomes of a profile's phone number, which is personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PhoneNumber {
    /// It is not kept.
    #[default]
    Omit,
    /// All digits but the last two are hidden.
    Mask,
    /// It is shown.
    Show,
}

/// How a refresh turns answers into a snapshot.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Required permissions per platform.
    pub required_permissions: BTreeMap<String, Vec<String>>,
    /// Profiles that should be listed: platform and id.
    pub expected: Vec<(String, String)>,
    /// What becomes of phone numbers.
    pub phone_number: PhoneNumber,
    /// How many profiles are kept.
    pub max_profiles: usize,
}

/// Makes snapshots of one account.
#[derive(Debug)]
pub struct Refresher {
    client: Client,
    rules: Rules,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    metrics: AccountMetrics,
}

/// What came of one refresh.
#[derive(Debug)]
pub struct Outcome {
    /// The snapshot, where the list could be read.
    pub snapshot: Option<Snapshot>,
    /// What did not work.
    pub troubles: Troubles,
}

/// What did not work in one refresh.
#[derive(Debug, Default)]
pub struct Troubles {
    /// Why there is no snapshot.
    pub list: Option<GatewayError>,
    /// Details calls that failed, by platform.
    pub details: BTreeMap<String, GatewayError>,
    /// The secret's file could not be read again.
    pub secret: Option<SecretError>,
    /// Status words that the API's documentation does not name.
    pub unknown_statuses: BTreeSet<String>,
}

impl Troubles {
    /// The gateway calls that failed.
    pub fn failures(&self) -> impl Iterator<Item = &GatewayError> {
        self.list.iter().chain(self.details.values())
    }
}

impl Refresher {
    /// `timeout` is the budget of a whole refresh.
    pub fn new(
        client: Client,
        rules: Rules,
        timeout: Duration,
        clock: Arc<dyn Clock>,
        metrics: AccountMetrics,
    ) -> Refresher {
        Refresher {
            client,
            rules,
            timeout,
            clock,
            metrics,
        }
    }

    /// Asks the gateway: 1 + (number of platforms in the list) requests, ended by the budget.
    pub async fn refresh(&self) -> Outcome {
        let deadline = Instant::now() + self.timeout;
        let mut troubles = Troubles::default();
        let list = self.list(deadline, &mut troubles).await;
        let read_at = self.clock.now();
        let mut list = match list {
            Ok(list) => list,
            Err(error) => {
                troubles.list = Some(error);
                return Outcome {
                    snapshot: None,
                    troubles,
                };
            }
        };
        let mut oddities = std::mem::take(&mut list.oddities);
        let mut snapshot = self.snapshot(list, read_at);
        for (platform, details) in self.details(&snapshot, deadline).await {
            snapshot
                .details_up
                .insert(platform.clone(), details.is_ok());
            match details {
                Ok(details) => {
                    oddities.merge(details.oddities);
                    self.add_details(&mut snapshot, &platform, details.profiles);
                }
                Err(error) => {
                    troubles.details.insert(platform, error);
                }
            }
        }
        self.metrics.count_invalid_fields(&oddities.invalid_fields);
        troubles.unknown_statuses = oddities.unknown_statuses;
        Outcome {
            snapshot: Some(snapshot),
            troubles,
        }
    }

    async fn list(
        &self,
        deadline: Instant,
        troubles: &mut Troubles,
    ) -> Result<ProfileList, GatewayError> {
        let started = Instant::now();
        let exchange = self.client.socials(deadline).await;
        self.metrics.set_quota(exchange.quota);
        troubles.secret = exchange.secret.err();
        // For the list a 404 is no answer: the prefix is wrong.
        let body = exchange
            .result
            .and_then(|body| body.ok_or(GatewayError::ClientError(404)));
        let list = parsed(body, model::read_list).await;
        self.metrics
            .count_request(Endpoint::Socials, started.elapsed(), list.as_ref().err());
        list
    }

    async fn details(
        &self,
        snapshot: &Snapshot,
        deadline: Instant,
    ) -> Vec<(String, Result<DetailsList, GatewayError>)> {
        let platforms: Vec<String> = snapshot
            .details_up
            .keys()
            .take(MAX_PLATFORMS)
            .cloned()
            .collect();
        let refused = &OnceLock::new();
        stream::iter(platforms)
            .map(|platform| async move {
                let details = match refused.get() {
                    // After a 429 nothing more is sent.
                    Some(error) => Err(GatewayError::clone(error)),
                    None => self.platform_details(&platform, deadline).await,
                };
                if let Err(error @ GatewayError::RateLimited { .. }) = &details {
                    // Whoever was refused first has said it already.
                    let _ = refused.set(error.clone());
                }
                (platform, details)
            })
            .buffer_unordered(DETAILS_AT_ONCE)
            .collect()
            .await
    }

    async fn platform_details(
        &self,
        platform: &str,
        deadline: Instant,
    ) -> Result<DetailsList, GatewayError> {
        let started = Instant::now();
        let Exchange { result, quota, .. } = self.client.platform(platform, deadline).await;
        self.metrics.set_quota(quota);
        let details = match result {
            // The platform has no connected profiles: an answer, not a failure.
            Ok(None) => Ok(DetailsList::default()),
            Ok(Some(body)) => parsed(Ok(body), model::read_details).await,
            Err(error) => Err(error),
        };
        self.metrics.count_request(
            Endpoint::Platform,
            started.elapsed(),
            details.as_ref().err(),
        );
        details
    }

    fn snapshot(&self, list: ProfileList, read_at: DateTime<Utc>) -> Snapshot {
        let mut dropped = Dropped {
            invalid: list.invalid_entries,
            ..Dropped::default()
        };
        let mut seen = HashSet::new();
        let mut profiles = Vec::new();
        for listed in list.profiles {
            if !seen.insert((listed.platform.clone(), listed.id.clone())) {
                dropped.duplicate += 1;
            } else if profiles.len() == self.rules.max_profiles {
                dropped.limit += 1;
            } else {
                profiles.push(self.profile(listed));
            }
        }
        let expected = self.rules.expected.iter().map(|expected| ExpectedProfile {
            platform: expected.0.clone(),
            id: expected.1.clone(),
            present: seen.contains(expected),
        });
        Snapshot {
            read_at,
            // Until its details call is answered, a platform counts as not answered.
            details_up: profiles
                .iter()
                .map(|profile| (profile.platform.clone(), false))
                .collect(),
            reported: list.total,
            dropped,
            expected: expected.collect(),
            profiles,
        }
    }

    fn profile(&self, listed: ListedProfile) -> Profile {
        let phone_number = listed
            .phone_number
            .and_then(|number| match self.rules.phone_number {
                PhoneNumber::Omit => None,
                PhoneNumber::Mask => Some(masked(&number)),
                PhoneNumber::Show => Some(number),
            });
        Profile {
            platform: listed.platform,
            id: listed.id,
            name: listed.name,
            status: listed.status,
            token_expires_at: listed.token_expires_at,
            connected_at: listed.connected_at,
            phone_number,
            details: Details::default(),
        }
    }

    fn add_details(&self, snapshot: &mut Snapshot, platform: &str, details: Vec<ProfileDetails>) {
        let mut by_id = HashMap::new();
        for details in details {
            by_id.entry(details.id.clone()).or_insert(details);
        }
        let of_platform = snapshot
            .profiles
            .iter_mut()
            .filter(|profile| profile.platform == platform);
        for profile in of_platform {
            if let Some(details) = by_id.remove(&profile.id) {
                profile.details = Details {
                    page_id: details.page_id,
                    category: details.category,
                    permissions: self.permissions(platform, details.permissions),
                    last_activity_at: details.last_activity_at,
                };
            }
        }
    }

    fn permissions(
        &self,
        platform: &str,
        granted: Option<BTreeSet<String>>,
    ) -> BTreeMap<String, bool> {
        let Some(granted) = granted else {
            return BTreeMap::new();
        };
        let required = self
            .rules
            .required_permissions
            .get(platform)
            .into_iter()
            .flatten();
        let mut permissions: BTreeMap<String, bool> = required
            .map(|permission| (permission.clone(), false))
            .collect();
        permissions.extend(granted.into_iter().map(|permission| (permission, true)));
        permissions
    }
}

/// Reading thousands of profiles takes milliseconds: it must not hold up the scrapes of others.
async fn parsed<T: Send + 'static>(
    body: Result<Vec<u8>, GatewayError>,
    read: fn(&[u8]) -> Result<T, GatewayError>,
) -> Result<T, GatewayError> {
    let body = body?;
    spawn_blocking(move || read(&body))
        .await
        .unwrap_or_else(|_| {
            Err(GatewayError::InvalidResponse(
                "reading it failed".to_owned(),
            ))
        })
}

fn masked(number: &str) -> String {
    let shown_from = number.chars().count().saturating_sub(2);
    number
        .chars()
        .enumerate()
        .map(|(position, char)| {
            if position < shown_from && char.is_ascii_digit() {
                '*'
            } else {
                char
            }
        })
        .collect()
}
