//! A house on a disk in memory, for tests: time is what they say, and syncs happen when they say.

use std::io;
use std::path::Path;
use std::sync::{Arc, mpsc};

use super::{Alert, House, Outlet, Submission, accept};
use crate::config::Config;
use crate::firewall::Reject;
use crate::message::{Address, Content, Message, MessageId, Timestamp};
use crate::route::{Current, Directory, PeerIndex};
use crate::store::keys::{OutboxKey, Partition};
use crate::store::memory::MemoryDisk;
use crate::store::writer::{Turn, Writer};
use crate::store::{Keeps, Opened, Queued, Store};

pub const NOW: Timestamp = Timestamp(1_700_000_000_000);
pub const DAY_MS: u64 = 86_400_000;
const SIM: PeerIndex = PeerIndex(0);

/// Nobody takes messages here.
struct Nobody;

impl Outlet for Nobody {
    fn offer(&self, _: Vec<Queued>) {}
    fn later(&self, _: &OutboxKey) {}
    fn expires(&self, _: &OutboxKey, _: Timestamp) {}
    fn withdraw(&self, _: &OutboxKey) -> bool {
        true
    }
    fn release(&self, _: &OutboxKey) {}
    fn give_back(&self, _: &OutboxKey, _: Timestamp) {}
    fn directory_changed(&self, _: Timestamp) -> io::Result<()> {
        Ok(())
    }
    fn alert(&self, _: PeerIndex, _: Alert) {}
}

pub struct Home {
    pub disk: MemoryDisk,
    pub house: Arc<House>,
    writer: Writer,
    tables: String,
}

impl Home {
    pub fn new(acme: &str, more: &str) -> Home {
        let tables = format!(
            "data_dir = \"d\"\nsmpp = {{ listen = \"127.0.0.1:0\", system_id = \"x\" }}\n\
             [[customer]]\nid = \"acme\"\nnumbers = [\"7001\"]\ndevices = [\"+4670*\"]\ninbox = true\n{acme}\n\
             [[customer]]\nid = \"beta\"\nnumbers = [\"7002\"]\ndevices = [\"+4670*\"]\ninbox = true\n\
             [[account]]\nsystem_id = \"sim\"\npassword = \"\"\nrole = \"network\"\n{more}"
        );
        Home::on(MemoryDisk::new(), tables)
    }

    fn on(disk: MemoryDisk, tables: String) -> Home {
        let (store, writer) = Store::open(Opened { keeps: Keeps::ALL, ..disk.open() }).expect("opens");
        let directory = Current::new(Directory::new(&Config::parse(&tables, Path::new("t")).expect("valid")));
        let house = House::new(directory, store, Arc::new(Nobody), NOW).expect("stands");
        Home { disk, house, writer, tables }
    }

    /// As after `kill -9`: what was not synced is gone.
    pub fn crash(self) -> Home {
        self.crash_with(str::to_owned)
    }

    /// And started with another config.
    pub fn crash_with(self, change: impl FnOnce(&str) -> String) -> Home {
        Home::on(self.disk, change(&self.tables))
    }

    /// Its config.
    pub fn tables(&self) -> String {
        self.tables.clone()
    }

    pub fn write(&mut self) {
        while self.writer.step() == Turn::Wrote {}
    }

    /// Whether it was accepted; None: nobody says so before the sync.
    pub fn submit(&self, text: &str, wish: u8, now: Timestamp) -> mpsc::Receiver<Result<MessageId, Reject>> {
        let message = Message {
            source: Address::Msisdn("46700000001".into()),
            destination: Address::ShortCode("7001".into()),
            content: Content { octets: text.as_bytes().to_vec().into(), ..Content::default() },
            received_at: now,
        };
        self.bring(message, wish, now)
    }

    /// As [`submit`](Self::submit), of any message.
    pub fn bring(&self, message: Message, wish: u8, now: Timestamp) -> mpsc::Receiver<Result<MessageId, Reject>> {
        let (told, verdict) = mpsc::channel();
        let submission = Submission { registered_delivery: wish, ..Submission::plain(message) };
        let answer = move |verdicts: Vec<((), _)>| verdicts.into_iter().for_each(|(_, result)| drop(told.send(result)));
        accept(&self.house, SIM, vec![((), submission)], now, answer);
        verdict
    }

    /// Messages of `acme` that wait in this queue.
    pub fn queued(&self, queue: &str) -> usize {
        let mut count = 0;
        self.house.store.each_queued(Partition::of("acme"), &queue.into(), |_| count += 1).expect("readable");
        count
    }

    pub fn accepted(&mut self, text: &str, now: Timestamp) -> MessageId {
        let verdict = self.submit(text, 0, now);
        self.write();
        verdict.try_recv().expect("told").expect("accepted")
    }
}
