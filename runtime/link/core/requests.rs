//! What a peer asks of us, and what it hears.

use bytes::Bytes;
use wasmsc_smpp::receipt::MessageState;
use wasmsc_smpp::text::Alphabet;
use wasmsc_smpp::{
    Body, CancelSm, CommandId, CommandStatus, Destination, InterfaceVersion, QuerySm, QuerySmResp, ReplaceSm, Sm,
    SubmitMulti, SubmitMultiResp, Tlv, Unsuccess, time, tlv::tag,
};

use super::{LinkCore, Now, PENDING_MAX, status_of};
use crate::link::mailbox::{Outcome, Request};
use crate::link::translate::{self, Incoming, Untranslatable};
use crate::message::{Address, MessageId, Timestamp};
use crate::relay::{self, Cancel, NotDone, PeerReceipt, Query, Replace, Submission};
use crate::route::PeerIndex;
use crate::tracking::Tracked;

/// What came in one turn and needs the store.
#[derive(Default)]
pub struct Requests {
    submissions: Vec<(Request, Submission)>,
    others: Vec<(Request, Other)>,
    pub octets: usize,
}

enum Other {
    Receipt(PeerReceipt),
    Cancel(Cancel),
    Replace(Replace),
}

impl Requests {
    pub fn len(&self) -> usize {
        self.submissions.len() + self.others.len()
    }
}

/// A submit_multi some of whose destinations have no answer yet.
pub struct Multi {
    request: Request,
    waiting: usize,
    message_id: Option<MessageId>,
    destinations: Vec<Destination>,
    unsuccess: Vec<Unsuccess>,
}

type Asked<T> = Result<T, Untranslatable>;

impl LinkCore {
    pub(super) fn asked(&mut self, sequence_number: u32, body: Body, octets: usize, now: Now, into: &mut Requests) {
        let request = Request { sequence_number, command_id: body.command_id(), octets, multi: None, sets_dpf: false };
        match self.read(request, body, now, into) {
            Ok(()) => {}
            Err(Untranslatable { command_status, why }) => {
                tracing::warn!(peer = %self.address, account = self.account_name(), "refused: {why}");
                self.respond(request, Err(command_status));
            }
        }
    }

    fn read(&mut self, request: Request, body: Body, now: Now, into: &mut Requests) -> Asked<()> {
        let refused = |command_status, why: &str| Err(Untranslatable { command_status, why: why.into() });
        if self.draining {
            return refused(CommandStatus::ESME_RSYSERR, "the house closes"); // the peer keeps its message
        }
        match body {
            Body::SubmitSm(sm) | Body::DeliverSm(sm) => self.submitted(request, sm, now, into),
            Body::DataSm(data) => {
                let mut sm = translate::of_data_sm(data);
                // Of a network's wishes only a receipt is heard.
                if self.config().is_some_and(|peer| peer.customer.is_some()) {
                    translate::take_time_to_live(&mut sm, now.timestamp);
                }
                self.submitted(request, sm, now, into)
            }
            Body::SubmitMulti(multi) => self.submitted_multi(request, multi, now, into),
            Body::QuerySm(query) => self.queried(request, query, now.timestamp),
            Body::CancelSm(cancel) => {
                let cancel = self.cancel(cancel)?;
                into.push(request, Other::Cancel(cancel));
                Ok(())
            }
            Body::ReplaceSm(replace) => {
                let replace = self.replace(replace, now.timestamp)?;
                into.push(request, Other::Replace(replace));
                Ok(())
            }
            Body::BroadcastSm(_) => refused(CommandStatus::ESME_RPROHIBITED, "broadcasts are not offered"),
            Body::QueryBroadcastSm(_) => refused(CommandStatus::ESME_RBCASTQUERYFAIL, "broadcasts are not offered"),
            Body::CancelBroadcastSm(_) => refused(CommandStatus::ESME_RBCASTCANCELFAIL, "broadcasts are not offered"),
            _ => refused(CommandStatus::ESME_RINVCMDID, "not a request for an SMSC"),
        }
    }

    fn submitted(&mut self, request: Request, sm: Sm, now: Now, into: &mut Requests) -> Asked<()> {
        let peer = self.config().filter(|peer| peer.customer.is_some() && translate::relays(peer, tag::SET_DPF));
        let request = Request { sets_dpf: peer.is_some() && sm.tlvs.octet(tag::SET_DPF) == Some(1), ..request };
        match self.incoming(&sm, request, now)? {
            Incoming::Message(submission) => {
                self.may_submit(now)?;
                into.octets += request.octets;
                into.submissions.push((request, *submission));
            }
            Incoming::Receipt(receipt) => into.push(request, Other::Receipt(receipt)),
        }
        Ok(())
    }

    fn may_submit(&self, now: Now) -> Asked<()> {
        let (Some(index), Some(peer)) = (self.peer, self.config()) else { return Ok(()) };
        if peer.is_gone() {
            let why = "its account is gone".into();
            return Err(Untranslatable { command_status: CommandStatus::ESME_RINVSYSID, why });
        }
        // The rate of an upstream is for what we submit to it.
        let rate = peer.rate.filter(|_| peer.upstream.is_none());
        if self.shared.limits.may_submit(index, rate, now.instant) {
            return Ok(());
        }
        let why = "above messages_per_sec".into();
        Err(Untranslatable { command_status: CommandStatus::ESME_RTHROTTLED, why })
    }

    fn incoming(&self, sm: &Sm, request: Request, now: Now) -> Asked<Incoming> {
        let directory = &self.shared.house.directory();
        let peer = self.config().ok_or_else(|| Untranslatable {
            command_status: CommandStatus::ESME_RINVBNDSTS,
            why: "not bound".into(),
        })?;
        let came_as = (request.command_id, request.sequence_number);
        translate::incoming(sm, came_as, directory, &peer, now.timestamp)
    }

    /// One submission for each destination; the response comes when all of them are settled.
    fn submitted_multi(&mut self, request: Request, multi: SubmitMulti, now: Now, into: &mut Requests) -> Asked<()> {
        if multi.dest_addresses.is_empty() {
            let why = "submit_multi without a destination".into();
            return Err(Untranslatable { command_status: CommandStatus::ESME_RINVNUMDESTS, why });
        }
        let template = translate::of_submit_multi(&multi);
        let id = self.next_multi;
        self.next_multi += 1;
        let is_application = self.config().is_some_and(|peer| peer.customer.is_some());
        let mut refused = Vec::new();
        let (count, mut siblings) = (multi.dest_addresses.len(), 0);
        for (index, destination) in (0..=u8::MAX).zip(&multi.dest_addresses) {
            // Each is a message of its own by now, and takes as much memory.
            let part = Request { multi: Some((id, index)), ..request };
            match self.submitted_to(&template, destination, part, now) {
                Ok(mut submission) => {
                    // The first one that gets this far leads, or another request's message would.
                    submission.sibling = if is_application { siblings } else { 0 };
                    siblings += 1;
                    into.octets += part.octets;
                    into.submissions.push((part, submission));
                }
                Err(error) => refused.push((part, Err(error.command_status))),
            }
        }
        let destinations = multi.dest_addresses;
        self.multis
            .insert(id, Multi { request, waiting: count, message_id: None, destinations, unsuccess: Vec::new() });
        refused.into_iter().for_each(|(part, outcome)| self.respond(part, outcome));
        Ok(())
    }

    fn submitted_to(&self, template: &Sm, destination: &Destination, request: Request, now: Now) -> Asked<Submission> {
        let Destination::Address { ton, npi, address } = destination else {
            let why = "there are no distribution lists".into();
            return Err(Untranslatable { command_status: CommandStatus::ESME_RINVDLNAME, why });
        };
        let sm = Sm { dest_addr_ton: *ton, dest_addr_npi: *npi, destination_addr: address.clone(), ..template.clone() };
        match self.incoming(&sm, request, now)? {
            Incoming::Message(submission) => self.may_submit(now).map(|()| *submission),
            Incoming::Receipt(_) => {
                let why = "a receipt in a submit_multi".into();
                Err(Untranslatable { command_status: CommandStatus::ESME_RINVESMCLASS, why })
            }
        }
    }

    fn queried(&mut self, request: Request, query: QuerySm, now: Timestamp) -> Asked<()> {
        let (peer, id) = (self.application()?, message_id(&query.message_id)?);
        let source = self.address(query.source_addr_ton, &query.source_addr, CommandStatus::ESME_RINVSRCADR)?;
        let found = relay::query(&self.shared.house, peer, &Query { id, source });
        let tracked = found.map_err(|not_done| not_done_as(&not_done, CommandStatus::ESME_RQUERYFAIL))?;
        let final_date = tracked.done_at.map(|at| Bytes::copy_from_slice(&time::format_absolute(at.0)));
        let resp = QuerySmResp {
            message_id: query.message_id,
            final_date: final_date.unwrap_or_default(),
            message_state: self.state_of(&tracked, now),
            error_code: u8::try_from(tracked.error).unwrap_or(u8::MAX),
        };
        self.session.respond(request.sequence_number, CommandStatus::ESME_ROK, Body::QuerySmResp(resp));
        Ok(())
    }

    /// SCHEDULED came with SMPP 5.0, and ends with the waiting.
    fn state_of(&self, tracked: &Tracked, now: Timestamp) -> u8 {
        let is_known = self.session.peer_version() == Some(InterfaceVersion::V5_0);
        let is_waiting = tracked.waits.as_ref().is_some_and(|waits| now < waits.due);
        match tracked.state() {
            MessageState::Scheduled if !is_known || !is_waiting => MessageState::Enroute.octet(),
            state => state.octet(),
        }
    }

    fn cancel(&self, cancel: CancelSm) -> Asked<Cancel> {
        self.application()?;
        let id = if cancel.message_id.is_empty() { None } else { Some(message_id(&cancel.message_id)?) };
        let destination =
            self.address(cancel.dest_addr_ton, &cancel.destination_addr, CommandStatus::ESME_RINVDSTADR)?;
        Ok(Cancel {
            id,
            source: self.address(cancel.source_addr_ton, &cancel.source_addr, CommandStatus::ESME_RINVSRCADR)?,
            destination,
            service_type: cancel.service_type,
        })
    }

    fn replace(&self, replace: ReplaceSm, now: Timestamp) -> Asked<Replace> {
        self.application()?;
        let sm = Sm { short_message: replace.short_message, tlvs: replace.tlvs, ..Sm::default() };
        if replace.sm_default_msg_id != 0 {
            let why = "predefined messages are not offered".into();
            return Err(Untranslatable { command_status: CommandStatus::ESME_RINVDFTMSGID, why });
        }
        let alphabet = self.config().map_or(Alphabet::Gsm, |peer| peer.default_alphabet);
        let schedule = &replace.schedule_delivery_time;
        Ok(Replace {
            id: message_id(&replace.message_id)?,
            source: self.address(replace.source_addr_ton, &replace.source_addr, CommandStatus::ESME_RINVSRCADR)?,
            schedule: translate::at(schedule, CommandStatus::ESME_RINVSCHED, now)?,
            expires: translate::at(&replace.validity_period, CommandStatus::ESME_RINVEXPIRY, now)?,
            registered_delivery: replace.registered_delivery.0,
            octets: Bytes::copy_from_slice(sm.payload()),
            text: translate::from_peer_alphabet(&sm, alphabet),
        })
    }

    fn application(&self) -> Asked<PeerIndex> {
        let is_application = self.config().is_some_and(|peer| peer.customer.is_some());
        self.peer.filter(|_| is_application).ok_or_else(|| Untranslatable {
            command_status: CommandStatus::ESME_RPROHIBITED,
            why: "only applications have messages to ask for".into(),
        })
    }

    fn address(&self, ton: wasmsc_smpp::Ton, octets: &[u8], or: CommandStatus) -> Asked<Option<Address>> {
        let directory = &self.shared.house.directory();
        self.config().map_or(Ok(None), |peer| translate::optional_address(directory, &peer, ton, octets, or))
    }

    // ---- to the relay and back ------------------------------------------------------------------

    pub(super) fn hand_over(&mut self, requests: Requests, now: Timestamp) {
        let Some(peer) = self.peer else { return };
        self.pending += requests.len();
        self.pending_octets += requests.octets;
        let house = &self.shared.house;
        if !requests.submissions.is_empty() {
            let mailbox = self.mailbox.clone();
            relay::accept(house, peer, requests.submissions, now, move |verdicts| {
                let outcome =
                    |result: Result<MessageId, _>| result.map(Some).map_err(|r| translate::command_status(&r));
                mailbox.put(verdicts.into_iter().map(|(request, result)| (request, outcome(result))).collect());
            });
        }
        for (request, other) in requests.others {
            let mailbox = self.mailbox.clone();
            let done = move |outcome: Outcome| mailbox.put(vec![(request, outcome)]);
            match other {
                Other::Receipt(receipt) => relay::receipt(house, peer, &receipt, now, move |result| {
                    done(result.map(|()| None).map_err(|reject| translate::command_status(&reject)));
                }),
                Other::Cancel(cancel) => relay::cancel(house, peer, &cancel, now, move |result| {
                    done(done_or(result, CommandStatus::ESME_RCANCELFAIL));
                }),
                Other::Replace(replace) => relay::replace(house, peer, replace, now, move |result| {
                    done(done_or(result, CommandStatus::ESME_RREPLACEFAIL));
                }),
            }
        }
    }

    pub(super) fn take_outcomes(&mut self) {
        let outcomes = self.mailbox.empty();
        self.pending -= outcomes.len();
        if !outcomes.is_empty() {
            let load = 99 * self.pending / PENDING_MAX;
            self.session.set_congestion_state(u8::try_from(load).unwrap_or(99));
        }
        for (request, outcome) in outcomes {
            self.pending_octets -= request.octets;
            self.respond(request, outcome);
        }
    }

    fn respond(&mut self, request: Request, outcome: Outcome) {
        if let Some((multi, index)) = request.multi {
            return self.respond_multi(multi, index, outcome);
        }
        let (status, number) = (status_of(&outcome), request.sequence_number);
        let id = outcome.ok().flatten();
        match request.command_id {
            CommandId::SUBMIT_SM | CommandId::DATA_SM => {
                let id = id.map(|id| id.to_string()).unwrap_or_default();
                if request.sets_dpf && status.is_ok() && self.tells_dpf(request.command_id) {
                    let set = Tlv { tag: tag::DPF_RESULT, value: Bytes::from_static(&[1]) };
                    return self.session.respond_sm_with(
                        number,
                        request.command_id,
                        id.into(),
                        [set].into_iter().collect(),
                    );
                }
                self.session.respond_sm(number, request.command_id, status, id.as_bytes());
            }
            // deliver_sm_resp has an unused message_id (SMPP 3.4 §4.6.2).
            CommandId::DELIVER_SM => self.session.respond_sm(number, request.command_id, status, b""),
            CommandId::CANCEL_SM => self.session.respond(number, status, Body::CancelSmResp),
            CommandId::REPLACE_SM => self.session.respond(number, status, Body::ReplaceSmResp),
            CommandId::QUERY_SM => self.session.respond(number, status, Body::QuerySmResp(QuerySmResp::default())),
            CommandId::SUBMIT_MULTI => {
                self.session.respond(number, status, Body::SubmitMultiResp(SubmitMultiResp::default()));
            }
            CommandId::CANCEL_BROADCAST_SM => self.session.respond(number, status, Body::CancelBroadcastSmResp),
            other => self.session.respond_sm(number, other, status, b""),
        }
    }

    /// data_sm_resp has a dpf_result since SMPP 3.4, submit_sm_resp since 5.0.
    fn tells_dpf(&self, command_id: CommandId) -> bool {
        match self.session.peer_version() {
            Some(InterfaceVersion::V5_0) => true,
            Some(version) => version.knows_tlvs() && command_id == CommandId::DATA_SM,
            None => false,
        }
    }

    fn respond_multi(&mut self, id: u64, index: u8, outcome: Outcome) {
        let Some(multi) = self.multis.get_mut(&id) else { return };
        multi.waiting -= 1;
        match (outcome, multi.destinations.get(usize::from(index))) {
            (Ok(message_id), _) => {
                // Every destination goes by the id of the first that was accepted.
                let shown = message_id.map(|id| MessageId::accepted(id.event));
                multi.message_id = multi.message_id.or(shown);
            }
            (Err(error_status_code), Some(Destination::Address { ton, npi, address })) => {
                let (ton, npi, address) = (*ton, *npi, address.clone());
                multi.unsuccess.push(Unsuccess { ton, npi, address, error_status_code });
            }
            (Err(error_status_code), destination) => {
                let address = match destination {
                    Some(Destination::DistributionList(name)) => name.clone(),
                    _ => Bytes::new(),
                };
                let (ton, npi) = Default::default();
                multi.unsuccess.push(Unsuccess { ton, npi, address, error_status_code });
            }
        }
        if multi.waiting > 0 {
            return;
        }
        let Some(Multi { request, message_id, unsuccess, .. }) = self.multis.remove(&id) else { return };
        let status = if message_id.is_some() { CommandStatus::ESME_ROK } else { CommandStatus::ESME_RSUBMITFAIL };
        let message_id = message_id.map(|id| Bytes::from(id.to_string())).unwrap_or_default();
        let resp = SubmitMultiResp { message_id, unsuccess, ..SubmitMultiResp::default() };
        self.session.respond(request.sequence_number, status, Body::SubmitMultiResp(resp));
    }
}

impl Requests {
    fn push(&mut self, request: Request, other: Other) {
        self.octets += request.octets;
        self.others.push((request, other));
    }
}

fn message_id(octets: &[u8]) -> Asked<MessageId> {
    MessageId::parse(octets).ok_or_else(|| Untranslatable {
        command_status: CommandStatus::ESME_RINVMSGID,
        why: "message_id is none of ours".into(),
    })
}

fn not_done_as(not_done: &NotDone, failed: CommandStatus) -> Untranslatable {
    Untranslatable { command_status: translate::not_done_status(not_done, failed), why: not_done.to_string() }
}

fn done_or(result: Result<(), NotDone>, failed: CommandStatus) -> Outcome {
    result.map(|()| None).map_err(|not_done| translate::not_done_status(&not_done, failed))
}
