//! Our codec against two that others wrote: `rusmpp` 0.4 and `smpp-codec` 0.2.
//!
//! For every command an oracle knows: what we encode it decodes to the same fields, and what it encodes from
//! them is octet for octet ours. `disagreements` lists where they do not, and what the specification says.

// Tests may stop at the first surprise.
#![allow(clippy::unwrap_used)]

mod disagreements;
mod given;
mod rusmpp;
mod smpp_codec;

use bytes::{Bytes, BytesMut};
use wasmsc_smpp::*;

/// PDUs per oracle: some hundred of each command, and still well under a second.
const CASES: u32 = 10_000;

/// One PDU as we write it.
fn encoded(command_status: u32, sequence_number: u32, body: &Body) -> Bytes {
    let pdu = Pdu { command_status: CommandStatus(command_status), sequence_number, body: body.clone() };
    let mut out = BytesMut::new();
    encode(&pdu, &mut out);
    out.freeze()
}

/// One field as it stands on the wire: strings with their NUL.
trait Wire {
    fn wire(&self) -> Vec<u8>;
}

impl Wire for Bytes {
    fn wire(&self) -> Vec<u8> {
        [self, &b"\0"[..]].concat()
    }
}

impl Wire for u8 {
    fn wire(&self) -> Vec<u8> {
        vec![*self]
    }
}

macro_rules! octets {
    ($($type:ident)*) => {
        $(impl Wire for $type {
            fn wire(&self) -> Vec<u8> {
                vec![self.0]
            }
        })*
    };
}

octets! { Ton Npi EsmClass RegisteredDelivery DataCoding InterfaceVersion }

impl Wire for Tlvs {
    fn wire(&self) -> Vec<u8> {
        let header =
            |tlv: &Tlv| [tlv.tag.to_be_bytes(), u16::try_from(tlv.value.len()).unwrap().to_be_bytes()].concat();
        self.iter().flat_map(|tlv| [header(tlv), tlv.value.to_vec()].concat()).collect()
    }
}

/// The named fields of both are the same octets; `$wire` is the oracle's own encoder.
macro_rules! agree {
    ($ours:expr, $theirs:expr, $wire:expr, $($field:ident)*) => {
        {
            let theirs = &$theirs;
            $(assert_eq!(crate::Wire::wire(&$ours.$field), $wire(&theirs.$field), stringify!($field));)*
        }
    };
}
use agree;
