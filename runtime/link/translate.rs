//! PDU <-> message, and our errors <-> the peer's `command_status`. The only place that knows both.

use bytes::Bytes;
use wasmsc_smpp::receipt::{MessageState, Receipt};
use wasmsc_smpp::text::{self, Alphabet, dcs, gsm};
use wasmsc_smpp::{
    AlertNotification, CommandId, CommandStatus, DataCoding, DataSm, EsmClass, RegisteredDelivery, Sm, SubmitMulti,
    Tlv, Tlvs, Ton, Udh, time, tlv,
};

use crate::config::RelayTlvs;
use crate::firewall::Reject;
use crate::message::{Address, Arrival, Content, Message, Timestamp, is_default_alphabet};
use crate::relay::{Alert, NotDone, PeerReceipt, Submission};
use crate::retry::ErrorClass;
use crate::route::{Customer, Directory, Peer};

/// Why a PDU is no message, as the peer hears it.
#[derive(Debug)]
pub struct Untranslatable {
    pub command_status: CommandStatus,
    pub why: String,
}

fn refused(command_status: CommandStatus, why: impl Into<String>) -> Untranslatable {
    Untranslatable { command_status, why: why.into() }
}

/// What a submit_sm, deliver_sm or data_sm is.
pub enum Incoming {
    Message(Box<Submission>),
    Receipt(PeerReceipt),
}

/// Reads a PDU from a peer, which came as this command with this number.
pub fn incoming(
    sm: &Sm,
    (command_id, sequence_number): (CommandId, u32),
    directory: &Directory,
    peer: &Peer,
    now: Timestamp,
) -> Result<Incoming, Untranslatable> {
    let destination = || directory.read_address(peer, sm.dest_addr_ton, &sm.destination_addr);
    let is_application = peer.customer.is_some();
    if !is_application && let Some(receipt) = receipt(sm) {
        return Ok(Incoming::Receipt(PeerReceipt { destination: destination().ok(), ..receipt }));
    }
    // An MT that names no sender is from its customer's first number.
    let customer = peer.customer.as_deref().filter(|_| sm.source_addr.is_empty()).and_then(|id| directory.customer(id));
    let source = match customer.and_then(Customer::first_number) {
        Some(number) => number.clone(),
        None => directory
            .read_address(peer, sm.source_addr_ton, &sm.source_addr)
            .map_err(|error| refused(CommandStatus::ESME_RINVSRCADR, error.to_string()))?,
    };
    let destination = destination().map_err(|error| refused(CommandStatus::ESME_RINVDSTADR, error.to_string()))?;
    let arrival = Some(Arrival {
        command_id: command_id.0,
        sequence_number,
        source_numbering: (sm.source_addr_ton.0, sm.source_addr_npi.0),
        destination_numbering: (sm.dest_addr_ton.0, sm.dest_addr_npi.0),
        registered_delivery: sm.registered_delivery.0,
    });
    let content = Content { arrival, ..content(sm, peer)? };
    let mut submission = Submission::plain(Message { source, destination, content, received_at: now });
    // Whoever delivers waits for no receipt of ours (SMPP 3.4 §4.6.1: bits 0 and 1 mean nothing there).
    let is_heard = command_id != CommandId::DELIVER_SM;
    let wish = if is_heard { sm.registered_delivery } else { RegisteredDelivery::default() };
    // An upstream's MO gets no receipt: it has no queue of its own, and no centre asks for one.
    if is_application || (peer.login.is_some() && (wish.wants_success() || wish.wants_failure())) {
        submission.registered_delivery = wish.0;
    }
    if is_application {
        wishes(sm, &mut submission, now)?;
    }
    Ok(Incoming::Message(Box::new(submission)))
}

/// What an application wants done about its message; a network's MO may wish for a receipt only.
fn wishes(sm: &Sm, submission: &mut Submission, now: Timestamp) -> Result<(), Untranslatable> {
    // Only a centre reports on deliveries (SMPP 3.4 §5.2.12).
    if sm.esm_class.is_delivery_receipt() || sm.esm_class.is_intermediate_notification() {
        return Err(refused(CommandStatus::ESME_RINVESMCLASS, "an application sends no receipts"));
    }
    if sm.sm_default_msg_id != 0 {
        return Err(refused(CommandStatus::ESME_RINVDFTMSGID, "predefined messages are not offered"));
    }
    submission.replaces = match sm.replace_if_present_flag {
        0 => false,
        1 => true,
        _ => return Err(refused(CommandStatus::ESME_RINVREPFLAG, "replace_if_present_flag is neither 0 nor 1")),
    };
    submission.schedule = at(&sm.schedule_delivery_time, CommandStatus::ESME_RINVSCHED, now)?;
    submission.expires = at(&sm.validity_period, CommandStatus::ESME_RINVEXPIRY, now)?;
    Ok(())
}

/// A time of SMPP 3.4 §7.1.1, absolute or relative; None when the field is empty.
pub fn at(field: &[u8], or: CommandStatus, now: Timestamp) -> Result<Option<Timestamp>, Untranslatable> {
    let parsed = time::parse(field).map_err(|error| refused(or, error.to_string()))?;
    Ok(parsed.map(|time| Timestamp(time.at_ms(now.0))))
}

fn receipt(sm: &Sm) -> Option<PeerReceipt> {
    let receipt = match Receipt::read(sm.esm_class, sm.payload(), &sm.tlvs) {
        Some(receipt) => receipt,
        // A receipt that names nothing is still none of the device's own words.
        None if sm.esm_class.is_delivery_receipt() || sm.esm_class.is_intermediate_notification() => Receipt::default(),
        None => return None,
    };
    let text_error = receipt.error.as_deref().and_then(|error| error.trim().parse().ok());
    Some(PeerReceipt {
        message_id: Bytes::copy_from_slice(&receipt.message_id),
        // One that does not say is not the end; the next one may tell.
        state: receipt.state.unwrap_or(MessageState::Enroute),
        error: receipt.network_error_code.map(|code| code.code).or(text_error).unwrap_or(0),
        destination: None,
    })
}

fn content(sm: &Sm, peer: &Peer) -> Result<Content, Untranslatable> {
    let has_udhi = sm.esm_class.has_udhi();
    if has_udhi && let Err(error) = Udh::split(sm.payload()) {
        return Err(refused(CommandStatus::ESME_RINVESMCLASS, error.to_string()));
    }
    let has_concat_udh = has_udhi && Udh::split(sm.payload()).is_ok_and(|(udh, _)| udh.concat().is_some());
    // Told twice which part it is: the header travels on the radio, so it is the one that counts.
    let keep = |tag| match is_sar(tag) {
        true => !has_concat_udh,
        false => tag != tlv::tag::MESSAGE_PAYLOAD && relays(peer, tag),
    };
    let (data_coding, octets) = from_peer_alphabet(sm, peer.default_alphabet);
    Ok(Content {
        data_coding: data_coding.0,
        esm_class: sm.esm_class.0,
        protocol_id: sm.protocol_id,
        priority_flag: sm.priority_flag,
        service_type: Bytes::copy_from_slice(&sm.service_type),
        octets,
        tlvs: sm.tlvs.iter().filter(|t| keep(t.tag)).map(|t| (t.tag, Bytes::copy_from_slice(&t.value))).collect(),
        arrival: None,
    })
}

pub fn relays(peer: &Peer, tag: u16) -> bool {
    match peer.relay_tlvs {
        RelayTlvs::All => true,
        RelayTlvs::Standard => !(0x1400..=0x3FFF).contains(&tag),
        RelayTlvs::None => false,
    }
}

/// Text as we keep it: always a copy, as a slice would keep the whole read buffer alive while the message waits.
pub fn from_peer_alphabet(sm: &Sm, alphabet: Alphabet) -> (DataCoding, Bytes) {
    let payload = sm.payload();
    if alphabet == Alphabet::Gsm || !is_default_alphabet(sm.data_coding) {
        return (sm.data_coding, Bytes::copy_from_slice(payload));
    }
    let split = sm.esm_class.has_udhi().then(|| Udh::split(payload).ok()).flatten();
    let (header, text) = match &split {
        Some((_, text)) => (payload.slice(..payload.len() - text.len()), text.clone()),
        None => (Bytes::new(), payload.clone()),
    };
    if alphabet == Alphabet::GsmPacked && !header.is_empty() {
        let septets = gsm::unpack_behind(header.len(), &text);
        return (sm.data_coding, [&header[..], &septets].concat().into());
    }
    let encoded = text::from_default_alphabet(&text, alphabet);
    // Besides the alphabet, what data_coding said stays: a flash message is one in UCS-2, too.
    let data_coding = match encoded.data_coding {
        DataCoding::DEFAULT => sm.data_coding,
        DataCoding::UCS_2 => dcs::in_ucs_2(sm.data_coding),
        other => other,
    };
    (data_coding, [&header[..], &encoded.octets].concat().into())
}

/// An address that a query, cancel or replace may leave empty.
pub fn optional_address(
    directory: &Directory,
    peer: &Peer,
    ton: Ton,
    octets: &[u8],
    or: CommandStatus,
) -> Result<Option<Address>, Untranslatable> {
    if octets.is_empty() {
        return Ok(None);
    }
    directory.read_address(peer, ton, octets).map(Some).map_err(|error| refused(or, error.to_string()))
}

/// data_sm has the fields of submit_sm that matter, and its text in message_payload.
pub fn of_data_sm(data: DataSm) -> Sm {
    Sm {
        service_type: data.service_type,
        source_addr_ton: data.source_addr_ton,
        source_addr_npi: data.source_addr_npi,
        source_addr: data.source_addr,
        dest_addr_ton: data.dest_addr_ton,
        dest_addr_npi: data.dest_addr_npi,
        destination_addr: data.destination_addr,
        esm_class: data.esm_class,
        registered_delivery: data.registered_delivery,
        data_coding: data.data_coding,
        tlvs: data.tlvs,
        ..Sm::default()
    }
}

/// Longer than anything may live; the year of an absolute time has two digits.
const TIME_TO_LIVE_MAX_SECS: u32 = 10 * 365 * 86_400;

/// data_sm says with qos_time_to_live (SMPP 3.4 §5.3.2.9) what submit_sm says with validity_period. What is left of
/// it at the next peer is in our own validity_period, so that the TLV goes. 0 seconds say nothing.
pub fn take_time_to_live(sm: &mut Sm, now: Timestamp) {
    let value = sm.tlvs.get(tlv::tag::QOS_TIME_TO_LIVE).and_then(|value| value.as_ref().try_into().ok());
    let Some(secs) = value.map(u32::from_be_bytes) else { return };
    if secs > 0 {
        let expires = now.plus_ms(u64::from(secs.min(TIME_TO_LIVE_MAX_SECS)) * 1_000);
        sm.validity_period = Bytes::copy_from_slice(&time::format_absolute(expires.0));
    }
    sm.tlvs = sm.tlvs.iter().filter(|tlv| tlv.tag != tlv::tag::QOS_TIME_TO_LIVE).cloned().collect();
}

/// submit_multi as a submit_sm without a destination.
pub fn of_submit_multi(multi: &SubmitMulti) -> Sm {
    Sm {
        service_type: multi.service_type.clone(),
        source_addr_ton: multi.source_addr_ton,
        source_addr_npi: multi.source_addr_npi,
        source_addr: multi.source_addr.clone(),
        esm_class: multi.esm_class,
        protocol_id: multi.protocol_id,
        priority_flag: multi.priority_flag,
        schedule_delivery_time: multi.schedule_delivery_time.clone(),
        validity_period: multi.validity_period.clone(),
        registered_delivery: multi.registered_delivery,
        replace_if_present_flag: multi.replace_if_present_flag,
        data_coding: multi.data_coding,
        sm_default_msg_id: multi.sm_default_msg_id,
        short_message: multi.short_message.clone(),
        tlvs: multi.tlvs.clone(),
        ..Sm::default()
    }
}

/// The mandatory fields of a message on its way out, without its text and TLVs.
pub fn envelope(message: &Message, peer: &Peer, registered_delivery: RegisteredDelivery) -> Sm {
    let (source_addr_ton, source_addr_npi, source_addr) = peer.numbering.write_source(&message.source);
    let (dest_addr_ton, dest_addr_npi, destination_addr) = peer.numbering.write_destination(&message.destination);
    let content = &message.content;
    Sm {
        service_type: content.service_type.clone(),
        source_addr_ton,
        source_addr_npi,
        source_addr,
        dest_addr_ton,
        dest_addr_npi,
        destination_addr,
        esm_class: EsmClass(content.esm_class),
        protocol_id: content.protocol_id,
        priority_flag: content.priority_flag.min(3),
        registered_delivery,
        data_coding: content.data_coding(),
        ..Sm::default()
    }
}

/// Says that a device is back, as this application knows it.
pub fn alert_notification(alert: &Alert, peer: &Peer) -> AlertNotification {
    let (source_addr_ton, source_addr_npi, source_addr) = peer.numbering.write_source(&alert.device);
    let (esme_addr_ton, esme_addr_npi, esme_addr) = peer.numbering.write_destination(&alert.number);
    AlertNotification {
        source_addr_ton,
        source_addr_npi,
        source_addr,
        esme_addr_ton,
        esme_addr_npi,
        esme_addr,
        tlvs: Tlvs::new(),
    }
}

/// The optional parameters that this peer gets.
pub fn outgoing_tlvs(message: &Message, peer: &Peer) -> Tlvs {
    let kept = message.content.tlvs.iter().filter(|(tag, _)| is_ours(message, *tag) || relays(peer, *tag));
    kept.map(|(tag, value)| Tlv { tag: *tag, value: value.clone() }).collect()
}

/// Which part of a long message it is (SMPP 3.4 §5.3.2.22 to §5.3.2.24): the message means nothing without.
fn is_sar(tag: u16) -> bool {
    [tlv::tag::SAR_MSG_REF_NUM, tlv::tag::SAR_TOTAL_SEGMENTS, tlv::tag::SAR_SEGMENT_SEQNUM].contains(&tag)
}

/// The TLVs of a receipt that we made, and those without which a message means something else.
fn is_ours(message: &Message, tag: u16) -> bool {
    let is_receipt = EsmClass(message.content.esm_class).message_type() != 0;
    is_sar(tag) || (is_receipt && !(0x1400..=0x3FFF).contains(&tag))
}

pub fn command_status(reject: &Reject) -> CommandStatus {
    match reject {
        Reject::Firewall(refusal) => refusal.command_status(),
        Reject::NoRoute(_) | Reject::NobodyServes(_) => CommandStatus::ESME_RINVDSTADR,
        Reject::QueueFull(_) | Reject::StoreBusy | Reject::TooManyParts(_) => CommandStatus::ESME_RMSGQFUL,
        Reject::StoreFailed(_) | Reject::Unreadable(_) => CommandStatus::ESME_RSYSERR,
        Reject::AlreadyExpired | Reject::ExpiresBeforeSchedule => CommandStatus::ESME_RINVEXPIRY,
        Reject::TooLong(_) => CommandStatus::ESME_RINVMSGLEN,
        Reject::TooFarAhead => CommandStatus::ESME_RINVSCHED,
    }
}

/// Why a query, cancel or replace did nothing; `failed` is the status that its command has for that.
pub fn not_done_status(not_done: &NotDone, failed: CommandStatus) -> CommandStatus {
    match not_done {
        NotDone::NoSuchMessage => CommandStatus::ESME_RINVMSGID,
        NotDone::TooLate => failed,
        NotDone::Refused(reject) => command_status(reject),
    }
}

/// How a peer's refusal of a deliver_sm or submit_sm is to be taken.
pub fn error_class(command_status: CommandStatus, tlvs: Option<&Tlvs>) -> ErrorClass {
    // delivery_failure_reason (SMPP 3.4 §5.3.2.33): 0 destination unavailable, 1 address invalid, 2 permanent.
    match tlvs.and_then(|tlvs| tlvs.octet(tlv::tag::DELIVERY_FAILURE_REASON)) {
        Some(0) => return ErrorClass::Absent,
        Some(1 | 2) => return ErrorClass::Permanent,
        _ => {}
    }
    match command_status {
        CommandStatus::ESME_RTHROTTLED | CommandStatus::ESME_RMSGQFUL => ErrorClass::Throttled,
        CommandStatus::ESME_RDELIVERYFAILURE => ErrorClass::Absent,
        // The peer says that this message can never be delivered as it is.
        CommandStatus::ESME_RX_P_APPN
        | CommandStatus::ESME_RX_R_APPN
        | CommandStatus::ESME_RINVDSTADR
        | CommandStatus::ESME_RINVSRCADR
        | CommandStatus::ESME_RINVMSGLEN
        | CommandStatus::ESME_RINVESMCLASS
        | CommandStatus::ESME_RINVDCS
        | CommandStatus::ESME_RINVSRCTON
        | CommandStatus::ESME_RINVSRCNPI
        | CommandStatus::ESME_RINVDSTTON
        | CommandStatus::ESME_RINVDSTNPI
        | CommandStatus::ESME_RINVSERTYP
        | CommandStatus::ESME_RINVPARLEN
        | CommandStatus::ESME_RINVOPTPARAMVAL
        | CommandStatus::ESME_RINVOPTPARSTREAM
        | CommandStatus::ESME_ROPTPARNOTALLWD
        | CommandStatus::ESME_RMISSINGOPTPARAM
        | CommandStatus::ESME_RINVPRTFLG
        | CommandStatus::ESME_RINVREGDLVFLG
        | CommandStatus::ESME_RINVREPFLAG
        | CommandStatus::ESME_RINVSCHED
        | CommandStatus::ESME_RINVEXPIRY
        | CommandStatus::ESME_RINVDFTMSGID
        | CommandStatus::ESME_RSERTYPUNAUTH
        | CommandStatus::ESME_RSERTYPDENIED
        | CommandStatus::ESME_RINVSRCADDRSUBUNIT
        | CommandStatus::ESME_RINVDSTADDRSUBUNIT
        | CommandStatus::ESME_RPROHIBITED => ErrorClass::Permanent,
        _ => ErrorClass::Temporary,
    }
}
