//! The cache of rendered answers: the page, the records of the API, the targets of service discovery and the
//! documentation. Requests within the same second share an answer, and one answer is rendered at a time.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Weak};

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, ETAG, HeaderValue, VARY};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;

use super::api::Listing;
use crate::account::Accounts;
use crate::account::View;
use exporter_toolkit::content_encoding::Encoding;
use exporter_toolkit::shared_text::{SharedText, SharedTexts};

/// Maximum number of requests that wait for rendered answers.
const MAX_WAITING: usize = 64;
/// Maximum number of answers in the cache.
const MAX_CACHED: usize = 4;

/// What an answer contains. It is the key of the cache, with the content coding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Resource {
    /// The page with this query string.
    Page(String),
    /// The page of a profile with this query string.
    Profile(String),
    /// A record, filtered and written as this query states.
    Record(Listing, String),
    /// The calendar, filtered by this query string.
    Calendar(String),
    /// The targets of service discovery, with this scheme and address.
    Targets { scheme: String, address: String },
    /// The README.
    Documentation,
}

/// The version of the data that an answer shows. A cached answer of another version is stale.
#[derive(Debug, Clone)]
pub(super) struct DataVersion {
    second: i64,
    accounts: Weak<Accounts>,
    /// For each account, its revision and whether it has data.
    revisions: Vec<(u64, bool)>,
}

impl DataVersion {
    /// The version at this Unix time of the views of these accounts.
    pub(super) fn new(second: i64, accounts: &Arc<Accounts>, views: &[Arc<View>]) -> DataVersion {
        let exposed = views.iter().map(|view| &view.exposed);
        DataVersion {
            second,
            accounts: Arc::downgrade(accounts),
            revisions: exposed
                .map(|view| (view.revision, view.snapshot.is_some()))
                .collect(),
        }
    }

    fn is_of_same_second(&self, other: &DataVersion) -> bool {
        self.second == other.second && Weak::ptr_eq(&self.accounts, &other.accounts)
    }
}

impl PartialEq for DataVersion {
    fn eq(&self, other: &DataVersion) -> bool {
        self.is_of_same_second(other) && self.revisions == other.revisions
    }
}

/// Answers rendered in the current second.
#[derive(Debug)]
pub(super) struct RenderCache {
    latest: Mutex<HashMap<(Resource, Encoding), CachedAnswer>>,
    rendering: tokio::sync::Mutex<()>,
    waiting: Semaphore,
    texts: SharedTexts,
}

/// An answer before compression.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) text: Vec<u8>,
    /// The entity tag.
    pub(super) tag: Option<String>,
}

#[derive(Debug)]
struct CachedAnswer {
    version: DataVersion,
    text: SharedText,
    tag: Option<HeaderValue>,
}

/// There is no rendered answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RenderError {
    /// Too many requests are waiting.
    Overloaded,
    /// Rendering panicked, which standard error shows, or compression failed.
    Failed,
}

impl IntoResponse for RenderError {
    fn into_response(self) -> Response {
        match self {
            RenderError::Overloaded => {
                let text = "Too many requests for rendered answers, try again later.\n";
                (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
            }
            RenderError::Failed => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

impl RenderCache {
    /// An empty cache. `texts` accounts for the memory of its answers.
    pub(super) fn new(texts: SharedTexts) -> RenderCache {
        RenderCache {
            latest: Mutex::default(),
            rendering: tokio::sync::Mutex::default(),
            waiting: Semaphore::new(MAX_WAITING),
            texts,
        }
    }

    /// A permit to wait for an answer.
    ///
    /// # Errors
    /// [`RenderError::Overloaded`] if too many requests wait already.
    pub(super) fn wait(&self) -> Result<SemaphorePermit<'_>, RenderError> {
        let permit = self.waiting.try_acquire();
        permit.map_err(|_| RenderError::Overloaded)
    }

    /// The cached answer if it has this version, else a new one.
    ///
    /// # Errors
    /// [`RenderError::Failed`] if the answer cannot be rendered.
    pub(super) async fn answer(
        &self,
        resource: Resource,
        encoding: Encoding,
        version: DataVersion,
        render: impl FnOnce() -> String + Send + 'static,
    ) -> Result<Response, RenderError> {
        let render = move || {
            Ok(Rendered {
                text: render().into_bytes(),
                tag: None,
            })
        };
        self.tagged_answer(resource, encoding, version, render)
            .await
    }

    /// Like [`RenderCache::answer`], with the entity tag of the text.
    ///
    /// # Errors
    /// [`RenderError::Failed`] if the answer cannot be rendered.
    pub(super) async fn tagged_answer(
        &self,
        resource: Resource,
        encoding: Encoding,
        version: DataVersion,
        render: impl FnOnce() -> io::Result<Rendered> + Send + 'static,
    ) -> Result<Response, RenderError> {
        let key = (resource, encoding);
        if let Some(answer) = self.cached(&key, &version) {
            return Ok(answer);
        }
        let _one_at_a_time = self.rendering.lock().await;
        match self.cached(&key, &version) {
            Some(answer) => Ok(answer),
            None => self.render(key, version, render).await,
        }
    }

    fn cached(&self, key: &(Resource, Encoding), version: &DataVersion) -> Option<Response> {
        let latest = self.latest.lock();
        let cached = latest.get(key)?;
        // If memory is short, an older answer of the same second is good enough.
        let is_usable = cached.version == *version
            || (cached.version.is_of_same_second(version) && self.texts.exceed_soft_limit());
        is_usable.then(|| cached.response(key.1))
    }

    async fn render(
        &self,
        key: (Resource, Encoding),
        version: DataVersion,
        render: impl FnOnce() -> io::Result<Rendered> + Send + 'static,
    ) -> Result<Response, RenderError> {
        let encoding = key.1;
        // Rendering takes milliseconds, which would delay scrapes on the async threads.
        let rendered = spawn_blocking(move || {
            let Rendered { text, tag } = render()?;
            Ok::<_, io::Error>((encoded(text, encoding)?, tag))
        });
        let (bytes, tag) = rendered
            .await
            .map_err(|_| RenderError::Failed)?
            .map_err(|_| RenderError::Failed)?;
        self.drop_outdated(&version);
        let answer = CachedAnswer {
            version,
            text: self.texts.add(bytes),
            tag: tag.and_then(|tag| tag.parse().ok()),
        };
        let response = answer.response(encoding);
        self.latest.lock().insert(key, answer);
        Ok(response)
    }

    /// Drops the answers of other seconds, and all answers if the cache is full.
    fn drop_outdated(&self, version: &DataVersion) {
        let mut latest = self.latest.lock();
        latest.retain(|_, cached| cached.version.second == version.second);
        if latest.len() >= MAX_CACHED {
            latest.clear();
        }
    }
}

fn encoded(text: Vec<u8>, encoding: Encoding) -> io::Result<Vec<u8>> {
    let mut bytes = match encoding {
        Encoding::Plain => text,
        Encoding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&text)?;
            encoder.finish()?
        }
    };
    // `SharedTexts` counts the length, so the capacity must not be larger.
    bytes.shrink_to_fit();
    Ok(bytes)
}

impl CachedAnswer {
    fn response(&self, encoding: Encoding) -> Response {
        let mut response = Body::from(self.text.bytes()).into_response();
        let headers = response.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if encoding == Encoding::Gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some(tag) = &self.tag {
            headers.insert(ETAG, tag.clone());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    fn version(second: i64, revision: u64) -> DataVersion {
        DataVersion {
            second,
            accounts: Weak::new(),
            revisions: vec![(revision, true)],
        }
    }

    fn targets(address: &str) -> Resource {
        Resource::Targets {
            scheme: "http".to_owned(),
            address: address.to_owned(),
        }
    }

    #[tokio::test]
    async fn identical_requests_share_a_response() {
        let cache = RenderCache::new(SharedTexts::default());
        let rendered = Arc::new(AtomicUsize::new(0));
        let ask = |resource: Resource, encoding, version| {
            let rendered = Arc::clone(&rendered);
            let render = move || {
                rendered.fetch_add(1, Ordering::Relaxed);
                String::new()
            };
            cache.answer(resource, encoding, version, render)
        };
        let same = || ask(targets("a"), Encoding::Plain, version(1, 1));
        join_all((0..100).map(|_| same())).await;
        assert_eq!(rendered.load(Ordering::Relaxed), 1);
        for (resource, encoding, version) in [
            (targets("b"), Encoding::Plain, version(1, 1)),
            (Resource::Documentation, Encoding::Plain, version(1, 1)),
            (targets("a"), Encoding::Gzip, version(1, 1)),
            (targets("a"), Encoding::Plain, version(1, 2)),
            (targets("a"), Encoding::Plain, version(2, 2)),
        ] {
            let before = rendered.load(Ordering::Relaxed);
            assert!(ask(resource, encoding, version).await.is_ok());
            assert_eq!(rendered.load(Ordering::Relaxed), before + 1);
        }
    }

    #[tokio::test]
    async fn number_of_waiting_requests_is_limited() {
        let cache = RenderCache::new(SharedTexts::default());
        let waiting: Result<Vec<_>, _> = (0..MAX_WAITING).map(|_| cache.wait()).collect();
        assert!(waiting.is_ok());
        assert_eq!(cache.wait().err(), Some(RenderError::Overloaded));
        drop(waiting);
        assert!(cache.wait().is_ok());
    }
}
