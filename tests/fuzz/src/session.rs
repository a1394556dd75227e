//! A session against any peer: what it writes is SMPP, and every request gets exactly one response or the
//! session is over.
//!
//! The first octet says how our side behaves, the second in what pieces the rest arrives.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use wasmsc_smpp::*;

/// Timers and probes after which a session against a silent peer must be over. Five kinds of timer, some
/// of them several times, and a window of ten requests.
const DEADLINES_MAX: usize = 64;

/// `alert_notification` and `outbind` have no response (SMPP 3.4 §4.12.1, §4.1.7).
const WITHOUT_RESPONSE: [u32; 2] = [0x102, 0x0B];

/// How the embedder behaves.
#[derive(Clone, Copy)]
struct Manners(u8);

impl Manners {
    fn is_esme(self) -> bool {
        self.0 & 1 != 0
    }

    /// Requests are answered when the stream is over, not at once.
    fn answers_late(self) -> bool {
        self.0 & 2 != 0
    }

    fn rejects_binds(self) -> bool {
        self.0 & 4 != 0
    }

    fn sends_requests(self) -> bool {
        self.0 & 8 != 0
    }

    fn unbinds_at_the_end(self) -> bool {
        self.0 & 16 != 0
    }
}

struct Embedder {
    session: Session,
    manners: Manners,
    now: Instant,
    written: BytesMut,
    /// Requests of the peer that were not answered yet.
    late: Vec<(u32, CommandId)>,
    /// Requests of ours that wait for `Response` or `Expired`.
    waiting: BTreeSet<u32>,
    is_over: bool,
}

/// Feeds the octets to a session, then lets time pass until it ends.
pub fn session(octets: &[u8]) {
    let [manners, piece_octets, stream @ ..] = octets else { return };
    let manners = Manners(*manners);
    let mut embedder = Embedder::new(manners);
    let mut input = BytesMut::new();
    for piece in stream.chunks(usize::from(*piece_octets).max(1)) {
        input.extend_from_slice(piece);
        embedder.poll(&mut input);
        embedder.request();
    }
    embedder.answer_late_ones();
    embedder.poll(&mut input);
    let taken = &stream[..stream.len() - input.len()];
    embedder.judge(taken);
    if manners.unbinds_at_the_end() {
        embedder.session.unbind(embedder.now);
    }
    embedder.wait_for_the_end(&mut input);
    embedder.judge(taken);
}

impl Embedder {
    // A first instant has to come from somewhere; after that time moves by deadlines only.
    #[allow(clippy::disallowed_methods)]
    fn new(manners: Manners) -> Embedder {
        let now = Instant::now();
        let config = if manners.is_esme() { SessionConfig::esme() } else { SessionConfig::smsc() };
        let mut session = Session::new(config, now);
        if manners.is_esme() {
            session.bind(BindMode::Transceiver, Bind::default(), now);
        }
        let (late, waiting) = (Vec::new(), BTreeSet::new());
        Embedder { session, manners, now, written: BytesMut::new(), late, waiting, is_over: false }
    }

    fn poll(&mut self, input: &mut BytesMut) {
        while let Some(event) = self.session.poll(input, self.now) {
            assert!(!self.is_over, "{event:?} behind the end");
            self.handle(event);
        }
        self.written.extend_from_slice(&self.session.output().split());
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::BindRequest { .. } if self.manners.rejects_binds() => {
                self.session.reject_bind(CommandStatus::ESME_RBINDFAIL);
            }
            Event::BindRequest { .. } => self.session.accept_bind(b"smsc"),
            Event::Request { sequence_number, body, raw } => {
                assert_eq!(decode(raw).map(|pdu| pdu.body).as_ref(), Ok(&body));
                let request = (sequence_number, body.command_id());
                if self.manners.answers_late() { self.late.push(request) } else { self.answer(request) }
            }
            Event::Response { sequence_number, .. } | Event::Expired { sequence_number } => {
                assert!(self.waiting.remove(&sequence_number), "{sequence_number} was resolved twice");
            }
            Event::Closed(reason) => {
                assert_eq!(self.session.close_reason(), Some(reason));
                self.is_over = true;
            }
            Event::Bound { .. } | Event::BindRefused { .. } | Event::Unbound => {}
            Event::Alert(_) | Event::Outbind(_) => {}
        }
    }

    fn answer(&mut self, (sequence_number, command_id): (u32, CommandId)) {
        let body = match command_id {
            CommandId::SUBMIT_SM | CommandId::DELIVER_SM | CommandId::DATA_SM => {
                return self.session.respond_sm(sequence_number, command_id, CommandStatus::ESME_ROK, b"1");
            }
            CommandId::SUBMIT_MULTI => Body::SubmitMultiResp(SubmitMultiResp::default()),
            CommandId::QUERY_SM => Body::QuerySmResp(QuerySmResp::default()),
            CommandId::CANCEL_SM => Body::CancelSmResp,
            CommandId::REPLACE_SM => Body::ReplaceSmResp,
            CommandId::BROADCAST_SM => Body::BroadcastSmResp(SmResp::default()),
            CommandId::QUERY_BROADCAST_SM => Body::QueryBroadcastSmResp(SmResp::default()),
            CommandId::CANCEL_BROADCAST_SM => Body::CancelBroadcastSmResp,
            other => panic!("{other} is no request an embedder sees"),
        };
        self.session.respond(sequence_number, CommandStatus::ESME_ROK, body);
    }

    fn answer_late_ones(&mut self) {
        for request in std::mem::take(&mut self.late) {
            self.answer(request);
        }
    }

    fn request(&mut self) {
        if !self.manners.sends_requests() {
            return;
        }
        let body = if self.manners.is_esme() { Body::SubmitSm } else { Body::DeliverSm };
        if let Ok(sequence_number) = self.session.request(body(Sm::default()), self.now) {
            assert!(self.waiting.insert(sequence_number), "{sequence_number} was given twice");
        }
        self.written.extend_from_slice(&self.session.output().split());
    }

    /// Nothing comes any more: the session must probe, wait and end.
    fn wait_for_the_end(&mut self, input: &mut BytesMut) {
        for _ in 0..DEADLINES_MAX {
            let Some(deadline) = self.session.next_deadline() else {
                return assert!(self.is_over, "nothing is due, nothing is over");
            };
            self.now = self.now.max(deadline);
            self.session.on_deadline(self.now);
            self.poll(input);
        }
        panic!("still open: {:?}", self.session);
    }

    /// What was written so far, against what was taken.
    fn judge(&self, taken: &[u8]) {
        let mut answers = BTreeMap::<u32, usize>::new();
        let mut written = self.written.clone();
        while !written.is_empty() {
            let frame = next_frame(&mut written, PDU_MAX_OCTETS).expect("we write right lengths").expect("whole PDUs");
            let pdu = decode(frame.clone()).expect("we write what we read");
            assert!(!matches!(pdu.body, Body::Unknown(_)), "we write {:?}", pdu.body.command_id());
            let mut again = BytesMut::new();
            encode(&pdu, &mut again);
            assert_eq!(again, frame);
            if pdu.body.command_id().is_response() {
                *answers.entry(pdu.sequence_number).or_default() += 1;
            }
        }
        let mut wanted = wanted(taken);
        if let Some(CloseReason::BadFrame(_)) = self.session.close_reason() {
            // Answered with number 0 (SMPP 3.4 §4.3); its octets are never taken.
            *wanted.entry(0).or_default() += 1;
        }
        for (sequence_number, count) in &answers {
            let wanted = wanted.get(sequence_number).copied().unwrap_or_default();
            assert!(*count <= wanted, "{count} responses to {wanted} requests with number {sequence_number}");
        }
        if !self.is_over {
            assert_eq!(answers, wanted, "not every request has its response");
        }
    }
}

/// How many responses each sequence number asks for, over whole PDUs only.
fn wanted(taken: &[u8]) -> BTreeMap<u32, usize> {
    let mut wanted = BTreeMap::new();
    let mut rest = Bytes::copy_from_slice(taken);
    while let Some(head) = rest.get(..16) {
        let word = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().expect("four octets"));
        let (octets, command_id, sequence_number) = (word(0) as usize, CommandId(word(4)), word(12));
        let is_unknown = command_id.name().is_none();
        if (!command_id.is_response() && !WITHOUT_RESPONSE.contains(&command_id.0)) || is_unknown {
            *wanted.entry(sequence_number).or_default() += 1;
        }
        rest = rest.slice(octets..);
    }
    wanted
}
