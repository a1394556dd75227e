//! All that `data_coding` says besides the alphabet: class, waiting indication, compression.

use super::Alphabet;
use crate::values::DataCoding;

/// What a handset does with a message (3GPP TS 23.038 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageClass {
    /// Class 0: shown at once and not kept.
    Flash,
    /// Class 1: for the handset.
    Handset,
    /// Class 2: for the SIM.
    Sim,
    /// Class 3: for attached equipment.
    Equipment,
}

impl MessageClass {
    const fn of(bits: u8) -> MessageClass {
        match bits & 0x03 {
            0 => MessageClass::Flash,
            1 => MessageClass::Handset,
            2 => MessageClass::Sim,
            _ => MessageClass::Equipment,
        }
    }

    const fn bits(self) -> u8 {
        match self {
            MessageClass::Flash => 0,
            MessageClass::Handset => 1,
            MessageClass::Sim => 2,
            MessageClass::Equipment => 3,
        }
    }
}

/// What waits for the subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaitingKind {
    /// Voicemail.
    Voicemail,
    /// Fax.
    Fax,
    /// Electronic mail.
    Email,
    /// Something else.
    Other,
}

/// A message waiting indication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Waiting {
    /// Something waits; false turns the indication off.
    pub is_active: bool,
    /// What waits.
    pub kind: WaitingKind,
    /// The handset keeps the text as well; otherwise it may discard it.
    pub is_stored: bool,
}

/// A parsed `data_coding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dcs {
    /// The alphabet, with GSM 03.38 as the default one; compressed text counts as octets.
    pub alphabet: Alphabet,
    /// The message class, if one is named.
    pub class: Option<MessageClass>,
    /// The message waiting indication, if this is one.
    pub waiting: Option<Waiting>,
    /// The text is compressed (3GPP TS 23.042).
    pub is_compressed: bool,
    /// The handset deletes the message once it was read.
    pub is_deleted_after_reading: bool,
}

impl Dcs {
    /// Parses a `data_coding` by its coding group (3GPP TS 23.038 §4). Values 0x00 to 0x0E have SMPP's
    /// meaning (SMPP 3.4 §5.2.19); reserved ones count as the default alphabet.
    #[must_use]
    pub fn of(data_coding: DataCoding) -> Dcs {
        let octet = data_coding.0;
        let mut dcs = Dcs {
            alphabet: Alphabet::of(data_coding, Alphabet::Gsm),
            class: None,
            waiting: None,
            is_compressed: false,
            is_deleted_after_reading: false,
        };
        match octet {
            0x10..=0x7F => {
                dcs.is_compressed = octet & 0x20 != 0;
                dcs.is_deleted_after_reading = octet & 0x40 != 0;
                // Bit 4 gives the two lowest bits their meaning.
                dcs.class = (octet & 0x10 != 0).then(|| MessageClass::of(octet));
            }
            0xC0..=0xEF => dcs.waiting = Some(waiting(octet)),
            0xF0..=0xFF => dcs.class = Some(MessageClass::of(octet)),
            _ => {}
        }
        dcs
    }

    /// A message shown at once and not kept.
    #[must_use]
    pub fn is_flash(&self) -> bool {
        self.class == Some(MessageClass::Flash)
    }
}

/// Groups 1100 (discard), 1101 (store) and 1110 (store, UCS-2).
const fn waiting(octet: u8) -> Waiting {
    let kind = match octet & 0x03 {
        0 => WaitingKind::Voicemail,
        1 => WaitingKind::Fax,
        2 => WaitingKind::Email,
        _ => WaitingKind::Other,
    };
    Waiting { is_active: octet & 0x08 != 0, kind, is_stored: octet >= 0xD0 }
}

/// The `data_coding` that says in UCS-2 what this one says besides its alphabet: class, waiting indication,
/// deletion. One that names only an alphabet becomes plain UCS-2.
#[must_use]
pub fn in_ucs_2(data_coding: DataCoding) -> DataCoding {
    let octet = data_coding.0;
    match octet {
        // Of a waiting indication that need not be kept there is no such form: it is kept (group 1110).
        0xC0..=0xEF => DataCoding(0xE0 | octet & 0x0F),
        // General group: deletion and class; compressed text is none that could be recoded.
        0x10..=0x7F => DataCoding(octet & 0x53 | 0x08),
        _ => match Dcs::of(data_coding).class {
            Some(class) => with_class(DataCoding::UCS_2, class).unwrap_or(DataCoding::UCS_2),
            None => DataCoding::UCS_2,
        },
    }
}

/// The `data_coding` of the same alphabet with a message class; `None` where that has no value: ASCII,
/// Latin-1 and the other alphabets that only SMPP names.
#[must_use]
pub fn with_class(data_coding: DataCoding, class: MessageClass) -> Option<DataCoding> {
    let alphabet_bits = match data_coding.0 {
        0x00 => 0x00,
        0x02 | 0x04 => 0x04,
        0x08 => 0x08,
        octet @ 0x10..=0x7F => octet & 0x6C,
        0xF0..=0xFF => data_coding.0 & 0x04,
        _ => return None,
    };
    Some(DataCoding(alphabet_bits | 0x10 | class.bits()))
}
