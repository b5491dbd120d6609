//! Caches of responses, which scrapes in the same second share.

use exporter_toolkit::content_encoding::Encoding;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::account_view::AccountView;
use super::response::{Response, ResponseBody};
use exporter_toolkit::shared_text::SharedTexts;

/// The latest response, which serves every scrape of the same second. Values have a resolution of one second,
/// except the exporter's own counters, which may lag by less than that.
#[derive(Debug, Default)]
pub struct ResponseCache {
    latest: Mutex<Option<CachedResponse>>,
}

#[derive(Debug)]
struct CachedResponse {
    /// Unix time.
    second: i64,
    views: Vec<ViewKey>,
    response: Response,
}

impl CachedResponse {
    /// Whether the response shows the same accounts in the same second, though perhaps other revisions.
    fn shows_accounts(&self, accounts: &[&AccountView], second: i64) -> bool {
        self.second == second && self.views.len() == accounts.len()
    }

    fn is_current(&self, accounts: &[&AccountView]) -> bool {
        let mut pairs = self.views.iter().zip(accounts);
        pairs.all(|(key, view)| *key == ViewKey::new(view))
    }
}

/// Identifies what a view shows of its account.
#[derive(Debug, PartialEq, Eq)]
struct ViewKey {
    revision: u64,
    has_snapshot: bool,
}

impl ViewKey {
    fn new(view: &AccountView) -> ViewKey {
        ViewKey {
            revision: view.revision,
            has_snapshot: view.snapshot.is_some(),
        }
    }
}

impl ResponseCache {
    /// Returns the families of all accounts at `now`, followed by the exporter's own metrics.
    ///
    /// # Errors
    /// The error of `exporter_metrics`, which is called only if no cached response can be used.
    pub fn expose<E>(
        &self,
        accounts: &[&AccountView],
        now: DateTime<Utc>,
        exporter_metrics: impl FnOnce() -> Result<Bytes, E>,
        encoding: Encoding,
        texts: &SharedTexts,
    ) -> Result<ResponseBody, E> {
        // Held while rendering: concurrent scrapes want the same response.
        let mut latest = self.latest.lock();
        if let Some(cached) = latest.as_mut()
            && cached.shows_accounts(accounts, now.timestamp())
            && (cached.is_current(accounts) || texts.exceed_soft_limit())
        {
            return Ok(cached.response.body(encoding, texts));
        }
        let cached = latest.insert(CachedResponse {
            second: now.timestamp(),
            views: accounts.iter().map(|view| ViewKey::new(view)).collect(),
            response: Response::render(accounts, now, &exporter_metrics()?, texts),
        });
        Ok(cached.response.body(encoding, texts))
    }
}

/// The responses for single accounts. Responses of an earlier second are dropped, because a scrape is rarely
/// repeated within a second, and the responses of all accounts would stay in memory.
#[derive(Debug, Default)]
pub struct AccountResponses {
    latest: Mutex<AccountResponsesOfSecond>,
}

#[derive(Debug, Default)]
struct AccountResponsesOfSecond {
    /// Unix time.
    second: i64,
    /// By account name; the default account has the empty name.
    caches: HashMap<String, Arc<ResponseCache>>,
}

impl AccountResponses {
    /// Returns the families of one account at `now`.
    pub fn expose(
        &self,
        account: &AccountView,
        now: DateTime<Utc>,
        encoding: Encoding,
        texts: &SharedTexts,
    ) -> ResponseBody {
        let name = account.account.as_deref().unwrap_or_default();
        let cache = self.cache(name, now.timestamp());
        let no_exporter_metrics = || Ok::<_, Infallible>(Bytes::new());
        let Ok(body) = cache.expose(&[account], now, no_exporter_metrics, encoding, texts);
        body
    }

    fn cache(&self, account: &str, second: i64) -> Arc<ResponseCache> {
        let mut latest = self.latest.lock();
        let outdated = match latest.second == second {
            true => None,
            false => {
                latest.second = second;
                Some(std::mem::take(&mut latest.caches))
            }
        };
        let cache = Arc::clone(latest.caches.entry(account.to_owned()).or_default());
        drop(latest);
        // Outside the lock, because freeing large texts takes time.
        drop(outdated);
        cache
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_data_of_the_same_second_waits_only_above_the_soft_limit() {
        let (cache, texts) = (ResponseCache::default(), SharedTexts::default());
        let expose = |up, second| {
            let view = AccountView {
                account: None,
                revision: up,
                up: Some(up == 1),
                read_at: None,
                refresh_took: None,
                snapshot: None,
            };
            let now = DateTime::from_timestamp(second, 0).expect("a moment");
            let no_exporter_metrics = || Ok::<_, Infallible>(Bytes::new());
            let encoding = Encoding::Plain;
            let Ok(body) = cache.expose(&[&view], now, no_exporter_metrics, encoding, &texts);
            String::from_utf8_lossy(&body.chunks().concat()).contains("qlara_up 1")
        };
        assert!(!expose(0, 1));
        assert!(expose(1, 1));
        let unread = texts.add(vec![0; 20 * 1024 * 1024]).bytes();
        assert!(expose(0, 1));
        assert!(!expose(0, 2));
        drop(unread);
        assert!(expose(1, 2));
    }
}
