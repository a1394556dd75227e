//! Registered devices: customers change them, messages show that they are there.
//!
//! The rows are the store's; what every message asks about a number is in the directory's registry, which changes
//! here together with them.

use std::collections::HashMap;
use std::io;

use super::House;
use crate::device::{Device, DeviceRecord};
use crate::message::{Address, Timestamp};
use crate::route::{Customer, CustomerIndex, Directory};
use crate::store::{Audit, Change, Done, NewOnce, NotAccepted, OnceRecord, Rewrite, Rewrites, Store, StoreFailed};

/// Devices of all customers together: some 50 MB of memory.
pub const REGISTERED_MAX: usize = 1_000_000;

/// As the audit names them.
const KIND: &str = "device";
const KIND_OF_MANY: &str = "devices";

/// Why a device was not registered.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotRegistered {
    #[error("{0} is no number of a device: it begins with + and has 5 to 15 digits")]
    NoDevice(Address),
    /// Whose it is, nobody is told.
    #[error("{0} cannot be registered by this customer")]
    Taken(Address),
    #[error("{REGISTERED_MAX} devices are registered already")]
    TooMany,
    #[error("this key was used for another request")]
    OtherRequest,
    #[error(transparent)]
    NotAccepted(#[from] NotAccepted),
    #[error("the store cannot be read: {0}")]
    Unreadable(String),
}

impl From<io::Error> for NotRegistered {
    fn from(error: io::Error) -> NotRegistered {
        NotRegistered::Unreadable(error.to_string())
    }
}

/// Which device is to change, who says so, and when.
#[derive(Clone, Copy, Debug)]
pub struct DeviceEdit<'e> {
    pub customer: CustomerIndex,
    pub address: &'e Address,
    pub who: &'e str,
    pub now: Timestamp,
}

/// A line of an import.
#[derive(Clone, Debug)]
pub struct NewDevice {
    pub line: usize,
    pub address: Address,
    pub device: Device,
}

/// What an import came to, or would.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
    /// Line and reason.
    pub refused: Vec<(usize, String)>,
}

/// Puts every device of the store into the registry.
pub fn recover(directory: &Directory, store: &Store) -> io::Result<()> {
    let registry = directory.registry();
    store.each_device(|customer, digits, row| registry.put(&Address::Msisdn(digits.into()), customer, &row.device))?;
    store.each_seen(|digits, at| drop(registry.see(&Address::Msisdn(digits.into()), at)))
}

impl House {
    /// A device showed up, by an MO or a receipt. What is to be written of that, now and then.
    pub(super) fn seen(&self, device: &Address, now: Timestamp) -> Option<Change> {
        let customer = self.directory().registry().see(device, now)?;
        Some(Change::Seen((*customer).into(), device.digits().into(), now))
    }
}

/// Changes a device to what `decide` makes of it; None removes it. An error of `decide` changes nothing. Yields its
/// row from now on; `done` is called when that is durable.
pub fn change_device<E: From<NotRegistered>>(
    house: &House,
    edit: DeviceEdit<'_>,
    decide: impl FnOnce(Option<&DeviceRecord>) -> Result<Option<Device>, E>,
    done: impl FnOnce(Result<(), StoreFailed>) + Send + 'static,
) -> Result<Option<DeviceRecord>, E> {
    let DeviceEdit { customer, address, who, now } = edit;
    let directory = house.directory();
    let customer = directory.customer_at(customer);
    let registry = directory.registry();
    let _writing = registry.writing();
    let before = house.store.device(&customer.id, address.digits()).map_err(NotRegistered::from)?;
    let after = decide(before.as_ref())?;
    if before.as_ref().map(|before| &before.device) == after.as_ref() {
        // The change before it may not be durable yet.
        let durable: Done = Box::new(done);
        house.store.amend(Vec::new(), Some(durable)).map_err(NotAccepted::from).map_err(NotRegistered::from)?;
        return Ok(before);
    }
    if before.is_none() {
        check(&directory, customer, address, registry.len())?;
    }
    let audit = Audit {
        who: who.into(),
        at: now,
        kind: KIND.into(),
        id: format!("{}/{address}", customer.id).into(),
        before: before.as_ref().map(|before| json(&before.device)),
        after: after.as_ref().map(json),
    };
    let created_at = before.as_ref().map_or(now, |before| before.created_at);
    let rewrites = vec![Rewrite { digits: address.digits().into(), before, after: after.clone() }];
    let rewrites = Rewrites { customer: &customer.id, rewrites, audit, once: None };
    let revision = house.store.rewrite_devices(rewrites, done).map_err(NotRegistered::from)?;
    match &after {
        Some(device) => registry.put(address, &customer.id, device),
        None => registry.remove(address),
    }
    Ok(after.map(|device| DeviceRecord { device, revision, created_at, changed_at: now }))
}

fn json(device: &Device) -> Box<str> {
    serde_json::to_string(device).expect("strings are JSON").into()
}

/// May this customer register a further device?
fn check(directory: &Directory, customer: &Customer, address: &Address, others: usize) -> Result<(), NotRegistered> {
    if !matches!(address, Address::Msisdn(_)) {
        return Err(NotRegistered::NoDevice(address.clone()));
    }
    if !directory.may_register(customer, address) {
        return Err(NotRegistered::Taken(address.clone()));
    }
    if others >= REGISTERED_MAX {
        return Err(NotRegistered::TooMany);
    }
    Ok(())
}

/// What is to be done with an import.
pub enum Import {
    Write(Option<Keyed>),
    /// Only say what would change.
    Try,
}

/// An import with an idempotency key.
pub struct Keyed {
    /// Hash of the customer's key.
    pub key: [u8; 32],
    /// Hash of the request.
    pub fingerprint: [u8; 32],
    /// What is kept to be told again.
    pub answer: fn(&Imported) -> bytes::Bytes,
}

/// Registers or changes many devices; each line holds by itself. `refused` are lines that the caller could not read.
/// Yields what it came to, or what an earlier import with its key was told. `done` is called when all is durable.
pub fn import_devices(
    house: &House,
    (customer, who): (CustomerIndex, &str),
    (lines, refused): (Vec<NewDevice>, Vec<(usize, String)>),
    import: Import,
    now: Timestamp,
    done: impl FnOnce(Result<(), StoreFailed>) + Send + 'static,
) -> Result<Result<Imported, OnceRecord>, NotRegistered> {
    let directory = house.directory();
    let customer = directory.customer_at(customer);
    let registry = directory.registry();
    let _writing = registry.writing();
    let durable = |done: Done| house.store.amend(Vec::new(), Some(done)).map_err(NotAccepted::from);
    if let Import::Write(Some(keyed)) = &import
        && let Some(record) = house.store.once(&customer.id, &keyed.key, now)?
    {
        if record.fingerprint != keyed.fingerprint {
            return Err(NotRegistered::OtherRequest);
        }
        durable(Box::new(done))?;
        return Ok(Err(record));
    }
    let (mut imported, rewrites) = plan(house, &directory, customer, lines)?;
    imported.refused.extend(refused);
    imported.refused.sort();
    let keyed = match import {
        Import::Write(keyed) => keyed,
        Import::Try => {
            done(Ok(()));
            return Ok(Ok(imported));
        }
    };
    if rewrites.is_empty() && keyed.is_none() {
        durable(Box::new(done))?;
        return Ok(Ok(imported));
    }
    let once = keyed.map(|keyed| {
        let Keyed { key, fingerprint, answer } = keyed;
        NewOnce { key, fingerprint, answer: answer(&imported) }
    });
    let put = |rewrite: &Rewrite| Some((Address::Msisdn(rewrite.digits.clone()), rewrite.after.clone()?));
    let shown: Vec<_> = rewrites.iter().filter_map(put).collect();
    let audit = audit_of_many(&customer.id, who, &imported, now);
    house.store.rewrite_devices(Rewrites { customer: &customer.id, rewrites, audit, once }, done)?;
    shown.iter().for_each(|(address, device)| registry.put(address, &customer.id, device));
    Ok(Ok(imported))
}

fn audit_of_many(customer: &str, who: &str, imported: &Imported, now: Timestamp) -> Audit {
    let Imported { created, updated, .. } = imported;
    let after = format!("{{\"imported\":{{\"created\":{created},\"updated\":{updated}}}}}");
    Audit {
        who: who.into(),
        at: now,
        kind: KIND_OF_MANY.into(),
        id: customer.into(),
        before: None,
        after: Some(after.into()),
    }
}

fn plan(
    house: &House,
    directory: &Directory,
    customer: &Customer,
    lines: Vec<NewDevice>,
) -> Result<(Imported, Vec<Rewrite>), NotRegistered> {
    let mut imported = Imported::default();
    let mut rewrites = Vec::with_capacity(lines.len());
    let mut lines_of: HashMap<Address, usize> = HashMap::with_capacity(lines.len());
    for NewDevice { line, address, device } in lines {
        if let Some(first) = lines_of.get(&address) {
            imported.refused.push((line, format!("line {first} is about {address}, too")));
            continue;
        }
        let before = house.store.device(&customer.id, address.digits())?;
        let others = directory.registry().len() + imported.created;
        match &before {
            None => match check(directory, customer, &address, others) {
                Ok(()) => imported.created += 1,
                Err(refusal) => {
                    imported.refused.push((line, refusal.to_string()));
                    continue;
                }
            },
            Some(before) if before.device == device => imported.unchanged += 1,
            Some(_) => imported.updated += 1,
        }
        if before.as_ref().is_none_or(|before| before.device != device) {
            rewrites.push(Rewrite { digits: address.digits().into(), before, after: Some(device) });
        }
        lines_of.insert(address, line);
    }
    Ok((imported, rewrites))
}
