//! The trait of values that a reloader loads, and the events that it reports.

use std::fmt::{self, Debug, Display};

use super::fingerprint::Fingerprint;

/// Loads a value. [`Reloader`](super::Reloader) calls it on a thread that may block, and never concurrently.
pub trait Loader: Send + Sync + 'static {
    /// The value. Its `Debug` output must not show secrets.
    type Value: Debug + Send + Sync + 'static;
    /// The error of a load.
    type Error: Display + Send + Sync + 'static;

    /// Loads the value from files, which it reads through `files`. A change of these files causes the next load.
    /// `last_good` is the value in use, `None` at the start.
    ///
    /// # Errors
    /// The errors of the files. The last good value then stays in use.
    fn load(
        &self,
        files: &mut Fingerprint,
        last_good: Option<&Self::Value>,
    ) -> Result<Self::Value, Self::Error>;

    /// Receives each change of the state, for log lines and metrics. It must not call the reloader.
    fn on_event(&self, event: Event<'_, Self>) {
        let _ = event;
    }
}

/// A change of a [`Reloader`](super::Reloader)'s state.
pub enum Event<'a, L: Loader + ?Sized> {
    /// A reload on request begins.
    Started,
    /// `next` is about to replace the last good value.
    Replacing {
        /// The value that was loaded.
        next: &'a L::Value,
    },
    /// `value` has replaced `former`.
    Replaced {
        /// The value in use.
        value: &'a L::Value,
        /// The value that it replaces.
        former: &'a L::Value,
    },
    /// The files cannot be used. Checks for changes report the same error once; reloads on request report it each time.
    Failed(&'a ReloadError<L::Error>),
    /// The files can be used again.
    Recovered,
    /// A reload on request has ended.
    Ended,
}

/// Why a reloader does not use its files.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError<E> {
    /// A file cannot be read, or its content is invalid.
    #[error("{0}")]
    Load(E),
    /// Reading exceeds the timeout. It continues in the background, and the reloader uses its result once it ends.
    #[error("reading the files takes too long")]
    Timeout,
    /// The files change faster than they can be read.
    #[error("the files keep changing while they are read")]
    Unsettled,
    /// The loader panicked. The message of the panic is on standard error.
    #[error("the reload panicked, which is a bug: please report it")]
    Panicked,
}

impl<L: Loader> Debug for Event<'_, L> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Event::Started => "Started",
            Event::Replacing { .. } => "Replacing",
            Event::Replaced { .. } => "Replaced",
            Event::Failed(_) => "Failed",
            Event::Recovered => "Recovered",
            Event::Ended => "Ended",
        })
    }
}
