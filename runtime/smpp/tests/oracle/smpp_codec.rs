//! The codec of `smpp-codec`, one struct per PDU with plain strings.
//!
//! It reads no body behind an error status and no TLVs in the responses of SMPP 3.4, so it is asked about
//! responses with `ESME_ROK` and without TLVs.

use bytes::Bytes;
use proptest::prelude::*;
use smpp_codec::common::{Npi, Ton};
use smpp_codec::pdus::*;
use smpp_codec::tlv::Tlv;
use wasmsc_smpp::{Body, CommandId, Destination as OurDestination, Unsuccess};

use crate::given::{ResponseTlvs, body};
use crate::{CASES, Wire, agree, encoded};

/// One of its values in the encoding of the specification.
trait TheirWire {
    fn wire(&self) -> Vec<u8>;
}

impl TheirWire for String {
    fn wire(&self) -> Vec<u8> {
        [self.as_bytes(), b"\0"].concat()
    }
}

impl TheirWire for u8 {
    fn wire(&self) -> Vec<u8> {
        vec![*self]
    }
}

impl TheirWire for Ton {
    fn wire(&self) -> Vec<u8> {
        vec![*self as u8]
    }
}

impl TheirWire for Npi {
    fn wire(&self) -> Vec<u8> {
        vec![*self as u8]
    }
}

impl TheirWire for Vec<Tlv> {
    fn wire(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        self.iter().for_each(|tlv| tlv.encode(&mut octets).unwrap());
        octets
    }
}

fn wire(value: &impl TheirWire) -> Vec<u8> {
    value.wire()
}

/// Decodes our octets as one of its structs, has it encode that again, and hands the struct over.
macro_rules! theirs {
    ($type:ident, $octets:expr) => {{
        let theirs = $type::decode($octets).unwrap();
        let mut again = Vec::new();
        theirs.encode(&mut again).unwrap();
        assert_eq!(again, $octets.as_ref(), stringify!($type));
        theirs
    }};
}

macro_rules! agree_on_sm {
    ($ours:expr, $theirs:expr) => {{
        agree!($ours, $theirs, wire, service_type source_addr_ton source_addr_npi source_addr esm_class protocol_id
            priority_flag schedule_delivery_time validity_period registered_delivery replace_if_present_flag
            data_coding sm_default_msg_id);
        assert_eq!($ours.short_message, $theirs.short_message);
        assert_eq!($ours.tlvs.wire(), $theirs.optional_params.wire());
    }};
}

macro_rules! agree_on_dest {
    ($ours:expr, $theirs:expr) => {{
        agree!($ours, $theirs, wire, dest_addr_ton dest_addr_npi);
        assert_eq!($ours.destination_addr.wire(), $theirs.dest_addr.wire());
    }};
}

/// A PDU that is only a header.
macro_rules! empty {
    ($type:ident, $octets:expr) => {{
        let _ = theirs!($type, $octets);
    }};
}

fn destination(ours: &OurDestination, theirs: &Destination) {
    match (ours, theirs) {
        (OurDestination::Address { ton, npi, address }, Destination::SmeAddress { ton: t, npi: n, address: a }) => {
            assert_eq!((ton.wire(), npi.wire(), address.wire()), (t.wire(), n.wire(), a.wire()));
        }
        (OurDestination::DistributionList(ours), Destination::DistributionList(theirs)) => {
            assert_eq!(ours.wire(), theirs.wire());
        }
        other => panic!("{other:?}"),
    }
}

fn unsuccess(ours: &Unsuccess, theirs: &UnsuccessfulDelivery) {
    let ours_wire = (ours.ton.wire(), ours.npi.wire(), ours.address.wire());
    assert_eq!(ours_wire, (theirs.ton.wire(), theirs.npi.wire(), theirs.address.wire()));
    assert_eq!(ours.error_status_code.0, theirs.error_status);
}

fn messages_agree(ours: &Body, octets: &Bytes) -> bool {
    match ours {
        Body::SubmitSm(ours) => {
            let theirs = theirs!(SubmitSmRequest, octets);
            agree_on_sm!(ours, theirs);
            agree_on_dest!(ours, theirs);
        }
        Body::DeliverSm(ours) => {
            let theirs = theirs!(DeliverSmRequest, octets);
            agree_on_sm!(ours, theirs);
            agree_on_dest!(ours, theirs);
        }
        Body::DataSm(ours) => {
            let theirs = theirs!(DataSm, octets);
            agree!(ours, theirs, wire, service_type source_addr_ton source_addr_npi source_addr esm_class
                registered_delivery data_coding);
            agree_on_dest!(ours, theirs);
            assert_eq!(ours.tlvs.wire(), theirs.optional_params.wire());
        }
        Body::SubmitMulti(ours) => {
            let theirs = theirs!(SubmitMulti, octets);
            agree_on_sm!(ours, theirs);
            assert_eq!(ours.dest_addresses.len(), theirs.destinations.len());
            ours.dest_addresses.iter().zip(&theirs.destinations).for_each(|(ours, theirs)| destination(ours, theirs));
        }
        Body::SubmitSmResp(ours) => agree!(ours, theirs!(SubmitSmResponse, octets), wire, message_id),
        Body::DeliverSmResp(ours) => agree!(ours, theirs!(DeliverSmResponse, octets), wire, message_id),
        Body::DataSmResp(ours) => agree!(ours, theirs!(DataSmResp, octets), wire, message_id),
        Body::SubmitMultiResp(ours) => {
            let theirs = theirs!(SubmitMultiResp, octets);
            agree!(ours, theirs, wire, message_id);
            assert_eq!(ours.unsuccess.len(), theirs.unsuccess_smes.len());
            ours.unsuccess.iter().zip(&theirs.unsuccess_smes).for_each(|(ours, theirs)| unsuccess(ours, theirs));
        }
        _ => return false,
    }
    true
}

fn operations_agree(ours: &Body, octets: &Bytes) -> bool {
    match ours {
        Body::QuerySm(ours) => {
            let theirs = theirs!(QuerySmRequest, octets);
            agree!(ours, theirs, wire, message_id source_addr_ton source_addr_npi source_addr);
        }
        Body::QuerySmResp(ours) => {
            let theirs = theirs!(QuerySmResponse, octets);
            agree!(ours, theirs, wire, message_id final_date message_state error_code);
        }
        Body::CancelSm(ours) => {
            let theirs = theirs!(CancelSmRequest, octets);
            agree!(ours, theirs, wire, service_type message_id source_addr_ton source_addr_npi source_addr);
            agree_on_dest!(ours, theirs);
        }
        Body::ReplaceSm(ours) => {
            let theirs = theirs!(ReplaceSm, octets);
            agree!(ours, theirs, wire, message_id source_addr_ton source_addr_npi source_addr schedule_delivery_time
                validity_period registered_delivery sm_default_msg_id);
            assert_eq!(ours.short_message, theirs.short_message);
        }
        Body::AlertNotification(ours) => {
            let theirs = theirs!(AlertNotification, octets);
            agree!(ours, theirs, wire, source_addr_ton source_addr_npi source_addr esme_addr_ton esme_addr_npi esme_addr);
            assert_eq!(ours.tlvs.wire(), theirs.optional_params.wire());
        }
        Body::BroadcastSm(ours) => {
            let theirs = theirs!(BroadcastSm, octets);
            agree!(ours, theirs, wire, service_type source_addr_ton source_addr_npi source_addr message_id priority_flag
                schedule_delivery_time validity_period replace_if_present_flag data_coding sm_default_msg_id);
            assert_eq!(ours.tlvs.wire(), theirs.optional_params.wire());
        }
        Body::QueryBroadcastSm(ours) => {
            let theirs = theirs!(QueryBroadcastSm, octets);
            agree!(ours, theirs, wire, message_id source_addr_ton source_addr_npi source_addr);
            assert_eq!(ours.tlvs.wire(), theirs.optional_params.wire());
        }
        Body::QueryBroadcastSmResp(ours) => agree!(ours, theirs!(QueryBroadcastSmResp, octets), wire, message_id),
        Body::CancelBroadcastSm(ours) => {
            let theirs = theirs!(CancelBroadcastSm, octets);
            agree!(ours, theirs, wire, service_type message_id source_addr_ton source_addr_npi source_addr);
            assert_eq!(ours.tlvs.wire(), theirs.optional_params.wire());
        }
        _ => return false,
    }
    true
}

fn session_agrees(ours: &Body, octets: &Bytes) -> bool {
    match ours {
        Body::BindReceiver(ours) | Body::BindTransmitter(ours) | Body::BindTransceiver(ours) => {
            let theirs = theirs!(BindRequest, octets);
            agree!(ours, theirs, wire, system_id password system_type interface_version addr_ton addr_npi address_range);
        }
        Body::BindReceiverResp(ours) | Body::BindTransmitterResp(ours) | Body::BindTransceiverResp(ours) => {
            let theirs = theirs!(BindResponse, octets);
            agree!(ours, theirs, wire, system_id);
            assert_eq!(ours.tlvs.wire(), theirs.optional_params);
        }
        Body::Outbind(ours) => agree!(ours, theirs!(OutbindRequest, octets), wire, system_id password),
        Body::Unbind => empty!(UnbindRequest, octets),
        Body::UnbindResp => empty!(UnbindResponse, octets),
        Body::EnquireLink => empty!(EnquireLinkRequest, octets),
        Body::EnquireLinkResp => empty!(EnquireLinkResponse, octets),
        Body::GenericNack => empty!(GenericNack, octets),
        Body::CancelSmResp => empty!(CancelSmResponse, octets),
        Body::ReplaceSmResp => empty!(ReplaceSmResp, octets),
        Body::CancelBroadcastSmResp => empty!(CancelBroadcastSmResp, octets),
        _ => return false,
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn every_command_means_the_same_to_both(body in body(ResponseTlvs::None), sequence_number in any::<u32>()) {
        // `disagreements` tells about this one.
        if body.command_id() == CommandId::BROADCAST_SM_RESP {
            return Ok(());
        }
        let octets = encoded(0, sequence_number, &body);
        prop_assert!(
            messages_agree(&body, &octets) || operations_agree(&body, &octets) || session_agrees(&body, &octets),
            "{:?} is not asked about", body
        );
        // Its octets are ours, as `theirs!` asserts; so reading ours is reading its.
        prop_assert_eq!(wasmsc_smpp::decode(octets).unwrap().body, body);
    }
}
