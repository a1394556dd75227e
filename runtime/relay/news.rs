//! Telling customers what happens to them as it happens: who listens for it, and the lines that their rules log.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::House;
use crate::bells::{Bell, Bells};
use crate::feed::{About, Level, Line};
use crate::message::{Address, MessageId, Timestamp};
use crate::plugin::RuleLog;
use crate::route::{Changes, CustomerIndex, RuleIndex};
use crate::slots::Slots;
use crate::store::{InboxRecord, Store};

/// Lines of rules that a customer is told in a second; the server's own log has all of them.
const LINES_PER_SEC: u32 = 50;

/// What telling customers takes beside the store.
pub struct News {
    bells: Arc<Bells>,
    /// By the kind of control object.
    changes: Arc<Bells>,
    hooks: watch::Sender<()>,
    lines: Slots<Mutex<Lines>>,
}

impl News {
    pub fn new(store: &Store) -> News {
        let bells = Arc::<Bells>::default();
        let ringing = bells.clone();
        store.on_told(Box::new(move |customer| ringing.ring(customer)));
        let changes = Arc::<Bells>::default();
        let ringing = changes.clone();
        store.on_changed(Box::new(move |kind| ringing.ring(kind)));
        News { bells, changes, hooks: watch::Sender::new(()), lines: Slots::default() }
    }
}

/// What a customer's rules logged in the present second.
#[derive(Default)]
struct Lines {
    second: u64,
    taken: u32,
    dropped: u32,
}

impl Lines {
    /// How many were dropped in an earlier second, if nobody was told of them yet.
    fn turn(&mut self, at: Timestamp) -> u32 {
        let second = at.0 / 1_000;
        if second <= self.second {
            return 0;
        }
        (self.second, self.taken) = (second, 0);
        std::mem::take(&mut self.dropped)
    }

    /// Whether one more may be told.
    fn take(&mut self) -> bool {
        let may = self.taken < LINES_PER_SEC;
        if may {
            self.taken += 1
        } else {
            self.dropped = self.dropped.saturating_add(1)
        }
        may
    }
}

impl House {
    /// Rings when the customer has been told something; that is durable then.
    pub fn bell(&self, customer: &str) -> Bell {
        self.news.bells.listen(customer)
    }

    /// Rings when a control object of this kind has changed or is gone.
    pub fn bell_of_changes(&self, kind: &str) -> Bell {
        self.news.changes.listen(kind)
    }

    /// Hears of every change of a webhook, and of what it still has to tell.
    pub fn hook_changes(&self) -> Changes {
        self.news.hooks.subscribe()
    }

    pub fn hooks_changed(&self) {
        self.news.hooks.send_replace(());
    }

    /// Where the log of a call goes beside the server's own; nowhere, where nobody is told anything.
    pub(super) fn rule_log(
        self: &Arc<Self>,
        rule: RuleIndex,
        id: MessageId,
        record: &InboxRecord,
    ) -> Option<Arc<dyn RuleLog>> {
        let customer = self.directory().customer_named(&record.customer)?;
        let (device, attempt) = (record.message.source.clone(), record.attempts + 1);
        let log =
            Log { house: self.clone(), customer, rule: self.directory().rule_name(rule).into(), id, device, attempt };
        self.store.keeps().events.then(|| Arc::new(log) as Arc<dyn RuleLog>)
    }

    fn tell_lines(&self, customer: CustomerIndex, at: Timestamp, line: Option<Line>) {
        let (dropped, is_taken) = {
            let mut lines = self.news.lines.at(customer.0).lock();
            (lines.turn(at), line.is_some() && lines.take())
        };
        let id = self.directory().customer_at(customer).id.clone();
        let dropped = (dropped > 0).then_some(About::LinesDropped(dropped));
        let line = line.filter(|_| is_taken).map(|line| About::Log(Box::new(line)));
        for about in dropped.into_iter().chain(line) {
            if let Err(failed) = self.store.tell(&id, at, || about) {
                tracing::debug!(customer = &*id, "a line of a rule is not told: {failed}");
            }
        }
    }

    /// Tells of lines that were too many, when no later line does.
    pub(super) fn tell_dropped_lines(&self, now: Timestamp) {
        let customers: Vec<CustomerIndex> = self.directory().customers().map(|(index, _)| index).collect();
        customers.into_iter().for_each(|customer| self.tell_lines(customer, now, None));
    }
}

struct Log {
    house: Arc<House>,
    customer: CustomerIndex,
    rule: Box<str>,
    id: MessageId,
    device: Address,
    attempt: u32,
}

impl RuleLog for Log {
    fn line(&self, at: Timestamp, level: Level, text: &str, fields: &[(String, String)]) {
        let fields = fields.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect();
        let (rule, id, device, attempt) = (self.rule.clone(), self.id, self.device.clone(), self.attempt);
        let line = Line { rule, id, device, attempt, level, text: text.into(), fields };
        self.house.tell_lines(self.customer, at, Some(line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_lines_and_the_next_one_tells_how_many_were_too_many() {
        let mut lines = Lines::default();
        assert_eq!(lines.turn(Timestamp(1_000)), 0);
        assert_eq!((0..LINES_PER_SEC + 7).filter(|_| lines.take()).count() as u32, LINES_PER_SEC);
        assert_eq!((lines.turn(Timestamp(1_999)), lines.take()), (0, false));
        assert_eq!((lines.turn(Timestamp(2_000)), lines.take()), (8, true));
        assert_eq!(lines.turn(Timestamp(9_000)), 0);
    }
}
