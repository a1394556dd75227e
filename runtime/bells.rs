//! Wakes whoever waits for news of a customer, or of a kind of control object. A bell says that there is something, the store
//! says what.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::watch;

/// Rings for one name; several rings before somebody looks are one.
pub type Bell = watch::Receiver<()>;

/// One for each name that somebody listens for.
#[derive(Default)]
pub struct Bells(Mutex<HashMap<Box<str>, watch::Sender<()>>>);

impl Bells {
    /// Hears of everything from now on. To be had before the first look.
    pub fn listen(&self, name: &str) -> Bell {
        let mut bells = self.0.lock();
        bells.retain(|of, bell| **of == *name || bell.receiver_count() > 0);
        bells.entry(name.into()).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    pub fn ring(&self, name: &str) {
        if let Some(bell) = self.0.lock().get(name) {
            bell.send_replace(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_rings_for_its_customer_only_and_nobody_is_kept_who_went() {
        let bells = Bells::default();
        let (acme, beta) = (bells.listen("acme"), bells.listen("beta"));
        bells.ring("acme");
        assert!(acme.has_changed().expect("open") && !beta.has_changed().expect("open"));
        drop(acme);
        let _gamma = bells.listen("gamma");
        assert_eq!(bells.0.lock().len(), 2);
    }
}
