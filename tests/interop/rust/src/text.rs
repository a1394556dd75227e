//! The texts from the environment as octets.

const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EURO: [u8; 2] = [0x1B, 0x65];
const PART_SEPTETS: usize = 153;
const UCS2: u8 = 8; // data_coding

/// One SMS or one part of a long one.
#[derive(Clone, Debug, Default)]
pub struct Sms {
    /// With the user data header, where there is one.
    pub octets: Vec<u8>,
    pub data_coding: u8,
    pub has_udh: bool,
    pub in_payload: bool,
}

impl Sms {
    pub fn plain() -> Sms {
        Sms { octets: gsm(&variable("INTEROP_TEXT")), ..Sms::default() }
    }

    pub fn ucs2() -> Sms {
        let octets = variable("INTEROP_UCS2").encode_utf16().flat_map(u16::to_be_bytes).collect();
        Sms { octets, data_coding: UCS2, ..Sms::default() }
    }

    pub fn payload() -> Sms {
        Sms { octets: gsm(&variable("INTEROP_PAYLOAD")), in_payload: true, ..Sms::default() }
    }

    /// Parts with an 8-bit reference; a character of two septets is never cut.
    pub fn parts() -> Vec<Sms> {
        let mut pieces = vec![Vec::new()];
        for character in variable("INTEROP_PARTS").chars() {
            let octets = septets(character);
            if pieces.last().is_some_and(|piece: &Vec<u8>| piece.len() + octets.len() > PART_SEPTETS) {
                pieces.push(Vec::new());
            }
            pieces.last_mut().expect("there is one").extend(octets);
        }
        let total = pieces.len() as u8;
        let part = |(piece, number): (Vec<u8>, u8)| {
            let octets = [&[5, 0, 3, 1, total, number][..], &piece].concat();
            Sms { octets, has_udh: true, ..Sms::default() }
        };
        pieces.into_iter().zip(1..).map(part).collect()
    }
}

/// The octets of the MO that the device sends.
pub fn mo() -> Vec<u8> {
    gsm(&variable("INTEROP_MO"))
}

fn gsm(text: &str) -> Vec<u8> {
    text.chars().flat_map(septets).collect()
}

fn septets(character: char) -> Vec<u8> {
    match GSM.chars().position(|known| known == character) {
        Some(index) => vec![index as u8],
        None if character == '€' => EURO.to_vec(),
        None => panic!("{character} is not in GSM 03.38"),
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}
