//! What became of a message, and why: `message_state` and `network_error_code`.
//!
//! Never guesses: a state that no peer is known to write is `None`, not "unknown", which is a state.

/// What became of a message (SMPP 3.4 §5.2.28, §5.3.2.35; 0 and 9 are of SMPP 5.0 §4.7.15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageState {
    /// Waits for its time.
    Scheduled = 0,
    /// On its way.
    Enroute = 1,
    /// The handset has it.
    Delivered = 2,
    /// Its validity period ended first.
    Expired = 3,
    /// Was deleted, for instance by `cancel_sm`.
    Deleted = 4,
    /// Cannot be delivered.
    Undeliverable = 5,
    /// Somebody took it on behalf of the subscriber, says the specification; many centres send it
    /// when they take a message on, and report again later.
    Accepted = 6,
    /// The centre lost track of it.
    Unknown = 7,
    /// Was refused.
    Rejected = 8,
    /// A broadcast that was left out.
    Skipped = 9,
}

/// Every state with its name in a receipt's text (SMPP 3.4 Appendix B) and the beginnings by which peers
/// are understood that write another name.
const STATES: [(MessageState, &str, &[&str]); 10] = [
    (MessageState::Scheduled, "SCHEDLD", &["SCHED"]),
    (MessageState::Enroute, "ENROUTE", &["ENROUT", "EN_ROUT", "EN-ROUT", "BUFFER"]),
    (MessageState::Delivered, "DELIVRD", &["DELIVR", "DELIVE", "DELVRD", "DLVRD"]),
    (MessageState::Expired, "EXPIRED", &["EXPIR"]),
    (MessageState::Deleted, "DELETED", &["DELET", "CANCEL"]),
    (MessageState::Undeliverable, "UNDELIV", &["UNDEL", "FAIL", "NOTDELIV", "NOT_DELIV"]),
    (MessageState::Accepted, "ACCEPTD", &["ACCEP", "ACCPT"]),
    (MessageState::Unknown, "UNKNOWN", &["UNKN"]),
    (MessageState::Rejected, "REJECTD", &["REJEC", "REJCT"]),
    (MessageState::Skipped, "SKIPPED", &["SKIP"]),
];

impl MessageState {
    /// The states written out, in the order of their numbers.
    pub const WORDS: [&'static str; 10] = [
        "scheduled",
        "enroute",
        "delivered",
        "expired",
        "deleted",
        "undeliverable",
        "accepted",
        "unknown",
        "rejected",
        "skipped",
    ];

    /// Written out, in lower case.
    #[must_use]
    pub fn word(self) -> &'static str {
        MessageState::WORDS[usize::from(self.octet())]
    }

    /// The state with this number.
    #[must_use]
    pub fn from_octet(octet: u8) -> Option<MessageState> {
        STATES.get(usize::from(octet)).map(|(state, ..)| *state)
    }

    /// Its number in `message_state`.
    #[must_use]
    pub const fn octet(self) -> u8 {
        self as u8
    }

    /// Its name in the text of a receipt, seven characters.
    #[must_use]
    pub fn name(self) -> &'static str {
        STATES[usize::from(self.octet())].1
    }

    /// Reads the name in a receipt's text: any case, cut off or written out (`DELIVERED`, `UNDELIVERABLE`,
    /// `FAILED`), or the number.
    #[must_use]
    pub fn from_text(text: &[u8]) -> Option<MessageState> {
        let text = text.trim_ascii();
        if !text.is_empty() && text.len() <= 3 && text.iter().all(u8::is_ascii_digit) {
            return u8::try_from(crate::time::number(text)).ok().and_then(MessageState::from_octet);
        }
        let begins = |beginning: &&str| {
            text.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning.as_bytes()))
        };
        STATES.iter().find(|(_, _, beginnings)| beginnings.iter().any(begins)).map(|(state, ..)| *state)
    }

    /// True when no other receipt is to be expected. `Accepted` is final by the specification but not in
    /// the field, where `DELIVRD` often follows it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, MessageState::Scheduled | MessageState::Enroute | MessageState::Accepted)
    }
}

/// Why the network did not deliver (SMPP 3.4 §5.3.2.31).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NetworkErrorCode {
    /// 1 ANSI-136, 2 IS-95, 3 GSM, 4 and later others; 0 when the peer did not say.
    pub network_type: u8,
    /// The network's number for the error.
    pub code: u16,
}

impl NetworkErrorCode {
    /// Reads the value of the TLV: three octets, or the number in ASCII digits as some centres send it,
    /// which leaves the network type unsaid. No network type is an ASCII digit.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<NetworkErrorCode> {
        let digits = value.strip_suffix(b"\0").unwrap_or(value);
        if (1..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) {
            let code = u16::try_from(crate::time::number(digits)).ok()?;
            return Some(NetworkErrorCode { network_type: 0, code });
        }
        match value {
            [network_type, high, low] => {
                Some(NetworkErrorCode { network_type: *network_type, code: u16::from_be_bytes([*high, *low]) })
            }
            _ => None,
        }
    }

    /// The value of the TLV.
    #[must_use]
    pub const fn octets(self) -> [u8; 3] {
        let [high, low] = self.code.to_be_bytes();
        [self.network_type, high, low]
    }
}
