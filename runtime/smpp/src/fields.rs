//! The field table: one list of rows per PDU body becomes its struct, its decoder and its encoder.
//!
//! `pdu.rs` writes the rows. The kinds are `cstr(most octets, status when longer)`, `octet(type)`,
//! `octet_if_there` for responses, `list(type)`, `short_message` and `tlvs`. A decoder never reads
//! beyond the frame it was given, never copies (every string is a slice of the frame) and never panics.
//! The same rows also tell where each field is, for [`crate::dissect`].

use bytes::{BufMut, Bytes, BytesMut};

use crate::tlv::{self, Tlvs, put_tlv};
use crate::values::CommandStatus;

/// Most octets of `short_message` (SMPP 3.4 §5.2.21); a longer one leaves as `message_payload`.
pub(crate) const SHORT_MESSAGE_MAX: usize = 254;

/// Why a body could not be read: the status to answer with, and the field that decided it.
pub(crate) type FieldError = (CommandStatus, &'static str);

/// A position in one PDU body.
pub(crate) struct Reader {
    body: Bytes,
    at: usize,
}

impl Reader {
    pub(crate) fn new(body: Bytes) -> Reader {
        Reader { body, at: 0 }
    }

    /// One octet. A body that ends before it is too short for its command.
    pub(crate) fn octet(&mut self, field: &'static str) -> Result<u8, FieldError> {
        let octet = self.body.get(self.at).copied().ok_or((CommandStatus::ESME_RINVCMDLEN, field))?;
        self.at += 1;
        Ok(octet)
    }

    /// Octets that were read, or where what could not be read begins.
    pub(crate) fn at(&self) -> usize {
        self.at.min(self.body.len())
    }

    /// One octet of a response, 0 where the body ends before it: error responses often have no body.
    pub(crate) fn octet_if_there(&mut self) -> u8 {
        let octet = self.body.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        octet
    }

    /// Four octets as a number; those missing count as 0.
    pub(crate) fn long_if_there(&mut self) -> u32 {
        u32::from_be_bytes(std::array::from_fn(|_| self.octet_if_there()))
    }

    /// True at the end of the body.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.body.len()
    }

    /// A C-octet string without its NUL. The end of the PDU ends it as well: some peers leave out
    /// the last NUL, or the whole body of a response.
    pub(crate) fn cstr(
        &mut self,
        octets_max: usize,
        too_long: CommandStatus,
        field: &'static str,
    ) -> Result<Bytes, FieldError> {
        let rest = self.body.get(self.at..).unwrap_or_default();
        let octets = rest.iter().position(|octet| *octet == 0).unwrap_or(rest.len());
        if octets > octets_max {
            return Err((too_long, field));
        }
        Ok(self.take(octets, octets + 1))
    }

    /// `sm_length` and as many octets.
    pub(crate) fn short_message(&mut self, field: &'static str) -> Result<Bytes, FieldError> {
        let sm_length = usize::from(self.octet(field)?);
        if sm_length > self.body.len() - self.at {
            return Err((CommandStatus::ESME_RINVMSGLEN, field));
        }
        Ok(self.take(sm_length, sm_length))
    }

    /// Whatever is left, as optional parameters.
    pub(crate) fn tlvs(&mut self) -> Tlvs {
        let left = self.body.len().saturating_sub(self.at);
        Tlvs::read(&self.take(left, left))
    }

    /// A slice of `octets`, moving on by `advance`. Empty fields, the most frequent ones, do not
    /// touch the frame's reference count.
    fn take(&mut self, octets: usize, advance: usize) -> Bytes {
        let start = self.at;
        self.at += advance;
        if octets == 0 { Bytes::new() } else { self.body.slice(start..start + octets) }
    }
}

/// Writes a C-octet string with its NUL. A NUL inside (GSM '@' in an alphanumeric sender) would end
/// the field early and shift every field behind it, so it leaves as '?', as Kannel does it.
pub(crate) fn put_cstr(out: &mut BytesMut, value: &[u8]) {
    if value.contains(&0) {
        out.extend(value.iter().map(|octet| if *octet == 0 { b'?' } else { *octet }));
    } else {
        out.put_slice(value);
    }
    out.put_u8(0);
}

/// Writes `sm_length` and `short_message`; a message that does not fit follows in [`put_overflow`].
pub(crate) fn put_short_message(out: &mut BytesMut, value: &[u8]) {
    match u8::try_from(value.len()) {
        Ok(sm_length) if value.len() <= SHORT_MESSAGE_MAX => {
            out.put_u8(sm_length);
            out.put_slice(value);
        }
        _ => out.put_u8(0),
    }
}

/// Writes the message that was too long for `short_message` as `message_payload` (§5.3.2.32); how many TLVs that
/// took.
pub(crate) fn put_overflow(out: &mut BytesMut, value: &[u8]) -> usize {
    if value.len() <= SHORT_MESSAGE_MAX {
        return 0;
    }
    put_tlv(out, tlv::tag::MESSAGE_PAYLOAD, value);
    1
}

/// Turns rows into a struct with `read` and `write`.
macro_rules! fields {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$field_meta:meta])* $field:ident: $kind:ident $(($($arg:tt)*))?,)*
    }) => {
        $(#[$meta])*
        pub struct $name {
            $($(#[$field_meta])* pub $field: fields!(@type $kind $($($arg)*)?),)*
        }

        impl $name {
            /// Reads the body; the fields in the order of the table.
            pub(crate) fn read(reader: &mut $crate::fields::Reader) -> Result<Self, $crate::fields::FieldError> {
                Ok($name { $($field: fields!(@read reader, stringify!($field), $kind $($($arg)*)?),)* })
            }

            /// Writes the body; the fields in the order of the table.
            pub(crate) fn write(&self, out: &mut bytes::BytesMut) {
                $(fields!(@write out, self, $field, $kind $($($arg)*)?);)*
            }

            /// Reads the body as [`read`](Self::read) does, and tells every field with its place.
            pub(crate) fn dissect(
                reader: &mut $crate::fields::Reader,
                seen: &mut $crate::dissect::Seen,
            ) -> Result<(), $crate::fields::FieldError> {
                $(
                    seen.begin(stringify!($field), reader.at());
                    let value = fields!(@read reader, stringify!($field), $kind $($($arg)*)?);
                    fields!(@tell seen, value, reader.at(), $kind $($($arg)*)?);
                )*
                Ok(())
            }
        }
    };

    (@type cstr $($arg:tt)*) => { bytes::Bytes };
    (@type octet) => { u8 };
    (@type octet $type:ident) => { $type };
    (@type octet_if_there) => { u8 };
    (@type list $type:ident) => { Vec<$type> };
    (@type short_message) => { bytes::Bytes };
    (@type tlvs $($arg:tt)*) => { $crate::tlv::Tlvs };

    (@read $reader:ident, $field:expr, cstr $max:expr, $status:ident) => {
        $reader.cstr($max, $crate::values::CommandStatus::$status, $field)?
    };
    (@read $reader:ident, $field:expr, octet) => { $reader.octet($field)? };
    (@read $reader:ident, $field:expr, octet $type:ident) => { $type($reader.octet($field)?) };
    (@read $reader:ident, $field:expr, octet_if_there) => { $reader.octet_if_there() };
    (@read $reader:ident, $field:expr, list $type:ident) => { $type::read_list($reader)? };
    (@read $reader:ident, $field:expr, short_message) => { $reader.short_message($field)? };
    (@read $reader:ident, $field:expr, tlvs $($arg:tt)*) => { $reader.tlvs() };

    (@tell $seen:ident, $value:ident, $end:expr, cstr $($arg:tt)*) => { $seen.string(&$value, $end) };
    (@tell $seen:ident, $value:ident, $end:expr, octet) => { $seen.octet($value, $end) };
    (@tell $seen:ident, $value:ident, $end:expr, octet $type:ident) => { $seen.octet($value.0, $end) };
    (@tell $seen:ident, $value:ident, $end:expr, octet_if_there) => { $seen.octet($value, $end) };
    (@tell $seen:ident, $value:ident, $end:expr, list $type:ident) => { $seen.list(&$value, $end) };
    (@tell $seen:ident, $value:ident, $end:expr, short_message) => { $seen.short_message(&$value, $end) };
    (@tell $seen:ident, $value:ident, $end:expr, tlvs $($arg:tt)*) => { $seen.tlvs(&$value, $end) };

    (@write $out:ident, $self:ident, $field:ident, cstr $($arg:tt)*) => {
        $crate::fields::put_cstr($out, &$self.$field)
    };
    (@write $out:ident, $self:ident, $field:ident, octet) => { $out.put_u8($self.$field) };
    (@write $out:ident, $self:ident, $field:ident, octet $type:ident) => { $out.put_u8($self.$field.0) };
    (@write $out:ident, $self:ident, $field:ident, octet_if_there) => { $out.put_u8($self.$field) };
    (@write $out:ident, $self:ident, $field:ident, list $type:ident) => { $type::write_list(&$self.$field, $out) };
    (@write $out:ident, $self:ident, $field:ident, short_message) => {
        $crate::fields::put_short_message($out, &$self.$field)
    };
    (@write $out:ident, $self:ident, $field:ident, tlvs) => { $self.$field.write($out) };
    (@write $out:ident, $self:ident, $field:ident, tlvs overflow $message:ident) => {
        // First, as the first message_payload is the one that counts.
        let written = $crate::fields::put_overflow($out, &$self.$message);
        $self.$field.write_at_most($out, $crate::tlv::TLVS_MAX - written);
    };
}

pub(crate) use fields;
