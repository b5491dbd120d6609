//! Caches of responses, which scrapes in the same second share.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::Representation;
use super::account_view::AccountView;
use super::response::{Response, ResponseBody};
use super::samples::Samples;
use exporter_toolkit::metrics_format::Format;
use exporter_toolkit::shared_text::SharedTexts;

/// The latest responses, which serve every scrape of the same second. Values have a resolution of one second,
/// except the exporter's own counters, which may lag by less than that.
#[derive(Debug, Default)]
pub struct ResponseCache {
    latest: Mutex<Option<CachedResponses>>,
}

/// The responses of one second that show the same data.
#[derive(Debug)]
struct CachedResponses {
    /// Unix time.
    second: i64,
    views: Vec<ViewKey>,
    samples: Samples,
    /// Rendered when a scrape first asks for the format.
    responses: HashMap<Format, Response>,
}

impl CachedResponses {
    fn new(accounts: &[&AccountView], now: DateTime<Utc>, texts: &SharedTexts) -> CachedResponses {
        CachedResponses {
            second: now.timestamp(),
            views: accounts.iter().map(|view| ViewKey::new(view)).collect(),
            samples: Samples::render(accounts, now, texts),
            responses: HashMap::new(),
        }
    }

    fn body<E>(
        &mut self,
        exporter_metrics: impl FnOnce() -> Result<Bytes, E>,
        representation: Representation,
        texts: &SharedTexts,
    ) -> Result<ResponseBody, E> {
        let Representation { format, encoding } = representation;
        let response = match self.responses.entry(format) {
            Entry::Occupied(rendered) => rendered.into_mut(),
            Entry::Vacant(vacant) => {
                let exporter_metrics = exporter_metrics()?;
                vacant.insert(Response::new(
                    &self.samples,
                    format,
                    &exporter_metrics,
                    texts,
                ))
            }
        };
        Ok(response.body(encoding, texts))
    }

    /// Whether the responses show the same accounts in the same second, though perhaps other revisions.
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
    /// Returns the families of all accounts at `now`, followed by the exporter's own metrics in the same format.
    ///
    /// # Errors
    /// The error of `exporter_metrics`, which is called only if no cached response can be used.
    pub fn expose<E>(
        &self,
        accounts: &[&AccountView],
        now: DateTime<Utc>,
        exporter_metrics: impl FnOnce() -> Result<Bytes, E>,
        representation: Representation,
        texts: &SharedTexts,
    ) -> Result<ResponseBody, E> {
        // Held while rendering: concurrent scrapes want the same response.
        let mut latest = self.latest.lock();
        if let Some(cached) = latest.as_mut()
            && cached.shows_accounts(accounts, now.timestamp())
            && (cached.is_current(accounts) || texts.exceed_soft_limit())
        {
            return cached.body(exporter_metrics, representation, texts);
        }
        let cached = latest.insert(CachedResponses::new(accounts, now, texts));
        cached.body(exporter_metrics, representation, texts)
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
        representation: Representation,
        texts: &SharedTexts,
    ) -> ResponseBody {
        let name = account.account.as_deref().unwrap_or_default();
        let cache = self.cache(name, now.timestamp());
        let no_exporter_metrics = || Ok::<_, Infallible>(Bytes::new());
        let Ok(body) = cache.expose(&[account], now, no_exporter_metrics, representation, texts);
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
    use exporter_toolkit::content_encoding::Encoding;

    use super::super::account_view::{Block, Countdown, SnapshotText};
    use super::super::families::FAMILIES;
    use super::*;

    #[test]
    fn formats_share_large_texts() {
        let (cache, texts) = (ResponseCache::default(), SharedTexts::default());
        const LARGE: usize = 20_000;
        let snapshot = SnapshotText {
            blocks: FAMILIES
                .iter()
                .map(|_| Block::new(&[b'\n'; LARGE], &texts))
                .collect(),
            countdown: Countdown::default(),
        };
        let view = AccountView {
            account: None,
            revision: 1,
            up: None,
            read_at: None,
            refresh_took: None,
            snapshot: Some(Arc::new(snapshot)),
        };
        let chunks = |format| {
            let no_exporter_metrics = || Ok::<_, Infallible>(Bytes::new());
            let encoding = Encoding::Plain;
            let form = Representation { format, encoding };
            let now = DateTime::UNIX_EPOCH;
            let Ok(body) = cache.expose(&[&view], now, no_exporter_metrics, form, &texts);
            let large = |chunk: &&Bytes| chunk.len() >= LARGE;
            let chunks = body.chunks().iter().filter(large);
            chunks.map(|chunk| chunk.as_ptr()).collect::<Vec<_>>()
        };
        let shared = chunks(Format::Text);
        assert_eq!(chunks(Format::OpenMetrics), shared);
        assert!(shared.len() > FAMILIES.len() / 2, "{shared:?}");
    }

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
            let form = Representation::PLAIN_TEXT;
            let Ok(body) = cache.expose(&[&view], now, no_exporter_metrics, form, &texts);
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
