//! `--watch`: repeats the audit until a signal.

use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::pin::pin;
use std::time::{Duration, Instant};

use super::audit::Audit;
use super::output::CheckFormat;
use super::output_file::{OutputError, write_file};
use super::read::{Auditor, show_progress};
use crate::account::Backoff;
use crate::record::CheckState;

/// Moves the cursor to the top left and clears the terminal.
const CLEAR: &[u8] = b"\x1b[H\x1b[2J";
const SEPARATOR: &[u8] = b"----\n";

/// Repeats the audit until `shutdown` or until nobody reads the output any more. Waits for the interval after each
/// audit, or longer if an account asks for it as in the exporter: after 401, 403 and 429. Returns the last state.
///
/// # Errors
/// If an audit cannot be written.
pub async fn watch(
    auditor: &Auditor,
    interval: Duration,
    mut deliver: impl FnMut(&Audit) -> Result<ControlFlow<CheckState, CheckState>, OutputError>,
    shutdown: impl Future<Output = ()>,
) -> Result<CheckState, OutputError> {
    let mut shutdown = pin!(shutdown);
    let mut state = CheckState::Unknown;
    let mut backoffs = vec![Backoff::default(); auditor.accounts()];
    loop {
        let audit = tokio::select! {
            audit = auditor.audit(show_progress()) => audit,
            () = &mut shutdown => return Ok(state),
        };
        state = match deliver(&audit)? {
            ControlFlow::Continue(state) => state,
            ControlFlow::Break(state) => return Ok(state),
        };
        let pause = interval.max(longest_backoff(&audit, &mut backoffs, interval));
        // Its memory is free for the next audit.
        drop(audit);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = &mut shutdown => return Ok(state),
        }
    }
}

/// `backoffs` has one backoff for each account, in the same order.
fn longest_backoff(audit: &Audit, backoffs: &mut [Backoff], interval: Duration) -> Duration {
    let now = Instant::now();
    let accounts = audit.accounts.iter().zip(backoffs);
    let pauses = accounts.map(|(account, backoff)| {
        backoff.record(account.errors.calling_for_backoff(), now, interval);
        backoff.remaining(now)
    });
    pauses.max().unwrap_or_default()
}

/// Where audits are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination<'a> {
    /// A file, which each audit replaces.
    File(&'a Path),
    /// Standard output, once.
    Stdout,
    /// Standard output, repeatedly: programs separate the documents themselves.
    Stream,
    /// Standard output, repeatedly, with a line between the tables.
    Separated,
    /// A terminal that each audit redraws.
    Redrawn,
}

impl Destination<'_> {
    /// Writes an audit, and returns its state: `Break` if nobody reads the output any more, which is not an
    /// error.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn write(
        self,
        audit: &Audit,
        format: CheckFormat,
    ) -> Result<ControlFlow<CheckState, CheckState>, OutputError> {
        let mut text = match self {
            Destination::Redrawn => CLEAR.to_vec(),
            _ => Vec::new(),
        };
        let state = audit.write(format, &mut text)?;
        if self == Destination::Separated {
            text.extend(SEPARATOR);
        }
        if let Destination::File(path) = self {
            write_file(path, &text)?;
            return Ok(ControlFlow::Continue(state));
        }
        let mut out = io::stdout();
        match out.write_all(&text).and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(state)),
            result => Ok(result.map(|()| ControlFlow::Continue(state))?),
        }
    }
}
