//! Whatever can be said in a PDU survives encode and decode.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use wasmsc_smpp::*;

fn c_string(octets_max: usize) -> impl Strategy<Value = Bytes> {
    prop::collection::vec(1..=255u8, 0..=octets_max).prop_map(Bytes::from)
}

fn octets(octets_max: usize) -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..=octets_max).prop_map(Bytes::from)
}

fn tlvs() -> impl Strategy<Value = Tlvs> {
    let tlv = (any::<u16>(), octets(40)).prop_map(|(tag, value)| Tlv { tag, value });
    prop::collection::vec(tlv, 0..8).prop_map(Tlvs::from_iter)
}

fn bind() -> impl Strategy<Value = Bind> {
    (c_string(64), c_string(128), c_string(64), any::<[u8; 3]>(), c_string(255)).prop_map(
        |(system_id, password, system_type, [version, ton, npi], address_range)| Bind {
            system_id,
            password,
            system_type,
            interface_version: InterfaceVersion(version),
            addr_ton: Ton(ton),
            addr_npi: Npi(npi),
            address_range,
        },
    )
}

fn sm() -> impl Strategy<Value = Sm> {
    let strings = (c_string(64), c_string(64), c_string(64), c_string(64), c_string(64));
    (strings, any::<[u8; 11]>(), octets(254), tlvs()).prop_map(
        |((service, source, destination, schedule, validity), o, short_message, tlvs)| Sm {
            service_type: service,
            source_addr_ton: Ton(o[0]),
            source_addr_npi: Npi(o[1]),
            source_addr: source,
            dest_addr_ton: Ton(o[2]),
            dest_addr_npi: Npi(o[3]),
            destination_addr: destination,
            esm_class: EsmClass(o[4]),
            protocol_id: o[5],
            priority_flag: o[6],
            schedule_delivery_time: schedule,
            validity_period: validity,
            registered_delivery: RegisteredDelivery(o[7]),
            replace_if_present_flag: o[8],
            data_coding: DataCoding(o[9]),
            sm_default_msg_id: o[10],
            short_message,
            tlvs,
        },
    )
}

fn bind_resp() -> impl Strategy<Value = BindResp> {
    (c_string(40), tlvs()).prop_map(|(system_id, tlvs)| BindResp { system_id, tlvs })
}

fn sm_resp() -> impl Strategy<Value = SmResp> {
    (c_string(100), tlvs()).prop_map(|(message_id, tlvs)| SmResp { message_id, tlvs })
}

fn data_sm() -> impl Strategy<Value = DataSm> {
    (sm(), c_string(128), c_string(128)).prop_map(|(sm, source_addr, destination_addr)| DataSm {
        service_type: sm.service_type,
        source_addr_ton: sm.source_addr_ton,
        source_addr_npi: sm.source_addr_npi,
        source_addr,
        dest_addr_ton: sm.dest_addr_ton,
        dest_addr_npi: sm.dest_addr_npi,
        destination_addr,
        esm_class: sm.esm_class,
        registered_delivery: sm.registered_delivery,
        data_coding: sm.data_coding,
        tlvs: sm.tlvs,
    })
}

fn destination() -> impl Strategy<Value = Destination> {
    prop_oneof![
        (any::<[u8; 2]>(), c_string(20)).prop_map(|([ton, npi], address)| Destination::Address {
            ton: Ton(ton),
            npi: Npi(npi),
            address
        }),
        c_string(20).prop_map(Destination::DistributionList),
    ]
}

fn submit_multi() -> impl Strategy<Value = SubmitMulti> {
    (sm(), prop::collection::vec(destination(), 0..6)).prop_map(|(sm, dest_addresses)| SubmitMulti {
        service_type: sm.service_type,
        source_addr_ton: sm.source_addr_ton,
        source_addr_npi: sm.source_addr_npi,
        source_addr: sm.source_addr,
        dest_addresses,
        esm_class: sm.esm_class,
        protocol_id: sm.protocol_id,
        priority_flag: sm.priority_flag,
        schedule_delivery_time: sm.schedule_delivery_time,
        validity_period: sm.validity_period,
        registered_delivery: sm.registered_delivery,
        replace_if_present_flag: sm.replace_if_present_flag,
        data_coding: sm.data_coding,
        sm_default_msg_id: sm.sm_default_msg_id,
        short_message: sm.short_message,
        tlvs: sm.tlvs,
    })
}

fn submit_multi_resp() -> impl Strategy<Value = SubmitMultiResp> {
    let unsuccess = (any::<[u8; 2]>(), c_string(20), any::<u32>()).prop_map(|([ton, npi], address, status)| {
        Unsuccess { ton: Ton(ton), npi: Npi(npi), address, error_status_code: CommandStatus(status) }
    });
    (c_string(64), prop::collection::vec(unsuccess, 0..6), tlvs())
        .prop_map(|(message_id, unsuccess, tlvs)| SubmitMultiResp { message_id, unsuccess, tlvs })
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        data_sm().prop_map(Body::DataSm),
        sm_resp().prop_map(Body::DataSmResp),
        submit_multi().prop_map(Body::SubmitMulti),
        submit_multi_resp().prop_map(Body::SubmitMultiResp),
        (c_string(64), c_string(17), any::<[u8; 2]>()).prop_map(|(message_id, final_date, [state, error])| {
            Body::QuerySmResp(QuerySmResp { message_id, final_date, message_state: state, error_code: error })
        }),
        Just(Body::CancelSmResp),
        Just(Body::ReplaceSmResp),
        bind().prop_map(Body::BindReceiver),
        bind().prop_map(Body::BindTransmitter),
        bind().prop_map(Body::BindTransceiver),
        bind_resp().prop_map(Body::BindReceiverResp),
        bind_resp().prop_map(Body::BindTransmitterResp),
        bind_resp().prop_map(Body::BindTransceiverResp),
        Just(Body::Unbind),
        Just(Body::UnbindResp),
        Just(Body::EnquireLink),
        Just(Body::EnquireLinkResp),
        sm().prop_map(Body::SubmitSm),
        sm_resp().prop_map(Body::SubmitSmResp),
        sm().prop_map(Body::DeliverSm),
        sm_resp().prop_map(Body::DeliverSmResp),
        Just(Body::GenericNack),
        // No command of the specification has bit 16 set.
        (any::<u32>(), octets(100))
            .prop_map(|(id, body)| { Body::Unknown(Unknown { command_id: CommandId(id | 0x0001_0000), body }) }),
    ]
}

/// Any PDU with any status.
pub fn pdus() -> impl Strategy<Value = Pdu> {
    let parts = (body(), any::<u32>(), any::<u32>());
    parts.prop_map(|(body, status, sequence_number)| Pdu {
        command_status: CommandStatus(status),
        sequence_number,
        body,
    })
}

proptest! {
    #[test]
    fn every_pdu_survives(body in body(), status in any::<u32>(), sequence_number in any::<u32>()) {
        let is_response = body.command_id().is_response();
        let command_status = CommandStatus(if is_response { status } else { 0 });
        let pdu = Pdu { command_status, sequence_number, body };
        let mut wire = BytesMut::from(&b"before"[..]);
        encode(&pdu, &mut wire);
        prop_assert_eq!(&wire.split_to(6)[..], b"before");
        let frame = next_frame(&mut wire, PDU_MAX_OCTETS).unwrap().unwrap();
        prop_assert!(wire.is_empty());
        prop_assert_eq!(decode(frame.clone()).unwrap(), pdu.clone());

        // And what was decoded encodes to the same octets: a relay changes nothing.
        let mut again = BytesMut::new();
        encode(&pdu, &mut again);
        prop_assert_eq!(again, frame);
    }

    #[test]
    fn fast_response_equals_the_general_one(
        message_id in c_string(70), status in prop_oneof![Just(0), any::<u32>()], number in any::<u32>(),
    ) {
        let command_status = CommandStatus(status);
        let (mut fast, mut general) = (BytesMut::new(), BytesMut::new());
        codec::encode_sm_resp(CommandId::SUBMIT_SM, command_status, number, (&message_id, None), &mut fast);
        let body = Body::SubmitSmResp(SmResp { message_id, tlvs: Tlvs::new() });
        encode(&Pdu { command_status, sequence_number: number, body }, &mut general);
        prop_assert_eq!(fast, general);
    }
}
