//! The directory as it is now. Changes make another one; whoever reads keeps theirs to the end of what they do.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::watch;

use super::Directory;

/// Wakes with every change.
pub type Changes = watch::Receiver<()>;

pub struct Current {
    directory: ArcSwap<Directory>,
    changed: watch::Sender<()>,
}

impl Current {
    pub fn new(directory: Directory) -> Arc<Current> {
        Arc::new(Current { directory: ArcSwap::from_pointee(directory), changed: watch::Sender::new(()) })
    }

    /// Cheap, for one message or one request. To look twice may show two directories.
    pub fn load(&self) -> Guard<Arc<Directory>> {
        self.directory.load()
    }

    /// `next` continues the present one: see [`Directory::next`].
    pub fn replace(&self, next: Directory) {
        self.directory.store(Arc::new(next));
        self.changed.send_replace(());
    }

    /// Hears of every change from now on.
    pub fn changes(&self) -> Changes {
        self.changed.subscribe()
    }
}
