//! How long a client may take, for its request and for reading the answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// What a client is given time for.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// The TLS handshake and the head of the first request; each further head from its first byte.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// Taking in an answer, from its first byte to its last.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            head: Duration::from_secs(10),
            // Prometheus keeps a connection that long, too.
            idle: Duration::from_secs(5 * 60),
            answer: Duration::from_secs(60),
        }
    }
}

/// How often a connection is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What one connection is doing.
#[derive(Debug)]
pub(super) struct Watch {
    timeouts: Timeouts,
    state: Mutex<State>,
    evicted: Notify,
}

/// What a connection has shown so far, in the order in which classes are evicted when all places are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EvictionClass {
    /// In the handshake, or in the head of the first request.
    Unproven,
    /// The client has not read its first answer.
    Unread,
    /// The client has read answers, and sends no request.
    Idle,
    /// The client has read answers, and does not read the current one.
    Slow,
    /// The first answer is being made.
    Waiting,
}

#[derive(Debug)]
struct State {
    /// Requests whose answer is being made.
    making: usize,
    /// Answers that are being sent, the oldest first, with their number and beginning.
    sending: Vec<(u64, Instant)>,
    next_answer: u64,
    /// Since when something waits for the client to read.
    blocked: Option<Instant>,
    /// Since when nothing of the above holds, or since the first byte of a head.
    waiting: Instant,
    in_head: bool,
    /// Whether the client has read an answer.
    is_served: bool,
    is_evicted: bool,
}

impl Watch {
    pub(super) fn new(timeouts: Timeouts) -> Watch {
        Watch {
            timeouts,
            evicted: Notify::new(),
            state: Mutex::new(State {
                making: 0,
                sending: Vec::new(),
                next_answer: 0,
                blocked: None,
                waiting: Instant::now(),
                in_head: true,
                is_served: false,
                is_evicted: false,
            }),
        }
    }

    /// Resolves when the connection is evicted.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    pub(super) fn evict(&self) {
        self.state.lock().is_evicted = true;
        self.evicted.notify_one();
    }

    /// The class and when the connection entered it. `None`: the connection is being evicted already, or its
    /// client has read an answer and waits for the next.
    pub(super) fn eviction_class(&self) -> Option<(EvictionClass, Instant)> {
        let state = self.state.lock();
        if state.is_evicted {
            return None;
        }
        match (state.is_served, state.making > 0, state.unread_since()) {
            (true, true, _) => None,
            (false, true, _) => Some((EvictionClass::Waiting, state.waiting)),
            (false, false, Some(since)) => Some((EvictionClass::Unread, since)),
            (true, false, Some(since)) => Some((EvictionClass::Slow, since)),
            (false, false, None) => Some((EvictionClass::Unproven, state.waiting)),
            (true, false, None) => Some((EvictionClass::Idle, state.waiting)),
        }
    }

    /// Resolves when the client has taken too long for something.
    pub(super) async fn overdue(&self) {
        let mut look = interval(LOOK.min(self.timeouts.head).max(Duration::from_millis(1)));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let now = look.tick().await;
            if self.deadline().is_some_and(|deadline| deadline <= now) {
                return;
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let state = self.state.lock();
        match state.unread_since() {
            Some(since) => Some(since + self.timeouts.answer),
            None if state.making > 0 => None,
            None if state.in_head => Some(state.waiting + self.timeouts.head),
            None => Some(state.waiting + self.timeouts.idle),
        }
    }

    /// A whole head is there.
    pub(super) fn begin(self: &Arc<Self>) -> Making {
        let mut state = self.state.lock();
        state.in_head = false;
        state.making += 1;
        Making(Arc::clone(self))
    }

    fn bytes_came(&self) {
        let mut state = self.state.lock();
        if !state.in_head && state.is_quiet() {
            state.in_head = true;
            state.waiting = Instant::now();
        }
    }

    fn blocked(&self, blocked: bool) {
        let mut state = self.state.lock();
        match blocked {
            true => {
                state.blocked.get_or_insert_with(Instant::now);
            }
            false if state.blocked.take().is_some() => state.note_quiet(),
            false => {}
        }
    }
}

impl State {
    fn is_quiet(&self) -> bool {
        self.making == 0 && self.sending.is_empty() && self.blocked.is_none()
    }

    fn note_quiet(&mut self) {
        if self.is_quiet() {
            self.waiting = Instant::now();
            self.is_served = self.next_answer > 0;
        }
    }

    /// Since when the client has an answer to read.
    fn unread_since(&self) -> Option<Instant> {
        let sending = self.sending.first().map(|(_, since)| since);
        sending.into_iter().chain(&self.blocked).min().copied()
    }
}

/// A request whose answer is being made.
pub(super) struct Making(Arc<Watch>);

impl Making {
    /// From here on the client is to take it in, until what is returned is dropped.
    pub(super) fn send(self) -> Sending {
        let mut state = self.0.state.lock();
        let number = state.next_answer;
        state.next_answer += 1;
        state.sending.push((number, Instant::now()));
        Sending {
            watch: Arc::clone(&self.0),
            number,
        }
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.making -= 1;
        state.note_quiet();
    }
}

/// An answer that is being sent.
pub(super) struct Sending {
    watch: Arc<Watch>,
    number: u64,
}

impl Drop for Sending {
    fn drop(&mut self) {
        let mut state = self.watch.state.lock();
        state.sending.retain(|(number, _)| *number != self.number);
        state.note_quiet();
    }
}

/// A stream that tells the watch what the client does.
pub(super) struct Watched<S> {
    pub(super) stream: S,
    pub(super) watch: Arc<Watch>,
    /// Whether bytes that come while nothing is asked are the beginning of a head. In HTTP/2 they
    /// may be housekeeping.
    pub(super) heads: bool,
}

impl<S> Watched<S> {
    /// What waits to be written is through only when all of it is flushed: a client that reads a
    /// little now and then gains no time.
    fn note_pending(&self, result: &Poll<io::Result<usize>>) {
        if result.is_pending() {
            self.watch.blocked(true);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.heads && buffer.filled().len() > before {
            self.watch.bytes_came();
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note_pending(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note_pending(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.watch.blocked(result.is_pending());
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
