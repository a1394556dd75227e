//! PDU <-> message, and our errors <-> the peer's `command_status`. The only place that knows both.

use bytes::Bytes;
use wasmsc_smpp::{CommandStatus, DataCoding, EsmClass, Npi, Sm, Tlv, Tlvs, Ton, tlv};

use crate::firewall::{NotOffered, Reject};
use crate::message::{Address, Content, Message, Timestamp};
use crate::relay::Answer;
use crate::store::Queued;

/// Why a PDU is no message, as the peer hears it.
#[derive(Debug)]
pub struct Untranslatable {
    pub command_status: CommandStatus,
    pub why: String,
}

/// Who sends: an MO asks for less than an application's MT.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sender<'a> {
    Network,
    /// With the sender of an MT that names none.
    Application {
        default_source: Option<&'a Address>,
    },
}

/// submit_sm (or what has its fields) as a message.
pub fn message(sm: &Sm, sender: Sender<'_>, now: Timestamp) -> Result<Message, Untranslatable> {
    if let Sender::Application { .. } = sender {
        check_offered(sm)?;
    }
    let source = match sender {
        Sender::Application { default_source: Some(default) } if sm.source_addr.is_empty() => default.clone(),
        _ => address(sm.source_addr_ton, &sm.source_addr)
            .map_err(|why| Untranslatable { command_status: CommandStatus::ESME_RINVSRCADR, why })?,
    };
    let destination = address(sm.dest_addr_ton, &sm.destination_addr)
        .map_err(|why| Untranslatable { command_status: CommandStatus::ESME_RINVDSTADR, why })?;
    let tlvs = sm.tlvs.iter().filter(|tlv| tlv.tag != tlv::tag::MESSAGE_PAYLOAD);
    let content = Content {
        data_coding: sm.data_coding.0,
        esm_class: sm.esm_class.0,
        protocol_id: sm.protocol_id,
        // A copy: a slice would keep the whole read buffer alive for as long as the message waits.
        octets: Bytes::copy_from_slice(sm.payload()),
        tlvs: tlvs.map(|tlv| (tlv.tag, Bytes::copy_from_slice(&tlv.value))).collect(),
    };
    Ok(Message { source, destination, content, received_at: now })
}

fn check_offered(sm: &Sm) -> Result<(), Untranslatable> {
    let refused = |what: NotOffered| {
        let reject = Reject::NotOffered(what);
        Untranslatable { command_status: command_status(&reject), why: reject.to_string() }
    };
    if !sm.schedule_delivery_time.is_empty() {
        return Err(refused(NotOffered::ScheduledDelivery));
    }
    // Bits 0 and 1 ask for a receipt (SMPP 3.4 §5.2.17).
    if sm.registered_delivery.0 & 0b11 != 0 {
        return Err(refused(NotOffered::Receipts));
    }
    Ok(())
}

fn address(ton: Ton, octets: &[u8]) -> Result<Address, String> {
    let text: String = octets.iter().map(|octet| char::from(*octet)).collect(); // Latin-1: any octet is a character
    let parsed = match ton {
        Ton::INTERNATIONAL if !text.starts_with('+') => Address::parse(&format!("+{}", text.trim_start_matches("00"))),
        Ton::ALPHANUMERIC if !text.is_empty() => Ok(Address::Alphanumeric(text.into())),
        _ => Address::parse(&text),
    };
    parsed.map_err(|error| error.to_string())
}

/// A message as deliver_sm. `message_id_tlv`: the vendor TLV in which this account wants its id.
pub fn deliver_sm(queued: &Queued, message_id_tlv: Option<u16>) -> Sm {
    let message = &queued.record.message;
    let content = &message.content;
    let (source_addr_ton, source_addr_npi) = ton_npi(&message.source);
    let (dest_addr_ton, dest_addr_npi) = ton_npi(&message.destination);
    let mut tlvs = Tlvs::default();
    for (tag, value) in &content.tlvs {
        tlvs.push(Tlv { tag: *tag, value: value.clone() });
    }
    if let Some(tag) = message_id_tlv {
        tlvs.push(Tlv { tag, value: queued.key.id.to_string().into() });
    }
    let mut sm = Sm {
        source_addr_ton,
        source_addr_npi,
        source_addr: wire_address(&message.source),
        dest_addr_ton,
        dest_addr_npi,
        destination_addr: wire_address(&message.destination),
        esm_class: EsmClass(content.esm_class),
        protocol_id: content.protocol_id,
        data_coding: DataCoding(content.data_coding),
        tlvs,
        ..Sm::default()
    };
    sm.set_payload(content.octets.clone());
    sm
}

fn wire_address(address: &Address) -> Bytes {
    let digits = address.digits();
    digits.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect::<Vec<u8>>().into()
}

fn ton_npi(address: &Address) -> (Ton, Npi) {
    match address {
        Address::Msisdn(_) => (Ton::INTERNATIONAL, Npi::ISDN),
        Address::ShortCode(_) => (Ton::UNKNOWN, Npi::ISDN),
        Address::Alphanumeric(_) => (Ton::ALPHANUMERIC, Npi::UNKNOWN),
    }
}

pub fn command_status(reject: &Reject) -> CommandStatus {
    match reject {
        Reject::UnknownDevice(_) | Reject::ForeignSender(_) => CommandStatus::ESME_RINVSRCADR,
        Reject::UnknownDestination(_) | Reject::ForeignDevice(_) | Reject::NoRoute(_) | Reject::NobodyServes(_) => {
            CommandStatus::ESME_RINVDSTADR
        }
        Reject::QueueFull(_) | Reject::StoreBusy => CommandStatus::ESME_RMSGQFUL,
        Reject::StoreFailed(_) => CommandStatus::ESME_RSYSERR,
        Reject::NotOffered(NotOffered::ScheduledDelivery) => CommandStatus::ESME_RINVSCHED,
        Reject::NotOffered(NotOffered::Receipts) => CommandStatus::ESME_RINVREGDLVFLG,
    }
}

/// What a deliver_sm_resp (or generic_nack) means for the message.
pub fn answer(command_status: CommandStatus) -> Answer {
    match command_status {
        CommandStatus::ESME_ROK => Answer::Taken,
        // The peer says that this message can never be delivered as it is.
        CommandStatus::ESME_RX_P_APPN
        | CommandStatus::ESME_RX_R_APPN
        | CommandStatus::ESME_RINVDSTADR
        | CommandStatus::ESME_RINVSRCADR
        | CommandStatus::ESME_RINVMSGLEN => Answer::Never(format!("the peer refused it with {command_status}")),
        other => Answer::Later(format!("the peer answered {other}")),
    }
}
