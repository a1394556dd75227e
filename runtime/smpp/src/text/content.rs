//! A message's content with its user data header.

use bytes::Bytes;

use super::{Alphabet, Payload, Shifts, decode_as, gsm};
use crate::udh::Udh;
use crate::values::DataCoding;

/// Decodes a message that may have a user data header (`has_udhi` from its `esm_class`), in the
/// national tables the header names. `default` is what `data_coding` 0 means between the peers.
///
/// Never fails: a message whose header is longer than itself is read as if it had none.
#[must_use]
pub fn decode_content(
    data_coding: DataCoding,
    has_udhi: bool,
    octets: &Bytes,
    default: Alphabet,
) -> (Payload, Option<Udh>) {
    let alphabet = Alphabet::of(data_coding, default);
    let Some((udh, user_data)) = has_udhi.then(|| Udh::split(octets).ok()).flatten() else {
        return (decode_as(alphabet, octets), None);
    };
    let shifts = Shifts::of(&udh);
    let payload = match alphabet {
        Alphabet::Gsm => Payload::Text(gsm::decode_shifted(&user_data, shifts)),
        Alphabet::GsmPacked => {
            // What stands before the text, which is not what `udh` encodes to when it was malformed.
            let header_octets = octets.len() - user_data.len();
            Payload::Text(gsm::decode_shifted(&gsm::unpack_behind(header_octets, &user_data), shifts))
        }
        _ => decode_as(alphabet, &user_data),
    };
    (payload, Some(udh))
}
