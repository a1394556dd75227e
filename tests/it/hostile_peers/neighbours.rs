//! Good peers of another customer, which exchange messages through the server while a test runs.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use wasmsc::clock;
use wasmsc_smpp::{BindMode, CommandStatus};

use crate::support::PATIENCE;
use crate::support::client::Client;

/// Longest that a message may take from one good peer to the other.
const MESSAGE_TIME_MAX: Duration = Duration::from_secs(1);
/// Pause between rounds, in which nothing may come: what came would be a message twice.
const PAUSE: Duration = Duration::from_millis(20);
const DEVICE: &str = "+46730000001";

pub struct Neighbours {
    /// Rounds that are over.
    rounds: watch::Receiver<u32>,
    task: JoinHandle<()>,
}

impl Neighbours {
    pub async fn new(smpp: SocketAddr) -> Neighbours {
        let bind = |name| Client::connect_and_bind(smpp, name, "secret", BindMode::Transceiver);
        let mut network = bind("sat").await.expect("the account is in the config");
        let mut application = bind("desk").await.expect("the account is in the config");
        let (done, rounds) = watch::channel(0);
        let task = tokio::spawn(async move {
            while !done.is_closed() {
                let round = *done.borrow() + 1;
                carry(&mut network, &mut application, (DEVICE, "7002"), round).await;
                carry(&mut application, &mut network, ("7002", DEVICE), round).await;
                // An answer to enquire_link is due on both sides now and then, which these waits give.
                assert_eq!(network.next_delivery(PAUSE).await, None);
                assert_eq!(application.next_delivery(PAUSE).await, None);
                done.send_replace(round);
            }
        });
        Neighbours { rounds, task }
    }

    /// They are served still, and were all the time.
    pub async fn are_well(mut self) {
        let now = *self.rounds.borrow();
        // Two more: the first may have begun before what the test did.
        let is_served = {
            let served = tokio::time::timeout(PATIENCE, self.rounds.wait_for(|rounds| *rounds >= now + 2));
            matches!(served.await, Ok(Ok(_)))
        };
        drop(self.rounds);
        self.task.await.expect("no message of a good peer was late, lost or changed");
        assert!(is_served, "good peers get nothing through any more");
    }
}

async fn carry(from: &mut Client, to: &mut Client, (source, dest): (&str, &str), round: u32) {
    let text = format!("round {round}");
    let start = clock::instant();
    let (status, _) = from.submit(source, dest, &text).await;
    assert_eq!(status, CommandStatus::ESME_ROK);
    let delivery = to.next_delivery(PATIENCE).await.expect("a message of a good peer is carried");
    let took = clock::instant() - start;
    assert_eq!((&*delivery.text, &*delivery.source, &*delivery.dest), (&*text, source, dest));
    assert!(took < MESSAGE_TIME_MAX, "a message of a good peer took {took:?}");
}
