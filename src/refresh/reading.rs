//! Parses response bodies off the async threads.

use tokio::task::spawn_blocking;

use crate::gateway::error::GatewayError;
use crate::gateway::invalid::InvalidResponse;
use crate::gateway::warnings::ParseWarnings;
use crate::gateway::{ReceivedBody, SentSecret};

/// An answer below this size in bytes is read at once.
const READ_AT_ONCE: usize = 16 * 1024;

/// Reads a body with `read`. Reading thousands of profiles takes milliseconds: it must not hold up the
/// scrapes of others. A few are read before a thread could be woken for them.
///
/// # Errors
/// [`InvalidResponse::Unread`] when `read` panics.
pub(super) async fn read<T: Send + 'static>(
    body: ReceivedBody,
    sent: &SentSecret,
    read: impl FnOnce(&[u8], &SentSecret, &mut ParseWarnings) -> T + Send + 'static,
) -> Result<(T, ParseWarnings), GatewayError> {
    let is_small = body.len() < READ_AT_ONCE;
    let sent = sent.clone();
    let read = move || {
        let mut warnings = ParseWarnings::default();
        let answer = read(&body, &sent, &mut warnings);
        (answer, warnings)
    };
    match is_small {
        true => Ok(read()),
        false => spawn_blocking(read)
            .await
            .map_err(|_| InvalidResponse::Unread.into()),
    }
}
