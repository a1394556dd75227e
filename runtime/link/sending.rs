//! What a link has sent and not heard of yet: whole messages, and long ones part by part.
//!
//! Also how fast it may send: a peer that says it is throttled or full gets a pause, and what it refused
//! waits here until then, so that it goes out first and in order.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use wasmsc_smpp::{Body, CommandStatus, Sm};

use super::translate;
use crate::bucket::Bucket;
use crate::relay::Answer;
use crate::retry::ErrorClass;
use crate::route::Peer;
use crate::store::{Queued, Taken};

/// A pause is no shorter, whatever the config says: a peer that refuses is not asked without end.
const PAUSE_SHORTEST: Duration = Duration::from_millis(200);

pub struct Sending {
    /// Whose ids the responses have, and whether receipts will name them.
    centre: Arc<str>,
    sends_receipts: bool,
    /// By sequence_number.
    in_flight: HashMap<u32, InFlight>,
    open: HashMap<u64, Open>,
    next_open: u64,
    /// Parts that wait for room in the window.
    unsent: VecDeque<(u64, u8, Sm)>,
    /// What a throttled peer refused.
    held: Vec<Queued>,
    paused_until: Option<Instant>,
    /// Pauses one after the other, from the config's `retry.throttled`, and how many there were in a row.
    pauses: Arc<[u64]>,
    paused: usize,
    bucket: Option<Bucket>,
}

#[expect(clippy::large_enum_variant, reason = "nearly all are whole, and a box for each would cost more")]
enum InFlight {
    Whole(Queued),
    Part { open: u64, number: u8 },
}

/// A long message, some parts of which are sent.
struct Open {
    queued: Queued,
    /// Parts without an answer, the unsent ones among them.
    waiting: usize,
    taken: Vec<Taken>,
    refused: Option<(ErrorClass, u16, String)>,
}

/// A part that may be sent, with what names it.
pub type Unsent = (u64, u8, Sm);

/// Of a link that is not bound yet.
impl Default for Sending {
    fn default() -> Sending {
        Sending {
            centre: "".into(),
            sends_receipts: false,
            in_flight: HashMap::new(),
            open: HashMap::new(),
            next_open: 0,
            unsent: VecDeque::new(),
            held: Vec::new(),
            paused_until: None,
            pauses: [].into(),
            paused: 0,
            bucket: None,
        }
    }
}

impl Sending {
    /// `pauses`: how long to wait when the peer is throttled, in seconds. `bucket`: how fast we may send.
    pub fn to(peer: &Peer, pauses: &[u64], bucket: Option<Bucket>) -> Sending {
        let pauses = pauses.into();
        Sending {
            pauses,
            centre: peer.centre.clone(),
            sends_receipts: peer.sends_receipts,
            bucket,
            ..Sending::default()
        }
    }

    pub fn len(&self) -> usize {
        self.in_flight.len()
    }

    /// Nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.open.is_empty()
    }

    pub fn sent_whole(&mut self, sequence_number: u32, queued: Queued) {
        self.in_flight.insert(sequence_number, InFlight::Whole(queued));
    }

    /// A long message: its parts are sent as there is room.
    pub fn begin(&mut self, queued: Queued, parts: Vec<(u8, Sm)>) {
        let id = self.next_open;
        self.next_open += 1;
        let open = Open { queued, waiting: parts.len(), taken: Vec::new(), refused: None };
        self.open.insert(id, open);
        self.unsent.extend(parts.into_iter().map(|(number, sm)| (id, number, sm)));
    }

    pub fn next_part(&mut self) -> Option<Unsent> {
        self.unsent.pop_front()
    }

    pub fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    pub fn sent_part(&mut self, sequence_number: u32, (open, number): (u64, u8)) {
        self.in_flight.insert(sequence_number, InFlight::Part { open, number });
    }

    /// A part that could not be sent at all.
    pub fn part_failed(&mut self, open: u64, (class, why): (ErrorClass, String)) -> Option<(Queued, Answer)> {
        self.part_answered(open, Err((class, 0, why)))
    }

    /// The peer answered, or did not in time (None). Yields a message when all of it is answered.
    pub fn answered(
        &mut self,
        sequence_number: u32,
        answer: Option<(CommandStatus, &Body)>,
        now: Instant,
    ) -> Option<(Queued, Answer)> {
        let sent = self.in_flight.remove(&sequence_number)?;
        let result = judge(answer);
        match &result {
            Err((ErrorClass::Throttled, ..)) => self.slow_down(now),
            Ok(_) => self.paused = 0,
            Err(_) => {}
        }
        match sent {
            InFlight::Part { open, number } => {
                let result = result.map(|id| self.taken(number, id));
                self.part_answered(open, result)
            }
            InFlight::Whole(queued) => match result {
                Ok(id) => {
                    let taken = self.taken(1, id);
                    Some((queued, Answer::Taken(vec![taken])))
                }
                Err((ErrorClass::Throttled, ..)) => {
                    self.held.push(queued);
                    None
                }
                Err((class, error, why)) => Some((queued, Answer::Refused { class, error, why, taken: Vec::new() })),
            },
        }
    }

    fn taken(&self, number: u8, id: Bytes) -> Taken {
        Taken { number, centre: self.centre.clone(), id, has_receipt: self.sends_receipts }
    }

    fn part_answered(&mut self, id: u64, result: Result<Taken, (ErrorClass, u16, String)>) -> Option<(Queued, Answer)> {
        let open = self.open.get_mut(&id)?;
        open.waiting -= 1;
        match result {
            Ok(taken) => open.taken.push(taken),
            Err(refused) => {
                // The others would be of no use to the receiver, for now or for ever.
                let before = self.unsent.len();
                self.unsent.retain(|(of, ..)| *of != id);
                open.waiting -= before - self.unsent.len();
                let is_worse = open.refused.as_ref().is_none_or(|(class, ..)| *class < refused.0);
                if is_worse {
                    open.refused = Some(refused);
                }
            }
        }
        if open.waiting > 0 {
            return None;
        }
        let Open { mut queued, taken, refused, .. } = self.open.remove(&id)?;
        match refused {
            None => Some((queued, Answer::Taken(taken))),
            Some((ErrorClass::Throttled, ..)) => {
                queued.record.taken.extend(taken);
                self.held.push(queued);
                None
            }
            Some((class, error, why)) => Some((queued, Answer::Refused { class, error, why, taken })),
        }
    }

    fn slow_down(&mut self, now: Instant) {
        if self.paused_until.is_none_or(|until| until <= now) {
            let secs = self.pauses.get(self.paused).or(self.pauses.last()).copied().unwrap_or(1);
            self.paused += 1;
            self.paused_until = now.checked_add(Duration::from_secs(secs).max(PAUSE_SHORTEST));
        }
    }

    pub fn is_paused(&self, now: Instant) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }

    /// The pause is over, or nothing more comes back: what was refused goes to the front again, in order.
    pub fn release_held(&mut self, now: Instant) -> Option<Vec<Queued>> {
        if !self.held.is_empty() && (!self.is_paused(now) || self.in_flight.is_empty()) {
            self.held.sort_by(|a, b| a.key.cmp(&b.key));
            return Some(std::mem::take(&mut self.held));
        }
        None
    }

    /// Forgets a pause that is over; true when there was one.
    pub fn end_pause(&mut self, now: Instant) -> bool {
        let is_over = self.paused_until.is_some_and(|until| until <= now);
        if is_over {
            self.paused_until = None;
        }
        is_over
    }

    /// How many messages may be sent now, by the rate.
    pub fn allowed(&mut self, now: Instant) -> usize {
        self.bucket.as_mut().map_or(usize::MAX, |bucket| bucket.available(now))
    }

    pub fn spend(&mut self, now: Instant) {
        if let Some(bucket) = &mut self.bucket {
            bucket.take(now);
        }
    }

    /// When sending may go on that cannot now.
    pub fn next_deadline(&self) -> Option<Instant> {
        let next_token = || self.bucket.as_ref().filter(|_| self.is_starved()).and_then(Bucket::next_token);
        // Tokens that come in a pause are of no use before its end.
        self.paused_until.or_else(next_token)
    }

    fn is_starved(&self) -> bool {
        self.bucket.as_ref().is_some_and(|bucket| bucket.is_empty())
    }

    /// Everything that nobody answered for.
    pub fn unsettled(&mut self) -> Vec<Queued> {
        let mut unsettled = std::mem::take(&mut self.held);
        unsettled.extend(self.in_flight.drain().filter_map(|(_, sent)| match sent {
            InFlight::Whole(queued) => Some(queued),
            InFlight::Part { .. } => None,
        }));
        unsettled.extend(self.open.drain().map(|(_, mut open)| {
            open.queued.record.taken.append(&mut open.taken);
            open.queued
        }));
        self.unsent.clear();
        unsettled.sort_by(|a, b| a.key.cmp(&b.key));
        unsettled
    }
}

/// The peer's id of what it took, or why it did not.
fn judge(answer: Option<(CommandStatus, &Body)>) -> Result<Bytes, (ErrorClass, u16, String)> {
    let Some((command_status, body)) = answer else {
        return Err((ErrorClass::NoResponse, 0, "no response in time".into()));
    };
    if command_status.is_ok() {
        return Ok(match body {
            Body::SubmitSmResp(resp) | Body::DeliverSmResp(resp) | Body::DataSmResp(resp) => {
                Bytes::copy_from_slice(&resp.message_id)
            }
            _ => Bytes::new(),
        });
    }
    let class = translate::error_class(command_status, body.tlvs());
    let error = u16::try_from(command_status.0).unwrap_or(u16::MAX);
    Err((class, error, format!("the peer answered {command_status}")))
}
