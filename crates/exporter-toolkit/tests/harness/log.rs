//! The log lines of this test's thread.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock};

use exporter_toolkit::logging::{self, Format};
use parking_lot::Mutex;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, Interest};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// Collects what is logged until it is dropped.
pub struct Log {
    written: Written,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes tracing ask the subscriber of each thread about each line. Otherwise a line that is first reached on a
/// thread without a log could be disabled for the rest of the process.
pub fn enable_every_callsite() {
    static UNDECIDED: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Undecided));
    LazyLock::force(&UNDECIDED);
}

/// A subscriber that may want any line, and belongs to no thread.
struct Undecided;

impl Subscriber for Undecided {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Log {
    /// Collects everything at this level and above.
    pub fn collect(level: Level) -> Log {
        Log::written_as(Format::Logfmt, level)
    }

    /// The same, in this format.
    pub fn written_as(format: Format, level: Level) -> Log {
        enable_every_callsite();
        let written = Written::default();
        let writer = written.clone();
        let crate_name = env!("CARGO_PKG_NAME").replace('-', "_");
        let lines = logging::lines(level, format, &crate_name, move || writer.clone());
        Log {
            written,
            _guard: tracing::subscriber::set_default(lines),
        }
    }

    /// Everything logged since the last call.
    pub fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.written.0.lock());
        String::from_utf8(bytes).expect("UTF-8")
    }
}
