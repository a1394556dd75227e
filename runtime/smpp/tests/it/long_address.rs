//! Addresses of `data_sm` and `alert_notification`, which may be longer than others (SMPP 3.4 §4.7.1, §4.12.1).

use wasmsc_smpp::*;

use crate::pdu;
use crate::peer::{SUBMIT, Solo};

/// Most octets that are read.
const LONGEST: usize = 128;

fn data_sm(source_octets: usize, destination_octets: usize) -> bytes::Bytes {
    let (source, destination) = ("1".repeat(source_octets), "2".repeat(destination_octets));
    let fields = [b"\0\x01\x01", source.as_bytes(), b"\0\x01\x01", destination.as_bytes(), b"\0\0\0\0"];
    pdu(0x0103, 0, 2, &fields.concat())
}

fn alert_notification(source_octets: usize, esme_octets: usize) -> bytes::Bytes {
    let (source, esme) = ("1".repeat(source_octets), "2".repeat(esme_octets));
    pdu(0x0102, 0, 3, &[b"\x01\x01", source.as_bytes(), b"\0\x01\x01", esme.as_bytes(), b"\0"].concat())
}

#[test]
fn addresses_of_data_sm_have_up_to_128_octets_and_longer_ones_their_own_status() {
    let mut smsc = Solo::smsc_bound();
    for octets in [64, 65, LONGEST] {
        let events = smsc.feed(&data_sm(octets, octets));
        let [Event::Request { body: Body::DataSm(data), .. }] = &events[..] else { panic!("{events:?}") };
        assert_eq!((data.source_addr.len(), data.destination_addr.len()), (octets, octets));
    }
    let (source, destination) = (CommandStatus::ESME_RINVSRCADR, CommandStatus::ESME_RINVDSTADR);
    for (octets, status) in [((LONGEST + 1, 1), source), ((1, LONGEST + 1), destination), ((500, 500), source)] {
        assert_eq!(smsc.feed(&data_sm(octets.0, octets.1)), []);
        let resp = decode(smsc.sent()).unwrap();
        assert_eq!((resp.body.command_id(), resp.sequence_number), (CommandId::DATA_SM_RESP, 2));
        assert_eq!(resp.command_status, status, "{octets:?}");
    }
    assert!(matches!(smsc.feed(&hex!(SUBMIT))[..], [Event::Request { .. }]), "the bind stays");
}

#[test]
fn an_alert_notification_with_a_longer_address_is_ignored() {
    let mut esme = Solo::esme_bound();
    for octets in [64, LONGEST] {
        let events = esme.feed(&alert_notification(octets, octets));
        let [Event::Alert(alert)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((alert.source_addr.len(), alert.esme_addr.len()), (octets, octets));
    }
    // It has no response that could say why.
    for (source, esme_addr) in [(LONGEST + 1, 1), (1, LONGEST + 1)] {
        assert_eq!(esme.feed(&alert_notification(source, esme_addr)), []);
        assert!(esme.sent().is_empty());
    }
    assert!(matches!(esme.feed(&alert_notification(11, 4))[..], [Event::Alert(_)]), "the bind stays");
}
