//! Deadlines for slow clients: for sending a request head, between requests, and for reading a response.
//!
//! hyper has only a timeout for request heads, and timeouts per I/O operation (as in `tokio-io-timeout`) do not stop a
//! client that reads a few bytes now and then.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::shared_text::Cutoff;

/// Time limits for clients.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Limit for the TLS handshake and the first request head together. Over HTTP/1 also for each further head, from its
    /// first byte.
    pub head: Duration,
    /// Limit for an idle connection between two requests.
    pub idle: Duration,
    /// Limit for reading a response, from the end of the handler to the last byte.
    pub response: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            head: Duration::from_secs(10),
            // As long as Prometheus keeps an idle connection.
            idle: Duration::from_secs(5 * 60),
            response: Duration::from_secs(60),
        }
    }
}

/// Interval between two checks of a connection's deadline.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The activity of one connection and its current deadline.
#[derive(Debug)]
pub(super) struct Deadlines {
    timeouts: Timeouts,
    activity: Mutex<Activity>,
    evicted: Notify,
}

/// The kind of a connection's activity, in the order in which connections are evicted at the connection limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EvictionClass {
    /// The client is in the TLS handshake or in its first request head.
    Unproven,
    /// The client has not read its first response completely.
    Unread,
    /// The client has read a response and sends no request.
    Idle,
    /// The client has read a response, but does not read the current one.
    Slow,
    /// The handler runs for the client's first request.
    Waiting,
    /// The client has read a response, and the handler runs for a further request.
    Busy,
}

#[derive(Debug)]
struct Activity {
    /// Number of requests whose handler runs.
    running: usize,
    /// Responses that are being sent, the oldest first: number and start.
    sending: Vec<(u64, Instant)>,
    next_response: u64,
    /// When the send buffer filled up; `None` while the client keeps up.
    blocked: Option<Instant>,
    /// Start of the current idle period, or of the current request head.
    waiting: Instant,
    in_head: bool,
    /// Whether the client has read a response.
    is_served: bool,
    is_evicted: bool,
}

impl Deadlines {
    pub(super) fn new(timeouts: Timeouts) -> Deadlines {
        Deadlines {
            timeouts,
            evicted: Notify::new(),
            activity: Mutex::new(Activity {
                running: 0,
                sending: Vec::new(),
                next_response: 0,
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
        self.activity.lock().is_evicted = true;
        self.evicted.notify_one();
    }

    /// The class of the connection and the time at which it entered the class; `None` if it is already being evicted.
    pub(super) fn eviction_class(&self) -> Option<(EvictionClass, Instant)> {
        let activity = self.activity.lock();
        if activity.is_evicted {
            return None;
        }
        match (
            activity.is_served,
            activity.running > 0,
            activity.unread_since(),
        ) {
            (true, true, _) => Some((EvictionClass::Busy, activity.waiting)),
            (false, true, _) => Some((EvictionClass::Waiting, activity.waiting)),
            (false, false, Some(since)) => Some((EvictionClass::Unread, since)),
            (true, false, Some(since)) => Some((EvictionClass::Slow, since)),
            (false, false, None) => Some((EvictionClass::Unproven, activity.waiting)),
            (true, false, None) => Some((EvictionClass::Idle, activity.waiting)),
        }
    }

    /// Resolves when the client has missed a deadline.
    pub(super) async fn overdue(&self) {
        let mut ticks = interval(
            CHECK_INTERVAL
                .min(self.timeouts.head)
                .max(Duration::from_millis(1)),
        );
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let now = ticks.tick().await;
            if self.deadline().is_some_and(|deadline| deadline <= now) {
                return;
            }
        }
    }

    /// Resolves when a cutoff is later than the start of the response that the client reads.
    pub(super) async fn reads_too_slowly(&self, mut cutoff: Cutoff) {
        let is_before = |cutoff: &Option<Instant>| {
            let since = self.activity.lock().unread_since();
            since.is_some_and(|since| cutoff.is_some_and(|cutoff| since < cutoff))
        };
        // Without a sender there is no cutoff.
        if cutoff.wait_for(is_before).await.is_err() {
            std::future::pending().await
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let activity = self.activity.lock();
        match activity.unread_since() {
            Some(since) => Some(since + self.timeouts.response),
            None if activity.running > 0 => None,
            None if activity.in_head => Some(activity.waiting + self.timeouts.head),
            None => Some(activity.waiting + self.timeouts.idle),
        }
    }

    /// Records that a request head is complete and its handler starts.
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        let mut activity = self.activity.lock();
        activity.in_head = false;
        activity.running += 1;
        InFlight(Arc::clone(self))
    }

    fn record_input(&self) {
        let mut activity = self.activity.lock();
        if !activity.in_head && activity.is_idle() {
            activity.in_head = true;
            activity.waiting = Instant::now();
        }
    }

    fn set_blocked(&self, blocked: bool) {
        let mut activity = self.activity.lock();
        match blocked {
            true => {
                activity.blocked.get_or_insert_with(Instant::now);
            }
            false if activity.blocked.take().is_some() => activity.record_idle(),
            false => {}
        }
    }
}

impl Activity {
    fn is_idle(&self) -> bool {
        self.running == 0 && self.sending.is_empty() && self.blocked.is_none()
    }

    fn record_idle(&mut self) {
        if self.is_idle() {
            self.waiting = Instant::now();
            self.is_served = self.next_response > 0;
        }
    }

    /// When the oldest unread response started.
    fn unread_since(&self) -> Option<Instant> {
        let sending = self.sending.first().map(|(_, since)| since);
        sending.into_iter().chain(&self.blocked).min().copied()
    }
}

/// A request whose handler runs.
pub(super) struct InFlight(Arc<Deadlines>);

impl InFlight {
    /// Starts the deadline for reading the response. It ends when the guard is dropped.
    pub(super) fn send(self) -> ResponseGuard {
        let mut activity = self.0.activity.lock();
        let number = activity.next_response;
        activity.next_response += 1;
        activity.sending.push((number, Instant::now()));
        ResponseGuard {
            deadlines: Arc::clone(&self.0),
            number,
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut activity = self.0.activity.lock();
        activity.running -= 1;
        activity.record_idle();
    }
}

/// A response that is being sent.
pub(super) struct ResponseGuard {
    deadlines: Arc<Deadlines>,
    number: u64,
}

impl Drop for ResponseGuard {
    fn drop(&mut self) {
        let mut activity = self.deadlines.activity.lock();
        activity
            .sending
            .retain(|(number, _)| *number != self.number);
        activity.record_idle();
    }
}

/// A stream that records the client's input and whether the client keeps up reading.
pub(super) struct TimeoutStream<S> {
    stream: S,
    deadlines: Arc<Deadlines>,
    /// Whether input on an idle connection starts a request head. In HTTP/2 it may be a control frame.
    starts_heads: bool,
}

impl<S> TimeoutStream<S> {
    pub(super) fn new(
        stream: S,
        deadlines: &Arc<Deadlines>,
        starts_heads: bool,
    ) -> TimeoutStream<S> {
        TimeoutStream {
            stream,
            deadlines: Arc::clone(deadlines),
            starts_heads,
        }
    }

    /// Output counts as blocked until all of it is flushed, so a client that reads a little now and then does not
    /// extend its deadline.
    fn record_pending(&self, result: &Poll<io::Result<usize>>) {
        if result.is_pending() {
            self.deadlines.set_blocked(true);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimeoutStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.starts_heads && buffer.filled().len() > before {
            self.deadlines.record_input();
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimeoutStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.record_pending(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.record_pending(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.deadlines.set_blocked(result.is_pending());
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
