//! The two lists of `submit_multi`: where a message goes, and where it could not (SMPP 3.4 §4.5).
//!
//! Rows of the field table whose length is a count octet. Never judges a number.

use bytes::{BufMut, Bytes, BytesMut};

use crate::dissect::Listed;
use crate::fields::{FieldError, Reader, put_cstr};
use crate::values::{CommandStatus, Npi, Ton};

/// `dest_flag`: a number (§5.2.25).
const SME_ADDRESS: u8 = 1;
/// `dest_flag`: the name of a distribution list.
const DISTRIBUTION_LIST: u8 = 2;
/// Most octets of one address or name; three times the specification's 20.
const NAME_MAX: usize = 64;

/// One `dest_address` (SMPP 3.4 §4.5.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A number.
    Address {
        /// Type of number.
        ton: Ton,
        /// Numbering plan.
        npi: Npi,
        /// The number.
        address: Bytes,
    },
    /// A list that the SMSC keeps.
    DistributionList(Bytes),
}

impl Destination {
    pub(crate) fn read_list(reader: &mut Reader) -> Result<Vec<Destination>, FieldError> {
        let count = reader.octet("number_of_dests")?;
        (0..count).map(|_| Destination::read(reader)).collect()
    }

    fn read(reader: &mut Reader) -> Result<Destination, FieldError> {
        match reader.octet("dest_flag")? {
            SME_ADDRESS => Ok(Destination::Address {
                ton: Ton(reader.octet("dest_addr_ton")?),
                npi: Npi(reader.octet("dest_addr_npi")?),
                address: reader.cstr(NAME_MAX, CommandStatus::ESME_RINVDSTADR, "destination_addr")?,
            }),
            DISTRIBUTION_LIST => {
                let name = reader.cstr(NAME_MAX, CommandStatus::ESME_RINVDLNAME, "dl_name")?;
                Ok(Destination::DistributionList(name))
            }
            // Its length is unknown, and with it where the next field begins.
            _ => Err((CommandStatus::ESME_RINVDESTFLAG, "dest_flag")),
        }
    }

    /// Destinations above 255, which the count has no room for, are left out.
    pub(crate) fn write_list(list: &[Destination], out: &mut BytesMut) {
        let count = u8::try_from(list.len()).unwrap_or(u8::MAX);
        out.put_u8(count);
        for destination in list.iter().take(usize::from(count)) {
            match destination {
                Destination::Address { ton, npi, address } => {
                    out.put_slice(&[SME_ADDRESS, ton.0, npi.0]);
                    put_cstr(out, address);
                }
                Destination::DistributionList(name) => {
                    out.put_u8(DISTRIBUTION_LIST);
                    put_cstr(out, name);
                }
            }
        }
    }
}

impl Listed for Destination {
    const COUNT: &'static str = "number_of_dests";
    const ITEM: &'static str = "dest_address";

    fn octets_len(&self) -> usize {
        match self {
            Destination::Address { address, .. } => 4 + address.len(),
            Destination::DistributionList(name) => 2 + name.len(),
        }
    }

    fn told(&self) -> String {
        match self {
            Destination::Address { ton, npi, address } => {
                format!("{}; TON {ton}, NPI {npi}", String::from_utf8_lossy(address))
            }
            Destination::DistributionList(name) => format!("distribution list {}", String::from_utf8_lossy(name)),
        }
    }
}

impl Listed for Unsuccess {
    const COUNT: &'static str = "no_unsuccess";
    const ITEM: &'static str = "unsuccess_sme";

    fn octets_len(&self) -> usize {
        7 + self.address.len()
    }

    fn told(&self) -> String {
        let Unsuccess { ton, npi, address, error_status_code } = self;
        format!("{}; TON {ton}, NPI {npi}; {error_status_code}", String::from_utf8_lossy(address))
    }
}

/// One `unsuccess_sme` (SMPP 3.4 §4.5.2.1): a destination that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsuccess {
    /// Type of number.
    pub ton: Ton,
    /// Numbering plan.
    pub npi: Npi,
    /// The number.
    pub address: Bytes,
    /// What a `submit_sm` to it would have got.
    pub error_status_code: CommandStatus,
}

impl Unsuccess {
    /// A response cannot be refused: what is cut off is left out.
    pub(crate) fn read_list(reader: &mut Reader) -> Result<Vec<Unsuccess>, FieldError> {
        let count = reader.octet_if_there();
        let mut list = Vec::new();
        while list.len() < usize::from(count) && !reader.is_at_end() {
            list.push(Unsuccess {
                ton: Ton(reader.octet_if_there()),
                npi: Npi(reader.octet_if_there()),
                address: reader.cstr(usize::MAX, CommandStatus::ESME_RINVDSTADR, "destination_addr")?,
                error_status_code: CommandStatus(reader.long_if_there()),
            });
        }
        Ok(list)
    }

    pub(crate) fn write_list(list: &[Unsuccess], out: &mut BytesMut) {
        let count = u8::try_from(list.len()).unwrap_or(u8::MAX);
        out.put_u8(count);
        for unsuccess in list.iter().take(usize::from(count)) {
            out.put_slice(&[unsuccess.ton.0, unsuccess.npi.0]);
            put_cstr(out, &unsuccess.address);
            out.put_u32(unsuccess.error_status_code.0);
        }
    }
}
