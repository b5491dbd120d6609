//! The log of the exporter that runs in this test's thread.

use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use qlara_exporter::logging::{self, Format};
use tracing::Level;
use tracing::subscriber::DefaultGuard;

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

impl Log {
    /// Collects everything of this level or worse.
    pub fn collect(level: Level) -> Log {
        Log::written_as(Format::Logfmt, level)
    }

    /// The same, as it is written in this format.
    pub fn written_as(format: Format, level: Level) -> Log {
        let written = Written::default();
        let writer = written.clone();
        let lines = logging::lines(level, format, move || writer.clone());
        Log {
            written,
            _guard: tracing::subscriber::set_default(lines),
        }
    }

    /// What has been logged since the last call.
    pub fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.written.0.lock());
        String::from_utf8(bytes).expect("UTF-8")
    }
}
