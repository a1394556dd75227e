//! The OS thread that makes events of rules' timers when they are due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock;
use crate::relay::{self, House};

/// It looks again after this long even if nobody woke it: the clock may have been set.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

pub struct TimerThread {
    closing: Arc<AtomicBool>,
    house: Arc<House>,
    thread: JoinHandle<()>,
}

impl TimerThread {
    pub fn start(house: Arc<House>) -> std::io::Result<TimerThread> {
        let closing = Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new().name("timers".into()).spawn({
            let (house, closing) = (house.clone(), closing.clone());
            move || work(&house, &closing)
        })?;
        Ok(TimerThread { closing, house, thread })
    }

    /// Ends behind what fires just now.
    pub fn stop(self) {
        self.closing.store(true, Ordering::Release);
        self.house.wake_timers();
        if self.thread.join().is_err() {
            tracing::error!("the thread of timers panicked");
        }
    }
}

fn work(house: &Arc<House>, closing: &AtomicBool) {
    while !closing.load(Ordering::Acquire) && house.store.failure().is_none() {
        let now = clock::now();
        let pause = match relay::fire_timers(house, now) {
            Ok(Some(next)) => Duration::from_millis(next.0.saturating_sub(now.0)).min(LOOK_AGAIN),
            Ok(None) => LOOK_AGAIN,
            Err(error) => {
                tracing::error!("timers of rules cannot be read: {error}");
                LOOK_AGAIN
            }
        };
        if !pause.is_zero() {
            house.wait_for_timers(pause);
        }
    }
}
