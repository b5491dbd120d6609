//! Response bodies that are shared between clients, with a limit of the memory that slow readers hold.
//!
//! A text is current until its cache drops it. An outdated text stays in memory until the last client has read it. When
//! outdated texts exceed the limit, the cutoff closes the connections that have been reading for the longest.
//!
//! ```
//! use exporter_toolkit::shared_text::SharedTexts;
//!
//! let texts = SharedTexts::default();
//! let text = texts.add(b"up 1\n".to_vec());
//! assert_eq!(text.bytes(), "up 1\n");
//! assert!(!texts.exceed_soft_limit());
//! ```

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

/// Limit of outdated texts, in bytes. If the current texts are larger, their size is the limit.
const LIMIT: usize = 32 * 1024 * 1024;
/// Time for a closed connection to release its texts before they count again.
const RELEASE: Duration = Duration::from_secs(1);

/// The set of all shared texts.
#[derive(Debug, Clone, Default)]
pub struct SharedTexts {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    usage: Mutex<Usage>,
    cutoff: watch::Sender<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Usage {
    /// Bytes of current texts.
    current: usize,
    outdated: Vec<Outdated>,
}

#[derive(Debug)]
struct Outdated {
    since: Instant,
    bytes: usize,
    held: Weak<Vec<u8>>,
    /// When a cutoff last included this text.
    cut: Option<Instant>,
}

/// A current text. Dropping it makes the text outdated.
#[derive(Debug)]
pub struct SharedText {
    bytes: Bytes,
    held: Weak<Vec<u8>>,
    shared: Arc<Shared>,
}

/// Receives the cutoff. The server closes connections that started to read a response before it.
pub(crate) type Cutoff = watch::Receiver<Option<Instant>>;

impl SharedTexts {
    /// Adds a current text.
    pub fn add(&self, text: Vec<u8>) -> SharedText {
        let text = Arc::new(text);
        let held = Arc::downgrade(&text);
        self.shared.usage.lock().current += text.len();
        SharedText {
            bytes: Bytes::from_owner(Owner(text)),
            held,
            shared: Arc::clone(&self.shared),
        }
    }

    /// Whether outdated texts take more than half of the limit. Caches should then replace their texts less often.
    pub fn exceed_soft_limit(&self) -> bool {
        let usage = self.shared.usage.lock();
        usage.outdated() > usage.limit() / 2
    }

    /// Subscribes a connection to the cutoff.
    pub(crate) fn cutoff(&self) -> Cutoff {
        self.shared.cutoff.subscribe()
    }
}

impl SharedText {
    /// The text, without copying it.
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }
}

impl Drop for SharedText {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes).len();
        let outdated = Outdated {
            since: Instant::now(),
            bytes,
            held: self.held.clone(),
            cut: None,
        };
        let mut usage = self.shared.usage.lock();
        usage.current -= bytes;
        if let Some(cutoff) = usage.add(outdated) {
            self.shared.cutoff.send_replace(Some(cutoff));
        }
    }
}

impl Usage {
    fn outdated(&self) -> usize {
        self.outdated.iter().map(Outdated::held_bytes).sum()
    }

    fn limit(&self) -> usize {
        LIMIT.max(self.current)
    }

    /// Returns the cutoff that brings outdated texts below the limit, if they are above it.
    fn add(&mut self, outdated: Outdated) -> Option<Instant> {
        let now = outdated.since;
        self.outdated.push(outdated);
        self.outdated.retain_mut(|text| text.is_held(now));
        let counted = self.outdated.iter().filter(|text| text.cut.is_none());
        let counted: usize = counted.map(|text| text.bytes).sum();
        let mut excess = counted.saturating_sub(self.limit());
        let mut cutoff = None;
        while excess > 0 {
            let counted = self.outdated.iter_mut().filter(|text| text.cut.is_none());
            let Some(oldest) = counted.min_by_key(|text| text.since) else {
                break;
            };
            cutoff = Some(oldest.since);
            oldest.cut = Some(now);
            excess = excess.saturating_sub(oldest.bytes);
        }
        cutoff
    }
}

impl Outdated {
    fn held_bytes(&self) -> usize {
        match self.held.strong_count() {
            0 => 0,
            _ => self.bytes,
        }
    }

    /// Whether a response still holds the text. A response that holds it long after the cut started after `since`, so the
    /// text then counts as outdated since the cut.
    fn is_held(&mut self, now: Instant) -> bool {
        if let Some(cut) = self.cut.take_if(|cut| now - *cut >= RELEASE) {
            self.since = cut;
        }
        self.held.strong_count() > 0
    }
}

/// The owner of the memory that [`Bytes`] refer to.
struct Owner(Arc<Vec<u8>>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUARTER: usize = LIMIT / 4;
    const SECOND: Duration = Duration::from_secs(1);

    /// One text per second. The reader of a text begins a second before the text becomes outdated.
    struct Readers {
        usage: Usage,
        began: Instant,
        texts: Vec<Arc<Vec<u8>>>,
        cutoff: Option<Instant>,
    }

    impl Readers {
        fn new(current: usize) -> Readers {
            Readers {
                usage: Usage {
                    current,
                    outdated: Vec::new(),
                },
                began: Instant::now(),
                texts: Vec::new(),
                cutoff: None,
            }
        }

        fn read(&mut self, bytes: usize) {
            let text = Arc::new(Vec::new());
            let outdated = Outdated {
                since: self.since(self.texts.len() + 1),
                bytes,
                held: Arc::downgrade(&text),
                cut: None,
            };
            self.texts.push(text);
            self.cutoff = self.usage.add(outdated).or(self.cutoff);
        }

        fn since(&self, second: usize) -> Instant {
            self.began + SECOND * second as u32
        }

        fn is_closed(&self, reader: usize) -> bool {
            self.cutoff
                .is_some_and(|cutoff| self.since(reader) < cutoff)
        }
    }

    #[test]
    fn oldest_readers_are_closed() {
        let mut readers = Readers::new(0);
        (0..4).for_each(|_| readers.read(QUARTER));
        assert_eq!(readers.cutoff, None);
        for _ in 0..2 {
            readers.read(QUARTER);
            let closed = (0..4).filter(|reader| readers.is_closed(*reader));
            for reader in closed.collect::<Vec<_>>() {
                readers.texts[reader] = Arc::default();
            }
        }
        let closed: Vec<bool> = (0..6).map(|reader| readers.is_closed(reader)).collect();
        assert_eq!(closed, [true, true, false, false, false, false]);
    }

    #[test]
    fn finished_responses_do_not_count() {
        let mut readers = Readers::new(0);
        for _ in 0..100 {
            readers.read(QUARTER);
            readers
                .texts
                .iter_mut()
                .for_each(|text| *text = Arc::default());
        }
        assert_eq!((readers.cutoff, readers.usage.outdated()), (None, 0));
    }

    #[test]
    fn outdated_texts_may_be_as_large_as_current_ones() {
        let mut readers = Readers::new(LIMIT + 2 * QUARTER);
        (0..6).for_each(|_| readers.read(QUARTER));
        assert_eq!(readers.cutoff, None);
        readers.usage.current = 0;
        readers.read(QUARTER);
        assert!(readers.is_closed(2));
    }

    /// The reader started after its text became outdated.
    #[test]
    fn reader_that_starts_after_the_cutoff_closes_later() {
        const LATE: usize = 1;
        let mut readers = Readers::new(0);
        readers.read(LIMIT);
        readers.read(QUARTER);
        assert!(readers.cutoff.is_some() && !readers.is_closed(LATE));
        readers.read(QUARTER);
        assert!(readers.is_closed(LATE));
    }
}
