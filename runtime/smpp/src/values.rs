//! The numbers of SMPP 3.4 chapter 5 and SMPP 5.0 §4.7, each in a type of its own.
//!
//! Every type is a transparent wrapper around what was on the wire, so a value this crate has no
//! name for survives decode and encode unchanged. Nothing here refuses a value: judging one is the
//! session's or the embedder's business.

use std::fmt;

/// Declares the named constants of a wrapper and a `name()` that maps a value back to its name.
macro_rules! named {
    ($type:ident, $width:literal, $($(#[$meta:meta])* $name:ident = $value:literal, $doc:literal;)*) => {
        impl $type {
            $($(#[$meta])* #[doc = $doc] pub const $name: $type = $type($value);)*

            /// The specification's name, or `None` for a number it does not define.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let name = self.name().unwrap_or("unknown");
                write!(f, concat!("{} (0x{:0", $width, "X})"), name, self.0)
            }
        }
    };
}

/// `command_id`: which operation a PDU is (SMPP 3.4 §5.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub u32);

/// Bit 31 of `command_id` tells a response from a request (SMPP 3.4 §5.1.2.1).
const RESPONSE_BIT: u32 = 0x8000_0000;

impl CommandId {
    /// True for `generic_nack` and every `*_resp`, known or not.
    #[must_use]
    pub const fn is_response(self) -> bool {
        self.0 & RESPONSE_BIT != 0
    }

    /// The response that answers this command; a response answers to itself.
    #[must_use]
    pub const fn response(self) -> CommandId {
        CommandId(self.0 | RESPONSE_BIT)
    }
}

named! { CommandId, "8",
    GENERIC_NACK = 0x8000_0000, "Answers what has no response of its own, §4.3.1.";
    BIND_RECEIVER = 0x0000_0001, "Opens a session that only receives, §4.1.3.";
    BIND_RECEIVER_RESP = 0x8000_0001, "Answers `bind_receiver`, §4.1.4.";
    BIND_TRANSMITTER = 0x0000_0002, "Opens a session that only submits, §4.1.1.";
    BIND_TRANSMITTER_RESP = 0x8000_0002, "Answers `bind_transmitter`, §4.1.2.";
    QUERY_SM = 0x0000_0003, "Asks for the state of a message, §4.8.1.";
    QUERY_SM_RESP = 0x8000_0003, "Answers `query_sm`, §4.8.2.";
    SUBMIT_SM = 0x0000_0004, "Hands a message to the SMSC, §4.4.1.";
    SUBMIT_SM_RESP = 0x8000_0004, "Answers `submit_sm`, §4.4.2.";
    DELIVER_SM = 0x0000_0005, "Hands a message or receipt to the ESME, §4.6.1.";
    DELIVER_SM_RESP = 0x8000_0005, "Answers `deliver_sm`, §4.6.2.";
    UNBIND = 0x0000_0006, "Ends a session, §4.2.1.";
    UNBIND_RESP = 0x8000_0006, "Answers `unbind`, §4.2.2.";
    REPLACE_SM = 0x0000_0007, "Replaces a message not yet delivered, §4.10.1.";
    REPLACE_SM_RESP = 0x8000_0007, "Answers `replace_sm`, §4.10.2.";
    CANCEL_SM = 0x0000_0008, "Cancels messages not yet delivered, §4.9.1.";
    CANCEL_SM_RESP = 0x8000_0008, "Answers `cancel_sm`, §4.9.2.";
    BIND_TRANSCEIVER = 0x0000_0009, "Opens a session for both directions, §4.1.5.";
    BIND_TRANSCEIVER_RESP = 0x8000_0009, "Answers `bind_transceiver`, §4.1.6.";
    OUTBIND = 0x0000_000B, "Asks an ESME to bind, §4.1.7.";
    ENQUIRE_LINK = 0x0000_0015, "Asks whether the peer is alive, §4.11.1.";
    ENQUIRE_LINK_RESP = 0x8000_0015, "Answers `enquire_link`, §4.11.2.";
    SUBMIT_MULTI = 0x0000_0021, "Submits to several destinations, §4.5.1.";
    SUBMIT_MULTI_RESP = 0x8000_0021, "Answers `submit_multi`, §4.5.2.";
    ALERT_NOTIFICATION = 0x0000_0102, "Says a subscriber became reachable, §4.12.1.";
    DATA_SM = 0x0000_0103, "Carries a message with its data in TLVs, §4.7.1.";
    DATA_SM_RESP = 0x8000_0103, "Answers `data_sm`, §4.7.2.";
    BROADCAST_SM = 0x0000_0111, "Submits to an area, SMPP 5.0 §4.4.1.1.";
    BROADCAST_SM_RESP = 0x8000_0111, "Answers `broadcast_sm`, SMPP 5.0 §4.4.1.2.";
    QUERY_BROADCAST_SM = 0x0000_0112, "Asks for the state of a broadcast, SMPP 5.0 §4.6.1.1.";
    QUERY_BROADCAST_SM_RESP = 0x8000_0112, "Answers `query_broadcast_sm`, SMPP 5.0 §4.6.1.3.";
    CANCEL_BROADCAST_SM = 0x0000_0113, "Cancels a broadcast, SMPP 5.0 §4.6.2.1.";
    CANCEL_BROADCAST_SM_RESP = 0x8000_0113, "Answers `cancel_broadcast_sm`, SMPP 5.0 §4.6.2.3.";
}

/// `command_status`: how a request went (SMPP 3.4 §5.1.3).
///
/// Vendors use 0x400–0x4FF and some also the reserved range below it, so an unknown number is an
/// error like any other and keeps its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandStatus(pub u32);

impl CommandStatus {
    /// True for `ESME_ROK` only.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }
}

named! { CommandStatus, "8",
    ESME_ROK = 0x0000_0000, "No error.";
    ESME_RINVMSGLEN = 0x0000_0001, "Message length is invalid.";
    ESME_RINVCMDLEN = 0x0000_0002, "Command length is invalid.";
    ESME_RINVCMDID = 0x0000_0003, "Invalid command id.";
    ESME_RINVBNDSTS = 0x0000_0004, "Wrong bind state for the command.";
    ESME_RALYBND = 0x0000_0005, "Already bound.";
    ESME_RINVPRTFLG = 0x0000_0006, "Invalid priority flag.";
    ESME_RINVREGDLVFLG = 0x0000_0007, "Invalid registered delivery flag.";
    ESME_RSYSERR = 0x0000_0008, "System error.";
    ESME_RINVSRCADR = 0x0000_000A, "Invalid source address.";
    ESME_RINVDSTADR = 0x0000_000B, "Invalid destination address.";
    ESME_RINVMSGID = 0x0000_000C, "Invalid message id.";
    ESME_RBINDFAIL = 0x0000_000D, "Bind failed.";
    ESME_RINVPASWD = 0x0000_000E, "Invalid password.";
    ESME_RINVSYSID = 0x0000_000F, "Invalid system id.";
    ESME_RCANCELFAIL = 0x0000_0011, "`cancel_sm` failed.";
    ESME_RREPLACEFAIL = 0x0000_0013, "`replace_sm` failed.";
    ESME_RMSGQFUL = 0x0000_0014, "Message queue full.";
    ESME_RINVSERTYP = 0x0000_0015, "Invalid service type.";
    ESME_RINVNUMDESTS = 0x0000_0033, "Invalid number of destinations.";
    ESME_RINVDLNAME = 0x0000_0034, "Invalid distribution list name.";
    ESME_RINVDESTFLAG = 0x0000_0040, "Invalid destination flag.";
    ESME_RINVSUBREP = 0x0000_0042, "Invalid submit-with-replace request.";
    ESME_RINVESMCLASS = 0x0000_0043, "Invalid `esm_class`.";
    ESME_RCNTSUBDL = 0x0000_0044, "Cannot submit to the distribution list.";
    ESME_RSUBMITFAIL = 0x0000_0045, "`submit_sm` or `submit_multi` failed.";
    ESME_RINVSRCTON = 0x0000_0048, "Invalid source type of number.";
    ESME_RINVSRCNPI = 0x0000_0049, "Invalid source numbering plan.";
    ESME_RINVDSTTON = 0x0000_0050, "Invalid destination type of number.";
    ESME_RINVDSTNPI = 0x0000_0051, "Invalid destination numbering plan.";
    ESME_RINVSYSTYP = 0x0000_0053, "Invalid system type.";
    ESME_RINVREPFLAG = 0x0000_0054, "Invalid `replace_if_present` flag.";
    ESME_RINVNUMMSGS = 0x0000_0055, "Invalid number of messages.";
    ESME_RTHROTTLED = 0x0000_0058, "The ESME is above its allowed rate.";
    ESME_RINVSCHED = 0x0000_0061, "Invalid scheduled delivery time.";
    ESME_RINVEXPIRY = 0x0000_0062, "Invalid validity period.";
    ESME_RINVDFTMSGID = 0x0000_0063, "Invalid or unknown predefined message.";
    ESME_RX_T_APPN = 0x0000_0064, "ESME receiver temporary error.";
    ESME_RX_P_APPN = 0x0000_0065, "ESME receiver permanent error.";
    ESME_RX_R_APPN = 0x0000_0066, "ESME receiver rejects the message.";
    ESME_RQUERYFAIL = 0x0000_0067, "`query_sm` failed.";
    ESME_RINVOPTPARSTREAM = 0x0000_00C0, "Error in the optional part of the PDU.";
    ESME_ROPTPARNOTALLWD = 0x0000_00C1, "Optional parameter not allowed.";
    ESME_RINVPARLEN = 0x0000_00C2, "Invalid parameter length.";
    ESME_RMISSINGOPTPARAM = 0x0000_00C3, "Expected optional parameter missing.";
    ESME_RINVOPTPARAMVAL = 0x0000_00C4, "Invalid optional parameter value.";
    ESME_RDELIVERYFAILURE = 0x0000_00FE, "Delivery failed, in `data_sm_resp`.";
    ESME_RUNKNOWNERR = 0x0000_00FF, "Unknown error.";
    ESME_RSERTYPUNAUTH = 0x0000_0100, "Not authorised for this `service_type` (this and the next: SMPP 5.0 §4.7.6).";
    ESME_RPROHIBITED = 0x0000_0101, "The ESME may not use this operation.";
    ESME_RSERTYPUNAVAIL = 0x0000_0102, "The `service_type` is unavailable.";
    ESME_RSERTYPDENIED = 0x0000_0103, "The `service_type` is denied.";
    ESME_RINVDCS = 0x0000_0104, "Invalid `data_coding`.";
    ESME_RINVSRCADDRSUBUNIT = 0x0000_0105, "Invalid source address subunit.";
    ESME_RINVDSTADDRSUBUNIT = 0x0000_0106, "Invalid destination address subunit.";
    ESME_RINVBCASTFREQINT = 0x0000_0107, "Invalid broadcast frequency interval.";
    ESME_RINVBCASTALIAS_NAME = 0x0000_0108, "Invalid broadcast alias name.";
    ESME_RINVBCASTAREAFMT = 0x0000_0109, "Invalid broadcast area format.";
    ESME_RINVNUMBCAST_AREAS = 0x0000_010A, "Invalid number of broadcast areas.";
    ESME_RINVBCASTCNTTYPE = 0x0000_010B, "Invalid broadcast content type.";
    ESME_RINVBCASTMSGCLASS = 0x0000_010C, "Invalid broadcast message class.";
    ESME_RBCASTFAIL = 0x0000_010D, "`broadcast_sm` failed.";
    ESME_RBCASTQUERYFAIL = 0x0000_010E, "`query_broadcast_sm` failed.";
    ESME_RBCASTCANCELFAIL = 0x0000_010F, "`cancel_broadcast_sm` failed.";
    ESME_RINVBCAST_REP = 0x0000_0110, "Invalid number of repeated broadcasts.";
    ESME_RINVBCASTSRVGRP = 0x0000_0111, "Invalid broadcast service group.";
    ESME_RINVBCASTCHANIND = 0x0000_0112, "Invalid broadcast channel indicator.";
}

/// `data_coding`: how the message text is encoded (SMPP 3.4 §5.2.19). See [`crate::text`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DataCoding(pub u8);

named! { DataCoding, "2",
    DEFAULT = 0x00, "The SMSC's default alphabet; GSM 03.38 unless agreed otherwise.";
    ASCII = 0x01, "IA5, that is ASCII.";
    OCTETS_2 = 0x02, "Octets without a meaning.";
    LATIN_1 = 0x03, "ISO 8859-1.";
    OCTETS = 0x04, "Octets without a meaning.";
    UCS_2 = 0x08, "UCS-2, in the field UTF-16BE.";
}

/// `esm_class`: messaging mode, message type and GSM features (SMPP 3.4 §5.2.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EsmClass(pub u8);

impl EsmClass {
    /// Bits 2–5 of a delivery receipt, to be put into a `deliver_sm`.
    pub const DELIVERY_RECEIPT: EsmClass = EsmClass(0x04);
    /// The message starts with a user data header.
    pub const UDHI: EsmClass = EsmClass(0x40);

    /// Bits 0–1: 0 default, 1 datagram, 2 forward, 3 store and forward.
    #[must_use]
    pub const fn messaging_mode(self) -> u8 {
        self.0 & 0x03
    }

    /// Bits 2–5 in place: 0x00 default, 0x04 receipt, 0x08 delivery and 0x10 user acknowledgement,
    /// 0x20 intermediate notification.
    #[must_use]
    pub const fn message_type(self) -> u8 {
        self.0 & 0x3C
    }

    /// An SMSC delivery receipt, whatever the other bits say: some centres send 0x44.
    #[must_use]
    pub const fn is_delivery_receipt(self) -> bool {
        self.message_type() == 0x04
    }

    /// An intermediate delivery notification.
    #[must_use]
    pub const fn is_intermediate_notification(self) -> bool {
        self.message_type() == 0x20
    }

    /// A user data header stands before the text.
    #[must_use]
    pub const fn has_udhi(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// The sender asks for its reply path to be set.
    #[must_use]
    pub const fn has_reply_path(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// The same class with the user data header bit set.
    #[must_use]
    pub const fn with_udhi(self) -> EsmClass {
        EsmClass(self.0 | 0x40)
    }
}

/// `registered_delivery`: which receipts the sender asks for (SMPP 3.4 §5.2.17).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RegisteredDelivery(pub u8);

impl RegisteredDelivery {
    /// No receipt at all.
    pub const NONE: RegisteredDelivery = RegisteredDelivery(0);
    /// A receipt on success and on failure.
    pub const ALWAYS: RegisteredDelivery = RegisteredDelivery(1);
    /// A receipt on failure only.
    pub const ON_FAILURE: RegisteredDelivery = RegisteredDelivery(2);

    /// Bits 0–1: 0 none, 1 always, 2 on failure, 3 reserved (on success in SMPP 5.0).
    #[must_use]
    pub const fn receipt(self) -> u8 {
        self.0 & 0x03
    }

    /// A receipt is wanted when the message was delivered.
    #[must_use]
    pub const fn wants_success(self) -> bool {
        matches!(self.receipt(), 1 | 3)
    }

    /// A receipt is wanted when the message will not be delivered.
    #[must_use]
    pub const fn wants_failure(self) -> bool {
        matches!(self.receipt(), 1 | 2)
    }

    /// Intermediate notifications are wanted as well.
    #[must_use]
    pub const fn wants_intermediate(self) -> bool {
        self.0 & 0x10 != 0
    }
}

/// `interface_version` of a bind (SMPP 3.4 §5.2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterfaceVersion(pub u8);

impl InterfaceVersion {
    /// SMPP 3.3, which knows no TLVs.
    pub const V3_3: InterfaceVersion = InterfaceVersion(0x33);
    /// SMPP 3.4.
    pub const V3_4: InterfaceVersion = InterfaceVersion(0x34);
    /// SMPP 5.0, the newest this crate speaks.
    pub const V5_0: InterfaceVersion = InterfaceVersion(0x50);

    /// The version both sides can speak. Peers send 0x00, 0x31 or 0x35; anything below 3.4 counts as
    /// 3.3 (§5.2.4: 0x00–0x33 support 3.3 or earlier), anything from 5.0 on as 5.0, and what lies
    /// between as 3.4.
    #[must_use]
    pub const fn normalised(self) -> InterfaceVersion {
        match self.0 {
            0x00..=0x33 => InterfaceVersion::V3_3,
            0x34..=0x4F => InterfaceVersion::V3_4,
            0x50..=0xFF => InterfaceVersion::V5_0,
        }
    }

    /// The peer may be sent TLVs.
    #[must_use]
    pub const fn knows_tlvs(self) -> bool {
        self.0 >= InterfaceVersion::V3_4.0
    }
}

/// Type of number (SMPP 3.4 §5.2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ton(pub u8);

named! { Ton, "2",
    UNKNOWN = 0, "Not said.";
    INTERNATIONAL = 1, "E.164 with the country code.";
    NATIONAL = 2, "National number.";
    NETWORK_SPECIFIC = 3, "Network specific, used for short codes.";
    SUBSCRIBER = 4, "Subscriber number.";
    ALPHANUMERIC = 5, "A name, not a number.";
    ABBREVIATED = 6, "Abbreviated, used for short codes.";
}

/// Numbering plan indicator (SMPP 3.4 §5.2.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Npi(pub u8);

named! { Npi, "2",
    UNKNOWN = 0, "Not said.";
    ISDN = 1, "E.163 and E.164.";
    DATA = 3, "X.121.";
    TELEX = 4, "F.69.";
    LAND_MOBILE = 6, "E.212.";
    NATIONAL = 8, "National.";
    PRIVATE = 9, "Private.";
    ERMES = 10, "ERMES paging.";
    INTERNET = 14, "IP.";
    WAP_CLIENT_ID = 18, "WAP client id.";
}
