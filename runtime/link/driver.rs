//! One task per link: moves octets between the socket and the link's core.
//!
//! Waits for the socket, the core's bell, a timer or the end of the house, whichever comes first, then
//! lets the core do all it can and writes the result at once.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Buf;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::core::{LinkCore, Now, OUTPUT_MAX, Shared};
use crate::clock;

/// Octets asked for in one read.
const READ_OCTETS: usize = 64 << 10;
/// Longest wait at the end for what is in flight.
const DRAIN: Duration = Duration::from_secs(5);

/// What ended a link's wait.
enum Woken {
    /// The socket; true if there is something to read.
    Ready(bool),
    Bell,
    Timer,
    Closing,
}

pub struct Link {
    stream: TcpStream,
    peer: SocketAddr,
    core: LinkCore,
    closing: watch::Receiver<bool>,
    response_timeout: Duration,
    /// Since when the peer has taken nothing of a long output.
    stuck_since: Option<Instant>,
    /// When the drain at the end is over, once the house closes.
    drain_until: Option<Instant>,
}

impl Link {
    pub fn new(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>, closing: watch::Receiver<bool>) -> Link {
        // Batches are made here, so the kernel need not wait for more (a 40 ms matter with delayed acks).
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, "TCP_NODELAY: {error}");
        }
        let response_timeout = shared.response_timeout;
        let core = LinkCore::new(peer, shared, clock::instant());
        Link { stream, peer, core, closing, response_timeout, stuck_since: None, drain_until: None }
    }

    /// Runs the link to its end.
    pub async fn run(mut self) {
        if let Err(error) = self.serve().await {
            tracing::info!(peer = %self.peer, account = self.core.account_name(), "link lost: {error}");
        }
        self.core.disconnected();
    }

    async fn serve(&mut self) -> io::Result<()> {
        let timer = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(timer);
        loop {
            let now = Now { instant: clock::instant(), timestamp: clock::now() };
            self.core.turn(now);
            self.flush(now.instant)?;
            if self.core.is_closed() && self.core.output().is_empty() {
                return Ok(());
            }
            let deadline = self.next_deadline(now.instant);
            if timer.deadline().into_std() != deadline {
                timer.as_mut().reset(deadline.into());
            }
            let interest = self.interest();
            let woken = tokio::select! {
                ready = self.stream.ready(interest.unwrap_or(Interest::READABLE)), if interest.is_some() => {
                    Woken::Ready(ready?.is_readable())
                }
                () = self.core.bell().notified() => Woken::Bell,
                () = &mut timer => Woken::Timer,
                _ = self.closing.changed(), if self.drain_until.is_none() => Woken::Closing,
            };
            match woken {
                Woken::Ready(true) if self.may_read() && !self.read()? => return Ok(()),
                Woken::Ready(_) | Woken::Bell => {}
                Woken::Timer => self.on_deadline()?,
                Woken::Closing => {
                    self.drain_until = Some(clock::instant() + DRAIN);
                    self.core.drain();
                }
            }
        }
    }

    fn may_read(&self) -> bool {
        self.core.may_read() && self.stuck_since.is_none()
    }

    fn interest(&mut self) -> Option<Interest> {
        let write = !self.core.output().is_empty();
        match (self.may_read(), write) {
            (true, true) => Some(Interest::READABLE | Interest::WRITABLE),
            (true, false) => Some(Interest::READABLE),
            (false, true) => Some(Interest::WRITABLE),
            (false, false) => None,
        }
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
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer did not finish before the shutdown"));
        }
        Ok(())
    }

    /// False: the peer closed the connection.
    fn read(&mut self) -> io::Result<bool> {
        self.core.input.reserve(READ_OCTETS);
        match self.stream.try_read_buf(&mut self.core.input) {
            Ok(0) => Ok(false),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        let output = self.core.output();
        let before = output.len();
        while !output.is_empty() {
            match self.stream.try_write(output) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => output.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        // A session that is over waits for nothing but its last octets.
        let tolerated = if self.core.is_closed() { 1 } else { OUTPUT_MAX };
        let output = self.core.output();
        self.stuck_since = match output.len() {
            left if left < tolerated => None,
            left if left < before => Some(now),
            _ => self.stuck_since.or(Some(now)),
        };
        Ok(())
    }
}
