//! Bodies of the commands about messages that were submitted before, and of broadcasts.

use bytes::BufMut as _;

use super::{MESSAGE_ID_MAX, RESPONSE_STRING_MAX, STRING_MAX};
use crate::fields::fields;

use crate::values::{DataCoding, Npi, RegisteredDelivery, Ton};

fields! {
    /// Body of `query_sm` (SMPP 3.4 §4.8.1).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    QuerySm {
        /// As `submit_sm_resp` gave it.
        message_id: cstr(MESSAGE_ID_MAX, ESME_RINVMSGID),
        /// Type of number of the sender.
        source_addr_ton: octet(Ton),
        /// Numbering plan of the sender.
        source_addr_npi: octet(Npi),
        /// Sender of the message; may be empty.
        source_addr: cstr(STRING_MAX, ESME_RINVSRCADR),
    }
}

fields! {
    /// Body of `query_sm_resp` (SMPP 3.4 §4.8.2).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    QuerySmResp {
        /// As in the request.
        message_id: cstr(RESPONSE_STRING_MAX, ESME_RINVMSGID),
        /// When the message reached a final state, empty before (§7.1.1).
        final_date: cstr(RESPONSE_STRING_MAX, ESME_RINVSCHED),
        /// Message state (§5.2.28).
        message_state: octet_if_there,
        /// Network error of a failed delivery, 0 for none.
        error_code: octet_if_there,
    }
}

fields! {
    /// Body of `cancel_sm` (SMPP 3.4 §4.9.1). An empty `message_id` cancels all messages with the
    /// other fields.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    CancelSm {
        /// Application service; part of the match when `message_id` is empty.
        service_type: cstr(STRING_MAX, ESME_RINVSERTYP),
        /// As `submit_sm_resp` gave it, or empty.
        message_id: cstr(MESSAGE_ID_MAX, ESME_RINVMSGID),
        /// Type of number of the sender.
        source_addr_ton: octet(Ton),
        /// Numbering plan of the sender.
        source_addr_npi: octet(Npi),
        /// Sender.
        source_addr: cstr(STRING_MAX, ESME_RINVSRCADR),
        /// Type of number of the destination.
        dest_addr_ton: octet(Ton),
        /// Numbering plan of the destination.
        dest_addr_npi: octet(Npi),
        /// Destination.
        destination_addr: cstr(STRING_MAX, ESME_RINVDSTADR),
    }
}

fields! {
    /// Body of `replace_sm` (SMPP 3.4 §4.10.1).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    ReplaceSm {
        /// As `submit_sm_resp` gave it.
        message_id: cstr(MESSAGE_ID_MAX, ESME_RINVMSGID),
        /// Type of number of the sender.
        source_addr_ton: octet(Ton),
        /// Numbering plan of the sender.
        source_addr_npi: octet(Npi),
        /// Sender of the message.
        source_addr: cstr(STRING_MAX, ESME_RINVSRCADR),
        /// New time, empty to keep the old one.
        schedule_delivery_time: cstr(STRING_MAX, ESME_RINVSCHED),
        /// New validity, empty to keep the old one.
        validity_period: cstr(STRING_MAX, ESME_RINVEXPIRY),
        /// Which receipts are wanted from now on.
        registered_delivery: octet(RegisteredDelivery),
        /// Index of a predefined message, 0 for none.
        sm_default_msg_id: octet,
        /// The new text, in the encoding of the old one.
        short_message: short_message,
        /// `message_payload` (SMPP 5.0 §4.5.3.1); 3.4 knows none here.
        tlvs: tlvs(overflow short_message),
    }
}

fields! {
    /// Body of `broadcast_sm` (SMPP 5.0 §4.4.1.1).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    BroadcastSm {
        /// Application service; mostly empty.
        service_type: cstr(STRING_MAX, ESME_RINVSERTYP),
        /// Type of number of the sender.
        source_addr_ton: octet(Ton),
        /// Numbering plan of the sender.
        source_addr_npi: octet(Npi),
        /// Sender.
        source_addr: cstr(STRING_MAX, ESME_RINVSRCADR),
        /// Id of the broadcast to replace, or empty.
        message_id: cstr(MESSAGE_ID_MAX, ESME_RINVMSGID),
        /// 0 to 4.
        priority_flag: octet,
        /// When to begin, empty for now.
        schedule_delivery_time: cstr(STRING_MAX, ESME_RINVSCHED),
        /// Until when, empty for the default.
        validity_period: cstr(STRING_MAX, ESME_RINVEXPIRY),
        /// 1 replaces an earlier broadcast.
        replace_if_present_flag: octet,
        /// Encoding of the message.
        data_coding: octet(DataCoding),
        /// Index of a predefined message, 0 for none.
        sm_default_msg_id: octet,
        /// `broadcast_area_identifier`, `message_payload` and the others.
        tlvs: tlvs,
    }
}

fields! {
    /// Body of `query_broadcast_sm` (SMPP 5.0 §4.6.1.1).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    QueryBroadcastSm {
        /// As `broadcast_sm_resp` gave it.
        message_id: cstr(MESSAGE_ID_MAX, ESME_RINVMSGID),
        /// Type of number of the sender.
        source_addr_ton: octet(Ton),
        /// Numbering plan of the sender.
        source_addr_npi: octet(Npi),
        /// Sender of the broadcast.
        source_addr: cstr(STRING_MAX, ESME_RINVSRCADR),
        /// `user_message_reference`.
        tlvs: tlvs,
    }
}

fields! {
    /// Body of `cancel_broadcast_sm` (SMPP 5.0 §4.6.2.1).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    CancelBroadcastSm {
        /// Application service; part of the match when `message_id` is empty.
        service_type: cstr(STRING_MAX, ESME_RINVSERTYP),
        /// As `broadcast_sm_resp` gave it.
        message_id: cstr(MESSAGE_ID_MAX, ESME_RINVMSGID),
        /// Type of number of the sender.
        source_addr_ton: octet(Ton),
        /// Numbering plan of the sender.
        source_addr_npi: octet(Npi),
        /// Sender of the broadcast.
        source_addr: cstr(STRING_MAX, ESME_RINVSRCADR),
        /// `broadcast_content_type`, `user_message_reference`.
        tlvs: tlvs,
    }
}
