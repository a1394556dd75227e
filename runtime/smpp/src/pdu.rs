//! The PDUs: which fields each command has, and in which order.
//!
//! Two tables decide everything. `fields!` rows give a body its layout, `commands!` rows tie a
//! `command_id` to a body; to support another command is to add rows. Sizes are ceilings for what
//! a peer may send and deliberately wider than the specification's: peers in service exceed it.
//! `codec` calls the readers and writers; nothing here judges a value.

mod upkeep;

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::destinations::{Destination, Unsuccess};
use crate::fields::{FieldError, Reader, fields};
use crate::tlv::{self, Tlv, Tlvs};
use crate::values::{CommandId, CommandStatus, DataCoding, EsmClass, InterfaceVersion, Npi, RegisteredDelivery, Ton};

pub use upkeep::{BroadcastSm, CancelBroadcastSm, CancelSm, QueryBroadcastSm, QuerySm, QuerySmResp, ReplaceSm};

/// Most octets of `system_id`: the specification says 15 (§5.2.1), peers use up to 64.
const SYSTEM_ID_MAX: usize = 64;
/// Most octets of `password`: the specification says 8 (§5.2.2), 100 were seen in service.
const PASSWORD_MAX: usize = 128;
/// Most octets of `address_range`: the specification says 40 (§5.2.7), but it is a list or a regular
/// expression that operators write by hand.
const ADDRESS_RANGE_MAX: usize = 255;
/// Most octets of every other C-octet string of a request: the widest is 20 by specification
/// (addresses, §5.2.8), and three times that still holds any name or time a peer invents.
const STRING_MAX: usize = 64;
/// Most octets of an address in `data_sm` and `alert_notification` (§4.7.1: 65 with the NUL).
const LONG_ADDRESS_MAX: usize = 128;
/// Most octets of a `message_id` in a request: the specification says 64 (§5.2.23), some centres give
/// longer ones and want them back.
const MESSAGE_ID_MAX: usize = 255;
/// Strings of a response are not bounded by themselves, only by the PDU: nobody can answer an error
/// to a response, so a long `message_id` is better kept than refused.
const RESPONSE_STRING_MAX: usize = usize::MAX;

fields! {
    /// Body of `bind_transmitter`, `bind_receiver` and `bind_transceiver` (SMPP 3.4 §4.1.1).
    #[derive(Clone, Default, PartialEq, Eq)]
    Bind {
        /// Who binds.
        system_id: cstr(SYSTEM_ID_MAX, ESME_RINVSYSID),
        /// In clear text; left out of `Debug`.
        password: cstr(PASSWORD_MAX, ESME_RINVPASWD),
        /// Kind of ESME, any text.
        system_type: cstr(STRING_MAX, ESME_RINVSYSTYP),
        /// What the ESME speaks.
        interface_version: octet(InterfaceVersion),
        /// Type of number of the ESME's addresses.
        addr_ton: octet(Ton),
        /// Numbering plan of the ESME's addresses.
        addr_npi: octet(Npi),
        /// The ESME's addresses.
        address_range: cstr(ADDRESS_RANGE_MAX, ESME_RBINDFAIL),
    }
}

fields! {
    /// Body of the three bind responses (SMPP 3.4 §4.1.2).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    BindResp {
        /// Who answers.
        system_id: cstr(RESPONSE_STRING_MAX, ESME_RINVSYSID),
        /// `sc_interface_version`, for peers that know TLVs.
        tlvs: tlvs,
    }
}

fields! {
    /// Body of `submit_sm` and `deliver_sm`, which share one layout (SMPP 3.4 §4.4.1, §4.6.1).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    Sm {
        /// Application service; mostly empty.
        service_type: cstr(STRING_MAX, ESME_RINVSERTYP),
        /// Type of number of the sender.
        source_addr_ton: octet(Ton),
        /// Numbering plan of the sender.
        source_addr_npi: octet(Npi),
        /// Sender; octets, as alphanumeric senders are not always ASCII.
        source_addr: cstr(STRING_MAX, ESME_RINVSRCADR),
        /// Type of number of the destination.
        dest_addr_ton: octet(Ton),
        /// Numbering plan of the destination.
        dest_addr_npi: octet(Npi),
        /// Destination.
        destination_addr: cstr(STRING_MAX, ESME_RINVDSTADR),
        /// Messaging mode, message type, UDHI.
        esm_class: octet(EsmClass),
        /// Protocol identifier of 3GPP TS 23.040 §9.2.3.9.
        protocol_id: octet,
        /// 0 to 3, rising.
        priority_flag: octet,
        /// When to deliver, empty for now (§7.1.1).
        schedule_delivery_time: cstr(STRING_MAX, ESME_RINVSCHED),
        /// Until when to try, empty for the default (§7.1.1).
        validity_period: cstr(STRING_MAX, ESME_RINVEXPIRY),
        /// Which receipts are wanted.
        registered_delivery: octet(RegisteredDelivery),
        /// 1 replaces an earlier message of the same sender and destination.
        replace_if_present_flag: octet,
        /// Encoding of the message.
        data_coding: octet(DataCoding),
        /// Index of a predefined message, 0 for none.
        sm_default_msg_id: octet,
        /// The message, with its user data header if there is one. Use [`Sm::payload`] to read it.
        /// On encode more than 254 octets leave as `message_payload`.
        short_message: short_message,
        /// Optional parameters.
        tlvs: tlvs(overflow short_message),
    }
}

fields! {
    /// Body of `submit_sm_resp` and `deliver_sm_resp` (SMPP 3.4 §4.4.2, §4.6.2).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    SmResp {
        /// Id the SMSC gave the message; empty in `deliver_sm_resp` and in many error responses.
        message_id: cstr(RESPONSE_STRING_MAX, ESME_RINVMSGID),
        /// SMPP 3.4 knows none here, 5.0 does.
        tlvs: tlvs,
    }
}

fields! {
    /// Body of `outbind` (SMPP 3.4 §4.1.7): an SMSC asks an ESME to bind. No response.
    #[derive(Clone, Default, PartialEq, Eq)]
    Outbind {
        /// The SMSC.
        system_id: cstr(SYSTEM_ID_MAX, ESME_RINVSYSID),
        /// In clear text; left out of `Debug`.
        password: cstr(PASSWORD_MAX, ESME_RINVPASWD),
    }
}

fields! {
    /// Body of `alert_notification` (SMPP 3.4 §4.12.1): a subscriber became reachable. No response.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    AlertNotification {
        /// Type of number of the subscriber.
        source_addr_ton: octet(Ton),
        /// Numbering plan of the subscriber.
        source_addr_npi: octet(Npi),
        /// The subscriber.
        source_addr: cstr(LONG_ADDRESS_MAX, ESME_RINVSRCADR),
        /// Type of number of the ESME that asked for it.
        esme_addr_ton: octet(Ton),
        /// Numbering plan of the ESME.
        esme_addr_npi: octet(Npi),
        /// The ESME.
        esme_addr: cstr(LONG_ADDRESS_MAX, ESME_RINVDSTADR),
        /// `ms_availability_status`.
        tlvs: tlvs,
    }
}

fields! {
    /// Body of `data_sm` (SMPP 3.4 §4.7.1): a message whose text is in `message_payload`.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    DataSm {
        /// Application service; mostly empty.
        service_type: cstr(STRING_MAX, ESME_RINVSERTYP),
        /// Type of number of the sender.
        source_addr_ton: octet(Ton),
        /// Numbering plan of the sender.
        source_addr_npi: octet(Npi),
        /// Sender.
        source_addr: cstr(LONG_ADDRESS_MAX, ESME_RINVSRCADR),
        /// Type of number of the destination.
        dest_addr_ton: octet(Ton),
        /// Numbering plan of the destination.
        dest_addr_npi: octet(Npi),
        /// Destination.
        destination_addr: cstr(LONG_ADDRESS_MAX, ESME_RINVDSTADR),
        /// Messaging mode, message type, UDHI.
        esm_class: octet(EsmClass),
        /// Which receipts are wanted.
        registered_delivery: octet(RegisteredDelivery),
        /// Encoding of the message.
        data_coding: octet(DataCoding),
        /// `message_payload` and everything else.
        tlvs: tlvs,
    }
}

fields! {
    /// Body of `submit_multi` (SMPP 3.4 §4.5.1): `submit_sm` to several destinations.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    SubmitMulti {
        /// Application service; mostly empty.
        service_type: cstr(STRING_MAX, ESME_RINVSERTYP),
        /// Type of number of the sender.
        source_addr_ton: octet(Ton),
        /// Numbering plan of the sender.
        source_addr_npi: octet(Npi),
        /// Sender.
        source_addr: cstr(STRING_MAX, ESME_RINVSRCADR),
        /// Numbers and distribution lists, at most 255.
        dest_addresses: list(Destination),
        /// Messaging mode, message type, UDHI.
        esm_class: octet(EsmClass),
        /// Protocol identifier of 3GPP TS 23.040 §9.2.3.9.
        protocol_id: octet,
        /// 0 to 3, rising.
        priority_flag: octet,
        /// When to deliver, empty for now (§7.1.1).
        schedule_delivery_time: cstr(STRING_MAX, ESME_RINVSCHED),
        /// Until when to try, empty for the default (§7.1.1).
        validity_period: cstr(STRING_MAX, ESME_RINVEXPIRY),
        /// Which receipts are wanted.
        registered_delivery: octet(RegisteredDelivery),
        /// Reserved in 3.4.
        replace_if_present_flag: octet,
        /// Encoding of the message.
        data_coding: octet(DataCoding),
        /// Index of a predefined message, 0 for none.
        sm_default_msg_id: octet,
        /// The message; more than 254 octets leave as `message_payload`.
        short_message: short_message,
        /// Optional parameters.
        tlvs: tlvs(overflow short_message),
    }
}

fields! {
    /// Body of `submit_multi_resp` (SMPP 3.4 §4.5.2).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    SubmitMultiResp {
        /// Id of the message, of all its destinations.
        message_id: cstr(RESPONSE_STRING_MAX, ESME_RINVMSGID),
        /// Destinations that were refused.
        unsuccess: list(Unsuccess),
        /// SMPP 3.4 knows none here, 5.0 does.
        tlvs: tlvs,
    }
}

impl fmt::Debug for Outbind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbind").field("system_id", &self.system_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bind")
            .field("system_id", &self.system_id)
            .field("system_type", &self.system_type)
            .field("interface_version", &self.interface_version)
            .field("addr_ton", &self.addr_ton)
            .field("addr_npi", &self.addr_npi)
            .field("address_range", &self.address_range)
            .finish_non_exhaustive()
    }
}

impl Sm {
    /// The message octets: `short_message`, or `message_payload` when `sm_length` is 0 (§5.3.2.32).
    /// When a peer sends both, `short_message` counts. A user data header stands at the front of
    /// whichever it is.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        match self.tlvs.get(tlv::tag::MESSAGE_PAYLOAD) {
            Some(payload) if self.short_message.is_empty() => payload,
            _ => &self.short_message,
        }
    }

    /// Adds `message_payload` or sets `short_message`, whichever has room.
    pub fn set_payload(&mut self, payload: Bytes) {
        if payload.len() <= crate::fields::SHORT_MESSAGE_MAX {
            self.short_message = payload;
        } else {
            self.short_message = Bytes::new();
            self.tlvs.push(Tlv { tag: tlv::tag::MESSAGE_PAYLOAD, value: payload });
        }
    }
}

/// A command this crate has no layout for, kept as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The command.
    pub command_id: CommandId,
    /// Everything behind the header.
    pub body: Bytes,
}

/// One PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pdu {
    /// `ESME_ROK` in a request.
    pub command_status: CommandStatus,
    /// Ties a response to its request; a peer's is echoed and never judged.
    pub sequence_number: u32,
    /// Command and fields.
    pub body: Body,
}

/// Turns rows of `command_id: variant (body)` into [`Body`] and its dispatch.
macro_rules! commands {
    ($($(#[$meta:meta])* $id:ident: $variant:ident $(($body:ident))?,)*) => {
        /// Command and fields of a PDU.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Body {
            $($(#[$meta])* #[doc = concat!("[`CommandId::", stringify!($id), "`]")] $variant $(($body))?,)*
            /// Anything else.
            Unknown(Unknown),
        }

        impl Body {
            /// The command this body belongs to.
            #[must_use]
            pub fn command_id(&self) -> CommandId {
                match self {
                    $(commands!(@pattern $variant $($body)?) => CommandId::$id,)*
                    Body::Unknown(unknown) => unknown.command_id,
                }
            }

            /// Reads the octets behind the header. A command without fields ignores them.
            pub(crate) fn read(command_id: CommandId, octets: Bytes) -> Result<Body, FieldError> {
                Ok(match command_id {
                    $(CommandId::$id => commands!(@read octets, $variant $($body)?),)*
                    _ => Body::Unknown(Unknown { command_id, body: octets }),
                })
            }

            /// Reads the octets behind the header as [`read`](Self::read) does, and tells where each field is.
            pub(crate) fn dissect(
                command_id: CommandId,
                octets: Bytes,
                seen: &mut crate::dissect::Seen,
            ) -> Result<(), (FieldError, usize)> {
                match command_id {
                    $(CommandId::$id => commands!(@dissect octets, seen, $($body)?),)*
                    _ => {
                        seen.whole("body");
                        Ok(())
                    }
                }
            }

            /// Writes the octets behind the header.
            pub(crate) fn write(&self, out: &mut BytesMut) {
                match self {
                    $(commands!(@bind body, $variant $($body)?) => commands!(@write body, out, $($body)?),)*
                    Body::Unknown(unknown) => out.put_slice(&unknown.body),
                }
            }
        }
    };

    (@pattern $variant:ident) => { Body::$variant };
    (@pattern $variant:ident $body:ident) => { Body::$variant(_) };
    (@bind $name:ident, $variant:ident) => { Body::$variant };
    (@bind $name:ident, $variant:ident $body:ident) => { Body::$variant($name) };
    (@read $octets:ident, $variant:ident) => { Body::$variant };
    (@read $octets:ident, $variant:ident $body:ident) => {
        Body::$variant($body::read(&mut Reader::new($octets))?)
    };
    (@dissect $octets:ident, $seen:ident,) => { Ok(()) };
    (@dissect $octets:ident, $seen:ident, $body:ident) => {{
        let mut reader = Reader::new($octets);
        $body::dissect(&mut reader, $seen).map_err(|error| (error, reader.at()))
    }};
    (@write $name:ident, $out:ident,) => { {} };
    (@write $name:ident, $out:ident, $body:ident) => { $name.write($out) };
}

commands! {
    BIND_RECEIVER: BindReceiver(Bind),
    BIND_RECEIVER_RESP: BindReceiverResp(BindResp),
    BIND_TRANSMITTER: BindTransmitter(Bind),
    BIND_TRANSMITTER_RESP: BindTransmitterResp(BindResp),
    BIND_TRANSCEIVER: BindTransceiver(Bind),
    BIND_TRANSCEIVER_RESP: BindTransceiverResp(BindResp),
    UNBIND: Unbind,
    UNBIND_RESP: UnbindResp,
    ENQUIRE_LINK: EnquireLink,
    ENQUIRE_LINK_RESP: EnquireLinkResp,
    SUBMIT_SM: SubmitSm(Sm),
    SUBMIT_SM_RESP: SubmitSmResp(SmResp),
    DELIVER_SM: DeliverSm(Sm),
    DELIVER_SM_RESP: DeliverSmResp(SmResp),
    GENERIC_NACK: GenericNack,
    OUTBIND: Outbind(Outbind),
    ALERT_NOTIFICATION: AlertNotification(AlertNotification),
    DATA_SM: DataSm(DataSm),
    DATA_SM_RESP: DataSmResp(SmResp),
    QUERY_SM: QuerySm(QuerySm),
    QUERY_SM_RESP: QuerySmResp(QuerySmResp),
    CANCEL_SM: CancelSm(CancelSm),
    CANCEL_SM_RESP: CancelSmResp,
    REPLACE_SM: ReplaceSm(ReplaceSm),
    REPLACE_SM_RESP: ReplaceSmResp,
    SUBMIT_MULTI: SubmitMulti(SubmitMulti),
    SUBMIT_MULTI_RESP: SubmitMultiResp(SubmitMultiResp),
    BROADCAST_SM: BroadcastSm(BroadcastSm),
    BROADCAST_SM_RESP: BroadcastSmResp(SmResp),
    QUERY_BROADCAST_SM: QueryBroadcastSm(QueryBroadcastSm),
    QUERY_BROADCAST_SM_RESP: QueryBroadcastSmResp(SmResp),
    CANCEL_BROADCAST_SM: CancelBroadcastSm(CancelBroadcastSm),
    CANCEL_BROADCAST_SM_RESP: CancelBroadcastSmResp,
}

impl Body {
    /// The optional parameters, for commands that have them.
    #[must_use]
    pub fn tlvs(&self) -> Option<&Tlvs> {
        match self {
            Body::SubmitSm(sm) | Body::DeliverSm(sm) => Some(&sm.tlvs),
            Body::DataSm(sm) => Some(&sm.tlvs),
            Body::SubmitMulti(sm) => Some(&sm.tlvs),
            Body::ReplaceSm(sm) => Some(&sm.tlvs),
            Body::BroadcastSm(sm) => Some(&sm.tlvs),
            Body::QueryBroadcastSm(query) => Some(&query.tlvs),
            Body::CancelBroadcastSm(cancel) => Some(&cancel.tlvs),
            Body::AlertNotification(alert) => Some(&alert.tlvs),
            Body::SubmitSmResp(resp)
            | Body::DeliverSmResp(resp)
            | Body::DataSmResp(resp)
            | Body::BroadcastSmResp(resp)
            | Body::QueryBroadcastSmResp(resp) => Some(&resp.tlvs),
            Body::SubmitMultiResp(resp) => Some(&resp.tlvs),
            Body::BindReceiverResp(resp) | Body::BindTransmitterResp(resp) | Body::BindTransceiverResp(resp) => {
                Some(&resp.tlvs)
            }
            _ => None,
        }
    }

    /// True for the fields of a response that say nothing: those an error response leaves out.
    pub(crate) fn is_blank_response(&self) -> bool {
        match self {
            Body::SubmitSmResp(resp)
            | Body::DeliverSmResp(resp)
            | Body::DataSmResp(resp)
            | Body::BroadcastSmResp(resp)
            | Body::QueryBroadcastSmResp(resp) => resp.message_id.is_empty() && resp.tlvs.is_empty(),
            Body::SubmitMultiResp(resp) => *resp == SubmitMultiResp::default(),
            Body::QuerySmResp(resp) => *resp == QuerySmResp::default(),
            Body::BindReceiverResp(resp) | Body::BindTransmitterResp(resp) | Body::BindTransceiverResp(resp) => {
                resp.system_id.is_empty() && resp.tlvs.is_empty()
            }
            _ => false,
        }
    }
}
