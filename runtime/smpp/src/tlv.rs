//! Optional parameters, tag-length-value (SMPP 3.4 §3.2.4, tags in §5.3.2).
//!
//! Keeps every parameter in wire order, known or not, duplicates included, so that a relay passes
//! on what it was given. A tail whose length lies is dropped and never costs the PDU: several
//! centres in service send one. Never interprets a value beyond its integer or string form.

use bytes::{BufMut, Bytes, BytesMut};

/// Most parameters kept from one PDU; the rest is dropped. The specification defines 44 tags, so
/// this leaves room for vendors while a PDU full of empty TLVs cannot grow a hundred times in memory.
pub const TLVS_MAX: usize = 255;

/// A tag and a length, two octets each.
pub(crate) const TLV_HEADER_OCTETS: usize = 4;

/// One optional parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlv {
    /// Tag, see [`tag`].
    pub tag: u16,
    /// Value without tag and length. The format has room for 65,535 octets.
    pub value: Bytes,
}

/// The optional parameters of one PDU, in wire order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tlvs(Vec<Tlv>);

impl Tlvs {
    /// No parameters; allocates nothing.
    #[must_use]
    pub const fn new() -> Tlvs {
        Tlvs(Vec::new())
    }

    /// The first value with this tag.
    #[must_use]
    pub fn get(&self, tag: u16) -> Option<&Bytes> {
        self.0.iter().find(|tlv| tlv.tag == tag).map(|tlv| &tlv.value)
    }

    /// The first value with this tag as one octet; `None` when absent or of another size.
    #[must_use]
    pub fn octet(&self, tag: u16) -> Option<u8> {
        let value: [u8; 1] = self.get(tag)?.as_ref().try_into().ok()?;
        Some(value[0])
    }

    /// The first value with this tag as a two-octet number; `None` when absent or of another size.
    #[must_use]
    pub fn short(&self, tag: u16) -> Option<u16> {
        Some(u16::from_be_bytes(self.get(tag)?.as_ref().try_into().ok()?))
    }

    /// The first value with this tag up to its NUL, or all of it: `receipted_message_id` is a
    /// C-octet string (§5.3.2.12) that peers often send without the NUL.
    #[must_use]
    pub fn c_string(&self, tag: u16) -> Option<Bytes> {
        let value = self.get(tag)?;
        let end = value.iter().position(|octet| *octet == 0).unwrap_or(value.len());
        Some(value.slice(..end))
    }

    /// Adds a parameter at the end.
    pub fn push(&mut self, tlv: Tlv) {
        self.0.push(tlv);
    }

    /// The parameters in wire order.
    pub fn iter(&self) -> std::slice::Iter<'_, Tlv> {
        self.0.iter()
    }

    /// True without parameters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many parameters there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Reads the tail of a PDU. Stray octets and a length that lies end the reading; what was read
    /// before them stays.
    pub(crate) fn read(tail: &Bytes) -> Tlvs {
        Tlvs::read_placed(tail).0
    }

    /// With where the first one begins.
    pub(crate) fn read_placed(tail: &Bytes) -> (Tlvs, usize) {
        if tail.is_empty() {
            return (Tlvs::new(), 0);
        }
        let (tlvs, rest) = Tlvs::read_from(tail, 0);
        if rest < TLV_HEADER_OCTETS || tail[0] != 0 {
            return (tlvs, 0);
        }
        // A stray NUL after short_message (sm_length one too small) shifts every TLV behind it.
        let (shifted, rest) = Tlvs::read_from(tail, 1);
        if rest == 0 { (shifted, 1) } else { (tlvs, 0) }
    }

    /// Reads from `at` on and says how many octets were left over.
    fn read_from(tail: &Bytes, mut at: usize) -> (Tlvs, usize) {
        let mut tlvs = Vec::new();
        while let Some(header) = tail.get(at..at + TLV_HEADER_OCTETS) {
            let tag = u16::from_be_bytes([header[0], header[1]]);
            let value_octets = usize::from(u16::from_be_bytes([header[2], header[3]]));
            let start = at + TLV_HEADER_OCTETS;
            let end = start + value_octets;
            if end > tail.len() || tlvs.len() == TLVS_MAX {
                break;
            }
            tlvs.push(Tlv { tag, value: tail.slice(start..end) });
            at = end;
        }
        (Tlvs(tlvs), tail.len() - at)
    }

    /// Writes every parameter.
    pub(crate) fn write(&self, out: &mut BytesMut) {
        self.write_at_most(out, usize::MAX);
    }

    /// Writes the first parameters: no more than the other side may keep.
    pub(crate) fn write_at_most(&self, out: &mut BytesMut, count: usize) {
        for tlv in self.0.iter().take(count) {
            put_tlv(out, tlv.tag, &tlv.value);
        }
    }
}

impl FromIterator<Tlv> for Tlvs {
    fn from_iter<I: IntoIterator<Item = Tlv>>(tlvs: I) -> Tlvs {
        Tlvs(tlvs.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Tlvs {
    type Item = &'a Tlv;
    type IntoIter = std::slice::Iter<'a, Tlv>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Writes one parameter. A value over 65,535 octets has no encoding and is cut there;
/// [`crate::Session::request`] refuses it before it comes here.
pub(crate) fn put_tlv(out: &mut BytesMut, tag: u16, value: &[u8]) {
    let value_octets = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.put_u16(tag);
    out.put_u16(value_octets);
    out.put_slice(&value[..usize::from(value_octets)]);
}

/// The tags of SMPP 3.4 §5.3.2 and of SMPP 5.0 §4.8.1.
pub mod tag {
    macro_rules! tags {
        ($($name:ident = $value:literal;)*) => {
            $(#[doc = concat!("`", stringify!($name), "`, ", stringify!($value), ".")] pub const $name: u16 = $value;)*

            /// The specification's name in capitals, or `None` for a vendor's tag.
            #[must_use]
            pub const fn name(tag: u16) -> Option<&'static str> {
                match tag {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        };
    }

    tags! {
        DEST_ADDR_SUBUNIT = 0x0005;
        DEST_NETWORK_TYPE = 0x0006;
        DEST_BEARER_TYPE = 0x0007;
        DEST_TELEMATICS_ID = 0x0008;
        SOURCE_ADDR_SUBUNIT = 0x000D;
        SOURCE_NETWORK_TYPE = 0x000E;
        SOURCE_BEARER_TYPE = 0x000F;
        SOURCE_TELEMATICS_ID = 0x0010;
        QOS_TIME_TO_LIVE = 0x0017;
        PAYLOAD_TYPE = 0x0019;
        ADDITIONAL_STATUS_INFO_TEXT = 0x001D;
        RECEIPTED_MESSAGE_ID = 0x001E;
        MS_MSG_WAIT_FACILITIES = 0x0030;
        PRIVACY_INDICATOR = 0x0201;
        SOURCE_SUBADDRESS = 0x0202;
        DEST_SUBADDRESS = 0x0203;
        USER_MESSAGE_REFERENCE = 0x0204;
        USER_RESPONSE_CODE = 0x0205;
        SOURCE_PORT = 0x020A;
        DESTINATION_PORT = 0x020B;
        SAR_MSG_REF_NUM = 0x020C;
        LANGUAGE_INDICATOR = 0x020D;
        SAR_TOTAL_SEGMENTS = 0x020E;
        SAR_SEGMENT_SEQNUM = 0x020F;
        SC_INTERFACE_VERSION = 0x0210;
        CALLBACK_NUM_PRES_IND = 0x0302;
        CALLBACK_NUM_ATAG = 0x0303;
        NUMBER_OF_MESSAGES = 0x0304;
        CALLBACK_NUM = 0x0381;
        DPF_RESULT = 0x0420;
        SET_DPF = 0x0421;
        MS_AVAILABILITY_STATUS = 0x0422;
        NETWORK_ERROR_CODE = 0x0423;
        MESSAGE_PAYLOAD = 0x0424;
        DELIVERY_FAILURE_REASON = 0x0425;
        MORE_MESSAGES_TO_SEND = 0x0426;
        MESSAGE_STATE = 0x0427;
        CONGESTION_STATE = 0x0428;
        USSD_SERVICE_OP = 0x0501;
        BROADCAST_CHANNEL_INDICATOR = 0x0600;
        BROADCAST_CONTENT_TYPE = 0x0601;
        BROADCAST_CONTENT_TYPE_INFO = 0x0602;
        BROADCAST_MESSAGE_CLASS = 0x0603;
        BROADCAST_REP_NUM = 0x0604;
        BROADCAST_FREQUENCY_INTERVAL = 0x0605;
        BROADCAST_AREA_IDENTIFIER = 0x0606;
        BROADCAST_ERROR_STATUS = 0x0607;
        BROADCAST_AREA_SUCCESS = 0x0608;
        BROADCAST_END_TIME = 0x0609;
        BROADCAST_SERVICE_GROUP = 0x060A;
        BILLING_IDENTIFICATION = 0x060B;
        SOURCE_NETWORK_ID = 0x060D;
        DEST_NETWORK_ID = 0x060E;
        SOURCE_NODE_ID = 0x060F;
        DEST_NODE_ID = 0x0610;
        DEST_ADDR_NP_RESOLUTION = 0x0611;
        DEST_ADDR_NP_INFORMATION = 0x0612;
        DEST_ADDR_NP_COUNTRY = 0x0613;
        DISPLAY_TIME = 0x1201;
        SMS_SIGNAL = 0x1203;
        MS_VALIDITY = 0x1204;
        ALERT_ON_MESSAGE_DELIVERY = 0x130C;
        ITS_REPLY_TYPE = 0x1380;
        ITS_SESSION_INFO = 0x1383;
    }
}
