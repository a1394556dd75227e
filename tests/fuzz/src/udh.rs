//! User data headers: nothing beyond the header is read, and what was read can be written again.

use bytes::Bytes;
use wasmsc_smpp::segment::{self, Part};
use wasmsc_smpp::text::Shifts;
use wasmsc_smpp::udh::Udh;

/// Splits the octets into header and user data, and joins what claims to be a part.
pub fn udh(octets: &[u8]) {
    let octets = Bytes::copy_from_slice(octets);
    match Udh::split(&octets) {
        Ok((udh, user_data)) => {
            let claimed = 1 + usize::from(octets[0]);
            assert_eq!(user_data, octets.slice(claimed..));
            if !udh.is_empty() {
                assert_eq!(udh.encode(), octets.slice(..claimed));
                assert_eq!(udh.octets_len(), claimed);
            }
            let mut pushed = Udh::new();
            udh.elements().for_each(|(iei, value)| pushed.push(iei, value.clone()));
            assert_eq!(pushed, udh);
            if let Some(concat) = udh.concat() {
                assert!((1..=concat.total).contains(&concat.number));
            }
            assert!(udh.without_concat().concat().is_none());
            let _ = Shifts::of(&udh).udh();
        }
        Err(malformed) => {
            assert_eq!(malformed.present, octets.len());
            assert!(malformed.claimed > octets.len());
        }
    }
    join(&octets);
}

/// The octets as parts that a peer sent: length, then so many octets.
fn join(octets: &Bytes) {
    let mut parts = Vec::new();
    let mut rest = octets.clone();
    while let Some(length) = rest.first().map(|length| usize::from(*length).min(rest.len() - 1)) {
        let part = Part { octets: rest.slice(1..=length), has_udhi: true, sar: None, is_payload: false };
        parts.push(part);
        rest = rest.slice(1 + length..);
    }
    if let Ok(joined) = segment::join(&parts) {
        let all: usize = parts.iter().map(|part| part.octets.len()).sum();
        assert!(joined.octets.len() <= all);
    }
}
