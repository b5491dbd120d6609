//! The refresh of an account, and how its result is stored.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;

use super::good::Good;
use super::{Account, AccountSettings, Latest};
use crate::refresh::{Draft, LastGood, Outcome, Rules, Standing, Troubles};
use crate::snapshot::Snapshot;

/// Fewer profiles than these are written, or given back, before a thread could be woken for them.
const FEW: usize = 32;

fn is_small(snapshot: &Snapshot) -> bool {
    snapshot.profiles.len() < FEW
}

/// The result of a refresh without its data.
struct Ended {
    at: Instant,
    took: Duration,
    troubles: Arc<Troubles>,
}

/// Data written under outdated rules, and the current rules.
struct Outdated(Good, Arc<Rules>);

impl Account {
    pub(super) async fn refresh(&self) {
        let (settings, standing, last_good) = self.before_refresh();
        let Outcome {
            began,
            took,
            draft,
            troubles,
        } = settings.refresher.refresh(standing, last_good).await;
        let mut good = match draft {
            Some(Draft { snapshot, claim }) => {
                let (name, small) = (self.name.clone(), is_small(&snapshot));
                let rules = Arc::clone(settings.refresher.rules());
                // Data ages from the start of the request.
                written(small, move || {
                    Good::new(snapshot, Arc::new(claim), rules, name.as_deref(), began)
                })
                .await
            }
            None => None,
        };
        let ended = Ended {
            at: began + took,
            took,
            troubles: Arc::new(troubles),
        };
        while let Err(Outdated(outdated, rules)) = self.settle(good, &ended) {
            let (name, small) = (self.name.clone(), is_small(&outdated.snapshot));
            good = written(small, move || outdated.under(rules, name.as_deref())).await;
        }
    }

    fn before_refresh(&self) -> (Arc<AccountSettings>, Standing, Option<LastGood>) {
        let state = self.state.lock();
        let settings = Arc::clone(&state.settings);
        let latest = state.latest.as_ref();
        let standing = latest.map_or(Standing::Prompt, |latest| latest.troubles.standing());
        let last_good = state.good.as_ref().map(|good| LastGood {
            snapshot: Arc::clone(&good.snapshot),
            max_stale: settings.freshness.max_stale,
        });
        (settings, standing, last_good)
    }

    /// Stores the result of a refresh, unless a reload has changed the rules since.
    fn settle(&self, good: Option<Good>, ended: &Ended) -> Result<(), Outdated> {
        let mut state = self.state.lock();
        let rules = state.settings.refresher.rules();
        let good = match good {
            Some(good) if good.rules != *rules => return Err(Outdated(good, Arc::clone(rules))),
            good => good,
        };
        state.flight = None;
        state.view = None;
        state.refreshes += 1;
        state.revision += 1;
        let (ttl, troubles) = (state.settings.freshness.ttl, &ended.troubles);
        (state.pause).after(troubles.calling_for_a_pause(), ended.at, ttl);
        let snapshot = good.as_ref().map(|good| &*good.snapshot);
        (state.journal).write(self.name(), snapshot, troubles);
        state.latest = Some(Latest {
            up: good.is_some(),
            took: ended.took,
            troubles: Arc::clone(troubles),
        });
        let replaced = good.and_then(|good| state.good.replace(good));
        drop(state);
        if let Some(replaced) = replaced.filter(|good| !is_small(&good.snapshot)) {
            // Freeing thousands of profiles takes milliseconds.
            spawn_blocking(move || drop(replaced));
        }
        Ok(())
    }
}

/// Writes the text on a blocking thread, because thousands of profiles take milliseconds. A few profiles are
/// written at once, which is faster than waking a thread.
async fn written(small: bool, write: impl FnOnce() -> Good + Send + 'static) -> Option<Good> {
    match small {
        true => Some(write()),
        false => spawn_blocking(write).await.ok(),
    }
}
