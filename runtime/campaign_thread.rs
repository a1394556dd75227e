//! The OS thread that makes campaigns' messages, when they are due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock;
use crate::relay::{self, House};

/// It looks again after this long even if nobody woke it.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

pub struct CampaignThread {
    closing: Arc<AtomicBool>,
    house: Arc<House>,
    thread: JoinHandle<()>,
}

impl CampaignThread {
    pub fn start(house: Arc<House>) -> std::io::Result<CampaignThread> {
        let closing = Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new().name("campaigns".into()).spawn({
            let (house, closing) = (house.clone(), closing.clone());
            move || work(&house, &closing)
        })?;
        Ok(CampaignThread { closing, house, thread })
    }

    /// Ends behind the step that is under way.
    pub fn stop(self) {
        self.closing.store(true, Ordering::Release);
        self.house.wake_campaigns();
        if self.thread.join().is_err() {
            tracing::error!("the thread of campaigns panicked");
        }
    }
}

fn work(house: &Arc<House>, closing: &AtomicBool) {
    while !closing.load(Ordering::Acquire) {
        let now = clock::now();
        let pause = match relay::drive(house, now) {
            Some(next) => Duration::from_millis(next.0.saturating_sub(now.0)).min(LOOK_AGAIN),
            None => LOOK_AGAIN,
        };
        if !pause.is_zero() {
            house.wait_for_campaigns(pause);
        }
    }
}
