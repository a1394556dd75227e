//! What is done for rules and plugins from time to time, whether or not anybody asks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Setup;
use super::folder::Folder;
use crate::clock;

const PAUSE: Duration = Duration::from_secs(1);
/// Looks between two sweeps: an hour. What is swept is days old.
const LOOKS: u64 = 3_600;

impl Setup {
    /// Canaries take their steps or are rolled back, the folder of rules is read where it changed, old plugins go.
    pub async fn keep(self: Arc<Self>, mut folder: Option<Folder>, mut closing: watch::Receiver<bool>) {
        for look in 1_u64.. {
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                _ = closing.wait_for(|closing| *closing) => return,
            }
            self.look_at_canaries(clock::now()).await;
            if let Some(folder) = &mut folder {
                folder.look(&self).await;
            }
            if look % LOOKS == 0 {
                match self.sweep_plugins().await {
                    Ok(0) => {}
                    Ok(removed) => tracing::info!(removed, "plugins that no rule needs are gone"),
                    Err(error) => tracing::error!("old plugins cannot be removed: {error}"),
                }
            }
        }
    }
}
