//! What a reloader loads, and what it tells about it.

use std::fmt::{self, Debug, Display};

use super::fingerprint::Fingerprint;

/// Loads a value. [`Reloader`](super::Reloader) calls it on a thread where blocking is allowed, and never twice at the same time.
pub trait Loader: Send + Sync + 'static {
    /// The value. Its `Debug` output must not show secrets.
    type Value: Debug + Send + Sync + 'static;
    /// Why the value cannot be loaded.
    type Error: Display + Send + Sync + 'static;

    /// Builds the value from files, which it reads through `files`; a change of these files causes the next load.
    /// `last_good` is the value in use, `None` at the start.
    ///
    /// # Errors
    /// What is wrong with the files. The last good value then stays in use.
    fn load(
        &self,
        files: &mut Fingerprint,
        last_good: Option<&Self::Value>,
    ) -> Result<Self::Value, Self::Error>;

    /// Called at each change of the state, for log lines and metrics. It must not use the reloader.
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
    /// The files cannot be used. While they are only looked at, it comes once per error, not once per look.
    Failed(&'a ReloadError<L::Error>),
    /// The files can be used again.
    Recovered,
    /// A reload on request has ended.
    Ended,
}

/// Why files are not in use as they are.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError<E> {
    /// They cannot be read, or their content is wrong.
    #[error("{0}")]
    Load(E),
    /// Reading takes longer than the timeout. It continues, and its result counts once it ends.
    #[error("reading the files takes too long")]
    Timeout,
    /// They change faster than they can be read.
    #[error("the files keep changing while they are read")]
    Unsettled,
    /// A defect of the program; the panic itself is on standard error.
    #[error("the reload panicked, which is a defect: please report it")]
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
