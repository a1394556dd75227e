//! The codec of `rusmpp`, which types every field and every TLV.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use rusmpp_core::command::owned::Command;
use rusmpp_core::decode::owned::DecodeWithLength;
use rusmpp_core::encode::Encode;
use rusmpp_core::pdus::owned::Pdu as Theirs;
use rusmpp_core::tlvs::owned::Tlv as TheirTlv;
use rusmpp_core::values::owned::DestAddress;
use wasmsc_smpp::{Body, Destination, Sm, Unsuccess};

use crate::given::{ResponseTlvs, body};
use crate::{CASES, Wire, agree, encoded};

/// What rusmpp makes of a PDU, if it reads all of it; it frames by itself, so it starts behind `command_length`.
pub fn decoded(octets: &Bytes) -> Option<Command> {
    let mut rest = BytesMut::from(&octets[4..]);
    let length = rest.len();
    let (command, read) = Command::decode(&mut rest, length).ok()?;
    (read == length).then_some(command)
}

/// One of its values, in its own encoding.
fn wire(value: &impl Encode) -> Vec<u8> {
    let mut octets = vec![0; value.length()];
    value.encode(&mut octets);
    octets
}

fn wire_all(tlvs: &[TheirTlv]) -> Vec<u8> {
    tlvs.iter().flat_map(wire).collect()
}

fn again(command: &Command) -> Vec<u8> {
    let body = wire(command);
    let command_length = u32::try_from(body.len() + 4).unwrap();
    [&command_length.to_be_bytes()[..], &body].concat()
}

macro_rules! agree_on_bind {
    ($ours:expr, $theirs:expr) => {
        agree!($ours, $theirs, wire, system_id password system_type interface_version addr_ton addr_npi address_range)
    };
}

macro_rules! agree_on_bind_resp {
    ($ours:expr, $theirs:expr) => {{
        agree!($ours, $theirs, wire, system_id);
        let tlvs: Vec<u8> = $theirs.sc_interface_version_tlv().map(wire).unwrap_or_default();
        assert_eq!($ours.tlvs.wire(), tlvs);
    }};
}

macro_rules! agree_on_sm {
    ($ours:expr, $theirs:expr) => {{
        agree!($ours, $theirs, wire, service_type source_addr_ton source_addr_npi source_addr esm_class protocol_id
            priority_flag schedule_delivery_time validity_period registered_delivery replace_if_present_flag
            data_coding sm_default_msg_id);
        assert_eq!($ours.short_message, $theirs.short_message().as_ref());
        assert_eq!($ours.tlvs.wire(), wire_all($theirs.tlvs()));
    }};
}

macro_rules! agree_on_resp {
    ($ours:expr, $theirs:expr, $message_id:expr) => {{
        assert_eq!($ours.message_id.wire(), wire($message_id));
        assert_eq!($ours.tlvs.wire(), wire_all($theirs.tlvs()));
    }};
}

fn destination(ours: &Destination, theirs: &DestAddress) {
    match (ours, theirs) {
        (Destination::Address { ton, npi, address }, DestAddress::SmeAddress(theirs)) => {
            assert_eq!(ton.wire(), wire(&theirs.dest_addr_ton));
            assert_eq!(npi.wire(), wire(&theirs.dest_addr_npi));
            assert_eq!(address.wire(), wire(&theirs.destination_addr));
        }
        (Destination::DistributionList(name), DestAddress::DistributionListName(theirs)) => {
            assert_eq!(name.wire(), wire(&theirs.dl_name));
        }
        other => panic!("{other:?}"),
    }
}

fn unsuccess(ours: &Unsuccess, theirs: &rusmpp_core::values::owned::UnsuccessSme) {
    assert_eq!(ours.ton.wire(), wire(&theirs.dest_addr_ton));
    assert_eq!(ours.npi.wire(), wire(&theirs.dest_addr_npi));
    assert_eq!(ours.address.wire(), wire(&theirs.destination_addr));
    assert_eq!(ours.error_status_code.0, u32::from(theirs.error_status_code));
}

/// `submit_sm` and `deliver_sm` are one type of ours.
fn dest_agrees(ours: &Sm, ton: Vec<u8>, npi: Vec<u8>, address: Vec<u8>) {
    assert_eq!(
        (ours.dest_addr_ton.wire(), ours.dest_addr_npi.wire(), ours.destination_addr.wire()),
        (ton, npi, address)
    );
}

fn messages_agree(ours: &Body, theirs: &Theirs) -> bool {
    match (ours, theirs) {
        (Body::SubmitSm(ours), Theirs::SubmitSm(theirs)) => {
            agree_on_sm!(ours, theirs);
            let (ton, npi, address) = (&theirs.dest_addr_ton, &theirs.dest_addr_npi, &theirs.destination_addr);
            dest_agrees(ours, wire(ton), wire(npi), wire(address));
        }
        (Body::DeliverSm(ours), Theirs::DeliverSm(theirs)) => {
            agree_on_sm!(ours, theirs);
            let (ton, npi, address) = (&theirs.dest_addr_ton, &theirs.dest_addr_npi, &theirs.destination_addr);
            dest_agrees(ours, wire(ton), wire(npi), wire(address));
        }
        (Body::SubmitMulti(ours), Theirs::SubmitMulti(theirs)) => {
            agree_on_sm!(ours, theirs);
            assert_eq!(ours.dest_addresses.len(), theirs.dest_address().len());
            ours.dest_addresses.iter().zip(theirs.dest_address()).for_each(|(ours, theirs)| destination(ours, theirs));
        }
        (Body::DataSm(ours), Theirs::DataSm(theirs)) => {
            agree!(ours, theirs, wire, service_type source_addr_ton source_addr_npi source_addr dest_addr_ton
                dest_addr_npi destination_addr esm_class registered_delivery data_coding);
            assert_eq!(ours.tlvs.wire(), wire_all(theirs.tlvs()));
        }
        (Body::SubmitSmResp(ours), Theirs::SubmitSmResp(theirs)) => agree_on_resp!(ours, theirs, theirs.message_id()),
        (Body::DeliverSmResp(ours), Theirs::DeliverSmResp(theirs)) => agree_on_resp!(ours, theirs, theirs.message_id()),
        (Body::DataSmResp(ours), Theirs::DataSmResp(theirs)) => agree_on_resp!(ours, theirs, theirs.message_id()),
        (Body::SubmitMultiResp(ours), Theirs::SubmitMultiResp(theirs)) => {
            agree_on_resp!(ours, theirs, &theirs.message_id);
            assert_eq!(ours.unsuccess.len(), theirs.unsuccess_sme().len());
            ours.unsuccess.iter().zip(theirs.unsuccess_sme()).for_each(|(ours, theirs)| unsuccess(ours, theirs));
        }
        _ => return false,
    }
    true
}

fn operations_agree(ours: &Body, theirs: &Theirs) -> bool {
    match (ours, theirs) {
        (Body::QuerySm(ours), Theirs::QuerySm(theirs)) => {
            agree!(ours, theirs, wire, message_id source_addr_ton source_addr_npi source_addr);
        }
        (Body::QuerySmResp(ours), Theirs::QuerySmResp(theirs)) => {
            agree!(ours, theirs, wire, message_id final_date message_state error_code);
        }
        (Body::CancelSm(ours), Theirs::CancelSm(theirs)) => {
            agree!(ours, theirs, wire, service_type message_id source_addr_ton source_addr_npi source_addr
                dest_addr_ton dest_addr_npi destination_addr);
        }
        (Body::ReplaceSm(ours), Theirs::ReplaceSm(theirs)) => {
            agree!(ours, theirs, wire, message_id source_addr_ton source_addr_npi source_addr
                schedule_delivery_time validity_period registered_delivery sm_default_msg_id);
            assert_eq!(ours.short_message, theirs.short_message().as_ref());
        }
        (Body::AlertNotification(ours), Theirs::AlertNotification(theirs)) => {
            agree!(ours, theirs, wire, source_addr_ton source_addr_npi source_addr esme_addr_ton esme_addr_npi esme_addr);
            let tlv: Vec<u8> = theirs.ms_availability_status_tlv().map(wire).unwrap_or_default();
            assert_eq!(ours.tlvs.wire(), tlv);
        }
        (Body::BroadcastSm(ours), Theirs::BroadcastSm(theirs)) => {
            agree!(ours, theirs, wire, service_type source_addr_ton source_addr_npi source_addr message_id priority_flag
                schedule_delivery_time validity_period replace_if_present_flag data_coding sm_default_msg_id);
            assert_eq!(ours.tlvs.wire(), wire_all(theirs.tlvs()));
        }
        (Body::BroadcastSmResp(ours), Theirs::BroadcastSmResp(theirs)) => {
            agree_on_resp!(ours, theirs, &theirs.message_id);
        }
        (Body::QueryBroadcastSm(ours), Theirs::QueryBroadcastSm(theirs)) => {
            agree!(ours, theirs, wire, message_id source_addr_ton source_addr_npi source_addr);
            let tlv: Vec<u8> = theirs.user_message_reference_tlv().map(wire).unwrap_or_default();
            assert_eq!(ours.tlvs.wire(), tlv);
        }
        (Body::QueryBroadcastSmResp(ours), Theirs::QueryBroadcastSmResp(theirs)) => {
            agree_on_resp!(ours, theirs, &theirs.message_id);
        }
        (Body::CancelBroadcastSm(ours), Theirs::CancelBroadcastSm(theirs)) => {
            agree!(ours, theirs, wire, service_type message_id source_addr_ton source_addr_npi source_addr);
            assert_eq!(ours.tlvs.wire(), wire_all(theirs.tlvs()));
        }
        _ => return false,
    }
    true
}

fn session_agrees(ours: &Body, theirs: &Theirs) -> bool {
    match (ours, theirs) {
        (Body::BindReceiver(ours), Theirs::BindReceiver(theirs)) => agree_on_bind!(ours, theirs),
        (Body::BindTransmitter(ours), Theirs::BindTransmitter(theirs)) => agree_on_bind!(ours, theirs),
        (Body::BindTransceiver(ours), Theirs::BindTransceiver(theirs)) => agree_on_bind!(ours, theirs),
        (Body::BindReceiverResp(ours), Theirs::BindReceiverResp(theirs)) => agree_on_bind_resp!(ours, theirs),
        (Body::BindTransmitterResp(ours), Theirs::BindTransmitterResp(theirs)) => agree_on_bind_resp!(ours, theirs),
        (Body::BindTransceiverResp(ours), Theirs::BindTransceiverResp(theirs)) => agree_on_bind_resp!(ours, theirs),
        (Body::Outbind(ours), Theirs::Outbind(theirs)) => agree!(ours, theirs, wire, system_id password),
        (Body::Unbind, Theirs::Unbind)
        | (Body::UnbindResp, Theirs::UnbindResp)
        | (Body::EnquireLink, Theirs::EnquireLink)
        | (Body::EnquireLinkResp, Theirs::EnquireLinkResp)
        | (Body::GenericNack, Theirs::GenericNack)
        | (Body::CancelSmResp, Theirs::CancelSmResp)
        | (Body::ReplaceSmResp, Theirs::ReplaceSmResp)
        | (Body::CancelBroadcastSmResp, Theirs::CancelBroadcastSmResp) => {}
        _ => return false,
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn every_command_means_the_same_to_both(
        body in body(ResponseTlvs::Any), status in any::<u32>(), sequence_number in any::<u32>(),
    ) {
        let status = if body.command_id().is_response() { status } else { 0 };
        let octets = encoded(status, sequence_number, &body);
        let command = decoded(&octets).unwrap();
        prop_assert_eq!(u32::from(command.id()), body.command_id().0);
        prop_assert_eq!(u32::from(command.status()), status);
        prop_assert_eq!(command.sequence_number(), sequence_number);
        match command.pdu() {
            // An error response without content has no body on either side (§4.4.2).
            None => prop_assert_eq!(octets.len(), 16),
            Some(theirs) => prop_assert!(
                messages_agree(&body, theirs) || operations_agree(&body, theirs) || session_agrees(&body, theirs),
                "{:?} is {:?}", body, theirs
            ),
        }
        // What rusmpp writes is octet for octet what we wrote, and we read it as what it was.
        let theirs = Bytes::from(again(&command));
        prop_assert_eq!(&theirs, &octets);
        prop_assert_eq!(wasmsc_smpp::decode(theirs).unwrap().body, body);
    }
}
