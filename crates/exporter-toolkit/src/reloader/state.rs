//! The last good value and the state of its files.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use parking_lot::Mutex;

use super::fingerprint::Fingerprint;
use super::loader::{Event, Loader, ReloadError};

/// Time that files must stay unchanged before they are used, because a program that writes a file in place empties it
/// first.
const SETTLE_TIME: Duration = Duration::from_millis(50);
/// Maximum number of loads while the files keep changing. They fit into the default timeout.
const MAX_ATTEMPTS: u32 = 10;

/// The loader and its last good value.
pub(super) struct Shared<L: Loader> {
    pub(super) loader: L,
    state: Mutex<State<L>>,
}

pub(super) type SharedError<L> = Arc<ReloadError<<L as Loader>::Error>>;

struct State<L: Loader> {
    value: Arc<L::Value>,
    /// The files of `value`.
    good: Fingerprint,
    /// The files of the latest load, and its error.
    latest: Arc<Fingerprint>,
    latest_error: Option<SharedError<L>>,
    /// Why the files are not in use: `latest_error`, or an error of the reloader itself.
    error: Option<SharedError<L>>,
    is_running: bool,
    /// Whether the timeout of a caller has expired during the running check or load.
    is_overdue: bool,
}

impl<L: Loader> Shared<L> {
    /// Loads the first value.
    pub(super) fn new(loader: L) -> Result<Shared<L>, L::Error> {
        let mut files = Fingerprint::default();
        let value = loader.load(&mut files, None)?;
        let state = State {
            value: Arc::new(value),
            good: files.clone(),
            latest: Arc::new(files),
            latest_error: None,
            error: None,
            is_running: false,
            is_overdue: false,
        };
        Ok(Shared {
            loader,
            state: Mutex::new(state),
        })
    }

    pub(super) fn value(&self) -> Arc<L::Value> {
        Arc::clone(&self.state.lock().value)
    }

    pub(super) fn error(&self) -> Option<SharedError<L>> {
        self.state.lock().error.clone()
    }

    /// Whether there are files to check, and no check of them is overdue.
    pub(super) fn can_check(&self) -> bool {
        let state = self.state.lock();
        !state.latest.is_empty() && !state.is_overdue
    }

    /// Marks the start of a check or load; [`Shared::run`] marks its end.
    pub(super) fn start(&self) {
        self.state.lock().is_running = true;
    }

    pub(super) fn run(&self, work: fn(&Shared<L>)) {
        let _running = Running(self);
        work(self);
    }

    /// Loads the value if a file has changed.
    pub(super) fn check(&self) {
        let (latest, latest_error) = {
            let state = self.state.lock();
            (Arc::clone(&state.latest), state.latest_error.clone())
        };
        match latest.is_current() {
            true => self.report(latest_error, false),
            false => self.load(false),
        }
    }

    /// Loads the value on request.
    pub(super) fn reload(&self) {
        self.loader.on_event(Event::Started);
        let _ended = Ended(&self.loader);
        self.load(true);
    }

    /// Loads until the files stay unchanged. Without a request, files with unchanged content do not replace the value.
    fn load(&self, is_requested: bool) {
        let last_good = self.value();
        for _ in 0..MAX_ATTEMPTS {
            let mut files = Fingerprint::default();
            let loaded = self.loader.load(&mut files, Some(&last_good));
            if !files.is_empty() {
                sleep(SETTLE_TIME);
            }
            if files.is_current() {
                return self.finish(files, loaded, is_requested);
            }
        }
        self.report(Some(Arc::new(ReloadError::Unsettled)), is_requested);
    }

    fn finish(&self, files: Fingerprint, loaded: Result<L::Value, L::Error>, is_requested: bool) {
        let (next, error) = match loaded {
            Ok(next) => (Some(Arc::new(next)), None),
            Err(error) => (None, Some(Arc::new(ReloadError::Load(error)))),
        };
        let is_new = is_requested || self.state.lock().good != files;
        let next = next.filter(|_| is_new);
        if let Some(next) = &next {
            self.loader.on_event(Event::Replacing { next });
        }
        let (former, former_error) = {
            let mut state = self.state.lock();
            if error.is_none() {
                state.good.clone_from(&files);
            }
            state.latest = Arc::new(files);
            state.latest_error.clone_from(&error);
            let replace = |value| std::mem::replace(&mut state.value, value);
            let former = next.clone().map(replace);
            (former, std::mem::replace(&mut state.error, error.clone()))
        };
        if let (Some(value), Some(former)) = (&next, &former) {
            self.loader.on_event(Event::Replaced { value, former });
        }
        self.notify(former_error, error, is_requested);
    }

    /// Sets the error, and notifies the loader if the error is new or `always`.
    fn report(&self, error: Option<SharedError<L>>, always: bool) {
        let former = std::mem::replace(&mut self.state.lock().error, error.clone());
        self.notify(former, error, always);
    }

    fn notify(&self, former: Option<SharedError<L>>, error: Option<SharedError<L>>, always: bool) {
        let is_same = || match (&former, &error) {
            (Some(former), Some(error)) => former.to_string() == error.to_string(),
            _ => false,
        };
        match &error {
            Some(error) if always || !is_same() => self.loader.on_event(Event::Failed(error)),
            None if former.is_some() => self.loader.on_event(Event::Recovered),
            _ => {}
        }
    }

    /// Records that a check or load has panicked.
    pub(super) fn note_panic(&self) {
        self.report(Some(Arc::new(ReloadError::Panicked)), true);
    }

    /// Records that the timeout of a caller has expired.
    pub(super) fn note_timeout(&self) {
        let error: SharedError<L> = Arc::new(ReloadError::Timeout);
        let mut state = self.state.lock();
        if state.is_running {
            state.is_overdue = true;
            let former = state.error.replace(Arc::clone(&error));
            drop(state);
            self.notify(former, Some(error), false);
        }
    }
}

/// Marks the end of a check or load on drop, even if it panics.
struct Running<'a, L: Loader>(&'a Shared<L>);

impl<L: Loader> Drop for Running<'_, L> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.is_running = false;
        state.is_overdue = false;
    }
}

/// Notifies the loader of the end of a reload on request, even if the reload panics.
struct Ended<'a, L: Loader>(&'a L);

impl<L: Loader> Drop for Ended<'_, L> {
    fn drop(&mut self) {
        self.0.on_event(Event::Ended);
    }
}
