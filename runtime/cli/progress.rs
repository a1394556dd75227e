//! What a terminal shows while a command takes long: what it does, and since when. It is on stderr, and nothing at all where
//! that is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Often enough to be seen to move.
const TICK: Duration = Duration::from_millis(100);

/// Until it is dropped, which leaves nothing of it on the terminal.
pub struct Progress(ProgressBar);

impl Progress {
    pub fn of(what: impl Into<String>) -> Progress {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what.into());
        bar.tick(); // at once, however soon it is over
        bar.enable_steady_tick(TICK);
        Progress(bar)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
