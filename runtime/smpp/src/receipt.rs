//! Delivery receipts: what a peer says about a message, and how we say it (SMPP 3.4 Appendix B).
//!
//! Reads the TLVs first and the text for the rest, writes both. Never decides which message a receipt
//! belongs to: [`canonical_ids`] gives the names under which the embedder may have it.

mod id;
mod scan;
mod state;

use bytes::{BufMut, Bytes};

pub use id::{IdFormat, IdSource, canonical_ids};
pub use state::{MessageState, NetworkErrorCode};

use crate::time;
use crate::tlv::{Tlv, Tlvs, tag};
use crate::values::EsmClass;
use scan::{Fields, Key, date_ms, is_separator};

/// How much of the message a receipt quotes (Appendix B).
const TEXT_CHARS: usize = 20;

/// One delivery receipt. Everything but the id may be unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Id of the message, as the peer wrote it here.
    pub message_id: Bytes,
    /// What became of it.
    pub state: Option<MessageState>,
    /// `err`: three characters that mean something to the peer only.
    pub error: Option<String>,
    /// The network's error.
    pub network_error_code: Option<NetworkErrorCode>,
    /// `sub`: how many messages were submitted.
    pub submitted: Option<u32>,
    /// `dlvrd`: how many of them were delivered.
    pub delivered: Option<u32>,
    /// When it was submitted, in milliseconds since 1970. Peers write no zone; read as UTC.
    pub submit_date_ms: Option<u64>,
    /// When it came into its final state, likewise.
    pub done_date_ms: Option<u64>,
    /// The beginning of the message.
    pub text: Option<String>,
}

impl Receipt {
    /// Reads the receipt in a `deliver_sm` or `data_sm`; `payload` is its message with the user data
    /// header, if there is one. The TLVs win over the text. `None` when no id is found, and when the
    /// message is no receipt: neither `esm_class` says so (SMPP 3.4 §5.2.12) nor does it carry both
    /// `receipted_message_id` and `message_state`. A text alone proves nothing, a handset can write it.
    #[must_use]
    pub fn read(esm_class: EsmClass, payload: &[u8], tlvs: &Tlvs) -> Option<Receipt> {
        let id = tlvs.c_string(tag::RECEIPTED_MESSAGE_ID).filter(|id| !id.is_empty());
        let state = tlvs.octet(tag::MESSAGE_STATE).and_then(MessageState::from_octet);
        let is_marked = esm_class.is_delivery_receipt() || esm_class.is_intermediate_notification();
        if !is_marked && (id.is_none() || state.is_none()) {
            return None;
        }
        let narrowed = narrow(payload);
        let fields = Fields::scan(narrowed.as_deref().unwrap_or(payload));
        let message_id = id.or_else(|| fields.word(Key::Id).map(Bytes::copy_from_slice))?;
        let count = |key| std::str::from_utf8(fields.word(key)?).ok()?.parse().ok();
        Some(Receipt {
            message_id,
            state: state.or_else(|| state_in(&fields)),
            error: fields.word(Key::Err).map(as_text),
            network_error_code: tlvs.get(tag::NETWORK_ERROR_CODE).and_then(|v| NetworkErrorCode::parse(v)),
            submitted: count(Key::Sub),
            delivered: count(Key::Dlvrd),
            submit_date_ms: fields.get(Key::SubmitDate).and_then(date_ms),
            done_date_ms: fields.get(Key::DoneDate).and_then(date_ms),
            text: fields.get(Key::Text).map(as_text),
        })
    }

    /// The text of Appendix B, ASCII, for `data_coding` 0: `id:… sub:… dlvrd:… submit date:… done date:…
    /// stat:… err:… text:…`. Every field is there, as strict peers want it: unknown counts, dates and
    /// errors are zeros, an unknown state is `UNKNOWN`.
    #[must_use]
    pub fn to_text(&self) -> Vec<u8> {
        let state = self.state.unwrap_or(MessageState::Unknown).name();
        let counts = [self.submitted, self.delivered].map(|count| format!("{:03}", count.unwrap_or(0)));
        let dates = [self.submit_date_ms, self.done_date_ms].map(written_date);
        let mut out = Vec::with_capacity(160);
        for (key, value) in [
            ("id:", self.message_id.as_ref()),
            (" sub:", counts[0].as_bytes()),
            (" dlvrd:", counts[1].as_bytes()),
            (" submit date:", &dates[0]),
            (" done date:", &dates[1]),
            (" stat:", state.as_bytes()),
            (" err:", self.error.as_deref().unwrap_or("000").as_bytes()),
        ] {
            out.put_slice(key.as_bytes());
            // What separates fields would begin another one.
            out.extend(value.iter().map(|octet| if is_separator(*octet) { b'?' } else { *octet }));
        }
        out.put_slice(b" text:");
        let text = self.text.as_deref().unwrap_or_default().trim().chars().take(TEXT_CHARS);
        out.extend(text.map(|c| if c == ' ' || c.is_ascii_graphic() { c as u8 } else { b'?' }));
        // Space at the end of a field is nobody's, and some lines end here.
        out.truncate(out.trim_ascii_end().len());
        out
    }

    /// The same as TLVs: `receipted_message_id` with its NUL (§5.3.2.12), then what is known of
    /// `message_state` and `network_error_code`.
    #[must_use]
    pub fn tlvs(&self) -> Vec<Tlv> {
        let id: Bytes = self.message_id.iter().copied().chain([0]).collect();
        let mut tlvs = vec![Tlv { tag: tag::RECEIPTED_MESSAGE_ID, value: id }];
        if let Some(state) = self.state {
            tlvs.push(Tlv { tag: tag::MESSAGE_STATE, value: Bytes::copy_from_slice(&[state.octet()]) });
        }
        if let Some(code) = self.network_error_code {
            tlvs.push(Tlv { tag: tag::NETWORK_ERROR_CODE, value: Bytes::copy_from_slice(&code.octets()) });
        }
        tlvs
    }
}

/// By its key, or as a word between the fields where the peer forgot the key.
fn state_in(fields: &Fields<'_>) -> Option<MessageState> {
    match fields.word(Key::Stat) {
        Some(word) => MessageState::from_text(word),
        None => fields.words().find_map(|word| MessageState::from_text(word).filter(|s| s.name().as_bytes() == word)),
    }
}

/// Some operators send the text as UCS-2: every other octet is 0.
fn narrow(payload: &[u8]) -> Option<Vec<u8>> {
    let (pairs, odd) = payload.as_chunks::<2>();
    let is_wide = !pairs.is_empty() && odd.is_empty() && pairs.iter().all(|pair| pair[0] == 0);
    is_wide.then(|| pairs.iter().map(|pair| pair[1]).collect())
}

/// UTF-8 if it is, else Latin-1: a receipt seldom says what its text is in.
fn as_text(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) => text.to_owned(),
        Err(_) => octets.iter().map(|octet| char::from(*octet)).collect(),
    }
}

/// `YYMMDDhhmm`.
fn written_date(unix_ms: Option<u64>) -> Vec<u8> {
    let written = |ms| time::format_absolute(ms)[..10].to_vec();
    unix_ms.map_or_else(|| b"0000000000".to_vec(), written)
}
