//! Answers for people and for service discovery. Requests for the same answer within a second share one, one
//! answer is rendered at a time, and the bytes of all are bounded.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Weak};

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, HeaderValue, VARY};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;

use crate::account::View;
use crate::exposition::Encoding;
use crate::roster::Roster;

/// Bytes of rendered answers that may exist: those of this second, and older ones that clients still read.
const BUDGET: usize = 16 * 1024 * 1024;
/// Requests that may wait for an answer to be rendered.
const WAITING: usize = 64;
/// Different answers that are kept for the rest of a second.
const KEPT: usize = 16;

/// What is rendered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Rendering {
    /// The page, with the query string of its filter.
    Page(String),
    /// The targets of service discovery, under this scheme and address.
    Targets { scheme: String, address: String },
    /// The README.
    Documentation,
}

/// What an answer depends on: a cached answer of another basis is stale.
#[derive(Debug, Clone)]
pub(super) struct Basis {
    pub(super) second: i64,
    pub(super) roster: Weak<Roster>,
    /// What each account shows: its revision, and whether it has data.
    pub(super) shown: Vec<(u64, bool)>,
}

impl Basis {
    pub(super) fn of(second: i64, roster: &Arc<Roster>, views: &[Arc<View>]) -> Basis {
        let shown = views.iter().map(|view| &view.exposed);
        Basis {
            second,
            roster: Arc::downgrade(roster),
            shown: shown
                .map(|view| (view.revision, view.snapshot.is_some()))
                .collect(),
        }
    }
}

impl PartialEq for Basis {
    fn eq(&self, other: &Basis) -> bool {
        self.second == other.second
            && Weak::ptr_eq(&self.roster, &other.roster)
            && self.shown == other.shown
    }
}

/// The answers of this second.
#[derive(Debug)]
pub(super) struct RenderCache {
    latest: Mutex<HashMap<(Rendering, Encoding), (Basis, Bytes)>>,
    rendering: tokio::sync::Mutex<()>,
    waiting: Semaphore,
    budget: Arc<Semaphore>,
}

impl Default for RenderCache {
    fn default() -> RenderCache {
        RenderCache::new(WAITING, BUDGET)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotRendered {
    /// Too many requests wait, or too many answers have not been read yet.
    Overloaded,
    /// The code that renders failed; the panic itself is on standard error.
    Failed,
}

impl IntoResponse for NotRendered {
    fn into_response(self) -> Response {
        match self {
            NotRendered::Overloaded => {
                let text = "Too many requests for rendered answers, try again later.\n";
                (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
            }
            NotRendered::Failed => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

impl RenderCache {
    fn new(waiting: usize, budget: usize) -> RenderCache {
        RenderCache {
            latest: Mutex::default(),
            rendering: tokio::sync::Mutex::default(),
            waiting: Semaphore::new(waiting),
            budget: Arc::new(Semaphore::new(budget)),
        }
    }

    /// A permit to wait for an answer.
    ///
    /// # Errors
    /// [`NotRendered::Overloaded`] when too many wait already.
    pub(super) fn wait(&self) -> Result<SemaphorePermit<'_>, NotRendered> {
        let place = self.waiting.try_acquire();
        place.map_err(|_| NotRendered::Overloaded)
    }

    /// The answer: the cached one if its basis is the same, else a new one.
    ///
    /// # Errors
    /// [`NotRendered`].
    pub(super) async fn answer(
        &self,
        what: Rendering,
        encoding: Encoding,
        basis: Basis,
        render: impl FnOnce() -> String + Send + 'static,
    ) -> Result<Response, NotRendered> {
        let key = (what, encoding);
        let body = match self.cached(&key, &basis) {
            Some(body) => body,
            None => {
                let _one_at_a_time = self.rendering.lock().await;
                match self.cached(&key, &basis) {
                    Some(body) => body,
                    None => self.render(key, basis, render).await?,
                }
            }
        };
        Ok(response(body, encoding))
    }

    fn cached(&self, key: &(Rendering, Encoding), basis: &Basis) -> Option<Bytes> {
        let latest = self.latest.lock();
        let (rendered_from, body) = latest.get(key)?;
        (rendered_from == basis).then(|| body.clone())
    }

    async fn render(
        &self,
        key: (Rendering, Encoding),
        basis: Basis,
        render: impl FnOnce() -> String + Send + 'static,
    ) -> Result<Bytes, NotRendered> {
        let encoding = key.1;
        // It takes milliseconds, and must not hold up the scrapes.
        let bytes = spawn_blocking(move || encoded(render(), encoding)).await;
        let bytes = bytes
            .map_err(|_| NotRendered::Failed)?
            .map_err(|_| NotRendered::Failed)?;
        self.forget_others(&basis);
        let permit = self.reserve(bytes.len())?;
        let body = Bytes::from_owner(Counted {
            bytes,
            _permit: permit,
        });
        self.latest.lock().insert(key, (basis, body.clone()));
        Ok(body)
    }

    /// Drops the answers of other seconds, and all answers if there are too many.
    fn forget_others(&self, basis: &Basis) {
        let mut latest = self.latest.lock();
        latest.retain(|_, (of, _)| of.second == basis.second);
        if latest.len() >= KEPT {
            latest.clear();
        }
    }

    fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, NotRendered> {
        let bytes = u32::try_from(bytes).map_err(|_| NotRendered::Overloaded)?;
        let reserve = || Arc::clone(&self.budget).try_acquire_many_owned(bytes);
        reserve()
            .or_else(|_| {
                // Bodies that clients still read stay reserved.
                self.latest.lock().clear();
                reserve()
            })
            .map_err(|_| NotRendered::Overloaded)
    }
}

/// Bytes that count against the budget until the last reference is dropped.
struct Counted {
    bytes: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn encoded(text: String, encoding: Encoding) -> std::io::Result<Vec<u8>> {
    let mut bytes = match encoding {
        Encoding::Plain => text.into_bytes(),
        Encoding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text.as_bytes())?;
            encoder.finish()?
        }
    };
    // The budget counts the length, not the capacity.
    bytes.shrink_to_fit();
    Ok(bytes)
}

fn response(body: Bytes, encoding: Encoding) -> Response {
    let vary: [(HeaderName, HeaderValue); 1] =
        [(VARY, HeaderValue::from_static("accept-encoding"))];
    match encoding {
        Encoding::Plain => (vary, Body::from(body)).into_response(),
        Encoding::Gzip => {
            let gzip = [(CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
            (vary, gzip, Body::from(body)).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    fn basis(second: i64, revision: u64) -> Basis {
        Basis {
            second,
            roster: Weak::new(),
            shown: vec![(revision, true)],
        }
    }

    fn targets(address: &str) -> Rendering {
        Rendering::Targets {
            scheme: "http".to_owned(),
            address: address.to_owned(),
        }
    }

    /// Asks for an answer of ten bytes.
    async fn ask(cache: &RenderCache, what: Rendering, basis: Basis) -> Result<Bytes, NotRendered> {
        let render = || "0123456789".to_owned();
        let answer = cache.answer(what, Encoding::Plain, basis, render).await?;
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        Ok(body.expect("a body"))
    }

    #[tokio::test]
    async fn an_answer_is_rendered_once_for_all_who_ask_for_the_same() {
        let cache = RenderCache::default();
        let rendered = AtomicUsize::new(0);
        let rendered = Arc::new(rendered);
        let ask = |what: Rendering, encoding, basis| {
            let rendered = Arc::clone(&rendered);
            let render = move || {
                rendered.fetch_add(1, Ordering::Relaxed);
                String::new()
            };
            cache.answer(what, encoding, basis, render)
        };
        let same = || ask(targets("a"), Encoding::Plain, basis(1, 1));
        join_all((0..100).map(|_| same())).await;
        assert_eq!(rendered.load(Ordering::Relaxed), 1);
        for (what, encoding, basis) in [
            (targets("b"), Encoding::Plain, basis(1, 1)),
            (Rendering::Documentation, Encoding::Plain, basis(1, 1)),
            (targets("a"), Encoding::Gzip, basis(1, 1)),
            (targets("a"), Encoding::Plain, basis(1, 2)),
            (targets("a"), Encoding::Plain, basis(2, 2)),
        ] {
            let before = rendered.load(Ordering::Relaxed);
            assert!(ask(what, encoding, basis).await.is_ok());
            assert_eq!(rendered.load(Ordering::Relaxed), before + 1);
        }
    }

    #[tokio::test]
    async fn answers_that_nobody_reads_do_not_pass_the_budget() {
        let cache = RenderCache::new(1, 35);
        let unread: Vec<Bytes> = [
            ask(&cache, targets("a"), basis(1, 1)).await,
            ask(&cache, targets("b"), basis(1, 1)).await,
            ask(&cache, targets("c"), basis(1, 1)).await,
        ]
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("room");
        let more = ask(&cache, targets("d"), basis(1, 1)).await;
        assert_eq!(more, Err(NotRendered::Overloaded));
        drop(unread);
        // Answers that nobody reads any more free their bytes.
        for second in 2..100 {
            assert!(ask(&cache, targets("d"), basis(second, 1)).await.is_ok());
        }
    }

    #[tokio::test]
    async fn no_more_wait_than_may() {
        let cache = RenderCache::new(1, 100);
        let waiting = cache.wait().expect("a place");
        assert_eq!(cache.wait().err(), Some(NotRendered::Overloaded));
        drop(waiting);
        assert!(cache.wait().is_ok());
    }
}
