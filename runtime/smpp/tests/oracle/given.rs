//! PDUs as the specification allows them, no wider: oracles are stricter than we are.

use bytes::Bytes;
use proptest::prelude::*;
use proptest::strategy::Union;
use wasmsc_smpp::tlv::tag;
use wasmsc_smpp::*;

/// A C-octet string of at most so many characters.
fn string(most: usize) -> BoxedStrategy<Bytes> {
    prop::collection::vec(b' '..=b'~', 0..=most).prop_map(Bytes::from).boxed()
}

/// A time is sixteen characters or none (SMPP 3.4 §7.1.1).
fn time() -> BoxedStrategy<Bytes> {
    prop_oneof![Just(Bytes::new()), "[0-9]{15}[-+R]".prop_map(Bytes::from)].boxed()
}

fn octets(least: usize, most: usize) -> BoxedStrategy<Bytes> {
    prop::collection::vec(any::<u8>(), least..=most).prop_map(Bytes::from).boxed()
}

/// §5.2.5.
fn ton() -> impl Strategy<Value = Ton> {
    (0u8..=6).prop_map(Ton)
}

/// §5.2.6.
fn npi() -> impl Strategy<Value = Npi> {
    prop::sample::select(vec![0, 1, 3, 4, 6, 8, 9, 10, 14, 18]).prop_map(Npi)
}

/// A parameter with a value of the size that SMPP 3.4 §5.3.2 or SMPP 5.0 §4.8.4 gives it.
fn tlv_of(tags: &'static [u16], value: BoxedStrategy<Bytes>) -> BoxedStrategy<Tlv> {
    (prop::sample::select(tags), value).prop_map(|(tag, value)| Tlv { tag, value }).boxed()
}

const ONE_OCTET: &[u16] = &[
    tag::DEST_ADDR_SUBUNIT,
    tag::DEST_NETWORK_TYPE,
    tag::DEST_BEARER_TYPE,
    tag::SOURCE_ADDR_SUBUNIT,
    tag::SOURCE_NETWORK_TYPE,
    tag::SOURCE_BEARER_TYPE,
    tag::PAYLOAD_TYPE,
    tag::PRIVACY_INDICATOR,
    tag::USER_RESPONSE_CODE,
    tag::LANGUAGE_INDICATOR,
    tag::SAR_TOTAL_SEGMENTS,
    tag::SAR_SEGMENT_SEQNUM,
    tag::NUMBER_OF_MESSAGES,
    tag::DPF_RESULT,
    tag::SET_DPF,
    tag::MS_AVAILABILITY_STATUS,
    tag::DELIVERY_FAILURE_REASON,
    tag::MORE_MESSAGES_TO_SEND,
    tag::MESSAGE_STATE,
    tag::CONGESTION_STATE,
    tag::USSD_SERVICE_OP,
    tag::BROADCAST_CHANNEL_INDICATOR,
    tag::BROADCAST_MESSAGE_CLASS,
    tag::BROADCAST_AREA_SUCCESS,
    tag::DEST_ADDR_NP_RESOLUTION,
    tag::DISPLAY_TIME,
    tag::ITS_REPLY_TYPE,
];

const TWO_OCTETS: &[u16] = &[
    tag::DEST_TELEMATICS_ID,
    tag::SOURCE_TELEMATICS_ID,
    tag::USER_MESSAGE_REFERENCE,
    tag::SOURCE_PORT,
    tag::DESTINATION_PORT,
    tag::SAR_MSG_REF_NUM,
    tag::SMS_SIGNAL,
    tag::ITS_SESSION_INFO,
];

/// Any optional parameters.
pub fn tlvs() -> BoxedStrategy<Tlvs> {
    let string = |most| string(most).prop_map(|text| [&text[..], b"\0"].concat().into()).boxed();
    let digits = "[0-9]{6}".prop_map(Bytes::from).boxed();
    let tlv = Union::new([
        tlv_of(ONE_OCTET, octets(1, 1)),
        tlv_of(TWO_OCTETS, octets(2, 2)),
        tlv_of(
            &[tag::NETWORK_ERROR_CODE, tag::BROADCAST_CONTENT_TYPE, tag::BROADCAST_FREQUENCY_INTERVAL],
            octets(3, 3),
        ),
        tlv_of(&[tag::QOS_TIME_TO_LIVE, tag::BROADCAST_ERROR_STATUS], octets(4, 4)),
        tlv_of(&[tag::ADDITIONAL_STATUS_INFO_TEXT], string(255)),
        tlv_of(&[tag::RECEIPTED_MESSAGE_ID], string(64)),
        tlv_of(&[tag::SOURCE_SUBADDRESS, tag::DEST_SUBADDRESS], octets(2, 23)),
        tlv_of(&[tag::CALLBACK_NUM], octets(4, 19)),
        tlv_of(&[tag::CALLBACK_NUM_ATAG], octets(0, 65)),
        tlv_of(&[tag::SOURCE_NODE_ID, tag::DEST_NODE_ID], digits),
        tlv_of(&[tag::DEST_ADDR_NP_INFORMATION], octets(10, 10)),
        tlv_of(&[tag::DEST_ADDR_NP_COUNTRY], octets(1, 5)),
        tlv_of(&[tag::BROADCAST_AREA_IDENTIFIER, tag::BROADCAST_SERVICE_GROUP], octets(1, 100)),
        tlv_of(&[tag::MS_VALIDITY], octets(4, 4)),
        tlv_of(&[tag::ALERT_ON_MESSAGE_DELIVERY], octets(1, 1)),
        tlv_of(&[tag::MESSAGE_PAYLOAD], octets(0, 600)),
        // Vendors' own.
        (0x1400u16..=0x3FFF, octets(0, 40)).prop_map(|(tag, value)| Tlv { tag, value }).boxed(),
    ]);
    prop::collection::vec(tlv, 0..8).prop_map(Tlvs::from_iter).boxed()
}

/// At most one parameter, of one kind.
fn only(tag: u16, value: BoxedStrategy<Bytes>) -> BoxedStrategy<Tlvs> {
    prop::option::of(value).prop_map(move |value| value.map(|value| Tlv { tag, value }).into_iter().collect()).boxed()
}

fn none() -> BoxedStrategy<Tlvs> {
    Just(Tlvs::new()).boxed()
}

pub fn bind() -> impl Strategy<Value = Bind> {
    (string(15), string(8), string(12), any::<u8>(), ton(), npi(), string(40)).prop_map(
        |(system_id, password, system_type, version, addr_ton, addr_npi, address_range)| Bind {
            system_id,
            password,
            system_type,
            interface_version: InterfaceVersion(version),
            addr_ton,
            addr_npi,
            address_range,
        },
    )
}

fn bind_resp() -> impl Strategy<Value = BindResp> {
    (string(15), only(tag::SC_INTERFACE_VERSION, octets(1, 1)))
        .prop_map(|(system_id, tlvs)| BindResp { system_id, tlvs })
}

fn sm_with(tlvs: BoxedStrategy<Tlvs>) -> impl Strategy<Value = Sm> {
    let addresses = (ton(), npi(), string(20), ton(), npi(), string(20));
    // Reserved bits of esm_class and registered_delivery are 0 (§5.2.12, §5.2.17).
    let octets_of = (any::<u8>(), any::<u8>(), 0u8..=4, 0u8..=0x1F, 0u8..=1, any::<u8>(), any::<u8>());
    (string(5), addresses, octets_of, time(), time(), octets(0, 254), tlvs).prop_map(
        |(service_type, addresses, octets, schedule, validity, short_message, tlvs)| Sm {
            service_type,
            source_addr_ton: addresses.0,
            source_addr_npi: addresses.1,
            source_addr: addresses.2,
            dest_addr_ton: addresses.3,
            dest_addr_npi: addresses.4,
            destination_addr: addresses.5,
            esm_class: EsmClass(octets.0),
            protocol_id: octets.1,
            priority_flag: octets.2,
            schedule_delivery_time: schedule,
            validity_period: validity,
            registered_delivery: RegisteredDelivery(octets.3),
            replace_if_present_flag: octets.4,
            data_coding: DataCoding(octets.5),
            sm_default_msg_id: octets.6,
            short_message,
            tlvs,
        },
    )
}

pub fn sm() -> BoxedStrategy<Sm> {
    sm_with(tlvs()).boxed()
}

fn sm_resp(tlvs: BoxedStrategy<Tlvs>) -> impl Strategy<Value = SmResp> {
    (string(64), tlvs).prop_map(|(message_id, tlvs)| SmResp { message_id, tlvs })
}

fn data_sm() -> impl Strategy<Value = DataSm> {
    sm().prop_map(|sm| DataSm {
        service_type: sm.service_type,
        source_addr_ton: sm.source_addr_ton,
        source_addr_npi: sm.source_addr_npi,
        source_addr: sm.source_addr,
        dest_addr_ton: sm.dest_addr_ton,
        dest_addr_npi: sm.dest_addr_npi,
        destination_addr: sm.destination_addr,
        esm_class: sm.esm_class,
        registered_delivery: sm.registered_delivery,
        data_coding: sm.data_coding,
        tlvs: sm.tlvs,
    })
}

fn submit_multi() -> impl Strategy<Value = SubmitMulti> {
    let address = (ton(), npi(), string(20)).prop_map(|(ton, npi, address)| Destination::Address { ton, npi, address });
    let destination = prop_oneof![address, string(20).prop_map(Destination::DistributionList)];
    (sm(), prop::collection::vec(destination, 1..6)).prop_map(|(sm, dest_addresses)| SubmitMulti {
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

fn submit_multi_resp(tlvs: BoxedStrategy<Tlvs>) -> impl Strategy<Value = SubmitMultiResp> {
    let unsuccess = (ton(), npi(), string(20), any::<u32>()).prop_map(|(ton, npi, address, status)| Unsuccess {
        ton,
        npi,
        address,
        error_status_code: CommandStatus(status),
    });
    (string(64), prop::collection::vec(unsuccess, 0..6), tlvs)
        .prop_map(|(message_id, unsuccess, tlvs)| SubmitMultiResp { message_id, unsuccess, tlvs })
}

fn operations() -> [BoxedStrategy<Body>; 5] {
    // An Sm without TLVs and with a string of 64 has all the fields the others take.
    let parts = || (sm_with(none()), string(64));
    [
        parts()
            .prop_map(|(sm, message_id)| {
                Body::QuerySm(QuerySm {
                    message_id,
                    source_addr_ton: sm.source_addr_ton,
                    source_addr_npi: sm.source_addr_npi,
                    source_addr: sm.source_addr,
                })
            })
            .boxed(),
        (string(64), time(), 0u8..=9, any::<u8>())
            .prop_map(|(message_id, final_date, message_state, error_code)| {
                Body::QuerySmResp(QuerySmResp { message_id, final_date, message_state, error_code })
            })
            .boxed(),
        parts()
            .prop_map(|(sm, message_id)| {
                Body::CancelSm(CancelSm {
                    service_type: sm.service_type,
                    message_id,
                    source_addr_ton: sm.source_addr_ton,
                    source_addr_npi: sm.source_addr_npi,
                    source_addr: sm.source_addr,
                    dest_addr_ton: sm.dest_addr_ton,
                    dest_addr_npi: sm.dest_addr_npi,
                    destination_addr: sm.destination_addr,
                })
            })
            .boxed(),
        parts()
            .prop_map(|(sm, message_id)| {
                Body::ReplaceSm(ReplaceSm {
                    message_id,
                    source_addr_ton: sm.source_addr_ton,
                    source_addr_npi: sm.source_addr_npi,
                    source_addr: sm.source_addr,
                    schedule_delivery_time: sm.schedule_delivery_time,
                    validity_period: sm.validity_period,
                    registered_delivery: sm.registered_delivery,
                    sm_default_msg_id: sm.sm_default_msg_id,
                    short_message: sm.short_message,
                    tlvs: Tlvs::new(),
                })
            })
            .boxed(),
        (ton(), npi(), string(64), ton(), npi(), string(64), only(tag::MS_AVAILABILITY_STATUS, octets(1, 1)))
            .prop_map(|given| {
                Body::AlertNotification(AlertNotification {
                    source_addr_ton: given.0,
                    source_addr_npi: given.1,
                    source_addr: given.2,
                    esme_addr_ton: given.3,
                    esme_addr_npi: given.4,
                    esme_addr: given.5,
                    tlvs: given.6,
                })
            })
            .boxed(),
    ]
}

fn broadcasts() -> [BoxedStrategy<Body>; 3] {
    let reference = only(tag::USER_MESSAGE_REFERENCE, octets(2, 2));
    [
        (sm(), string(64))
            .prop_map(|(sm, message_id)| {
                Body::BroadcastSm(BroadcastSm {
                    service_type: sm.service_type,
                    source_addr_ton: sm.source_addr_ton,
                    source_addr_npi: sm.source_addr_npi,
                    source_addr: sm.source_addr,
                    message_id,
                    priority_flag: sm.priority_flag,
                    schedule_delivery_time: sm.schedule_delivery_time,
                    validity_period: sm.validity_period,
                    replace_if_present_flag: sm.replace_if_present_flag,
                    data_coding: sm.data_coding,
                    sm_default_msg_id: sm.sm_default_msg_id,
                    tlvs: sm.tlvs,
                })
            })
            .boxed(),
        (string(64), ton(), npi(), string(20), reference)
            .prop_map(|(message_id, source_addr_ton, source_addr_npi, source_addr, tlvs)| {
                let body = QueryBroadcastSm { message_id, source_addr_ton, source_addr_npi, source_addr, tlvs };
                Body::QueryBroadcastSm(body)
            })
            .boxed(),
        (sm(), string(64))
            .prop_map(|(sm, message_id)| {
                Body::CancelBroadcastSm(CancelBroadcastSm {
                    service_type: sm.service_type,
                    message_id,
                    source_addr_ton: sm.source_addr_ton,
                    source_addr_npi: sm.source_addr_npi,
                    source_addr: sm.source_addr,
                    tlvs: sm.tlvs,
                })
            })
            .boxed(),
    ]
}

/// What a response may carry besides its mandatory fields.
#[derive(Clone, Copy)]
pub enum ResponseTlvs {
    /// Nothing, as SMPP 3.4 has it.
    None,
    /// What SMPP 5.0 allows.
    Any,
}

/// Every command, requests and responses.
pub fn body(response_tlvs: ResponseTlvs) -> impl Strategy<Value = Body> {
    let tlvs = || match response_tlvs {
        ResponseTlvs::None => none(),
        ResponseTlvs::Any => tlvs(),
    };
    let outbind = (string(15), string(8)).prop_map(|(system_id, password)| Outbind { system_id, password });
    let rest = [
        bind().prop_map(Body::BindReceiver).boxed(),
        bind().prop_map(Body::BindTransmitter).boxed(),
        bind().prop_map(Body::BindTransceiver).boxed(),
        bind_resp().prop_map(Body::BindReceiverResp).boxed(),
        bind_resp().prop_map(Body::BindTransmitterResp).boxed(),
        bind_resp().prop_map(Body::BindTransceiverResp).boxed(),
        outbind.prop_map(Body::Outbind).boxed(),
        sm().prop_map(Body::SubmitSm).boxed(),
        sm_resp(tlvs()).prop_map(Body::SubmitSmResp).boxed(),
        sm().prop_map(Body::DeliverSm).boxed(),
        sm_resp(tlvs()).prop_map(Body::DeliverSmResp).boxed(),
        data_sm().prop_map(Body::DataSm).boxed(),
        sm_resp(tlvs()).prop_map(Body::DataSmResp).boxed(),
        submit_multi().prop_map(Body::SubmitMulti).boxed(),
        submit_multi_resp(tlvs()).prop_map(Body::SubmitMultiResp).boxed(),
        sm_resp(tlvs()).prop_map(Body::BroadcastSmResp).boxed(),
        sm_resp(tlvs()).prop_map(Body::QueryBroadcastSmResp).boxed(),
    ];
    let empty = [
        Body::Unbind,
        Body::UnbindResp,
        Body::EnquireLink,
        Body::EnquireLinkResp,
        Body::GenericNack,
        Body::CancelSmResp,
        Body::ReplaceSmResp,
        Body::CancelBroadcastSmResp,
    ];
    let empty = prop::sample::select(empty.to_vec()).boxed();
    Union::new(rest.into_iter().chain(operations()).chain(broadcasts()).chain([empty]))
}
