//! One task per link: moves octets between the connection and the link's core.
//!
//! Waits for the connection, the core's bell, a timer or the end of the house, whichever comes first, then
//! lets the core do all it can and writes the result at once.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Buf;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::core::{LinkCore, Now, OUTPUT_MAX};
use super::transport::Transport;
use crate::clock;

/// Octets asked for in one read.
const READ_OCTETS: usize = 64 << 10;
/// Longest wait at the end for what is in flight.
const DRAIN: Duration = Duration::from_secs(5);
/// Longest wait for the peer to close its side after our last word. Closing while octets of the peer are
/// unread would reset the connection, and the peer might never see that word.
const LINGER: Duration = Duration::from_millis(500);

/// How long the peer may close first.
const YOU_FIRST: Duration = Duration::from_millis(100);

/// What ended a link's wait.
enum Woken {
    Moved,
    PeerClosed,
    Bell,
    Timer,
    Closing,
}

pub struct Link {
    stream: Transport,
    address: SocketAddr,
    core: LinkCore,
    closing: watch::Receiver<bool>,
    response_timeout: Duration,
    /// Since when the peer has taken nothing of a long output.
    stuck_since: Option<Instant>,
    /// The peer sends no more.
    is_half_closed: bool,
    needs_flush: bool,
    /// When the drain at the end is over, once the house or the peer closes.
    drain_until: Option<Instant>,
}

/// Batches are made here, so the kernel need not wait for more (a 40 ms matter with delayed acks).
pub fn set_nodelay(stream: &TcpStream, address: SocketAddr) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(peer = %address, "TCP_NODELAY: {error}");
    }
}

impl Link {
    pub fn new(
        stream: Transport,
        address: SocketAddr,
        core: LinkCore,
        response_timeout: Duration,
        closing: watch::Receiver<bool>,
    ) -> Link {
        Link {
            stream,
            address,
            core,
            closing,
            response_timeout,
            stuck_since: None,
            is_half_closed: false,
            needs_flush: false,
            drain_until: None,
        }
    }

    /// Runs the link to its end; true when it was bound at some time.
    pub async fn run(mut self) -> bool {
        let served = self.serve().await;
        if let Err(error) = &served {
            tracing::info!(peer = %self.address, account = self.core.account_name(), "link lost: {error}");
            self.core.lost(&error.to_string());
        }
        let was_bound = self.core.was_bound();
        self.core.disconnected();
        if served.is_ok() && !self.is_half_closed {
            say_goodbye(self.stream).await;
        }
        was_bound
    }

    async fn serve(&mut self) -> io::Result<()> {
        let timer = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(timer);
        let mut changes = self.core.changes();
        loop {
            let now = Now { instant: clock::instant(), timestamp: clock::now() };
            self.core.turn(now);
            if self.is_over() {
                return Ok(());
            }
            if self.core.is_draining() {
                self.drain_until.get_or_insert(now.instant + DRAIN);
            }
            self.watch_output(now.instant);
            let deadline = self.next_deadline(now.instant);
            if timer.deadline().into_std() != deadline {
                timer.as_mut().reset(deadline.into());
            }
            let bell = self.core.bell().clone();
            let mut closing = self.closing.clone();
            let is_draining = self.drain_until.is_some();
            let woken = tokio::select! {
                biased;
                moved = poll_fn(|cx| self.poll_move(cx)) => moved?,
                () = bell.notified() => Woken::Bell,
                _ = closing.wait_for(|closing| *closing), if !is_draining => Woken::Closing,
                Ok(()) = changes.changed(), if !is_draining => match self.core.is_orphan() {
                    true => Woken::Closing,
                    false => Woken::Bell,
                },
                () = &mut timer => Woken::Timer,
            };
            match woken {
                Woken::Moved | Woken::Bell => {}
                Woken::Timer => self.on_deadline()?,
                Woken::PeerClosed => {
                    self.is_half_closed = true;
                    self.core.lost("the peer closed the connection without unbind");
                    self.drain_until.get_or_insert(clock::instant() + DRAIN);
                }
                Woken::Closing => {
                    self.drain_until = Some(clock::instant() + DRAIN);
                    self.core.drain();
                }
            }
        }
    }

    /// Nothing more is to be said.
    fn is_over(&mut self) -> bool {
        let is_answered = self.core.is_answered();
        let is_silent = self.core.output().is_empty() && !self.needs_flush;
        is_silent && (self.core.is_closed() || (self.is_half_closed && is_answered))
    }

    fn may_read(&self) -> bool {
        self.core.may_read() && self.stuck_since.is_none() && !self.is_half_closed
    }

    fn next_deadline(&self, now: Instant) -> Instant {
        let stuck = self.stuck_since.map(|since| since + self.response_timeout);
        let deadlines = [self.core.next_deadline(), stuck, self.drain_until];
        deadlines.into_iter().flatten().min().unwrap_or(now + DRAIN)
    }

    fn on_deadline(&mut self) -> io::Result<()> {
        let now = clock::instant();
        self.core.on_deadline(now);
        if self.stuck_since.is_some_and(|since| now >= since + self.response_timeout) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read what we send"));
        }
        if self.drain_until.is_some_and(|until| now >= until) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer did not finish before the end"));
        }
        Ok(())
    }

    /// Writes and reads what can be without waiting; pending when that is nothing.
    fn poll_move(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Woken>> {
        let mut has_moved = self.poll_output(cx)?;
        if self.may_read() {
            self.core.input.reserve(READ_OCTETS);
            match pin!(self.stream.read_buf(&mut self.core.input)).poll(cx)? {
                Poll::Ready(0) => return Poll::Ready(Ok(Woken::PeerClosed)),
                Poll::Ready(_) => has_moved = true,
                Poll::Pending => {}
            }
        }
        if has_moved { Poll::Ready(Ok(Woken::Moved)) } else { Poll::Pending }
    }

    fn poll_output(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut has_moved = false;
        while !self.core.output().is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, self.core.output())? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => self.core.output().advance(written),
                Poll::Pending => break,
            }
            (has_moved, self.needs_flush, self.stuck_since) = (true, true, None);
        }
        if self.needs_flush && Pin::new(&mut self.stream).poll_flush(cx)?.is_ready() {
            (self.needs_flush, has_moved) = (false, true);
        }
        Ok(has_moved)
    }

    /// A session that is over waits for nothing but its last octets; a long output should shrink.
    fn watch_output(&mut self, now: Instant) {
        let is_closed = self.core.is_closed();
        let octets = self.core.output().len();
        let is_stuck = octets >= OUTPUT_MAX || (is_closed && octets > 0);
        if !is_stuck {
            self.stuck_since = None;
        } else if self.stuck_since.is_none() {
            self.stuck_since = Some(now);
        }
    }
}

/// Lets the peer close first, for a moment: some take our end for a failure when it comes close behind our last
/// word. Then closes our side, and waits a moment longer for theirs.
async fn say_goodbye(mut stream: Transport) {
    let mut rest = [0; 1024];
    let first = async { while stream.read(&mut rest).await.is_ok_and(|octets| octets > 0) {} };
    if tokio::time::timeout(YOU_FIRST, first).await.is_ok() {
        return;
    }
    let goodbye = async {
        stream.shutdown().await?;
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    // Whoever is gone already has heard enough.
    let _ = tokio::time::timeout(LINGER, goodbye).await;
}
